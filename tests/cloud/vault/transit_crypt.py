# SPDX-License-Identifier: Apache-2.0
"""Transit: encrypt, decrypt, rewrap and data keys, one by one or in
batches."""

import base64
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from frame.service import Answer

from . import fields
from .errors import VaultError, internal, invalid

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def encrypt(mount, op, name):
    items = batch(op, "plaintext", "missing plaintext to encrypt")
    key = upsert(mount, op, name, items)

    def one(item):
        version, payload = encrypt_one(
            op, key, item, fields.decode(item_text(item, "plaintext")),
            "padding_scheme")
        return {"ciphertext": payload, "key_version": version}
    return answer(op, items, one)


def decrypt(mount, op, name):
    items = batch(op, "ciphertext", "missing ciphertext to decrypt")
    key = mount.need(name)
    return answer(op, items, lambda item: {
        "plaintext": decrypt_one(op, key, item, "padding_scheme")})


def rewrap(mount, op, name):
    items = batch(op, "ciphertext", "missing ciphertext to decrypt")
    key = mount.need(name)

    def one(item):
        # There is no associated data here: with one it does not open.
        item = {name: value for name, value in item.items()
                if name != "associated_data"}
        plaintext = decrypt_one(op, key, item, "decrypt_padding_scheme")
        version, payload = encrypt_one(op, key, item, plaintext,
                                       "encrypt_padding_scheme")
        return {"ciphertext": payload, "key_version": version}
    return answer(op, items, one)


def datakey(mount, op, kind, name):
    if kind not in ("plaintext", "wrapped"):
        raise invalid("Invalid path, must be 'plaintext' or 'wrapped'")
    bits = fields.number(op.body, "bits", 256)
    key = mount.need(name)
    if bits not in (128, 256, 512):
        raise invalid("invalid bit length")
    item = dict(op.body)
    if not op.world.openbao:
        if item.pop("associated_data", None):
            op.warnings.append("Endpoint ignored these unrecognized "
                               "parameters: [associated_data]")
    plaintext = os.urandom(bits // 8)
    version, payload = encrypt_one(op, key, item, plaintext,
                                   "padding_scheme")
    found = {"ciphertext": payload, "key_version": version}
    if kind == "plaintext":
        found["plaintext"] = plaintext
    return found


def upsert(mount, op, name, items):
    """The key; one is made if the request came as a create.

    It did if there is no key of the name and the policy has the capability
    to create: a mistyped name then silently gets a key of its own.
    """
    with mount.lock:
        if op.creates and not mount.disable_upsert:
            kind = fields.text(op.body, "type", "aes256-gcm96")
            if kind.startswith("ecdsa-"):
                raise invalid(f"key type {kind} not supported for this "
                              "operation")
            mount.create(name, op.now, kind,
                         derived=bool(items[0].get("context")),
                         convergent=fields.truth(op.body,
                                                 "convergent_encryption"))
        return mount.need(name)


def batch(op, needed, missing):
    """The items of a request; a single one comes in the same form."""
    items = op.body.get("batch_input")
    if items is None:
        if op.body.get(needed) is None:
            raise invalid(missing)
        return [op.body]
    if not items:
        raise invalid("missing batch input to process")
    if not isinstance(items, list):
        raise internal("failed to parse batch input")
    for number, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get(needed),
                                                        str):
            raise internal(f"failed to parse batch input: '[{number}]."
                           f"{needed}' {missing}")
        if bool(item.get("context")) != bool(items[0].get("context")):
            raise invalid("context should be set either in all the request "
                          "blocks or in none")
    return items


def item_text(item, name):
    return fields.text(item, name)


def encrypt_one(op, key, item, plaintext, scheme):
    """Returns the version and vault:vN:..."""
    if not key.kind.encrypts:
        raise invalid("message encryption not supported for key type "
                      f"{key.kind.name}")
    context = optional(item, "context")
    associated = optional(item, "associated_data")
    if item.get("nonce"):
        raise invalid("nonce provided when not allowed")
    version = key.version_to_make(fields.number(item, "key_version"),
                                  "encryption")
    if key.kind.cipher is None:
        no_associated_data(key, associated)
        payload = encrypt_rsa(op, key, version, plaintext, item, scheme)
    else:
        payload = key.seal(version, context, plaintext, associated)
    return version, f"vault:v{version}:" + base64.b64encode(payload).decode()


def decrypt_one(op, key, item, scheme):
    value = item_text(item, "ciphertext")
    context = optional(item, "context")
    associated = optional(item, "associated_data")
    if not key.kind.encrypts:
        raise invalid("message decryption not supported for key type "
                      f"{key.kind.name}")
    version, payload = key.split(value, "ciphertext")
    data = fields.decode(payload,
                         "invalid ciphertext: could not decode base64")
    if key.kind.cipher is None:
        no_associated_data(key, associated)
        return decrypt_rsa(op, key, version, data, item, scheme)
    return key.open(version, context, data, associated)


def optional(item, name):
    value = item_text(item, name)
    return fields.decode(value) if value else b""


def no_associated_data(key, associated):
    if associated:
        raise invalid("'[0].associated_data' provided for non-AEAD cipher "
                      f"suite {key.kind.name}")


def rsa_padding(op, item, scheme):
    """OpenBao has OAEP only and does not look at the parameter."""
    name = item_text(item, scheme) or "oaep"
    if op.world.openbao or name == "oaep":
        return OAEP
    if name == "pkcs1v15":
        return padding.PKCS1v15()
    raise invalid(f"unsupported RSA padding scheme {name}")


def encrypt_rsa(op, key, version, plaintext, item, scheme):
    public = key.versions[version].material.public_key()
    try:
        return public.encrypt(plaintext, rsa_padding(op, item, scheme))
    except ValueError:
        raise internal("failed to RSA encrypt the plaintext: crypto/rsa: "
                       "message too long for RSA key size") from None


def decrypt_rsa(op, key, version, data, item, scheme):
    """A failure is the server's: 500, though the ciphertext is bad."""
    private = key.versions[version].material
    try:
        return private.decrypt(data, rsa_padding(op, item, scheme))
    except ValueError:
        raise internal("failed to RSA decrypt the ciphertext: crypto/rsa: "
                       "decryption error") from None


def answer(op, items, one):
    """Runs a single request or a batch. One that fails in part says so in
    its status only, unless the request wants another."""
    if op.body.get("batch_input") is None:
        return one(items[0])
    results, statuses = [], []
    for item in items:
        result = {}
        try:
            result = one(item)
        except VaultError as error:
            result = {"error": error.texts[0]}
            statuses.append(error.status)
        if item.get("reference"):
            result["reference"] = item["reference"]
        results.append(result)
    status = 200
    if statuses:
        status = 400 if 400 in statuses else 500
        wanted = fields.number(op.body, "partial_failure_response_code")
        if wanted and len(statuses) < len(items):
            status = wanted
    return Answer({"batch_results": results}, status)
