# SPDX-License-Identifier: Apache-2.0
"""What a test may tell the Vault double, besides the orders of the frame."""

import json

from frame.control import Control
from frame.errors import Refused

from . import fields, routes, sys_api
from .op import Login, Op
from .tokens import Grant
from .world import HEALTH


class VaultControl(Control):
    def __init__(self, service, issuer):
        super().__init__(service)
        self._world = service.world
        self._issuer = issuer           # setup.Issuer of JWTs

    # Whatever an operator with the root token could do.

    def _root(self, kind, path, data=None, namespace="", wrap_ttl=None):
        """Runs a request as root; returns its data as the API shows it."""
        space, rest = self._world.find_namespace(namespace or "",
                                                 path.strip("/"))
        route = routes.find(space, rest, kind)
        op = Op(self._world, space, rest, kind, data or {},
                self.service.now(), token=self._world.root)
        op.creates = route.creates and kind == "write"
        found = route.run(op)
        if wrap_ttl:
            ttl_s = fields.seconds({"ttl": wrap_ttl}, "ttl")
            return sys_api.wrap(op, found, ttl_s, "")["wrap_info"]
        if isinstance(found, Login):
            return {"auth": found.auth}
        return json.loads(self.service.encode(found) or b"{}")

    def do_write(self, path, data=(), namespace="", wrap_ttl=None):
        """data is an object, or a list of NAME=VALUE. With wrap_ttl the
        answer is put under a token, and that is what is returned."""
        if not isinstance(data, dict):
            data = dict(parse_pair(each) for each in data)
        return self._root("write", path, data, namespace, wrap_ttl)

    def do_read(self, path, namespace=""):
        return self._root("read", path, None, namespace)

    def do_list(self, path, namespace=""):
        return self._root("list", path, None, namespace)

    def do_remove(self, path, namespace=""):
        return self._root("delete", path, None, namespace)

    # Keys

    def _key(self, ref):
        mount, name = self._world.find_transit(ref)
        return mount.need(name, f"no key {ref}")

    def do_create(self, key, type="aes256-gcm96", derived=False,
                  convergent=False):
        mount, name = self._world.find_transit(key)
        if mount.key(name) is not None:
            raise Refused(f"there is a key {key}")
        mount.create(name, self.service.now(), type or "aes256-gcm96",
                     derived=derived or convergent, convergent=convergent)

    def do_rotate(self, key):
        self._key(key).rotate(self.service.now())
        return {"version": self._key(key).latest}

    def do_delete(self, key):
        """Whatever its deletion_allowed says."""
        mount, name = self._world.find_transit(key)
        self._key(key).deletion_allowed = True
        mount.delete(name)

    def do_soft_delete(self, key):
        self._key(key).soft_deleted = True

    def do_restore(self, key):
        self._key(key).soft_deleted = False

    def do_min_version(self, key, version, encryption=None):
        """For decryption, and for encryption if it is given."""
        found = self._key(key)
        found.min_decryption = int(version)
        if encryption is not None:
            found.min_encryption = int(encryption)

    def do_keys(self):
        """All, so that one made by a mistyped name shows."""
        return {"keys": sorted(
            f"{mount.path}/{name}"
            for space in self._world.namespaces.values()
            for mount in space.mounts.values() for name in mount.keys)}

    def do_describe(self, key):
        found = self._key(key).describe(soft_delete=self._world.openbao)
        return json.loads(self.service.encode(found))

    def do_public_key(self, key, version=None):
        found = self.do_describe(key).get("keys", {})
        entry = found.get(str(version or self._key(key).latest))
        if not isinstance(entry, dict):
            raise Refused("there is no public key of that version")
        return {"public_key": entry["public_key"]}

    # The node

    def do_seal(self):
        self._world.node = "sealed"

    def do_unseal(self):
        self._world.node, self._world.redirect = "active", ""

    def do_node(self, state, redirect=""):
        """redirect: where a standby sends clients; without it forwards, as
        standbys do; "none" when it knows of no active node."""
        if state not in HEALTH:
            raise Refused(f"no state {state}. One of: {', '.join(HEALTH)}")
        self._world.node, self._world.redirect = state, redirect or ""

    def do_namespace(self, path, state="open"):
        """Makes one, with a transit mount; opens, locks or seals it."""
        if state not in ("open", "locked", "sealed"):
            raise Refused("a namespace is open, locked or sealed")
        path = path.strip("/")
        if path not in self._world.namespaces:
            self._world.add_namespace(path).mount("transit")
        self._world.namespaces[path].state = state

    # Who may do what

    def do_policy(self, name, text, namespace=""):
        self._world.namespaces[(namespace or "").strip("/")].set_policy(
            name, text)

    def do_token(self, policies="kms", ttl="1h", explicit_max=0, period=0,
                 uses=0, batch=False, fixed=False, namespace=""):
        """Makes one; fixed: not renewable."""
        names = fields.names({"p": policies}, "p")
        if "root" not in names:
            names = sorted({"default", *names})
        duration = {"ttl": ttl, "max": explicit_max, "period": period}
        grant = Grant(
            names, ttl_s=fields.seconds(duration, "ttl"),
            explicit_max_ttl_s=fields.seconds(duration, "max"),
            period_s=fields.seconds(duration, "period"),
            num_uses=int(uses), renewable=not fixed,
            kind="batch" if batch else "service",
            display_name="token-double")
        return {"token": self._world.tokens.create(
            (namespace or "").strip("/"), grant, self.service.now()).id}

    def _tokens(self, token):
        """The one, or all but the root token."""
        if token != "all":
            found = self._world.tokens.find(token, self.service.now())
            if found is None:
                raise Refused("no such token in force")
            return [found]
        return [each for each in self._world.tokens.all() if not each.root]

    def do_expire_token(self, token):
        found = self._tokens(token)
        for each in found:
            each.expires_s = self.service.now()
        return {"tokens": len(found)}

    def do_revoke_token(self, token):
        found = self._tokens(token)
        for each in found:
            self._world.tokens.revoke(each)
        return {"tokens": len(found)}

    def do_agent_token(self, token=""):
        """What the agent's listener adds; nothing: it adds none."""
        self._world.agent_token = token or ""

    def do_require_request_header(self, on=True):
        self._world.require_request_header = str(on).lower() in ("true", "1",
                                                                 "on")

    # Proofs for logins

    def do_aws_identity(self, access_key, secret_key, arn, token=""):
        self._world.aws.add(access_key, secret_key, arn, token or "")

    def do_jwt(self, subject="app", audience="vault", issuer=None, ttl="1h",
               not_before=0, claims=None):
        """A token of the issuer that the login jwt trusts."""
        return {"jwt": self._issuer.jwt(
            self.service.now(), subject, audience, issuer,
            fields.seconds({"ttl": ttl}, "ttl"), int(not_before),
            json.loads(claims) if claims else {})}

    def do_service_account(self, namespace="default", name="app",
                           audience="vault", ttl="1h"):
        """A token of a pod."""
        return {"jwt": self._issuer.service_account(
            self.service.now(), namespace, name, audience,
            fields.seconds({"ttl": ttl}, "ttl"))}


def parse_pair(text):
    """NAME=VALUE, where the value may be JSON."""
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"{text}: not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
