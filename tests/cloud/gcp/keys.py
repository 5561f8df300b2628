# SPDX-License-Identifier: Apache-2.0
"""Key rings, keys and their versions, as the service keeps them."""

import threading
import time

from . import material
from .errors import GcpError, invalid, not_found, precondition
from .specs import ALGORITHMS, ENCRYPT, SIGN, DECRYPT

STATES = ("PENDING_GENERATION", "ENABLED", "DISABLED", "DESTROYED",
          "DESTROY_SCHEDULED", "PENDING_IMPORT", "IMPORT_FAILED",
          "GENERATION_FAILED", "PENDING_EXTERNAL_DESTRUCTION",
          "EXTERNAL_DESTRUCTION_FAILED")
LOCATIONS = ("global", "us", "europe", "asia", "eur4", "us-east1", "us-east4",
             "us-central1", "us-west1", "northamerica-northeast1",
             "europe-north1", "europe-west1", "europe-west3", "europe-west4",
             "europe-west9", "asia-northeast1", "me-central2")
DESTROY_S = 30 * 24 * 3600


def timestamp(seconds):
    """RFC 3339 with nanoseconds, as the service writes them."""
    whole = int(seconds)
    nanos = int(round((seconds - whole) * 1e6)) * 1000
    return (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            + (f".{nanos:09d}Z" if nanos else "Z"))


class Version:
    """One version of a key. Changes only under the lock of its store."""

    def __init__(self, name, algorithm, level, now):
        self.name = name
        self.algorithm = algorithm
        self.level = level
        self.state = "ENABLED"
        self.created = now
        self.destroy_at = None      # when it will be, or was, destroyed
        self.material = material.generate(algorithm)

    @property
    def number(self):
        return int(self.name.version)

    def settle(self, now):
        """What was scheduled happens when its time has come."""
        if (self.state == "DESTROY_SCHEDULED" and self.destroy_at is not None
                and now >= self.destroy_at):
            self.state = "DESTROYED"

    def require_enabled(self):
        if self.state != "ENABLED":
            raise GcpError("FAILED_PRECONDITION",
                           f"{self.name} is not enabled, current state is: "
                           f"{self.state}.",
                           precondition(f"KEY_{self.state}", str(self.name)))

    def change_state(self, allowed, state):
        if self.state not in allowed:
            raise GcpError(
                "FAILED_PRECONDITION", "The request cannot be fulfilled. "
                f"Resource {self.name} has value {self.state} in field "
                "crypto_key_version.state.")
        self.state = state

    def describe(self):
        members = {"name": str(self.name), "state": self.state,
                   "protectionLevel": self.level,
                   "algorithm": self.algorithm.name,
                   "createTime": timestamp(self.created)}
        if self.level not in ("EXTERNAL", "EXTERNAL_VPC"):
            members["generateTime"] = timestamp(self.created)
        else:
            members["externalProtectionLevelOptions"] = {
                "externalKeyUri": "https://ekm.example.com/v0/keys/"
                                  f"{self.name.key}"}
        if self.state == "DESTROY_SCHEDULED" and self.destroy_at is not None:
            members["destroyTime"] = timestamp(self.destroy_at)
        if self.state == "DESTROYED" and self.destroy_at is not None:
            members["destroyEventTime"] = timestamp(self.destroy_at)
        if self.state == "DISABLED":
            members["reimportEligible"] = False
        return members


class CryptoKey:
    """A key: a purpose, and versions. Same lock as above."""

    def __init__(self, name, purpose, algorithm, level, now):
        self.name = name
        self.purpose = purpose
        self.algorithm = algorithm      # of its next version
        self.level = level
        self.created = now
        self.labels = {}
        self.rotation_period = None     # as written: "7776000s"
        self.next_rotation = None
        self.destroy_s = DESTROY_S
        self.access_reasons = None      # None: any; else what is allowed
        self.primary = None             # a Version; only for ENCRYPT_DECRYPT
        self.versions = {}

    def add_version(self, now, algorithm=None):
        number = max(self.versions, default=0) + 1
        made = Version(self.name.child(number), algorithm or self.algorithm,
                       self.level, now)
        self.versions[number] = made
        return made

    def rotate(self, now):
        """A new version; it becomes the primary where there is such."""
        made = self.add_version(now)
        if self.purpose == ENCRYPT:
            self.primary = made
        return made

    def find_material(self, ident):
        for version in self.versions.values():
            if version.material.id == ident:
                return version
        return None

    def describe(self):
        members = {"name": str(self.name), "purpose": self.purpose,
                   "createTime": timestamp(self.created),
                   "versionTemplate": {"protectionLevel": self.level,
                                       "algorithm": self.algorithm.name},
                   "destroyScheduledDuration": f"{self.destroy_s}s"}
        if self.primary is not None:
            members["primary"] = self.primary.describe()
        if self.labels:
            members["labels"] = dict(self.labels)
        if self.rotation_period:
            members["rotationPeriod"] = self.rotation_period
        if self.next_rotation:
            members["nextRotationTime"] = self.next_rotation
        if self.access_reasons is not None:
            members["keyAccessJustificationsPolicy"] = {
                "allowedAccessReasons": list(self.access_reasons)}
        return members


class Ring:
    def __init__(self, name, now):
        self.name = name
        self.created = now

    def describe(self):
        return {"name": str(self.name),
                "createTime": timestamp(self.created)}


class KeyStore:
    """All rings and keys, by name. Thread-safe."""

    def __init__(self, clock=time.time):
        self.lock = threading.RLock()
        self.clock = clock
        self._rings = {}
        self._keys = {}

    def create_ring(self, name):
        with self.lock:
            if name in self._rings:
                raise GcpError("ALREADY_EXISTS",
                               f"KeyRing {name} already exists.")
            self._rings[name] = Ring(name, self.clock())
            return self._rings[name]

    def create_key(self, name, purpose, algorithm, level="SOFTWARE",
                   with_version=True):
        """Its ring must be there."""
        check_combination(purpose, algorithm, level)
        made = CryptoKey(name, purpose, ALGORITHMS[algorithm], level,
                         self.clock())
        self.ring(name.parent)
        with self.lock:
            if name in self._keys:
                raise GcpError("ALREADY_EXISTS",
                               f"CryptoKey {name} already exists.")
            self._keys[name] = made
        if with_version:
            made.rotate(self.clock())       # may take a second: no lock
        return made

    def ring(self, name):
        with self.lock:
            if name not in self._rings:
                raise not_found(f"KeyRing {name}")
            return self._rings[name]

    def key(self, name):
        with self.lock:
            if name not in self._keys:
                raise not_found(f"CryptoKey {name}")
            key = self._keys[name]
            for version in key.versions.values():
                version.settle(self.clock())
            return key

    def version(self, name):
        key = self.key(name.key_name())
        with self.lock:
            if int(name.version) not in key.versions:
                raise not_found(f"CryptoKeyVersion {name}")
            return key.versions[int(name.version)]

    def exists(self, name):
        """Whether a ring, key or version is there; projects and locations
        always are."""
        find = {"ring": self.ring, "key": self.key, "version": self.version}
        try:
            find.get(name.kind, lambda _: None)(name)
        except GcpError:
            return False
        return True

    def delete_key(self, name):
        with self.lock:
            if self._keys.pop(name, None) is None:
                raise not_found(f"CryptoKey {name}")

    def rings(self, location):
        with self.lock:
            return sorted((each for each in self._rings.values()
                           if each.name.parent == location),
                          key=lambda each: each.name.ring)

    def keys(self, ring=None):
        with self.lock:
            return sorted((each for each in self._keys.values()
                           if ring is None or each.name.parent == ring),
                          key=lambda each: str(each.name))

    def versions(self, key_name):
        key = self.key(key_name)
        with self.lock:
            return [key.versions[number] for number in sorted(key.versions)]


def check_combination(purpose, algorithm, level):
    found = ALGORITHMS.get(algorithm)
    if found is None or found.purpose != purpose:
        raise invalid(f"{algorithm} is no algorithm for the purpose "
                      f"{purpose}.")
    if level not in found.levels:
        raise invalid(f"{algorithm} is not available with protection level "
                      f"{level}.")


def has_public_key(version):
    return version.algorithm.purpose in (SIGN, DECRYPT)
