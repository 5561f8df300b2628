# SPDX-License-Identifier: Apache-2.0
"""Access tokens: issued here, and verified when a request brings one."""

import secrets
import threading
from dataclasses import dataclass

from frame import jose

from .accounts import CLOUD_KMS, CLOUD_PLATFORM, IAM, Principal
from .errors import GcpError, error_info

LIFETIME_S = 3600
SKEW_S = 300                # how far a client's clock may be off
KNOWN_SCOPES = (CLOUD_KMS, CLOUD_PLATFORM, IAM, "openid", "email",
                "https://www.googleapis.com/auth/userinfo.email")
LOGIN = ("Expected OAuth 2 access token, login cookie or other valid "
         "authentication credential. See https://developers.google.com/"
         "identity/sign-in/web/devconsole-project.")
REALM = 'Bearer realm="https://accounts.google.com/"'


@dataclass
class Token:
    text: str
    principal: Principal
    scopes: frozenset
    expires: float
    revoked: bool = False


class Tokens:
    """All tokens ever issued. Thread-safe."""

    def __init__(self, lifetime_s=LIFETIME_S):
        self._lock = threading.Lock()
        self._tokens = {}
        self.lifetime_s = lifetime_s    # of new ones; a test may change it

    def issue(self, principal, scopes, now, lifetime_s=None, length=160):
        """length  of the text; those of the federation are long"""
        text = "ya29." + secrets.token_urlsafe(length)
        lifetime_s = (self.lifetime_s if lifetime_s is None
                      else min(lifetime_s, self.lifetime_s))
        token = Token(text, principal, frozenset(scopes), now + lifetime_s)
        with self._lock:
            self._tokens[text] = token
        return token

    def find(self, text):
        with self._lock:
            return self._tokens.get(text)

    def revoke(self, member=None):
        """Those of a member, or all; returns how many it were."""
        with self._lock:
            hit = [each for each in self._tokens.values() if not each.revoked
                   and member in (None, each.principal.member)]
            for each in hit:
                each.revoked = True
        return len(hit)


def expires_in(token, now):
    """In whole seconds, rounded down as the service does."""
    return max(0, int(token.expires - now - 0.001))


def is_scope(text):
    return text in KNOWN_SCOPES or text.startswith(
        "https://www.googleapis.com/auth/")


class Verifier:
    """Verifies the Authorization header of one API."""

    def __init__(self, tokens, accounts, scopes, audiences,
                 service="cloudkms.googleapis.com"):
        """
        scopes     one of them must be in the token
        audiences  called for what a self-signed token may be for, instead
                   of having a scope
        """
        self._tokens = tokens
        self._accounts = accounts
        self._scopes = frozenset(scopes)
        self._audiences = audiences
        self._service = service

    def verify(self, header, now):
        """The principal; raises UNAUTHENTICATED or PERMISSION_DENIED.

        header  the value of Authorization, None if there is none
        """
        if header is None:
            raise GcpError(
                "UNAUTHENTICATED", "Request is missing required "
                "authentication credential. " + LOGIN,
                self._info("CREDENTIALS_MISSING"),
                headers=[("WWW-Authenticate", REALM)])
        kind, _, text = header.partition(" ")
        if kind.lower() != "bearer" or not text or " " in text:
            raise self._unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if text.count(".") == 2:
            return self._self_signed(text, now)
        token = self._tokens.find(text)
        if token is None or token.revoked:
            raise self._unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if now >= token.expires:
            raise self._unauthenticated("ACCESS_TOKEN_EXPIRED")
        self._check_account(token.principal)
        self._check_scopes(token.scopes)
        return token.principal

    def _self_signed(self, text, now):
        """A JWT signed by the key of a service account, used as it is."""
        try:
            token = jose.parse(text)
            account = self._accounts.account(token.claims.get("iss"))
            public = account and account.find_key(
                token.header.get("kid"))
            if public is None:
                raise jose.BadToken("nobody has that key")
            jose.verify(token, public, ("RS256",))
            times_ok = check_times(token, now)
        except jose.BadToken:
            raise self._unauthenticated(
                "ACCESS_TOKEN_TYPE_UNSUPPORTED") from None
        if token.claims.get("sub") != account.email:
            raise self._unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if not times_ok:
            raise self._unauthenticated("ACCESS_TOKEN_EXPIRED")
        self._check_account(account.principal)
        self._check_target(token.claims)
        return account.principal

    def _check_target(self, claims):
        """`aud` or `scope`, one of them."""
        scope, audience = claims.get("scope"), claims.get("aud")
        if isinstance(scope, str) and audience is None:
            self._check_scopes(frozenset(scope.split()))
        elif audience not in self._audiences() or scope is not None:
            raise self._unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")

    def _check_account(self, principal):
        kind, _, email = principal.member.partition(":")
        if kind != "serviceAccount":
            return
        account = self._accounts.account(email)
        if account is None or account.disabled:
            raise self._unauthenticated("ACCOUNT_STATE_INVALID")

    def _check_scopes(self, scopes):
        if scopes & self._scopes:
            return
        wanted = " ".join(sorted(self._scopes))
        raise GcpError(
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
            self._info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            headers=[("WWW-Authenticate", f'{REALM}, error="'
                      f'insufficient_scope", scope="{wanted}"')])

    def _unauthenticated(self, reason):
        return GcpError(
            "UNAUTHENTICATED", "Request had invalid authentication "
            "credentials. " + LOGIN, self._info(reason),
            headers=[("WWW-Authenticate",
                      REALM + ', error="invalid_token"')])

    def _info(self, reason):
        return error_info(reason, "googleapis.com", service=self._service)


def check_times(token, now):
    """Whether iat and exp are an hour apart at most, and now is between."""
    issued, expires = claimed(token, "iat"), claimed(token, "exp")
    return (expires - issued <= LIFETIME_S and issued <= now + SKEW_S
            and issued < expires and now < expires)


def claimed(token, claim):
    """A time in seconds that a JWT claims; BadToken if it is none."""
    value = token.claims.get(claim)
    if (isinstance(value, bool) or not isinstance(value, (int, float))
            or not 0 <= value < 1e12):
        raise jose.BadToken(f"no {claim}")
    return value
