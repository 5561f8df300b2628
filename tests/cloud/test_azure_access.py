# SPDX-License-Identifier: Apache-2.0
"""Permissions, firewalls, quotas, orders and lies."""

import concurrent.futures
import json
import time
import unittest

from azure_harness import CLIENT_ID, Double, TestCase, jose

SIGN = {"alg": "ES256", "value": bytes(32)}
WRAP = {"alg": "RSA-OAEP-256", "value": b"dek"}


class Permissions(TestCase):
    """On a double of its own: each test takes permissions away."""

    @classmethod
    def setUpClass(cls):
        cls.own = Double("azurekms.py", "--key=rsa=RSA", "--key=p256=EC",
                         "--key=acmehsm/aes=oct-HSM",
                         "--key=second/rsa=RSA", "--vault=acme",
                         "--vault=second", "--grant=none")
        cls.addClassCleanup(cls.own.stop)

    def setUp(self):
        super().setUp()
        self.double = self.own
        self.double.do("reset")
        for vault in ("acme", "acmehsm", "second"):
            self.double.do("grant", permissions="none", vault=vault)
        self.double.do("mode", mode="policy")

    def wrap(self, **members):
        return self.op("rsa", "wrapkey", **{**WRAP, **members})

    def test_nothing_by_default(self):
        for request in (("GET", "/keys/rsa"), ("GET", "/keys"),
                        self.wrap(), self.op("p256", "sign", **SIGN),
                        ("GET", "/keys/nosuch")):
            self.fails(403, "Forbidden", *request, inner="ForbiddenByPolicy")

    def test_policy(self):
        self.double.do("grant", permissions="wrapKey,get")
        self.ok(*self.wrap())
        self.ok("GET", "/keys/rsa")
        for request in (self.op("rsa", "unwrapkey", **WRAP),
                        self.op("rsa", "encrypt", **WRAP),
                        ("GET", "/keys"), ("GET", "/keys/rsa/versions"),
                        ("POST", "/keys/x/create", {"kty": "EC"})):
            text = self.fails(403, "Forbidden", *request,
                              inner="ForbiddenByPolicy")
            self.assertIn(f"appid={CLIENT_ID};oid=", text)
            self.assertIn("on key vault 'acme;location=", text)

    def test_every_operation_needs_its_permission(self):
        for permission, request in (
                ("get", ("GET", "/keys/rsa")), ("list", ("GET", "/keys")),
                ("sign", self.op("p256", "sign", **SIGN)),
                ("verify", self.op("p256", "verify", alg="ES256",
                                   digest=bytes(32), value=bytes(64))),
                ("encrypt", self.op("rsa", "encrypt", **WRAP)),
                ("rotate", ("POST", "/keys/p256/rotate", {})),
                ("update", ("PATCH", "/keys/p256", {}))):
            others = ",".join({"get", "list", "sign", "verify", "encrypt",
                               "rotate", "update"} - {permission})
            self.double.do("grant", permissions=others)
            self.fails(403, "Forbidden", *request, inner="ForbiddenByPolicy")
            self.double.do("grant", permissions=permission)
            self.ok(*request)

    def test_each_application_has_its_own(self):
        self.double.do("app", what="add", client="other")
        self.double.do("secret", what="add", value="s", client="other")
        token = self.token(client_id="other", client_secret="s")
        self.double.do("grant", permissions="get", client="other")
        self.ok("GET", "/keys/rsa", token=token)
        self.fails(403, "Forbidden", "GET", "/keys/rsa",
                   inner="ForbiddenByPolicy")

    def test_each_vault_has_its_own(self):
        self.double.do("grant", permissions="get", vault="second")
        self.ok("GET", "/keys/rsa",
                headers={"Host": "second.vault.azure.net"})
        self.fails(403, "Forbidden", "GET", "/keys/rsa",
                   inner="ForbiddenByPolicy")

    def test_roles_on_a_key(self):
        answer = self.double.ctl("grant", "reader", "--key", "rsa")
        self.assertEqual(answer.returncode, 1)
        self.double.do("mode", mode="rbac")
        self.double.do("grant", key="rsa",
                       permissions="crypto-service-encryption-user")
        self.ok(*self.wrap())
        self.ok("GET", "/keys/rsa")
        for request in (self.op("rsa", "decrypt", **WRAP),
                        self.op("p256", "sign", **SIGN), ("GET", "/keys")):
            text = self.fails(403, "Forbidden", *request,
                              inner="ForbiddenByRbac")
            self.assertIn("Assignment: (not found)", text)

    def test_managed_hsm(self):
        wrap = self.op("acmehsm/aes", "wrapkey", alg="A256KW",
                       value=bytes(32))
        text = self.fails(403, "AccessDenied", *wrap, kind="hsm")
        self.assertIn("Not authorized to access Microsoft.KeyVault/managedHsm"
                      "/keys/wrap/action on /keys/aes", text)
        self.double.do("grant", key="acmehsm/aes", permissions="wrapKey")
        self.ok(*wrap, kind="hsm")

    def test_denied_comes_before_the_state_of_the_key(self):
        self.addCleanup(self.double.do, "enable", key="rsa")
        self.double.do("disable", key="rsa")
        self.fails(403, "Forbidden", *self.wrap(), inner="ForbiddenByPolicy")

    def test_firewall(self):
        self.double.do("grant", permissions="all")
        self.addCleanup(self.double.do, "firewall", what="off")
        for what, inner in (("address", "ForbiddenByFirewall"),
                            ("connection", "ForbiddenByConnection")):
            self.double.do("firewall", what=what)
            self.fails(403, "Forbidden", *self.wrap(), inner=inner)

    def test_deny_by_order(self):
        self.double.do("grant", permissions="all")
        self.double.order("deny", operations=["wrapKey"])
        self.fails(403, "Forbidden", *self.wrap(), inner="ForbiddenByPolicy")
        self.ok("GET", "/keys/rsa")
        self.double.do("clear", kind="deny")
        self.ok(*self.wrap())

    def test_nonsense(self):
        for arguments in (("grant", "fly"), ("mode", "none"),
                          ("firewall", "maybe"), ("quirk", "odd"),
                          ("grant", "get", "--vault", "nosuch")):
            answer = self.double.ctl(*arguments)
            self.assertEqual(answer.returncode, 1, arguments)
            self.assertTrue(answer.stderr.startswith("ctl.py: "))


class Orders(TestCase):
    def test_throttle(self):
        token = self.token()
        self.double.order("throttle", "3", count=1)
        response = self.request("GET", "/keys/rsa", token=token)
        self.assertEqual((response.status, response.headers["Retry-After"]),
                         (429, "3"))
        self.assertEqual(response.json["error"]["code"], "Throttled")
        self.double.order("throttle", count=1)
        response = self.request("GET", "/keys/rsa", token=token)
        self.assertEqual((response.status, response.headers["Retry-After"]),
                         (429, None))
        self.ok("GET", "/keys/rsa", token=token)

    def test_quota(self):
        token = self.token()
        self.addCleanup(self.double.do, "quota", requests="off")
        self.double.do("quota", requests=3, seconds=60)
        found = [self.request("GET", "/keys/rsa", token=token).status
                 for _ in range(5)]
        self.assertEqual(found, [200] * 3 + [429] * 2)
        self.double.do("quota", requests=1, seconds=0.2)
        for _ in range(2):
            self.ok("GET", "/keys/rsa", token=token)
            time.sleep(0.3)

    def test_failures(self):
        token = self.token()
        for what, status, code, inner in (
                ("500", 500, "InternalServerError", None),
                ("504", 504, "GatewayTimeout", None),
                ("408", 408, "RequestTimeout", None),
                ("418", 418, "Error", None),
                ("KeyDisabled", 403, "Forbidden", "KeyDisabled"),
                ("ObjectIsBeingDeleted", 409, "Conflict",
                 "ObjectIsBeingDeleted"),
                ("SomethingNew", 403, "Forbidden", "SomethingNew")):
            self.double.order("fail", what, count=1, key="rsa")
            self.fails(status, code, "GET", "/keys/rsa", inner=inner,
                       token=token)
        self.double.order("fail", "503", count=1)
        response = self.request("GET", "/keys/rsa", token=token)
        self.assertEqual((response.status, response.headers["Content-Type"]),
                         (503, "text/html"))

    def test_refused_token_by_order(self):
        self.double.order("fail", "401", count=1, operations=["get"])
        response = self.request("GET", "/keys/rsa")
        self.assertEqual(response.status, 401)
        self.assertIn("Bearer authorization=",
                      response.headers["WWW-Authenticate"])

    def test_many_at_a_time(self):
        """Everybody gets the reply to their own request."""
        token, version = self.token(), self.version("rsa")

        def wrap(number):
            value = number.to_bytes(32, "big")
            sealed = self.ok(*self.op("rsa", "wrapkey", version,
                                      alg="RSA-OAEP-256", value=value),
                             token=token)["value"]
            opened = self.ok(*self.op("rsa", "unwrapkey", version,
                                      alg="RSA-OAEP-256", value=sealed),
                             token=token)["value"]
            return jose.decode(opened) == value
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(list(pool.map(wrap, range(48))), [True] * 48)
        self.assertEqual(self.double.calls("unwrapKey", "rsa"), 48)

    def test_lies_about_the_key(self):
        key = self.ok("GET", "/keys/rsa")["key"]["kid"]
        host, name, version = key.removeprefix("https://").replace(
            "/keys/", "/").split("/")
        for lie, wanted in (
                ("kid", f"https://{host}/keys/{name}-other/{version}"),
                ("kid-host", f"https://other.vault.azure.net/keys/{name}/"
                 f"{version}"),
                ("kid-upper", f"https://{host.upper()}/keys/{name.upper()}/"
                 f"{version.upper()}")):
            self.double.order("lie", lie, count=1, operations=["get",
                                                               "wrapKey"])
            self.assertEqual(self.ok("GET", "/keys/rsa")["key"]["kid"],
                             wanted)
            self.double.order("lie", lie, count=1, operations=["wrapKey"])
            self.assertEqual(self.ok(*self.op("rsa", "wrapkey",
                                              **WRAP))["kid"], wanted)
        self.double.order("lie", "kid-version", count=1, operations=["get"])
        found = self.ok("GET", "/keys/rsa")["key"]["kid"]
        self.assertTrue(found.startswith(f"https://{host}/keys/{name}/"))
        self.assertNotEqual(found, key)

    def test_other_lies(self):
        token = self.token()
        self.double.order("lie", "error-body", count=1)
        found = self.ok("GET", "/keys/rsa", token=token)
        self.assertEqual(found["error"]["code"], "Forbidden")
        self.double.order("lie", "next-link", count=1)
        found = self.ok("GET", "/keys", token=token)
        self.assertTrue(found["nextLink"].startswith("https://vault.example"))
        self.double.order("lie", "flip:value", count=1)
        sealed = self.ok(*self.op("rsa", "wrapkey", **WRAP), token=token)
        self.fails(400, "BadParameter", *self.op(
            "rsa", "unwrapkey", **{**WRAP, "value": sealed["value"]}),
            token=token)
        self.double.order("lie", "dup:kid", count=1)
        body = self.request(*self.op("rsa", "wrapkey", **WRAP),
                            token=token).body
        self.assertEqual(body.count(b'"kid"'), 2)

    def test_unknown_lie(self):
        answer = self.double.ctl("lie", "white")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("kid-version", answer.stderr)

    def test_counters_by_key(self):
        self.ok("GET", "/keys/RSA")
        self.ok(*self.op("acmehsm/rsa", "wrapkey", **WRAP), kind="hsm")
        self.assertEqual(self.double.calls(key="rsa"), 1)
        self.assertEqual(self.double.calls("wrapKey", "acmehsm/rsa"), 1)
        self.assertEqual(self.double.calls("token"), 2)

    def test_ctl(self):
        """Each order once by the command line."""
        key = self.new_key()
        first = self.version(key)
        for arguments in (("create", key, "EC"), ("disable", key, first),
                          ("enable", key), ("valid", key, "--expires", "9"),
                          ("ops", key, "sign"), ("rotate", key),
                          ("describe", key), ("public-key", key, first),
                          ("delete", key), ("recover", key),
                          ("busy", key, "x"), ("busy", key),
                          ("grant", "all"), ("mode", "policy"),
                          ("firewall", "off"),
                          ("quirk", "disabled-get", "off"),
                          ("quota", "off"), ("challenge",),
                          ("token-lifetime",), ("revoke",),
                          ("secret", "add", "x"), ("secret", "remove", "x"),
                          ("arc-realm",), ("federated-token",),
                          ("identity", "user", "u", "r"),
                          ("identity", "remove", "u"), ("orders",)):
            answer = self.double.ctl(*arguments)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""),
                             arguments)
        kid = self.double.ctl("kid", key, first).stdout.strip()
        self.assertEqual(kid, f"https://acme.vault.azure.net/keys/{key}/"
                         f"{first}")
        described = json.loads(self.double.ctl("describe", key).stdout)
        self.assertEqual(described["versions"][0], first)
        self.assertEqual(len(described["versions"]), 3)
        self.assertEqual(len(jose.decode(described["key"]["x"])), 32)

    def test_unknown_key(self):
        answer = self.double.ctl("disable", "nosuch")
        self.assertEqual((answer.returncode, answer.stderr),
                         (1, "ctl.py: no key nosuch\n"))


class Clouds(unittest.TestCase):
    def test_names_and_audiences(self):
        double = Double("azurekms.py", "--cloud=usgov", "--authority=self")
        self.addCleanup(double.stop)
        response = double.send("GET", "/keys", headers={
            "Host": "acme.vault.usgovcloudapi.net"})
        challenge = response.headers["WWW-Authenticate"]
        self.assertIn('resource="https://vault.usgovcloudapi.net"', challenge)
        self.assertIn(double.read("endpoint.login"), challenge)
        response = double.send("GET", "/keys", headers={
            "Host": "acme.vault.azure.net"})
        self.assertEqual(response.status, 400)


if __name__ == "__main__":
    unittest.main()
