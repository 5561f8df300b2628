# SPDX-License-Identifier: Apache-2.0
"""All faces of the double behind one another's ports."""

import collections
import threading
import time

from frame import jose
from frame.errors import Refused, ServiceError
from frame.service import Listener, Service

from . import errors, lies
from .directory import Directory
from .login import LoginFace
from .metadata import AppService, Arc, Imds
from .tokens import Issuer
from .vault import VaultFace

MANAGEMENT = "https://management.azure.com"


class Quota:
    """So many requests to the vaults in so many seconds; by order."""

    def __init__(self):
        self._lock = threading.Lock()
        self.set(None)

    def set(self, requests, seconds=10):
        with self._lock:
            self._limit = requests
            self._seconds = seconds
            self._times = collections.deque()

    def exceeded(self):
        """Charges one request, whatever the answer."""
        now = time.monotonic()
        with self._lock:
            if self._limit is None:
                return False
            while self._times and self._times[0] <= now - self._seconds:
                self._times.popleft()
            self._times.append(now)
            return len(self._times) > self._limit


class AzureService(Service):
    listeners = (Listener("vault", tls=True), Listener("hsm", tls=True),
                 Listener("login", tls=True), Listener("foreign", tls=True),
                 Listener("imds", tls=False),
                 Listener("appservice", tls=False),
                 Listener("arc", tls=False))
    content_type = errors.JSON_TYPE
    own_lies = lies.OWN
    credential_headers = ("Authorization", "X-IDENTITY-HEADER", "Metadata")

    def __init__(self, cloud, arc_directory, authority=None, log=None):
        """authority  named in the challenge; default the cloud's own"""
        super().__init__(log)
        self.cloud = cloud
        self.authority = authority or f"https://{cloud.login_host}"
        self.directory = Directory()
        self.issuer = Issuer()
        self.quota = Quota()
        self.vaults = []
        self.other_hosts = set()
        self.app_service = AppService(self)
        self.arc = Arc(self, arc_directory)
        self._faces = {"vault": VaultFace(self, "vault"),
                       "hsm": VaultFace(self, "hsm"),
                       "login": LoginFace(self),
                       "foreign": LoginFace(self, "foreign-"),
                       "imds": Imds(self), "appservice": self.app_service,
                       "arc": self.arc}

    def vaults_of(self, kind):
        return [each for each in self.vaults if each.kind == kind]

    def find_vault(self, name=None):
        """By name; the first for none."""
        for vault in self.vaults:
            if name in (None, vault.name):
                return vault
        raise Refused(f"no vault {name}")

    def find_key(self, ref):
        """The vault and the key for KEY or VAULT/KEY; deleted ones too."""
        name, slash, key_name = ref.rpartition("/")
        vaults = [self.find_vault(name)] if slash else self.vaults
        for vault in vaults:
            for deleted in (False, True):
                for key in vault.keys(deleted):
                    if key.name.lower() == key_name.lower():
                        return vault, key
        raise Refused(f"no key {ref}")

    def key_name(self, ref):
        vault, key = self.find_key(ref)
        return f"{vault.name}/{key.name.lower()}"

    def knows_resource(self, name):
        known = [self.cloud.audience(kind) for kind in ("vault", "hsm")]
        return name.removesuffix("/") in known + [MANAGEMENT]

    # For the frame.

    def prepare(self, call):
        face = self._faces[call.request.listener]
        face.prepare(call)

    def perform(self, call):
        if self._of_a_vault(call) and self.quota.exceeded():
            raise self.throttled(call)
        return self._faces[call.request.listener].perform(call)

    @staticmethod
    def _of_a_vault(call):
        return call.request.listener in ("vault", "hsm")

    def denied(self, call):
        if self._of_a_vault(call):
            return self._faces[call.request.listener].denied(call)
        if call.request.listener in ("login", "foreign"):
            return errors.entra(53003)
        return errors.IdentityError("invalid_request", "Identity not found",
                                    400)

    def throttled(self, call):
        if self._of_a_vault(call):
            return errors.VaultError(429, "Throttled", errors.THROTTLED)
        if call.request.listener in ("login", "foreign"):
            return errors.EntraError(429, "temporarily_unavailable", 90055,
                                     "There are too many requests.")
        return errors.IdentityError("too_many_requests", "Too many requests",
                                    429)

    def failure(self, call, what):
        if self._of_a_vault(call):
            error = errors.vault_failure(what)
            if error.status == 401:
                error.headers.append(("WWW-Authenticate", self._faces[
                    call.request.listener].challenge(call.state["vault"])))
            return error
        if call.request.listener in ("login", "foreign"):
            return errors.entra_failure(what)
        if what.isdecimal():
            return errors.IdentityError("server_error", "Failed as ordered.",
                                        int(what))
        return errors.IdentityError(what, "Failed as ordered.", 400)

    def broken(self, call):
        return ServiceError("InternalFailure", status=500)

    def bad_framing(self, status):
        return errors.VaultError(status, "BadRequest", "Bad framing.")

    def headers(self, call):
        found = [("Cache-Control", "no-cache"), ("Pragma", "no-cache")]
        if self._of_a_vault(call):
            found += self._vault_headers(call)
        found.append(("x-ms-request-id", call.request_id))
        found.append(("X-Content-Type-Options", "nosniff"))
        return found

    @staticmethod
    def _vault_headers(call):
        found = [("x-ms-keyvault-region", "westeurope"),
                 ("Strict-Transport-Security",
                  "max-age=31536000;includeSubDomains")]
        client = call.request.header("x-ms-client-request-id")
        if client:
            found.append(("x-ms-client-request-id", client))
        if call.request.listener == "vault":
            found += [("x-ms-keyvault-service-version", "1.9.2500.1"),
                      ("x-ms-keyvault-network-info", "conn_type=Ipv4;addr="
                       "127.0.0.1;act_addr_fam=InterNetwork;")]
        return found

    def log_members(self, call):
        claims = call.identity or {}
        return {"api_version": call.request.query.get("api-version"),
                "method": call.request.method, "path": call.request.path,
                "client_id": call.state.get("client_id")
                or claims.get("appid"),
                "tenant": call.state.get("tenant") or claims.get("tid"),
                "credential": call.state.get("credential"),
                "alg": call.document.get("alg")
                if isinstance(call.document, dict) else None,
                "client_request_id":
                    call.request.header("x-ms-client-request-id")}

    def encode_bytes(self, value):
        return jose.encode(value)
