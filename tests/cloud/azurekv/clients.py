# SPDX-License-Identifier: Apache-2.0
"""What clients are given in the state directory: one env file for each way
to get a token, and the files these name."""

import datetime
import os
import shlex

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from frame.process import shell_lines

from .metadata import APP_SERVICE_PATH, TOKEN_PATH

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# All variables that any way sets: the other ones are unset.
CREDENTIALS = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
               "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
               "AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_ENDPOINT",
               "IDENTITY_HEADER", "IMDS_ENDPOINT")


def make_certificate(days=7):
    """A key with its certificate as one PEM file, and the certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME,
                                         "ownkey test application")])
    now = datetime.datetime.utcnow()
    certificate = (x509.CertificateBuilder().subject_name(name)
                   .issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=30))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .sign(key, hashes.SHA256())
                   .public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM,
                                serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    return private + certificate, certificate


def ways(options, started, control):
    """Variables by the kind of credential."""
    endpoints = started.endpoints
    arc = endpoints["arc"]
    return {
        "secret": {"AZURE_CLIENT_ID": options.client_id,
                   "AZURE_CLIENT_SECRET": options.client_secret},
        "certificate": {"AZURE_CLIENT_ID": options.client_id,
                        "AZURE_CLIENT_CERTIFICATE_PATH":
                            started.path("client.pem")},
        "workload": {"AZURE_CLIENT_ID": options.client_id,
                     "AZURE_FEDERATED_TOKEN_FILE":
                         started.path("federated-token")},
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": endpoints["imds"]},
        "appservice": {
            "IDENTITY_ENDPOINT": endpoints["appservice"] + APP_SERVICE_PATH,
            "IDENTITY_HEADER": control.service.app_service.header},
        "arc": {"IDENTITY_ENDPOINT": arc + TOKEN_PATH,
                "IMDS_ENDPOINT": arc},
        "cli": {"PATH": f"{started.path('bin')}:{PATH}"},
    }


def command_line(started):
    """A program az, by the absolute paths of what it needs."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "az.py")
    words = " ".join(shlex.quote(each) for each in (
        "/usr/bin/python3", program, started.path("")))
    return f'#!/bin/sh\nexec {words} "$@"\n'


def write(options, started, control):
    """Writes everything; returns the variables for `env`."""
    endpoints = started.endpoints
    os.makedirs(started.path("bin"), exist_ok=True)
    started.write("bin/az", command_line(started), 0o755)
    if options.authority == "self":
        control.service.authority = endpoints["login"]
    started.write("client.pem", control.client_pem, 0o600)
    started.write("federated-token",
                  control.do_federated_token()["token"], 0o600)
    common = {"AZURE_TENANT_ID": options.tenant,
              "AZURE_AUTHORITY_HOST": endpoints["login"] + "/",
              "AZURE_KEYVAULT_URL": endpoints["vault"],
              "AZURE_MANAGEDHSM_URL": endpoints["hsm"],
              "REQUESTS_CA_BUNDLE": started.path("ca.pem"),
              **dict.fromkeys(CREDENTIALS)}
    found = ways(options, started, control)
    for name, variables in found.items():
        started.write(f"env.{name}", shell_lines({**common, **variables}),
                      0o600)
    return {**common, **found["secret"]}
