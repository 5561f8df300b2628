# SPDX-License-Identifier: Apache-2.0
"""The operations that use a key."""

import hmac
import os

from . import material
from .call import Operation
from .errors import AwsError, validation
from .material import BadCiphertext
from .shapes import Blob, Context, Flag, Number, Text, TextList
from .specs import (AGREE, ALGORITHMS, ALL_AGREEMENT, ALL_ENCRYPTION, ALL_MAC,
                    ALL_SIGNING, ENCRYPT, MAC, SIGN)

GONE = ("The ciphertext refers to a customer master key that does not exist, "
        "does not exist in this region, or you are not allowed to access.")

KEY_REF = Text(required=True, min=1, max=2048)
OPTIONAL_KEY_REF = Text(min=1, max=2048)
COMMON = {"GrantTokens": TextList(max=10), "DryRun": Flag()}
MESSAGE_TYPES = ("RAW", "DIGEST", "EXTERNAL_MU")
DATA_KEY_LENGTHS = {"AES_128": 16, "AES_256": 32}


def encrypt(call):
    args = call.args
    key = call.usable_key(args["KeyId"])
    algorithm = choose(key, ENCRYPT, "Encrypt", args["EncryptionAlgorithm"])
    context = read_context(key, args["EncryptionContext"])
    check_length(key, algorithm, args["Plaintext"])
    call.stop_if_dry_run()
    return {"CiphertextBlob": seal(key, algorithm, args["Plaintext"], context),
            "KeyId": key.arn, "EncryptionAlgorithm": algorithm.name}


def decrypt(call):
    args = call.args
    key, algorithm, secret, plaintext = open_blob(
        call, args["KeyId"], args["CiphertextBlob"],
        args["EncryptionAlgorithm"], args["EncryptionContext"])
    call.stop_if_dry_run()
    reply = {"Plaintext": plaintext, "KeyId": key.arn,
             "EncryptionAlgorithm": algorithm.name}
    if secret is not None:
        reply["KeyMaterialId"] = secret.id.hex()
    return reply


def re_encrypt(call):
    args = call.args
    source, old, secret, plaintext = open_blob(
        call, args["SourceKeyId"], args["CiphertextBlob"],
        args["SourceEncryptionAlgorithm"], args["SourceEncryptionContext"],
        action="ReEncryptFrom")
    target = call.usable_key(args["DestinationKeyId"], "ReEncryptTo")
    new = choose(target, ENCRYPT, "ReEncrypt",
                 args["DestinationEncryptionAlgorithm"])
    context = read_context(target, args["DestinationEncryptionContext"])
    check_length(target, new, plaintext)
    call.stop_if_dry_run()
    reply = {"CiphertextBlob": seal(target, new, plaintext, context),
             "SourceKeyId": source.arn, "KeyId": target.arn,
             "SourceEncryptionAlgorithm": old.name,
             "DestinationEncryptionAlgorithm": new.name}
    if secret is not None:
        reply["SourceKeyMaterialId"] = secret.id.hex()
    if target.symmetric:
        reply["DestinationKeyMaterialId"] = target.material.id.hex()
    return reply


def generate_data_key(call):
    reply = data_key_reply(call)
    call.stop_if_dry_run()
    return reply


def generate_data_key_without_plaintext(call):
    reply = data_key_reply(call)
    call.stop_if_dry_run()
    del reply["Plaintext"]
    return reply


def data_key_reply(call):
    args = call.args
    if (args["KeySpec"] is None) == (args["NumberOfBytes"] is None):
        raise AwsError("ValidationException",
                       "Please specify either number of bytes or key spec.")
    length = args["NumberOfBytes"] or DATA_KEY_LENGTHS[args["KeySpec"]]
    key = call.usable_key(args["KeyId"])
    choose(key, ENCRYPT, call.operation, "SYMMETRIC_DEFAULT")
    plaintext = os.urandom(length)
    context = args["EncryptionContext"] or {}
    return {"Plaintext": plaintext, "KeyId": key.arn,
            "CiphertextBlob": key.material.encrypt(plaintext, context),
            "KeyMaterialId": key.material.id.hex()}


def sign(call):
    key, algorithm, data = signing_input(call)
    call.stop_if_dry_run()
    short = call.lie == "short-signature"
    make = material.sign_short if short and algorithm.scheme == "ecdsa" \
        else material.sign
    return {"Signature": make(key.material, algorithm, data),
            "KeyId": key.arn, "SigningAlgorithm": algorithm.name}


def verify(call):
    key, algorithm, data = signing_input(call)
    if not material.verify(key.material, algorithm, data,
                           call.args["Signature"]):
        raise AwsError("KMSInvalidSignatureException")
    call.stop_if_dry_run()
    return {"SignatureValid": True, "KeyId": key.arn,
            "SigningAlgorithm": algorithm.name}


def generate_mac(call):
    key, algorithm = mac_key(call)
    call.stop_if_dry_run()
    return {"Mac": material.mac(key.material, algorithm, call.args["Message"]),
            "KeyId": key.arn, "MacAlgorithm": algorithm.name}


def verify_mac(call):
    key, algorithm = mac_key(call)
    made = material.mac(key.material, algorithm, call.args["Message"])
    if not hmac.compare_digest(made, call.args["Mac"]):
        raise AwsError("KMSInvalidMacException")
    call.stop_if_dry_run()
    return {"MacValid": True, "KeyId": key.arn, "MacAlgorithm": algorithm.name}


def mac_key(call):
    key = call.usable_key(call.args["KeyId"])
    return key, choose(key, MAC, call.operation, call.args["MacAlgorithm"])


def derive_shared_secret(call):
    args = call.args
    key = call.usable_key(args["KeyId"])
    algorithm = choose(key, AGREE, call.operation,
                       args["KeyAgreementAlgorithm"])
    try:
        secret = material.agree(key.material, args["PublicKey"])
    except (ValueError, TypeError):
        raise AwsError("ValidationException",
                       "The public key is not valid for the key agreement "
                       "key.") from None
    call.stop_if_dry_run()
    return {"SharedSecret": secret, "KeyId": key.arn,
            "KeyAgreementAlgorithm": algorithm.name, "KeyOrigin": "AWS_KMS"}


def signing_input(call):
    """The key, the algorithm, and what the key itself has to sign."""
    args = call.args
    key = call.usable_key(args["KeyId"])
    algorithm = choose(key, SIGN, call.operation, args["SigningAlgorithm"])
    if algorithm.scheme == "ed25519ph":
        raise AwsError("UnsupportedOperationException",
                       "ED25519_PH_SHA_512 is not part of this double.")
    message = args["Message"]
    kind = args["MessageType"] or "RAW"
    if kind == "EXTERNAL_MU" or (kind == "DIGEST"
                                 and algorithm.scheme == "ed25519"):
        raise AwsError("ValidationException",
                       f"MessageType {kind} is not compatible with algorithm "
                       f"{algorithm.name}.")
    if algorithm.scheme == "ed25519":
        return key, algorithm, message
    if kind == "RAW":
        return key, algorithm, material.digest(algorithm, message)
    if len(message) != algorithm.hash.digest_size:
        raise AwsError("ValidationException", "Digest is invalid length for "
                       f"algorithm {algorithm.name}.")
    return key, algorithm, message


def choose(key, usage, operation, name):
    """The algorithm, if it goes with the key; SYMMETRIC_DEFAULT if unset."""
    if key.usage != usage:
        raise AwsError("InvalidKeyUsageException",
                       f"{key.arn} key usage is {key.usage} which is not "
                       f"valid for {operation}.")
    name = name or "SYMMETRIC_DEFAULT"
    if name not in key.algorithms:
        raise AwsError("InvalidKeyUsageException",
                       f"Algorithm {name} is incompatible with key spec "
                       f"{key.spec.name}.")
    return ALGORITHMS[name]


def read_context(key, context):
    if context and not key.symmetric:
        raise AwsError("ValidationException",
                       "EncryptionContext is only supported for symmetric "
                       "encryption keys.")
    return context or {}


def check_length(key, algorithm, plaintext):
    if key.symmetric:
        return                      # the shape has checked it
    limit = material.oaep_limit(key.material, algorithm)
    if len(plaintext) > limit:
        raise validation("Value at 'plaintext' failed to satisfy constraint: "
                         "Member must have length less than or equal to "
                         f"{limit}")


def seal(key, algorithm, plaintext, context):
    if key.symmetric:
        return key.material.encrypt(plaintext, context)
    return material.oaep_encrypt(key.material, algorithm, plaintext)


def open_blob(call, ref, blob, name, context, action=None):
    """Decrypts: the key, the algorithm, the symmetric material, the result."""
    try:
        if (name or "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT":
            return open_symmetric(call, ref, blob, context or {}, action)
        return open_asymmetric(call, ref, blob, name, context, action)
    except BadCiphertext:
        # The service gives this one without a text.
        raise AwsError("InvalidCiphertextException") from None


def open_symmetric(call, ref, blob, context, action):
    key = None
    if ref is not None:
        key = call.usable_key(ref, action)
        choose(key, ENCRYPT, call.operation, "SYMMETRIC_DEFAULT")
    maker = call.store.find_by_blob(blob)
    if maker is None and key is None:
        raise AwsError("AccessDeniedException", GONE)
    if key is not None and maker is not key:
        raise AwsError("IncorrectKeyException",
                       "The key ID in the request does not identify a CMK "
                       "that can perform this operation.")
    if key is None:
        call.authorise(maker, action)
        maker.require_usable()
    secret = maker.find_material(material.blob_material_id(blob))
    return (maker, ALGORITHMS["SYMMETRIC_DEFAULT"], secret,
            secret.decrypt(blob, context))


def open_asymmetric(call, ref, blob, name, context, action):
    if ref is None:
        raise AwsError("ValidationException",
                       f"The key ID is required for algorithm {name}.")
    key = call.usable_key(ref, action)
    algorithm = choose(key, ENCRYPT, call.operation, name)
    read_context(key, context)
    return (key, algorithm, None,
            material.oaep_decrypt(key.material, algorithm, blob))


def _encryption(prefix=""):
    """The members that say how to encrypt, for one side of ReEncrypt too."""
    return {f"{prefix}EncryptionContext": Context(),
            f"{prefix}EncryptionAlgorithm": Text(enum=ALL_ENCRYPTION)}


_CIPHERTEXT = Blob(required=True, min=1, max=6144)
_SIGNING = {"KeyId": KEY_REF, "Message": Blob(required=True, min=1, max=4096),
            "MessageType": Text(enum=MESSAGE_TYPES),
            "SigningAlgorithm": Text(required=True, enum=ALL_SIGNING),
            **COMMON}
_MAC = {"KeyId": KEY_REF, "Message": Blob(required=True, min=1, max=4096),
        "MacAlgorithm": Text(required=True, enum=ALL_MAC), **COMMON}
_DATA_KEY = {"KeyId": KEY_REF, "KeySpec": Text(enum=tuple(DATA_KEY_LENGTHS)),
             "NumberOfBytes": Number(min=1, max=1024),
             "EncryptionContext": Context(), **COMMON}

OPERATIONS = {
    "Encrypt": Operation(
        {"KeyId": KEY_REF, "Plaintext": Blob(required=True, min=1, max=4096),
         **_encryption(), **COMMON}, encrypt),
    "Decrypt": Operation(
        {"KeyId": OPTIONAL_KEY_REF, "CiphertextBlob": _CIPHERTEXT,
         **_encryption(), **COMMON}, decrypt),
    "ReEncrypt": Operation(
        {"SourceKeyId": OPTIONAL_KEY_REF, "DestinationKeyId": KEY_REF,
         "CiphertextBlob": _CIPHERTEXT, **_encryption("Source"),
         **_encryption("Destination"), **COMMON}, re_encrypt),
    "GenerateDataKey": Operation(_DATA_KEY, generate_data_key),
    "GenerateDataKeyWithoutPlaintext": Operation(
        _DATA_KEY, generate_data_key_without_plaintext),
    "GenerateMac": Operation(_MAC, generate_mac),
    "VerifyMac": Operation(
        {**_MAC, "Mac": Blob(required=True, min=1, max=6144)}, verify_mac),
    "DeriveSharedSecret": Operation(
        {"KeyId": KEY_REF,
         "KeyAgreementAlgorithm": Text(required=True, enum=ALL_AGREEMENT),
         "PublicKey": Blob(required=True, min=1, max=8192), **COMMON},
        derive_shared_secret),
    "Sign": Operation(_SIGNING, sign),
    "Verify": Operation(
        {**_SIGNING, "Signature": Blob(required=True, min=1, max=6144)},
        verify),
}
