# SPDX-License-Identifier: Apache-2.0
"""Transit: sign, verify, HMAC."""

import base64
import binascii
import hashlib
import hmac as hmaclib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from . import fields
from .errors import VaultError, internal, invalid
from .keys import raw_public

HASHES = {"sha1": hashes.SHA1(), "sha2-224": hashes.SHA224(),
          "sha2-256": hashes.SHA256(), "sha2-384": hashes.SHA384(),
          "sha2-512": hashes.SHA512(), "sha3-224": hashes.SHA3_224(),
          "sha3-256": hashes.SHA3_256(), "sha3-384": hashes.SHA3_384(),
          "sha3-512": hashes.SHA3_512(), "none": None}
MARSHALINGS = ("asn1", "jws")


class How:
    """The parameters that signing and verifying share."""

    def __init__(self, op, algorithm):
        body = op.body
        name = (algorithm or fields.text(body, "hash_algorithm")
                or fields.text(body, "algorithm") or "sha2-256")
        if name not in HASHES:
            raise invalid(f'invalid hash algorithm "{name}"')
        self.marshaling = fields.text(body, "marshaling_algorithm", "asn1")
        if self.marshaling not in MARSHALINGS:
            raise invalid(f'invalid marshaling type "{self.marshaling}"')
        self.hash = HASHES[name]
        self.prehashed = fields.truth(body, "prehashed")
        self.scheme = fields.text(body, "signature_algorithm") or "pss"
        self.salt = self._salt(fields.text(body, "salt_length", "auto"))
        if self.hash is None and not (self.prehashed
                                      and self.scheme == "pkcs1v15"):
            raise invalid("hash_algorithm=none requires both prehashed=true "
                          "and signature_algorithm=pkcs1v15")

    @staticmethod
    def _salt(text):
        if text.lower() in ("auto", "hash"):
            return text.lower()
        if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
            raise invalid("salt length neither 'auto', 'hash', nor an int: "
                          + text)
        # The numbers by which Go names the two: no salt is not to be had.
        return {0: "auto", -1: "hash"}.get(int(text), int(text))

    def digest(self, key, data):
        """What is signed: Ed25519 takes the message itself."""
        if self.prehashed or key.kind.name == "ed25519":
            return data
        digest = hashes.Hash(self.hash)
        digest.update(data)
        return digest.finalize()

    def rsa_padding(self, bits, signing):
        if self.scheme == "pkcs1v15":
            return padding.PKCS1v15()
        if self.scheme != "pss":
            raise internal("unsupported rsa signature algorithm "
                           + self.scheme)
        size = self.hash.digest_size
        most = (bits + 6) // 8 - size - 2
        salt = {"auto": most if signing else padding.PSS.AUTO,
                "hash": size}.get(self.salt, self.salt)
        if self.salt not in ("auto", "hash") and not 0 < salt <= most:
            raise internal(f"requested salt length {salt} is invalid")
        return padding.PSS(padding.MGF1(self.hash), salt)

    def encode(self, signature):
        if self.marshaling == "jws":
            return base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        return base64.b64encode(signature).decode()

    def decode(self, text):
        try:
            if self.marshaling == "jws":
                if re.search("[+/=]", text):
                    raise ValueError
                return base64.b64decode(text + "=" * (-len(text) % 4), b"-_",
                                        validate=True)
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise invalid("invalid base64 signature value") from None


def sign(mount, op, name, algorithm=None):
    how = How(op, algorithm)
    key = mount.need(name, "signing key not found")
    if not key.kind.signs:
        raise invalid(f"key type {key.kind.name} does not support signing")

    def one(item, single):
        data = fields.decode(need(item, "input", single),
                             "unable to decode input as base64")
        context = item_bytes(item, "context")
        try:
            version = key.version_to_make(
                fields.number(op.body, "key_version"), "signing")
            private = key.signer(version, context)
            signature = make(key, private, how.digest(key, data), how, op.lie)
        except VaultError as error:
            # Whatever goes wrong from here on is an error of the server's,
            # unless it is in a batch.
            raise error if not single else wrap(error) from None
        found = {"signature": f"vault:v{version}:" + how.encode(signature),
                 "key_version": version}
        if key.derived:
            public = raw_public(private.public_key())
            found["public_key" if single else "publickey"] = public
        return found
    return run(op, one)


def verify(mount, op, name, algorithm=None):
    items = op.body.get("batch_input") or [op.body]
    kinds = {kind for item in items if isinstance(item, dict)
             for kind in ("signature", "hmac") if item.get(kind) is not None}
    if len(kinds) > 1:
        raise invalid("provide one of 'signature' or 'hmac'")
    if not kinds:
        raise invalid("neither a 'signature' nor an 'hmac' were given to "
                      "verify")
    if kinds == {"hmac"}:
        return verify_hmac(mount, op, name, algorithm)
    how = How(op, algorithm)
    key = mount.need(name, "signature verification key not found")
    if not key.kind.signs:
        raise invalid(f"key type {key.kind.name} does not support "
                      "verification")

    def one(item, single):
        data = fields.decode(need(item, "input", single),
                             "unable to decode input as base64")
        context = item_bytes(item, "context")
        version, payload = key.split(need(item, "signature", False),
                                     "signature")
        public = key.signer(version, context).public_key()
        return {"valid": check(key, public, how.digest(key, data),
                               how.decode(payload), how)}
    return run(op, one)


def hmac(mount, op, name, algorithm=None):
    key = mount.need(name)
    compute = mac_function(op, algorithm)

    def one(item, single):
        if item.get("input") is None:
            raise invalid("missing input for HMAC")
        data = fields.decode(fields.text(item, "input"),
                             "unable to decode input as base64")
        version = key.version_to_make(
            fields.number(op.body, "key_version"), "HMAC")
        mac = compute(key.versions[version].hmac_key, data)
        return {"hmac": f"vault:v{version}:" + base64.b64encode(mac).decode()}
    return run(op, one)


def verify_hmac(mount, op, name, algorithm):
    key = mount.need(name)
    compute = mac_function(op, algorithm)

    def one(item, single):
        data = fields.decode(need(item, "input", single),
                             "unable to decode input as base64")
        version, payload = key.split(need(item, "hmac", False), "HMAC")
        mac = fields.decode(payload, "invalid HMAC: could not decode base64")
        expected = compute(key.versions[version].hmac_key, data)
        return {"valid": hmaclib.compare_digest(mac, expected)}
    return run(op, one)


def mac_function(op, algorithm):
    name = (algorithm or fields.text(op.body, "algorithm")
            or fields.text(op.body, "hash_algorithm") or "sha2-256")
    if not HASHES.get(name):
        raise invalid(f'unsupported algorithm "{name}"')
    python = re.sub("^sha2-", "sha", name).replace("-", "_")
    return lambda key, data: hmaclib.new(key, data,
                                         getattr(hashlib, python)).digest()


def run(op, one):
    """A single request, or a batch whose status is 200 whatever failed."""
    items = op.body.get("batch_input")
    if items is None:
        return one(op.body, True)
    if not isinstance(items, list) or not all(isinstance(each, dict)
                                              for each in items):
        raise internal("failed to parse batch input")
    if not items:
        raise invalid("missing batch input to process")
    results = []
    for item in items:
        try:
            result = one(item, False)
        except VaultError as error:
            text = re.sub(r"^1 error occurred:\n\t\* |\n\n$", "",
                          error.texts[0])
            result = {"error": text}
        if item.get("reference"):
            result["reference"] = item["reference"]
        results.append(result)
    return {"batch_results": results}


def need(item, name, optional):
    """A text of an item; the single form takes none as an empty one."""
    if item.get(name) is None and not optional:
        raise invalid(f"missing {name}")
    return fields.text(item, name)


def item_bytes(item, name):
    value = fields.text(item, name)
    return fields.decode(value, f"failed to base64-decode {name}")


def wrap(error):
    return error if error.status == 500 else internal(error.texts[0])


def make(key, private, digest, how, lie):
    if key.kind.rsa_bits:
        return sign_rsa(private, digest, how)
    if key.kind.curve is None:
        return private.sign(digest)
    prepared, algorithm = ecdsa_input(key.kind.curve, digest)
    size = (key.kind.curve.key_size + 7) // 8
    while True:
        der = private.sign(prepared, ec.ECDSA(algorithm))
        r, s = utils.decode_dss_signature(der)
        short = min(r, s).bit_length() <= 8 * (size - 1)
        if lie != "short-signature" or short:
            break
    if how.marshaling == "asn1":
        return der
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ecdsa_input(curve, digest):
    """The leftmost bits of any digest, as ECDSA takes them, in the form of a
    hash that is as long as the curve or shorter."""
    size = {256: 32, 384: 48, 521: 64}[curve.key_size]
    algorithm = {32: hashes.SHA256(), 48: hashes.SHA384(),
                 64: hashes.SHA512()}[size]
    if len(digest) > 64 and size == 64:
        raise internal("digests of more than 64 bytes are not known here")
    return digest[:size].rjust(size, b"\0"), utils.Prehashed(algorithm)


def sign_rsa(private, digest, how):
    if how.hash is None:
        return raw_pkcs1(private, digest)
    how_padded = how.rsa_padding(private.key_size, True)
    try:
        return private.sign(digest, how_padded, utils.Prehashed(how.hash))
    except ValueError:
        raise internal("crypto/rsa: input must be hashed message") from None


def raw_pkcs1(private, data):
    """PKCS#1 v1.5 without DigestInfo: whatever the caller gives."""
    size = private.key_size // 8
    if len(data) > size - 11:
        raise internal("crypto/rsa: message too long for RSA key size")
    numbers = private.private_numbers()
    block = b"\0\1" + b"\xff" * (size - 3 - len(data)) + b"\0" + data
    number = pow(int.from_bytes(block, "big"), numbers.d,
                 numbers.public_numbers.n)
    return number.to_bytes(size, "big")


def check(key, public, digest, signature, how):
    try:
        if key.kind.rsa_bits:
            check_rsa(public, digest, signature, how)
        elif key.kind.curve is None:
            public.verify(signature, digest)
        else:
            check_ecdsa(key.kind.curve, public, digest, signature, how)
    except InvalidSignature:
        return False
    return True


def check_rsa(public, digest, signature, how):
    if how.hash is None:
        size = public.key_size // 8
        numbers = public.public_numbers()
        block = pow(int.from_bytes(signature, "big"), numbers.e,
                    numbers.n).to_bytes(size, "big")
        if block != (b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0"
                     + digest):
            raise InvalidSignature
        return
    how_padded = how.rsa_padding(public.key_size, False)
    if len(digest) != how.hash.digest_size:
        raise InvalidSignature
    public.verify(signature, digest, how_padded, utils.Prehashed(how.hash))


def check_ecdsa(curve, public, digest, signature, how):
    prepared, algorithm = ecdsa_input(curve, digest)
    if how.marshaling == "jws":
        half = len(signature) // 2
        signature = utils.encode_dss_signature(
            int.from_bytes(signature[:half], "big"),
            int.from_bytes(signature[half:], "big"))
    else:
        try:
            utils.decode_dss_signature(signature)
        except ValueError:
            raise invalid("supplied signature is invalid") from None
    public.verify(signature, prepared, ec.ECDSA(algorithm))
