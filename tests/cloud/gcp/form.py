# SPDX-License-Identifier: Apache-2.0
"""Bodies of token requests: application/x-www-form-urlencoded, strictly."""

import base64
import binascii
import urllib.parse

from .errors import OAuthError


def parse(request):
    """Name -> value; each name once."""
    content_type = (request.header("Content-Type") or "").split(";")[0]
    if content_type.strip().lower() != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "Bad Request")
    try:
        pairs = urllib.parse.parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True,
            strict_parsing=True, errors="strict", max_num_fields=30)
    except ValueError:
        raise OAuthError("invalid_request", "Bad Request") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise OAuthError("invalid_request",
                         "OAuth 2 parameters can only have a single value")
    return members


def basic(request):
    """(client id, secret) of HTTP Basic authentication; None without."""
    header = request.header("Authorization")
    if header is None:
        return None
    kind, _, text = header.partition(" ")
    try:
        if kind.lower() != "basic":
            raise ValueError
        ident, colon, secret = base64.b64decode(
            text, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise OAuthError("invalid_client", "Bad authorization header",
                         401) from None
    if not colon:
        raise OAuthError("invalid_client", "Bad authorization header", 401)
    return ident, secret


def need(members, name):
    """The value of a member; invalid_request without it."""
    if not members.get(name):
        raise OAuthError("invalid_request",
                         f"Missing required parameter: {name}")
    return members[name]
