# SPDX-License-Identifier: Apache-2.0
"""Who may do what: members, roles, permissions, and on which resource."""

import threading
from dataclasses import dataclass

VERSIONS = "cloudkms.cryptoKeyVersions."
KEYS = "cloudkms.cryptoKeys."
RINGS = "cloudkms.keyRings."
PLACES = ("cloudkms.locations.get", "cloudkms.locations.list")


def _uses(*names):
    return tuple(VERSIONS + name for name in names) + PLACES


ENCRYPTER = _uses("useToEncrypt")
DECRYPTER = _uses("useToDecrypt")
VIEWER = PLACES + tuple(f"{kind}{verb}" for kind in (RINGS, KEYS, VERSIONS)
                        for verb in ("get", "list"))
ADMIN = VIEWER + tuple(
    RINGS + verb for verb in ("create", "getIamPolicy", "setIamPolicy")
) + tuple(
    KEYS + verb for verb in ("create", "update", "getIamPolicy",
                             "setIamPolicy")
) + tuple(
    VERSIONS + verb for verb in ("create", "update", "destroy", "restore"))

ROLES = {
    "roles/cloudkms.signer": _uses("useToSign"),
    "roles/cloudkms.verifier": _uses("useToVerify", "viewPublicKey"),
    "roles/cloudkms.signerVerifier": _uses("useToSign", "useToVerify",
                                           "viewPublicKey"),
    "roles/cloudkms.publicKeyViewer": _uses("viewPublicKey"),
    "roles/cloudkms.cryptoKeyEncrypter": ENCRYPTER,
    "roles/cloudkms.cryptoKeyDecrypter": DECRYPTER,
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": ENCRYPTER + DECRYPTER,
    "roles/cloudkms.cryptoOperator": _uses(
        "useToEncrypt", "useToDecrypt", "useToSign", "useToVerify",
        "useToDecapsulate", "viewPublicKey"
    ) + ("cloudkms.locations.generateRandomBytes",),
    "roles/cloudkms.expertRawAesCbc": (VERSIONS + "manageRawAesCbcKeys",),
    "roles/cloudkms.expertRawAesCtr": (VERSIONS + "manageRawAesCtrKeys",),
    "roles/cloudkms.viewer": VIEWER,
    "roles/cloudkms.admin": ADMIN,
    "roles/iam.serviceAccountTokenCreator": (
        "iam.serviceAccounts.getAccessToken",
        "iam.serviceAccounts.getOpenIdToken",
        "iam.serviceAccounts.implicitDelegation"),
    "roles/iam.workloadIdentityUser": (
        "iam.serviceAccounts.getAccessToken",
        "iam.serviceAccounts.getOpenIdToken"),
    "roles/serviceusage.serviceUsageConsumer": (
        "serviceusage.services.use",),
}
PERMISSIONS = frozenset(name for role in ROLES.values() for name in role)


@dataclass(frozen=True)
class Binding:
    member: str             # serviceAccount:EMAIL, user:EMAIL, principal://
    what: str               # a role, or one permission
    resource: str           # what it holds for, with all that is in it

    def gives(self, permission, resource):
        inside = (resource == self.resource
                  or resource.startswith(self.resource + "/"))
        return inside and (permission == self.what
                           or permission in ROLES.get(self.what, ()))


def full_role(text):
    """A role or permission as a test may write it: "signer" is
    roles/cloudkms.signer. ValueError if there is none."""
    for name in (text, "roles/" + text, "roles/cloudkms." + text):
        if name in ROLES or name in PERMISSIONS:
            return name
    raise ValueError(f"no role or permission {text}")


class Policy:
    """All bindings of all resources. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._bindings = []

    def add(self, binding):
        with self._lock:
            if binding not in self._bindings:
                self._bindings.append(binding)

    def remove(self, member, what=None, resource=None):
        """Takes back what matches; returns how many bindings it was."""
        def matches(each):
            return (each.member == member and what in (None, each.what)
                    and resource in (None, each.resource))
        with self._lock:
            kept = [each for each in self._bindings if not matches(each)]
            count = len(self._bindings) - len(kept)
            self._bindings = kept
        return count

    def describe(self):
        with self._lock:
            return [vars(each).copy() for each in self._bindings]

    def allows(self, members, permission, resource):
        with self._lock:
            return any(each.member in members
                       and each.gives(permission, str(resource))
                       for each in self._bindings)
