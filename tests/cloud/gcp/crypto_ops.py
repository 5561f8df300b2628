# SPDX-License-Identifier: Apache-2.0
"""Methods that use keys."""

import os

from . import enums, material, shapes, specs
from .call import Operation
from .errors import GcpError, invalid
from .iam import VERSIONS
from .keys import has_public_key
from .material import BadCiphertext
from .shapes import check_crc, with_crc

BAD_CIPHERTEXT = ("Decryption failed: verify that 'ciphertext' and "
                  "'additional_authenticated_data' are correct.")
AAD = "additionalAuthenticatedData"
IV = "initializationVector"
DIGESTS = {"sha256": 32, "sha384": 48, "sha512": 64}
RANDOM_MIN, RANDOM_MAX = 8, 1024


def blob(name):
    """A field of bytes and the field of its checksum."""
    return {name: shapes.read_bytes, name + "Crc32c": shapes.read_int64}


def wrong_use(version, what):
    return GcpError(
        "FAILED_PRECONDITION",
        f"{version.name} has algorithm {version.algorithm.name}, which may "
        f"not be used for {what}.")


def find_version(ask, purpose, what):
    """The version named in the path, if it can be used like that."""
    version = ask.store.version(ask.name)
    version.require_enabled()
    if version.algorithm.purpose != purpose:
        raise wrong_use(version, what)
    check_reason(ask)
    return version


def check_reason(ask):
    """Key Access Justifications: this client gives the usual reason."""
    reasons = ask.store.key(ask.name.key_name()).access_reasons
    if reasons is not None and "CUSTOMER_INITIATED_ACCESS" not in reasons:
        raise GcpError(
            "PERMISSION_DENIED", "The key's Key Access Justifications policy "
            "does not allow the reason CUSTOMER_INITIATED_ACCESS.")


def too_long(field, limit):
    return invalid(f"The field {shapes.snake(field)} must be at most {limit} "
                   "bytes long.")


def check_sizes(level, plaintext, aad):
    """An HSM takes both together, others each."""
    limit = specs.data_limit(level)
    if specs.is_hsm(level) and len(plaintext) + len(aad) > limit:
        raise invalid("The plaintext and additional_authenticated_data must "
                      f"be at most {limit} bytes long together.")
    for field, data in (("plaintext", plaintext), (AAD, aad)):
        if len(data) > limit:
            raise too_long(field, limit)


# Symmetric keys


def encrypt(ask):
    key = ask.store.key(ask.name.key_name())
    if key.purpose != specs.ENCRYPT:
        raise GcpError(
            "FAILED_PRECONDITION", f"{key.name} has purpose {key.purpose}, "
            "which may not be used for encryption.")
    version = (ask.store.version(ask.name) if ask.name.version
               else key.primary)
    if version is None:
        raise GcpError("FAILED_PRECONDITION",
                       f"{key.name} has no primary version.")
    version.require_enabled()
    check_reason(ask)
    plaintext = ask.args.get("plaintext", b"")
    aad = ask.args.get(AAD, b"")
    check_sizes(version.level, plaintext, aad)
    verified = {
        "verifiedPlaintextCrc32c": check_crc(ask.args, "plaintext",
                                             plaintext),
        "verifiedAdditionalAuthenticatedDataCrc32c": check_crc(ask.args, AAD,
                                                               aad)}
    sealed = version.material.encrypt(plaintext, aad)
    return {"name": str(version.name), **with_crc("ciphertext", sealed),
            **verified, "protectionLevel": version.level}


def decrypt(ask):
    key = ask.store.key(ask.name)
    if key.purpose != specs.ENCRYPT:
        raise GcpError(
            "FAILED_PRECONDITION", f"{key.name} has purpose {key.purpose}, "
            "which may not be used for decryption.")
    ciphertext = ask.args.get("ciphertext", b"")
    aad = ask.args.get(AAD, b"")
    check_crc(ask.args, "ciphertext", ciphertext)
    check_crc(ask.args, AAD, aad)
    if len(ciphertext) > specs.CIPHERTEXT_LIMIT:
        raise too_long("ciphertext", specs.CIPHERTEXT_LIMIT)
    version = find_by_ciphertext(key, ciphertext)
    version.require_enabled()
    check_reason(ask)
    try:
        plaintext = version.material.decrypt(ciphertext, aad)
    except BadCiphertext:
        raise invalid(BAD_CIPHERTEXT) from None
    return {**with_crc("plaintext", plaintext),
            "usedPrimary": version is key.primary,
            "protectionLevel": version.level}


def find_by_ciphertext(key, ciphertext):
    try:
        version = key.find_material(material.ciphertext_id(ciphertext))
    except BadCiphertext:
        version = None
    if version is None:
        raise invalid(BAD_CIPHERTEXT)
    return version


# Raw AES


def permit_mode(ask, version):
    """Modes without authentication need a permission of their own."""
    mode = version.algorithm.scheme
    if mode in ("cbc", "ctr"):
        ask.permit(f"{VERSIONS}manageRawAes{mode.capitalize()}Keys")


def raw_arguments(ask, version, data_field):
    """(data, aad, iv, the flags that say which checksums were right)"""
    args = ask.args
    data, aad = args.get(data_field, b""), args.get(AAD, b"")
    iv = args.get(IV, b"")
    if aad and version.algorithm.scheme != "gcm":
        raise invalid("additional_authenticated_data is not supported by "
                      f"{version.algorithm.name}.")
    if iv and len(iv) != material.iv_length(version.algorithm):
        raise invalid("The initialization_vector must be "
                      f"{material.iv_length(version.algorithm)} bytes long.")
    name = data_field.capitalize()
    return data, aad, iv, {
        f"verified{name}Crc32c": check_crc(args, data_field, data),
        "verifiedAdditionalAuthenticatedDataCrc32c": check_crc(args, AAD,
                                                               aad),
        "verifiedInitializationVectorCrc32c": check_crc(args, IV, iv)}


def check_blocks(version, field, data):
    if version.algorithm.scheme == "cbc" and len(data) % material.BLOCK_LEN:
        raise invalid(f"The length of {field} must be a multiple of "
                      f"{material.BLOCK_LEN}.")


def raw_encrypt(ask):
    version = find_version(ask, specs.RAW, "raw encryption")
    permit_mode(ask, version)
    gcm = version.algorithm.scheme == "gcm"
    plaintext, aad, iv, verified = raw_arguments(ask, version, "plaintext")
    if gcm and iv:
        raise invalid("The initialization_vector must not be given for "
                      f"{version.algorithm.name}.")
    check_sizes(version.level, plaintext, aad)
    check_blocks(version, "plaintext", plaintext)
    iv = iv or os.urandom(material.iv_length(version.algorithm))
    sealed = material.raw_encrypt(version.algorithm, version.material, iv,
                                  plaintext, aad)
    return {**with_crc("ciphertext", sealed), **with_crc(IV, iv),
            "tagLength": material.TAG_LEN if gcm else 0, **verified,
            "name": str(version.name), "protectionLevel": version.level}


def raw_decrypt(ask):
    version = find_version(ask, specs.RAW, "raw decryption")
    permit_mode(ask, version)
    ciphertext, aad, iv, verified = raw_arguments(ask, version, "ciphertext")
    if not iv:
        raise invalid("The initialization_vector is required.")
    if len(ciphertext) > specs.CIPHERTEXT_LIMIT:
        raise too_long("ciphertext", specs.CIPHERTEXT_LIMIT)
    check_blocks(version, "ciphertext", ciphertext)
    gcm = version.algorithm.scheme == "gcm"
    if ask.args.get("tagLength", 0) not in ((0, material.TAG_LEN) if gcm
                                            else (0,)):
        raise invalid("Invalid tag_length.")
    try:
        plaintext = material.raw_decrypt(version.algorithm, version.material,
                                         iv, ciphertext, aad)
    except BadCiphertext:
        raise invalid(BAD_CIPHERTEXT) from None
    return {**with_crc("plaintext", plaintext),
            "protectionLevel": version.level, **verified}


# Asymmetric keys


def asymmetric_sign(ask):
    version = find_version(ask, specs.SIGN, "signing")
    args, algorithm = ask.args, version.algorithm
    if "digestCrc32c" in args and "dataCrc32c" in args:
        raise invalid("Only one of digest_crc32c and data_crc32c may be set.")
    if ("digest" in args) == ("data" in args):
        raise invalid("Exactly one of digest and data must be set.")
    verified = {}
    if "digest" in args:
        value = read_digest(algorithm, args["digest"])
        verified["verifiedDigestCrc32c"] = check_crc(args, "digest", value)
        if "dataCrc32c" in args:
            raise invalid("data_crc32c is set, but data is not.")
    else:
        value = args["data"]
        verified["verifiedDataCrc32c"] = check_crc(args, "data", value)
        if "digestCrc32c" in args:
            raise invalid("digest_crc32c is set, but digest is not.")
        value = to_be_signed(version, value)
    short = ask.lie == "short-signature" and algorithm.scheme == "ecdsa"
    signature = (material.sign_short if short else material.sign)(
        algorithm, version.material, value)
    return {**with_crc("signature", signature), **verified,
            "name": str(version.name), "protectionLevel": version.level}


def read_digest(algorithm, digest):
    """The bytes, of the member that the algorithm wants."""
    wanted = algorithm.digest_member
    if wanted is None:
        raise invalid(f"{algorithm.name} takes data, not a digest.")
    if list(digest) != [wanted]:
        raise invalid(f"{algorithm.name} takes a {wanted} digest.")
    if len(digest[wanted]) != DIGESTS[wanted]:
        raise invalid(f"The {wanted} digest must be {DIGESTS[wanted]} bytes "
                      "long.")
    return digest[wanted]


def to_be_signed(version, data):
    algorithm = version.algorithm
    limit = specs.data_limit(version.level)
    if algorithm.scheme == "raw-pkcs1":
        limit = algorithm.bits // 8 - 11
    if len(data) > limit:
        raise too_long("data", limit)
    if algorithm.digest_member is None:
        return data
    return material.digest(algorithm, data)


def asymmetric_decrypt(ask):
    version = find_version(ask, specs.DECRYPT, "decryption")
    ciphertext = ask.args.get("ciphertext", b"")
    verified = check_crc(ask.args, "ciphertext", ciphertext)
    try:
        plaintext = material.oaep_decrypt(version.algorithm,
                                          version.material, ciphertext)
    except BadCiphertext:
        raise invalid("Decryption failed: verify that 'ciphertext' is "
                      "correct.") from None
    return {**with_crc("plaintext", plaintext),
            "verifiedCiphertextCrc32c": verified,
            "protectionLevel": version.level}


def get_public_key(ask):
    version = ask.store.version(ask.name)
    version.require_enabled()
    if not has_public_key(version):
        raise wrong_use(version, "public keys: it has none")
    reply = {"name": str(version.name),
             "algorithm": version.algorithm.name,
             "protectionLevel": version.level}
    wanted = ask.query.get("publicKeyFormat")
    if wanted is None:
        pem = material.public_bytes(version.material, "PEM")
        return {"pem": pem.decode(), "pemCrc32c": shapes.crc_text(pem),
                **reply}
    if wanted not in ("PEM", "DER"):
        raise invalid(f"The format {wanted} is not supported by "
                      f"{version.algorithm.name}.")
    data = material.public_bytes(version.material, wanted)
    return {"publicKeyFormat": wanted, **reply,
            "publicKey": {"data": data,
                          "crc32cChecksum": shapes.crc_text(data)}}


# MACs, and random bytes


def mac_arguments(ask, what):
    version = find_version(ask, specs.MAC, what)
    data = ask.args.get("data", b"")
    if not data:
        raise invalid("The field data is required.")
    limit = specs.mac_limit(version.level)
    if len(data) > limit:
        raise too_long("data", limit)
    return version, data, check_crc(ask.args, "data", data)


def mac_sign(ask):
    version, data, verified = mac_arguments(ask, "MAC signing")
    mac = material.mac(version.algorithm, version.material, data)
    return {"name": str(version.name), **with_crc("mac", mac),
            "verifiedDataCrc32c": verified, "protectionLevel": version.level}


def mac_verify(ask):
    version, data, verified = mac_arguments(ask, "MAC verification")
    given = ask.args.get("mac", b"")
    if len(given) != version.algorithm.hash.digest_size:
        raise invalid("The mac must be "
                      f"{version.algorithm.hash.digest_size} bytes long.")
    verified_mac = check_crc(ask.args, "mac", given)
    right = material.same(
        material.mac(version.algorithm, version.material, data), given)
    return {"name": str(version.name), "success": right,
            "verifiedDataCrc32c": verified, "verifiedMacCrc32c": verified_mac,
            "verifiedSuccessIntegrity": right,
            "protectionLevel": version.level}


def generate_random_bytes(ask):
    length = ask.args.get("lengthBytes", 0)
    if not RANDOM_MIN <= length <= RANDOM_MAX:
        raise invalid(f"length_bytes must be {RANDOM_MIN} to {RANDOM_MAX}.")
    if ask.args.get("protectionLevel") != "HSM":
        raise GcpError("UNIMPLEMENTED",
                       "Only the protection level HSM is supported.")
    return with_crc("data", os.urandom(length))


def _operation(name, kinds, verb, permission, handler, **shape):
    return Operation(name, "POST", kinds, ":" + verb, permission, handler,
                     shape)


USE = VERSIONS + "useTo"
RAW_FIELDS = {**blob(AAD), **blob(IV)}
OPERATIONS = (
    _operation("Encrypt", ("key", "version"), "encrypt", USE + "Encrypt",
               encrypt, **blob("plaintext"), **blob(AAD)),
    _operation("Decrypt", ("key",), "decrypt", USE + "Decrypt", decrypt,
               **blob("ciphertext"), **blob(AAD)),
    _operation("RawEncrypt", ("version",), "rawEncrypt", USE + "Encrypt",
               raw_encrypt, **blob("plaintext"), **RAW_FIELDS),
    _operation("RawDecrypt", ("version",), "rawDecrypt", USE + "Decrypt",
               raw_decrypt, **blob("ciphertext"), **RAW_FIELDS,
               tagLength=shapes.read_int32),
    _operation("AsymmetricSign", ("version",), "asymmetricSign",
               USE + "Sign", asymmetric_sign, **blob("data"),
               digest=shapes.message(sha256=shapes.read_bytes,
                                     sha384=shapes.read_bytes,
                                     sha512=shapes.read_bytes,
                                     externalMu=shapes.read_bytes),
               digestCrc32c=shapes.read_int64),
    _operation("AsymmetricDecrypt", ("version",), "asymmetricDecrypt",
               USE + "Decrypt", asymmetric_decrypt, **blob("ciphertext")),
    _operation("MacSign", ("version",), "macSign", USE + "Sign", mac_sign,
               **blob("data")),
    _operation("MacVerify", ("version",), "macVerify", USE + "Verify",
               mac_verify, **blob("data"), **blob("mac")),
    _operation("GenerateRandomBytes", ("location",), "generateRandomBytes",
               "cloudkms.locations.generateRandomBytes",
               generate_random_bytes, lengthBytes=shapes.read_int32,
               protectionLevel=enums.reader("protectionLevel")),
    Operation("GetPublicKey", "GET", ("version",), "/publicKey",
              VERSIONS + "viewPublicKey", get_public_key,
              query={"publicKeyFormat": shapes.read_string}),
)
