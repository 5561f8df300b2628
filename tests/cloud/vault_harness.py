# SPDX-License-Identifier: Apache-2.0
"""For the tests of the Vault double: speaks to it by hand."""

import atexit
import base64
import json
import unittest

from frame import testing
from hashivault import ROOT_TOKEN

# One key of each kind, made once: generating RSA keys is what takes long.
KEYS = {"acme": "aes256-gcm96", "aes128": "aes128-gcm96",
        "chacha": "chacha20-poly1305", "derived": "aes256-gcm96:derived",
        "convergent": "aes256-gcm96:convergent", "rsa2048": "rsa-2048",
        "rsa3072": "rsa-3072", "rsa4096": "rsa-4096", "p256": "ecdsa-p256",
        "p384": "ecdsa-p384", "p521": "ecdsa-p521", "ed25519": "ed25519",
        "ed25519d": "ed25519:derived", "hmac": "hmac"}


def b64(data):
    return base64.b64encode(data).decode()


class Double(testing.Double):
    def __init__(self, *options):
        super().__init__("hashivault.py", *options)


_shared = None


def shared():
    """The double that most tests share, with all of KEYS."""
    global _shared
    if _shared is None:
        _shared = Double(*[f"--key={name}={kind}"
                           for name, kind in KEYS.items()],
                         "--namespace=team", "--namespace=team/a",
                         "--mount=transit", "--mount=secure/transit")
        atexit.register(_shared.stop)
    return _shared


class Client:
    """Sends what a test says; every request has its own connection."""

    def __init__(self, double, token=ROOT_TOKEN, namespace=None,
                 endpoint=None, certificate=None):
        self.double = double
        self.token = token
        self.namespace = namespace
        self.endpoint = endpoint
        self.certificate = certificate

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value
                   for name, value in headers.items()}
        if self.token:
            headers["X-Vault-Token"] = self.token
        if self.namespace is not None:
            headers["X-Vault-Namespace"] = self.namespace
        if isinstance(body, dict):
            body = json.dumps(body)
        return self.double.send(method, "/v1/" + path, body, headers,
                                self.endpoint, self.certificate)


class TestCase(unittest.TestCase):
    """A test on the shared double; leaves it as it found it."""

    def setUp(self):
        self.double = shared()
        self.root = Client(self.double)
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")
        self.addCleanup(self.check_no_bug)

    def check_no_bug(self):
        """A trace is what a bug of the double leaves."""
        for line in self.double.log_lines():
            self.assertNotIn("trace", line)

    def client(self, policies="kms", **options):
        """Somebody with a token of these policies."""
        token = self.double.do("token", policies=policies)["token"]
        return Client(self.double, token, **options)

    def ok(self, method, path, body=None, client=None, **headers):
        """The data of the answer, or what is in its place."""
        reply = (client or self.root).send(method, path, body, **headers)
        self.assertIn(reply.status, (200, 204), reply.body)
        if reply.status == 204:
            self.assertEqual(reply.body, b"")
            return None
        document = reply.json
        self.assertTrue(document["request_id"])
        return document["auth"] or document["data"]

    def write(self, path, client=None, **body):
        return self.ok("POST", path, body, client)

    def refused(self, status, method, path, body=None, client=None,
                **headers):
        """Refused with this status; returns the texts in one."""
        reply = (client or self.root).send(method, path, body, **headers)
        self.assertEqual(reply.status, status, reply.body)
        return "|".join(reply.json["errors"])

    def not_written(self, status, path, client=None, **body):
        return self.refused(status, "POST", path, body, client)

    _names = 0

    def new_key(self, kind="aes256-gcm96", **settings):
        """A key of this test only; returns its name."""
        TestCase._names += 1
        name = f"{self._testMethodName}-{TestCase._names}"
        self.double.do("create", key=name, type=kind, **settings)
        return name


__all__ = ["Client", "Double", "KEYS", "ROOT_TOKEN", "TestCase", "b64",
           "shared"]
