# SPDX-License-Identifier: Apache-2.0
"""base64url and signed JSON Web Tokens (RFC 7515, RFC 7519), no more."""

import base64
import json
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
_RSA_PADDING = {"RS256": padding.PKCS1v15(), "PS256": _PSS}


class BadToken(Exception):
    """Not a JWT, or not signed by whom it should be."""


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    """ValueError for anything but base64url without padding. Bits that are
    left over must be zero: there is one encoding of everything."""
    if not isinstance(text, str) or not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not base64url")
    return data


def encode_int(number):
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Jwt:
    header: dict
    claims: dict
    signed: bytes
    signature: bytes
    raw_header: str


def parse(text):
    """The parts of a token; its signature is not yet checked."""
    parts = text.split(".")
    if len(parts) != 3:
        raise BadToken("not three parts")
    try:
        header, claims = (json.loads(decode(part)) for part in parts[:2])
        signature = decode(parts[2])
    except ValueError:
        raise BadToken("not JSON in base64url") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadToken("not JSON objects")
    return Jwt(header, claims, f"{parts[0]}.{parts[1]}".encode(), signature,
               parts[0])


def sign(private, header, claims):
    """A token signed as the header's alg says."""
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                      for part in (header, claims))
    return signed + "." + encode(_sign(private, header["alg"],
                                       signed.encode()))


def _sign(private, alg, data):
    if alg == "ES256":
        r, s = utils.decode_dss_signature(
            private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return private.sign(data, _RSA_PADDING[alg], hashes.SHA256())


def verify(jwt, public, algorithms):
    """BadToken unless the key made the signature with one of these."""
    alg = jwt.header.get("alg")
    if alg not in algorithms:
        raise BadToken(f"algorithm {alg}")
    try:
        if alg == "ES256":
            _verify_es256(jwt, public)
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(jwt.signature, jwt.signed, _RSA_PADDING[alg],
                          hashes.SHA256())
        else:
            raise BadToken("the key is of another kind")
    except InvalidSignature:
        raise BadToken("signature") from None


def _verify_es256(jwt, public):
    if not isinstance(public, ec.EllipticCurvePublicKey) \
            or len(jwt.signature) != 64:
        raise BadToken("signature")
    r, s = (int.from_bytes(half, "big")
            for half in (jwt.signature[:32], jwt.signature[32:]))
    public.verify(utils.encode_dss_signature(r, s), jwt.signed,
                  ec.ECDSA(hashes.SHA256()))
