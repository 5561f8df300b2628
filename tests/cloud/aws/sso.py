# SPDX-License-Identifier: Apache-2.0
"""IAM Identity Center: the portal that gives keys for a token, and the
endpoint that renews tokens. Both on one port, told apart by their paths."""

import json
import secrets

from frame.errors import ServiceError

from .sessions import iso

START_URL = "https://example.awsapps.com/start"


class SsoError(ServiceError):
    def __init__(self, code, message, status):
        super().__init__(code, message, status)

    def render(self, call):
        body = {"__type": self.code, "message": self.message}
        if self.code.startswith("invalid_"):    # of OAuth
            body = {"error": self.code, "error_description": self.message}
        return "application/json", json.dumps(body).encode()


class Sso:
    def __init__(self, service):
        self._service = service
        self._tokens = {}               # expiry by access token
        self._refresh = {}              # client by refresh token
        self.assigned = {("111122223333", "kms-user")}
        self.lifetime_s = 3600          # of tokens that are renewed

    def login(self, lifetime_s=3600, refreshable=True):
        """What `aws sso login` writes to its cache."""
        now = self._service.now()
        client = {"clientId": secrets.token_hex(8),
                  "clientSecret": secrets.token_urlsafe(60),
                  "registrationExpiresAt": iso(now + 90 * 86400)}
        document = {"startUrl": START_URL, "region": "eu-west-1",
                    "accessToken": self._new_token(lifetime_s),
                    "expiresAt": iso(now + lifetime_s)}
        if refreshable:
            document.update(client,
                            refreshToken=self._new_refresh(client))
        return document

    def revoke(self):
        self._tokens.clear()
        self._refresh.clear()

    def prepare(self, call):
        request = call.request
        if request.path == "/federation/credentials":
            call.operation = "GetRoleCredentials"
        elif request.path == "/token" and request.method == "POST":
            call.operation = "CreateToken"
        else:
            raise SsoError("ResourceNotFoundException", "no such path", 404)

    def perform(self, call):
        if call.operation == "CreateToken":
            return self._create_token(call.request)
        return self._role_credentials(call.request)

    def _role_credentials(self, request):
        token = request.header("x-amz-sso_bearer_token")
        if request.method != "GET" or request.header("Authorization"):
            raise SsoError("InvalidRequestException", "an unsigned GET", 400)
        if self._tokens.get(token, 0) <= self._service.now():
            raise SsoError("UnauthorizedException",
                           "Session token not found or invalid", 401)
        asked = (request.query.get("account_id", [""])[0],
                 request.query.get("role_name", [""])[0])
        if asked not in self.assigned:
            raise SsoError("ForbiddenException", "No access", 403)
        key = self._service.sessions.issue(
            f"arn:aws:sts::{asked[0]}:assumed-role/"
            f"AWSReservedSSO_{asked[1]}/person")
        return {"roleCredentials": {
            "accessKeyId": key.access_key, "secretAccessKey": key.secret_key,
            "sessionToken": key.token,
            "expiration": int(key.expires_s * 1000)}}

    def _create_token(self, request):
        try:
            asked = json.loads(request.body)
            client = self._refresh[asked["refreshToken"]]
            if (asked["grantType"] != "refresh_token"
                    or asked["clientId"] != client["clientId"]
                    or asked["clientSecret"] != client["clientSecret"]):
                raise SsoError("invalid_client", "not the client", 401)
        except (ValueError, KeyError, TypeError):
            raise SsoError("invalid_grant", "no such refresh token",
                           400) from None
        del self._refresh[asked["refreshToken"]]    # each is good for once
        return {"accessToken": self._new_token(self.lifetime_s),
                "expiresIn": self.lifetime_s, "tokenType": "Bearer",
                "refreshToken": self._new_refresh(client)}

    def _new_token(self, lifetime_s):
        token = secrets.token_urlsafe(90)
        self._tokens[token] = self._service.now() + lifetime_s
        return token

    def _new_refresh(self, client):
        token = secrets.token_urlsafe(90)
        self._refresh[token] = client
        return token
