# SPDX-License-Identifier: Apache-2.0
"""Replies that are wrong: the lies which any JSON service can tell.

A lie gets the reply as the operation made it, a dictionary in which blobs
are still bytes, and changes it, or gives the bytes to send in its place.
A field is looked for in the whole reply, the outermost one is meant; a path
such as data.keys.1 names one exactly.
"""

import json

BIG_LEN = 10 * 1024 * 1024


class Twice(dict):
    """A JSON object in which one member stands twice."""

    def __init__(self, members, field):
        super().__init__(members)
        self._field = field

    def items(self):
        return [*super().items(), (self._field, self[self._field])]


def check(argument, own=()):
    """ValueError when there is no such lie, or it lacks its argument.

    own  names of the service's own lies
    """
    name, _, rest = argument.partition(":")
    if name in FIELD_LIES:
        if not rest:
            raise ValueError(f"a lie about which field? {name}:FIELD")
    elif name == "date":
        int(rest)
    elif name == "redirect":
        if not rest:
            raise ValueError("a redirect to where? redirect:URL")
    elif name not in REPLY_LIES and name not in own:
        known = [*(each + ":FIELD" for each in FIELD_LIES), *REPLY_LIES, *own,
                 "date:SECONDS", "redirect:URL"]
        raise ValueError(f"no lie {name}. One of: {', '.join(known)}")


def tell(argument, reply, own, encode):
    """The body for a reply, after the lie.

    own     the service's own lies, by name: called with the reply and what
            follows the colon, they change it or return the body
    encode  from a reply to its body
    """
    name, _, rest = argument.partition(":")
    body = None
    if name in own:
        body = own[name](reply, rest)
    elif name in REPLY_LIES:
        body = REPLY_LIES[name](reply)
    elif name in FIELD_LIES:
        holder, field = find(reply, rest)
        if holder is not None:
            if name == "dup":
                reply = duplicate(reply, holder, field)
            else:
                FIELD_LIES[name](holder, field)
    return encode(reply) if body is None else body


def find(reply, path):
    """The object or list that has the field, and the field; None if none."""
    level = [reply]
    while level:
        for holder in level:
            found = walk(holder, path.split("."))
            if found is not None:
                return found
        level = [each for holder in level for each in children(holder)]
    return None, path


def walk(holder, path):
    for step in path[:-1]:
        holder = member(holder, step)
    if member(holder, path[-1], ABSENT) is ABSENT:
        return None
    return holder, int(path[-1]) if isinstance(holder, list) else path[-1]


ABSENT = object()


def member(holder, step, absent=None):
    if isinstance(holder, dict):
        return holder.get(step, absent)
    if isinstance(holder, list) and step.isdecimal():
        return holder[int(step)] if int(step) < len(holder) else absent
    return absent


def children(holder):
    if isinstance(holder, dict):
        return list(holder.values())
    return holder if isinstance(holder, list) else []


def duplicate(reply, holder, field):
    """The same reply, with the holder replaced by one that has it twice."""
    if reply is holder:
        return Twice(reply, field) if isinstance(reply, dict) else reply
    if isinstance(reply, dict):
        return {name: duplicate(value, holder, field)
                for name, value in reply.items()}
    if isinstance(reply, list):
        return [duplicate(value, holder, field) for value in reply]
    return reply


def encode(reply, encode_bytes):
    """The JSON of a reply; None is an empty body, bytes are not JSON."""
    if reply is None:
        return b""
    if isinstance(reply, bytes):
        return reply
    return json.dumps(reply, default=encode_bytes,
                      separators=(",", ":")).encode()


def date_offset_s(argument):
    """What a lie adds to the Date header, in seconds."""
    name, _, seconds = argument.partition(":")
    return int(seconds) if name == "date" else 0


def redirect(argument):
    """Where a lie sends the client to, None for nowhere."""
    name, _, url = argument.partition(":")
    return url if name == "redirect" else None


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
    """One bit of a blob, one character of a text, the number next to it."""
    value = holder[field]
    if isinstance(value, bool):
        holder[field] = not value
    elif isinstance(value, int):
        holder[field] = value ^ 1
    elif isinstance(value, bytes) and value:
        middle = len(value) // 2
        holder[field] = (value[:middle] + bytes([value[middle] ^ 1])
                         + value[middle + 1:])
    elif isinstance(value, str) and value:
        middle = len(value) // 2
        choice = "12" if value.isdecimal() else "BC"
        other = choice[value[middle] == choice[0]]
        holder[field] = value[:middle] + other + value[middle + 1:]


def _short(holder, field):
    """The last byte or character missing."""
    if isinstance(holder[field], (str, bytes)):
        holder[field] = holder[field][:-1]


def _long(holder, field):
    """Far longer than it can be."""
    value = holder[field]
    holder[field] = (value * 4096 if isinstance(value, bytes)
                     else "A" * 65536)


def _not_json(reply):
    return b'{"KeyId": "arn:aws:kms'


def _empty(reply):
    return b""


def _html(reply):
    return b"<html><body>Please log in.</body></html>\n"


def _big(reply):
    """The true reply, too long: a client without a limit would take it."""
    if isinstance(reply, dict):
        reply["Padding"] = "A" * BIG_LEN
        return None
    return (reply or b"") + b" " * BIG_LEN


def _extra(reply):
    """Members that a newer service might add: to be ignored, no lie."""
    if isinstance(reply, dict):
        reply["NewMember"] = {"Plaintext": ["nested", None, 1.5, {}]}


FIELD_LIES = {"missing": _missing, "null": _null, "type": _wrong_type,
              "empty-field": _empty_field, "bad-base64": _bad_base64,
              "flip": _flip, "short": _short, "long": _long, "dup": None}
REPLY_LIES = {"not-json": _not_json, "empty": _empty, "html": _html,
              "big": _big, "extra": _extra}
