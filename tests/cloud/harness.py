# SPDX-License-Identifier: Apache-2.0
"""For the tests of the AWS KMS double: speaks to it by hand."""

import atexit
import base64
import http.client
import json
import os
import socket
import ssl
import time
import unittest
import urllib.parse

from aws import sigv4
from awskms import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from frame import testing
from frame.testing import HERE, PYTHON

# One key of each kind, made once: generating RSA keys is what takes long.
KEYS = {
    "alias/sym": "SYMMETRIC_DEFAULT",
    "alias/sym2": "SYMMETRIC_DEFAULT",
    "alias/rsa2048": "RSA_2048",
    "alias/rsa3072": "RSA_3072",
    "alias/rsa4096": "RSA_4096",
    "alias/oaep": "RSA_2048:ENCRYPT_DECRYPT",
    "alias/p256": "ECC_NIST_P256",
    "alias/p384": "ECC_NIST_P384",
    "alias/p521": "ECC_NIST_P521",
    "alias/k256": "ECC_SECG_P256K1",
    "alias/ed25519": "ECC_NIST_EDWARDS25519",
    "alias/hmac256": "HMAC_256",
    "alias/hmac384": "HMAC_384",
    "alias/agree": "ECC_NIST_P256:KEY_AGREEMENT",
}


def b64(data):
    return base64.b64encode(data).decode()


class Double(testing.Double):
    def __init__(self, *options):
        super().__init__("awskms.py", *options)


_shared = None


def shared():
    """The double that most tests share, with all of KEYS."""
    global _shared
    if _shared is None:
        options = [f"--key={alias}={spec}" for alias, spec in KEYS.items()]
        _shared = Double(*options)
        atexit.register(_shared.stop)
    return _shared


class Response(testing.Response):
    @property
    def request_id(self):
        return self.headers.get("x-amzn-RequestId")

    @property
    def code(self):
        return self.json["__type"]


class Client:
    """Signs and sends, and lets a test spoil what it sends.

    Every request has its own connection unless keep is set.
    """

    def __init__(self, double, access_key=ACCESS_KEY, secret_key=SECRET_KEY,
                 token="", keep=False):
        self.url = urllib.parse.urlsplit(double.endpoint)
        self.cafile = os.path.join(double.dir, "ca.pem")
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.region = REGION
        self.service = "kms"
        self.connection = self._connect() if keep else None

    def _connect(self):
        if self.url.scheme == "https":
            context = ssl.create_default_context(cafile=self.cafile)
            return http.client.HTTPSConnection(self.url.netloc, timeout=20,
                                               context=context)
        return http.client.HTTPConnection(self.url.netloc, timeout=20)

    def base_headers(self, operation, skew_s=0):
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time()
                                                           + skew_s))
        headers = [("Host", self.url.netloc), ("X-Amz-Date", date),
                   ("Content-Type", "application/x-amz-json-1.1"),
                   ("X-Amz-Target", f"TrentService.{operation}")]
        if self.token:
            headers.append(("X-Amz-Security-Token", self.token))
        return headers

    def authorization(self, headers, body, signed=None):
        date = dict(headers)["X-Amz-Date"]
        names = signed or sorted(name.lower() for name, _ in headers)
        canonical = sigv4.canonical_request(headers, names, body)
        text = sigv4.string_to_sign(canonical, date, self.region, self.service)
        key = sigv4.signing_key(self.secret_key, date[:8], self.region,
                                self.service)
        scope = f"{date[:8]}/{self.region}/{self.service}/aws4_request"
        return (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                f"SignedHeaders={';'.join(names)}, "
                f"Signature={sigv4.sign(key, text)}")

    def send(self, headers, body, path="/", method="POST"):
        connection = self.connection or self._connect()
        try:
            connection.putrequest(method, path, skip_host=True,
                                  skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return Response(connection.getresponse())
        finally:
            if connection is not self.connection:
                connection.close()

    def call(self, operation, skew_s=0, **members):
        return self.call_raw(operation, json.dumps(members).encode(), skew_s)

    def call_raw(self, operation, body, skew_s=0):
        headers = self.base_headers(operation, skew_s)
        headers.append(("Authorization", self.authorization(headers, body)))
        return self.send(headers, body)

    def socket(self):
        """A bare connection, for a test that watches the bytes."""
        return socket.create_connection((self.url.hostname, self.url.port),
                                        timeout=20)


class TestCase(unittest.TestCase):
    """A test on the shared double; leaves it as it found it."""

    def setUp(self):
        self.double = shared()
        self.client = Client(self.double)
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")
        self.addCleanup(self.check_no_bug)

    def check_no_bug(self):
        """InternalFailure is what a bug of the double looks like."""
        self.assertNotIn("InternalFailure", self.double.do("stats")["codes"])

    def ok(self, operation, **members):
        response = self.client.call(operation, **members)
        self.assertEqual(response.status, 200, response.body)
        self.assertTrue(response.request_id)
        return response.json if response.body else None

    def fails(self, code, operation, **members):
        """The call fails with this code; returns its text, None if none."""
        response = self.client.call(operation, **members)
        self.assertEqual(response.code, code, response.body)
        self.assertEqual(response.status, 400)
        self.assertTrue(response.request_id)
        body = response.json
        return body.get("message", body.get("Message"))

    def arn(self, alias):
        return self.double.do("describe", key=alias)["Arn"]

    def key_id(self, alias):
        return self.double.do("describe", key=alias)["KeyId"]

    def new_key(self, spec="SYMMETRIC_DEFAULT", **members):
        """A key of this test only; returns its ARN."""
        return self.double.do("create", spec=spec, **members)["arn"]


__all__ = ["ACCESS_KEY", "ACCOUNT", "Client", "Double", "HERE", "KEYS",
           "PYTHON", "REGION", "SECRET_KEY", "TestCase", "b64", "shared"]
