# SPDX-License-Identifier: Apache-2.0
"""For the tests of the Azure double: starts it, and speaks to it by hand."""

import atexit
import json
import os
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from azurekms import CLIENT_ID, CLIENT_SECRET, TENANT      # noqa: E402
from frame import jose                                      # noqa: E402
from frame.testing import Double                            # noqa: E402

AUDIENCE = "https://vault.azure.net"
HSM_AUDIENCE = "https://managedhsm.azure.net"
API = "7.4"

# One key of each kind, made once: generating RSA keys is what takes long.
KEYS = {"rsa": "RSA", "rsa3072": "RSA-HSM:3072", "rsa4096": "RSA:4096",
        "p256": "EC", "p384": "EC-HSM:P-384", "p521": "EC:P-521",
        "k256": "EC:P-256K", "acmehsm/rsa": "RSA-HSM",
        "acmehsm/p256": "EC-HSM", "acmehsm/aes128": "oct-HSM:128",
        "acmehsm/aes192": "oct-HSM:192", "acmehsm/aes256": "oct-HSM:256"}

_shared = None


def shared():
    """The double that most tests share, with all of KEYS."""
    global _shared
    if _shared is None:
        _shared = Double("azurekms.py", *(f"--key={name}={spec}" for
                                          name, spec in KEYS.items()))
        atexit.register(_shared.stop)
    return _shared


def u64(data):
    return jose.encode(data)


class TestCase(unittest.TestCase):
    """A test on the shared double; leaves it as it found it."""

    def setUp(self):
        self.double = shared()
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")
        self.addCleanup(self.check_no_bug)

    def check_no_bug(self):
        """InternalFailure is what a bug of the double looks like."""
        self.assertNotIn("InternalFailure", self.double.do("stats")["codes"])

    def endpoint(self, name):
        return self.double.read("endpoint" if name == "vault"
                                else f"endpoint.{name}")

    # Tokens

    def post_form(self, form, tenant=TENANT, listener="login"):
        return self.double.send(
            "POST", f"/{tenant}/oauth2/v2.0/token",
            form if isinstance(form, str) else urllib.parse.urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
            endpoint=self.endpoint(listener))

    def form(self, **members):
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                "scope": AUDIENCE + "/.default",
                "grant_type": "client_credentials", **members}
        return {name: value for name, value in form.items()
                if value is not None}

    def token(self, audience=AUDIENCE, tenant=TENANT, **members):
        response = self.post_form(self.form(scope=audience + "/.default",
                                            **members), tenant)
        self.assertEqual(response.status, 200, response.body)
        return response.json["access_token"]

    def refused(self, number, tenant=TENANT, **members):
        """The token endpoint refuses a form; returns the reply."""
        response = self.post_form(self.form(**members), tenant)
        self.assertEqual(response.json.get("error_codes"), [number],
                         response.body)
        self.assertIn(f"AADSTS{number}: ",
                      response.json["error_description"])
        return response

    # The vaults

    def request(self, method, path, body=None, kind="vault", token=None,
                api=API, headers=()):
        """token  None for a good one, "" for no header at all"""
        sent = dict(headers)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if token is None:
            token = self.token(AUDIENCE if kind == "vault" else HSM_AUDIENCE)
        if token:
            sent.setdefault("Authorization", f"Bearer {token}")
        join = "&" if "?" in path else "?"
        target = path + (f"{join}api-version={api}" if api else "")
        if isinstance(body, dict):
            body = json.dumps({name: u64(value) if isinstance(value, bytes)
                               else value for name, value in body.items()})
        return self.double.send(method, target, body, sent,
                                endpoint=self.endpoint(kind))

    def ok(self, method, path, body=None, **options):
        response = self.request(method, path, body, **options)
        self.assertEqual(response.status, 200, response.body)
        self.assertTrue(response.headers["x-ms-request-id"])
        return response.json

    def fails(self, status, code, method, path, body=None, inner=None,
              **options):
        """The request is refused like this; returns the message."""
        response = self.request(method, path, body, **options)
        self.assertEqual(response.status, status, response.body)
        error = response.json["error"]
        self.assertEqual(error["code"], code)
        self.assertEqual(error.get("innererror", {}).get("code"), inner)
        self.assertTrue(response.headers["x-ms-request-id"])
        return error["message"]

    def version(self, key):
        return self.double.do("kid", key=key)["kid"].rpartition("/")[2]

    def op(self, key, name, version=None, **members):
        """The path and the body of an operation, for ok() and fails()."""
        version = self.version(key) if version is None else version
        key = key.rpartition("/")[2]
        return "POST", f"/keys/{key}/{version}/{name}", members

    def new_key(self, spec="EC", **members):
        """A key of this test only; its name."""
        TestCase.serial += 1
        name = f"own{TestCase.serial}"
        self.double.do("create", key=name, spec=spec, **members)
        return name

    serial = 0


__all__ = ["API", "AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "Double", "HERE",
           "HSM_AUDIENCE", "KEYS", "TENANT", "TestCase", "jose", "shared",
           "u64"]
