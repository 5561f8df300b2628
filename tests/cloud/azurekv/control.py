# SPDX-License-Identifier: Apache-2.0
"""Orders of the Azure double: keys, permissions, who there is, logins."""

import time
import uuid

from cryptography.hazmat.primitives import serialization

from frame.control import Control
from frame.errors import Refused

from . import keys, login, material
from .access import parse_permissions
from .specs import API_VERSIONS
from .tokens import APP_LIFETIME_S

NEWEST = API_VERSIONS[-1]


def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


class AzureControl(Control):
    """
    federation  what the test's own issuer signs with: key, issuer, subject
    """

    def __init__(self, service, client_id, federation):
        super().__init__(service)
        self.client_id = client_id      # the application that is meant
        self._logged_in = True          # at the command line
        self._federation = federation

    def _app(self, client_id):
        client_id = client_id or self.client_id
        app = self.service.directory.find_application(client_id)
        if app is None:
            raise Refused(f"no application {client_id}")
        return app

    def _version(self, ref, version):
        vault, key = self.service.find_key(ref)
        return vault, key, key.find(version or "")

    def _base(self, vault):
        return f"https://{vault.name}." \
            f"{self.service.cloud.suffix(vault.kind)}"

    # Keys

    def do_create(self, key, spec="RSA", ops=None, vault=None, version=None):
        """spec: KTY, or KTY:SIZE, or KTY:CURVE."""
        if "/" in key:
            vault, _, key = key.partition("/")
        home = self.service.find_vault(vault)
        name, _, detail = spec.partition(":")
        kty = keys.check_type(name, home.kind)
        made = keys.Version(
            kty, keys.generate(kty, int(detail) if detail.isdecimal()
                               else None, detail), ident=version)
        if ops is not None:
            made.set({}, ops.split(","))
        return {"kid": f"{self._base(home)}/keys/"
                f"{home.add_version(key, made).name}/{made.id}"}

    def do_rotate(self, key):
        vault, found = self.service.find_key(key)
        return {"version": vault.rotate(found).id}

    def do_enable(self, key, version=None):
        self._set_enabled(key, version, True)

    def do_disable(self, key, version=None):
        self._set_enabled(key, version, False)

    def _set_enabled(self, key, version, enabled):
        """One version; without one all of them."""
        vault, found = self.service.find_key(key)
        with vault.lock:
            for each in ([found.find(version)] if version
                         else found.versions):
                each.enabled = enabled

    def do_valid(self, key, not_before=None, expires=None, version=None):
        """Seconds from now, or "never"."""
        vault, _, found = self._version(key, version)
        with vault.lock:
            for name, text in (("not_before", not_before),
                               ("expires", expires)):
                if text is not None:
                    setattr(found, name, None if text == "never"
                            else int(self.service.now()) + int(text))

    def do_ops(self, key, ops, version=None):
        """What the key may be used for: names, with a comma between."""
        vault, _, found = self._version(key, version)
        with vault.lock:
            found.set({}, [each for each in ops.split(",") if each])

    def do_delete(self, key):
        vault, found = self.service.find_key(key)
        vault.delete(found)

    def do_recover(self, key):
        vault, found = self.service.find_key(key)
        vault.recover(found)

    def do_purge(self, key):
        vault, found = self.service.find_key(key)
        vault.purge(found)

    def do_busy(self, key, code=""):
        """409 with this inner code for everything about a key."""
        vault, found = self.service.find_key(key)
        with vault.lock:
            found.busy = code

    def do_kid(self, key, version=None):
        vault, found, which = self._version(key, version)
        return {"kid": f"{self._base(vault)}/keys/{found.name}/{which.id}"}

    def do_describe(self, key, version=None):
        vault, found, which = self._version(key, version)
        document = keys.bundle(found, which, self._base(vault), NEWEST)
        document["versions"] = [each.id for each in found.versions]
        return {name: self._text(value) for name, value in document.items()}

    def _text(self, value):
        if isinstance(value, bytes):
            return self.service.encode_bytes(value)
        if isinstance(value, dict):
            return {name: self._text(each) for name, each in value.items()}
        return value

    def do_public_key(self, key, version=None):
        _, _, found = self._version(key, version)
        if found.kty.kind == "oct":
            raise Refused("a symmetric key has no public key")
        return {"pem": material.public_pem(found.material)}

    # Permissions

    def do_grant(self, permissions, client=None, key=None, vault=None):
        """From now on, this and nothing else, in this scope."""
        name = None
        if key is not None:
            home, found = self.service.find_key(key)
            name = found.name
        else:
            home = self.service.find_vault(vault)
        with home.lock:
            home.access.grant(client or self.client_id,
                              parse_permissions(permissions), name)

    def do_mode(self, mode, vault=None):
        """Of permissions: policy or rbac."""
        home = self.service.find_vault(vault)
        if mode not in ("policy", "rbac") or home.kind == "hsm":
            raise Refused("a vault has policy or rbac, a Managed HSM its own")
        with home.lock:
            home.access.mode = mode

    def do_firewall(self, what, vault=None):
        codes = {"off": "", "address": "ForbiddenByFirewall",
                 "connection": "ForbiddenByConnection"}
        if what not in codes:
            raise Refused(f"a firewall is one of: {', '.join(codes)}")
        self.service.find_vault(vault).access.firewall = codes[what]

    def do_quirk(self, quirk, state="on", vault=None):
        if quirk not in keys.QUIRKS or state not in ("on", "off"):
            raise Refused(f"quirks are: {', '.join(keys.QUIRKS)}; on or off")
        home = self.service.find_vault(vault)
        with home.lock:
            (home.quirks.add if state == "on"
             else home.quirks.discard)(quirk)

    def do_quota(self, requests, seconds=10):
        """So many requests to the vaults in so many seconds; "off"."""
        self.service.quota.set(
            None if requests == "off" else int(requests), float(seconds))

    # Challenges and tokens

    def do_tenant(self, tenant, vault=None):
        """Moves a vault to a tenant."""
        self.service.directory.add_tenant(tenant)
        self.service.find_vault(vault).tenant = tenant

    def do_foreign_login(self, url=None, vault=None):
        """The challenge names a login host that is not the cloud's."""
        home = self.service.find_vault(vault)
        url = url or next(each.url for each in self.servers
                          if each.listener.name == "foreign")
        home.challenge = (
            f'Bearer authorization="{url.rstrip("/")}/{home.tenant}", '
            f'resource="{self.service.cloud.audience(home.kind)}"')

    def do_challenge(self, text="", vault=None):
        """Any text for WWW-Authenticate; the true one for none."""
        self.service.find_vault(vault).challenge = text

    def do_token_lifetime(self, seconds=None):
        """Of new tokens; the service's own without a number."""
        self.service.issuer.lifetime_s = (int(seconds)
                                          if seconds is not None else None)

    def do_roll_keys(self):
        """A new key signs tokens; those of the old one are refused."""
        self.service.issuer.roll()

    def do_revoke(self, client=None):
        """Tokens issued so far are refused, with a claims challenge."""
        client = client or self.client_id
        directory = self.service.directory
        if not directory.object_ids(client):
            raise Refused(f"nobody is {client}")
        directory.revoke_tokens(client, self.service.issuer.serial)

    # Who there is

    def do_app(self, what, client=None, tenant=None):
        directory = self.service.directory
        if what == "add":
            directory.add_application(client, tenant
                                      or self.service.vaults[0].tenant)
        elif what == "remove":
            directory.remove_application(self._app(client).client_id)
        elif what in ("enable", "disable"):
            self._app(client).disabled = what == "disable"
        elif what == "consent":
            directory.consent(self._app(client).client_id, tenant)
        elif what == "unconsent":
            self._app(client).principals.pop(tenant, None)
        else:
            raise Refused("app: add, remove, enable, disable, consent or "
                          "unconsent")

    def do_secret(self, what, value=None, client=None):
        app = self._app(client)
        with self.service.directory.lock:
            if what == "add":
                self.service.directory.add_secret(app.client_id, value)
            elif what == "expire":
                for each in app.secrets:
                    if value in (None, each.value):
                        each.expires = 0
            elif what == "remove":
                app.secrets = [each for each in app.secrets
                               if value not in (None, each.value)]
            else:
                raise Refused("secret: add, expire or remove")

    def do_certificate(self, what, path=None, client=None):
        """path  of a certificate in PEM"""
        app = self._app(client)
        if what == "add":
            self.service.directory.add_certificate(app.client_id,
                                                   read_file(path))
        elif what == "remove":
            app.certificates = []
        else:
            raise Refused("certificate: add or remove")

    def do_federated(self, what, issuer=None, subject=None, path=None,
                     audience="", client=None):
        """path  of the issuer's public key in PEM; default the test's own"""
        app = self._app(client)
        if what == "remove":
            app.federated = []
        elif what == "add":
            public = (serialization.load_pem_public_key(read_file(path))
                      if path else self._federation.key.public_key())
            self.service.directory.add_federated(
                app.client_id, issuer or self._federation.issuer,
                subject or self._federation.subject, audience, public)
        else:
            raise Refused("federated: add or remove")

    def do_federated_token(self, issuer=None, subject=None, audience=None,
                           lifetime=3600):
        """A token as the test's own issuer gives it to a workload."""
        federation = self._federation
        return {"token": login.federated_token(
            federation.key, issuer or federation.issuer,
            subject or federation.subject,
            audience or self.service.cloud.exchange_audience,
            self.service.now(), lifetime)}

    def do_identity(self, what, client=None, resource_id=None, tenant=None):
        """Managed identities: which are assigned."""
        directory = self.service.directory
        if what in ("system", "user"):
            made = directory.add_identity(
                tenant or self.service.vaults[0].tenant, what == "system",
                client, resource_id)
            return {"client_id": made.client_id, "object_id": made.object_id}
        if what != "remove":
            raise Refused("identity: system, user or remove")
        if not directory.remove_identity(client):
            raise Refused(f"no identity {client}")
        return {}

    def do_cli(self, state):
        """Whether somebody has logged in at the command line."""
        if state not in ("login", "logout"):
            raise Refused("cli: login or logout")
        self._logged_in = state == "login"

    def do_cli_token(self, resource, tenant=None):
        """What az account get-access-token prints; see az.py."""
        if not self._logged_in:
            raise Refused("Please run 'az login' to setup account.")
        tenant = tenant or self.service.vaults[0].tenant
        app = self._app(None)
        if tenant not in app.principals:
            raise Refused(f"AADSTS7000229: nobody is known in {tenant}")
        if not self.service.knows_resource(resource):
            raise Refused(f"AADSTS500011: no resource {resource}")
        now = self.service.now()
        token, lifetime_s = self.service.issuer.issue(
            tenant, app.client_id, app.principals[tenant], resource, now,
            APP_LIFETIME_S)
        expires = int(now) + lifetime_s
        return {"accessToken": token, "expiresOn": time.strftime(
            "%Y-%m-%d %H:%M:%S.000000", time.localtime(expires)),
            "expires_on": expires, "subscription": str(uuid.uuid4()),
            "tenant": tenant, "tokenType": "Bearer"}

    def do_arc_realm(self, realm=""):
        """The file that the agent names; the true one for none."""
        self.service.arc.realm = realm
