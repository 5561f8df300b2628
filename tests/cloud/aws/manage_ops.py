# SPDX-License-Identifier: Apache-2.0
"""The operations on keys and aliases themselves."""

import base64
import binascii
import time

from . import material
from .call import Operation
from .crypto_ops import KEY_REF
from .errors import AwsError
from .keys import ALIAS
from .shapes import Flag, Number, Text, TextList
from .specs import ALL_SPECS, ALL_USAGES, SPECS, default_usage

DAY_S = 24 * 3600


def create_key(call):
    args = call.args
    call.authorise(None)
    spec = args["KeySpec"] or args["CustomerMasterKeySpec"] \
        or "SYMMETRIC_DEFAULT"
    if spec not in SPECS:
        raise AwsError("UnsupportedOperationException",
                       f"{spec} is not part of this double.")
    if args["KeyUsage"] is None and spec != "SYMMETRIC_DEFAULT":
        raise AwsError("ValidationException", "You must specify a KeyUsage "
                       "value for an asymmetric CMK.")
    usage = args["KeyUsage"] or default_usage(spec)
    if usage not in SPECS[spec].usages:
        raise AwsError("ValidationException",
                       f"KeyUsage {usage} is not compatible with KeySpec "
                       f"{spec}")
    key = call.store.create(spec, usage, args["Description"] or "",
                            bool(args["MultiRegion"]))
    return {"KeyMetadata": key.metadata(call.store)}


def describe_key(call):
    key = call.find_key(call.args["KeyId"])
    return {"KeyMetadata": key.metadata(call.store)}


def get_public_key(call):
    key = call.usable_key(call.args["KeyId"])
    if not key.has_public_part:
        raise AwsError("UnsupportedOperationException",
                       f"{key.arn} has no public key.")
    return {"KeyId": key.arn, "PublicKey": material.public_der(key.material),
            **key.description_of_use()}


def enable_key(call):
    return set_state(call, "Enabled")


def disable_key(call):
    return set_state(call, "Disabled")


def set_state(call, state):
    with call.store.lock:
        key = find_without_alias(call)
        if key.state not in ("Enabled", "Disabled"):
            key.require_usable()
        key.state = state


def schedule_key_deletion(call):
    days = call.args["PendingWindowInDays"] or 30
    with call.store.lock:
        key = find_without_alias(call)
        if key.state == "PendingDeletion":
            key.require_usable()
        key.state = "PendingDeletion"
        key.deletion_date = time.time() + days * DAY_S
        return {"KeyId": key.arn, "KeyState": key.state,
                "DeletionDate": round(key.deletion_date, 3),
                "PendingWindowInDays": days}


def cancel_key_deletion(call):
    with call.store.lock:
        key = find_without_alias(call)
        if key.state != "PendingDeletion":
            raise AwsError("KMSInvalidStateException",
                           f"{key.arn} is not pending deletion.")
        key.state = "Disabled"      # not Enabled: EnableKey is needed, too
        key.deletion_date = None
        return {"KeyId": key.arn}


def find_without_alias(call):
    return call.find_key(call.args["KeyId"], aliases=False)


def create_alias(call):
    name = call.args["AliasName"]
    check_alias_name(name)
    with call.store.lock:
        if call.store.alias(name) is not None:
            raise AwsError("AlreadyExistsException", "An alias with the name "
                           f"{call.store.arn(name)} already exists")
        call.store.set_alias(name, alias_target(call))


def update_alias(call):
    name = call.args["AliasName"]
    check_alias_name(name)
    with call.store.lock:
        alias = call.store.alias(name)
        if alias is None:
            raise no_alias(call, name)
        key = alias_target(call)
        same_kind = (alias.key.symmetric == key.symmetric
                     and alias.key.usage == key.usage)
        if not same_kind:
            raise AwsError("ValidationException", f"Alias {name} can only be "
                           "changed to a key of the same type and usage")
        call.store.set_alias(name, key)


def delete_alias(call):
    name = call.args["AliasName"]
    alias = call.store.alias(name)
    if alias is None:
        raise no_alias(call, name)
    call.authorise(alias.key)
    call.store.delete_alias(name)


def check_alias_name(name):
    if not ALIAS.fullmatch(name):
        raise AwsError("InvalidAliasNameException",
                       "Alias must start with the prefix \"alias/\" and have "
                       "only letters, digits, /, _ and -")
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException",
                       "The alias prefix alias/aws/ is reserved")


def alias_target(call):
    key = call.find_key(call.args["TargetKeyId"], aliases=False)
    if key.state == "PendingDeletion":
        key.require_usable()
    return key


def no_alias(call, name):
    return AwsError("NotFoundException",
                    f"Alias {call.store.arn(name)} is not found.")


def list_keys(call):
    call.authorise(None)
    page, more = paginate(call, call.store.keys(), lambda key: key.id, 100)
    return {"Keys": [{"KeyId": key.id, "KeyArn": key.arn} for key in page],
            **more}


def list_aliases(call):
    call.authorise(None)
    aliases = call.store.aliases()
    if call.args["KeyId"] is not None:
        key = call.store.find(call.args["KeyId"], aliases=False)
        aliases = [alias for alias in aliases if alias.key is key]
    page, more = paginate(call, aliases, lambda alias: alias.name, 50)
    return {"Aliases": [{"AliasName": alias.name,
                         "AliasArn": call.store.arn(alias.name),
                         "TargetKeyId": alias.key.id,
                         "CreationDate": round(alias.created, 3),
                         "LastUpdatedDate": round(alias.updated, 3)}
                        for alias in page], **more}


def paginate(call, items, name_of, default):
    """One page of a sorted list, and the members that tell of the next.

    A marker names the last item of the page before, so that items which come
    and go between two pages do no harm.
    """
    if call.args["Marker"] is not None:
        last = read_marker(call.args["Marker"])
        items = [item for item in items if name_of(item) > last]
    limit = call.args["Limit"] or default
    page = items[:limit]
    if len(items) <= limit:
        return page, {"Truncated": False}
    marker = base64.b64encode(name_of(page[-1]).encode()).decode()
    return page, {"Truncated": True, "NextMarker": marker}


def read_marker(marker):
    try:
        return base64.b64decode(marker, validate=True).decode()
    except (binascii.Error, ValueError):
        raise AwsError("InvalidMarkerException", "Invalid marker.") from None


_ONE_KEY = {"KeyId": KEY_REF}
_WITH_GRANTS = {"KeyId": KEY_REF, "GrantTokens": TextList(max=10)}
_ALIAS_NAME = Text(required=True, min=1, max=256)
_ALIAS = {"AliasName": _ALIAS_NAME, "TargetKeyId": KEY_REF}
_MARKER = Text(min=1, max=1024)

OPERATIONS = {
    "CreateKey": Operation(
        {"KeySpec": Text(enum=ALL_SPECS), "KeyUsage": Text(enum=ALL_USAGES),
         "CustomerMasterKeySpec": Text(enum=ALL_SPECS),
         "Description": Text(max=8192), "MultiRegion": Flag()}, create_key),
    "DescribeKey": Operation(_WITH_GRANTS, describe_key),
    "GetPublicKey": Operation(_WITH_GRANTS, get_public_key),
    "EnableKey": Operation(_ONE_KEY, enable_key),
    "DisableKey": Operation(_ONE_KEY, disable_key),
    "ScheduleKeyDeletion": Operation(
        {"KeyId": KEY_REF, "PendingWindowInDays": Number(min=7, max=30)},
        schedule_key_deletion),
    "CancelKeyDeletion": Operation(_ONE_KEY, cancel_key_deletion),
    "CreateAlias": Operation(_ALIAS, create_alias),
    "UpdateAlias": Operation(_ALIAS, update_alias),
    "DeleteAlias": Operation({"AliasName": _ALIAS_NAME}, delete_alias),
    "ListKeys": Operation(
        {"Limit": Number(min=1, max=1000), "Marker": _MARKER}, list_keys),
    "ListAliases": Operation(
        {"KeyId": Text(min=1, max=2048), "Limit": Number(min=1, max=100),
         "Marker": _MARKER}, list_aliases),
}
