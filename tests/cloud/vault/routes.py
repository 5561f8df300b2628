# SPDX-License-Identifier: Apache-2.0
"""From a path to what it does."""

import re
from dataclasses import dataclass
from typing import Callable

from . import sys_api, token_api, transit_crypt, transit_keys, transit_sign
from .errors import no_route, unsupported_operation, unsupported_path
from .world import find_prefix

# Below a transit mount: by kind of request the name by which it is counted
# and ordered about, and the handler. N is the name of a key.
TRANSIT = [(re.compile(pattern.replace("N", r"(?P<key>[^/]+)")), kinds)
           for pattern, kinds in (
    ("keys", {"list": ("list-keys", transit_keys.list_names)}),
    ("keys/N", {"read": ("read-key", transit_keys.read),
                "write": ("create-key", transit_keys.create),
                "delete": ("delete-key", transit_keys.delete)}),
    ("keys/N/config", {"write": ("config-key", transit_keys.configure)}),
    ("keys/N/rotate", {"write": ("rotate", transit_keys.rotate)}),
    ("keys/N/trim", {"write": ("trim", transit_keys.trim)}),
    ("keys/N/soft-delete", {"delete": ("soft-delete",
                                       transit_keys.soft_delete)}),
    ("keys/N/soft-delete-restore", {"write": ("restore",
                                              transit_keys.restore)}),
    ("encrypt/N", {"write": ("encrypt", transit_crypt.encrypt)}),
    ("decrypt/N", {"write": ("decrypt", transit_crypt.decrypt)}),
    ("rewrap/N", {"write": ("rewrap", transit_crypt.rewrap)}),
    ("datakey/([^/]+)/N", {"write": ("datakey", transit_crypt.datakey)}),
    ("sign/N(?:/([^/]+))?", {"write": ("sign", transit_sign.sign)}),
    ("verify/N(?:/([^/]+))?", {"write": ("verify", transit_sign.verify)}),
    ("hmac/N(?:/([^/]+))?", {"write": ("hmac", transit_sign.hmac)}),
    ("random(?:/([^/]+))?(?:/([^/]+))?", {"write": ("random",
                                                    transit_keys.random)}),
    ("export/([^/]+)/N(?:/[^/]+)?", {"read": ("export",
                                              transit_keys.export)}),
    ("config/keys", {"read": ("read-config", transit_keys.read_config),
                     "write": ("config", transit_keys.write_config)}))]


@dataclass
class Route:
    operation: str              # as counted and ordered about
    run: Callable               # with the Op
    key: str = None             # as counted and ordered about
    open: bool = False          # needs no token
    sealed: bool = False        # works on a sealed node
    creates: bool = False       # a write makes what is not there yet
    mount_type: str = "system"


def find(namespace, path, kind):
    """The route of a request; VaultError where there is none."""
    if path in sys_api.OPEN:
        run = pick(sys_api.OPEN[path], kind)
        return Route(path.rpartition("/")[2], run, open=True,
                     sealed=path in sys_api.ALWAYS)
    if path.startswith("sys/"):
        rest = path[len("sys/"):]
        return Route("sys/" + rest.partition("/")[0],
                     pick(sys_api.find(rest), kind))
    if path.startswith("auth/token/"):
        rest = path[len("auth/token/"):]
        if rest not in token_api.ROUTES:
            raise unsupported_path()
        return Route(rest, pick(token_api.ROUTES[rest], kind),
                     mount_type="token")
    if path.startswith("auth/"):
        return find_login(namespace, path[len("auth/"):], kind)
    return find_transit(namespace, path, kind)


def pick(kinds, kind):
    if kind not in kinds:
        raise unsupported_operation()
    return kinds[kind]


def find_login(namespace, path, kind):
    where = find_prefix(namespace.logins, path)
    if where is None:
        raise no_route("auth/" + path)
    method = namespace.logins[where]
    rest = path[len(where):].strip("/")
    key = "auth/" + where
    route = Route("auth", None, key, mount_type=method.kind)
    if rest == "login" or rest.startswith("login/"):
        route.operation, route.open = "login", True
        if kind != "write":
            raise unsupported_operation()
    if rest == "login":
        route.run = lambda op: token_api.login(op, method)
    elif rest == "config":
        route.run = lambda op: token_api.configure(op, method)
    elif rest == method.role_path:
        route.run = lambda op: token_api.roles(op, method)
    elif re.fullmatch(method.role_path + "/[^/]+", rest):
        name = rest.rpartition("/")[2]
        route.creates = name not in method.roles
        route.run = lambda op: token_api.role(op, method, name)
    else:
        route.run = lambda op: token_api.special(op, method, rest)
    return route


def find_transit(namespace, path, kind):
    where = find_prefix(namespace.mounts, path)
    if where is None:
        raise no_route(path)
    mount = namespace.mounts[where]
    rest = path[len(where):].strip("/")
    for pattern, kinds in TRANSIT:
        match = pattern.fullmatch(rest)
        if match is None:
            continue
        operation, handler = pick(kinds, kind)
        groups = [each for each in match.groups() if each is not None]
        name = match.groupdict().get("key")
        return Route(
            operation, lambda op: handler(mount, op, *groups),
            f"{mount.path}/{name}" if name else mount.path,
            creates=operation == "encrypt" and name not in mount.keys,
            mount_type="transit")
    raise unsupported_path()
