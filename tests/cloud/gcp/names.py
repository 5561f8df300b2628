# SPDX-License-Identifier: Apache-2.0
"""Names of resources: projects/P/locations/L/keyRings/R/cryptoKeys/K/..."""

import re
from dataclasses import dataclass, replace

from .errors import invalid

ID = r"[a-zA-Z0-9_-]{1,63}"
NAME = re.compile(
    r"projects/(?P<project>[a-z0-9][a-z0-9.:-]*)"
    r"(?:/locations/(?P<location>[a-z0-9-]+)"
    rf"(?:/keyRings/(?P<ring>{ID})"
    rf"(?:/cryptoKeys/(?P<key>{ID})"
    r"(?:/cryptoKeyVersions/(?P<version>[1-9][0-9]{0,9}))?)?)?)?")
KINDS = ("project", "location", "ring", "key", "version")
SEGMENTS = ("projects", "locations", "keyRings", "cryptoKeys",
            "cryptoKeyVersions")


@dataclass(frozen=True)
class Name:
    project: str
    location: str = None
    ring: str = None
    key: str = None
    version: str = None

    def __str__(self):
        return "/".join(f"{segment}/{getattr(self, kind)}"
                        for segment, kind in zip(SEGMENTS, KINDS)
                        if getattr(self, kind) is not None)

    @property
    def kind(self):
        return [kind for kind in KINDS if getattr(self, kind) is not None][-1]

    @property
    def parent(self):
        """None for a project."""
        if self.kind == "project":
            return None
        return replace(self, **{self.kind: None})

    def lineage(self):
        """The resource itself, then all that hold it."""
        each = self
        while each is not None:
            yield each
            each = each.parent

    def key_name(self):
        return replace(self, version=None)

    def child(self, ident):
        kind = KINDS[KINDS.index(self.kind) + 1]
        return replace(self, **{kind: str(ident)})


def parse(text, *kinds):
    """The name, if it is of one of the kinds; INVALID_ARGUMENT if not."""
    match = NAME.fullmatch(text)
    name = Name(**match.groupdict()) if match else None
    if name is None or (kinds and name.kind not in kinds):
        raise invalid(f"Resource name [{text}] is malformed or of the wrong "
                      "type for this request.")
    return name
