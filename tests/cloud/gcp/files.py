# SPDX-License-Identifier: Apache-2.0
"""Credentials files, as gcloud and the console write them, that point at
the double."""

import json
import shlex

from . import awsmetadata, sts
from .service import SUBJECT_HEADER

CLIENT_ID = "1234567890-ownkey.apps.googleusercontent.com"
AWS_VERIFY = ("https://sts.{region}.amazonaws.com?Action=GetCallerIdentity"
              "&Version=2011-06-15")


def service_account(world, account, endpoints):
    """With a new key of the account."""
    ident, pem = account.add_key()
    return {"type": "service_account", "project_id": world.project,
            "private_key_id": ident, "private_key": pem,
            "client_email": account.email, "client_id": account.unique_id,
            "token_uri": endpoints["oauth"] + "/token",
            "universe_domain": "googleapis.com"}


def authorized_user(world, user):
    client = world.accounts.client(CLIENT_ID)
    return {"type": "authorized_user", "client_id": client.ident,
            "client_secret": client.secret,
            "refresh_token": user.refresh_token,
            "quota_project_id": world.project}


def external(world, kind, source, endpoints, token_type):
    return {"type": "external_account",
            "audience": "//iam.googleapis.com/" + world.provider_name(kind),
            "subject_token_type": token_type,
            "token_url": endpoints["oauth"] + "/v1/token",
            "credential_source": source,
            "universe_domain": "googleapis.com"}


def impersonation_url(world, endpoints):
    return (f"{endpoints['oauth']}/v1/projects/-/serviceAccounts/"
            f"{world.email('target')}:generateAccessToken")


def write_all(world, started):
    """All of them into the state directory; returns their names."""
    endpoints = started.endpoints
    account = service_account(
        world, world.accounts.account(world.email("tester")), endpoints)
    user = authorized_user(world, world.accounts.user("user@example.com"))
    # gcloud writes no token_uri for users, and libraries that know of it
    # take it: without it there would be no way to the double.
    user["token_uri"] = endpoints["oauth"] + "/token"
    files = {"service_account": account, "authorized_user": user}
    for name, (kind, source, token_type) in sources(started).items():
        files[f"external_{name}"] = external(world, kind, source, endpoints,
                                             token_type)
    files["external_user"] = {
        "type": "external_account_authorized_user",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/"
                    "p/providers/x",
        "token_url": endpoints["oauth"] + "/v1/oauthtoken",
        **{name: user[name] for name in ("client_id", "client_secret",
                                         "refresh_token",
                                         "quota_project_id")}}
    files["external_impersonated"] = {
        **files["external_file"],
        "service_account_impersonation_url": impersonation_url(world,
                                                               endpoints),
        "service_account_impersonation": {"token_lifetime_seconds": 1800}}
    files["impersonated"] = {
        "type": "impersonated_service_account", "delegates": [],
        "service_account_impersonation_url": impersonation_url(world,
                                                               endpoints),
        "source_credentials": user}
    for name, document in files.items():
        started.write(f"{name}.json", json.dumps(document, indent=2) + "\n",
                      0o600)
    write_subject(world, started)


def sources(started):
    """name -> (kind of provider, credential_source, type of token)"""
    url = started.endpoints["metadata"] + "/subject-token"
    as_json = {"type": "json", "subject_token_field_name": "id_token"}
    header = dict([SUBJECT_HEADER])
    return {
        "file": ("oidc", {"file": started.path("subject.token")},
                 sts.KIND + "jwt"),
        "file_json": ("oidc", {"file": started.path("subject.json"),
                               "format": as_json}, sts.KIND + "jwt"),
        "url": ("oidc", {"url": url, "headers": header}, sts.KIND + "jwt"),
        "url_json": ("oidc", {"url": url + "?format=json", "headers": header,
                              "format": as_json}, sts.KIND + "jwt"),
        "executable": ("oidc", {"executable": {
            "command": shlex.quote(started.path("subject.sh")),
            "timeout_millis": 10000}}, sts.KIND + "id_token"),
        "aws": ("aws", aws_source(started.endpoints["metadata"]),
                sts.AWS_KIND)}


def aws_source(metadata):
    """The environment of the client comes first, as everywhere."""
    base = metadata + awsmetadata.PREFIX
    return {"environment_id": "aws1",
            "region_url": base + "meta-data/placement/availability-zone",
            "url": base + awsmetadata.ROLES,
            "regional_cred_verification_url": AWS_VERIFY,
            "imdsv2_session_token_url": base + "api/token"}


def write_subject(world, started):
    """Where the file and the executable of an external account get it."""
    token = sts.subject_token(world)
    started.write("subject.token", token, 0o600)
    started.write("subject.json", json.dumps({"id_token": token}), 0o600)
    started.write("subject.reply", json.dumps({
        "version": 1, "success": True, "token_type": sts.KIND + "id_token",
        "id_token": token, "expiration_time": int(world.now()) + 3600}),
        0o600)
    reply = shlex.quote(started.path("subject.reply"))
    started.write("subject.sh", f"#!/bin/sh\nexec cat {reply}\n", 0o700)
