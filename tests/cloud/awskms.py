#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A double of AWS KMS, and of what AWS has on the way to credentials: STS,
SSO, instance metadata, a container's endpoint. See README.md."""

from aws.auth import Identity
from aws.control import AwsControl
from aws.service import AwsService
from frame import process
from frame.errors import Refused

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ACCOUNT = "111122223333"
REGION = "eu-west-1"


def parse_arguments():
    parser = process.parser(__doc__)
    add = parser.add_argument
    add("--access-key", default=ACCESS_KEY)
    add("--secret-key", default=SECRET_KEY)
    add("--session-token", default="")
    add("--identity", action="append", default=[], metavar="ID:SECRET[:TOKEN]",
        help="one more access key that is known")
    add("--account", default=ACCOUNT)
    add("--region", default=REGION)
    add("--key", action="append", default=[],
        metavar="alias/NAME=SPEC[:USAGE]", help="a key to start with")
    return parser.parse_args()


def build(options, log):
    service = AwsService(options.account, options.region, log)
    service.identities.add(Identity(options.access_key, options.secret_key,
                                    options.session_token))
    for text in options.identity:
        service.identities.add(Identity(*text.split(":", 2)))
    control = AwsControl(service)
    for text in options.key:
        create_key(control, text)
    return control


def create_key(control, text):
    """One --key: alias/NAME=SPEC[:USAGE]."""
    alias, _, kind = text.partition("=")
    spec, _, usage = kind.partition(":")
    try:
        control.run({"do": "create", "alias": alias,
                     "spec": spec or "SYMMETRIC_DEFAULT",
                     "usage": usage or None})
    except Refused as error:
        raise Refused(f"--key {text}: {error}") from None


def environment(options, started):
    """What AWS clients read."""
    values = {"AWS_ACCESS_KEY_ID": options.access_key,
              "AWS_SECRET_ACCESS_KEY": options.secret_key,
              "AWS_SESSION_TOKEN": options.session_token,
              "AWS_REGION": options.region,
              "AWS_DEFAULT_REGION": options.region,
              "AWS_ENDPOINT_URL_KMS": started.endpoints["main"],
              "AWS_ENDPOINT_URL_STS": started.endpoints["sts"],
              "AWS_ENDPOINT_URL_SSO": started.endpoints["sso"],
              "AWS_ENDPOINT_URL_SSO_OIDC": started.endpoints["sso"],
              "AWS_EC2_METADATA_DISABLED": "true"}
    if started.with_tls:
        values["AWS_CA_BUNDLE"] = started.path("ca.pem")
    return values


if __name__ == "__main__":
    process.run("awskms.py", "aws", parse_arguments(), build, environment)
