# SPDX-License-Identifier: Apache-2.0
"""Orders to misbehave, those of this double, and ctl.py."""

import json

from gcp_harness import TestCase, b64, crc, key_name, unb64

TEXT = b"hello world"
SEAL = {"plaintext": b64(TEXT), "plaintextCrc32c": crc(TEXT)}
SYM = key_name("sym") + ":encrypt"


class Refusing(TestCase):
    def statuses(self, count):
        return [self.call("POST", SYM, SEAL).status for _ in range(count)]

    def test_throttle(self):
        self.double.order("throttle", "7", count=1)
        response = self.call("POST", SYM, SEAL)
        self.assertEqual((response.status, response.headers["Retry-After"]),
                         (429, "7"))
        error = response.json["error"]
        self.assertEqual(error["status"], "RESOURCE_EXHAUSTED")
        self.assertEqual(error["details"][1]["retryDelay"], "1s")
        self.assertEqual(self.statuses(1), [200])

    def test_quota(self):
        self.double.do("quota", requests=2)
        self.addCleanup(self.double.do, "quota", requests="none")
        self.assertEqual(self.statuses(3), [200, 200, 429])
        error = self.fails("RESOURCE_EXHAUSTED", "POST", SYM, SEAL)
        delay = error["details"][1]["retryDelay"]
        self.assertTrue(1 <= int(delay.removesuffix("s")) <= 60)
        self.double.do("clock", seconds=61)
        self.assertEqual(self.statuses(1), [200])
        self.double.do("quota", requests=0)
        self.assertEqual(self.statuses(1), [429])

    def test_fail(self):
        for what, status, name in (
                ("UNAVAILABLE", 503, "UNAVAILABLE"),
                ("500", 500, "INTERNAL"), ("INTERNAL", 500, "INTERNAL"),
                ("504", 504, "DEADLINE_EXCEEDED"),
                ("499", 499, "CANCELLED"), ("401", 401, "UNAUTHENTICATED"),
                ("501", 501, "UNIMPLEMENTED"),
                ("ABORTED", 409, "ABORTED"),
                ("nonsense", 500, "UNKNOWN")):
            with self.subTest(what):
                self.double.order("fail", what, count=1)
                error = self.fails(name, "POST", SYM, SEAL)
                self.assertEqual(error["code"], status)
        self.assertEqual(self.statuses(1), [200])

    def test_fail_with_a_reason(self):
        for what, status in (("SERVICE_DISABLED", "PERMISSION_DENIED"),
                             ("USER_PROJECT_DENIED", "PERMISSION_DENIED"),
                             ("SECURITY_POLICY_VIOLATED",
                              "PERMISSION_DENIED"),
                             ("RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"),
                             ("EXTERNAL_KEY_REFUSED",
                              "FAILED_PRECONDITION")):
            self.double.order("fail", what, count=1)
            error = self.fails(status, "POST", SYM, SEAL)
            self.assertEqual(self.reason(error), None if what
                             == "EXTERNAL_KEY_REFUSED" else what)

    def test_fail_with_pages(self):
        for what in ("503", "502", "418"):
            self.double.order("fail", what, count=1)
            response = self.call("POST", SYM, SEAL)
            self.assertEqual(response.status, int(what))
            self.assertIn("text/html", response.headers["Content-Type"])

    def test_deny_some_operations_of_some_keys(self):
        self.double.order("deny", operations=["Encrypt"], key="sym")
        error = self.fails("PERMISSION_DENIED", "POST", SYM, SEAL)
        self.assertIn("cloudkms.cryptoKeyVersions.useToEncrypt",
                      error["message"])
        self.use("sym2", "encrypt", **SEAL)
        self.ok("GET", key_name("sym"))

    def test_orders_about_a_version_and_counters(self):
        self.double.order("fail", "500", key="p256/1", count=1)
        self.call("POST", SYM, SEAL)
        self.refuse("INTERNAL", "p256", "asymmetricSign", 1, data=b64(TEXT))
        self.use("p256", "asymmetricSign", 1, data=b64(TEXT))
        self.assertEqual(self.double.calls("AsymmetricSign", "p256"), 2)
        self.assertEqual(self.double.calls(key="p256/1"), 2)
        self.assertEqual(self.double.calls("Encrypt"), 1)
        self.assertEqual(self.double.do("stats")["codes"],
                         {"OK": 2, "INTERNAL": 1})


class Lies(TestCase):
    def lie(self, what, key="sym", verb="encrypt", version=None, **members):
        self.double.order("lie", what, count=1)
        return self.use(key, verb, version, **(members or SEAL))

    def test_wrong_checksums(self):
        sealed = self.use("sym", "encrypt", **SEAL)["ciphertext"]
        for field, key, verb, members in (
                ("ciphertext", "sym", "encrypt", SEAL),
                ("plaintext", "sym", "decrypt", {"ciphertext": sealed}),
                ("signature", "ed25519", "asymmetricSign",
                 {"data": b64(TEXT)}),
                ("mac", "mac", "macSign", {"data": b64(TEXT)}),
                ("initializationVector", "gcm", "rawEncrypt", SEAL)):
            with self.subTest(field):
                reply = self.lie("crc:" + field, key, verb,
                                 None if key == "sym" else 1, **members)
                self.assertNotEqual(reply[field + "Crc32c"],
                                    crc(unb64(reply[field])))

    def test_wrong_checksum_of_a_public_key(self):
        name = key_name("p256", 1) + "/publicKey"
        self.double.order("lie", "crc:pem", count=1)
        reply = self.ok("GET", name)
        self.assertNotEqual(reply["pemCrc32c"], crc(reply["pem"].encode()))
        self.double.order("lie", "crc:publicKey", count=1)
        reply = self.ok("GET", name + "?publicKeyFormat=DER")["publicKey"]
        self.assertNotEqual(reply["crc32cChecksum"],
                            crc(unb64(reply["data"])))

    def test_unverified(self):
        members = {**SEAL, "additionalAuthenticatedData": "",
                   "additionalAuthenticatedDataCrc32c": "0"}
        reply = self.lie("unverified", **members)
        self.assertFalse([name for name in reply
                          if name.startswith("verified")])
        reply = self.lie("unverified:plaintextCrc32c", **members)
        self.assertEqual([name for name in reply
                          if name.startswith("verified")],
                         ["verifiedAdditionalAuthenticatedDataCrc32c"])

    def test_verified_false_is_said(self):
        reply = self.lie("flip:verifiedPlaintextCrc32c")
        self.assertIs(reply["verifiedPlaintextCrc32c"], False)

    def test_other_names(self):
        self.assertEqual(self.lie("name")["name"],
                         key_name("sym-other", 1))
        self.assertEqual(self.lie("version")["name"], key_name("sym", 2))
        self.assertIn("projects/123456789012/",
                      self.lie("project-number")["name"])

    def test_other_bytes_with_a_good_checksum(self):
        sealed = self.use("sym", "encrypt", **SEAL)["ciphertext"]
        reply = self.lie("other", verb="decrypt", ciphertext=sealed)
        data = unb64(reply["plaintext"])
        self.assertNotEqual(data, TEXT)
        self.assertEqual(reply["plaintextCrc32c"], crc(data))

    def test_damage_on_the_way(self):
        """The checksum is of what was sent, the bytes are not."""
        for what in ("flip:ciphertext", "short:ciphertext"):
            reply = self.lie(what)
            self.assertNotEqual(reply["ciphertextCrc32c"],
                                crc(unb64(reply["ciphertext"])))

    def test_error_with_status_200(self):
        self.assertEqual(self.lie("error-body")["error"]["code"], 500)

    def test_numbers(self):
        self.assertIsInstance(self.lie("crc-numbers")["ciphertextCrc32c"],
                              int)

    def test_where_there_is_nothing_to_lie_about(self):
        self.double.order("lie", "crc:signature", count=1)
        self.assertEqual(self.double.metadata("/").status, 200)
        for what in ("crc:signature", "name", "unverified:x", "other:x"):
            self.double.order("lie", what, count=1)
            self.ok("POST", key_name("sym") + ":testIamPermissions", {})


class Ctl(TestCase):
    def run_ctl(self, *arguments):
        done = self.double.ctl(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.strip()

    def test_keys(self):
        name = self.run_ctl("create", "ctl", "EC_SIGN_P256_SHA256", "HSM")
        self.addCleanup(self.double.do, "delete", key="ctl")
        self.assertEqual(name, key_name("ctl"))
        self.assertEqual(self.run_ctl("rotate", "ctl"), key_name("ctl", 2))
        self.run_ctl("disable", "ctl/1")
        self.assertEqual(json.loads(self.run_ctl("describe", "ctl/1"))[
            "state"], "DISABLED")
        self.run_ctl("enable", "ctl")
        self.run_ctl("state", "ctl/2", "PENDING_GENERATION")
        self.run_ctl("destroy", "ctl/1", "0")
        self.assertIn("BEGIN PUBLIC KEY", self.run_ctl("public-key", "ctl"))
        self.assertEqual(json.loads(self.run_ctl("describe", name + "/crypto"
                                                 "KeyVersions/1"))["state"],
                         "DESTROYED")

    def test_refused(self):
        for arguments, reason in (
                (("disable", "nothing"), "there is no"),
                (("describe", "bad name"), "malformed"),
                (("state", "sym", "ON"), "no state ON"),
                (("create", "x", "NOTHING"), "no algorithm"),
                (("create", "sym"), "already exists"),
                (("primary", "p256", "1"), "ENCRYPT_DECRYPT"),
                (("public-key", "sym"), "no public key"),
                (("grant", "tester", "nothing"), "no role"),
                (("account", "disable", "nobody"), "no service account"),
                (("account", "explode", "tester"), "account: add"),
                (("login", "maybe"), "login: ok"),
                (("provider", "enable", "saml"), "no provider"),
                (("api", "maybe"), "api: on or off"),
                (("token-lifetime", "0"), "positive"),
                (("lie", "nothing"), "no lie"),
                (("lie", "crc:x", "--key", "nothing"), "there is no")):
            with self.subTest(arguments):
                done = self.double.ctl(*arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn(reason, done.stderr)

    def test_tokens_and_policy(self):
        token = self.run_ctl("token", "vm")
        self.ok("POST", SYM, SEAL, token=token)
        self.assertGreaterEqual(int(self.run_ctl("revoke", "vm")), 1)
        self.fails("UNAUTHENTICATED", "POST", SYM, SEAL, token=token)
        self.assertEqual(self.run_ctl("subject-token").count("."), 2)
        self.run_ctl("grant", "x@example.com", "signer", "p256")
        self.assertIn("user:x@example.com", self.run_ctl("policy"))
        self.assertEqual(self.run_ctl("ungrant", "x@example.com", "signer"),
                         "1")
        account = json.loads(self.run_ctl("account", "key", "tester"))
        self.assertEqual(account["type"], "service_account")

    def test_reasons(self):
        key = self.new_key()
        self.run_ctl("reasons", key)
        self.refuse("PERMISSION_DENIED", key, "encrypt", **SEAL)
        self.run_ctl("reasons", key, "CUSTOMER_INITIATED_ACCESS")
        self.use(key, "encrypt", **SEAL)

    def test_no_secrets_in_the_log(self):
        self.use("sym", "encrypt", **SEAL)
        with open(self.double.log, encoding="utf-8") as file:
            text = file.read()
        for secret in (self.token, b64(TEXT), "PRIVATE KEY"):
            self.assertNotIn(secret, text)
