# SPDX-License-Identifier: Apache-2.0
"""MACs, key agreement, and keys that are in several Regions."""

import base64
import hmac
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness import Client, Double, REGION, TestCase, b64


def der(public):
    return public.public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


class Macs(TestCase):
    def test_generate_and_verify(self):
        made = self.ok("GenerateMac", KeyId="alias/hmac256", Message=b64(b"m"),
                       MacAlgorithm="HMAC_SHA_256")
        self.assertEqual(len(base64.b64decode(made["Mac"])), 32)
        self.assertEqual(made["KeyId"], self.arn("alias/hmac256"))
        self.assertTrue(self.ok("VerifyMac", KeyId="alias/hmac256",
                                Message=b64(b"m"), Mac=made["Mac"],
                                MacAlgorithm="HMAC_SHA_256")["MacValid"])
        self.fails("KMSInvalidMacException", "VerifyMac",
                   KeyId="alias/hmac256", Message=b64(b"n"), Mac=made["Mac"],
                   MacAlgorithm="HMAC_SHA_256")

    def test_refuses(self):
        for code, members in (
                ("InvalidKeyUsageException", {"KeyId": "alias/sym"}),
                ("InvalidKeyUsageException",
                 {"MacAlgorithm": "HMAC_SHA_384"}),
                ("ValidationException", {"MacAlgorithm": "HMAC_MD5"}),
                ("ValidationException", {"Message": b64(bytes(4097))}),
                ("ValidationException", {"Message": ""})):
            with self.subTest(members):
                self.fails(code, "GenerateMac",
                           **{"KeyId": "alias/hmac256", "Message": "YQ==",
                              "MacAlgorithm": "HMAC_SHA_256", **members})
        self.fails("UnsupportedOperationException", "GetPublicKey",
                   KeyId="alias/hmac256")


class Agreement(TestCase):
    def test_both_sides_agree(self):
        mine = ec.generate_private_key(ec.SECP256R1())
        reply = self.ok("DeriveSharedSecret", KeyId="alias/agree",
                        KeyAgreementAlgorithm="ECDH",
                        PublicKey=b64(der(mine.public_key())))
        public = self.ok("GetPublicKey", KeyId="alias/agree")
        self.assertEqual(public["KeyAgreementAlgorithms"], ["ECDH"])
        theirs = serialization.load_der_public_key(
            base64.b64decode(public["PublicKey"]))
        self.assertTrue(hmac.compare_digest(
            base64.b64decode(reply["SharedSecret"]),
            mine.exchange(ec.ECDH(), theirs)))

    def test_refuses(self):
        other = der(ec.generate_private_key(ec.SECP384R1()).public_key())
        mine = der(ec.generate_private_key(ec.SECP256R1()).public_key())
        for code, members in (
                ("ValidationException", {"PublicKey": b64(other)}),
                ("ValidationException", {"PublicKey": b64(b"nonsense")}),
                ("InvalidKeyUsageException", {"KeyId": "alias/p256"}),
                ("ValidationException", {"KeyAgreementAlgorithm": "DH"})):
            with self.subTest(members):
                self.fails(code, "DeriveSharedSecret",
                           **{"KeyId": "alias/agree", "PublicKey": b64(mine),
                              "KeyAgreementAlgorithm": "ECDH", **members})


class Regions(unittest.TestCase):
    def setUp(self):
        self.double = Double()
        self.addCleanup(self.double.stop)
        self.here = Client(self.double)
        self.there = Client(self.double)
        self.there.region = "us-east-1"

    def test_replica(self):
        arn = self.double.do("create", multi_region=True)["arn"]
        response = self.there.call("DescribeKey", KeyId=arn)
        self.assertEqual(response.code, "InvalidSignatureException")
        replica = self.double.do("replicate", key=arn,
                                 region="us-east-1")["arn"]
        self.assertEqual(replica, arn.replace(REGION, "us-east-1"))
        blob = self.here.call("Encrypt", KeyId=arn,
                              Plaintext="YWJj").json["CiphertextBlob"]
        opened = self.there.call("Decrypt", KeyId=replica,
                                 CiphertextBlob=blob).json
        self.assertEqual(opened["KeyId"], replica)
        self.assertEqual(opened["Plaintext"], "YWJj")
        self.assertEqual(self.there.call("DescribeKey", KeyId=arn).code,
                         "NotFoundException")

    def test_outage(self):
        arn = self.double.do("create", multi_region=True)["arn"]
        self.double.do("replicate", key=arn, region="us-east-1")
        self.double.do("outage", region=REGION)
        self.assertEqual(self.here.call("DescribeKey", KeyId=arn).status, 503)
        replica = arn.replace(REGION, "us-east-1")
        self.assertEqual(self.there.call("DescribeKey", KeyId=replica).status,
                         200)
        self.double.do("outage", region=REGION, end=True)
        self.assertEqual(self.here.call("DescribeKey", KeyId=arn).status, 200)


if __name__ == "__main__":
    unittest.main()
