# SPDX-License-Identifier: Apache-2.0
"""What there is: namespaces with their mounts, logins and policies; tokens;
and the state of the node."""

import json
import threading

from . import policies
from .errors import VaultError, invalid, no_route
from .keys import Transit
from .methods import METHODS
from .tokens import Tokens

# States of a node, and what its health answers by default.
HEALTH = {"active": 200, "standby": 429, "dr-secondary": 472,
          "performance-standby": 473, "uninitialized": 501, "sealed": 503}


class Namespace:
    """Paths of namespaces have no slash at either end; "" is the root."""

    def __init__(self, path):
        self.path = path
        self.state = "open"         # or locked, or sealed
        self.mounts = {}            # Transit by path
        self.logins = {}            # login methods by path
        self.policy_texts = {}
        self.policies = {}
        self.set_policy("default", policies.DEFAULT_TEXT)

    def full(self, path):
        return f"{self.path}/{path}" if self.path else path

    def set_policy(self, name, text):
        if isinstance(text, dict):
            text = json.dumps(text)
        if name == "root":
            raise invalid("cannot update \"root\" policy")
        self.policies[name] = policies.parse(text)
        self.policy_texts[name] = text

    def delete_policy(self, name):
        if name in ("root", "default"):
            raise invalid(f"cannot delete \"{name}\" policy")
        self.policies.pop(name, None)
        self.policy_texts.pop(name, None)

    def mount(self, path, kind="transit"):
        path = path.strip("/")
        if kind != "transit":
            raise invalid(f"plugin not found in the catalog: {kind}")
        if find_prefix(self.mounts, path):
            raise invalid(f"path is already in use at {path}/")
        self.mounts[path] = Transit(self.full(path))

    def enable_login(self, path, kind):
        path = path.strip("/")
        if kind not in METHODS:
            raise invalid(f"plugin not found in the catalog: {kind}")
        if path in self.logins:
            raise invalid(f"path is already in use at {path}/")
        self.logins[path] = METHODS[kind](self, path)


class World:
    def __init__(self, openbao=False):
        self.openbao = openbao
        self.lock = threading.RLock()
        self.node = "active"
        self.redirect = ""          # where a standby sends clients
        self.namespaces = {"": Namespace("")}
        self.tokens = Tokens({"service": "s.", "batch": "b."} if openbao else
                             {"service": "hvs.", "batch": "hvb."})
        self.agent_token = ""       # what the agent's listener adds
        self.require_request_header = False
        self.aws = None             # aws_login.AwsIdentities

    @property
    def sealed(self):
        return self.node == "sealed"

    def add_namespace(self, path):
        path = path.strip("/")
        parent = path.rpartition("/")[0]
        if parent not in self.namespaces:
            raise invalid(f"parent namespace {parent} does not exist")
        with self.lock:
            self.namespaces.setdefault(path, Namespace(path))
        return self.namespaces[path]

    def find_namespace(self, header, path):
        """The namespace of a request, and the rest of its path."""
        base = header.strip("/")
        if base in ("root", ""):
            base = ""
        if base not in self.namespaces:
            raise VaultError(404, "namespace not found")
        parts = path.split("/")
        for count in range(len(parts), 0, -1):
            name = "/".join([base] * bool(base) + parts[:count])
            if name in self.namespaces:
                return self.namespaces[name], "/".join(parts[count:])
        return self.namespaces[base], path

    def find_transit(self, full):
        """The mount and the key name of NAME, MOUNT/NAME or
        NAMESPACE/MOUNT/NAME; the mount may not exist."""
        if "/" not in full:
            full = "transit/" + full
        path, _, name = full.rpartition("/")
        for namespace in self.namespaces.values():
            for mount in namespace.mounts.values():
                if mount.path == path:
                    return mount, name
        raise no_route(path)

    def allowed(self, token, namespace, path):
        """What a token may do on a path of a namespace, as a set."""
        if token.root:
            return set(policies.CAPABILITIES) - {"deny"}
        home = self.namespaces.get(token.namespace)
        if home is None or not within(namespace.path, home.path):
            return set()
        below = namespace.path[len(home.path):].strip("/")
        relative = f"{below}/{path}" if below else path
        found = [home.policies[name] for name in token.grant.policies
                 if name in home.policies]
        return policies.capabilities(found, relative)


def within(path, parent):
    return not parent or path == parent or path.startswith(parent + "/")


def find_prefix(table, path):
    """The longest of these paths which is the path or above it; None."""
    found = [each for each in table if within(path, each)]
    return max(found, key=len, default=None)
