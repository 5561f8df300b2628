# SPDX-License-Identifier: Apache-2.0
"""One call of a method of the KMS API: who asks for what."""

from dataclasses import dataclass, field
from typing import Callable

from .errors import denied


@dataclass(frozen=True)
class Operation:
    """A method, and where it is found.

    kinds       of resources whose name is in the path
    suffix      what follows the name: ":encrypt", "/publicKey", ""
    permission  needed on that resource; None: the handler knows better
    shape       of the body; None: no body
    query       readers of its own query parameters
    """
    name: str
    method: str
    kinds: tuple
    suffix: str
    permission: str
    handler: Callable       # (Ask) -> reply as a dictionary
    shape: dict = None
    query: dict = field(default_factory=dict)


class Ask:
    def __init__(self, world, operation, name, principal):
        self.world = world
        self.store = world.store
        self.operation = operation
        self.name = name
        self.principal = principal
        self.args = {}
        self.query = {}
        self.lie = ""

    def permit(self, permission, name=None):
        """PERMISSION_DENIED if the caller may not."""
        name = name or self.name
        if not self.may(permission, name):
            raise denied(permission, name)

    def may(self, permission, name=None):
        return self.world.policy.allows(self.principal.members, permission,
                                        name or self.name)
