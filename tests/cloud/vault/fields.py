# SPDX-License-Identifier: Apache-2.0
"""The members of a request, converted as leniently as the service does."""

import base64
import binascii
import json
import re

from .errors import invalid

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_body(body):
    """The JSON object of a request; none, or null, is an empty one."""
    if body.strip() in (b"", b"null"):
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise invalid("failed to parse JSON input: it is not a JSON object")
    return document


def bad(name):
    return invalid("1 error occurred:\n\t* Field validation failed: error "
                   f"converting input for field {json.dumps(name)}\n\n")


def text(body, name, default=""):
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise bad(name)
    return str(value)


def number(body, name, default=0):
    """A JSON number or a text of digits."""
    value = body.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        raise bad(name)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad(name) from None


def truth(body, name, default=False):
    value = body.get(name)
    if value is None:
        return default
    if value in (True, "true", "1", 1):
        return True
    if value in (False, "false", "0", 0, ""):
        return False
    raise bad(name)


def seconds(body, name, default=0):
    """A number of seconds, or a duration such as 1h30m."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(\d+[smhd]?)*",
                                                      value):
        raise bad(name)
    return sum(int(count) * UNITS[unit]
               for count, unit in re.findall(r"(\d+)([smhd]?)", value))


def names(body, name, default=()):
    """A list of texts, or one text with commas."""
    value = body.get(name)
    if value is None:
        return list(default)
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(value, list) or not all(isinstance(each, str)
                                              for each in value):
        raise bad(name)
    return value


def decode(value, complaint="illegal base64 data"):
    """Standard base64 with padding, and nothing else."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(complaint) from None
