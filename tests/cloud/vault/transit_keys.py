# SPDX-License-Identifier: Apache-2.0
"""Transit: keys are read, made, configured, rotated, deleted.

A handler gets the mount, the rest of the path, and the Op.
"""

import os

from . import fields
from .errors import VaultError, invalid, unsupported_path


def read(mount, op, name):
    key = mount.key(name)
    if key is None:
        raise VaultError(404)
    context = op.body.get("context") or op.query("context")
    return key.describe(fields.decode(context) if context else b"",
                        op.world.openbao)


def list_names(mount, op):
    if not mount.keys:
        raise VaultError(404)
    return {"keys": sorted(mount.keys)}


def create(mount, op, name):
    period = fields.seconds(op.body, "auto_rotate_period")
    if 0 < period < 3600:
        raise invalid("auto rotate period must be 0 to disable or at least "
                      "an hour")
    key, new = mount.create(
        name, op.now, fields.text(op.body, "type", "aes256-gcm96"),
        derived=fields.truth(op.body, "derived"),
        convergent=fields.truth(op.body, "convergent_encryption"),
        exportable=fields.truth(op.body, "exportable"),
        allow_plaintext_backup=fields.truth(op.body,
                                            "allow_plaintext_backup"),
        auto_rotate_period_s=period,
        key_size=fields.number(op.body, "key_size"))
    if not new:
        op.warnings.append(f"key {name} already existed")
    return key.describe(soft_delete=op.world.openbao)


def configure(mount, op, name):
    key = mount.key(name)
    if key is None:
        raise invalid(f"no existing key named {name} could be found")
    least = fields.number(op.body, "min_decryption_version",
                          key.min_decryption)
    encrypt = fields.number(op.body, "min_encryption_version",
                            key.min_encryption)
    if least < 0 or encrypt < 0:
        raise invalid("min decryption version cannot be negative")
    if max(least, encrypt) > key.latest:
        raise invalid(f"cannot set min version of {max(least, encrypt)}, "
                      f"latest key version is {key.latest}")
    if encrypt and least > encrypt:
        raise invalid("cannot set min encryption/decryption values; "
                      f"min_encryption_version of {encrypt} must be greater "
                      f"than or equal to min_decryption_version of {least}")
    key.min_decryption, key.min_encryption = max(least, 1), encrypt
    key.deletion_allowed = fields.truth(op.body, "deletion_allowed",
                                        key.deletion_allowed)
    # These two can only be switched on.
    key.exportable |= fields.truth(op.body, "exportable")
    key.allow_plaintext_backup |= fields.truth(op.body,
                                               "allow_plaintext_backup")
    key.auto_rotate_period_s = fields.seconds(op.body, "auto_rotate_period",
                                              key.auto_rotate_period_s)
    return key.describe(soft_delete=op.world.openbao)


def rotate(mount, op, name):
    key = mount.key(name)
    if key is None:
        raise invalid("key not found")
    key.rotate(op.now)
    return key.describe(soft_delete=op.world.openbao)


def trim(mount, op, name):
    key = mount.need(name, "invalid key name")
    least = fields.number(op.body, "min_available_version")
    if not 0 < least <= min(key.min_decryption,
                            key.min_encryption or key.latest):
        raise invalid("minimum available version cannot be set when minimum "
                      "encryption version is not set, or above the minimum "
                      "decryption version")
    key.min_available = least
    for number in [each for each in key.versions if each < least]:
        del key.versions[number]
    return key.describe(soft_delete=op.world.openbao)


def delete(mount, op, name):
    mount.delete(name)


def soft_delete(mount, op, name):
    _set_deleted(mount, op, name, True)


def restore(mount, op, name):
    _set_deleted(mount, op, name, False)


def _set_deleted(mount, op, name, deleted):
    if not op.world.openbao:
        raise unsupported_path()
    mount.need(name).soft_deleted = deleted


def export(mount, op, kind, name):
    """Never: the double has no key that may leave it."""
    if mount.key(name) is None:
        raise VaultError(404)
    raise invalid("private key material is not exportable")


def read_config(mount, op):
    return {"disable_upsert": mount.disable_upsert}


def write_config(mount, op):
    mount.disable_upsert = fields.truth(op.body, "disable_upsert",
                                        mount.disable_upsert)
    return read_config(mount, op)


def random(mount, op, *path):
    """random, random/N and random/SOURCE/N."""
    size = path[-1] if path and path[-1].isdecimal() else None
    count = int(size) if size else fields.number(op.body, "bytes", 32)
    if not 0 < count <= 128 * 1024:
        raise invalid(f'"bytes" should be between 1 and {128 * 1024}')
    data = os.urandom(count)
    kind = fields.text(op.body, "format", "base64")
    if kind not in ("base64", "hex"):
        raise invalid(f'unsupported encoding format "{kind}"; must be "hex" '
                      'or "base64"')
    return {"random_bytes": data if kind == "base64" else data.hex()}
