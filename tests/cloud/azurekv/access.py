# SPDX-License-Identifier: Apache-2.0
"""Who may do what in a vault: access policies, roles, and the firewall."""

from dataclasses import dataclass

from frame.errors import Refused

from .errors import VaultError, forbidden

PERMISSIONS = ("get", "list", "create", "import", "update", "delete",
               "recover", "purge", "rotate", "encrypt", "decrypt", "wrapKey",
               "unwrapKey", "sign", "verify", "rng")

ROLES = {
    "crypto-user": ("get", "list", "update", "encrypt", "decrypt", "wrapKey",
                    "unwrapKey", "sign", "verify"),
    "crypto-service-encryption-user": ("get", "list", "wrapKey", "unwrapKey"),
    "crypto-officer": PERMISSIONS,
    "reader": ("get", "list"),
}

# Data actions that are not called as the permission is.
_ACTIONS = {"get": "read", "list": "read", "create": "create/action",
            "delete": "delete", "wrapKey": "wrap/action",
            "unwrapKey": "unwrap/action"}

MODES = ("policy", "rbac", "hsm")


def parse_permissions(text):
    """A comma-separated list of permissions and roles; "all", "none"."""
    found = set()
    for name in text.split(","):
        if name == "all":
            found.update(PERMISSIONS)
        elif name in ROLES:
            found.update(ROLES[name])
        elif name in PERMISSIONS:
            found.add(name)
        elif name != "none":
            raise Refused(f"no permission {name}. Some of: "
                          f"{', '.join(PERMISSIONS)}; or a role: "
                          f"{', '.join(ROLES)}; all; none")
    return frozenset(found)


@dataclass(frozen=True)
class Grant:
    client_id: str
    permissions: frozenset
    key: str = None         # lower case; None: all of the vault


class Access:
    """Under the lock of the vault it belongs to."""

    def __init__(self, mode):
        self.mode = mode
        self.grants = []
        self.firewall = ""      # or ForbiddenByFirewall/-ByConnection

    def grant(self, client_id, permissions, key=None):
        """What one application may do from now on, here; replaces what it
        was granted before in the same scope."""
        if key is not None and self.mode == "policy":
            raise Refused("an access policy is for the whole vault; only "
                          "roles are for a key")
        key = key.lower() if key is not None else None
        self.grants = [each for each in self.grants
                       if (each.client_id, each.key) != (client_id, key)]
        self.grants.append(Grant(client_id, permissions, key))

    def allows(self, client_id, permission, key):
        return any(each.client_id == client_id
                   and permission in each.permissions
                   and each.key in (None, key.lower() if key else None)
                   for each in self.grants)


def caller(claims):
    return (f"appid={claims['appid']};oid={claims['oid']};"
            f"iss={claims['iss']}")


def denied(vault, claims, permission, key, activity):
    """The error for a caller who lacks a permission, in the vault's way."""
    action = _ACTIONS.get(permission, f"{permission}/action")
    if vault.access.mode == "hsm":
        return VaultError(403, "AccessDenied", (
            "Not authorized to access Microsoft.KeyVault/managedHsm/keys/"
            f"{action} on /keys{'/' + key if key else ''} (Activity ID: "
            f"{activity})"))
    if vault.access.mode == "rbac":
        resource = "/subscriptions/00000000-0000-0000-0000-000000000000/" \
            "resourcegroups/test/providers/microsoft.keyvault/vaults/" \
            f"{vault.name}" + (f"/keys/{key}" if key else "")
        return forbidden(
            "Caller is not authorized to perform action on resource.\r\nIf "
            "role assignments, deny assignments or role definitions were "
            "changed recently, please observe propagation time.\r\nCaller: "
            f"{caller(claims)}\r\nAction: 'Microsoft.KeyVault/vaults/keys/"
            f"{action}'\r\nResource: '{resource}'\r\nAssignment: (not "
            "found)\r\nDenyAssignmentId: null\r\nDecisionReason: null\r\n"
            f"Vault: {vault.name};location=westeurope\r\n",
            "ForbiddenByRbac")
    return forbidden(
        f"The user, group or application '{caller(claims)}' does not have "
        f"keys {permission} permission on key vault '{vault.name};location="
        "westeurope'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        "ForbiddenByPolicy")


def blocked(vault, claims):
    """The error for a caller outside of the vault's network."""
    if vault.access.firewall == "ForbiddenByConnection":
        return forbidden(
            "Public network access is disabled and request is not from a "
            "trusted service nor via an approved private link.\r\nCaller: "
            f"{caller(claims)}\r\nVault: {vault.name};location=westeurope",
            "ForbiddenByConnection")
    return forbidden(
        "Client address is not authorized and caller is not a trusted "
        "service.\r\nClient address: 127.0.0.1\r\nCaller: "
        f"{caller(claims)}\r\nVault: {vault.name};location=westeurope",
        "ForbiddenByFirewall")
