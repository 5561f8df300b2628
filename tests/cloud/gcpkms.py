#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A double of Google Cloud KMS, its token endpoints and the metadata server
for tests, on loopback. See README.md."""

import os

from frame import process
from frame.errors import Refused
from gcp import files
from gcp.control import GcpControl
from gcp.service import GcpService
from gcp.world import populate

PROJECT = "example-project"
NUMBER = "123456789012"
LOCATION = "europe-west3"
RING = "ring"
AWS_ACCESS_KEY = "AKIDEXAMPLE"
AWS_SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def parse_arguments():
    parser = process.parser(__doc__)
    add = parser.add_argument
    add("--project", default=PROJECT)
    add("--project-number", default=NUMBER)
    add("--location", default=LOCATION)
    add("--ring", default=RING, help="the key ring of --key")
    add("--key", action="append", default=[],
        metavar="NAME[=ALGORITHM[:LEVEL]]", help="a key to start with")
    add("--no-grants", action="store_true",
        help="nobody may do anything but what --grant says")
    add("--grant", action="append", default=[],
        metavar="MEMBER=ROLE[@RESOURCE]", help="a role or permission")
    add("--aws-access-key", default=AWS_ACCESS_KEY)
    add("--aws-secret-key", default=AWS_SECRET_KEY)
    add("--aws-session-token", default="")
    return parser.parse_args()


def build(options, log):
    service = GcpService(options.project, options.project_number,
                         options.location, options.ring, log)
    populate(service.world, options.aws_access_key, options.aws_secret_key,
             options.aws_session_token, not options.no_grants)
    control = GcpControl(service)
    for text in options.key:
        name, _, kind = text.partition("=")
        algorithm, _, level = kind.partition(":")
        order(control, f"--key {text}", "create", key=name,
              algorithm=algorithm or "GOOGLE_SYMMETRIC_ENCRYPTION",
              level=level or None)
    for text in options.grant:
        member, _, role = text.rpartition("=")
        role, _, resource = role.partition("@")
        order(control, f"--grant {text}", "grant", member=member, role=role,
              resource=resource or None)
    return control


def order(control, option, name, **members):
    try:
        control.run({"do": name, **members})
    except Refused as error:
        raise Refused(f"{option}: {error}") from None


def environment(service, options, started):
    """What Google's clients read."""
    service.endpoints = started.endpoints
    files.write_all(service.world, started)
    os.makedirs(started.path("gcloud"), mode=0o700, exist_ok=True)
    machine = started.endpoints["metadata"].partition("://")[2]
    ca = started.path("ca.pem") if options.tls else None
    return {"GOOGLE_APPLICATION_CREDENTIALS":
            started.path("service_account.json"),
            "GOOGLE_CLOUD_PROJECT": options.project,
            "GCLOUD_PROJECT": None,
            "GOOGLE_CLOUD_QUOTA_PROJECT": None,
            "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
            "CLOUDSDK_CONFIG": started.path("gcloud"),
            "GCE_METADATA_HOST": machine,
            "GCE_METADATA_ROOT": machine,
            "GCE_METADATA_IP": machine,
            "SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca}


def main():
    services = []

    def start(options, log):
        control = build(options, log)
        services.append(control.service)
        return control

    process.run("gcpkms.py", "gcp", parse_arguments(), start,
                lambda options, started: environment(services[0], options,
                                                     started))


if __name__ == "__main__":
    main()
