# SPDX-License-Identifier: Apache-2.0
"""Three listeners: the KMS API, the token endpoints, the metadata server."""

import re

from frame.errors import Refused, ServiceError
from frame.service import Answer, Listener, Service

from . import (awsmetadata, enums, errors, form, impersonate, lies, metadata,
               names, oauth, routes, shapes, sts)
from .accounts import CLOUD_KMS, CLOUD_PLATFORM, IAM
from .call import Ask
from .errors import GcpError, OAuthError, PageError
from .keys import LOCATIONS
from .tokens import Verifier
from .world import World

IMPERSONATE = re.compile(r"/v1/projects/-/serviceAccounts/"
                         r"(?P<email>[^/:]+):generateAccessToken")
SUBJECT_HEADER = ("X-Subject-Reader", "ownkey")
AWS = ("AwsToken", "AwsMetadata")
GOOGLE_HEADERS = [("Vary", "Origin"), ("Vary", "X-Origin"),
                  ("Vary", "Referer"), ("Server", "ESF"),
                  ("Cache-Control", "private"),
                  ("X-Content-Type-Options", "nosniff")]


class GcpService(Service):
    listeners = (Listener("kms"), Listener("oauth"),
                 Listener("metadata", tls=False))
    content_type = errors.JSON_TYPE
    own_lies = lies.LIES

    def __init__(self, project, number, location, ring, log=None):
        super().__init__(log)
        self.world = World(project, number, location, ring, self.now)
        world = self.world
        self.endpoints = {}         # by listener, once they are known
        self._kms = Verifier(world.tokens, world.accounts,
                             (CLOUD_KMS, CLOUD_PLATFORM), self._audiences)
        self._iam = Verifier(world.tokens, world.accounts,
                             (IAM, CLOUD_PLATFORM), lambda: (),
                             "iamcredentials.googleapis.com")

    def _audiences(self):
        """What a self-signed token for the KMS API may be for."""
        hosts = ["cloudkms.googleapis.com"] + [
            f"cloudkms.{each}.rep.googleapis.com" for each in LOCATIONS]
        return [f"https://{host}/" for host in hosts] + [
            self.endpoints.get("kms", "") + "/"]

    # Routes

    def prepare(self, call):
        getattr(self, "_prepare_" + call.request.listener)(call)

    def _prepare_kms(self, call):
        request = call.request
        operation, text = routes.find(request.method, request.path)
        call.operation = operation.name
        call.identity = self._kms.verify(request.header("Authorization"),
                                         self.now())
        call.accepted = True    # others do not use orders up
        self._check_project(call)
        name = self.world.local(names.parse(text, *operation.kinds))
        self._check_location(name)
        ask = Ask(self.world, operation, name, call.identity)
        if name.key is not None:
            call.keys = sorted({str(name.key_name()), str(name)})
        call.state["ask"] = ask

    def _check_project(self, call):
        """Whose quota it is, whether the API is on, and what is left."""
        world, principal = self.world, call.identity
        project = call.request.header("X-Goog-User-Project")
        if project is None and principal.needs_quota_project:
            raise errors.needs_quota_project()
        if project is not None and not world.policy.allows(
                principal.members, "serviceusage.services.use",
                f"projects/{project}"):
            raise errors.quota_project_denied(project)
        if not world.api_enabled:
            raise errors.service_disabled(f"project {world.project_number}")
        wait_s = world.quota.take(self.now())
        if wait_s:
            raise errors.exhausted(retry_s=wait_s)

    def _check_location(self, name):
        here = self.world.only_location
        if name.location is not None and (
                name.location not in LOCATIONS
                or here not in (None, name.location)):
            raise errors.wrong_location(name.location, here or "global")

    def _prepare_oauth(self, call):
        request = call.request
        match = IMPERSONATE.fullmatch(request.path)
        if request.method != "POST":
            raise PageError(404)
        if match:
            call.operation = "GenerateAccessToken"
            call.identity = self._iam.verify(request.header("Authorization"),
                                             self.now())
            call.state["email"] = match.group("email")
            call.keys = [match.group("email")]
        elif request.path in ("/token", "/v1/token", "/v1/oauthtoken"):
            call.document = form.parse(request)
            call.operation = self._grant(request.path, call.document)
        else:
            raise PageError(404)

    @staticmethod
    def _grant(path, members):
        grant = members.get("grant_type", "")
        if path == "/v1/token":
            return "ExchangeToken"
        if path == "/token" and grant == oauth.JWT_BEARER:
            return "JwtBearer"
        if grant == "refresh_token":
            return "RefreshToken"
        raise OAuthError("unsupported_grant_type",
                         f"Invalid grant_type: {grant}")

    def _prepare_metadata(self, call):
        request = call.request
        if request.path.startswith(awsmetadata.PREFIX):
            call.operation = self.world.aws_metadata.operation(request)
        elif request.method not in ("GET", "HEAD"):
            raise PageError(405)
        elif request.path == "/subject-token":
            call.operation = "SubjectToken"
            if request.header(SUBJECT_HEADER[0]) != SUBJECT_HEADER[1]:
                raise PageError(401, "who asks?\n", "text/plain")
        else:
            call.operation = metadata.operation(request)

    # Operations

    def perform(self, call):
        return getattr(self, "_perform_" + call.request.listener)(call)

    def _perform_kms(self, call):
        ask, request = call.state["ask"], call.request
        ask.lie = call.lie
        ask.query = routes.read_query(ask.operation, request.query)
        if ask.operation.permission is not None:
            ask.permit(ask.operation.permission)
        if ask.operation.shape is not None:
            check_content_type(request)
            ask.args = shapes.check(ask.operation.shape,
                                    shapes.parse_json(request.body))
        reply = shapes.prune(ask.operation.handler(ask))
        if routes.wants_numbers(request.query):
            reply = enums.with_numbers(reply)
        return reply

    def _perform_oauth(self, call):
        world, members = self.world, call.document
        if call.operation == "GenerateAccessToken":
            return impersonate.generate_access_token(
                world, call.identity, call.state["email"],
                call.request.body)
        if call.operation == "ExchangeToken":
            return sts.exchange(world, members)
        if call.operation == "JwtBearer":
            return oauth.jwt_bearer(world, members,
                                    self.endpoints.get("oauth", "")
                                    + call.request.path)
        return oauth.refresh_token(world, members, form.basic(call.request))

    def _perform_metadata(self, call):
        if call.operation == "SubjectToken":
            token = sts.subject_token(self.world)
            if call.request.query.get("format") == ["json"]:
                return {"id_token": token}
            return Answer(token.encode(), content_type="text/plain")
        machine = (self.world.aws_metadata if call.operation in AWS
                   else self.world.metadata)
        reply = machine.answer(call.request)
        if isinstance(reply, bytes):
            return Answer(reply, content_type="application/text")
        return Answer(reply, content_type="application/json")

    # Errors

    def denied(self, call):
        if call.request.listener == "kms":
            ask = call.state["ask"]
            return errors.denied(ask.operation.permission or "", ask.name)
        if call.operation == "GenerateAccessToken":
            return errors.denied(
                impersonate.NEED,
                impersonate.resource_of(call.state["email"]),
                impersonate.DOMAIN)
        if call.request.listener == "oauth":
            return OAuthError("unauthorized_client", "Unauthorized", 401)
        return PageError(403)

    def throttled(self, call):
        if speaks_rpc(call):
            return errors.exhausted()
        if call.request.listener == "oauth":
            return OAuthError("rate_limit_exceeded", "Rate limit exceeded.",
                              429)
        return PageError(429)

    def failure(self, call, what):
        try:
            if speaks_rpc(call):
                return errors.ordered(what)
            if what.isdecimal():
                return PageError(int(what))
            return OAuthError(what, "As ordered.",
                              500 if "_failure" in what else 400)
        except ValueError:
            return GcpError("UNKNOWN", "As ordered.")

    def broken(self, call):
        return ServiceError("InternalFailure", status=500)

    def bad_framing(self, status):
        return PageError(status)

    def headers(self, call):
        if call.request.listener != "metadata":
            return GOOGLE_HEADERS
        if call.operation in AWS:
            return [("Server", "EC2ws")]
        return [each for each in metadata.HEADERS
                if each != metadata.FLAVOR or call.lie != "no-flavor"]

    def log_members(self, call):
        identity, ask = call.identity, call.state.get("ask")
        return {"principal": identity.subject if identity else None,
                "resource": str(ask.name) if ask else None,
                "quota_project": call.request.header("X-Goog-User-Project")}

    # Names as tests write them

    def find_name(self, text):
        """A ring, key or version: its full name, or KEY, or KEY/VERSION in
        the ring of the double. Refused if there is none."""
        if not text.startswith("projects/"):
            key, _, version = text.partition("/")
            text = f"{self.world.ring_name}/cryptoKeys/{key}" + (
                f"/cryptoKeyVersions/{version}" if version else "")
        try:
            name = self.world.local(names.parse(text))
        except ServiceError as error:
            raise Refused(error.message) from None
        if not self.world.store.exists(name):
            raise Refused(f"there is no {name}")
        return name

    def key_name(self, ref):
        """Also a service account, for orders about impersonation."""
        if "@" in ref:
            return ref
        return str(self.find_name(ref))


def speaks_rpc(call):
    """Whether the errors are those of google.rpc."""
    return (call.request.listener == "kms"
            or call.operation == "GenerateAccessToken")


def check_content_type(request):
    kind = (request.header("Content-Type") or "").partition(";")[0]
    if request.body and kind.strip().lower() != "application/json":
        raise errors.invalid("Invalid Content-Type: a JSON body is "
                             "application/json.")
