#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A double of Azure Key Vault, Managed HSM, Entra ID and the endpoints of
managed identities, for tests, on loopback. See README.md."""

import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from azurekv import clients
from azurekv.control import AzureControl
from azurekv.keys import Vault
from azurekv.service import AzureService
from azurekv.specs import CLOUDS
from frame import process, tls
from frame.errors import Refused

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "66666666-7777-8888-9999-aaaaaaaaaaaa"
CLIENT_SECRET = "8Q~loopback+only/not=a.secret"
IDENTITY_ID = "bbbbbbbb-cccc-dddd-eeee-ffffffffffff"
ISSUER = "https://oidc.cluster.example/"
SUBJECT = "system:serviceaccount:default:ownkey"


@dataclass(frozen=True)
class Federation:
    """The issuer of tokens outside of Entra ID, played by the test."""
    key: object
    issuer: str = ISSUER
    subject: str = SUBJECT


def parse_arguments():
    parser = process.parser(__doc__)
    add = parser.add_argument
    add("--cloud", choices=CLOUDS, default="public")
    add("--vault", action="append", metavar="NAME",
        help="a vault; default acme; the first serves 127.0.0.1")
    add("--hsm", action="append", metavar="NAME",
        help="a Managed HSM; default acmehsm")
    add("--mode", choices=("policy", "rbac"), default="policy",
        help="how the vaults keep permissions")
    add("--grant", default="all", metavar="LIST",
        help="what the application and the identity may do; default all")
    add("--key", action="append", default=[],
        metavar="[VAULT/]NAME=KTY[:SIZE|:CURVE]", help="a key to start with")
    add("--tenant", default=TENANT)
    add("--client-id", default=CLIENT_ID)
    add("--client-secret", default=CLIENT_SECRET)
    add("--authority", metavar="URL",
        help="login host named in challenges; default the cloud's own, "
        "'self' for the double's")
    add("--host", action="append", default=[], metavar="NAME",
        help="one more name that a vault is reached by")
    add("--arc-dir", metavar="DIR",
        help="where the secrets of Azure Arc are; default DIR/tokens")
    options = parser.parse_args()
    options.vault = options.vault or ["acme"]
    options.hsm = options.hsm or ["acmehsm"]
    options.tls_name = options.tls_name or names(options)
    return options


def names(options):
    """What the certificate is for: the double, and all that it plays."""
    cloud = CLOUDS[options.cloud]
    return ([*tls.DEFAULT_NAMES, cloud.login_host]
            + [f"{name}.{cloud.vault_suffix}" for name in options.vault]
            + [f"{name}.{cloud.hsm_suffix}" for name in options.hsm]
            + options.host)


def build(options, log):
    arc_directory = options.arc_dir or os.path.join(
        os.path.abspath(options.dir), "tokens")
    service = AzureService(CLOUDS[options.cloud], arc_directory,
                           options.authority, log)
    service.other_hosts.update(options.host)
    for kind, found in (("vault", options.vault), ("hsm", options.hsm)):
        service.vaults += [Vault(name.lower(), kind, options.tenant,
                                 options.mode) for name in found]
    federation = Federation(rsa.generate_private_key(65537, 2048))
    control = AzureControl(service, options.client_id, federation)
    populate(service, control, options)
    for text in options.key:
        create_key(control, text)
    return control


def populate(service, control, options):
    """One application with every kind of credential, one identity."""
    directory = service.directory
    directory.add_application(options.client_id, options.tenant)
    directory.add_secret(options.client_id, options.client_secret)
    control.client_pem, certificate = clients.make_certificate()
    directory.add_certificate(options.client_id, certificate)
    control.do_federated("add")
    directory.add_identity(options.tenant, True, IDENTITY_ID)
    for vault in service.vaults:
        for client in (options.client_id, IDENTITY_ID):
            control.do_grant(options.grant, client, vault=vault.name)


def create_key(control, text):
    """One --key: NAME=KTY, and a size or a curve."""
    name, _, spec = text.partition("=")
    try:
        control.run({"do": "create", "key": name, "spec": spec or "RSA"})
    except Refused as error:
        raise Refused(f"--key {text}: {error}") from None


def main():
    options = parse_arguments()
    controls = []

    def build_once(options, log):
        controls.append(build(options, log))
        return controls[0]

    def environment(options, started):
        return clients.write(options, started, controls[0])

    process.run("azurekms.py", "azurekv", options, build_once, environment)
    controls[0].service.arc.clean()


if __name__ == "__main__":
    main()
