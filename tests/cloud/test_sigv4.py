# SPDX-License-Identifier: Apache-2.0
"""Signatures: the published and computed vectors, and what is refused."""

import hashlib
import json
import os
import unittest

from harness import HERE, SECRET_KEY, Client, TestCase
from aws import sigv4

VECTORS = os.path.join(HERE, "..", "vectors", "sigv4.json")


class Vectors(unittest.TestCase):
    """Each vector, from its headers and body to its signature."""

    @classmethod
    def setUpClass(cls):
        with open(VECTORS, encoding="utf-8") as file:
            cls.vectors = json.load(file)

    def headers_of(self, vector):
        headers = vector["headers"] + [["Host", vector["host"]],
                                       ["X-Amz-Date", vector["amz_date"]]]
        if vector["session_token"]:
            headers.append(["X-Amz-Security-Token", vector["session_token"]])
        return headers

    def canonical(self, vector):
        return sigv4.canonical_request(
            self.headers_of(vector), vector["signed_headers"].split(";"),
            vector["body"].encode())

    def test_all_are_there(self):
        self.assertEqual([each["name"] for each in self.vectors],
                         ["K1", "K2", "K3", "K4", "K5", "S1", "S2", "S3"])

    def test_signed_headers_are_all_headers(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                names = sorted(name.lower()
                               for name, _ in self.headers_of(vector))
                self.assertEqual(";".join(names), vector["signed_headers"])

    def test_payload_hash(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                digest = hashlib.sha256(vector["body"].encode()).hexdigest()
                self.assertEqual(digest, vector["payload_sha256"])

    def test_canonical_request(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                digest = hashlib.sha256(self.canonical(vector)).hexdigest()
                self.assertEqual(digest, vector["canonical_request_sha256"])

    def test_signing_key_and_signature(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                where = vector["region"], vector["service"]
                key = sigv4.signing_key(SECRET_KEY, vector["amz_date"][:8],
                                        *where)
                self.assertEqual(key.hex(), vector["signing_key_hex"])
                text = sigv4.string_to_sign(self.canonical(vector),
                                            vector["amz_date"], *where)
                self.assertEqual(sigv4.sign(key, text), vector["signature"])


class Refused(TestCase):
    """What the service says to a request that is not signed as it should."""

    def send(self, change_headers=None, change_authorization=None,
             signed=None, body=b"{}"):
        """ListKeys, with its headers spoilt after they were signed."""
        headers = self.client.base_headers("ListKeys")
        value = self.client.authorization(headers, b"{}", signed)
        if change_authorization:
            value = change_authorization(value)
        headers.append(("Authorization", value))
        if change_headers:
            headers = change_headers(headers)
        return self.client.send(headers, body)

    def refused(self, code, text, **changes):
        response = self.send(**changes)
        self.assertEqual((response.status, response.code), (400, code))
        self.assertIn(text, response.json["message"])
        self.assertTrue(response.request_id)

    def test_a_good_one_is_accepted(self):
        self.assertEqual(self.send().status, 200)

    def test_no_authorization(self):
        self.refused("MissingAuthenticationTokenException",
                     "missing Authentication Token",
                     change_headers=lambda headers: headers[:-1])

    def test_another_kind_of_authorization(self):
        self.refused("MissingAuthenticationTokenException", "Token",
                     change_authorization=lambda _: "Bearer abc")

    def test_each_part_of_authorization_is_needed(self):
        for part in ("Credential", "SignedHeaders", "Signature"):
            with self.subTest(part):
                self.refused("IncompleteSignatureException",
                             f"requires '{part}' parameter",
                             change_authorization=lambda value:
                             value.replace(part + "=", "X="))

    def test_pair_without_equal_sign(self):
        self.refused("IncompleteSignatureException", "missing equal-sign",
                     change_authorization=lambda value:
                     value.replace("Signature=", "Signature "))

    def test_other_algorithm(self):
        self.refused("IncompleteSignatureException", "Unsupported",
                     change_authorization=lambda value:
                     value.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"))

    def test_credential_with_four_elements(self):
        self.refused("IncompleteSignatureException", "5 slash-delimited",
                     change_authorization=lambda value:
                     value.replace("/aws4_request", ""))

    def test_no_date(self):
        self.refused("IncompleteSignatureException", "existence of either",
                     change_headers=lambda headers:
                     [h for h in headers if h[0] != "X-Amz-Date"])

    def test_date_sent_twice(self):
        self.refused("IncompleteSignatureException", "basic format",
                     change_headers=lambda headers: headers + [headers[1]])

    def test_date_of_another_form(self):
        self.refused("IncompleteSignatureException", "basic format",
                     change_headers=lambda headers:
                     [(name, "2025-01-01T00:00:00Z" if name == "X-Amz-Date"
                       else value) for name, value in headers])

    def test_header_changed_after_signing(self):
        self.refused("InvalidSignatureException", "does not match",
                     change_headers=lambda headers:
                     [(name, value.replace("ListKeys", "ListAliases"))
                      if name == "X-Amz-Target" else (name, value)
                      for name, value in headers])

    def test_body_changed_after_signing(self):
        self.refused("InvalidSignatureException", "does not match",
                     body=b'{"Limit":1}')

    def test_signed_header_that_was_not_sent(self):
        self.refused("InvalidSignatureException", "does not match",
                     change_authorization=lambda value:
                     value.replace("SignedHeaders=", "SignedHeaders=accept;"))

    def test_mismatch_shows_the_canonical_request(self):
        self.refused("InvalidSignatureException", "POST\n/\n\ncontent-type:",
                     body=b"{ }")

    def test_each_header_must_be_signed(self):
        names = ["content-type", "host", "x-amz-date", "x-amz-target"]
        for left_out in names:
            with self.subTest(left_out):
                rest = [name for name in names if name != left_out]
                self.refused("InvalidSignatureException",
                             "must be a 'SignedHeader'", signed=rest)

    def test_other_x_amz_header_must_be_signed(self):
        self.refused("InvalidSignatureException", "'x-amz-more' must be",
                     change_headers=lambda headers:
                     headers + [("X-Amz-More", "1")])

    def test_wrong_secret(self):
        self.client.secret_key = "wrong"
        self.refused("InvalidSignatureException", "does not match")

    def test_unknown_access_key(self):
        self.client.access_key = "AKIDNOBODY"
        self.refused("UnrecognizedClientException", "token")

    def test_other_region(self):
        self.client.region = "us-east-1"
        self.refused("InvalidSignatureException",
                     "valid region, not 'us-east-1'")

    def test_other_service(self):
        self.client.service = "sts"
        self.refused("InvalidSignatureException", "correct service: 'kms'")

    def test_other_terminator(self):
        self.refused("InvalidSignatureException", "valid terminator",
                     change_authorization=lambda value:
                     value.replace("aws4_request", "aws5_request"))

    def test_scope_of_another_day(self):
        def yesterday(value):
            scope = value.index("/") + 1
            return value[:scope] + "20150830" + value[scope + 8:]
        self.refused("InvalidSignatureException", "Date in Credential scope",
                     change_authorization=yesterday)

    def test_runs_of_spaces_in_a_value_do_not_matter(self):
        def spaced(headers):
            return [(name, value.replace("=1; max", "=1;   max"))
                    for name, value in headers]
        headers = self.client.base_headers("ListKeys")
        headers.append(("amz-sdk-request", "attempt=1; max=3"))
        value = self.client.authorization(headers, b"{}")
        headers = spaced(headers) + [("Authorization", value)]
        self.assertEqual(self.client.send(headers, b"{}").status, 200)


class Clock(TestCase):
    def test_within_five_minutes(self):
        for skew_s in (-290, 290):
            with self.subTest(skew_s):
                response = self.client.call("ListKeys", skew_s)
                self.assertEqual(response.status, 200)

    def test_client_is_slow(self):
        response = self.client.call("ListKeys", skew_s=-310)
        self.assertEqual(response.code, "InvalidSignatureException")
        self.assertRegex(response.json["message"],
                         r"^Signature expired: \d{8}T\d{6}Z is now earlier "
                         r"than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)")

    def test_client_is_fast(self):
        response = self.client.call("ListKeys", skew_s=310)
        self.assertEqual(response.code, "InvalidSignatureException")
        self.assertRegex(response.json["message"],
                         r"^Signature not yet current: \d{8}T\d{6}Z is still")

    def test_service_with_a_clock_of_its_own(self):
        self.double.do("clock", seconds=3600)
        refused = self.client.call("ListKeys")
        self.assertEqual(refused.code, "InvalidSignatureException")
        accepted = self.client.call("ListKeys", skew_s=3600)
        self.assertEqual(accepted.status, 200)


class Tokens(TestCase):
    """Temporary credentials."""

    def setUp(self):
        super().setUp()
        self.double.do("identity", what="add", access_key="ASIATEMP",
                       secret_key="temporary", token="tok//en+==")
        self.addCleanup(self.double.do, "identity", what="remove",
                        access_key="ASIATEMP")

    def temporary(self, token):
        return Client(self.double, "ASIATEMP", "temporary", token)

    def test_right_token(self):
        self.assertEqual(self.temporary("tok//en+==").call("ListKeys").status,
                         200)

    def test_wrong_and_missing_token(self):
        for token in ("other", ""):
            with self.subTest(token):
                response = self.temporary(token).call("ListKeys")
                self.assertEqual(response.code, "UnrecognizedClientException")

    def test_token_for_a_key_that_has_none(self):
        self.client.token = "tok//en+=="
        self.assertEqual(self.client.call("ListKeys").code,
                         "UnrecognizedClientException")

    def test_token_must_be_signed(self):
        client = self.temporary("tok//en+==")
        headers = client.base_headers("ListKeys")
        value = client.authorization(headers[:-1], b"{}")
        response = client.send(headers + [("Authorization", value)], b"{}")
        self.assertEqual(response.code, "InvalidSignatureException")

    def test_expired(self):
        self.double.do("identity", what="expire", access_key="ASIATEMP")
        response = self.temporary("tok//en+==").call("ListKeys")
        self.assertEqual((response.status, response.code),
                         (400, "ExpiredTokenException"))


if __name__ == "__main__":
    unittest.main()
