# SPDX-License-Identifier: Apache-2.0
"""https://oauth2.googleapis.com/token: a signed assertion, or the refresh
token of a login, for an access token."""

import hmac

from frame import jose

from . import form
from .errors import OAuthError
from .tokens import check_times, expires_in, is_scope

TOKEN_URI = "https://oauth2.googleapis.com/token"
TOKEN_AUDIENCES = (TOKEN_URI, "https://www.googleapis.com/oauth2/v4/token",
                   "https://accounts.google.com/o/oauth2/token")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SHORT_LIVED = ("Invalid JWT: Token must be a short-lived token (60 minutes) "
               "and in a reasonable timeframe. Check your iat and exp values "
               "in the JWT claim.")


def jwt_bearer(world, members, here):
    """The grant of service accounts.

    here  the URL that was asked, an audience as good as the true one
    """
    try:
        token = jose.parse(form.need(members, "assertion"))
        account = _verify(world, token)
        times_ok = check_times(token, world.now())
    except jose.BadToken as error:
        raise OAuthError("invalid_grant", f"Invalid JWT: {error}.") from None
    claims = token.claims
    if claims.get("aud") not in TOKEN_AUDIENCES + (here,):
        raise OAuthError("invalid_grant", "Invalid JWT: Failed audience "
                         f"check. The right audience is {TOKEN_URI}")
    if not times_ok:
        raise OAuthError("invalid_grant", SHORT_LIVED)
    if account.disabled:
        raise OAuthError("invalid_grant", "Invalid grant: account disabled")
    if claims.get("sub", account.email) != account.email:
        raise OAuthError("unauthorized_client",
                         "Client is unauthorized to retrieve access tokens "
                         "using this method, or client not authorized for "
                         "any of the scopes requested.", 401)
    scopes = read_scopes(claims.get("scope"))
    return answer(world, world.tokens.issue(account.principal, scopes,
                                            world.now()))


def _verify(world, token):
    """The account that signed an assertion."""
    account = world.accounts.account(token.claims.get("iss"))
    if account is None:
        raise OAuthError("invalid_grant", "Invalid grant: account not found")
    kid = token.header.get("kid")
    keys = ([account.find_key(kid)] if kid is not None else
            [private.public_key() for private in account.keys.values()])
    for public in keys:
        try:
            if public is None:
                break
            jose.verify(token, public, ("RS256",))
            return account
        except jose.BadToken:
            pass
    raise OAuthError("invalid_grant", "Invalid JWT Signature.")


def read_scopes(text):
    scopes = text.split() if isinstance(text, str) else []
    if not scopes or not all(is_scope(each) for each in scopes):
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token "
                         "audience provided.")
    return scopes


def refresh_token(world, members, basic=None):
    """The grant of users.

    basic  (client id, secret) of the header; None: they are in the form
    """
    ident, secret = basic or (members.get("client_id", ""),
                              members.get("client_secret", ""))
    client = world.accounts.client(ident)
    if client is None:
        raise OAuthError("invalid_client", "The OAuth client was not found.",
                         401)
    if not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise OAuthError("invalid_client", "Unauthorized", 401)
    user = world.accounts.user_by_token(form.need(members, "refresh_token"))
    if user is None or user.trouble == "revoked":
        raise OAuthError("invalid_grant",
                         "Token has been expired or revoked.")
    if user.trouble == "rapt":
        raise OAuthError("invalid_grant", "reauth related error "
                         "(invalid_rapt)", error_subtype="invalid_rapt",
                         error_uri="https://support.google.com/a/answer/"
                                   "9368756")
    scopes = (read_scopes(members["scope"]) if members.get("scope")
              else world.user_scopes)
    token = world.tokens.issue(user.principal, scopes, world.now())
    return answer(world, token, scope=" ".join(scopes))


def answer(world, token, **more):
    return {"access_token": token.text,
            "expires_in": expires_in(token, world.now()), **more,
            "token_type": "Bearer"}
