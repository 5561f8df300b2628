# SPDX-License-Identifier: Apache-2.0
"""From method and path to an operation of the KMS API, and its arguments."""

import re
import urllib.parse

from . import crypto_ops, manage_ops, shapes
from .errors import PageError, bad_request, invalid
from .names import SEGMENTS, KINDS

TABLE = crypto_ops.OPERATIONS + manage_ops.OPERATIONS
BY_NAME = {each.name: each for each in TABLE}
VERSION_PREFIX = "/v1/"
SYSTEM_PARAMETERS = ("alt", "prettyPrint", "key", "fields", "quotaUser",
                     "callback", "xgafv")


def _pattern(kind):
    """Where a name of this kind stands in a path, well-formed or not."""
    depth = KINDS.index(kind) + 1
    return "/".join(f"{segment}/[^/]+?" for segment in SEGMENTS[:depth])


PATTERNS = tuple(
    (each, re.compile(f"({_pattern(kind)}){re.escape(each.suffix)}"))
    for each in TABLE for kind in each.kinds)


def find(method, path):
    """(operation, the name in the path); PageError if there is none."""
    path = urllib.parse.unquote(path)
    if path.startswith(VERSION_PREFIX):
        for operation, pattern in PATTERNS:
            match = pattern.fullmatch(path[len(VERSION_PREFIX):])
            # A verb is never part of a name that ends there.
            if (match and operation.method == method
                    and (operation.suffix.startswith(":")
                         or ":" not in match.group(1).rpartition("/")[2])):
                return operation, match.group(1)
    raise PageError(404)


def read_query(operation, query):
    """Its own parameters; those of the system are checked and left out."""
    args = {}
    for given, values in query.items():
        name = shapes.camel(given.lstrip("$."))
        if len(values) != 1:
            raise invalid("Invalid query parameter: "
                          f"\"{given}\" is there twice.")
        if name in operation.query:
            args[name] = operation.query[name](shapes.snake(name), values[0])
        elif name not in SYSTEM_PARAMETERS:
            text = (f"Invalid JSON payload received. Unknown name \"{given}\""
                    ": Cannot bind query parameter. Field "
                    f"'{given}' could not be found in request message.")
            raise invalid(text, bad_request("", text))
        elif name == "alt" and values[0].partition(";")[0] != "json":
            raise invalid(f"Invalid value for alt: {values[0]}")
    return args


def wants_numbers(query):
    """Whether enums are asked for by number, as client libraries do."""
    return any("enum-encoding=int" in value for name in ("$alt", "alt")
               for value in query.get(name, []))
