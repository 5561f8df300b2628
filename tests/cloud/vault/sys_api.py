# SPDX-License-Identifier: Apache-2.0
"""sys: health, seal, mounts, login methods, policies, namespaces, wrapping."""

from frame.service import Answer

from . import fields, transit_keys
from .errors import VaultError, invalid, unsupported_path
from .op import envelope
from .tokens import Grant, rfc3339
from .world import HEALTH

VERSION = {False: "1.21.0", True: "2.6.2"}
CLUSTER = {"cluster_name": "double", "cluster_id":
           "6f0d2a5c-8e1b-4c7d-9a3f-0b1c2d3e4f50"}
# Each state, and the parameter that changes what its health answers.
CODES = {"active": "activecode", "standby": "standbycode",
         "dr-secondary": "drsecondarycode",
         "performance-standby": "performancestandbycode",
         "uninitialized": "uninitcode", "sealed": "sealedcode"}


def health(op):
    """The state of the node as a status, which clients may choose."""
    if op.namespace.path:
        raise invalid("operation unavailable in namespaces")
    node = op.world.node
    status = HEALTH[node]
    for state, alias in (("standby", "standbyok"),
                         ("performance-standby", "perfstandbyok")):
        if node == state and op.query(alias) in ("true", "1"):
            status = int(op.query("activecode") or HEALTH["active"])
    if op.query(CODES[node]).isdecimal():
        status = int(op.query(CODES[node]))
    found = {
        "initialized": node != "uninitialized",
        "sealed": node in ("sealed", "uninitialized"),
        "standby": node in ("standby", "performance-standby", "sealed",
                            "uninitialized"),
        "performance_standby": node == "performance-standby",
        "replication_performance_mode": "disabled",
        "replication_dr_mode": ("secondary" if node == "dr-secondary"
                                else "disabled"),
        "server_time_utc": int(op.now), "version": VERSION[op.world.openbao],
        **CLUSTER}
    if op.world.openbao:
        del found["performance_standby"]
    return Answer(found, status)


def seal_status(op):
    sealed = op.world.node in ("sealed", "uninitialized")
    return Answer({
        "type": "shamir", "initialized": op.world.node != "uninitialized",
        "sealed": sealed, "t": 1, "n": 1, "progress": 0, "nonce": "",
        "version": VERSION[op.world.openbao], "migration": False,
        "recovery_seal": False, "storage_type": "inmem",
        **({} if sealed else CLUSTER)})


def leader(op):
    return Answer({"ha_enabled": True, "is_self": op.world.node == "active",
                   "leader_address": op.world.redirect,
                   "leader_cluster_address": "",
                   "performance_standby":
                   op.world.node == "performance-standby"})


def initialized(op):
    return Answer({"initialized": op.world.node != "uninitialized"})


def seal(op):
    op.world.node = "sealed"


def unseal(op):
    """Any key does: the double keeps none."""
    if not fields.text(op.body, "key"):
        raise invalid("'key' must be specified in request body as JSON, or "
                      "'reset' set to true")
    op.world.node = "active"
    return seal_status(op)


def mounts(op):
    return {f"{path}/": describe_mount("transit")
            for path in sorted(op.namespace.mounts)}


def logins(op):
    found = {f"{path}/": describe_mount(method.kind)
             for path, method in op.namespace.logins.items()}
    found["token/"] = describe_mount("token")
    return found


def describe_mount(kind):
    return {"type": kind, "description": "", "local": False,
            "seal_wrap": False, "accessor": f"{kind}_0a1b2c3d",
            "options": None, "config": {"default_lease_ttl": 0,
                                        "max_lease_ttl": 0}}


def mount(op, path):
    if op.kind == "delete":
        op.namespace.mounts.pop(path, None)
    elif op.kind == "read":
        if path not in op.namespace.mounts:
            raise invalid(f"No secret engine mount at {path}/")
        return describe_mount("transit")
    else:
        op.namespace.mount(path, fields.text(op.body, "type"))
    return None


def login_method(op, path):
    """Without its method a token is worth nothing."""
    if op.kind == "delete":
        op.namespace.logins.pop(path, None)
        op.world.tokens.revoke_path(op.namespace.path, f"auth/{path}/")
    elif op.kind == "read":
        if path not in op.namespace.logins:
            raise invalid(f"No auth engine at {path}/")
        return describe_mount(op.namespace.logins[path].kind)
    else:
        op.namespace.enable_login(path, fields.text(op.body, "type"))
    return None


def policy_names(op):
    names = sorted([*op.namespace.policies, "root"])
    return {"keys": names, "policies": names}


def policy(op, name):
    if op.kind == "read":
        if name not in op.namespace.policies:
            raise VaultError(404)
        text = op.namespace.policy_texts[name]
        return {"name": name, "policy": text, "rules": text}
    if op.kind == "delete":
        op.namespace.delete_policy(name)
        return None
    given = op.body.get("policy", op.body.get("rules"))
    if not given:
        raise invalid("'policy' parameter not supplied or empty")
    op.namespace.set_policy(name, given)
    return None


def namespaces(op):
    below = [path for path in op.world.namespaces
             if path and path.rpartition("/")[0] == op.namespace.path]
    if not below:
        raise VaultError(404)
    return {"keys": [path.rpartition("/")[2] + "/" for path in sorted(below)]}


def namespace(op, name):
    path = op.namespace.full(name)
    if op.kind == "delete":
        op.world.namespaces.pop(path, None)
        return None
    if op.kind == "read":
        if path not in op.world.namespaces:
            raise VaultError(404)
    else:
        op.world.add_namespace(path)
    return {"path": path + "/", "id": name}


def capabilities_self(op):
    found = {}
    for path in fields.names(op.body, "paths",
                             fields.names(op.body, "path")):
        allowed = op.world.allowed(op.token, op.namespace, path)
        found[path] = (["root"] if op.token.root
                       else sorted(allowed) or ["deny"])
    if len(found) == 1:
        found["capabilities"] = next(iter(found.values()))
    return found


def random(op, *path):
    return transit_keys.random(None, op, *path)


def wrap(op, result, ttl_s, request_id):
    """A reply put under a token of its own, which shows it once."""
    grant = Grant(["response-wrapping"], explicit_max_ttl_s=ttl_s,
                  ttl_s=ttl_s, num_uses=1, renewable=False)
    token = op.world.tokens.create(op.namespace.path, grant, op.now)
    token.wrapped = result
    info = {"token": token.id, "accessor": token.accessor, "ttl": ttl_s,
            "creation_time": rfc3339(op.now), "creation_path": op.path}
    return envelope(request_id, None, wrap_info=info)


def unwrap(op):
    """The token comes as the caller's own, or in the body."""
    text = fields.text(op.body, "token") or (
        op.request.header("X-Vault-Token") or "")
    token = op.world.tokens.find(text, op.now)
    if token is None or token.wrapped is None:
        raise invalid("wrapping token is not valid or does not exist")
    op.world.tokens.revoke(token)
    return token.wrapped


def lookup_wrapped(op):
    token = op.world.tokens.find(fields.text(op.body, "token"), op.now)
    if token is None or token.wrapped is None:
        raise invalid("wrapping token is not valid or does not exist")
    return {"creation_time": rfc3339(token.issued_s),
            "creation_ttl": token.ttl_s, "creation_path": ""}


OPEN = {"sys/health": {"read": health}, "sys/seal-status":
        {"read": seal_status}, "sys/leader": {"read": leader},
        "sys/init": {"read": initialized}, "sys/unseal": {"write": unseal},
        "sys/wrapping/unwrap": {"write": unwrap},
        "sys/wrapping/lookup": {"write": lookup_wrapped}}
# These work on a node that is sealed.
ALWAYS = ("sys/health", "sys/seal-status", "sys/leader", "sys/init",
          "sys/unseal")
EXACT = {"seal": {"write": seal}, "mounts": {"read": mounts},
         "auth": {"read": logins}, "policies/acl": {"list": policy_names},
         "policy": {"list": policy_names, "read": policy_names},
         "namespaces": {"list": namespaces},
         "capabilities-self": {"write": capabilities_self}}
NAMED = {"mounts/": mount, "auth/": login_method, "policies/acl/": policy,
         "policy/": policy, "namespaces/": namespace,
         "tools/random/": random, "tools/random": random}


def find(path):
    """From a path below sys/ to its handlers by kind."""
    if path in EXACT:
        return EXACT[path]
    for prefix, handler in NAMED.items():
        if path.startswith(prefix):
            name = path[len(prefix):].rstrip("/")

            def run(op, handler=handler, name=name):
                return handler(op, *([name] if name else []))
            return {kind: run for kind in ("read", "write", "delete")}
    raise unsupported_path()
