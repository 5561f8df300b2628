# SPDX-License-Identifier: Apache-2.0
"""IAM Credentials: a token of a service account, for whoever may have it."""

import re

from . import keys, shapes
from .errors import denied, invalid
from .tokens import LIFETIME_S, is_scope

DOMAIN = "iam.googleapis.com"
NEED = "iam.serviceAccounts.getAccessToken"
DELEGATE = "iam.serviceAccounts.implicitDelegation"
ACCOUNT = re.compile(r"projects/-/serviceAccounts/(?P<email>[^/:]+)")
SHAPE = {"scope": shapes.read_strings, "delegates": shapes.read_strings,
         "lifetime": shapes.read_string}


def resource_of(email):
    """As policies name an account: it belongs to the project in it."""
    project = email.partition("@")[2].partition(".")[0]
    return f"projects/{project}/serviceAccounts/{email}"


def generate_access_token(world, principal, email, body):
    """principal  who asks; its token is verified already"""
    args = shapes.check(SHAPE, shapes.parse_json(body))
    scopes = args.get("scope", [])
    if not scopes or not all(is_scope(each) for each in scopes):
        raise invalid("Scope required." if not scopes else
                      f"{' '.join(scopes)} is not a valid scope.")
    lifetime = _lifetime(args.get("lifetime", f"{LIFETIME_S}s"))
    account = _walk(world, principal, args.get("delegates", []), email)
    token = world.tokens.issue(account.principal, scopes, world.now(),
                               lifetime)
    return {"accessToken": token.text,
            "expireTime": keys.timestamp(int(token.expires))}


def _walk(world, principal, delegates, email):
    """From the caller over each delegate to the account: everyone must be
    allowed to act as the next one."""
    members = principal.members
    for delegate in delegates:
        match = ACCOUNT.fullmatch(delegate)
        if match is None:
            raise invalid(f"Invalid delegate: {delegate}")
        account = _next(world, members, match.group("email"), DELEGATE)
        members = account.principal.members
    return _next(world, members, email, NEED)


def _next(world, members, email, permission):
    account = world.accounts.account(email)
    resource = resource_of(email)
    if (account is None or account.disabled
            or not world.policy.allows(members, permission, resource)):
        raise denied(permission, resource, DOMAIN)
    return account


def _lifetime(text):
    match = re.fullmatch(r"([0-9]{1,6})(?:\.[0-9]+)?s", text)
    if match is None:
        raise invalid(f"Invalid value at 'lifetime' (Duration), \"{text}\"")
    seconds = int(match.group(1))
    if not 0 < seconds <= LIFETIME_S:
        raise invalid("The access token lifetime cannot exceed 1 hour.")
    return seconds
