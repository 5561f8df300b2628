# SPDX-License-Identifier: Apache-2.0
"""Lies that only this service can tell; the frame has the others."""

import json

from . import shapes


def _crc(reply, field):
    """The checksum of a field is that of other bytes."""
    holder, member = _find_crc(reply, field or "plaintext")
    if holder is not None:
        holder[member] = str(int(holder[member]) ^ 1)


def _find_crc(reply, field):
    if field == "publicKey":
        return reply.get("publicKey"), "crc32cChecksum"
    member = field + "Crc32c"
    return (reply, member) if member in reply else (None, member)


def _unverified(reply, field):
    """The service did not see the checksum of a field, or of any."""
    wanted = "verified" + field[:1].upper() + field[1:]
    for member in [each for each in reply if each.startswith(wanted)]:
        del reply[member]


def _name(reply, _):
    """Another key of the same ring."""
    if "name" in reply:
        parts = reply["name"].split("/")
        parts[7 if len(parts) > 7 else -1] += "-other"
        reply["name"] = "/".join(parts)


def _version(reply, _):
    """Another version of the same key."""
    if "/cryptoKeyVersions/" in reply.get("name", ""):
        head, _, number = reply["name"].rpartition("/")
        reply["name"] = f"{head}/{int(number) + 1}"


def _number(reply, _):
    """No lie: the project by its number, a legal form of the name."""
    if "name" in reply:
        parts = reply["name"].split("/")
        parts[1] = "123456789012"
        reply["name"] = "/".join(parts)


def _other_plaintext(reply, field):
    """Other bytes with the checksum that belongs to them: only what is
    authenticated from end to end shows it."""
    field = field or "plaintext"
    if isinstance(reply.get(field), bytes):
        data = bytes(byte ^ 0x55 for byte in reply[field])
        reply.update(shapes.with_crc(field, data))


def _error_body(reply, _):
    return json.dumps({"error": {"code": 500, "status": "INTERNAL",
                                 "message": "an error with status 200"}}
                      ).encode()


def _numbers(reply, _):
    """No lie: checksums as JSON numbers, which the mapping allows."""
    for member in reply:
        if member.endswith("Crc32c") and isinstance(reply[member], str):
            reply[member] = int(reply[member])


def _told(lie):
    """Nothing to tell where the reply is no document."""
    def tell(reply, rest):
        return lie(reply, rest) if isinstance(reply, dict) else None
    return tell


LIES = {name: _told(lie) for name, lie in {
    "crc": _crc, "unverified": _unverified, "name": _name,
    "version": _version, "project-number": _number,
    "other": _other_plaintext, "error-body": _error_body,
    "crc-numbers": _numbers}.items()}
# Told while signing, and by the headers of the metadata server.
LIES.update({"short-signature": None, "no-flavor": None})
