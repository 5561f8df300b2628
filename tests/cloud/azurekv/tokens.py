# SPDX-License-Identifier: Apache-2.0
"""Access tokens: issued by Entra ID, verified by the vaults."""

import base64
import hashlib
import json
import threading
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from frame import jose

from .errors import unauthorized

APP_LIFETIME_S = 3599
IDENTITY_LIFETIME_S = 86399
SKEW_S = 300                # both ways: the clocks of the services differ


class Issuer:
    """The keys and the habits of the token service."""

    def __init__(self):
        self.lifetime_s = None      # by order; None: as the service
        self.serial = 0             # of the last token, for revocation
        self._lock = threading.Lock()
        self.roll()

    def roll(self):
        """A new signing key; whoever knows only this one refuses the old."""
        self.private = rsa.generate_private_key(65537, 2048)
        der = self.private.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = jose.encode(hashlib.sha1(der).digest())

    def jwks(self):
        numbers = self.private.public_key().public_numbers()
        return {"keys": [{
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": jose.encode_int(numbers.n), "e": jose.encode_int(numbers.e)}]}

    def issue(self, tenant, client_id, object_id, audience, now, lifetime_s):
        """Returns the token and for how long it is good, in seconds."""
        if self.lifetime_s is not None:
            lifetime_s = self.lifetime_s
        with self._lock:
            self.serial += 1
            serial = self.serial
        now = int(now)
        claims = {
            "aud": audience, "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now, "nbf": now, "exp": now + lifetime_s,
            "appid": client_id, "appidacr": "1", "idtyp": "app",
            "idp": f"https://sts.windows.net/{tenant}/", "oid": object_id,
            "sub": object_id, "tid": tenant,
            "uti": f"{serial:08x}.{uuid.uuid4().hex}",
            "ver": "1.0"}
        header = {"typ": "JWT", "alg": "RS256", "x5t": self.kid,
                  "kid": self.kid}
        return jose.sign(self.private, header, claims), lifetime_s


class Verifier:
    """What a vault does with the Authorization header.

    numbered  whether messages begin with a number: not in a Managed HSM
    """

    def __init__(self, issuer, directory, numbered=True):
        self._issuer = issuer
        self._directory = directory
        self._numbered = numbered

    def verify(self, authorization, audience, tenant, challenge, now):
        """The claims of a good token; VaultError with a challenge."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() not in ("bearer", "pop") or not text.strip():
            raise self._refuse("AKV10000", "Request is missing a Bearer or "
                               "PoP token.", challenge)
        jwt = self._verified(text.strip(), challenge)
        claims = jwt.claims
        self._check_time(claims, challenge, now)
        if claims.get("aud") != audience:
            raise self._refuse("AKV10022", "Invalid audience. Expected "
                               f"{audience}, found: {claims.get('aud')}.",
                               challenge)
        wanted = f"https://sts.windows.net/{tenant}/"
        if claims.get("iss") != wanted:
            raise self._refuse("AKV10032", "Invalid issuer. Expected one of "
                               f"{wanted}, found {claims.get('iss')}.",
                               challenge)
        serial = int(claims["uti"].partition(".")[0], 16)
        if serial <= self._directory.revoked_at(claims["oid"]):
            raise self._refuse("AKV10088", "Continuous access evaluation "
                               "resulted in challenge.",
                               challenge + insufficient_claims(now))
        return claims

    def _verified(self, text, challenge):
        try:
            jwt = jose.parse(text)
            if jwt.header.get("kid") != self._issuer.kid:
                raise jose.BadToken("kid")
            jose.verify(jwt, self._issuer.private.public_key(), ("RS256",))
            return jwt
        except jose.BadToken:
            raise self._refuse(
                "AKV10046", "Unable to resolve the key used for signature "
                "validation.", challenge) from None

    @staticmethod
    def _check_time(claims, challenge, now):
        if now > claims["exp"] + SKEW_S:
            raise unauthorized("[TokenExpired] Error validating token: "
                               "'S2S12086'.", challenge)
        if now < claims["nbf"] - SKEW_S:
            raise unauthorized("[TokenNotYetValid] Error validating token: "
                               "'S2S12087'.", challenge)

    def _refuse(self, number, message, challenge):
        prefix = f"{number}: " if self._numbered else ""
        return unauthorized(prefix + message, challenge)


def insufficient_claims(now):
    """The end of a challenge that asks for a token issued from now on."""
    claims = {"access_token": {"nbf": {"essential": True,
                                       "value": str(int(now))}}}
    text = base64.b64encode(json.dumps(claims).encode()).decode()
    return f', error="insufficient_claims", claims="{text}"'
