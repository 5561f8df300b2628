# SPDX-License-Identifier: Apache-2.0
"""https://sts.googleapis.com/v1/token: the token of somebody else's identity
provider for one of ours (RFC 8693)."""

from frame import jose

from . import awssubject, form
from .accounts import find
from .errors import OAuthError
from .oauth import read_scopes
from .tokens import claimed, expires_in

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KIND = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN = KIND + "access_token"
JWT_KINDS = (KIND + "jwt", KIND + "id_token")
AWS_KIND = "urn:ietf:params:aws:token-type:aws4_request"
TOKEN_LEN = 900             # in bytes before base64: these tokens are long
STALE_S = 24 * 3600         # the longest time that a subject token may live


def exchange(world, members):
    if members.get("grant_type") != EXCHANGE:
        raise OAuthError("unsupported_grant_type", "Invalid grant_type: "
                         f"{members.get('grant_type', '')}")
    provider = _find_provider(world, form.need(members, "audience"))
    if form.need(members, "requested_token_type") != ACCESS_TOKEN:
        raise OAuthError("invalid_request", "Invalid requested_token_type.")
    scopes = read_scopes(form.need(members, "scope"))
    subject_token = form.need(members, "subject_token")
    kind = form.need(members, "subject_token_type")
    if provider.kind == "aws" and kind == AWS_KIND:
        subject = awssubject.verify(world, provider, subject_token)
    elif provider.kind == "oidc" and kind in JWT_KINDS:
        subject = _verify_oidc(provider, subject_token, world.now())
    else:
        raise OAuthError("invalid_request", "Invalid subject_token_type "
                         "for the identity provider.")
    token = world.tokens.issue(provider.principal(subject), scopes,
                               world.now(), length=TOKEN_LEN)
    return {"access_token": token.text, "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": expires_in(token, world.now())}


def _find_provider(world, audience):
    provider = world.accounts.provider(audience)
    if provider is None or provider.disabled:
        raise OAuthError(
            "invalid_target", "The target service indicated by the "
            "\"audience\" parameters is invalid. This might either be "
            "because the pool or provider is disabled or deleted or because "
            "it doesn't exist.")
    return provider


def _verify_oidc(provider, text, now):
    """Returns the subject of an OpenID Connect token."""
    try:
        token = jose.parse(text)
        issuer = token.claims.get("iss")
        if issuer != provider.issuer:
            raise _refused(f"The issuer in ID Token {issuer} does not match "
                           f"the expected ones: {provider.issuer}.")
        private = find(provider.keys, token.header.get("kid"))
        if private is None:
            raise _refused("Error connecting to the given credential's "
                           "issuer: no key for the ID Token.")
        jose.verify(token, private.public_key(), ("RS256", "ES256"))
        issued, expires = claimed(token, "iat"), claimed(token, "exp")
    except jose.BadToken as error:
        raise _refused(f"Unable to parse the ID Token: {error}.") from None
    _check_audience(provider, token.claims.get("aud"))
    if now >= expires:
        raise _refused(f"ID Token issued at {int(issued)} is stale to "
                       "sign-in.")
    if issued > now + 60:
        raise _refused(f"ID Token issued at {int(issued)} is in the future.")
    if expires - issued > STALE_S:
        raise _refused("The lifetime of the ID Token exceeds 24 hours.")
    subject = token.claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 127:
        raise _refused("The mapped attribute 'google.subject' must be 1 to "
                       "127 bytes.")
    return subject


def _check_audience(provider, audience):
    audiences = audience if isinstance(audience, list) else [audience]
    wanted = (provider.audience, "https:" + provider.audience)
    if not set(wanted) & set(map(str, audiences)):
        raise _refused(f"The audience in ID Token {audiences} does not match "
                       f"the expected audience {wanted[1]}.")


def _refused(text):
    return OAuthError("invalid_grant", text)


def subject_token(world, subject="workload", lifetime_s=3600, audience=None):
    """An OpenID Connect token as the identity provider would sign it."""
    provider = world.accounts.provider(
        "//iam.googleapis.com/" + world.provider_name("oidc"))
    kid, private = next(iter(provider.keys.items()))
    now = int(world.now())
    return jose.sign(private, {"alg": "RS256", "typ": "JWT", "kid": kid}, {
        "iss": provider.issuer, "sub": subject, "iat": now,
        "aud": audience or "https:" + provider.audience,
        "exp": now + lifetime_s})
