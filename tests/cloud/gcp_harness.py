# SPDX-License-Identifier: Apache-2.0
"""For the tests of the Google Cloud double: speaks to it by hand."""

import atexit
import base64
import json
import time
import unittest
import urllib.parse

from cryptography.hazmat.primitives import serialization

from frame import jose, testing
from gcp.accounts import CLOUD_KMS
from gcp.crc32c import crc32c
from gcpkms import LOCATION, PROJECT, RING

RING_NAME = f"projects/{PROJECT}/locations/{LOCATION}/keyRings/{RING}"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"

# Made once: generating RSA keys is what takes long.
KEYS = {
    "sym": "GOOGLE_SYMMETRIC_ENCRYPTION", "sym2": "",
    "hsm": "GOOGLE_SYMMETRIC_ENCRYPTION:HSM",
    "ekm": "EXTERNAL_SYMMETRIC_ENCRYPTION:EXTERNAL",
    "gcm": "AES_256_GCM", "gcm-hsm": "AES_128_GCM:HSM",
    "cbc": "AES_256_CBC", "ctr": "AES_128_CTR",
    "p256": "EC_SIGN_P256_SHA256", "ed25519": "EC_SIGN_ED25519",
    "pkcs1": "RSA_SIGN_PKCS1_2048_SHA256",
    "raw-pkcs1": "RSA_SIGN_RAW_PKCS1_2048",
    "oaep": "RSA_DECRYPT_OAEP_2048_SHA256",
    "mac": "HMAC_SHA256", "mac-hsm": "HMAC_SHA512:HSM",
}


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def crc(data):
    return str(crc32c(data))


def key_name(key, version=None):
    name = f"{RING_NAME}/cryptoKeys/{key}"
    return name + (f"/cryptoKeyVersions/{version}" if version else "")


class Double(testing.Double):
    def __init__(self, *options):
        super().__init__("gcpkms.py", *options)
        self.oauth = self.read("endpoint.oauth")
        self.machine = self.read("endpoint.metadata")

    def file(self, name):
        return json.loads(self.read(name + ".json"))

    def form(self, path, headers=(), **members):
        """One token request."""
        return self.send("POST", path, urllib.parse.urlencode(members), {
            "Content-Type": "application/x-www-form-urlencoded",
            **dict(headers)}, self.oauth)

    def metadata(self, path, **headers):
        headers.setdefault("Metadata_Flavor", "Google")
        return self.send("GET", path, None, {
            name.replace("_", "-"): value for name, value in headers.items()
            if value is not None}, self.machine)


_shared = None


def shared():
    """The double that most tests share, with all of KEYS."""
    global _shared
    if _shared is None:
        _shared = Double(*(f"--key={name}={kind}"
                           for name, kind in KEYS.items()))
        atexit.register(_shared.stop)
    return _shared


def assertion(account, now=None, lifetime_s=3600, kid=None, private=None,
              **claims):
    """The JWT of a service account's credentials file; a claim that is None
    is left out."""
    now = int(time.time()) if now is None else now
    document = {"iss": account["client_email"], "scope": CLOUD_KMS,
                "aud": TOKEN_AUDIENCE, "iat": now, "exp": now + lifetime_s,
                **claims}
    if private is None:
        private = serialization.load_pem_private_key(
            account["private_key"].encode(), None)
    header = {"alg": "RS256", "typ": "JWT",
              "kid": account["private_key_id"] if kid is None else kid}
    return jose.sign(private, header, {
        name: value for name, value in document.items()
        if value is not None})


class TestCase(unittest.TestCase):
    """A test on the shared double; leaves it as it found it."""

    def setUp(self):
        self.double = self.start()
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")
        self.addCleanup(self.check_no_bug)
        self.token = self.double.do("token", member="tester")["token"]

    def start(self):
        return shared()

    def check_no_bug(self):
        """InternalFailure is what a bug of the double looks like."""
        self.assertNotIn("InternalFailure", self.double.do("stats")["codes"])

    def call(self, method, path, body=None, token=None, **headers):
        """One request to the KMS API. token: "" for none."""
        token = self.token if token is None else token
        fields = {name.replace("_", "-"): value
                  for name, value in headers.items()}
        if token:
            fields.setdefault("Authorization", "Bearer " + token)
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        return self.double.send(method, "/v1/" + path, body, fields)

    def ok(self, method, path, body=None, **options):
        response = self.call(method, path, body, **options)
        self.assertEqual(response.status, 200, response.body)
        return response.json

    def fails(self, status, method, path, body=None, **options):
        """The call fails with this status; returns the error."""
        response = self.call(method, path, body, **options)
        self.assertNotEqual(response.status, 200, response.body)
        error = response.json["error"]
        self.assertEqual(error["status"], status, response.body)
        self.assertEqual(error["code"], response.status)
        return error

    def use(self, key, verb, version=None, **members):
        return self.ok("POST", f"{key_name(key, version)}:{verb}", members)

    def refuse(self, status, key, verb, version=None, **members):
        return self.fails(status, "POST", f"{key_name(key, version)}:{verb}",
                          members)

    def reason(self, error):
        """The reason in an error's details."""
        for each in error.get("details", []):
            if each["@type"].endswith("google.rpc.ErrorInfo"):
                return each["reason"]
            if each["@type"].endswith("google.rpc.PreconditionFailure"):
                return each["violations"][0]["type"]
        return None

    def new_key(self, algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", level=None):
        """A key of this test only; returns its id."""
        name = "k" + str(time.time_ns())
        self.double.do("create", key=name, algorithm=algorithm, level=level)
        return name
