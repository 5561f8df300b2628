# SPDX-License-Identifier: Apache-2.0
"""Replies that are wrong: each lie is one way to make them so.

A lie gets the reply of the operation as a dictionary (blobs still as bytes)
and changes it, or gives the bytes to send in its place.
"""

import base64
import json
import uuid

BIG_LEN = 10 * 1024 * 1024


def check_lie(argument):
    """ValueError when there is no such lie, or it lacks its field."""
    name, _, field = argument.partition(":")
    if name in FIELD_LIES:
        if not field:
            raise ValueError(f"a lie about which field? {name}:FIELD")
    elif name == "date":
        int(field)
    elif name not in REPLY_LIES and name not in OTHER_LIES:
        known = [*(each + ":FIELD" for each in FIELD_LIES), *REPLY_LIES,
                 *OTHER_LIES, "date:SECONDS"]
        raise ValueError(f"no lie {name}. One of: {', '.join(known)}")


def tell(argument, reply):
    """The body for a reply, after the lie."""
    name, _, field = argument.partition(":")
    if name in FIELD_LIES:
        holder = find_holder(reply, field)
        if field in holder:
            FIELD_LIES[name](holder, field)
    elif name in REPLY_LIES:
        body = REPLY_LIES[name](reply)
        if body is not None:
            return body
    return encode(reply)


def encode(reply):
    """The JSON of a reply; void operations have an empty body."""
    if reply is None:
        return b""
    return json.dumps(reply, default=_base64,
                      separators=(",", ":")).encode()


def _base64(value):
    return base64.b64encode(value).decode()


def find_holder(reply, field):
    """The object that has the field: the reply, or its KeyMetadata."""
    reply = {} if reply is None else reply
    metadata = reply.get("KeyMetadata")
    if field not in reply and metadata is not None:
        return metadata
    return reply


def date_offset_s(argument):
    """What a lie adds to the Date header, in seconds."""
    name, _, seconds = argument.partition(":")
    return int(seconds) if name == "date" else 0


def _missing(holder, field):
    del holder[field]


def _null(holder, field):
    holder[field] = None


def _wrong_type(holder, field):
    text = isinstance(holder[field], (str, bytes))
    holder[field] = 12345 if text else "12345"


def _empty_field(holder, field):
    holder[field] = ""


def _bad_base64(holder, field):
    holder[field] = "this is *not* base64"


def _flip(holder, field):
    value = holder[field]
    if isinstance(value, bytes) and value:
        middle = len(value) // 2
        holder[field] = (value[:middle] + bytes([value[middle] ^ 1])
                         + value[middle + 1:])


def _short(holder, field):
    holder[field] = holder[field][:-1]


def _other_key(reply):
    """Another key of the same account, wherever the reply names its key."""
    other = str(uuid.uuid4())
    for holder in (reply, (reply or {}).get("KeyMetadata")):
        for field in ("KeyId", "Arn"):
            if holder and field in holder:
                prefix, slash, _ = holder[field].rpartition("/")
                holder[field] = prefix + slash + other


def _not_json(reply):
    return b'{"KeyId": "arn:aws:kms'


def _error_body(reply):
    return json.dumps({"__type": "KMSInternalException",
                       "message": "an error with status 200"}).encode()


def _empty(reply):
    return b""


def _big(reply):
    """The true reply, too long: a client without a limit would take it."""
    if reply is not None:
        reply["Padding"] = "A" * BIG_LEN


def _extra(reply):
    """Members that a newer service might add: to be ignored, no lie."""
    if reply is not None:
        reply["NewMember"] = {"Plaintext": ["nested", None, 1.5, {}]}


FIELD_LIES = {"missing": _missing, "null": _null, "type": _wrong_type,
              "empty-field": _empty_field, "bad-base64": _bad_base64,
              "flip": _flip, "short": _short}
REPLY_LIES = {"key-id": _other_key, "not-json": _not_json,
              "error-body": _error_body, "empty": _empty, "big": _big,
              "extra": _extra}
# Told elsewhere: while signing, and while writing an error.
OTHER_LIES = ("short-signature", "long-type")
