# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens, compact, RS256 and ES256: made and verified."""

import base64
import binascii
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils


class BadToken(Exception):
    """No JWT, or not signed by the key."""


def encode_part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_part(text):
    """Base64url without padding, and nothing else."""
    try:
        if any(letter in text for letter in "+/="):
            raise ValueError
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_",
                                validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("a part is not base64url") from None


def sign(private, claims, kid=None):
    """An RS256 token."""
    header = {"alg": "RS256", "typ": "JWT"}
    if kid is not None:
        header["kid"] = kid
    text = ".".join(
        encode_part(json.dumps(part, separators=(",", ":")).encode())
        for part in (header, claims))
    signature = private.sign(text.encode(), padding.PKCS1v15(),
                             hashes.SHA256())
    return text + "." + encode_part(signature)


class Token:
    """A token taken apart; nothing in it is verified yet."""

    def __init__(self, text):
        parts = text.split(".")
        if len(parts) != 3:
            raise BadToken("there are not three parts")
        self.header = _read_object(parts[0])
        self.claims = _read_object(parts[1])
        self._signed = f"{parts[0]}.{parts[1]}".encode()
        self._signature = decode_part(parts[2])

    @property
    def kid(self):
        return self.header.get("kid")

    def verify(self, public):
        """BadToken unless this key signed, with its kind of algorithm."""
        try:
            if isinstance(public, ec.EllipticCurvePublicKey):
                self._verify_es256(public)
            else:
                self._require("RS256")
                public.verify(self._signature, self._signed,
                              padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise BadToken("the signature is wrong") from None

    def _verify_es256(self, public):
        self._require("ES256")
        if len(self._signature) != 64:
            raise BadToken("the signature is wrong")
        r, s = (int.from_bytes(half, "big") for half in
                (self._signature[:32], self._signature[32:]))
        public.verify(utils.encode_dss_signature(r, s), self._signed,
                      ec.ECDSA(hashes.SHA256()))

    def _require(self, algorithm):
        if self.header.get("alg") != algorithm:
            raise BadToken(f"the algorithm is not {algorithm}")

    def time(self, claim):
        """A claim in seconds; BadToken if it is no number or absent."""
        value = self.claims.get(claim)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadToken(f"no {claim}")
        return value


def _read_object(part):
    try:
        document = json.loads(decode_part(part))
    except ValueError:
        raise BadToken("a part is not JSON") from None
    if not isinstance(document, dict):
        raise BadToken("a part is not an object")
    return document
