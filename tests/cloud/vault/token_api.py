# SPDX-License-Identifier: Apache-2.0
"""auth/token: look up, renew, revoke, create."""

import re

from . import fields
from .errors import VaultError, invalid
from .op import Login
from .tokens import Grant
from .world import find_prefix


def lookup_self(op):
    return op.token.describe(op.now)


def lookup(op):
    return other(op).describe(op.now)


def renew_self(op):
    return renew_token(op, op.token)


def renew(op):
    return renew_token(op, other(op))


def renew_token(op, token):
    path = re.sub("^auth/", "", token.grant.path)
    namespace = op.world.namespaces[token.namespace]
    method = find_prefix(namespace.logins, path)
    if method is not None:
        namespace.logins[method].check_renewal(op, token)
    op.world.tokens.renew(token, fields.seconds(op.body, "increment"), op.now)
    return Login(token.auth(op.now))


def revoke_self(op):
    op.world.tokens.revoke(op.token)


def revoke(op):
    op.world.tokens.revoke(other(op))


def revoke_orphan(op):
    op.world.tokens.revoke(other(op), children=False)


def revoke_accessor(op):
    tokens = op.world.tokens
    tokens.revoke(tokens.find_accessor(fields.text(op.body, "accessor")))


def lookup_accessor(op):
    tokens = op.world.tokens
    found = tokens.find_accessor(fields.text(op.body, "accessor"))
    return {**found.describe(op.now), "id": ""}


def other(op):
    token = op.world.tokens.find(fields.text(op.body, "token")
                                 or op.query("token"), op.now)
    if token is None:
        raise VaultError(403, "bad token")
    return token


def create(op):
    return create_token(op, orphan=fields.truth(op.body, "no_parent"))


def create_orphan(op):
    return create_token(op, orphan=True)


def create_token(op, orphan):
    """A child with no more policies than its parent has."""
    parent = op.token
    wanted = fields.names(op.body, "policies", parent.grant.policies)
    if not parent.root and not set(wanted) <= set(parent.grant.policies):
        raise invalid("child policies must be subset of parent")
    if "root" not in wanted and not fields.truth(op.body,
                                                 "no_default_policy"):
        wanted = [*wanted, "default"]
    ttl = fields.seconds(op.body, "ttl")
    grant = Grant(
        sorted(set(wanted)), ttl_s=ttl,
        explicit_max_ttl_s=fields.seconds(op.body, "explicit_max_ttl"),
        period_s=fields.seconds(op.body, "period"),
        num_uses=fields.number(op.body, "num_uses"),
        renewable=fields.truth(op.body, "renewable", True),
        kind=fields.text(op.body, "type", "service"),
        display_name="token-" + fields.text(op.body, "display_name"),
        parent=None if orphan else parent.id,
        no_expiry="root" in wanted and not ttl)
    if grant.kind not in ("service", "batch"):
        raise invalid(f"invalid 'token_type' value {grant.kind!r}")
    if grant.parent and parent.grant.kind == "batch":
        raise invalid("batch tokens cannot create more tokens")
    token = op.world.tokens.create(op.namespace.path, grant, op.now,
                                   fields.text(op.body, "id") or None)
    return Login(token.auth(op.now))


# By path: what each kind of request does, and how it is counted.
ROUTES = {
    "lookup-self": {"read": lookup_self, "write": lookup_self},
    "lookup": {"read": lookup, "write": lookup},
    "lookup-accessor": {"write": lookup_accessor},
    "renew-self": {"write": renew_self},
    "renew": {"write": renew},
    "revoke-self": {"write": revoke_self},
    "revoke": {"write": revoke},
    "revoke-orphan": {"write": revoke_orphan},
    "revoke-accessor": {"write": revoke_accessor},
    "create": {"write": create},
    "create-orphan": {"write": create_orphan},
}


def login(op, method):
    """A login method's Grant becomes a token."""
    return issue(op, method.login(op))


def issue(op, grant):
    token = op.world.tokens.create(op.namespace.path, grant, op.now)
    return Login(token.auth(op.now))


def special(op, method, rest):
    found = method.special(op, rest)
    return issue(op, found) if isinstance(found, Grant) else found


def role(op, method, name):
    if op.kind == "read":
        return method.get_role(name)
    if op.kind == "delete":
        method.roles.pop(name, None)
    else:
        method.set_role(op, name)
    return None


def roles(op, method):
    if not method.roles:
        raise VaultError(404)
    return {"keys": sorted(method.roles)}


def configure(op, method):
    if op.kind == "read":
        return method.config
    method.configure(op)
    return None
