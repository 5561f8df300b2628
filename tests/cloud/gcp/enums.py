# SPDX-License-Identifier: Apache-2.0
"""Enums of the API by number: clients may send one or the other, and may ask
for numbers in replies."""

from .errors import bad_request, invalid

# By the member that has them.
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


def reader(member):
    """For shapes: a name or a number of this enum; the name."""
    numbers = NUMBERS[member]

    def read(path, value):
        for name, number in numbers.items():
            if value == name or (value == number
                                 and not isinstance(value, bool)):
                return name
        text = f"Invalid value at '{path}' ({member}), {value!r}"
        raise invalid(text, bad_request(path, text))
    return read
