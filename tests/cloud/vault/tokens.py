# SPDX-License-Identifier: Apache-2.0
"""Tokens: made by logins, used, renewed, expired, revoked with their
children."""

import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field

from .errors import VaultError, invalid

SYSTEM_MAX_S = 32 * 24 * 3600


@dataclass
class Grant:
    """What a login or a role gives to a new token."""
    policies: list
    ttl_s: int = 0              # 0: the system's default
    max_ttl_s: int = 0
    explicit_max_ttl_s: int = 0
    period_s: int = 0
    num_uses: int = 0           # 0: unlimited
    renewable: bool = True
    kind: str = "service"       # or batch
    display_name: str = "token"
    path: str = "auth/token/create"
    meta: dict = field(default_factory=dict)
    parent: str = None
    no_expiry: bool = False
    # A certificate which renewals must show, too.
    certificate: bytes = None


@dataclass
class Token:
    id: str
    accessor: str
    namespace: str
    grant: Grant
    issued_s: float
    ttl_s: int
    expires_s: float            # None: never
    uses_left: int              # 0: unlimited
    wrapped: object = None      # the reply which a wrapping token stands for

    @property
    def root(self):
        return "root" in self.grant.policies

    @property
    def renewable(self):
        return (self.grant.renewable and self.grant.kind == "service"
                and self.expires_s is not None)

    def left_s(self, now):
        return 0 if self.expires_s is None else int(self.expires_s - now)

    def limit_s(self):
        """The time past which renewals do not go; None for none."""
        grant = self.grant
        limits = []
        if grant.explicit_max_ttl_s:
            limits.append(grant.explicit_max_ttl_s)
        if not grant.period_s:
            limits.append(grant.max_ttl_s or SYSTEM_MAX_S)
        return self.issued_s + min(limits) if limits else None

    def auth(self, now):
        """The member auth of a login or a renewal."""
        grant = self.grant
        return {
            "client_token": self.id, "accessor": self.accessor,
            "policies": grant.policies, "token_policies": grant.policies,
            "identity_policies": [], "metadata": grant.meta,
            "lease_duration": self.left_s(now), "renewable": self.renewable,
            "entity_id": "", "token_type": grant.kind,
            "orphan": grant.parent is None, "mfa_requirement": None,
            "num_uses": grant.num_uses}

    def describe(self, now):
        """The data of a look-up."""
        grant = self.grant
        expires = (None if self.expires_s is None
                   else rfc3339(self.expires_s))
        found = {
            "accessor": self.accessor, "creation_time": int(self.issued_s),
            "creation_ttl": self.ttl_s, "display_name": grant.display_name,
            "entity_id": "", "expire_time": expires,
            "explicit_max_ttl": grant.explicit_max_ttl_s, "id": self.id,
            "issue_time": rfc3339(self.issued_s), "meta": grant.meta or None,
            "num_uses": self.uses_left, "orphan": grant.parent is None,
            "path": grant.path, "policies": grant.policies,
            "renewable": self.renewable, "ttl": self.left_s(now),
            "type": grant.kind}
        if grant.period_s:
            found["period"] = grant.period_s
        if self.namespace:
            found["namespace_path"] = self.namespace
        return found


class Tokens:
    """Those in force. Thread-safe."""

    def __init__(self, prefixes, default_ttl_s=SYSTEM_MAX_S):
        self._prefixes = prefixes       # by kind: hvs. or s., hvb. or b.
        self._default_ttl_s = default_ttl_s
        self._lock = threading.Lock()
        self._by_id = {}

    def create(self, namespace, grant, now, text=None):
        length = 120 if grant.kind == "batch" else 24
        random = secrets.token_urlsafe(length).replace("-", "A")
        token = Token(text or self._prefixes[grant.kind] + random,
                      "" if grant.kind == "batch" else str(uuid.uuid4()),
                      namespace, grant, now, 0, None, grant.num_uses)
        if not grant.no_expiry:
            ttl = grant.period_s or grant.ttl_s or self._default_ttl_s
            limit = token.limit_s()
            token.expires_s = now + ttl
            if limit is not None:
                token.expires_s = min(token.expires_s, limit)
            token.ttl_s = int(token.expires_s - now)
        with self._lock:
            self._by_id[token.id] = token
        return token

    def find(self, text, now):
        """The token if it is in force, else None."""
        with self._lock:
            token = self._by_id.get(text)
        if token is None:
            return None
        if token.expires_s is not None and now >= token.expires_s:
            self.revoke(token)
            return None
        return token

    def find_accessor(self, accessor):
        with self._lock:
            for token in self._by_id.values():
                if accessor and token.accessor == accessor:
                    return token
        raise VaultError(403, "1 error occurred:\n\t* invalid accessor\n\n")

    def use(self, token):
        """Charges one use; the last one takes the token away."""
        with self._lock:
            if not token.uses_left:
                return
            token.uses_left -= 1
            if token.uses_left == 0:
                self._by_id.pop(token.id, None)

    def renew(self, token, increment_s, now):
        """Later, but never past the limit; the increment is a wish."""
        if not token.renewable:
            raise invalid("lease is not renewable")
        grant = token.grant
        ttl = (grant.period_s or increment_s or grant.ttl_s
               or self._default_ttl_s)
        limit = token.limit_s()
        token.expires_s = now + ttl
        if limit is not None:
            token.expires_s = min(token.expires_s, limit)
        return token

    def revoke(self, token, children=True):
        with self._lock:
            gone = [token.id]
            while gone:
                this = gone.pop()
                self._by_id.pop(this, None)
                if children:
                    gone += [each.id for each in self._by_id.values()
                             if each.grant.parent == this]

    def revoke_path(self, namespace, prefix):
        """All tokens of an auth method that is taken away."""
        for token in self.all():
            if (token.namespace == namespace
                    and token.grant.path.startswith(prefix)):
                self.revoke(token)

    def all(self):
        with self._lock:
            return list(self._by_id.values())


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (
        f".{int(seconds % 1 * 1e9):09d}Z")
