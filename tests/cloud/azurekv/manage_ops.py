# SPDX-License-Identifier: Apache-2.0
"""Get and list keys; create, import, change, rotate and delete them."""

import urllib.parse

from frame.service import Answer

from . import keys
from .errors import bad_parameter, forbidden
from .operation import Operation, member

PAGE = 25


def get(call, vault, _service):
    key = vault.find(call.state["key"])
    version = key.find(call.state["version"])
    if not version.enabled and "disabled-get" in vault.quirks:
        raise forbidden("Operation get is not allowed on a disabled key.",
                        "KeyDisabled")
    return shown(call, key, version)


def shown(call, key, version):
    return keys.bundle(key, version, call.state["base"], call.state["api"])


def list_keys(call, vault, _service):
    return page(call, [keys.item(key, key.newest, call.state["base"],
                                 call.state["api"], with_version=False)
                       for key in vault.keys()])


def list_versions(call, vault, _service):
    key = vault.find(call.state["key"])
    # Not by date: by identifier, as the service does.
    versions = sorted(key.versions, key=lambda each: each.id)
    return page(call, [keys.item(key, version, call.state["base"],
                                 call.state["api"], with_version=True)
                       for version in versions])


def list_deleted(call, vault, _service):
    return page(call, [
        {"recoveryId": f"{call.state['base']}/deletedkeys/{key.name}",
         "deletedDate": key.deleted,
         "scheduledPurgeDate": key.deleted + keys.RETENTION_S,
         **keys.item(key, key.newest, call.state["base"], call.state["api"],
                     with_version=False)}
        for key in vault.keys(deleted=True)])


def page(call, items):
    """One page of a list, with the URL of the next one."""
    size = number(call, "maxresults", PAGE)
    start = number(call, "$skiptoken", 0)
    if not 1 <= size <= PAGE:
        raise bad_parameter(f"Property 'maxresults' is from 1 to {PAGE}")
    following = start + size
    link = None
    if following < len(items):
        query = urllib.parse.urlencode({
            "api-version": call.state["api"], "$skiptoken": following,
            "maxresults": size})
        link = f"{call.state['base']}{call.request.path}?{query}"
    return {"value": items[start:following], "nextLink": link}


def number(call, name, default):
    text = call.request.query.get(name, [str(default)])[0]
    if not text.isdecimal():
        raise bad_parameter(f"Property '{name}' has invalid value")
    return int(text)


def create(call, vault, _service):
    document = call.document
    name = member(document, "kty", str)
    if name is None:
        raise bad_parameter("Property 'kty' is required.\r\n")
    kty = keys.check_type(name, vault.kind)
    return add(call, vault, keys.Version(kty, keys.generate(
        kty, member(document, "key_size", int), member(document, "crv", str),
        member(document, "public_exponent", int))))


def import_key(call, vault, _service):
    jwk = member(call.document, "key", dict)
    if jwk is None or not isinstance(jwk.get("kty"), str):
        raise bad_parameter("Property 'key' is required.\r\n")
    name = jwk["kty"]
    if member(call.document, "Hsm", bool, vault.kind == "hsm") \
            and not name.endswith("-HSM"):
        name += "-HSM"
    kty = keys.check_type(name, vault.kind)
    document = {**call.document, "key_ops": jwk.get("key_ops")}
    return add(call, vault, keys.Version(kty, keys.load(kty, jwk)), document)


def add(call, vault, version, document=None):
    document = call.document if document is None else document
    version.set(member(document, "attributes", dict, {}),
                document.get("key_ops"), member(document, "tags", dict))
    key = vault.add_version(call.state["key"], version)
    return shown(call, key, version)


def update(call, vault, _service):
    key = vault.find(call.state["key"])
    version = key.find(call.state["version"])
    version.set(member(call.document, "attributes", dict, {}),
                call.document.get("key_ops"),
                member(call.document, "tags", dict))
    return shown(call, key, version)


def rotate(call, vault, _service):
    key = vault.find(call.state["key"])
    return shown(call, key, vault.rotate(key))


def delete(call, vault, _service):
    key = vault.find(call.state["key"])
    vault.delete(key)
    return deleted(call, key)


def deleted(call, key):
    return keys.deleted_bundle(key, call.state["base"], call.state["api"])


def get_deleted(call, vault, _service):
    return deleted(call, vault.find_deleted(call.state["key"]))


def recover(call, vault, _service):
    key = vault.find_deleted(call.state["key"])
    vault.recover(key)
    return shown(call, key, key.newest)


def purge(call, vault, _service):
    vault.purge(vault.find_deleted(call.state["key"]))
    return Answer(None, status=204)


OPERATIONS = {
    "get": Operation(get, "get", has_body=False),
    "list": Operation(list_keys, "list", has_body=False),
    "versions": Operation(list_versions, "list", has_body=False),
    "create": Operation(create, "create"),
    "import": Operation(import_key, "import"),
    "update": Operation(update, "update"),
    "rotate": Operation(rotate, "rotate", has_body=False, first="7.3"),
    "delete": Operation(delete, "delete", has_body=False),
    "list-deleted": Operation(list_deleted, "list", has_body=False),
    "get-deleted": Operation(get_deleted, "get", has_body=False),
    "recover": Operation(recover, "recover", has_body=False),
    "purge": Operation(purge, "purge", has_body=False),
}
