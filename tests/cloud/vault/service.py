# SPDX-License-Identifier: Apache-2.0
"""Vault: from a request to its route, who asks, and may they."""

import urllib.parse

from frame.service import Answer, Listener, Service

from . import fields, routes, sys_api
from .errors import (DEAD_TOKEN, INTERNAL, SEALED, THROTTLED, VaultError,
                     denied, for_status, invalid)
from .op import LIES, Op, envelope

KINDS = {"GET": "read", "HEAD": "read", "LIST": "list", "POST": "write",
         "PUT": "write", "DELETE": "delete"}
AGENTS = ("agent", "agent-socket")


class VaultService(Service):
    # The agent adds a token of its own to requests that have none.
    listeners = (Listener("main", client_certificates=True),
                 Listener("agent", tls=False),
                 Listener("agent-socket", unix=True))
    max_body = 32 * 1024 * 1024
    own_lies = LIES
    credential_headers = ("Authorization", "X-Vault-Token")

    def __init__(self, world, log=None):
        super().__init__(log)
        self.world = world
        self.with_tls = False       # of the main listener, once it is there

    def prepare(self, call):
        request = call.request
        self._check_agent(request)
        kind = KINDS.get(request.method)
        if not request.path.startswith("/v1/"):
            raise VaultError(404)
        if kind is None:
            raise VaultError(405)
        if kind == "read" and request.query.get("list") == ["true"]:
            kind = "list"
        path = urllib.parse.unquote(request.path[len("/v1/"):]).rstrip("/")
        header = request.header("X-Vault-Namespace") or ""
        namespace, path = self.world.find_namespace(header, path)
        call.state.update(namespace=namespace.path, path=path)
        self._check_node(request, path)
        self._check_namespace(namespace)
        route = routes.find(namespace, path, kind)
        call.operation = route.operation
        call.keys = [route.key] if route.key else []
        op = Op(self.world, namespace, path, kind, {}, self.now(), request,
                creates=route.creates and kind == "write",
                tls=self.with_tls and request.listener == "main")
        if not route.open:
            op.token = self._authenticate(call, op)
        call.accepted = True
        if not route.open:
            self._authorise(op)
        op.body = call.document = fields.parse_body(request.body)
        call.state.update(op=op, route=route)

    def _check_agent(self, request):
        if (request.listener in AGENTS and self.world.require_request_header
                and request.header("X-Vault-Request") != "true"):
            raise VaultError(412, 'missing "X-Vault-Request" header')

    def _check_node(self, request, path):
        world = self.world
        if path in sys_api.ALWAYS:
            return
        if world.node in ("sealed", "uninitialized"):
            raise VaultError(503, SEALED)
        if world.node != "active" and world.redirect == "none":
            raise VaultError(503, "no active Vault instance found")
        if world.node != "active" and world.redirect:
            raise VaultError(307, headers=[
                ("Location", world.redirect + request.target)])

    @staticmethod
    def _check_namespace(namespace):
        if namespace.state == "locked":
            raise VaultError(503, "API access to this namespace has been "
                             "locked by an administrator - "
                             f"{namespace.path}/ must be unlocked to gain "
                             "access.")
        if namespace.state == "sealed":
            raise VaultError(503, "namespace is sealed")

    def _authenticate(self, call, op):
        text = read_token(call.request)
        if not text and call.request.listener in AGENTS:
            text = self.world.agent_token
        if not text:
            raise VaultError(403, "permission denied")
        token = self.world.tokens.find(text, op.now)
        if token is None:
            raise VaultError(403, DEAD_TOKEN)
        call.identity = token
        self.world.tokens.use(token)
        return token

    def _authorise(self, op):
        allowed = self.world.allowed(op.token, op.namespace, op.path)
        if op.kind == "list":
            allowed |= self.world.allowed(op.token, op.namespace,
                                          op.path + "/")
        needed = {"read": "read", "list": "list", "delete": "delete",
                  "write": "create" if op.creates else "update"}[op.kind]
        if needed not in allowed:
            raise denied()

    def perform(self, call):
        op, route = call.state["op"], call.state["route"]
        op.lie = call.lie
        result = route.run(op)
        status, headers = 200, []
        if isinstance(result, Answer):
            if route.sealed:        # these are in no envelope
                return result
            status, headers, result = (result.status, result.headers,
                                       result.document)
        if result is None and not op.warnings:
            return Answer(None, 204)
        ttl = self._wrap_ttl(call.request)
        if ttl:
            return sys_api.wrap(op, result, ttl, call.request_id)
        document = envelope(call.request_id, result, op.warnings,
                            mount_type=route.mount_type)
        if route.mount_type == "system" and isinstance(result, dict):
            document = {**result, **document}   # as it was long ago
        return Answer(document, status, headers)

    @staticmethod
    def _wrap_ttl(request):
        text = request.header("X-Vault-Wrap-TTL")
        return fields.seconds({"ttl": text}, "ttl") if text else 0

    def denied(self, call):
        return denied()

    def throttled(self, call):
        return VaultError(429, THROTTLED)

    def failure(self, call, what):
        if what.isdecimal():
            return for_status(int(what))
        return invalid(what)

    def broken(self, call):
        return VaultError(500, INTERNAL)

    def bad_framing(self, status):
        return VaultError(status, "http: request body too large")

    def headers(self, call):
        return [("Cache-Control", "no-store"),
                ("Strict-Transport-Security",
                 "max-age=31536000; includeSubDomains")]

    def key_name(self, ref):
        return ref if "/" in ref else "transit/" + ref

    def log_members(self, call):
        token = call.identity
        state = call.state
        items = call.document.get("batch_input")
        return {"batch": len(items) if isinstance(items, list) else None,
                "method": call.request.method, "path": state.get("path"),
                "namespace": state.get("namespace"),
                "accessor": token.accessor if token else None,
                "policies": token.grant.policies if token else None,
                "vault_request": call.request.header("X-Vault-Request")}


def read_token(request):
    """X-Vault-Token wins over a bearer token."""
    text = request.header("X-Vault-Token")
    if text:
        return text
    bearer = request.header("Authorization") or ""
    return bearer[len("Bearer "):] if bearer.startswith("Bearer ") else ""
