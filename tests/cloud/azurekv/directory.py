# SPDX-License-Identifier: Apache-2.0
"""Who there is: tenants, applications and their credentials, identities."""

import hashlib
import threading
import time
import uuid
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from frame import jose

YEAR_S = 365 * 24 * 3600


@dataclass
class Secret:
    value: str
    expires: float


@dataclass
class Certificate:
    """What an application signs its assertions with."""
    public: object
    x5t: str
    x5t_s256: str
    not_before: float
    not_after: float

    @classmethod
    def load(cls, pem):
        loaded = x509.load_pem_x509_certificate(pem)
        der = loaded.public_bytes(serialization.Encoding.DER)
        return cls(loaded.public_key(),
                   jose.encode(hashlib.sha1(der).digest()),
                   jose.encode(hashlib.sha256(der).digest()),
                   _epoch(loaded.not_valid_before),
                   _epoch(loaded.not_valid_after))


def _epoch(moment):
    """The library gives times in UTC that do not say so."""
    return (moment - moment.__class__(1970, 1, 1)).total_seconds()


@dataclass(frozen=True)
class Federated:
    """Whose tokens an application may present as its own."""
    issuer: str
    subject: str
    audience: str
    public: object = field(compare=False)


@dataclass
class Application:
    client_id: str
    secrets: list = field(default_factory=list)
    certificates: list = field(default_factory=list)
    federated: list = field(default_factory=list)
    disabled: bool = False
    principals: dict = field(default_factory=dict)  # tenant -> object id


@dataclass
class ManagedIdentity:
    """system  the one that is used when a request names none"""
    client_id: str
    object_id: str
    resource_id: str
    tenant: str
    system: bool


class Directory:
    """Thread-safe; what it gives out changes only under its lock."""

    def __init__(self):
        self.lock = threading.RLock()
        self.tenants = []
        self.applications = {}
        self.identities = []
        self.revoked = {}       # object id -> serial of the last one

    def add_tenant(self, tenant):
        with self.lock:
            if tenant not in self.tenants:
                self.tenants.append(tenant)

    def has_tenant(self, tenant):
        with self.lock:
            return tenant in self.tenants

    def add_application(self, client_id, tenant):
        """An application with a service principal in its tenant."""
        with self.lock:
            app = self.applications.setdefault(client_id,
                                               Application(client_id))
            self.consent(client_id, tenant)
            return app

    def find_application(self, client_id):
        with self.lock:
            return self.applications.get(client_id)

    def remove_application(self, client_id):
        with self.lock:
            return self.applications.pop(client_id, None) is not None

    def consent(self, client_id, tenant):
        """Makes the service principal of an application in a tenant."""
        with self.lock:
            self.add_tenant(tenant)
            principals = self.applications[client_id].principals
            return principals.setdefault(tenant, str(uuid.uuid4()))

    def add_secret(self, client_id, value, valid_s=YEAR_S):
        with self.lock:
            app = self.applications[client_id]
            app.secrets.append(Secret(value, time.time() + valid_s))

    def add_certificate(self, client_id, pem):
        with self.lock:
            self.applications[client_id].certificates.append(
                Certificate.load(pem))

    def add_federated(self, client_id, issuer, subject, audience, public):
        with self.lock:
            self.applications[client_id].federated.append(
                Federated(issuer, subject, audience, public))

    def add_identity(self, tenant, system, client_id=None, resource_id=None):
        identity = ManagedIdentity(
            client_id or str(uuid.uuid4()), str(uuid.uuid4()),
            resource_id or "", tenant, system)
        with self.lock:
            self.add_tenant(tenant)
            self.identities.append(identity)
        return identity

    def remove_identity(self, client_id):
        with self.lock:
            left = [each for each in self.identities
                    if each.client_id != client_id]
            found = len(left) < len(self.identities)
            self.identities = left
            return found

    def select_identity(self, names):
        """The identity that a request names, None if it is not assigned.

        names  at most one pair of member and value
        """
        with self.lock:
            if not names:
                system = [each for each in self.identities if each.system]
                # One that the user assigned serves when it is the only one.
                found = system or self.identities
                return found[0] if len(found) == 1 else None
            (member, value), = names.items()
            for each in self.identities:
                if getattr(each, member).lower() == value.lower():
                    return each
            return None

    def object_ids(self, client_id):
        """The object ids of an application or a managed identity."""
        with self.lock:
            ids = [each.object_id for each in self.identities
                   if each.client_id == client_id]
            app = self.applications.get(client_id)
            return ids + list(app.principals.values() if app else ())

    def revoke_tokens(self, client_id, serial):
        """Tokens up to this serial number are no good any more."""
        with self.lock:
            for object_id in self.object_ids(client_id):
                self.revoked[object_id] = serial

    def revoked_at(self, object_id):
        with self.lock:
            return self.revoked.get(object_id, 0)
