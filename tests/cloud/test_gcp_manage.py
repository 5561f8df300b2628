# SPDX-License-Identifier: Apache-2.0
"""Rings, keys, versions and their states; who may; where; and how to ask."""

import calendar
import json
import os
import subprocess
import time
import urllib.parse

from frame.testing import HERE, PYTHON
from gcp_harness import Double, RING_NAME, TestCase, b64, key_name
from gcpkms import LOCATION, NUMBER, PROJECT

TEXT = b64(b"x")
LOCATION_NAME = f"projects/{PROJECT}/locations/{LOCATION}"


def parse_time(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Looking(TestCase):
    def test_key_and_version(self):
        key = self.ok("GET", key_name("hsm"))
        self.assertEqual(key["purpose"], "ENCRYPT_DECRYPT")
        self.assertEqual(key["versionTemplate"], {
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
            "protectionLevel": "HSM"})
        self.assertEqual(key["primary"], self.ok("GET",
                                                 key_name("hsm", 1)))
        self.assertLess(abs(parse_time(key["createTime"]) - time.time()),
                        600)
        self.assertNotIn("primary", self.ok("GET", key_name("p256")))
        version = self.ok("GET", key_name("p256", 1))
        self.assertEqual((version["state"], version["algorithm"]),
                         ("ENABLED", "EC_SIGN_P256_SHA256"))

    def test_the_number_of_the_project_is_a_name_too(self):
        key = self.ok("GET", key_name("sym").replace(PROJECT, NUMBER))
        self.assertEqual(key["name"], key_name("sym"))

    def test_lists(self):
        rings = self.ok("GET", LOCATION_NAME + "/keyRings")["keyRings"]
        self.assertIn(RING_NAME, [ring["name"] for ring in rings])
        keys = self.ok("GET", RING_NAME + "/cryptoKeys")
        names = [key["name"] for key in keys["cryptoKeys"]]
        self.assertIn(key_name("sym"), names)
        self.assertEqual(keys["totalSize"], len(names))
        empty = self.ok("GET", f"projects/{PROJECT}/locations/us/keyRings")
        self.assertEqual(empty, {})

    def test_pages(self):
        token, found = "", []
        while True:
            page = self.ok("GET", f"{RING_NAME}/cryptoKeys?pageSize=4"
                                  f"&pageToken={token}")
            self.assertLessEqual(len(page["cryptoKeys"]), 4)
            found += [key["name"] for key in page["cryptoKeys"]]
            token = page.get("nextPageToken")
            if not token:
                break
        self.assertEqual(len(set(found)), page["totalSize"])
        self.fails("INVALID_ARGUMENT", "GET",
                   RING_NAME + "/cryptoKeys?pageToken=nonsense")

    def test_filter(self):
        key = self.new_key()
        self.double.do("rotate", key=key)
        self.double.do("disable", version=key + "/1")
        path = key_name(key) + "/cryptoKeyVersions?filter="
        for text, numbers in (("state=ENABLED", ["2"]),
                              ("state=DISABLED", ["1"]),
                              ("state=DESTROYED", [])):
            reply = self.ok("GET", path + urllib.parse.quote(text))
            self.assertEqual([each["name"].rpartition("/")[2] for each in
                              reply.get("cryptoKeyVersions", [])], numbers)

    def test_locations(self):
        reply = self.ok("GET", f"projects/{PROJECT}/locations/us-east1")
        self.assertEqual(reply["locationId"], "us-east1")
        self.assertIs(reply["metadata"]["hsmAvailable"], True)
        places = self.ok("GET", f"projects/{PROJECT}/locations")["locations"]
        self.assertIn("global", [place["locationId"] for place in places])

    def test_permissions_of_ones_own(self):
        asked = ["cloudkms.cryptoKeyVersions.useToSign",
                 "cloudkms.cryptoKeys.setIamPolicy", "nonsense.x"]
        reply = self.ok("POST", key_name("sym") + ":testIamPermissions",
                        {"permissions": asked})
        self.assertEqual(reply["permissions"], asked[:2])
        token = self.double.do("token", member="target")["token"]
        self.double.do("ungrant", member="target")
        try:
            self.assertEqual(self.ok(
                "POST", key_name("sym") + ":testIamPermissions",
                {"permissions": asked}, token=token), {})
        finally:
            for role in ("admin", "cryptoOperator", "expertRawAesCbc",
                         "expertRawAesCtr", "serviceusage.services.use"):
                self.double.do("grant", member="target", role=role)


class States(TestCase):
    def setUp(self):
        super().setUp()
        self.key = self.new_key()

    def sealed(self):
        return self.use(self.key, "encrypt", plaintext=TEXT)["ciphertext"]

    def test_only_enabled_versions_work(self):
        sealed = self.sealed()
        for state in ("DISABLED", "DESTROY_SCHEDULED", "DESTROYED",
                      "PENDING_GENERATION", "PENDING_IMPORT",
                      "IMPORT_FAILED", "GENERATION_FAILED",
                      "PENDING_EXTERNAL_DESTRUCTION",
                      "EXTERNAL_DESTRUCTION_FAILED"):
            with self.subTest(state):
                self.double.do("state", version=self.key, state=state)
                for verb, members in (("encrypt", {"plaintext": TEXT}),
                                      ("decrypt", {"ciphertext": sealed})):
                    error = self.refuse("FAILED_PRECONDITION", self.key,
                                        verb, **members)
                    self.assertEqual(error["code"], 400)
                    self.assertIn(f"is not enabled, current state is: "
                                  f"{state}.", error["message"])
                    self.assertEqual(
                        error["details"][0]["violations"],
                        [{"type": "KEY_" + state,
                          "subject": key_name(self.key, 1)}])
        self.double.do("enable", version=self.key)
        self.use(self.key, "decrypt", ciphertext=sealed)

    def test_disable_and_enable_by_patch(self):
        path = key_name(self.key, 1) + "?updateMask=state"
        reply = self.ok("PATCH", path, {"state": "DISABLED"})
        self.assertEqual(reply["state"], "DISABLED")
        self.refuse("FAILED_PRECONDITION", self.key, "encrypt",
                    plaintext=TEXT)
        self.ok("PATCH", path, {"state": "ENABLED"})
        self.sealed()
        for bad, body in ((path, {"state": "DESTROYED"}), (path, {}),
                          (key_name(self.key, 1), {"state": "ENABLED"}),
                          (path + ",algorithm", {"state": "ENABLED"})):
            self.fails("INVALID_ARGUMENT", "PATCH", bad, body)

    def test_destroy_restore_and_the_end(self):
        sealed = self.sealed()
        name = key_name(self.key, 1)
        reply = self.ok("POST", name + ":destroy", {})
        self.assertEqual(reply["state"], "DESTROY_SCHEDULED")
        left = parse_time(reply["destroyTime"]) - time.time()
        self.assertLess(abs(left - 30 * 86400), 60)
        self.fails("FAILED_PRECONDITION", "POST", name + ":destroy", {})
        reply = self.ok("POST", name + ":restore", {})
        self.assertEqual(reply["state"], "DISABLED")
        self.assertNotIn("destroyTime", reply)
        self.fails("FAILED_PRECONDITION", "POST", name + ":restore", {})
        self.ok("POST", name + ":destroy", {})
        self.double.do("clock", seconds=31 * 86400)
        self.token = self.double.do("token", member="tester")["token"]
        reply = self.ok("GET", name)
        self.assertEqual(reply["state"], "DESTROYED")
        self.assertIn("destroyEventTime", reply)
        self.refuse("FAILED_PRECONDITION", self.key, "decrypt",
                    ciphertext=sealed)

    def test_destroy_order(self):
        self.double.do("destroy", version=self.key, seconds=0)
        self.assertEqual(self.double.do("describe", key=self.key + "/1")[
            "state"], "DESTROYED")

    def test_primary(self):
        self.double.do("rotate", key=self.key)
        path = key_name(self.key) + ":updatePrimaryVersion"
        reply = self.ok("POST", path, {"cryptoKeyVersionId": "1"})
        self.assertEqual(reply["primary"]["name"], key_name(self.key, 1))
        self.assertEqual(self.use(self.key, "encrypt",
                                  plaintext=TEXT)["name"],
                         key_name(self.key, 1))
        self.fails("NOT_FOUND", "POST", path, {"cryptoKeyVersionId": "9"})
        self.fails("INVALID_ARGUMENT", "POST", path,
                   {"cryptoKeyVersionId": "x"})
        self.fails("FAILED_PRECONDITION", "POST",
                   key_name("p256") + ":updatePrimaryVersion",
                   {"cryptoKeyVersionId": "1"})
        self.double.do("primary", key=self.key, version="2")
        self.assertEqual(self.use(self.key, "encrypt",
                                  plaintext=TEXT)["name"],
                         key_name(self.key, 2))
        self.double.do("primary", key=self.key, version="none")
        error = self.refuse("FAILED_PRECONDITION", self.key, "encrypt",
                            plaintext=TEXT)
        self.assertIn("no primary version", error["message"])

    def test_rotate_a_signing_key(self):
        key = self.new_key("EC_SIGN_P256_SHA256")
        reply = self.double.do("rotate", key=key)
        self.assertEqual(reply["name"], key_name(key, 2))
        pems = {self.ok("GET", key_name(key, number) + "/publicKey")["pem"]
                for number in (1, 2)}
        self.assertEqual(len(pems), 2)

    def test_access_reasons(self):
        self.use(self.key, "encrypt", plaintext=TEXT)
        self.double.do("reasons", key=self.key, reasons=[])
        error = self.refuse("PERMISSION_DENIED", self.key, "encrypt",
                            plaintext=TEXT)
        self.assertIn("Justification", error["message"])
        self.double.do("reasons", key=self.key,
                       reasons=["CUSTOMER_INITIATED_ACCESS"])
        self.use(self.key, "encrypt", plaintext=TEXT)


class Creating(TestCase):
    def test_ring_key_and_version(self):
        ring = f"r{time.time_ns()}"
        made = self.ok("POST", f"{LOCATION_NAME}/keyRings?keyRingId={ring}",
                       {})
        self.fails("ALREADY_EXISTS", "POST",
                   f"{LOCATION_NAME}/keyRings?keyRingId={ring}", {})
        path = made["name"] + "/cryptoKeys?cryptoKeyId="
        key = self.ok("POST", path + "k", {
            "purpose": "ENCRYPT_DECRYPT", "labels": {"team": "pay"},
            "rotationPeriod": "7776000s",
            "nextRotationTime": "2099-01-01T00:00:00Z",
            "destroyScheduledDuration": "86400s"})
        self.assertEqual(key["labels"], {"team": "pay"})
        self.assertTrue(key["primary"]["name"].endswith(
            "/cryptoKeyVersions/1"))
        other = self.ok("POST", path + "s&skipInitialVersionCreation=true", {
            "purpose": "ASYMMETRIC_SIGN", "versionTemplate": {
                "algorithm": "EC_SIGN_ED25519"}})
        versions = other["name"] + "/cryptoKeyVersions"
        self.assertEqual(self.ok("GET", versions), {})
        self.assertEqual(self.ok("POST", versions, {})["state"], "ENABLED")
        changed = self.ok("PATCH", key["name"] + "?updateMask=labels",
                          {"labels": {"team": "ops"}})
        self.assertEqual(changed["labels"], {"team": "ops"})

    def test_refused(self):
        path = RING_NAME + "/cryptoKeys?cryptoKeyId="
        for ident, body in (
                ("k k", {"purpose": "MAC"}), ("x", {}),
                ("x", {"purpose": "KEY_ENCAPSULATION"}),
                ("x", {"purpose": "ASYMMETRIC_SIGN"}),
                ("x", {"purpose": "MAC", "versionTemplate": {
                    "algorithm": "EC_SIGN_ED25519"}}),
                ("x", {"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {
                    "algorithm": "EC_SIGN_SECP256K1_SHA256",
                    "protectionLevel": "SOFTWARE"}}),
                ("x", {"purpose": "MAC", "versionTemplate": {
                    "algorithm": "HMAC_SHA256",
                    "protectionLevel": "EXTERNAL"}})):
            with self.subTest(body):
                self.fails("INVALID_ARGUMENT", "POST",
                           path + urllib.parse.quote(ident), body)
        self.fails("ALREADY_EXISTS", "POST", path + "sym",
                   {"purpose": "ENCRYPT_DECRYPT"})


class Permissions(TestCase):
    """An identity that starts with nothing."""

    def setUp(self):
        super().setUp()
        self.member = f"m{time.time_ns()}@{PROJECT}.iam.gserviceaccount.com"
        self.double.do("account", what="add", email=self.member)
        self.addCleanup(self.double.do, "ungrant", member=self.member)
        self.token = self.double.do("token", member=self.member)["token"]

    def grant(self, role, resource=None):
        self.double.do("grant", member=self.member, role=role,
                       resource=resource)

    def denied(self, permission, method, path, body=None):
        error = self.fails("PERMISSION_DENIED", method, path, body)
        self.assertEqual(error["code"], 403)
        self.assertIn(f"Permission '{permission}' denied on resource",
                      error["message"])
        self.assertEqual(error["details"][0]["metadata"]["permission"],
                         permission)

    def test_each_operation_needs_its_permission(self):
        versions = "cloudkms.cryptoKeyVersions."
        sealed = ""
        for permission, method, path, body in (
                (versions + "useToEncrypt", "POST",
                 key_name("sym") + ":encrypt", {"plaintext": TEXT}),
                (versions + "useToEncrypt", "POST",
                 key_name("gcm", 1) + ":rawEncrypt", {"plaintext": TEXT}),
                (versions + "useToDecrypt", "POST",
                 key_name("sym") + ":decrypt", None),
                (versions + "useToSign", "POST",
                 key_name("p256", 1) + ":asymmetricSign", {"data": TEXT}),
                (versions + "useToSign", "POST",
                 key_name("mac", 1) + ":macSign", {"data": TEXT}),
                (versions + "useToVerify", "POST",
                 key_name("mac", 1) + ":macVerify",
                 {"data": TEXT, "mac": b64(bytes(32))}),
                (versions + "viewPublicKey", "GET",
                 key_name("p256", 1) + "/publicKey", None),
                (versions + "get", "GET", key_name("sym", 1), None),
                (versions + "list", "GET",
                 key_name("sym") + "/cryptoKeyVersions", None),
                ("cloudkms.cryptoKeys.get", "GET", key_name("sym"), None),
                ("cloudkms.cryptoKeys.list", "GET",
                 RING_NAME + "/cryptoKeys", None),
                ("cloudkms.keyRings.get", "GET", RING_NAME, None),
                ("cloudkms.locations.generateRandomBytes", "POST",
                 LOCATION_NAME + ":generateRandomBytes",
                 {"lengthBytes": 8, "protectionLevel": "HSM"})):
            with self.subTest(path):
                if path.endswith(":decrypt"):
                    body = {"ciphertext": sealed}
                self.denied(permission, method, path, body)
                self.grant(permission)
                reply = self.ok(method, path, body)
                sealed = sealed or reply.get("ciphertext")
                self.double.do("ungrant", member=self.member)
        token = self.double.do("token", member="tester")["token"]
        self.ok("GET", key_name("sym"), token=token)

    def test_roles_on_keys_and_rings(self):
        self.grant("cryptoKeyEncrypter", "sym")
        self.use("sym", "encrypt", plaintext=TEXT)
        self.use("sym", "encrypt", 1, plaintext=TEXT)
        self.denied("cloudkms.cryptoKeyVersions.useToEncrypt", "POST",
                    key_name("sym2") + ":encrypt", {"plaintext": TEXT})
        self.denied("cloudkms.cryptoKeyVersions.useToDecrypt", "POST",
                    key_name("sym") + ":decrypt", {"ciphertext": TEXT})
        self.grant("cryptoKeyEncrypter", RING_NAME)
        self.use("sym2", "encrypt", plaintext=TEXT)

    def test_what_is_not_there_looks_the_same(self):
        path = key_name("nothing") + ":encrypt"
        self.denied("cloudkms.cryptoKeyVersions.useToEncrypt", "POST", path,
                    {"plaintext": TEXT})
        self.grant("cryptoKeyEncrypter")
        error = self.fails("NOT_FOUND", "POST", path, {"plaintext": TEXT})
        self.assertEqual(error["code"], 404)
        self.fails("NOT_FOUND", "POST", key_name("sym", 7) + ":encrypt",
                   {"plaintext": TEXT})
        self.denied("cloudkms.cryptoKeyVersions.useToEncrypt", "POST",
                    path.replace(PROJECT, "other-project"),
                    {"plaintext": TEXT})

    def test_looking_is_not_using(self):
        self.grant("admin")
        self.grant("viewer")
        self.ok("GET", key_name("sym"))
        self.denied("cloudkms.cryptoKeyVersions.useToEncrypt", "POST",
                    key_name("sym") + ":encrypt", {"plaintext": TEXT})

    def test_permission_comes_before_arguments_and_state(self):
        key = self.new_key()
        self.double.do("disable", version=key)
        for body in ({"plaintext": TEXT}, {"nonsense": 1}):
            self.denied("cloudkms.cryptoKeyVersions.useToEncrypt", "POST",
                        key_name(key) + ":encrypt", body)


class Requests(TestCase):
    def test_no_such_method(self):
        for method, path in (
                ("GET", "nothing"), ("POST", key_name("sym")),
                ("GET", key_name("sym") + ":encrypt"),
                ("POST", key_name("sym") + ":encypt"),
                ("DELETE", key_name("sym")),
                ("POST", key_name("p256", 1) + ":encrypt/"),
                ("POST", RING_NAME + ":encrypt")):
            with self.subTest(path):
                response = self.call(method, path, {})
                self.assertEqual(response.status, 404)
                self.assertIn("text/html", response.headers["Content-Type"])

    def test_malformed_names(self):
        for name in (key_name("k%20k"), key_name("k" * 64),
                     key_name("sym").replace(RING_NAME, RING_NAME + ".x"),
                     key_name("sym", "0"), key_name("sym", "x")):
            self.fails("INVALID_ARGUMENT", "POST", name + ":encrypt",
                       {"plaintext": TEXT})

    def test_bodies(self):
        path = key_name("sym") + ":encrypt"
        for body in ("", "{}"):
            self.ok("POST", path, body)
        for body in ("[]", "{", "nonsense", '{"plaintext":"YQ==",'
                     '"plaintext":"YQ=="}', '{"plaintext":1}',
                     '{"plaintext":"*"}', '{"plaintextCrc32c":"x"}',
                     '{"plaintextCrc32c":1.5}', '{"name":"x"}',
                     '{"additionalAuthenticatedData":{}}'):
            with self.subTest(body):
                error = self.fails("INVALID_ARGUMENT", "POST", path, body)
                self.assertIn("nvalid", error["message"])
        self.fails("INVALID_ARGUMENT", "POST", path,
                   json.dumps({"plaintext": TEXT}),
                   Content_Type="application/x-www-form-urlencoded")

    def test_accepted_forms(self):
        """What the mapping of protocol buffers to JSON allows."""
        for body in ({"plaintext_crc32c": "0"}, {"plaintextCrc32c": 0},
                     {"plaintext": "-_8", "plaintextCrc32c": None},
                     {"plaintext": None}):
            self.ok("POST", key_name("sym") + ":encrypt", body)

    def test_query(self):
        path = key_name("sym")
        for query in ("?alt=json", "?prettyPrint=false",
                      "?%24prettyPrint=false&fields=name"):
            self.ok("GET", path + query)
        for query in ("?nonsense=1", "?alt=proto", "?alt=json&alt=json"):
            self.fails("INVALID_ARGUMENT", "GET", path + query)

    def test_enums_by_number(self):
        key = self.ok("GET", key_name("hsm")
                      + "?%24alt=json%3Benum-encoding%3Dint")
        self.assertEqual((key["purpose"], key["primary"]["state"],
                          key["primary"]["protectionLevel"]), (1, 1, 2))

    def test_wrong_location(self):
        for location in ("nowhere", "europe-west99"):
            error = self.fails(
                "NOT_FOUND", "GET",
                key_name("sym").replace(LOCATION, location))
            self.assertIn("The request concerns location",
                          error["message"])
        self.double.do("only-location", location="us-east1")
        try:
            self.fails("NOT_FOUND", "GET", key_name("sym"))
        finally:
            self.double.do("only-location", location="all")
        self.ok("GET", key_name("sym"))

    def test_api_switched_off(self):
        self.double.do("api", what="off")
        try:
            error = self.fails("PERMISSION_DENIED", "GET", key_name("sym"))
            self.assertEqual(self.reason(error), "SERVICE_DISABLED")
        finally:
            self.double.do("api", what="on")


class Start(TestCase):
    """Options, on doubles of their own."""

    def start(self):
        double = Double("--no-grants", "--location", "us-east1", "--project",
                        "p-1", "--ring", "r", "--key", "k",
                        "--grant", "tester=signer@k",
                        "--grant", "vm=cryptoKeyEncrypter", "--tls")
        self.addCleanup(double.stop)
        return double

    def test_names_and_grants(self):
        name = ("projects/p-1/locations/us-east1/keyRings/r/cryptoKeys/k"
                ":encrypt")
        self.assertTrue(self.double.endpoint.startswith("https://"))
        self.assertTrue(self.double.machine.startswith("http://"))
        self.fails("PERMISSION_DENIED", "POST", name, {"plaintext": TEXT})
        token = self.double.do("token", member="vm")["token"]
        self.ok("POST", name, {"plaintext": TEXT}, token=token)
        self.assertEqual(self.double.do("policy")["bindings"][0], {
            "member": "serviceAccount:tester@p-1.iam.gserviceaccount.com",
            "what": "roles/cloudkms.signer",
            "resource": name.removesuffix(":encrypt")})
        self.assertIn("SSL_CERT_FILE='", self.double.read("env"))

    def test_refused(self):
        for option, reason in (
                ("--key=k=NOTHING", "no algorithm"),
                ("--key=bad name", "malformed"),
                ("--key=k=HMAC_SHA256:EXTERNAL", "not available"),
                ("--grant=tester=x", "no role"),
                ("--grant=tester=signer@nothing", "there is no")):
            with self.subTest(option):
                done = subprocess.run(
                    [PYTHON, os.path.join(HERE, "gcpkms.py"), "--dir",
                     self.double.path("other"), option],
                    capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(reason, done.stderr)
