# SPDX-License-Identifier: Apache-2.0
"""Who there is: service accounts and their keys, users, clients, pools."""

import secrets
import threading
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
CLOUD_KMS = "https://www.googleapis.com/auth/cloudkms"
IAM = "https://www.googleapis.com/auth/iam"


def find(table, name):
    """What clients send may be no text at all."""
    return table.get(name) if isinstance(name, str) else None


@dataclass(frozen=True)
class Principal:
    """Whoever a token is for."""
    member: str                 # as policies name it
    subject: str                # as the log names it
    needs_quota_project: bool = False
    also: tuple = ()            # further names, such as a whole pool

    @property
    def members(self):
        return (self.member, "allAuthenticatedUsers") + self.also


@dataclass
class ServiceAccount:
    email: str
    disabled: bool = False
    keys: dict = field(default_factory=dict)    # key id -> private key
    unique_id: str = field(default_factory=lambda: "1" + "".join(
        secrets.choice("0123456789") for _ in range(20)))

    @property
    def principal(self):
        return Principal(f"serviceAccount:{self.email}", self.email)

    def add_key(self):
        """Returns its id and the private key as a credentials file has it."""
        private = rsa.generate_private_key(65537, 2048)
        ident = secrets.token_hex(20)
        self.keys[ident] = private
        return ident, private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()

    def find_key(self, ident):
        """The public key; None if there is none of that id."""
        private = find(self.keys, ident)
        return private.public_key() if private else None


@dataclass
class User:
    """Somebody who once logged in with gcloud."""
    email: str
    refresh_token: str = field(
        default_factory=lambda: "1//" + secrets.token_urlsafe(60))
    trouble: str = ""           # "", "revoked", "rapt"

    @property
    def principal(self):
        return Principal(f"user:{self.email}", self.email, True)


@dataclass
class Client:
    """An OAuth client: what a user logged in with."""
    ident: str
    secret: str


@dataclass
class AwsKey:
    """An access key that AWS knows."""
    access_key: str
    secret_key: str
    token: str
    arn: str


@dataclass
class Provider:
    """A provider of a workload identity pool."""
    name: str               # projects/N/locations/global/.../providers/P
    kind: str               # oidc, aws
    issuer: str = ""        # oidc: what signs, as `iss` has it
    keys: dict = field(default_factory=dict)    # oidc: key id -> private
    account: str = ""       # aws: the only account that may come in
    disabled: bool = False

    @property
    def audience(self):
        return "//iam.googleapis.com/" + self.name

    @property
    def pool(self):
        return self.name.partition("/providers/")[0]

    def principal(self, subject):
        base = f"//iam.googleapis.com/{self.pool}/"
        member = f"principal:{base}subject/{subject}"
        return Principal(member, member, False, (f"principalSet:{base}*",))


class Accounts:
    """Thread-safe as a whole; each object changes by one assignment."""

    def __init__(self):
        self._lock = threading.Lock()
        self._accounts = {}
        self._users = {}
        self._clients = {}
        self._providers = {}
        self._aws_keys = {}

    def add(self, thing):
        table, name = self._place(thing)
        with self._lock:
            table[name] = thing
        return thing

    def _place(self, thing):
        return {ServiceAccount: lambda: (self._accounts, thing.email),
                User: lambda: (self._users, thing.email),
                Client: lambda: (self._clients, thing.ident),
                Provider: lambda: (self._providers, thing.audience),
                AwsKey: lambda: (self._aws_keys, thing.access_key),
                }[type(thing)]()

    def account(self, email):
        with self._lock:
            return find(self._accounts, email)

    def accounts(self):
        with self._lock:
            return sorted(self._accounts.values(),
                          key=lambda each: each.email)

    def user(self, email):
        with self._lock:
            return self._users.get(email)

    def user_by_token(self, refresh_token):
        with self._lock:
            for user in self._users.values():
                if secrets.compare_digest(user.refresh_token.encode(),
                                          refresh_token.encode()):
                    return user
        return None

    def client(self, ident):
        with self._lock:
            return self._clients.get(ident)

    def provider(self, audience):
        with self._lock:
            return self._providers.get(audience)

    def providers(self):
        with self._lock:
            return list(self._providers.values())

    def aws_key(self, access_key):
        with self._lock:
            return self._aws_keys.get(access_key)

    def remove_account(self, email):
        with self._lock:
            return self._accounts.pop(email, None) is not None
