# SPDX-License-Identifier: Apache-2.0
"""Wrong replies, and legal surprises, that only this service has."""

import json
import uuid


def _kids(reply):
    """Whatever has a member kid: the reply, its key, the items of a list."""
    holders = [reply, reply.get("key"), *(reply.get("value") or ())] \
        if isinstance(reply, dict) and isinstance(reply.get("value"), list) \
        else [reply, (reply or {}).get("key")]
    return [each for each in holders
            if isinstance(each, dict) and "kid" in each]


def _change_kids(reply, change):
    for holder in _kids(reply):
        host, name, *version = holder["kid"].removeprefix(
            "https://").replace("/keys/", "/").split("/")
        host, name, version = change(host, name, "".join(version))
        holder["kid"] = f"https://{host}/keys/{name}" + (
            f"/{version}" if version else "")


def _other_key(reply, _rest):
    _change_kids(reply, lambda host, name, version:
                 (host, name + "-other", version))


def _other_version(reply, _rest):
    _change_kids(reply, lambda host, name, version:
                 (host, name, uuid.uuid4().hex))


def _other_host(reply, _rest):
    _change_kids(reply, lambda host, name, version:
                 ("other.vault.azure.net", name, version))


def _upper(reply, _rest):
    """Identifiers are the same in capitals: no lie."""
    _change_kids(reply, lambda host, name, version:
                 (host.upper(), name.upper(), version.upper()))


def _error_body(_reply, _rest):
    return json.dumps({"error": {"code": "Forbidden", "message":
                                 "an error with status 200"}}).encode()


def _next_link(reply, rest):
    """More of a list, but somewhere else."""
    if isinstance(reply, dict) and isinstance(reply.get("value"), list):
        reply["nextLink"] = rest or "https://vault.example/keys?api-version" \
            "=7.4&$skiptoken=1"


def _other_numbers(reply, _rest):
    """Numbers as text and the other way round; clients take both."""
    for name in ("expires_in", "ext_expires_in", "expires_on", "not_before"):
        if isinstance(reply, dict) and name in reply:
            value = reply[name]
            reply[name] = str(value) if isinstance(value, int) else int(value)


def _expires(reply, rest):
    """Says another lifetime than the token has."""
    if isinstance(reply, dict) and "access_token" in reply:
        for name in ("expires_in", "expires_on"):
            if name in reply:
                text = isinstance(reply[name], str)
                reply[name] = str(int(rest)) if text else int(rest)


# None: told elsewhere, while signing.
OWN = {"kid": _other_key, "kid-version": _other_version,
       "kid-host": _other_host, "kid-upper": _upper,
       "error-body": _error_body, "next-link": _next_link,
       "other-numbers": _other_numbers, "expires": _expires,
       "short-signature": None}
