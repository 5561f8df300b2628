# SPDX-License-Identifier: Apache-2.0
"""Orders to misbehave, the control path, counters, and ctl.py."""

import base64
import email.utils
import http.client
import json
import os
import select
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import ctl
from harness import HERE, PYTHON, Client, Double, TestCase, b64

ENCRYPT = {"KeyId": "alias/sym", "Plaintext": "YQ=="}
SIGN = {"KeyId": "alias/p256", "Message": "YQ==",
        "SigningAlgorithm": "ECDSA_SHA_256"}


class Refusing(TestCase):
    def codes(self, count, operation="Encrypt", **members):
        found = []
        for _ in range(count):
            response = self.client.call(operation, **(members or ENCRYPT))
            found.append("OK" if response.status == 200 else response.code)
        return found

    def test_throttle_the_next(self):
        self.double.order("throttle", count=2)
        response = self.client.call("Encrypt", **ENCRYPT)
        self.assertEqual(response.status, 400)
        self.assertEqual(response.code, "ThrottlingException")
        self.assertEqual(self.codes(2), ["ThrottlingException", "OK"])

    def test_fail_with_500(self):
        self.double.order("fail", "500", count=1)
        response = self.client.call("Encrypt", **ENCRYPT)
        self.assertEqual((response.status, response.code),
                         (500, "KMSInternalException"))
        self.assertEqual(self.codes(1), ["OK"])

    def test_fail_with_503_is_not_json(self):
        self.double.order("fail", "503", count=1)
        response = self.client.call("Encrypt", **ENCRYPT)
        self.assertEqual(response.status, 503)
        self.assertEqual(response.headers["Content-Type"], "text/html")
        self.assertTrue(response.body.startswith(b"<html>"))
        self.assertTrue(response.request_id)

    def test_fail_with_any_code(self):
        for code, status in (("KeyUnavailableException", 500),
                             ("DependencyTimeoutException", 500),
                             ("LimitExceededException", 400)):
            self.double.order("fail", code, count=1)
            response = self.client.call("Encrypt", **ENCRYPT)
            self.assertEqual((response.status, response.code), (status, code))

    def test_bad_signatures_do_not_use_orders_up(self):
        self.double.order("throttle", count=1)
        Client(self.double, secret_key="wrong").call("Encrypt", **ENCRYPT)
        self.assertEqual(self.codes(2), ["ThrottlingException", "OK"])

    def test_deny_an_operation(self):
        self.double.order("deny", operations=["Decrypt"])
        blob = self.ok("Encrypt", **ENCRYPT)["CiphertextBlob"]
        response = self.client.call("Decrypt", CiphertextBlob=blob)
        self.assertEqual((response.status, response.code),
                         (400, "AccessDeniedException"))
        self.assertNotIn("message", response.json)
        self.assertRegex(response.json["Message"],
                         r"is not authorized to perform: kms:Decrypt on "
                         r"resource: arn:aws:kms:")
        self.double.do("clear", kind="deny")
        self.ok("Decrypt", CiphertextBlob=blob)

    def test_deny_a_key(self):
        self.double.order("deny", key="alias/sym")
        self.assertEqual(self.codes(1), ["AccessDeniedException"])
        self.ok("Encrypt", **{**ENCRYPT, "KeyId": "alias/sym2"})
        self.ok("ListKeys")

    def test_deny_both_ends_of_re_encrypt(self):
        blob = self.ok("Encrypt", **ENCRYPT)["CiphertextBlob"]
        for alias, action in (("alias/sym", "ReEncryptFrom"),
                              ("alias/sym2", "ReEncryptTo")):
            self.double.order("deny", key=alias)
            text = self.fails("AccessDeniedException", "ReEncrypt",
                              CiphertextBlob=blob,
                              DestinationKeyId="alias/sym2")
            self.assertIn(f"kms:{action} on", text)
            self.double.do("clear")

    def test_denied_comes_before_disabled(self):
        arn = self.new_key()
        self.double.do("disable", key=arn)
        self.double.order("deny", key=arn)
        self.fails("AccessDeniedException", "Encrypt", KeyId=arn,
                   Plaintext="YQ==")

    def test_only_some_operations_and_keys(self):
        self.double.order("fail", "500", operations=["Sign"],
                          key="alias/p256")
        self.assertEqual(self.codes(1), ["OK"])
        self.ok("Sign", **{**SIGN, "KeyId": "alias/k256"})
        self.assertEqual(self.codes(2, "Sign", **SIGN),
                         ["KMSInternalException"] * 2)

    def test_blob_without_key_id_is_about_its_key(self):
        blob = self.ok("Encrypt", **ENCRYPT)["CiphertextBlob"]
        self.double.order("throttle", key="alias/sym", count=1)
        self.assertEqual(self.codes(2, "Decrypt", CiphertextBlob=blob),
                         ["ThrottlingException", "OK"])


class Stalling(TestCase):
    def test_delay(self):
        self.double.order("delay", "200", count=1)
        started = time.monotonic()
        self.ok("Encrypt", **ENCRYPT)
        self.assertGreaterEqual(time.monotonic() - started, 0.2)
        started = time.monotonic()
        self.ok("Encrypt", **ENCRYPT)
        self.assertLess(time.monotonic() - started, 0.2)

    def test_clear_lets_a_delayed_request_go(self):
        self.double.order("delay", "20000", count=1)
        thread = threading.Thread(target=self.ok, args=("Encrypt",),
                                  kwargs=ENCRYPT)
        started = time.monotonic()
        thread.start()
        while self.double.do("stats")["in_flight"] == 0:
            time.sleep(0.01)
        time.sleep(0.05)        # in flight, and by now in its delay
        self.double.do("clear")
        thread.join()
        self.assertLess(time.monotonic() - started, 10)

    def test_cut_before(self):
        self.double.order("cut", "before", count=1)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.client.call("Encrypt", **ENCRYPT)
        self.assertEqual(self.double.calls("Encrypt"), 1)
        self.ok("Encrypt", **ENCRYPT)

    def test_cut_half(self):
        self.double.order("cut", "half", count=1)
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.client.call("Encrypt", **ENCRYPT)
        self.assertGreater(len(caught.exception.partial), 0)
        self.assertGreater(caught.exception.expected, 0)

    def test_stall(self):
        self.double.order("cut", "stall", count=1)
        body = json.dumps(ENCRYPT).encode()
        headers = self.client.base_headers("Encrypt")
        headers += [("Authorization", self.client.authorization(headers,
                                                                body)),
                    ("Content-Length", str(len(body)))]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        with self.client.socket() as sock:
            sock.sendall(f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body)
            sock.settimeout(0.3)
            received = b""
            with self.assertRaises(TimeoutError):
                while True:
                    received += sock.recv(65536)
            self.assertIn(b"\r\n\r\n{", received)
            self.double.do("clear")
            sock.settimeout(10)
            self.assertEqual(sock.recv(65536), b"")

    def test_hang_up_idle_connections(self):
        client = Client(self.double, keep=True)
        self.assertEqual(client.call("ListKeys").status, 200)
        # The reply is read a moment before the server counts it as idle.
        deadline = time.monotonic() + 10
        while self.double.do("hangup")["connections"] < 1:
            self.assertLess(time.monotonic(), deadline)
        with self.assertRaises((http.client.RemoteDisconnected,
                                BrokenPipeError, ConnectionResetError)):
            client.call("ListKeys")
        client.connection.close()


class Lying(TestCase):
    def lie(self, what, operation="Encrypt", **members):
        self.double.order("lie", what, count=1)
        response = self.client.call(operation, **(members or ENCRYPT))
        self.assertEqual(response.status, 200)
        return response

    def test_other_key_id(self):
        reply = self.lie("key-id").json
        arn = self.arn("alias/sym")
        self.assertNotEqual(reply["KeyId"], arn)
        self.assertEqual(reply["KeyId"].split("/")[0], arn.split("/")[0])
        metadata = self.lie("key-id", "DescribeKey",
                            KeyId="alias/sym").json["KeyMetadata"]
        self.assertNotEqual(metadata["Arn"], arn)
        self.assertTrue(metadata["Arn"].endswith(metadata["KeyId"]))

    def test_missing_null_and_empty_field(self):
        self.assertNotIn("KeyId", self.lie("missing:KeyId").json)
        self.assertIsNone(self.lie("null:KeyId").json["KeyId"])
        self.assertEqual(self.lie("empty-field:KeyId").json["KeyId"], "")
        metadata = self.lie("missing:KeyState", "DescribeKey",
                            KeyId="alias/sym").json["KeyMetadata"]
        self.assertNotIn("KeyState", metadata)

    def test_wrong_type(self):
        reply = self.lie("type:CiphertextBlob").json
        self.assertIsInstance(reply["CiphertextBlob"], int)

    def test_not_json_and_empty(self):
        with self.assertRaises(ValueError):
            self.lie("not-json").json
        self.assertEqual(self.lie("empty").body, b"")

    def test_error_body_with_status_200(self):
        self.assertEqual(self.lie("error-body").code, "KMSInternalException")

    def test_big(self):
        response = self.lie("big")
        self.assertGreater(len(response.body), 10 * 1024 * 1024)
        self.assertEqual(response.json["KeyId"], self.arn("alias/sym"))

    def test_flip_one_bit_of_a_plaintext(self):
        blob = self.ok("Encrypt", KeyId="alias/sym",
                       Plaintext=b64(bytes(32)))["CiphertextBlob"]
        reply = self.lie("flip:Plaintext", "Decrypt", CiphertextBlob=blob)
        plaintext = base64.b64decode(reply.json["Plaintext"])
        self.assertEqual(len(plaintext), 32)
        self.assertEqual(bin(int.from_bytes(plaintext, "big")).count("1"), 1)
        reply = self.lie("short:Plaintext", "Decrypt", CiphertextBlob=blob)
        self.assertEqual(len(base64.b64decode(reply.json["Plaintext"])), 31)

    def test_flip_one_bit_of_a_signature(self):
        signature = self.lie("flip:Signature", "Sign",
                             **SIGN).json["Signature"]
        self.fails("KMSInvalidSignatureException", "Verify", **SIGN,
                   Signature=signature)

    def test_base64_and_more_members(self):
        reply = self.lie("bad-base64:CiphertextBlob").json
        with self.assertRaises(ValueError):
            base64.b64decode(reply["CiphertextBlob"], validate=True)
        self.assertIn("NewMember", self.lie("extra").json)

    def test_short_but_valid_signature(self):
        for alias, size, algorithm in (("alias/p256", 32, "ECDSA_SHA_256"),
                                       ("alias/p521", 66, "ECDSA_SHA_512")):
            how = {"KeyId": alias, "Message": "YQ==",
                   "SigningAlgorithm": algorithm}
            signature = self.lie("short-signature", "Sign",
                                 **how).json["Signature"]
            self.ok("Verify", **how, Signature=signature)
            length = len(base64.b64decode(signature))
            self.assertLess(length, 2 * size + 9)

    def test_shifted_date(self):
        response = self.lie("date:-7200")
        date = email.utils.parsedate_to_datetime(response.headers["Date"])
        self.assertAlmostEqual(date.timestamp(), time.time() - 7200, delta=60)

    def test_long_type(self):
        self.double.order("lie", "long-type", count=1)
        response = self.client.call("Encrypt", KeyId="alias/none",
                                    Plaintext="YQ==")
        self.assertRegex(response.code,
                         "^com.amazonaws.kms#NotFoundException:http")

    def test_lies_that_make_no_sense(self):
        for what in ("nonsense", "missing", "date:x", ""):
            with self.subTest(what), self.assertRaises(ctl.Failed):
                self.double.order("lie", what)


class ControlPath(TestCase):
    def post(self, body, path="/_control", **headers):
        headers.setdefault("Content_Type", "application/json")
        pairs = [(name.replace("_", "-"), value)
                 for name, value in headers.items()]
        return self.client.send([("Host", "localhost"), *pairs], body, path)

    def test_no_aws_requests(self):
        for header in ("X_Amz_Target", "Authorization"):
            response = self.post(b'{"do":"stats"}', **{header: "x"})
            self.assertEqual(response.status, 400)

    def test_no_orders_elsewhere(self):
        response = self.post(b'{"do":"stats"}', path="/")
        self.assertEqual(response.code, "UnknownOperationException")

    def test_nonsense(self):
        for body in (b"", b"[]", b"{}", b'{"do":"run"}', b'{"do":1}',
                     b'{"do":"enable"}', b'{"do":"enable","key":"x"}',
                     b'{"do":"reset","more":1}',
                     b'{"do":"order","kind":"nonsense"}',
                     b'{"do":"order","kind":"cut","argument":"x"}',
                     b'{"do":"order","kind":"delay","argument":"-1"}'):
            with self.subTest(body):
                response = self.post(body)
                self.assertEqual(response.status, 400)
                self.assertTrue(response.json["error"])

    def test_only_json(self):
        response = self.post(b'{"do":"stats"}', Content_Type="text/plain")
        self.assertEqual(response.status, 400)

    def test_orders_do_not_count_as_calls(self):
        self.double.do("stats")
        self.assertEqual(self.double.calls(), 0)


class Counting(TestCase):
    def test_calls(self):
        self.ok("Encrypt", **ENCRYPT)
        self.ok("Encrypt", **{**ENCRYPT, "KeyId": self.arn("alias/sym2")})
        self.fails("NotFoundException", "DescribeKey", KeyId="alias/none")
        Client(self.double, secret_key="wrong").call("ListKeys")
        self.assertEqual(self.double.calls(), 4)
        self.assertEqual(self.double.calls("Encrypt"), 2)
        self.assertEqual(self.double.calls(key="alias/sym"), 1)
        self.assertEqual(self.double.calls("Encrypt", "alias/sym2"), 1)
        self.assertEqual(self.double.calls("Decrypt"), 0)
        self.assertEqual(self.double.do("stats")["codes"],
                         {"OK": 2, "NotFoundException": 1,
                          "InvalidSignatureException": 1})
        self.double.do("reset")
        self.assertEqual(self.double.calls(), 0)

    def test_connections(self):
        client = Client(self.double, keep=True)
        self.addCleanup(client.connection.close)
        for _ in range(3):
            client.call("ListKeys")
        self.assertEqual(self.double.do("stats")["connections"], 1)
        self.ok("ListKeys")
        self.assertEqual(self.double.do("stats")["connections"], 2)

    def test_most_at_the_same_time(self):
        self.double.order("delay", "300")
        threads = [threading.Thread(target=self.ok, args=("ListKeys",))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stats = self.double.do("stats")
        self.assertEqual((stats["max_in_flight"], stats["in_flight"]), (4, 0))

    def test_log(self):
        headers = self.client.base_headers("Encrypt")
        body = json.dumps({**ENCRYPT,
                           "EncryptionContext": {"a": "b"}}).encode()
        value = self.client.authorization(headers, body)
        response = self.client.send(
            headers + [("Authorization", value), ("User-Agent", "me/1")],
            body)
        line = self.double.log_lines()[-1]
        self.assertEqual(line["request_id"], response.request_id)
        self.assertEqual(line["operation"], "Encrypt")
        self.assertEqual(line["code"], "OK")
        self.assertEqual(line["keys"], [self.arn("alias/sym")])
        self.assertEqual(line["context"], {"a": "b"})
        self.assertEqual(line["user_agent"], "me/1")
        self.assertGreater(line["connection"], 0)
        with open(self.double.log, encoding="utf-8") as file:
            self.assertNotIn("YQ==", file.read(), "a plaintext in the log")


class Command(TestCase):
    """ctl.py, as a shell script calls it."""

    def run_ok(self, *arguments):
        result = self.double.ctl(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.strip()

    def test_keys(self):
        arn = self.run_ok("create", "alias/from-ctl", "ECC_NIST_P256")
        self.addCleanup(self.double.do, "delete", key=arn)
        self.assertEqual(self.run_ok("arn", "alias/from-ctl"), arn)
        self.assertIn("BEGIN PUBLIC KEY",
                      self.run_ok("public-key", "alias/from-ctl"))
        for order, state in ((["disable"], "Disabled"),
                             (["enable"], "Enabled"),
                             (["schedule-deletion"], "PendingDeletion")):
            self.assertEqual(self.run_ok(*order, "alias/from-ctl"), "")
            metadata = json.loads(self.run_ok("describe", "alias/from-ctl"))
            self.assertEqual(metadata["KeyState"], state)

    def test_misbehaviour_and_counters(self):
        self.run_ok("throttle", "1")
        self.run_ok("fail", "1", "503", "--operation", "Encrypt")
        self.run_ok("lie", "missing:KeyId", "--count", "1")
        self.run_ok("deny", "Decrypt", "Sign", "--key", "alias/sym")
        self.run_ok("clock", "-3")
        orders = json.loads(self.run_ok("orders"))
        self.assertEqual(orders["clock_offset_s"], -3)
        self.assertEqual([each["kind"] for each in orders["orders"]],
                         ["throttle", "fail", "lie", "deny"])
        self.assertEqual(orders["orders"][3]["operations"],
                         ["Decrypt", "Sign"])
        self.run_ok("allow")
        self.run_ok("clear", "lie")
        statuses = [self.client.call("Encrypt", **ENCRYPT).status
                    for _ in range(3)]
        self.assertEqual(statuses, [400, 503, 200])
        self.assertEqual(self.run_ok("calls"), "3")
        self.assertEqual(self.run_ok("calls", "Decrypt"), "0")
        self.assertEqual(self.run_ok("calls", "--key", "alias/sym"), "3")
        self.run_ok("reset")
        self.assertEqual(self.run_ok("calls"), "0")

    def test_mistakes(self):
        for status, arguments in ((1, ["disable", "alias/none"]),
                                  (1, ["cut", "nowhere"]),
                                  (2, ["nonsense"]), (2, ["disable"])):
            with self.subTest(arguments):
                result = self.double.ctl(*arguments)
                self.assertEqual(result.returncode, status)
                self.assertTrue(result.stderr)
                self.assertEqual(result.stdout, "")


class Process(unittest.TestCase):
    """How the double starts and ends."""

    def gone(self, pid):
        """Whether the process ends soon; as a zombie it has ended."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], 10)[0])
        finally:
            os.close(descriptor)

    def test_tls(self):
        double = Double("--tls")
        self.addCleanup(double.stop)
        self.assertTrue(double.endpoint.startswith("https://127.0.0.1:"))
        self.assertEqual(Client(double).call("ListKeys").status, 200)
        self.assertEqual(double.ctl("calls").stdout, "1\n")
        strangers = Client(double)
        strangers.cafile = None
        with self.assertRaises(ssl.SSLCertVerificationError):
            strangers.call("ListKeys")

    def test_tls_with_another_name(self):
        double = Double("--tls", "--tls-name", "kms.example")
        self.addCleanup(double.stop)
        with self.assertRaises(ssl.SSLCertVerificationError):
            Client(double).call("ListKeys")

    def test_a_stalled_handshake_holds_up_nobody(self):
        double = Double("--tls")
        self.addCleanup(double.stop)
        client = Client(double)
        with client.socket():
            self.assertEqual(client.call("ListKeys").status, 200)

    def test_identities_account_and_region(self):
        double = Double("--identity", "AKIDTWO:other/secret:tok:en",
                        "--account", "444455556666", "--region",
                        "cn-north-1", "--key", "alias/a")
        self.addCleanup(double.stop)
        client = Client(double, "AKIDTWO", "other/secret", "tok:en")
        client.region = "cn-north-1"
        reply = client.call("DescribeKey", KeyId="alias/a").json
        self.assertRegex(reply["KeyMetadata"]["Arn"],
                         "^arn:aws-cn:kms:cn-north-1:444455556666:key/")

    def test_environment_file(self):
        double = Double("--session-token", "t/k==")
        self.addCleanup(double.stop)
        shown = subprocess.run(
            ["sh", "-c", '. "$1/env"; echo "$AWS_ENDPOINT_URL_KMS '
             '$AWS_SESSION_TOKEN"', "sh", double.dir],
            capture_output=True, text=True, check=True)
        self.assertEqual(shown.stdout, f"{double.endpoint} t/k==\n")
        mode = os.stat(os.path.join(double.dir, "env")).st_mode & 0o777
        self.assertEqual(mode, 0o600)

    def test_stops_when_told(self):
        double = Double()
        self.assertEqual(double.ctl("stop").returncode, 0)
        self.assertTrue(self.gone(double.pid))
        self.assertFalse(os.path.exists(os.path.join(double.dir,
                                                     "endpoint")))
        self.assertEqual(double.ctl("stop").returncode, 0)
        self.assertEqual(double.ctl("calls").returncode, 1)
        double.stop()

    def test_nobody_is_served_after_the_stop(self):
        double = Double()
        client = Client(double, keep=True)
        self.addCleanup(client.connection.close)
        self.assertEqual(client.call("ListKeys").status, 200)
        double.stop()
        with self.assertRaises((http.client.RemoteDisconnected,
                                ConnectionError)):
            client.call("ListKeys")

    def test_stops_by_itself(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([PYTHON, os.path.join(HERE, "awskms.py"), "--dir",
                            directory, "--seconds", "0.2"], check=True,
                           timeout=60)
            self.assertNotIn("endpoint", os.listdir(directory))
            self.assertNotIn("pid", os.listdir(directory))

    def test_stops_with_its_parent(self):
        with subprocess.Popen(["sleep", "60"]) as parent:
            double = Double("--parent", str(parent.pid))
            self.addCleanup(double.stop)
            parent.send_signal(signal.SIGKILL)
            self.assertTrue(self.gone(double.pid))

    def test_same_port_again(self):
        double = Double()
        port = double.endpoint.rpartition(":")[2]
        double.stop()
        again = Double("--port", port)
        self.addCleanup(again.stop)
        self.assertEqual(again.endpoint, double.endpoint)

    def test_refuses_to_start(self):
        with tempfile.TemporaryDirectory() as directory:
            for options in (["--key", "alias/a=RSA_1"],
                            ["--key", "a"], ["--parent", "4194305"],
                            ["--detach", "--key", "a"]):
                with self.subTest(options):
                    result = subprocess.run(
                        [PYTHON, os.path.join(HERE, "awskms.py"), "--dir",
                         directory, *options], capture_output=True,
                        text=True, check=False)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn("awskms.py: ", result.stderr)
                    self.assertNotIn("endpoint", os.listdir(directory))


if __name__ == "__main__":
    unittest.main()
