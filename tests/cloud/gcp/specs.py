# SPDX-License-Identifier: Apache-2.0
"""Algorithms of key versions: the one table everything else comes from."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ENCRYPT = "ENCRYPT_DECRYPT"
RAW = "RAW_ENCRYPT_DECRYPT"
SIGN = "ASYMMETRIC_SIGN"
DECRYPT = "ASYMMETRIC_DECRYPT"
MAC = "MAC"
PURPOSES = (ENCRYPT, RAW, SIGN, DECRYPT, MAC)

EXTERNAL_LEVELS = ("EXTERNAL", "EXTERNAL_VPC")
HSM_LEVELS = ("HSM", "HSM_SINGLE_TENANT")
OWN_LEVELS = ("SOFTWARE",) + HSM_LEVELS
LEVELS = OWN_LEVELS + EXTERNAL_LEVELS


@dataclass(frozen=True)
class Algorithm:
    name: str
    purpose: str
    scheme: str             # what is done: symmetric, gcm, cbc, ctr, pss,
                            # pkcs1, raw-pkcs1, ecdsa, ed25519, oaep, hmac
    hash: object = None
    bits: int = 0           # of an RSA or AES key
    curve: object = None
    levels: tuple = OWN_LEVELS

    @property
    def digest_member(self):
        """The member of `digest` that it takes, None if it takes `data`."""
        if self.scheme in ("pss", "pkcs1", "ecdsa"):
            return f"sha{self.hash.digest_size * 8}"
        return None


SHA = {"1": hashes.SHA1(), "224": hashes.SHA224(), "256": hashes.SHA256(),
       "384": hashes.SHA384(), "512": hashes.SHA512()}
SIGN_LEVELS = OWN_LEVELS + EXTERNAL_LEVELS


def _rsa(purpose, scheme, prefix, kinds, levels):
    for kind in kinds.split():
        bits, sha = kind.split("_SHA")
        yield Algorithm(f"{prefix}_{kind}", purpose, scheme, SHA[sha],
                        int(bits), levels=levels)


def _algorithms():
    yield Algorithm("GOOGLE_SYMMETRIC_ENCRYPTION", ENCRYPT, "symmetric",
                    bits=256)
    yield Algorithm("EXTERNAL_SYMMETRIC_ENCRYPTION", ENCRYPT, "symmetric",
                    bits=256, levels=EXTERNAL_LEVELS)
    for mode in ("GCM", "CBC", "CTR"):
        for bits in (128, 256):
            yield Algorithm(f"AES_{bits}_{mode}", RAW, mode.lower(),
                            bits=bits)
    kinds = "2048_SHA256 3072_SHA256 4096_SHA256 4096_SHA512"
    yield from _rsa(SIGN, "pss", "RSA_SIGN_PSS", kinds, SIGN_LEVELS)
    yield from _rsa(SIGN, "pkcs1", "RSA_SIGN_PKCS1", kinds, SIGN_LEVELS)
    for bits in (2048, 3072, 4096):
        yield Algorithm(f"RSA_SIGN_RAW_PKCS1_{bits}", SIGN, "raw-pkcs1",
                        bits=bits)
    kinds += " 2048_SHA1 3072_SHA1 4096_SHA1"
    yield from _rsa(DECRYPT, "oaep", "RSA_DECRYPT_OAEP", kinds, OWN_LEVELS)
    yield Algorithm("EC_SIGN_P256_SHA256", SIGN, "ecdsa", SHA["256"],
                    curve=ec.SECP256R1(), levels=SIGN_LEVELS)
    yield Algorithm("EC_SIGN_P384_SHA384", SIGN, "ecdsa", SHA["384"],
                    curve=ec.SECP384R1(), levels=SIGN_LEVELS)
    yield Algorithm("EC_SIGN_SECP256K1_SHA256", SIGN, "ecdsa", SHA["256"],
                    curve=ec.SECP256K1(), levels=HSM_LEVELS)
    yield Algorithm("EC_SIGN_ED25519", SIGN, "ed25519")
    for size, sha in SHA.items():
        yield Algorithm(f"HMAC_SHA{size}", MAC, "hmac", sha)


ALGORITHMS = {each.name: each for each in _algorithms()}

# What a key of a purpose gets when nobody says.
DEFAULT_ALGORITHM = {ENCRYPT: "GOOGLE_SYMMETRIC_ENCRYPTION",
                     RAW: "AES_256_GCM", SIGN: "EC_SIGN_P256_SHA256",
                     DECRYPT: "RSA_DECRYPT_OAEP_2048_SHA256",
                     MAC: "HMAC_SHA256"}

# Known to the service and not to this double.
OTHER_PURPOSES = ("KEY_ENCAPSULATION", "AES_WRAPPING")

KIB = 1024


def is_hsm(level):
    return level in HSM_LEVELS


def data_limit(level):
    """The longest plaintext and the longest AAD, in bytes. With an HSM both
    share it."""
    return 8 * KIB if is_hsm(level) else 64 * KIB


def mac_limit(level):
    return 16 * KIB if is_hsm(level) else 64 * KIB


# Of a ciphertext to decrypt: anything longer cannot have been made here.
CIPHERTEXT_LIMIT = 640 * KIB
