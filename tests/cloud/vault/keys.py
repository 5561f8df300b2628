# SPDX-License-Identifier: Apache-2.0
"""Keys of a transit mount: their types, versions and settings."""

import hashlib
import hmac
import os
import re
import threading
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import (AESGCM,
                                                         ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import NO_CONTEXT, SOFT_DELETED, TOO_OLD, VaultError, invalid
from .tokens import rfc3339

NONCE_LEN = 12
NAME = re.compile(r"\w(([\w.-]+)?\w)?", re.ASCII)


@dataclass(frozen=True)
class KeyType:
    name: str
    key_len: int = 0            # of symmetric ones
    cipher: object = None
    curve: object = None
    rsa_bits: int = 0
    derives: bool = False

    @property
    def encrypts(self):
        return self.cipher is not None or bool(self.rsa_bits)

    @property
    def signs(self):
        return bool(self.rsa_bits or self.curve) or self.name == "ed25519"

    @property
    def symmetric(self):
        return not self.signs


TYPES = {each.name: each for each in (
    KeyType("aes256-gcm96", 32, AESGCM, derives=True),
    KeyType("aes128-gcm96", 16, AESGCM, derives=True),
    KeyType("chacha20-poly1305", 32, ChaCha20Poly1305, derives=True),
    KeyType("rsa-2048", rsa_bits=2048), KeyType("rsa-3072", rsa_bits=3072),
    KeyType("rsa-4096", rsa_bits=4096),
    KeyType("ecdsa-p256", curve=ec.SECP256R1()),
    KeyType("ecdsa-p384", curve=ec.SECP384R1()),
    KeyType("ecdsa-p521", curve=ec.SECP521R1()),
    KeyType("ed25519", derives=True), KeyType("hmac", 32))}
CURVE_NAMES = {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384",
               "ecdsa-p521": "P-521"}


@dataclass
class Version:
    created_s: float
    material: object            # bytes, or a private key
    hmac_key: bytes


def generate(kind, key_len, now):
    if kind.rsa_bits:
        material = rsa.generate_private_key(65537, kind.rsa_bits)
    elif kind.curve:
        material = ec.generate_private_key(kind.curve)
    elif kind.name == "ed25519":
        material = ed25519.Ed25519PrivateKey.generate()
    else:
        material = os.urandom(key_len)
    # Only the type hmac computes with its own key.
    mac = material if kind.name == "hmac" else os.urandom(32)
    return Version(now, material, mac)


@dataclass
class TransitKey:
    name: str
    kind: KeyType
    derived: bool = False
    convergent: bool = False
    exportable: bool = False
    allow_plaintext_backup: bool = False
    deletion_allowed: bool = False
    soft_deleted: bool = False
    auto_rotate_period_s: int = 0
    key_size: int = 0
    min_decryption: int = 1
    min_encryption: int = 0
    min_available: int = 0
    versions: dict = field(default_factory=dict)

    @property
    def latest(self):
        return max(self.versions)

    def rotate(self, now):
        self.check_alive()
        number = self.latest + 1 if self.versions else 1
        self.versions[number] = generate(
            self.kind, self.key_size or self.kind.key_len, now)

    def check_alive(self):
        if self.soft_deleted:
            raise invalid(SOFT_DELETED)

    def version_to_make(self, number, purpose):
        """The version for a new ciphertext or signature; 0 is the latest."""
        self.check_alive()
        number = number or self.latest
        text = f"requested version for {purpose} is "
        if number < 0:
            raise invalid(text + "negative")
        if number > self.latest:
            raise invalid(text + "higher than the latest key version")
        if number < self.min_encryption:
            raise invalid(text + "less than the minimum encryption key "
                          "version")
        return number

    def split(self, value, what):
        """Version and payload of vault:vN:...; what it is, for errors."""
        self.check_alive()
        if not value.startswith("vault:v"):
            raise invalid(f"invalid {what}: no prefix")
        number, colon, payload = value[len("vault:v"):].partition(":")
        if not colon:
            raise invalid(f"invalid {what}: wrong number of fields")
        if not re.fullmatch(r"[+-]?\d+", number, re.ASCII):
            raise invalid(f"invalid {what}: version number could not be "
                          "decoded")
        version = int(number) or 1
        if version > self.latest:
            raise invalid(f"invalid {what}: version is too new")
        if version < self.min_decryption or version not in self.versions:
            raise invalid(TOO_OLD)
        return version, payload

    def derive(self, version, context, length):
        """The bytes that a symmetric key or a derived one gives."""
        material = self.versions[version].material
        if not self.derived:
            return material
        if not context:
            raise invalid(NO_CONTEXT)
        if not isinstance(material, bytes):
            material = material.private_bytes(
                serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                serialization.NoEncryption())
        return HKDF(hashes.SHA256(), length, None, context).derive(material)

    def seal(self, version, context, plaintext, associated):
        key_len = self.kind.key_len
        key = self.derive(version, context, key_len + 32)
        nonce = os.urandom(NONCE_LEN)
        if self.convergent:
            nonce = hmac.new(key[key_len:], plaintext,
                             hashlib.sha256).digest()[:NONCE_LEN]
        cipher = self.kind.cipher(key[:key_len])
        return nonce + cipher.encrypt(nonce, plaintext, associated)

    def open(self, version, context, data, associated):
        key = self.derive(version, context, self.kind.key_len + 32)
        if len(data) < NONCE_LEN:
            raise invalid("invalid ciphertext length")
        cipher = self.kind.cipher(key[:self.kind.key_len])
        try:
            return cipher.decrypt(data[:NONCE_LEN], data[NONCE_LEN:],
                                  associated)
        except InvalidTag:
            raise invalid("cipher: message authentication failed") from None

    def signer(self, version, context):
        """The private key that signs, derived where the key is."""
        if not self.derived:
            return self.versions[version].material
        return ed25519.Ed25519PrivateKey.from_private_bytes(
            self.derive(version, context, 32))

    def describe(self, context=b"", soft_delete=False):
        found = {
            "name": self.name, "type": self.kind.name,
            "latest_version": self.latest,
            "min_available_version": self.min_available,
            "min_decryption_version": self.min_decryption,
            "min_encryption_version": self.min_encryption,
            "derived": self.derived, "deletion_allowed":
            self.deletion_allowed, "exportable": self.exportable,
            "allow_plaintext_backup": self.allow_plaintext_backup,
            "auto_rotate_period": self.auto_rotate_period_s,
            "imported_key": False, "supports_encryption": self.kind.encrypts,
            "supports_decryption": self.kind.encrypts,
            "supports_signing": self.kind.signs,
            "supports_derivation": self.kind.derives}
        if self.key_size:
            found["key_size"] = self.key_size
        if self.derived:
            found["kdf"] = "hkdf_sha256"
            found["convergent_encryption"] = self.convergent
            if self.convergent:
                found["convergent_encryption_version"] = -1
        if soft_delete:
            found["soft_deleted"] = self.soft_deleted
        if self.kind.name != "hmac":
            found["keys"] = {str(number): self._describe(number, context)
                             for number in sorted(self.versions)
                             if number >= self.min_decryption}
        return found

    def _describe(self, number, context):
        version = self.versions[number]
        if self.kind.symmetric:
            return int(version.created_s)
        name = CURVE_NAMES.get(self.kind.name, self.kind.name)
        return {"name": name, "public_key": self._public(number, context),
                "creation_time": rfc3339(version.created_s),
                "certificate_chain": ""}

    def _public(self, number, context):
        """PEM, but of an Ed25519 key the raw bytes; none if it is derived
        and there is no context."""
        if self.derived and not context:
            return ""
        public = self.signer(number, context).public_key()
        if self.kind.name == "ed25519":
            return raw_public(public)
        return public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def raw_public(public):
    """Bytes: JSON shows them as base64."""
    return public.public_bytes(serialization.Encoding.Raw,
                               serialization.PublicFormat.Raw)


class Transit:
    """A mount of the transit engine."""

    def __init__(self, path):
        self.path = path            # with the namespace, no slash at the end
        self.lock = threading.RLock()
        self.keys = {}
        self.disable_upsert = False

    def key(self, name):
        return self.keys.get(name)

    def need(self, name, text="encryption key not found"):
        """400, not 404: as the service says it on every operation."""
        found = self.keys.get(name)
        if found is None:
            raise VaultError(400, text)
        return found

    def create(self, name, now, kind="aes256-gcm96", **settings):
        """Makes a key; an old one of the name stays as it is."""
        if kind not in TYPES:
            raise invalid(f"unknown key type {kind}")
        if not NAME.fullmatch(name):
            raise invalid(f"invalid key name {name}")
        if name in self.keys:
            return self.keys[name], False
        key = TransitKey(name, TYPES[kind], **settings)
        if key.derived and not key.kind.derives:
            raise invalid("key derivation and convergent encryption not "
                          f"supported for keys of type {kind}")
        if key.convergent and not key.derived:
            raise invalid("convergent encryption requires derivation to be "
                          "enabled")
        if key.convergent and key.kind.signs:
            raise invalid("key derivation and convergent encryption not "
                          f"supported for keys of type {kind}")
        if kind == "hmac":
            key.key_size = key.key_size or 32
            if not 32 <= key.key_size <= 512:
                raise invalid("invalid key size for HMAC key, must be "
                              "between 32 and 512 bytes")
        key.rotate(now)
        self.keys[name] = key
        return key, True

    def delete(self, name):
        key = self.keys.get(name)
        if key is None:
            raise invalid("could not delete key; not found")
        if not key.deletion_allowed:
            raise invalid(f"error deleting policy {name}: deletion is not "
                          "allowed for this policy")
        del self.keys[name]
