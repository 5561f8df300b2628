# SPDX-License-Identifier: Apache-2.0
"""From method and path to an operation of the KMS API, and its arguments."""

import re
import urllib.parse

from . import crypto_ops, manage_ops, shapes
from .errors import PageError, bad_request, invalid
from .names import SEGMENTS, KINDS

TABLE = crypto_ops.OPERATIONS + manage_ops.OPERATIONS
BY_NAME = {each.name: each for each in TABLE}
VERSION_PREFIX = "/v1/"
SYSTEM_PARAMETERS = ("alt", "prettyPrint", "key", "fields", "quotaUser",
                     "callback", "xgafv")


def _pattern(kind):
    """Where a name of this kind stands in a path, well-formed or not."""
    depth = KINDS.index(kind) + 1
    return "/".join(f"{segment}/[^/]+?" for segment in SEGMENTS[:depth])


PATTERNS = tuple(
    (each, re.compile(f"({_pattern(kind)}){re.escape(each.suffix)}"))
    for each in TABLE for kind in each.kinds)


def find(method, path):
    """(operation, the name in the path); PageError if there is none."""
    path = urllib.parse.unquote(path)
    if path.startswith(VERSION_PREFIX):
        for operation, pattern in PATTERNS:
            match = pattern.fullmatch(path[len(VERSION_PREFIX):])
            # A verb is never part of a name that ends there.
            if (match and operation.method == method
                    and (operation.suffix.startswith(":")
                         or ":" not in match.group(1).rpartition("/")[2])):
                return operation, match.group(1)
    raise PageError(404)


def read_query(operation, query):
    """Its own parameters; those of the system are checked and left out."""
    args = {}
    for given, values in query.items():
        name = shapes.camel(given.lstrip("$."))
        if len(values) != 1:
            raise invalid("Invalid query parameter: "
                          f"\"{given}\" is there twice.")
        if name in operation.query:
            args[name] = operation.query[name](shapes.snake(name), values[0])
        elif name not in SYSTEM_PARAMETERS:
            text = (f"Invalid JSON payload received. Unknown name \"{given}\""
                    ": Cannot bind query parameter. Field "
                    f"'{given}' could not be found in request message.")
            raise invalid(text, bad_request("", text))
        elif name == "alt" and values[0].partition(";")[0] != "json":
            raise invalid(f"Invalid value for alt: {values[0]}")
    return args


def wants_numbers(query):
    """Whether enums are asked for by number, as client libraries do."""
    return any("enum-encoding=int" in value for name in ("$alt", "alt")
               for value in query.get(name, []))


# Enums by number, where a reply has them.
NUMBERS = {
    "protectionLevel": {"SOFTWARE": 1, "HSM": 2, "EXTERNAL": 3,
                        "EXTERNAL_VPC": 4, "HSM_SINGLE_TENANT": 5},
    "purpose": {"ENCRYPT_DECRYPT": 1, "ASYMMETRIC_SIGN": 5,
                "ASYMMETRIC_DECRYPT": 6, "RAW_ENCRYPT_DECRYPT": 7, "MAC": 9},
    "state": {"ENABLED": 1, "DISABLED": 2, "DESTROYED": 3,
              "DESTROY_SCHEDULED": 4, "PENDING_GENERATION": 5,
              "PENDING_IMPORT": 6, "IMPORT_FAILED": 7,
              "GENERATION_FAILED": 8, "PENDING_EXTERNAL_DESTRUCTION": 9,
              "EXTERNAL_DESTRUCTION_FAILED": 10},
    "publicKeyFormat": {"PEM": 1, "DER": 2},
    "algorithm": {
        "GOOGLE_SYMMETRIC_ENCRYPTION": 1, "RSA_SIGN_PSS_2048_SHA256": 2,
        "RSA_SIGN_PSS_3072_SHA256": 3, "RSA_SIGN_PSS_4096_SHA256": 4,
        "RSA_SIGN_PKCS1_2048_SHA256": 5, "RSA_SIGN_PKCS1_3072_SHA256": 6,
        "RSA_SIGN_PKCS1_4096_SHA256": 7, "RSA_DECRYPT_OAEP_2048_SHA256": 8,
        "RSA_DECRYPT_OAEP_3072_SHA256": 9, "RSA_DECRYPT_OAEP_4096_SHA256": 10,
        "EC_SIGN_P256_SHA256": 12, "EC_SIGN_P384_SHA384": 13,
        "RSA_SIGN_PSS_4096_SHA512": 15, "RSA_SIGN_PKCS1_4096_SHA512": 16,
        "RSA_DECRYPT_OAEP_4096_SHA512": 17,
        "EXTERNAL_SYMMETRIC_ENCRYPTION": 18, "AES_256_GCM": 19,
        "RSA_SIGN_RAW_PKCS1_2048": 28, "RSA_SIGN_RAW_PKCS1_3072": 29,
        "RSA_SIGN_RAW_PKCS1_4096": 30, "EC_SIGN_SECP256K1_SHA256": 31,
        "HMAC_SHA256": 32, "HMAC_SHA1": 33, "HMAC_SHA384": 34,
        "HMAC_SHA512": 35, "HMAC_SHA224": 36,
        "RSA_DECRYPT_OAEP_2048_SHA1": 37, "RSA_DECRYPT_OAEP_3072_SHA1": 38,
        "RSA_DECRYPT_OAEP_4096_SHA1": 39, "EC_SIGN_ED25519": 40,
        "AES_128_GCM": 41, "AES_128_CBC": 42, "AES_256_CBC": 43,
        "AES_128_CTR": 44, "AES_256_CTR": 45},
}


def with_numbers(reply):
    if isinstance(reply, list):
        return [with_numbers(each) for each in reply]
    if not isinstance(reply, dict):
        return reply
    return {name: NUMBERS[name].get(value, value)
            if name in NUMBERS and isinstance(value, str)
            else with_numbers(value) for name, value in reply.items()}
