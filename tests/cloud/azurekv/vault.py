# SPDX-License-Identifier: Apache-2.0
"""The data plane of Key Vault and Managed HSM: from a request to a call."""

import json
import re

from . import access, crypto_ops, manage_ops
from .errors import BadHost, VaultError, bad_parameter
from .specs import API_VERSIONS
from .tokens import Verifier

OPERATIONS = {**crypto_ops.OPERATIONS, **manage_ops.OPERATIONS}

# Method, path, name of the operation. What is not here is not done.
ROUTES = [(method, re.compile(path), name) for method, path, name in (
    ("GET", r"/keys", "list"),
    ("GET", r"/keys/(?P<key>[^/]+)/versions", "versions"),
    ("GET", r"/keys/(?P<key>[^/]+)(/(?P<version>[^/]*))?", "get"),
    ("POST", r"/keys/(?P<key>[^/]+)/create", "create"),
    ("POST", r"/keys/(?P<key>[^/]+)/rotate", "rotate"),
    ("PUT", r"/keys/(?P<key>[^/]+)", "import"),
    ("PATCH", r"/keys/(?P<key>[^/]+)(/(?P<version>[^/]*))?", "update"),
    ("DELETE", r"/keys/(?P<key>[^/]+)", "delete"),
    ("GET", r"/deletedkeys", "list-deleted"),
    ("GET", r"/deletedkeys/(?P<key>[^/]+)", "get-deleted"),
    ("DELETE", r"/deletedkeys/(?P<key>[^/]+)", "purge"),
    ("POST", r"/deletedkeys/(?P<key>[^/]+)/recover", "recover"),
    ("POST", r"/rng", "rng"),
    *(("POST", rf"/keys/(?P<key>[^/]+)/((?P<version>[^/]*)/)?{op.lower()}", op)
      for op in ("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign",
                 "verify")),
)]


class VaultFace:
    """The vaults of one kind; a request says by its Host which it means."""

    def __init__(self, service, kind):
        self._service = service
        self._kind = kind
        self._verifier = Verifier(service.issuer, service.directory,
                                  numbered=kind != "hsm")

    def prepare(self, call):
        vault = self._find_vault(call.request)
        call.state["vault"] = vault
        call.state["base"] = f"https://{call.request.header('Host')}"
        self._route(call, vault)
        call.identity = self._verifier.verify(
            call.request.header("Authorization"),
            self._service.cloud.audience(vault.kind), vault.tenant,
            self.challenge(vault), self._service.now())
        call.accepted = True

    def _find_vault(self, request):
        host, _, _ = (request.header("Host") or "").partition(":")
        suffix = self._service.cloud.suffix(self._kind)
        vaults = self._service.vaults_of(self._kind)
        for vault in vaults:
            if host.lower() == f"{vault.name}.{suffix}":
                return vault
        if host in ("127.0.0.1", "localhost") or host in \
                self._service.other_hosts:
            return vaults[0]
        raise BadHost()

    def challenge(self, vault):
        if vault.challenge:
            return vault.challenge
        return (f'Bearer authorization="{self._service.authority}/'
                f'{vault.tenant}", resource='
                f'"{self._service.cloud.audience(vault.kind)}"')

    @staticmethod
    def _route(call, vault):
        """What is asked for; unknown things have no operation."""
        for method, path, name in ROUTES:
            match = path.fullmatch(call.request.path)
            if match and method == call.request.method:
                found = match.groupdict()
                call.operation = name
                call.state["key"] = found.get("key") or ""
                call.state["version"] = found.get("version") or ""
                if found.get("key"):
                    call.keys = [f"{vault.name}/{found['key'].lower()}"]
                return

    def perform(self, call):
        vault = call.state["vault"]
        if vault.access.firewall:
            raise access.blocked(vault, call.identity)
        call.state["api"] = self._api_version(call.request)
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            raise bad_parameter(f"Method {call.request.method} does not "
                                f"allow operation '{call.request.path}'")
        if operation.kind not in (None, vault.kind) \
                or not operation.available(call.state["api"]):
            raise VaultError(404, "NotFound", "The operation is not there.")
        self._authorise(call, vault, operation.permission)
        if operation.has_body:
            call.document = read_body(call.request)
        with vault.lock:
            return operation.handler(call, vault, self._service)

    @staticmethod
    def _api_version(request):
        values = request.query.get("api-version")
        if not values:
            raise bad_parameter("api-version must be specified")
        if len(values) > 1 or values[0] not in API_VERSIONS:
            raise bad_parameter(
                f"The specified version ({values[0]}) is not recognized. "
                "Consider using the latest supported version "
                f"({API_VERSIONS[-1]}).")
        return values[0]

    @staticmethod
    def _authorise(call, vault, permission):
        key = call.state["key"] or None
        with vault.lock:
            if not vault.access.allows(call.identity["appid"], permission,
                                       key):
                raise access.denied(vault, call.identity, permission, key,
                                    call.request_id)

    def denied(self, call):
        operation = OPERATIONS.get(call.operation)
        return access.denied(
            call.state["vault"], call.identity,
            operation.permission if operation else "get", call.state["key"],
            call.request_id)


def read_body(request):
    """The JSON object in a request; a member may not be there twice."""
    content_type = (request.header("Content-Type") or "").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        raise VaultError(415, "UnsupportedMediaType",
                         "Content-Type must be application/json.")
    try:
        document = json.loads(request.body, object_pairs_hook=unique)
    except ValueError:
        raise bad_parameter("The request body is malformed.") from None
    if not isinstance(document, dict):
        raise bad_parameter("The request body is malformed.")
    return document


def unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members
