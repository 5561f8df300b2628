# SPDX-License-Identifier: Apache-2.0
"""AWS STS: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity.

A role trusts access keys, or a web identity provider (the double's own), and
may ask for an external id. Requests are forms, replies are XML.
"""

import re
import time
import urllib.parse
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.asymmetric import ec

from frame import jose
from frame.errors import ServiceError

from .auth import Verifier
from .errors import AwsError
from .sessions import iso

VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
ISSUER = "https://oidc.example.test/id/1"
AUDIENCE = "sts.amazonaws.com"
WINDOW_S = 900
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/(.+)", re.ASCII)

# How STS calls what the verifier of signatures finds; all are 403.
CODES = {"InvalidSignatureException": "SignatureDoesNotMatch",
         "UnrecognizedClientException": "InvalidClientTokenId",
         "ExpiredTokenException": "ExpiredToken",
         "MissingAuthenticationTokenException": "MissingAuthenticationToken",
         "IncompleteSignatureException": "IncompleteSignature"}
STATUS = {"AccessDenied": 403, "IDPRejectedClaim": 403,
          "RegionDisabledException": 403, "ServiceUnavailable": 503,
          "InternalFailure": 500}


class StsError(ServiceError):
    def __init__(self, code, message, status=None):
        super().__init__(code, message, status or STATUS.get(code, 400))

    def render(self, call):
        kind = "Receiver" if self.status >= 500 else "Sender"
        return "text/xml", (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{kind}</Type>'
            f"<Code>{escape(self.code)}</Code>"
            f"<Message>{escape(str(self.message))}</Message></Error>"
            f"<RequestId>{call.request_id}</RequestId></ErrorResponse>"
        ).encode()


@dataclass
class Role:
    arn: str
    external_id: str = None
    trusts: str = None          # an access key, or the ARN of a session;
                                # None: whoever is known
    web_subject: str = None     # of a web identity that may assume it
    max_s: int = 3600


class Sts:
    def __init__(self, service):
        self._service = service
        self.roles = {}
        self.issuer_key = ec.generate_private_key(ec.SECP256R1())
        self._verifier = Verifier(service.identities, service.regions, "sts",
                                  WINDOW_S)

    def web_token(self, subject, audience=AUDIENCE, lifetime_s=3600,
                  issuer=ISSUER, forged=False):
        now = int(self._service.now())
        key = (ec.generate_private_key(ec.SECP256R1()) if forged
               else self.issuer_key)
        return jose.sign(key, {"alg": "ES256", "typ": "JWT", "kid": "1"},
                         {"iss": issuer, "sub": subject, "aud": [audience],
                          "iat": now, "nbf": now, "exp": now + lifetime_s})

    # A request

    def prepare(self, call):
        request = call.request
        if request.method != "POST" or request.target != "/":
            raise StsError("InvalidAction", "no such action", 404)
        content_type = request.header("Content-Type") or ""
        if not content_type.startswith("application/x-www-form-urlencoded"):
            raise StsError("InvalidAction", "the request is no form")
        form = read_form(request.body)
        call.document = form
        action = form.get("Action")
        if form.get("Version") != VERSION or action not in ACTIONS:
            raise StsError("InvalidAction", f"no action {action}")
        call.operation = action
        if action == "AssumeRoleWithWebIdentity":
            if request.header("Authorization"):
                raise StsError("InvalidAction", "this one is not signed")
        else:
            call.identity = self._verify(request)
        call.keys = [form["RoleArn"]] if "RoleArn" in form else []

    def perform(self, call):
        action = call.operation
        result = ACTIONS[action](self, call, call.document)
        return {action + "Response": {
            action + "Result": result,
            "ResponseMetadata": {"RequestId": call.request_id}}}

    def _verify(self, request):
        try:
            return self._verifier.verify(request.headers, request.body,
                                         self._service.now())[0]
        except AwsError as error:
            raise StsError(CODES.get(error.code, error.code), error.message,
                           403) from None

    # The actions

    def _assume_role(self, call, form):
        role, name = self._role_of(form)
        if role is None or role.web_subject is not None:
            raise self._denied(call, form)
        who = call.identity.arn or call.identity.access_key
        if role.trusts is not None and role.trusts not in (
                who, call.identity.access_key):
            raise self._denied(call, form)
        if role.external_id != form.get("ExternalId") and (
                role.external_id is not None):
            raise self._denied(call, form)
        return self._session(role, name, form)

    def _assume_with_web_identity(self, call, form):
        role, name = self._role_of(form)
        subject = self._subject_of(form.get("WebIdentityToken", ""))
        if role is None or role.web_subject != subject:
            raise StsError("AccessDenied", "Not authorized to perform "
                           "sts:AssumeRoleWithWebIdentity")
        return {"SubjectFromWebIdentityToken": subject, "Audience": AUDIENCE,
                "Provider": ISSUER, **self._session(role, name, form)}

    def _caller_identity(self, call, form):
        account = self._service.store.account
        arn = call.identity.arn or f"arn:aws:iam::{account}:user/test"
        return {"Arn": arn, "UserId": call.identity.access_key,
                "Account": account}

    # Its parts

    def _role_of(self, form):
        arn, name = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        if not ROLE_ARN.fullmatch(arn) or not SESSION_NAME.fullmatch(name):
            raise StsError("ValidationError", "1 validation error detected: "
                           "RoleArn or RoleSessionName")
        external_id = form.get("ExternalId")
        if external_id is not None and not 2 <= len(external_id) <= 1224:
            raise StsError("ValidationError", "ExternalId has 2 to 1224 "
                           "characters")
        return self.roles.get(arn), name

    def _session(self, role, name, form):
        text = form.get("DurationSeconds", "3600")
        if not text.isdecimal() or not 900 <= int(text) <= role.max_s:
            raise StsError("ValidationError", "The requested DurationSeconds "
                           "exceeds the MaxSessionDuration set for this role.")
        account, path = ROLE_ARN.fullmatch(role.arn).groups()
        arn = (f"arn:aws:sts::{account}:assumed-role/"
               f"{path.rpartition('/')[2]}/{name}")
        key = self._service.sessions.issue(arn, int(text))
        return {"AssumedRoleUser": {"Arn": arn, "AssumedRoleId":
                                    "AROA" + uuid.uuid4().hex[:16] + ":" + name},
                "Credentials": {"AccessKeyId": key.access_key,
                                "SecretAccessKey": key.secret_key,
                                "SessionToken": key.token,
                                "Expiration": iso(key.expires_s)}}

    def _denied(self, call, form):
        account = self._service.store.account
        who = call.identity.arn or f"arn:aws:iam::{account}:user/test"
        return StsError("AccessDenied", f"User: {who} is not authorized to "
                        "perform: sts:AssumeRole on resource: "
                        + form["RoleArn"])

    def _subject_of(self, text):
        try:
            jwt = jose.parse(text)
            claims = jwt.claims
            if claims.get("iss") != ISSUER:
                raise StsError("InvalidIdentityToken", "No OpenIDConnect "
                               "provider found in your account for "
                               f"{claims.get('iss')}")
            jose.verify(jwt, self.issuer_key.public_key(), ("ES256",))
        except jose.BadToken:
            raise StsError("InvalidIdentityToken", "Couldn't retrieve "
                           "verification key from your identity provider"
                           ) from None
        if AUDIENCE not in claims.get("aud", []):
            raise StsError("InvalidIdentityToken", "Incorrect token audience")
        if claims.get("exp", 0) <= self._service.now():
            raise StsError("ExpiredTokenException", "Token expired: current "
                           f"date/time {time.time():.0f} must be before the "
                           f"expiration date/time {claims.get('exp')}")
        return claims.get("sub")


ACTIONS = {"AssumeRole": Sts._assume_role,
           "AssumeRoleWithWebIdentity": Sts._assume_with_web_identity,
           "GetCallerIdentity": Sts._caller_identity}


def read_form(body):
    try:
        pairs = urllib.parse.parse_qsl(body.decode("ascii"),
                                       keep_blank_values=True,
                                       strict_parsing=True)
    except ValueError:
        raise StsError("InvalidAction", "the request is no form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise StsError("ValidationError", "a parameter stands twice")
    return form


def is_reply(document):
    return (isinstance(document, dict) and len(document) == 1
            and next(iter(document)).endswith("Response"))


def to_xml(document):
    """The XML of a reply; a lie may have made anything of its values."""
    (root, content), *_ = document.items()
    return (f'<{root} xmlns="{NAMESPACE}">{elements(content)}</{root}>'
            ).encode()


def elements(value):
    if isinstance(value, dict):
        return "".join(f"<{name}>{elements(each)}</{name}>"
                       for name, each in value.items())
    return escape("" if value is None else str(value))
