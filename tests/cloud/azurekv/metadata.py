# SPDX-License-Identifier: Apache-2.0
"""Where machines get tokens of their managed identities: the instance
metadata service, App Service, and the agent of Azure Arc."""

import hmac
import os
import secrets
import threading
import uuid

from frame.errors import ServiceError

from .errors import IdentityError
from .tokens import IDENTITY_LIFETIME_S

TOKEN_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_PATH = "/msi/token"
IMDS_VERSIONS = ("2018-02-01", "2018-04-02", "2018-10-01", "2019-02-01",
                 "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04",
                 "2019-08-01", "2019-08-15", "2019-11-01", "2020-06-01",
                 "2020-09-01", "2021-01-01", "2021-02-01")
ARC_VERSIONS = ("2019-11-01", "2020-06-01")

# Parameters that name an identity, and the member they are about.
NAMES = {"client_id": "client_id", "clientid": "client_id",
         "object_id": "object_id", "principal_id": "object_id",
         "msi_res_id": "resource_id", "mi_res_id": "resource_id"}


def bad_request(description):
    return IdentityError("invalid_request", description, 400)


class IdentityFace:
    """What the endpoints have in common."""
    path = TOKEN_PATH
    operation = ""
    versions = ()
    names = ()              # of parameters for an identity

    def __init__(self, service):
        self._service = service

    def prepare(self, call):
        if call.request.path != self.path:
            raise ServiceError("NotFound", status=404)
        call.operation = self.operation

    def perform(self, call):
        request = call.request
        if request.method != "GET":
            raise ServiceError("MethodNotAllowed", status=405)
        self.check(call)
        versions = request.query.get("api-version", [])
        if len(versions) != 1 or versions[0] not in self.versions:
            raise bad_request("Bad Request. The api-version is missing or "
                              "not supported.")
        resource = request.query.get("resource", [""])[0]
        if not resource:
            raise bad_request("Required audience parameter not specified")
        identity = self._select(request.query)
        if not self._service.knows_resource(resource):
            raise IdentityError(
                "invalid_resource", "AADSTS500011: The resource principal "
                f"named {resource} was not found in the tenant named "
                f"{identity.tenant}.", 400)
        call.state["client_id"] = identity.client_id
        return self._issue(identity, resource)

    def check(self, call):
        """Whatever shows that the request comes from this machine."""
        raise NotImplementedError

    def _select(self, query):
        given = {NAMES[name]: query[name][0] for name in self.names
                 if name in query}
        if len(given) > 1:
            raise bad_request("Only one of the parameters that identify an "
                              "identity may be used")
        identity = self._service.directory.select_identity(given)
        if identity is None:
            raise bad_request("Identity not found")
        return identity

    def _issue(self, identity, resource):
        now = self._service.now()
        # A slash at the end stays in the audience, and no vault takes that.
        token, lifetime_s = self._service.issuer.issue(
            identity.tenant, identity.client_id, identity.object_id,
            resource, now, IDENTITY_LIFETIME_S)
        return self.document(identity, resource, token, int(now), lifetime_s)

    def document(self, identity, resource, token, now, lifetime_s):
        """All numbers are text."""
        return {"access_token": token, "client_id": identity.client_id,
                "expires_in": str(lifetime_s),
                "expires_on": str(now + lifetime_s),
                "ext_expires_in": str(lifetime_s), "not_before": str(now),
                "resource": resource, "token_type": "Bearer"}


def require_metadata(request):
    """The header that a browser or a proxy would not send, and none of
    those that a proxy would add."""
    if (request.header("Metadata") or "").lower() != "true":
        raise bad_request("Required metadata header not specified")
    if request.header("X-Forwarded-For") is not None:
        raise bad_request("X-Forwarded-For is not allowed")


class Imds(IdentityFace):
    operation = "imds"
    versions = IMDS_VERSIONS
    names = ("client_id", "object_id", "msi_res_id", "mi_res_id")

    def check(self, call):
        require_metadata(call.request)


class AppService(IdentityFace):
    operation = "appservice"
    path = APP_SERVICE_PATH
    versions = ("2017-09-01", "2019-08-01")
    names = ("client_id", "clientid", "object_id", "principal_id",
             "mi_res_id")

    def __init__(self, service):
        super().__init__(service)
        self.header = str(uuid.uuid4()).upper()

    def check(self, call):
        """The header changed its name with the version."""
        old = call.request.query.get("api-version") == ["2017-09-01"]
        given = call.request.header("Secret" if old else "X-IDENTITY-HEADER")
        if not hmac.compare_digest(given or "", self.header):
            raise IdentityError("unauthorized", "The identity header is "
                                "missing or wrong.", 401)

    def document(self, identity, resource, token, now, lifetime_s):
        return {"access_token": token, "client_id": identity.client_id,
                "expires_on": str(now + lifetime_s), "resource": resource,
                "token_type": "Bearer"}


class Arc(IdentityFace):
    """Has a caller show that it can read a file of the agent's.

    directory  where the files are
    realm      said in place of the true path, by order
    """
    operation = "arc"
    versions = ARC_VERSIONS

    def __init__(self, service, directory):
        super().__init__(service)
        self.directory = directory
        self.realm = ""
        self._lock = threading.Lock()
        self._open = {}         # secret: path of its file

    def check(self, call):
        require_metadata(call.request)
        scheme, _, secret = (call.request.header("Authorization")
                             or "").partition(" ")
        if not secret:
            raise self._challenge()
        path = None
        if scheme.lower() == "basic":
            with self._lock:
                path = self._open.pop(secret, None)
        if path is None:
            raise IdentityError("unauthorized", "The secret is not the one "
                                "of an open challenge.", 401)
        os.unlink(path)

    def _challenge(self):
        secret = secrets.token_urlsafe(48)
        os.makedirs(self.directory, mode=0o750, exist_ok=True)
        path = os.path.join(self.directory, f"{uuid.uuid4()}.key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640),
                  "w", encoding="ascii") as file:
            file.write(secret)
        with self._lock:
            self._open[secret] = path
        return IdentityError(
            "unauthorized", "The token is for who can read the file.", 401,
            headers=[("WWW-Authenticate", "Basic realm="
                      f"{self.realm or path}")])

    def clean(self):
        """Removes the files of challenges that nobody answered."""
        with self._lock:
            paths = list(self._open.values())
            self._open.clear()
        for path in paths:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
