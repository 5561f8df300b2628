# SPDX-License-Identifier: Apache-2.0
"""What a test may tell the Google Cloud double, besides the orders of the
frame."""

from frame.control import Control
from frame.errors import Refused

from . import files, impersonate, material, names, specs, sts
from .accounts import CLOUD_KMS, Principal, ServiceAccount
from .iam import Binding, full_role
from .keys import STATES, has_public_key


class GcpControl(Control):
    def __init__(self, service):
        super().__init__(service)
        self._world = service.world
        self._store = service.world.store

    # Keys

    def do_create(self, key, algorithm="GOOGLE_SYMMETRIC_ENCRYPTION",
                  level=None):
        """key  its id in the ring of the double"""
        found = specs.ALGORITHMS.get(algorithm)
        if found is None:
            raise Refused(f"no algorithm {algorithm}. One of: "
                          f"{', '.join(specs.ALGORITHMS)}")
        name = names.parse(str(self._world.ring_name.child(key)), "key")
        made = self._store.create_key(name, found.purpose, algorithm,
                                      level or found.levels[0])
        return {"name": str(made.name)}

    def do_delete(self, key):
        self._store.delete_key(self._key(key).name)

    def do_rotate(self, key):
        made = self._key(key).rotate(self._world.now())
        return {"name": str(made.name)}

    def do_primary(self, key, version):
        """The version which new ciphertexts are of; "none": there is none.
        """
        found = self._key(key)
        if found.purpose != specs.ENCRYPT:
            raise Refused("only ENCRYPT_DECRYPT keys have a primary version")
        with self._store.lock:
            found.primary = (None if version == "none" else
                             self._one_version(f"{key}/{version}"))

    def do_state(self, version, state):
        """Puts a version into any state, also where the service would not.
        A key means all its versions."""
        if state not in STATES:
            raise Refused(f"no state {state}. One of: {', '.join(STATES)}")
        for each in self._versions(version):
            with self._store.lock:
                each.state = state

    def do_enable(self, version):
        self.do_state(version, "ENABLED")

    def do_disable(self, version):
        self.do_state(version, "DISABLED")

    def do_destroy(self, version, seconds=None):
        """Schedules it; with 0 seconds it is done."""
        for each in self._versions(version):
            key = self._store.key(each.name.key_name())
            wait = key.destroy_s if seconds is None else int(seconds)
            with self._store.lock:
                each.state = "DESTROY_SCHEDULED"
                each.destroy_at = self._world.now() + wait
                each.settle(self._world.now())

    def do_reasons(self, key, reasons=None):
        """Key Access Justifications: what is allowed; an empty list denies
        all, None takes the policy away."""
        self._key(key).access_reasons = reasons

    def do_describe(self, key):
        found = self.service.find_name(key)
        get = {"ring": self._store.ring, "key": self._store.key,
               "version": self._store.version}.get(found.kind)
        if get is None:
            raise Refused(f"{found} is no key and no version")
        return get(found).describe()

    def do_public_key(self, version):
        found = self._versions(version)[-1]
        if not has_public_key(found):
            raise Refused(f"{found.name} has no public key")
        return {"pem": material.public_bytes(found.material,
                                             "PEM").decode()}

    def _key(self, text):
        return self._store.key(self.service.find_name(text).key_name())

    def _versions(self, text):
        name = self.service.find_name(text)
        if name.kind == "version":
            return [self._store.version(name)]
        return self._store.versions(name.key_name())

    def _one_version(self, text):
        return self._store.version(self.service.find_name(text))

    # Who may do what

    def do_grant(self, member, role, resource=None):
        """resource  a key, a ring, an account, or nothing for the project"""
        self._world.policy.add(Binding(self._member(member), full_role(role),
                                       self._resource(resource)))

    def do_ungrant(self, member, role=None, resource=None):
        count = self._world.policy.remove(
            self._member(member), full_role(role) if role else None,
            self._resource(resource) if resource else None)
        return {"bindings": count}

    def do_policy(self):
        return {"bindings": self._world.policy.describe()}

    def _member(self, text):
        """NAME@... and the names of those who are there from the start."""
        if ":" in text:
            return text
        if text == "federated":
            return self._provider("oidc").principal("any").also[0]
        if "@" not in text:
            text = ("user@example.com" if text == "user"
                    else self._world.email(text))
        kind = ("serviceAccount" if text.endswith(".gserviceaccount.com")
                else "user")
        return f"{kind}:{text}"

    def _resource(self, text):
        if text is None:
            return f"projects/{self._world.project}"
        if "@" in text:
            return impersonate.resource_of(text)
        if self._world.accounts.account(self._world.email(text)):
            return impersonate.resource_of(self._world.email(text))
        return str(self.service.find_name(text))

    def _provider(self, kind):
        name = self._world.provider_name(kind)
        found = self._world.accounts.provider("//iam.googleapis.com/" + name)
        if found is None:
            raise Refused(f"no provider {kind}")
        return found

    # Accounts

    def do_account(self, what, email):
        """A service account: add, disable, enable, remove; key: a new key
        (answers a credentials file); revoke-keys."""
        email = email if "@" in email else self._world.email(email)
        accounts = self._world.accounts
        account = accounts.account(email)
        if what == "add":
            accounts.add(ServiceAccount(email))
            return {"email": email}
        if account is None:
            raise Refused(f"no service account {email}")
        if what in ("disable", "enable"):
            account.disabled = what == "disable"
        elif what == "remove":
            accounts.remove_account(email)
        elif what == "revoke-keys":
            account.keys = {}
        elif what == "key":
            return files.service_account(self._world, account,
                                         self.service.endpoints)
        else:
            raise Refused("account: add, disable, enable, remove, key or "
                          "revoke-keys")
        return {}

    def do_login(self, what, user="user@example.com"):
        """The login of a user: ok, revoked, or rapt (has to log in anew)."""
        found = self._world.accounts.user(user)
        if found is None or what not in ("ok", "revoked", "rapt"):
            raise Refused("login: ok, revoked or rapt, of a known user")
        found.trouble = "" if what == "ok" else what

    def do_provider(self, what, kind="oidc"):
        """A provider of the workload identity pool: enable, disable."""
        if what not in ("enable", "disable"):
            raise Refused("provider: enable or disable")
        self._provider(kind).disabled = what == "disable"

    def do_machine(self, account, scopes=()):
        """The account of the virtual machine, or none; what it may ask
        for."""
        machine = self._world.metadata
        machine.email = (None if account == "none" else account
                         if "@" in account else self._world.email(account))
        if scopes:
            machine.scopes = tuple(scopes)
        machine.forget()

    def do_aws_machine(self, what):
        """Whether the machine on AWS has a role."""
        if what not in ("role", "none"):
            raise Refused("aws-machine: role or none")
        world = self._world
        world.aws_metadata.access_key = (
            world.aws_access_key if what == "role" else None)

    def do_universe(self, domain):
        self._world.metadata.universe = None if domain == "none" else domain

    # Tokens

    def do_token(self, member, scope=CLOUD_KMS, seconds=None):
        """A token, made without asking anybody."""
        name = self._member(member)
        principal = Principal(name, name, name.startswith("user:"))
        token = self._world.tokens.issue(
            principal, scope.split(","), self._world.now(),
            int(seconds) if seconds is not None else None)
        return {"token": token.text}

    def do_revoke(self, member=None):
        """Access tokens, of a member or all: they end now."""
        count = self._world.tokens.revoke(
            self._member(member) if member else None)
        return {"tokens": count}

    def do_token_lifetime(self, seconds):
        """Of new access tokens; the metadata server forgets its own."""
        if int(seconds) <= 0:
            raise Refused("a lifetime is in seconds, and positive")
        self._world.tokens.lifetime_s = int(seconds)
        self._world.metadata.forget()

    def do_subject_token(self, subject="workload", seconds=3600,
                         audience=None):
        """What the other identity provider would sign."""
        return {"token": sts.subject_token(self._world, subject,
                                           int(seconds), audience)}

    # The API

    def do_api(self, what):
        if what not in ("on", "off"):
            raise Refused("api: on or off")
        self._world.api_enabled = what == "on"

    def do_quota(self, requests):
        """Requests per minute for all together, or none for no limit."""
        limit = None if requests == "none" else int(requests)
        if limit is not None and limit < 0:
            raise Refused("a quota is not negative")
        self._world.quota.set(limit)

    def do_only_location(self, location):
        """As a regional endpoint: serves no other location. "all" ends it.
        """
        self._world.only_location = None if location == "all" else location

