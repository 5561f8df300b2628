# SPDX-License-Identifier: Apache-2.0
"""One request on its way to a handler, and how its reply looks."""

import re
import uuid
from dataclasses import dataclass, field


@dataclass
class Op:
    world: object
    namespace: object           # world.Namespace
    path: str                   # below the namespace
    kind: str                   # read, list, write or delete
    body: dict
    now: float                  # by the clock of the service
    request: object = None      # frame.service.Request; None for an order
    token: object = None
    creates: bool = False       # a write of what is not there yet
    lie: str = ""
    tls: bool = False
    warnings: list = field(default_factory=list)

    @property
    def writes(self):
        return self.kind == "write"

    @property
    def peer_certificate(self):
        return self.request.peer_certificate if self.request else None

    def query(self, name):
        values = self.request.query.get(name) if self.request else None
        return values[-1] if values else ""


@dataclass
class Login:
    """A handler's answer that is a token."""
    auth: dict


def envelope(request_id, result, warnings=(), wrap_info=None,
             mount_type="transit"):
    """What every answer but the health of the node is in."""
    auth = result.auth if isinstance(result, Login) else None
    return {"request_id": request_id, "lease_id": "", "renewable": False,
            "lease_duration": 0,
            "data": None if auth or wrap_info else result,
            "wrap_info": wrap_info, "warnings": list(warnings) or None,
            "auth": auth, "mount_type": mount_type}


# Lies that only this service can tell: each changes an envelope.

def _key_version(reply, _):
    """Another version of the key than the one that did it."""
    data = reply.get("data") or {}
    for holder in [data, *data.get("batch_results", [])]:
        for name, value in holder.items():
            if isinstance(value, str):
                holder[name] = re.sub(
                    r"^vault:v(\d+):",
                    lambda match: f"vault:v{int(match[1]) + 1}:", value)
        if "key_version" in holder:
            holder["key_version"] += 1


def _prefix(reply, _):
    """A ciphertext or signature that does not say vault:vN:."""
    data = reply.get("data") or {}
    for name, value in data.items():
        if isinstance(value, str):
            data[name] = re.sub(r"^vault:v(\d+):", r"\1:", value)


def _other_name(reply, _):
    data = reply.get("data") or {}
    if "name" in data:
        data["name"] += "-other"


def _wrap_info(reply, _):
    """The answer waits for somebody's approval."""
    reply.update(data=None, auth=None, wrap_info={
        "token": "hvs.wrapped", "accessor": str(uuid.uuid4()), "ttl": 300,
        "creation_time": "2026-01-01T00:00:00Z",
        "creation_path": "transit/decrypt/acme"})


def _mfa(reply, _):
    """A login that lacks its second factor."""
    if reply.get("auth"):
        reply["auth"].update(client_token="", mfa_requirement={
            "mfa_request_id": str(uuid.uuid4()), "mfa_constraints": {}})


def _error_body(reply, _):
    return b'{"errors":["an error with status 200"]}\n'


def _batch_short(reply, _):
    """One result less than was asked for."""
    (reply.get("data") or {}).get("batch_results", [None]).pop()


def _batch_swapped(reply, _):
    (reply.get("data") or {}).get("batch_results", []).reverse()


LIES = {"key-version": _key_version, "prefix": _prefix,
        "other-name": _other_name, "wrap-info": _wrap_info, "mfa": _mfa,
        "error-body": _error_body, "batch-short": _batch_short,
        "batch-swapped": _batch_swapped,
        "short-signature": None}        # told while signing
