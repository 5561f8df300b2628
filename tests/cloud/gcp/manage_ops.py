# SPDX-License-Identifier: Apache-2.0
"""Methods that look at rings, keys and versions, and change them."""

import re

from . import enums, shapes, specs
from .call import Operation
from .errors import GcpError, invalid
from .iam import KEYS, RINGS, VERSIONS
from .keys import LOCATIONS
from .names import ID

PAGE_MAX = 1000
DURATION = re.compile(r"([0-9]{1,12})(?:\.[0-9]+)?s")
ROTATION_MIN_S = 24 * 3600
DESTROY_MIN_S, DESTROY_MAX_S = 24 * 3600, 120 * 24 * 3600


# Looking


def get_location(ask):
    return describe_location(ask.world, ask.name)


def describe_location(world, name):
    return {"name": str(name), "locationId": name.location,
            "labels": {"cloud.googleapis.com/location": name.location},
            "metadata": {
                "@type": "type.googleapis.com/google.cloud.kms.v1."
                         "LocationMetadata",
                "hsmAvailable": True, "ekmAvailable": name.location != "us"}}


def list_locations(ask):
    names = [ask.name.child(each) for each in LOCATIONS]
    return page(ask, "locations", names,
                lambda name: describe_location(ask.world, name),
                with_total=False)


def get_ring(ask):
    return ask.store.ring(ask.name).describe()


def get_key(ask):
    return ask.store.key(ask.name).describe()


def get_version(ask):
    return ask.store.version(ask.name).describe()


def list_rings(ask):
    return page(ask, "keyRings", ask.store.rings(ask.name))


def list_keys(ask):
    ask.store.ring(ask.name)
    return page(ask, "cryptoKeys", ask.store.keys(ask.name))


def list_versions(ask):
    return page(ask, "cryptoKeyVersions", ask.store.versions(ask.name))


def page(ask, member, things, describe=lambda thing: thing.describe(),
         with_total=True):
    """One page; the token is where the next one starts."""
    things = filtered(ask.query.get("filter", ""),
                      [describe(thing) for thing in things])
    size = ask.query.get("pageSize", 0)
    token = ask.query.get("pageToken", "")
    if size < 0 or not re.fullmatch(r"[0-9]{0,9}", token):
        raise invalid("Invalid page_size or page_token.")
    start = int(token or 0)
    end = start + min(size or 100, PAGE_MAX)
    reply = {member: things[start:end]}
    if end < len(things):
        reply["nextPageToken"] = str(end)
    if with_total:
        reply["totalSize"] = len(things)
    return reply


def filtered(text, things):
    """Only the simplest kind of filter: state=ENABLED."""
    if not text:
        return things
    match = re.fullmatch(r"\s*([a-zA-Z_.]+)\s*[=:]\s*\"?([\w.-]+)\"?\s*",
                         text)
    if match is None:
        raise invalid(f"Invalid filter: {text}")
    member, value = match.groups()
    return [each for each in things
            if each.get(shapes.camel(member)) == value]


def test_iam_permissions(ask):
    """Whoever asks learns what they may; no permission is needed."""
    asked = ask.args.get("permissions", [])
    return {"permissions": [each for each in asked if ask.may(each)]}


# Changing


def require_id(ask, parameter):
    ident = ask.query.get(parameter, "")
    if not re.fullmatch(ID, ident):
        raise invalid(f"Invalid {shapes.snake(parameter)}: {ident}")
    return ident


def create_ring(ask):
    return ask.store.create_ring(
        ask.name.child(require_id(ask, "keyRingId"))).describe()


def create_key(ask):
    args = ask.args
    purpose = args.get("purpose", "")
    if purpose not in specs.PURPOSES:
        raise invalid(f"Unsupported purpose: {purpose}")
    template = args.get("versionTemplate", {})
    algorithm = template.get("algorithm")
    if algorithm is None:
        if purpose != specs.ENCRYPT:
            raise invalid("version_template.algorithm is required.")
        algorithm = specs.DEFAULT_ALGORITHM[purpose]
    key = ask.store.create_key(
        ask.name.child(require_id(ask, "cryptoKeyId")), purpose, algorithm,
        template.get("protectionLevel", "SOFTWARE"),
        not ask.query.get("skipInitialVersionCreation", False))
    change_key(key, args)
    return key.describe()


def create_version(ask):
    key = ask.store.key(ask.name)
    with ask.store.lock:
        return key.add_version(ask.world.now()).describe()


def update_mask(ask, *allowed):
    paths = [shapes.camel(each.strip()) for each
             in ask.query.get("updateMask", "").split(",") if each.strip()]
    if not paths or not set(paths) <= set(allowed):
        raise invalid("Invalid update_mask: "
                      f"{ask.query.get('updateMask', '')}")
    return paths


def update_key(ask):
    paths = update_mask(ask, "labels", "rotationPeriod", "nextRotationTime",
                        "versionTemplate", "versionTemplate.algorithm",
                        "keyAccessJustificationsPolicy")
    wanted = {path.partition(".")[0] for path in paths}
    key = ask.store.key(ask.name)
    change_key(key, {name: value for name, value in ask.args.items()
                     if name in wanted})
    return key.describe()


def change_key(key, args):
    if "labels" in args:
        key.labels = args["labels"]
    if "rotationPeriod" in args:
        if key.purpose != specs.ENCRYPT:
            raise invalid("rotation_period is for ENCRYPT_DECRYPT keys only.")
        read_duration("rotation_period", args["rotationPeriod"],
                      ROTATION_MIN_S)
        key.rotation_period = args["rotationPeriod"]
    if "nextRotationTime" in args:
        key.next_rotation = args["nextRotationTime"]
    if "destroyScheduledDuration" in args:
        key.destroy_s = read_duration(
            "destroy_scheduled_duration", args["destroyScheduledDuration"],
            DESTROY_MIN_S, DESTROY_MAX_S)
    if "keyAccessJustificationsPolicy" in args:
        key.access_reasons = args["keyAccessJustificationsPolicy"].get(
            "allowedAccessReasons", [])
    template = args.get("versionTemplate", {}).get("algorithm")
    if template is not None:
        found = specs.ALGORITHMS.get(template)
        if found is None or found.purpose != key.purpose:
            raise invalid(f"Invalid version_template.algorithm: {template}")
        key.algorithm = found


def read_duration(field, text, least, most=2 ** 40):
    match = DURATION.fullmatch(text)
    if match is None or not least <= int(match.group(1)) <= most:
        raise invalid(f"Invalid value for {field}: {text}")
    return int(match.group(1))


def update_version(ask):
    update_mask(ask, "state")
    state = ask.args.get("state")
    if state not in ("ENABLED", "DISABLED"):
        raise invalid(f"The state cannot be set to {state}.")
    version = ask.store.version(ask.name)
    with ask.store.lock:
        version.change_state(("ENABLED", "DISABLED"), state)
        return version.describe()


def destroy_version(ask):
    key = ask.store.key(ask.name.key_name())
    version = ask.store.version(ask.name)
    with ask.store.lock:
        version.change_state(("ENABLED", "DISABLED"), "DESTROY_SCHEDULED")
        version.destroy_at = ask.world.now() + key.destroy_s
        return version.describe()


def restore_version(ask):
    version = ask.store.version(ask.name)
    with ask.store.lock:
        version.change_state(("DESTROY_SCHEDULED",), "DISABLED")
        version.destroy_at = None
        return version.describe()


def update_primary(ask):
    ident = ask.args.get("cryptoKeyVersionId", "")
    key = ask.store.key(ask.name)
    if key.purpose != specs.ENCRYPT:
        raise GcpError("FAILED_PRECONDITION", f"{key.name} has purpose "
                       f"{key.purpose} and so no primary version.")
    if not re.fullmatch(r"[1-9][0-9]{0,9}", ident):
        raise invalid(f"Invalid crypto_key_version_id: {ident}")
    version = ask.store.version(ask.name.child(ident))
    with ask.store.lock:
        key.primary = version
        return key.describe()


# The table


PAGING = {"pageSize": shapes.read_int32,
          "pageToken": shapes.read_string, "filter": shapes.read_string,
          "orderBy": shapes.read_string}
VIEWS = {"view": shapes.read_string, "versionView": shapes.read_string}
TEMPLATE = shapes.message(algorithm=enums.reader("algorithm"),
                          protectionLevel=enums.reader("protectionLevel"))
KEY = {"name": shapes.read_string, "purpose": enums.reader("purpose"),
       "labels": shapes.read_labels, "versionTemplate": TEMPLATE,
       "rotationPeriod": shapes.read_string,
       "nextRotationTime": shapes.read_string,
       "destroyScheduledDuration": shapes.read_string,
       "importOnly": shapes.read_bool,
       "cryptoKeyBackend": shapes.read_string,
       "keyAccessJustificationsPolicy": shapes.message(
           allowedAccessReasons=shapes.read_strings)}
VERSION = {"name": shapes.read_string, "state": enums.reader("state")}


def _flag(path, text):
    return shapes.read_bool(path, {"true": True, "false": False}.get(text))


def _get(name, kind, suffix, permission, handler, **query):
    return Operation(name, "GET", (kind,), suffix, permission, handler,
                     query=query)


def _post(name, kind, suffix, permission, handler, shape, **query):
    return Operation(name, "POST", (kind,), suffix, permission, handler,
                     shape, query)


OPERATIONS = (
    _get("ListLocations", "project", "/locations", "cloudkms.locations.list",
         list_locations, **PAGING),
    _get("GetLocation", "location", "", "cloudkms.locations.get",
         get_location),
    _get("ListKeyRings", "location", "/keyRings", RINGS + "list", list_rings,
         **PAGING),
    _get("GetKeyRing", "ring", "", RINGS + "get", get_ring),
    _get("ListCryptoKeys", "ring", "/cryptoKeys", KEYS + "list", list_keys,
         **PAGING, **VIEWS),
    _get("GetCryptoKey", "key", "", KEYS + "get", get_key),
    _get("ListCryptoKeyVersions", "key", "/cryptoKeyVersions",
         VERSIONS + "list", list_versions, **PAGING, **VIEWS),
    _get("GetCryptoKeyVersion", "version", "", VERSIONS + "get",
         get_version),
    *(_post("TestIamPermissions", kind, ":testIamPermissions", None,
            test_iam_permissions, {"permissions": shapes.read_strings})
      for kind in ("ring", "key")),
    _post("CreateKeyRing", "location", "/keyRings", RINGS + "create",
          create_ring, {"name": shapes.read_string},
          keyRingId=shapes.read_string),
    _post("CreateCryptoKey", "ring", "/cryptoKeys", KEYS + "create",
          create_key, KEY, cryptoKeyId=shapes.read_string,
          skipInitialVersionCreation=_flag),
    _post("CreateCryptoKeyVersion", "key", "/cryptoKeyVersions",
          VERSIONS + "create", create_version, VERSION),
    Operation("UpdateCryptoKey", "PATCH", ("key",), "", KEYS + "update",
              update_key, KEY, {"updateMask": shapes.read_string}),
    Operation("UpdateCryptoKeyVersion", "PATCH", ("version",), "",
              VERSIONS + "update", update_version, VERSION,
              {"updateMask": shapes.read_string}),
    _post("DestroyCryptoKeyVersion", "version", ":destroy",
          VERSIONS + "destroy", destroy_version, {}),
    _post("RestoreCryptoKeyVersion", "version", ":restore",
          VERSIONS + "restore", restore_version, {}),
    _post("UpdateCryptoKeyPrimaryVersion", "key", ":updatePrimaryVersion",
          KEYS + "update", update_primary,
          {"cryptoKeyVersionId": shapes.read_string}),
)
