# SPDX-License-Identifier: Apache-2.0
"""Key material: what really encrypts and signs. Knows nothing of requests."""

import os
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import (ec, ed25519, padding,
                                                       rsa, utils)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The first bytes of recent blobs of the service, and about their overhead.
BLOB_MAGIC = b"\x01\x02\x02\x00"
MATERIAL_ID_LEN = 32
NONCE_LEN = 12
TAG_LEN = 16
FILLER_MIN, FILLER_MAX = 87, 97


class BadCiphertext(Exception):
    """Damaged, of another context, or not a ciphertext at all."""


def generate(spec):
    """New material for a spec. RSA takes a while."""
    if spec.kind == "rsa":
        return rsa.generate_private_key(65537, spec.bits)
    if spec.kind == "ec":
        return ec.generate_private_key(spec.curve)
    if spec.kind == "hmac":
        return os.urandom(spec.bits // 8)
    if spec.kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return SymmetricMaterial()


def public_der(private):
    return private.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def public_pem(private):
    return private.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class SymmetricMaterial:
    """One AES-256 key with the identifier that its blobs carry."""

    def __init__(self):
        self.id = os.urandom(MATERIAL_ID_LEN)
        self._key = AESGCM(os.urandom(32))

    def encrypt(self, plaintext, context):
        # The filler makes the size differ from call to call: a client may
        # not count on one. It is authenticated like the rest of the header.
        filler = FILLER_MIN + secrets.randbelow(FILLER_MAX - FILLER_MIN + 1)
        nonce = os.urandom(NONCE_LEN)
        header = (BLOB_MAGIC + self.id + nonce + bytes([filler])
                  + os.urandom(filler))
        return header + self._key.encrypt(nonce, plaintext,
                                          header + context_bytes(context))

    def decrypt(self, blob, context):
        header, nonce, sealed = split_blob(blob)
        try:
            return self._key.decrypt(nonce, sealed,
                                     header + context_bytes(context))
        except InvalidTag:
            raise BadCiphertext from None


def blob_material_id(blob):
    """The material a blob was made with; BadCiphertext if it is no blob."""
    split_blob(blob)
    start = len(BLOB_MAGIC)
    return blob[start:start + MATERIAL_ID_LEN]


def split_blob(blob):
    nonce_at = len(BLOB_MAGIC) + MATERIAL_ID_LEN
    filler_at = nonce_at + NONCE_LEN
    if len(blob) <= filler_at or not blob.startswith(BLOB_MAGIC):
        raise BadCiphertext
    header_len = filler_at + 1 + blob[filler_at]
    if len(blob) < header_len + TAG_LEN:
        raise BadCiphertext
    return blob[:header_len], blob[nonce_at:filler_at], blob[header_len:]


def context_bytes(context):
    """One encoding per context: sorted, each string with its length."""
    encoded = b""
    for pair in sorted(context.items()):
        for text in pair:
            data = text.encode("utf-8", "surrogatepass")
            encoded += len(data).to_bytes(4, "big") + data
    return encoded


def oaep_limit(private, algorithm):
    """The longest plaintext in bytes (RFC 8017, 7.1.1)."""
    return private.key_size // 8 - 2 * algorithm.hash.digest_size - 2


def oaep_encrypt(private, algorithm, plaintext):
    return private.public_key().encrypt(plaintext, _oaep(algorithm))


def oaep_decrypt(private, algorithm, ciphertext):
    try:
        return private.decrypt(ciphertext, _oaep(algorithm))
    except ValueError:
        raise BadCiphertext from None


def digest(algorithm, message):
    hasher = hashes.Hash(algorithm.hash)
    hasher.update(message)
    return hasher.finalize()


def sign(private, algorithm, data):
    """data  the digest, or for Ed25519 the message"""
    return private.sign(data, *_scheme(algorithm))


def verify(private, algorithm, data, signature):
    try:
        private.public_key().verify(signature, data, *_scheme(algorithm))
    except InvalidSignature:
        return False
    return True


def sign_short(private, algorithm, data):
    """An ECDSA signature whose r or s is shorter than the field."""
    full = 8 * ((private.curve.key_size + 7) // 8 - 1)
    while True:
        signature = sign(private, algorithm, data)
        if min(utils.decode_dss_signature(signature)).bit_length() <= full:
            return signature


def mac(key, algorithm, message):
    """HMAC (RFC 2104), never cut."""
    maker = hmac.HMAC(key, algorithm.hash)
    maker.update(message)
    return maker.finalize()


def agree(private, der):
    """The x coordinate (SP 800-56A, 5.7.1.2); ValueError: no such point."""
    peer = serialization.load_der_public_key(der)
    if not isinstance(peer, ec.EllipticCurvePublicKey) or \
            peer.curve.name != private.curve.name:
        raise ValueError("another curve")
    return private.exchange(ec.ECDH(), peer)


def _oaep(algorithm):
    return padding.OAEP(padding.MGF1(algorithm.hash), algorithm.hash, None)


def _scheme(algorithm):
    """The arguments that sign and verify of the library want."""
    if algorithm.scheme == "ed25519":
        return ()
    prehashed = utils.Prehashed(algorithm.hash)
    if algorithm.scheme == "ecdsa":
        return (ec.ECDSA(prehashed),)
    if algorithm.scheme == "pkcs1":
        return (padding.PKCS1v15(), prehashed)
    return (padding.PSS(padding.MGF1(algorithm.hash),
                        algorithm.hash.digest_size), prehashed)
