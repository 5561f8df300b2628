# SPDX-License-Identifier: Apache-2.0
"""The errors of Vault: a status and a list of texts, which may be empty."""

import json

from frame.errors import ServiceError

DENIED = "1 error occurred:\n\t* permission denied\n\n"
DEAD_TOKEN = ("2 errors occurred:\n\t* permission denied\n"
              "\t* invalid token\n\n")
INTERNAL = "1 error occurred:\n\t* internal error\n\n"
SEALED = "Vault is sealed"
THROTTLED = "rate limit quota exceeded"
NO_CONTEXT = ("missing 'context' for key derivation; the key was created "
              "using a derived key, which means additional, per-request "
              "information must be included in order to perform operations "
              "with the key")
TOO_OLD = "ciphertext or signature version is disallowed by policy (too old)"
SOFT_DELETED = "refusing to use soft-deleted key"

# What an order to fail with a status says.
TEXTS = {403: DENIED, 404: None, 429: THROTTLED, 473: None, 472: None,
         500: INTERNAL, 501: None, 502: INTERNAL}


class VaultError(ServiceError):
    """A request that is refused. Without a text the list is empty."""

    def __init__(self, status, *texts, headers=()):
        super().__init__(str(status), texts[0] if texts else None, status,
                         headers)
        self.texts = list(texts)

    def render(self, call):
        body = json.dumps({"errors": self.texts}, separators=(",", ":"))
        return "application/json", body.encode() + b"\n"


def invalid(text):
    """The caller's mistake."""
    return VaultError(400, text)


def internal(text):
    """What the server wraps as an error of its own, whosever it is."""
    return VaultError(500, f"1 error occurred:\n\t* {text}\n\n")


def denied():
    return VaultError(403, DENIED)


def no_route(path):
    return VaultError(404, f'no handler for route "{path}". route entry not '
                      "found.")


def unsupported_path():
    return VaultError(404, "1 error occurred:\n\t* unsupported path\n\n")


def unsupported_operation():
    return VaultError(405, "1 error occurred:\n\t* unsupported operation\n\n")


def for_status(status):
    text = TEXTS.get(status, "as ordered")
    return VaultError(status, *([text] if text else []))
