# SPDX-License-Identifier: Apache-2.0
"""Key material: what really encrypts and signs. Knows nothing of requests."""

import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (ec, ed25519, padding,
                                                       rsa, utils)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Ciphertexts of the service start like this: field 1, 36 bytes, of which the
# first is a version. The identifier of the material is the other 35.
HEAD = b"\x0a\x24\x00"
ID_LEN = 35
NONCE_LEN = 12
TAG_LEN = 16
BLOCK_LEN = 16
FILLER_MAX = 15


class BadCiphertext(Exception):
    """Damaged, with another AAD, or not a ciphertext at all."""


def generate(algorithm):
    """New material for an algorithm. RSA takes a while."""
    if algorithm.scheme == "symmetric":
        return SymmetricMaterial()
    if algorithm.scheme in ("gcm", "cbc", "ctr"):
        return os.urandom(algorithm.bits // 8)
    if algorithm.scheme == "hmac":
        return os.urandom(algorithm.hash.digest_size)
    if algorithm.scheme == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.curve is not None:
        return ec.generate_private_key(algorithm.curve)
    return rsa.generate_private_key(65537, algorithm.bits)


def public_bytes(private, encoding):
    """encoding  PEM or DER"""
    return private.public_key().public_bytes(
        serialization.Encoding[encoding],
        serialization.PublicFormat.SubjectPublicKeyInfo)


class SymmetricMaterial:
    """One AES-256 key with the identifier that its ciphertexts carry."""

    def __init__(self):
        self.id = os.urandom(ID_LEN)
        self._key = AESGCM(os.urandom(32))

    def encrypt(self, plaintext, aad):
        # The filler makes the size differ from call to call: a client may
        # not count on one.
        filler = os.urandom(secrets.randbelow(FILLER_MAX + 1))
        nonce = os.urandom(NONCE_LEN)
        header = HEAD + self.id + bytes([len(filler)]) + filler + nonce
        return header + self._key.encrypt(nonce, plaintext, header + aad)

    def decrypt(self, ciphertext, aad):
        header, nonce, sealed = split(ciphertext)
        try:
            return self._key.decrypt(nonce, sealed, header + aad)
        except InvalidTag:
            raise BadCiphertext from None


def ciphertext_id(ciphertext):
    """The material a ciphertext was made with."""
    split(ciphertext)
    return ciphertext[len(HEAD):len(HEAD) + ID_LEN]


def split(ciphertext):
    """(header, nonce, sealed); BadCiphertext if it is not one of ours."""
    filler_at = len(HEAD) + ID_LEN
    if len(ciphertext) <= filler_at or not ciphertext.startswith(HEAD):
        raise BadCiphertext
    nonce_at = filler_at + 1 + ciphertext[filler_at]
    end = nonce_at + NONCE_LEN
    if ciphertext[filler_at] > FILLER_MAX or len(ciphertext) < end + TAG_LEN:
        raise BadCiphertext
    return ciphertext[:end], ciphertext[nonce_at:end], ciphertext[end:]


# Raw AES


def iv_length(algorithm):
    return NONCE_LEN if algorithm.scheme == "gcm" else BLOCK_LEN


def raw_encrypt(algorithm, key, iv, plaintext, aad):
    if algorithm.scheme == "gcm":
        return AESGCM(key).encrypt(iv, plaintext, aad)
    worker = _unauthenticated(algorithm, key, iv).encryptor()
    return worker.update(plaintext) + worker.finalize()


def raw_decrypt(algorithm, key, iv, ciphertext, aad):
    if algorithm.scheme == "gcm":
        try:
            return AESGCM(key).decrypt(iv, ciphertext, aad)
        except InvalidTag:
            raise BadCiphertext from None
    worker = _unauthenticated(algorithm, key, iv).decryptor()
    return worker.update(ciphertext) + worker.finalize()


def _unauthenticated(algorithm, key, iv):
    mode = modes.CBC if algorithm.scheme == "cbc" else modes.CTR
    return Cipher(algorithms.AES(key), mode(iv))


# Asymmetric keys and MACs


def digest(algorithm, message):
    hasher = hashes.Hash(algorithm.hash)
    hasher.update(message)
    return hasher.finalize()


def sign(algorithm, private, data):
    """data  the digest; the message for ed25519; what is to be padded for
    raw-pkcs1"""
    if algorithm.scheme == "ed25519":
        return private.sign(data)
    if algorithm.scheme == "raw-pkcs1":
        return _raw_pkcs1(private, data)
    prehashed = utils.Prehashed(algorithm.hash)
    if algorithm.scheme == "ecdsa":
        return private.sign(data, ec.ECDSA(prehashed))
    if algorithm.scheme == "pkcs1":
        return private.sign(data, padding.PKCS1v15(), prehashed)
    return private.sign(data, padding.PSS(padding.MGF1(algorithm.hash),
                                          algorithm.hash.digest_size),
                        prehashed)


def sign_short(algorithm, private, data):
    """An ECDSA signature whose r or s is shorter than the field."""
    full = 8 * ((private.curve.key_size + 7) // 8 - 1)
    while True:
        signature = sign(algorithm, private, data)
        if min(utils.decode_dss_signature(signature)).bit_length() <= full:
            return signature


def _raw_pkcs1(private, data):
    """RFC 8017, 9.2 without the DigestInfo: for which the library has no
    call."""
    size = private.key_size // 8
    padded = (b"\x00\x01" + b"\xff" * (size - len(data) - 3) + b"\x00" + data)
    numbers = private.private_numbers()
    value = pow(int.from_bytes(padded, "big"), numbers.d,
                numbers.public_numbers.n)
    return value.to_bytes(size, "big")


def oaep_decrypt(algorithm, private, ciphertext):
    try:
        return private.decrypt(ciphertext, padding.OAEP(
            padding.MGF1(algorithm.hash), algorithm.hash, None))
    except ValueError:
        raise BadCiphertext from None


def mac(algorithm, key, data):
    return hmac.new(key, data, algorithm.hash.name).digest()


def same(one, other):
    return hmac.compare_digest(one, other)
