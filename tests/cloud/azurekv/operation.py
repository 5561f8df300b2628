# SPDX-License-Identifier: Apache-2.0
"""One operation of the data plane, and how it reads its parameters."""

from dataclasses import dataclass
from typing import Callable

from frame import jose

from .errors import bad_parameter
from .specs import since


@dataclass(frozen=True)
class Operation:
    """
    handler     (call, vault, service) -> document or Answer
    permission  of the caller
    first       API version it came with
    kind        of vault, None for both
    """
    handler: Callable
    permission: str
    has_body: bool = True
    first: str = "7.0"
    kind: str = None

    def available(self, api):
        return since(api, self.first)


def blob(document, name, required=True):
    """A member in base64url without padding; None when it may be absent."""
    text = document.get(name)
    if text is None and not required:
        return None
    if text is None:
        raise bad_parameter(f"Property '{name}' is required.\r\n")
    try:
        return jose.decode(text)
    except ValueError:
        raise bad_parameter(f"Content of '{name}' is not base64url.\r\n"
                            f"Property '{name}' is required.\r\n") from None


def member(document, name, kind, default=None):
    """A member of one type; a bool is no int."""
    value = document.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int
                                       and isinstance(value, bool)):
        raise bad_parameter(f"Property '{name}' has invalid value")
    return value
