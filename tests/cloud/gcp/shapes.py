# SPDX-License-Identifier: Apache-2.0
"""Requests in the JSON of protocol buffers: read strictly, answered as the
service answers (defaults left out)."""

import base64
import binascii
import json
import re

from .crc32c import crc32c
from .errors import bad_request, invalid

INT64 = range(-2 ** 63, 2 ** 63)


def _complain(path, kind, value, why):
    text = f"Invalid value at '{path}' ({kind}), {why}{json.dumps(value)}"
    return invalid(text, bad_request(path, text))


def read_bytes(path, value):
    """Standard or URL-safe base64, with or without padding."""
    if not isinstance(value, str):
        raise _complain(path, "TYPE_BYTES", value, "")
    text = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _complain(path, "TYPE_BYTES", value,
                        "Base64 decoding failed for ") from None


def read_int64(path, value):
    """A decimal string, or a number."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        value = int(value)
    if (not isinstance(value, int) or isinstance(value, bool)
            or value not in INT64):
        raise _complain(path, "TYPE_INT64", value, "")
    return value


def read_int32(path, value):
    number = read_int64(path, value)
    if not -2 ** 31 <= number < 2 ** 31:
        raise _complain(path, "TYPE_INT32", value, "")
    return number


def read_string(path, value):
    if not isinstance(value, str):
        raise _complain(path, "TYPE_STRING", value, "")
    return value


def read_bool(path, value):
    if not isinstance(value, bool):
        raise _complain(path, "TYPE_BOOL", value, "")
    return value


def read_strings(path, value):
    if not isinstance(value, list):
        raise _complain(path, "TYPE_STRING", value, "")
    return [read_string(f"{path}[{at}]", each)
            for at, each in enumerate(value)]


def read_labels(path, value):
    if not isinstance(value, dict):
        raise _complain(path, "Map", value, "")
    return {key: read_string(f"{path}.{key}", each)
            for key, each in value.items()}


def message(**fields):
    """A reader for an object with these members."""
    def read(path, value):
        if not isinstance(value, dict):
            raise _complain(path, "Message", value, "")
        return check(fields, value, path + ".")
    return read


def parse_json(body):
    """The object in a body; {} for an empty one. A member given twice is an
    error, as it is for the service."""
    if not body:
        return {}
    try:
        document = json.loads(body.decode("utf-8"),
                              object_pairs_hook=_no_duplicates,
                              parse_constant=_no_constant)
    except ValueError as error:
        raise invalid("Invalid JSON payload received. Unexpected token."
                      f"\n{error}") from None
    if not isinstance(document, dict):
        raise invalid("Invalid JSON payload received. Unknown name \"\": "
                      "Root element must be a message.")
    return document


def _no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def check(shape, document, prefix=""):
    """The arguments, by name in lowerCamelCase. null is as good as absent.

    shape  name -> reader
    """
    args = {}
    for given, value in document.items():
        name = camel(given)
        path = prefix + snake(given)
        if name not in shape:
            text = (f"Invalid JSON payload received. Unknown name "
                    f"\"{given}\"{_at(prefix)}: Cannot find field.")
            raise invalid(text, bad_request(prefix.rstrip("."), text))
        if name in args:
            raise invalid("Invalid JSON payload received. "
                          f"\"{path}\" is there twice.")
        if value is not None:
            args[name] = shape[name](path, value)
    return args


def _at(prefix):
    return f" at '{prefix[:-1]}'" if prefix else ""


def camel(name):
    return re.sub(r"_([a-z0-9])", lambda found: found.group(1).upper(), name)


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", lambda found: "_" + found.group(1).lower(),
                  name)


def check_crc(args, field, data):
    """Whether a checksum was given; INVALID_ARGUMENT if it is another."""
    crc_field = field + "Crc32c"
    if crc_field not in args:
        return False
    if args[crc_field] != crc32c(data):
        text = (f"The checksum in field {snake(crc_field)} did not match the "
                f"data in field {snake(field)}.")
        raise invalid(text, bad_request(snake(crc_field), text))
    return True


def crc_text(data):
    return str(crc32c(data))


def with_crc(field, data):
    """Two members of a reply: the bytes, and their checksum."""
    return {field: data, field + "Crc32c": crc_text(data)}


def prune(reply):
    """Without the members whose value is the default."""
    return {name: prune(value) if isinstance(value, dict) else value
            for name, value in reply.items()
            if value not in (False, 0, "", b"", [], None)}
