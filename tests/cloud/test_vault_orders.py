# SPDX-License-Identifier: Apache-2.0
"""Orders to the Vault double: misbehaviour, lies, counters, ctl.py."""

import base64
import json
import os
import subprocess
import tempfile
import unittest

from cryptography.hazmat.primitives.asymmetric import utils

from frame.testing import HERE, PYTHON
from vault_harness import Client, Double, TestCase, b64

TEXT = b64(b"sixteen bytes of")
ENCRYPT = "transit/encrypt/acme"


class Refusing(TestCase):
    def statuses(self, count, path=ENCRYPT):
        return [self.root.send("POST", path, {"plaintext": TEXT}).status
                for _ in range(count)]

    def test_deny(self):
        self.double.order("deny", operations=["encrypt"], key="acme",
                          count=1)
        self.assertEqual(self.statuses(1, "transit/encrypt/derived"), [400])
        self.assertEqual(self.statuses(2), [403, 200])

    def test_throttle(self):
        self.double.order("throttle", "2", count=1)
        reply = self.root.send("POST", ENCRYPT, {"plaintext": TEXT})
        self.assertEqual((reply.status, reply.headers["Retry-After"],
                          reply.json), (429, "2", {
                              "errors": ["rate limit quota exceeded"]}))

    def test_fail(self):
        for what, status in (("500", 500), ("412", 412), ("473", 473),
                             ("502", 502), ("some text", 400)):
            self.double.order("fail", what, count=1)
            self.assertEqual(self.statuses(1), [status])
        self.double.order("fail", "503", count=1)
        reply = self.root.send("POST", ENCRYPT, {"plaintext": TEXT})
        self.assertEqual((reply.status, reply.headers["Content-Type"]),
                         (503, "text/html"))

    def test_dead_tokens_use_no_order_up(self):
        self.double.order("fail", "500", count=1)
        Client(self.double, "hvs.x").send("POST", ENCRYPT, {})
        self.assertEqual(self.statuses(2), [500, 200])

    def test_a_login_can_be_failed(self):
        self.double.order("fail", "502", operations=["login"],
                          key="auth/approle", count=1)
        self.not_written(502, "auth/approle/login")
        self.not_written(400, "auth/approle/login")


class Lying(TestCase):
    def lie(self, what, path=ENCRYPT, **body):
        self.double.order("lie", what, count=1)
        reply = self.root.send("POST", path, body or {"plaintext": TEXT})
        self.assertEqual(reply.status, 200)
        return reply

    def test_another_version(self):
        data = self.lie("key-version").json["data"]
        self.assertEqual(data["key_version"], 2)
        self.assertTrue(data["ciphertext"].startswith("vault:v2:"))

    def test_no_prefix(self):
        self.assertRegex(self.lie("prefix").json["data"]["ciphertext"],
                         "^1:")

    def test_another_name(self):
        self.double.order("lie", "other-name", count=1)
        self.assertEqual(self.ok("GET", "transit/keys/acme")["name"],
                         "acme-other")

    def test_waits_for_approval(self):
        reply = self.lie("wrap-info").json
        self.assertIsNone(reply["data"])
        self.assertTrue(reply["wrap_info"]["token"])

    def test_login_without_its_second_factor(self):
        auth = self.lie("mfa", "auth/userpass/login/app",
                        password="app").json["auth"]
        self.assertTrue(auth["mfa_requirement"])

    def test_error_with_status_200(self):
        self.assertIn("errors", self.lie("error-body").json)

    def test_batches(self):
        plaintexts = [b64(bytes([each])) for each in range(3)]
        sealed = self.write(ENCRYPT, batch_input=[
            {"plaintext": each} for each in plaintexts])["batch_results"]
        items = [{"ciphertext": each["ciphertext"]} for each in sealed]
        for what, expected in (("batch-short", plaintexts[:2]),
                               ("batch-swapped", plaintexts[::-1])):
            found = self.lie(what, "transit/decrypt/acme", batch_input=items)
            results = found.json["data"]["batch_results"]
            self.assertEqual([each["plaintext"] for each in results],
                             expected)

    def test_about_fields(self):
        sealed = self.write(ENCRYPT, plaintext=TEXT)["ciphertext"]
        path = "transit/decrypt/acme"
        data = self.lie("flip:plaintext", path, ciphertext=sealed).json[
            "data"]
        plain = base64.b64decode(data["plaintext"])
        self.assertEqual(len(plain), 16)
        self.assertNotEqual(data["plaintext"], TEXT)
        reply = self.lie("missing:data", path, ciphertext=sealed)
        self.assertNotIn("data", reply.json)
        reply = self.lie("dup:plaintext", path, ciphertext=sealed)
        self.assertEqual(reply.body.count(b'"plaintext"'), 2)

    def test_short_signature(self):
        path = "transit/sign/p256"
        data = self.lie("short-signature", path, input=TEXT).json["data"]
        der = base64.b64decode(data["signature"].split(":")[2])
        self.assertLess(min(utils.decode_dss_signature(der)), 1 << 248)
        self.assertTrue(self.write("transit/verify/p256", input=TEXT,
                                   signature=data["signature"])["valid"])


class Counting(TestCase):
    def test_calls_and_log(self):
        self.write(ENCRYPT, plaintext=TEXT)
        self.refused(404, "GET", "transit/keys/none")
        for arguments, calls in (((), 2), (("encrypt",), 1),
                                 (("encrypt", "acme"), 1),
                                 (("encrypt", "none"), 0),
                                 ((None, "transit/none"), 1)):
            self.assertEqual(self.double.calls(*arguments), calls)
        self.assertEqual(self.double.do("stats")["codes"],
                         {"OK": 1, "404": 1})
        line = self.double.log_lines()[-2]
        self.assertEqual((line["operation"], line["keys"], line["policies"]),
                         ("encrypt", ["transit/acme"], ["root"]))
        self.write(ENCRYPT, batch_input=[{"plaintext": TEXT}] * 3)
        self.assertEqual(self.double.log_lines()[-1]["batch"], 3)
        with open(self.double.log, encoding="utf-8") as file:
            text = file.read()
        for secret in (TEXT, self.root.token, self.double.read("token")):
            self.assertNotIn(secret, text)


class Command(TestCase):
    """ctl.py, as a shell script calls it."""

    def run_ok(self, *arguments):
        result = self.double.ctl(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.strip()

    def test_keys(self):
        self.run_ok("create", "from-ctl", "ecdsa-p256")
        self.addCleanup(self.double.do, "delete", key="from-ctl")
        self.assertIn("BEGIN PUBLIC KEY",
                      self.run_ok("public-key", "from-ctl"))
        self.assertEqual(self.run_ok("rotate", "from-ctl"), "2")
        self.run_ok("min-version", "from-ctl", "2")
        found = json.loads(self.run_ok("describe", "from-ctl"))
        self.assertEqual((found["min_decryption_version"], list(
            found["keys"])), (2, ["2"]))
        self.assertIn("transit/from-ctl",
                      json.loads(self.run_ok("keys"))["keys"])

    def test_as_root(self):
        self.run_ok("write", "auth/approle/role/r", "token_policies=kms",
                    "token_num_uses=3", "--namespace", "")
        role = json.loads(self.run_ok("read", "auth/approle/role/r"))
        self.assertEqual((role["token_policies"], role["token_num_uses"]),
                         ("kms", 3))
        self.assertIn("r", json.loads(self.run_ok(
            "list", "auth/approle/role"))["keys"])
        secret = json.loads(self.run_ok(
            "write", "auth/approle/role/r/secret-id"))["secret_id"]
        self.write("auth/approle/login", Client(self.double, ""),
                   role_id=role["role_id"], secret_id=secret)
        wrapped = json.loads(self.run_ok(
            "write", "auth/approle/role/r/secret-id", "--wrap-ttl", "60s"))
        found = self.write("sys/wrapping/unwrap",
                           Client(self.double, wrapped["token"]))
        self.assertTrue(found["secret_id"])
        self.run_ok("remove", "auth/approle/role/r")
        self.assertEqual(self.double.ctl("read", "auth/approle/role/r")
                         .returncode, 1)

    def test_tokens_and_policies(self):
        self.run_ok("policy", "p",
                    'path "transit/keys/acme" { capabilities = ["read"] }')
        token = self.run_ok("token", "--policies", "p", "--ttl", "5m")
        client = Client(self.double, token)
        self.ok("GET", "transit/keys/acme", client=client)
        self.assertEqual(self.run_ok("expire-token", token), "1")
        self.refused(403, "GET", "transit/keys/acme", client=client)
        self.assertEqual(self.run_ok("jwt", "--ttl", "1m").count("."), 2)
        self.assertEqual(self.run_ok("service-account").count("."), 2)

    def test_node(self):
        self.addCleanup(self.double.do, "unseal")
        for arguments, status in ((["seal"], 503), (["unseal"], 200),
                                  (["node", "standby"], 429)):
            self.run_ok(*arguments)
            self.assertEqual(self.root.send("GET", "sys/health").status,
                             status)

    def test_mistakes(self):
        for status, arguments in (
                (1, ["rotate", "none"]), (1, ["node", "asleep"]),
                (1, ["create", "acme"]), (1, ["create", "x", "des"]),
                (1, ["expire-token", "hvs.none"]), (1, ["read", "x/y"]),
                (1, ["write", "sys/mounts/x", "no-value"]),
                (1, ["policy", "p", "nonsense"]), (2, ["nonsense"]),
                (2, ["rotate"])):
            with self.subTest(arguments):
                result = self.double.ctl(*arguments)
                self.assertEqual(result.returncode, status)
                self.assertTrue(result.stderr)


class Process(unittest.TestCase):
    def test_environment(self):
        double = Double("--tls", "--key", "k=ed25519")
        self.addCleanup(double.stop)
        shown = subprocess.run(
            ["sh", "-c", '. "$1/env"; echo "$VAULT_ADDR $VAULT_TOKEN '
             '$VAULT_CACERT"', "sh", double.dir],
            capture_output=True, text=True, check=True)
        self.assertEqual(shown.stdout, f"{double.endpoint} "
                         f"{double.read('token')} {double.path('ca.pem')}\n")

    def test_refuses_to_start(self):
        for option in ("--key=k=des", "--key=nowhere/k", "--key=k=rsa-2048:"
                       "derived", "--namespace=a/b"):
            with self.subTest(option), \
                    tempfile.TemporaryDirectory() as directory:
                result = subprocess.run(
                    [PYTHON, os.path.join(HERE, "hashivault.py"), "--dir",
                     directory, option], capture_output=True, text=True,
                    check=False)
                self.assertEqual(result.returncode, 1)
                self.assertTrue(result.stderr.startswith("hashivault.py: "))


if __name__ == "__main__":
    unittest.main()
