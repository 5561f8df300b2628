# SPDX-License-Identifier: Apache-2.0
"""The lies that only AWS KMS can tell."""

import json
import uuid


def _other_key(reply, _):
    """Another key of the same account, wherever the reply names its key."""
    other = str(uuid.uuid4())
    for holder in (reply, (reply or {}).get("KeyMetadata")):
        for field in ("KeyId", "Arn"):
            if holder and field in holder:
                prefix, slash, _ = holder[field].rpartition("/")
                holder[field] = prefix + slash + other


def _error_body(reply, _):
    return json.dumps({"__type": "KMSInternalException",
                       "message": "an error with status 200"}).encode()


# None: told elsewhere, while signing and while writing an error.
LIES = {"key-id": _other_key, "error-body": _error_body,
        "short-signature": None, "long-type": None}
