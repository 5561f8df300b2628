# SPDX-License-Identifier: Apache-2.0
"""Versions, key types and algorithms: what everything else goes by."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

# In the order in which they came.
API_VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6",
                "2025-07-01", "2026-04-01")


def since(api_version, first):
    """Whether an API version has what came with another one."""
    return API_VERSIONS.index(api_version) >= API_VERSIONS.index(first)


@dataclass(frozen=True)
class Cloud:
    vault_suffix: str
    hsm_suffix: str
    login_host: str
    exchange_audience: str      # of tokens in a workload identity federation

    def suffix(self, kind):
        return self.hsm_suffix if kind == "hsm" else self.vault_suffix

    def audience(self, kind):
        return f"https://{self.suffix(kind)}"


CLOUDS = {
    "public": Cloud("vault.azure.net", "managedhsm.azure.net",
                    "login.microsoftonline.com",
                    "api://AzureADTokenExchange"),
    "china": Cloud("vault.azure.cn", "managedhsm.azure.cn",
                   "login.chinacloudapi.cn",
                   "api://AzureADTokenExchangeChina"),
    "usgov": Cloud("vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net",
                   "login.microsoftonline.us",
                   "api://AzureADTokenExchangeUSGov"),
}


@dataclass(frozen=True)
class Curve:
    name: str
    curve: object
    size: int                   # of a coordinate, in bytes
    algorithm: str


CURVES = {each.name: each for each in (
    Curve("P-256", ec.SECP256R1(), 32, "ES256"),
    Curve("P-256K", ec.SECP256K1(), 32, "ES256K"),
    Curve("P-384", ec.SECP384R1(), 48, "ES384"),
    Curve("P-521", ec.SECP521R1(), 66, "ES512"),
)}
CURVE_ALIASES = {"SECP256K1": "P-256K"}


@dataclass(frozen=True)
class Signing:
    """scheme  pkcs1, pss, raw (PKCS#1 without a DigestInfo), ecdsa"""
    name: str
    scheme: str
    hash: object = None


SIGNING = {each.name: each for each in (
    Signing("RS256", "pkcs1", hashes.SHA256()),
    Signing("RS384", "pkcs1", hashes.SHA384()),
    Signing("RS512", "pkcs1", hashes.SHA512()),
    Signing("PS256", "pss", hashes.SHA256()),
    Signing("PS384", "pss", hashes.SHA384()),
    Signing("PS512", "pss", hashes.SHA512()),
    Signing("RSNULL", "raw"),
    Signing("ES256", "ecdsa", hashes.SHA256()),
    Signing("ES256K", "ecdsa", hashes.SHA256()),
    Signing("ES384", "ecdsa", hashes.SHA384()),
    Signing("ES512", "ecdsa", hashes.SHA512()),
)}


@dataclass(frozen=True)
class Encryption:
    """scheme  oaep, pkcs1, gcm, cbc, cbcpad, kw, kwp
    bits    of the AES key; None when any size will do
    wraps   for wrapkey and unwrapkey
    encrypts  for encrypt and decrypt
    first   API version it came with"""
    name: str
    scheme: str
    hash: object = None
    bits: int = None
    wraps: bool = True
    encrypts: bool = True
    first: str = "7.0"


def _aes():
    for bits in (128, 192, 256):
        for scheme, suffix in (("gcm", "GCM"), ("cbc", "CBC"),
                               ("cbcpad", "CBCPAD")):
            yield Encryption(f"A{bits}{suffix}", scheme, bits=bits,
                             wraps=False, first="7.2")
        yield Encryption(f"A{bits}KW", "kw", bits=bits, encrypts=False,
                         first="7.2")
        yield Encryption(f"A{bits}KWPAD", "kwp", bits=bits, encrypts=False,
                         first="2026-04-01")


ENCRYPTION = {each.name: each for each in (
    Encryption("RSA-OAEP", "oaep", hashes.SHA1()),
    Encryption("RSA-OAEP-256", "oaep", hashes.SHA256()),
    Encryption("RSA1_5", "pkcs1"),
    *_aes(),
    Encryption("CKM_AES_KEY_WRAP", "kw", encrypts=False, first="7.6"),
    Encryption("CKM_AES_KEY_WRAP_PAD", "kwp", encrypts=False, first="7.6"),
)}

RSA_SIZES = (2048, 3072, 4096)
AES_SIZES = (128, 192, 256)
ALL_OPS = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")
KEY_OPS = ALL_OPS + ("import", "export")
_SIGN = ("sign", "verify")
_ENCRYPT = ("encrypt", "decrypt", "wrapKey", "unwrapKey")


@dataclass(frozen=True)
class KeyType:
    name: str
    kind: str                   # rsa, ec, oct
    hsm: bool
    ops: tuple                  # what it can do, and does unless told not to


KEY_TYPES = {each.name: each for each in (
    KeyType("RSA", "rsa", False, _ENCRYPT + _SIGN),
    KeyType("RSA-HSM", "rsa", True, _ENCRYPT + _SIGN),
    KeyType("EC", "ec", False, _SIGN),
    KeyType("EC-HSM", "ec", True, _SIGN),
    KeyType("oct-HSM", "oct", True, _ENCRYPT),
)}
