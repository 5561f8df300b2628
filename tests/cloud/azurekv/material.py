# SPDX-License-Identifier: Apache-2.0
"""Key material: what really signs and decrypts. Knows nothing of requests."""

import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from frame import jose

from .specs import CURVES

IV_LEN = 12
BLOCK_LEN = 16
TAG_LEN = 16


class Unsuitable(Exception):
    """The input is not what the algorithm takes; why, for the client."""


class Undecryptable(Exception):
    """Damaged, of another key, or not a ciphertext at all."""


def shortest(number):
    """Big-endian, without a leading zero byte."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


class RsaMaterial:
    kind = "rsa"

    def __init__(self, private):
        self.private = private
        self.bits = private.key_size
        self.size = private.key_size // 8

    @classmethod
    def generate(cls, bits, exponent=65537):
        return cls(rsa.generate_private_key(exponent, bits))

    @classmethod
    def load(cls, jwk):
        n, e, d, p, q, dp, dq, qi = (
            int.from_bytes(jose.decode(jwk[name]), "big")
            for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi"))
        public = rsa.RSAPublicNumbers(e, n)
        return cls(rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi,
                                         public).private_key())

    def public_members(self):
        numbers = self.private.public_key().public_numbers()
        return {"n": shortest(numbers.n), "e": shortest(numbers.e)}

    def can_sign(self, algorithm):
        return algorithm.scheme != "ecdsa"

    def can_encrypt(self, algorithm):
        return algorithm.scheme in ("oaep", "pkcs1")

    def sign(self, algorithm, digest):
        if algorithm.scheme == "raw":
            return self._sign_raw(digest)
        return self.private.sign(digest, *self._scheme(algorithm))

    def verify(self, algorithm, digest, signature):
        if algorithm.scheme == "raw":
            return self._sign_raw(digest) == signature
        try:
            self.private.public_key().verify(signature, digest,
                                             *self._scheme(algorithm))
        except InvalidSignature:
            return False
        return True

    @staticmethod
    def _scheme(algorithm):
        prehashed = utils.Prehashed(algorithm.hash)
        if algorithm.scheme == "pkcs1":
            return padding.PKCS1v15(), prehashed
        # The salt is as long as the hash (RFC 7518, 3.5).
        return (padding.PSS(padding.MGF1(algorithm.hash),
                            algorithm.hash.digest_size), prehashed)

    def _sign_raw(self, data):
        """PKCS#1 v1.5, block type 1, without a DigestInfo."""
        if len(data) > self.size - 11:
            raise Unsuitable("at most %d bytes" % (self.size - 11))
        block = b"\0\1" + b"\xff" * (self.size - 3 - len(data)) + b"\0" + data
        numbers = self.private.private_numbers()
        number = pow(int.from_bytes(block, "big"), numbers.d,
                     numbers.public_numbers.n)
        return number.to_bytes(self.size, "big")

    def limit(self, algorithm):
        """The longest plaintext in bytes (RFC 8017, 7.1.1 and 7.2.1)."""
        if algorithm.scheme == "pkcs1":
            return self.size - 11
        return self.size - 2 * algorithm.hash.digest_size - 2

    def encrypt(self, algorithm, plaintext, **_):
        limit = self.limit(algorithm)
        if len(plaintext) > limit:
            raise Unsuitable(f"at most {limit} bytes")
        return {"value": self.private.public_key().encrypt(
            plaintext, self._encryption(algorithm))}

    def decrypt(self, algorithm, ciphertext, **_):
        if len(ciphertext) != self.size:
            raise Unsuitable(f"{self.size} bytes")
        try:
            plaintext = self.private.decrypt(ciphertext,
                                             self._encryption(algorithm))
        except ValueError:
            raise Undecryptable from None
        return {"value": plaintext}

    @staticmethod
    def _encryption(algorithm):
        if algorithm.scheme == "pkcs1":
            return padding.PKCS1v15()
        return padding.OAEP(padding.MGF1(algorithm.hash), algorithm.hash,
                            None)


class EcMaterial:
    kind = "ec"

    def __init__(self, private, curve):
        self.private = private
        self.curve = curve

    @classmethod
    def generate(cls, name):
        curve = CURVES[name]
        return cls(ec.generate_private_key(curve.curve), curve)

    @classmethod
    def load(cls, jwk):
        curve = CURVES[jwk["crv"]]
        x, y, d = (int.from_bytes(jose.decode(jwk[name]), "big")
                   for name in ("x", "y", "d"))
        public = ec.EllipticCurvePublicNumbers(x, y, curve.curve)
        return cls(ec.EllipticCurvePrivateNumbers(d, public).private_key(),
                   curve)

    def public_members(self):
        numbers = self.private.public_key().public_numbers()
        return {"crv": self.curve.name,
                "x": numbers.x.to_bytes(self.curve.size, "big"),
                "y": numbers.y.to_bytes(self.curve.size, "big")}

    def can_sign(self, algorithm):
        return algorithm.name == self.curve.algorithm

    def can_encrypt(self, _algorithm):
        return False

    def sign(self, algorithm, digest):
        r, s = utils.decode_dss_signature(self.private.sign(
            digest, ec.ECDSA(utils.Prehashed(algorithm.hash))))
        return (r.to_bytes(self.curve.size, "big")
                + s.to_bytes(self.curve.size, "big"))

    def sign_short(self, algorithm, digest):
        """A signature whose r or s begins with a zero byte."""
        size = self.curve.size
        # P-521 has one bit in its first byte, and it is zero half the time:
        # there the second one has to be zero as well.
        first = 2 if self.curve.name == "P-521" else 1
        while True:
            signature = self.sign(algorithm, digest)
            if bytes(first) in (signature[:first],
                                signature[size:size + first]):
                return signature

    def verify(self, algorithm, digest, signature):
        size = self.curve.size
        if len(signature) != 2 * size:
            return False
        der = utils.encode_dss_signature(
            int.from_bytes(signature[:size], "big"),
            int.from_bytes(signature[size:], "big"))
        try:
            self.private.public_key().verify(
                der, digest, ec.ECDSA(utils.Prehashed(algorithm.hash)))
        except InvalidSignature:
            return False
        return True


class OctMaterial:
    """An AES key. All of its ways to encrypt take and give these members:
    value, iv, tag, aad."""
    kind = "oct"

    def __init__(self, key):
        self.key = key
        self.bits = 8 * len(key)

    @classmethod
    def generate(cls, bits):
        return cls(os.urandom(bits // 8))

    @classmethod
    def load(cls, jwk):
        return cls(jose.decode(jwk["k"]))

    def public_members(self):
        return {}

    def can_sign(self, _algorithm):
        return False

    def can_encrypt(self, algorithm):
        return algorithm.scheme not in ("oaep", "pkcs1")

    def encrypt(self, algorithm, plaintext, iv=None, aad=None, **_):
        if algorithm.scheme == "gcm":
            return self._gcm_encrypt(plaintext, aad)
        if algorithm.scheme in ("cbc", "cbcpad"):
            return self._cbc_encrypt(algorithm, plaintext, iv)
        return {"value": self._wrap(algorithm, plaintext)}

    def decrypt(self, algorithm, ciphertext, iv=None, aad=None, tag=None):
        if algorithm.scheme == "gcm":
            return {"value": self._gcm_decrypt(ciphertext, iv, aad, tag)}
        if algorithm.scheme in ("cbc", "cbcpad"):
            return {"value": self._cbc_decrypt(algorithm, ciphertext, iv)}
        return {"value": self._unwrap(algorithm, ciphertext)}

    def _gcm_encrypt(self, plaintext, aad):
        iv = os.urandom(IV_LEN)
        sealed = AESGCM(self.key).encrypt(iv, plaintext, aad)
        members = {"value": sealed[:-TAG_LEN], "iv": iv,
                   "tag": sealed[-TAG_LEN:]}
        if aad is not None:
            members["aad"] = aad
        return members

    def _gcm_decrypt(self, ciphertext, iv, aad, tag):
        if iv is None or len(iv) != IV_LEN:
            raise Unsuitable("an iv of 12 bytes")
        if tag is None or len(tag) != TAG_LEN:
            raise Unsuitable("a tag of 16 bytes")
        try:
            return AESGCM(self.key).decrypt(iv, ciphertext + tag, aad)
        except InvalidTag:
            raise Undecryptable from None

    def _cbc(self, iv):
        if iv is None or len(iv) != BLOCK_LEN:
            raise Unsuitable("an iv of 16 bytes")
        return Cipher(algorithms.AES(self.key), modes.CBC(iv))

    def _cbc_encrypt(self, algorithm, plaintext, iv):
        encryptor = self._cbc(iv).encryptor()
        if algorithm.scheme == "cbcpad":
            padder = PKCS7(8 * BLOCK_LEN).padder()
            plaintext = padder.update(plaintext) + padder.finalize()
        if len(plaintext) % BLOCK_LEN:
            raise Unsuitable("a multiple of 16 bytes")
        return {"value": encryptor.update(plaintext) + encryptor.finalize(),
                "iv": iv}

    def _cbc_decrypt(self, algorithm, ciphertext, iv):
        decryptor = self._cbc(iv).decryptor()
        if len(ciphertext) % BLOCK_LEN:
            raise Unsuitable("a multiple of 16 bytes")
        plaintext = decryptor.update(ciphertext) + decryptor.finalize()
        if algorithm.scheme == "cbc":
            return plaintext
        unpadder = PKCS7(8 * BLOCK_LEN).unpadder()
        try:
            return unpadder.update(plaintext) + unpadder.finalize()
        except ValueError:
            raise Undecryptable from None

    def _wrap(self, algorithm, plaintext):
        if algorithm.scheme == "kwp":
            if not plaintext:
                raise Unsuitable("at least 1 byte")
            return keywrap.aes_key_wrap_with_padding(self.key, plaintext)
        if len(plaintext) < 16 or len(plaintext) % 8:
            raise Unsuitable("a multiple of 8 bytes, and at least 16")
        return keywrap.aes_key_wrap(self.key, plaintext)

    def _unwrap(self, algorithm, wrapped):
        unwrap = (keywrap.aes_key_unwrap_with_padding
                  if algorithm.scheme == "kwp" else keywrap.aes_key_unwrap)
        try:
            return unwrap(self.key, wrapped)
        except keywrap.InvalidUnwrap:
            raise Undecryptable from None


CLASSES = {"rsa": RsaMaterial, "ec": EcMaterial, "oct": OctMaterial}


def public_pem(material):
    return material.private.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode()
