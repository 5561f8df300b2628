# SPDX-License-Identifier: Apache-2.0
"""Vaults, their keys, and the versions of a key."""

import re
import threading
import time
import uuid

from . import material
from .access import Access
from .errors import bad_parameter, conflict, forbidden, key_not_found
from .specs import (AES_SIZES, CURVE_ALIASES, CURVES, KEY_OPS, KEY_TYPES,
                    RSA_SIZES, since)

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
RETENTION_S = 90 * 24 * 3600
# What a key outside of its time may still be used for.
ALWAYS = ("decrypt", "unwrapKey", "verify")
# What was seen to go on with a disabled key; the documentation says none.
PUBLIC_OPS = ("encrypt", "wrapKey", "verify")
QUIRKS = ("disabled-public", "disabled-get")


class Version:
    """One version of a key. Changes only under the lock of its vault."""

    def __init__(self, kty, what, key_ops=None, ident=None):
        self.id = ident or uuid.uuid4().hex
        self.kty = kty
        self.material = what
        self.key_ops = list(kty.ops if key_ops is None else key_ops)
        self.enabled = True
        self.not_before = None
        self.expires = None
        self.created = self.updated = int(time.time())
        self.tags = {}

    def set(self, attributes, key_ops=None, tags=None):
        """What create, import and update may set."""
        for member, name, kinds in (("enabled", "enabled", (bool,)),
                                    ("nbf", "not_before", (int,)),
                                    ("exp", "expires", (int,))):
            if attributes.get(member) is not None:
                value = attributes[member]
                if not isinstance(value, kinds) or (
                        isinstance(value, bool) and kinds == (int,)):
                    raise bad_parameter(f"Property '{member}' has invalid "
                                        "value")
                setattr(self, name, value)
        if key_ops is not None:
            check_key_ops(key_ops)
            self.key_ops = list(key_ops)
        if tags is not None:
            self.tags = dict(tags)
        self.updated = int(time.time())

    def attributes(self, api):
        members = {"enabled": self.enabled}
        if self.not_before is not None:
            members["nbf"] = self.not_before
        if self.expires is not None:
            members["exp"] = self.expires
        members.update(created=self.created, updated=self.updated,
                       recoveryLevel="Recoverable+Purgeable",
                       recoverableDays=90)
        if since(api, "7.3"):
            members["exportable"] = False
        if since(api, "7.5"):
            members["hsmPlatform"] = "2" if self.kty.hsm else "0"
        if since(api, "2026-04-01") and self.kty.kind == "oct":
            members["key_size"] = self.material.bits
        return members

    def require(self, operation, now, quirks):
        """VaultError unless the version is good for an operation now."""
        excused = "disabled-public" in quirks and operation in PUBLIC_OPS
        if not self.enabled and not excused:
            raise forbidden(f"Operation {operation} is not allowed on a "
                            "disabled key.", "KeyDisabled")
        if operation not in ALWAYS:
            # No inner code: none of the service's is known.
            if self.not_before is not None and now < self.not_before:
                raise forbidden(f"Operation {operation} is not allowed on a "
                                "key that is not yet valid.")
            if self.expires is not None and now >= self.expires:
                raise forbidden(f"Operation {operation} is not allowed on an "
                                "expired key.")
        if operation not in self.key_ops:
            raise forbidden(f"Operation {operation} is not permitted on this "
                            "key.", "KeyOperationForbidden")


class Key:
    def __init__(self, name):
        self.name = name
        self.versions = []      # the newest last
        self.deleted = None     # when; None: it is not
        self.busy = ""          # inner code of a conflict, by order

    @property
    def newest(self):
        return self.versions[-1]

    def find(self, ident):
        """A version; the newest for an empty identifier."""
        if not ident:
            return self.newest
        for version in self.versions:
            if version.id == ident.lower():
                return version
        raise key_not_found(f"{self.name}/{ident}")


class Vault:
    """Thread-safe.

    kind  vault or hsm
    """

    def __init__(self, name, kind, tenant, mode="policy"):
        self.name = name
        self.kind = kind
        self.tenant = tenant
        self.access = Access("hsm" if kind == "hsm" else mode)
        self.challenge = ""     # in place of the true one, by order
        self.quirks = set()
        self.lock = threading.RLock()
        self._keys = {}         # by name in lower case, also deleted ones

    def find(self, name):
        """A key that is there."""
        with self.lock:
            key = self._keys.get(name.lower())
        if key is None or key.deleted is not None:
            raise key_not_found(name)
        if key.busy:
            raise conflict(f"Key {name} is currently being deleted or "
                           "recovered.", key.busy)
        return key

    def find_deleted(self, name):
        with self.lock:
            key = self._keys.get(name.lower())
        if key is None or key.deleted is None:
            raise key_not_found(name)
        return key

    def keys(self, deleted=False):
        with self.lock:
            return sorted((each for each in self._keys.values()
                           if (each.deleted is not None) == deleted),
                          key=lambda each: each.name.lower())

    def add_version(self, name, version):
        """A new key, or a new version of one."""
        if not NAME.fullmatch(name):
            raise bad_parameter(f"The request URI contains an invalid name: "
                                f"{name}")
        with self.lock:
            key = self._keys.setdefault(name.lower(), Key(name))
            if key.deleted is not None:
                raise conflict(f"Key {name} is currently in a deleted but "
                               "recoverable state, and its name cannot be "
                               "reused; in this state, the key can only be "
                               "recovered or purged.",
                               "ObjectIsDeletedButRecoverable")
            key.versions.append(version)
            return key

    def rotate(self, key):
        with self.lock:
            old = key.newest
            version = Version(old.kty, like(old.material), old.key_ops)
            version.tags = dict(old.tags)
            key.versions.append(version)
            return version

    def delete(self, key):
        with self.lock:
            key.deleted = int(time.time())

    def recover(self, key):
        with self.lock:
            key.deleted = None

    def purge(self, key):
        with self.lock:
            del self._keys[key.name.lower()]


def check_key_ops(key_ops):
    if not isinstance(key_ops, list) or any(each not in KEY_OPS
                                            for each in key_ops):
        raise bad_parameter("Property 'key_ops' has invalid value")


def check_type(name, vault_kind):
    """A KeyType that this kind of vault has."""
    kty = KEY_TYPES.get(name)
    if kty is None:
        raise bad_parameter(f"Property 'kty' has invalid value '{name}'")
    if kty.kind == "oct" and vault_kind != "hsm":
        raise bad_parameter(f"Key type {name} is supported in a Managed HSM "
                            "only")
    if not kty.hsm and vault_kind == "hsm":
        raise bad_parameter(f"Key type {name} is not supported in a Managed "
                            f"HSM. Use {name}-HSM.")
    return kty


def generate(kty, size=None, curve=None, exponent=None):
    """New material. RSA takes a while."""
    if kty.kind == "ec":
        curve = CURVE_ALIASES.get(curve, curve) or "P-256"
        if curve not in CURVES:
            raise bad_parameter(f"Property 'crv' has invalid value '{curve}'")
        return material.EcMaterial.generate(curve)
    sizes = RSA_SIZES if kty.kind == "rsa" else AES_SIZES
    size = size or (2048 if kty.kind == "rsa" else 256)
    if size not in sizes:
        raise bad_parameter(f"Property 'key_size' has invalid value {size}")
    if kty.kind == "rsa":
        return material.RsaMaterial.generate(size, exponent or 65537)
    return material.OctMaterial.generate(size)


def like(old):
    if old.kind == "ec":
        return material.EcMaterial.generate(old.curve.name)
    return type(old).generate(old.bits)


def load(kty, jwk):
    try:
        return material.CLASSES[kty.kind].load(jwk)
    except (KeyError, ValueError, TypeError):
        raise bad_parameter("The JSON web key is malformed.") from None


def bundle(key, version, base, api):
    """KeyBundle. base  https:// and the host by which the client asks"""
    members = {"key": {"kid": f"{base}/keys/{key.name}/{version.id}",
                       "kty": version.kty.name,
                       "key_ops": list(version.key_ops),
                       **version.material.public_members()},
               "attributes": version.attributes(api)}
    if version.tags:
        members["tags"] = dict(version.tags)
    return members


def deleted_bundle(key, base, api):
    return {"recoveryId": f"{base}/deletedkeys/{key.name}",
            "deletedDate": key.deleted,
            "scheduledPurgeDate": key.deleted + RETENTION_S,
            **bundle(key, key.newest, base, api)}


def item(key, version, base, api, with_version):
    """KeyItem: what lists are made of."""
    kid = f"{base}/keys/{key.name}"
    if with_version:
        kid += f"/{version.id}"
    members = {"kid": kid, "attributes": version.attributes(api)}
    if version.tags:
        members["tags"] = dict(version.tags)
    return members
