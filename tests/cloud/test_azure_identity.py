# SPDX-License-Identifier: Apache-2.0
"""Tokens of managed identities: IMDS, App Service, Azure Arc."""

import json
import os
import subprocess
import time
import unittest
import urllib.parse

from azure_harness import AUDIENCE, TENANT, TestCase, jose
from azurekms import IDENTITY_ID

IMDS_PATH = "/metadata/identity/oauth2/token"


class IdentityCase(TestCase):
    listener = path = api = ""

    def ask(self, headers, resource=AUDIENCE, api=None, method="GET",
            **query):
        pairs = {"api-version": self.api if api is None else api,
                 "resource": resource, **query}
        query = urllib.parse.urlencode({name: value for name, value
                                        in pairs.items() if value})
        return self.double.send(method, f"{self.path}?{query}",
                                headers=headers,
                                endpoint=self.endpoint(self.listener))

    def bad(self, text, headers, status=400, **query):
        response = self.ask(headers, **query)
        self.assertEqual(response.status, status, response.body)
        self.assertIn(text, response.json["error_description"])
        return response

    def good(self, headers, **query):
        response = self.ask(headers, **query)
        self.assertEqual(response.status, 200, response.body)
        claims = jose.parse(response.json["access_token"]).claims
        self.assertEqual(claims["aud"], AUDIENCE)
        return response.json


class Imds(IdentityCase):
    listener, path, api = "imds", IMDS_PATH, "2018-02-01"
    HEADERS = {"Metadata": "true"}

    def test_token(self):
        answer = self.good(self.HEADERS)
        self.assertEqual(answer["client_id"], IDENTITY_ID)
        for name in ("expires_in", "expires_on", "ext_expires_in",
                     "not_before"):
            self.assertIsInstance(answer[name], str)
        self.assertEqual(int(answer["expires_on"])
                         - int(answer["not_before"]), 86399)
        self.ok("GET", "/keys/rsa", token=answer["access_token"])

    def test_headers(self):
        self.bad("metadata header", {})
        self.bad("metadata header", {"Metadata": "false"})
        self.bad("X-Forwarded-For", {**self.HEADERS,
                                     "X-Forwarded-For": "10.0.0.1"})

    def test_query(self):
        self.bad("api-version", self.HEADERS, api="2010-01-01")
        self.bad("audience", self.HEADERS, resource="")
        response = self.ask(self.HEADERS, resource="https://x.example")
        self.assertEqual((response.status, response.json["error"]),
                         (400, "invalid_resource"))
        self.bad("Only one", self.HEADERS, client_id="a", object_id="b")
        self.assertEqual(self.ask(self.HEADERS, method="POST").status, 405)

    def test_a_slash_too_much(self):
        response = self.ask(self.HEADERS, resource=AUDIENCE + "/")
        token = response.json["access_token"]
        self.assertEqual(self.request("GET", "/keys/rsa",
                                      token=token).status, 401)

    def test_other_path(self):
        response = self.double.send("GET", "/metadata/instance",
                                    headers=self.HEADERS,
                                    endpoint=self.endpoint("imds"))
        self.assertEqual(response.status, 404)

    def test_named_identities(self):
        resource = "/subscriptions/s/userAssignedIdentities/u"
        made = self.double.do("identity", what="user",
                              resource_id=resource)
        self.addCleanup(self.double.do, "identity", what="remove",
                        client=made["client_id"])
        for query in ({"client_id": made["client_id"]},
                      {"object_id": made["object_id"]},
                      {"msi_res_id": resource}):
            self.assertEqual(self.good(self.HEADERS, **query)["client_id"],
                             made["client_id"])
        self.assertEqual(self.good(self.HEADERS)["client_id"], IDENTITY_ID)
        self.bad("Identity not found", self.HEADERS, client_id="nobody")

    def test_no_identity(self):
        self.addCleanup(self.restore)
        self.double.do("identity", what="remove", client=IDENTITY_ID)
        self.bad("Identity not found", self.HEADERS)

    def restore(self):
        self.double.do("identity", what="system", client=IDENTITY_ID)

    def test_not_ready(self):
        self.double.order("fail", "410", count=1, operations=["imds"])
        self.assertEqual(self.ask(self.HEADERS).status, 410)
        self.double.order("throttle", count=1, operations=["imds"])
        self.assertEqual(self.ask(self.HEADERS).status, 429)
        self.good(self.HEADERS)


class AppService(IdentityCase):
    listener, path, api = "appservice", "/msi/token", "2019-08-01"

    def setUp(self):
        super().setUp()
        for line in self.double.read("env.appservice").splitlines():
            if "IDENTITY_HEADER=" in line:
                self.secret = line.split("'")[1]
            if "IDENTITY_ENDPOINT=" in line:
                self.assertEqual(line.split("'")[1],
                                 self.endpoint("appservice") + self.path)

    def test_token(self):
        answer = self.good({"X-IDENTITY-HEADER": self.secret})
        self.assertNotIn("expires_in", answer)
        self.assertIsInstance(answer["expires_on"], str)
        self.good({"Secret": self.secret}, api="2017-09-01",
                  clientid=IDENTITY_ID)

    def test_header(self):
        for headers in ({}, {"X-IDENTITY-HEADER": "x"}, {"Metadata": "true"},
                        {"Secret": self.secret}):
            self.bad("identity header", headers, 401)
        self.bad("identity header", {"X-IDENTITY-HEADER": self.secret}, 401,
                 api="2017-09-01")


class Arc(IdentityCase):
    listener, path, api = "arc", IMDS_PATH, "2020-06-01"
    HEADERS = {"Metadata": "true"}

    def secret(self):
        response = self.bad("", self.HEADERS, 401)
        scheme, _, path = response.headers["WWW-Authenticate"].partition(
            " realm=")
        self.assertEqual(scheme, "Basic")
        self.assertTrue(path.endswith(".key"))
        self.assertEqual(os.path.dirname(path), self.double.path("tokens"))
        self.assertLess(os.path.getsize(path), 4096)
        with open(path, encoding="ascii") as file:
            return path, file.read()

    def by(self, secret, scheme="Basic"):
        return {**self.HEADERS, "Authorization": f"{scheme} {secret}"}

    def test_token(self):
        path, secret = self.secret()
        self.good(self.by(secret))
        self.assertFalse(os.path.exists(path))
        self.bad("not the one", self.by(secret), 401)

    def test_wrong_secret(self):
        _, secret = self.secret()
        self.bad("not the one", self.by("x"), 401)
        self.bad("not the one", self.by(secret, "Bearer"), 401)
        self.bad("metadata header", {"Authorization": f"Basic {secret}"})

    def test_realm_by_order(self):
        self.addCleanup(self.double.do, "arc-realm")
        self.double.do("arc-realm", realm="/etc/shadow")
        response = self.bad("", self.HEADERS, 401)
        self.assertEqual(response.headers["WWW-Authenticate"],
                         "Basic realm=/etc/shadow")


class CommandLine(TestCase):
    def az(self, *words):
        return subprocess.run([self.double.path("bin/az"), *words],
                              capture_output=True, text=True, check=False)

    def test_token(self):
        for words in (("--resource", AUDIENCE),
                      ("--scope", AUDIENCE + "/.default"),
                      ("--resource", AUDIENCE, "--tenant", TENANT)):
            answer = self.az("account", "get-access-token", "--output",
                             "json", *words)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            found = json.loads(answer.stdout)
            self.assertEqual(
                time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(
                    found["expires_on"])), found["expiresOn"])
            self.ok("GET", "/keys/rsa", token=found["accessToken"])

    def test_refusals(self):
        good = ("account", "get-access-token", "--resource", AUDIENCE)
        for words in (("login",), good[:2], (*good, "--tenant", "nosuch"),
                      (*good[:3], "https://x.example")):
            answer = self.az(*words)
            self.assertNotEqual(answer.returncode, 0)
            self.assertEqual(answer.stdout, "")
        self.addCleanup(self.double.do, "cli", state="login")
        self.double.do("cli", state="logout")
        answer = self.az(*good)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("az login", answer.stderr)


# Not a test by itself.
del IdentityCase

if __name__ == "__main__":
    unittest.main()
