# SPDX-License-Identifier: Apache-2.0
"""Key specs and algorithms: the one table everything else is derived from."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Algorithm:
    name: str
    scheme: str             # oaep, pss, pkcs1, ecdsa, ed25519, symmetric,
                            # hmac, ecdh
    hash: object = None     # None where the scheme has no choice of hash


@dataclass(frozen=True)
class Spec:
    """What a key spec can be used for, and what its material is made from."""
    name: str
    kind: str               # symmetric, rsa, ec, ed25519, hmac
    usages: dict = field(default_factory=dict)  # usage -> algorithm names
    bits: int = 0
    curve: object = None


def _table(*algorithms):
    return {each.name: each for each in algorithms}


ALGORITHMS = _table(
    Algorithm("SYMMETRIC_DEFAULT", "symmetric"),
    Algorithm("RSAES_OAEP_SHA_1", "oaep", hashes.SHA1()),
    Algorithm("RSAES_OAEP_SHA_256", "oaep", hashes.SHA256()),
    Algorithm("RSASSA_PSS_SHA_256", "pss", hashes.SHA256()),
    Algorithm("RSASSA_PSS_SHA_384", "pss", hashes.SHA384()),
    Algorithm("RSASSA_PSS_SHA_512", "pss", hashes.SHA512()),
    Algorithm("RSASSA_PKCS1_V1_5_SHA_256", "pkcs1", hashes.SHA256()),
    Algorithm("RSASSA_PKCS1_V1_5_SHA_384", "pkcs1", hashes.SHA384()),
    Algorithm("RSASSA_PKCS1_V1_5_SHA_512", "pkcs1", hashes.SHA512()),
    Algorithm("ECDSA_SHA_256", "ecdsa", hashes.SHA256()),
    Algorithm("ECDSA_SHA_384", "ecdsa", hashes.SHA384()),
    Algorithm("ECDSA_SHA_512", "ecdsa", hashes.SHA512()),
    Algorithm("ED25519_SHA_512", "ed25519"),
    Algorithm("ED25519_PH_SHA_512", "ed25519ph", hashes.SHA512()),
    Algorithm("HMAC_SHA_224", "hmac", hashes.SHA224()),
    Algorithm("HMAC_SHA_256", "hmac", hashes.SHA256()),
    Algorithm("HMAC_SHA_384", "hmac", hashes.SHA384()),
    Algorithm("HMAC_SHA_512", "hmac", hashes.SHA512()),
    Algorithm("ECDH", "ecdh"),
)

ENCRYPT = "ENCRYPT_DECRYPT"
SIGN = "SIGN_VERIFY"
MAC = "GENERATE_VERIFY_MAC"
AGREE = "KEY_AGREEMENT"

_RSA_SIGN = tuple(name for name, each in ALGORITHMS.items()
                  if each.scheme in ("pss", "pkcs1"))
_RSA_ENCRYPT = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_ED25519 = ("ED25519_SHA_512", "ED25519_PH_SHA_512")


def _rsa(bits):
    return Spec(f"RSA_{bits}", "rsa", {ENCRYPT: _RSA_ENCRYPT,
                                       SIGN: _RSA_SIGN}, bits=bits)


def _ec(name, curve, algorithm, *usages):
    return Spec(name, "ec", {SIGN: (algorithm,), **dict(usages)}, curve=curve)


def _hmac(bits):
    return Spec(f"HMAC_{bits}", "hmac", {MAC: (f"HMAC_SHA_{bits}",)},
                bits=bits)


_ECDH = (AGREE, ("ECDH",))


SPECS = _table(
    Spec("SYMMETRIC_DEFAULT", "symmetric", {ENCRYPT: ("SYMMETRIC_DEFAULT",)}),
    _rsa(2048), _rsa(3072), _rsa(4096),
    _ec("ECC_NIST_P256", ec.SECP256R1(), "ECDSA_SHA_256", _ECDH),
    _ec("ECC_NIST_P384", ec.SECP384R1(), "ECDSA_SHA_384", _ECDH),
    _ec("ECC_NIST_P521", ec.SECP521R1(), "ECDSA_SHA_512", _ECDH),
    _ec("ECC_SECG_P256K1", ec.SECP256K1(), "ECDSA_SHA_256"),
    Spec("ECC_NIST_EDWARDS25519", "ed25519", {SIGN: _ED25519}),
    _hmac(224), _hmac(256), _hmac(384), _hmac(512),
)

# Known to the service and not to this double: another error than nonsense.
OTHER_SPECS = ("SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
OTHER_SIGNING = ("SM2DSA", "ML_DSA_SHAKE_256")
OTHER_ENCRYPTION = ("SM2PKE",)

ALL_SPECS = tuple(SPECS) + OTHER_SPECS
ALL_USAGES = (SIGN, ENCRYPT, MAC, AGREE)
ALL_ENCRYPTION = ("SYMMETRIC_DEFAULT",) + _RSA_ENCRYPT + OTHER_ENCRYPTION
ALL_MAC = tuple(name for name, each in ALGORITHMS.items()
                if each.scheme == "hmac")
ALL_AGREEMENT = ("ECDH", "SM2DH")
ALL_SIGNING = tuple(name for name in ALGORITHMS
                    if name not in ALL_ENCRYPTION + ALL_MAC
                    + ALL_AGREEMENT) + OTHER_SIGNING

# The member of KeyMetadata and of a public key that lists the algorithms.
ALGORITHM_LIST = {ENCRYPT: "EncryptionAlgorithms", SIGN: "SigningAlgorithms",
                  MAC: "MacAlgorithms", AGREE: "KeyAgreementAlgorithms"}


def default_usage(spec):
    """What a key of this spec is for when the order does not say."""
    if spec.startswith("HMAC_"):
        return MAC
    return ENCRYPT if spec == "SYMMETRIC_DEFAULT" else SIGN
