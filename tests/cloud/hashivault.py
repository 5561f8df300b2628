#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A double of HashiCorp Vault and OpenBao for tests, on loopback. See
README.md."""

from frame import process, tls
from vault import setup
from vault.control import VaultControl
from vault.service import VaultService

ROOT_TOKEN = "hvs.loopbackroot"


def parse_arguments():
    parser = process.parser(__doc__)
    add = parser.add_argument
    add("--openbao", action="store_true", help="be OpenBao")
    add("--key", action="append", default=[],
        metavar="[MOUNT/]NAME=TYPE[:derived|:convergent]",
        help="a transit key to start with")
    add("--mount", action="append", default=[], metavar="PATH",
        help="a transit mount, in every namespace; default transit")
    add("--namespace", action="append", default=[], metavar="PATH")
    add("--root-token", default=ROOT_TOKEN)
    add("--ttl", default="1h",
        help="lifetime of the tokens of the logins and of the one in env")
    return parser.parse_args()


class Build:
    """The issuer of JWTs is needed before there are ports, and after."""

    def __init__(self):
        self._issuer = setup.Issuer()
        self._control = None

    def control(self, options, log):
        world = setup.make_world(options.openbao, options.mount,
                                 options.namespace)
        service = VaultService(world, log)
        setup.add_root(world, options.root_token, service.now())
        self._control = VaultControl(service, self._issuer)
        for text in options.key:
            setup.add_key(self._control, text)
        return self._control

    def environment(self, options, started):
        """What clients of Vault read, and the proofs for the logins."""
        run = self._control.run
        self._control.service.with_tls = options.tls
        setup.add_logins(
            lambda path, data: run({"do": "write", "path": path,
                                    "data": data}),
            self._issuer, started.authority.pem.decode(), options.ttl,
            options.openbao)
        certificate, key = started.authority.issue("app", client=True)
        started.write("client.pem", tls.pem(certificate))
        started.write("client.key", tls.private_pem(key), 0o600)
        token = run({"do": "token", "ttl": options.ttl})["token"]
        run({"do": "agent-token", "token": token})
        for name, text in (
                ("root_token", options.root_token), ("token", token),
                ("role_id", setup.ROLE_ID), ("secret_id", setup.SECRET_ID),
                ("service_account", run({"do": "service-account"})["jwt"]),
                ("jwt", run({"do": "jwt"})["jwt"])):
            started.write(name, text + "\n", 0o600)
        return {"VAULT_ADDR": started.endpoints["main"],
                "VAULT_TOKEN": token, "VAULT_NAMESPACE": None,
                "VAULT_AGENT_ADDR": None,
                "VAULT_CACERT": (started.path("ca.pem") if options.tls
                                 else None)}


if __name__ == "__main__":
    build = Build()
    process.run("hashivault.py", "vault", parse_arguments(), build.control,
                build.environment)
