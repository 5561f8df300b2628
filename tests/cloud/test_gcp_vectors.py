# SPDX-License-Identifier: Apache-2.0
"""The pure parts of the Google Cloud double against known answers."""

import base64
import json
import os
import unittest
from types import SimpleNamespace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from frame import jose
from frame.errors import ServiceError
from frame.testing import HERE
from gcp import awssubject, material, names, shapes
from gcp.accounts import Accounts, AwsKey, Provider
from gcp.crc32c import crc32c
from gcp.errors import OAuthError
from gcp.specs import ALGORITHMS

with open(os.path.join(HERE, os.pardir, "vectors", "cloudkms.json"),
          encoding="utf-8") as file:
    VECTORS = json.load(file)


def unb64(text):
    return base64.b64decode(text, validate=True)


def number(jwk, name):
    return int.from_bytes(jose.decode(jwk[name]), "big")


def rsa_key():
    jwk = VECTORS["rsa"]
    p, q, d = (number(jwk, name) for name in "pqd")
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(number(jwk, "e"), number(jwk, "n"))
    ).private_key()


def ec_key():
    return ec.derive_private_key(number(VECTORS["ec"], "d"), ec.SECP256R1())


def ed25519_key():
    return ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex(VECTORS["ed25519_seed"]))


KEYS = {"rsa": rsa_key, "ec": ec_key, "ed25519": ed25519_key,
        "EC_SIGN_P256_SHA256": ec_key, "EC_SIGN_ED25519": ed25519_key,
        "RSA_SIGN_PKCS1_2048_SHA256": rsa_key}


class Crypto(unittest.TestCase):
    def test_crc32c(self):
        for data, wanted in VECTORS["crc32c"]:
            self.assertEqual(str(crc32c(bytes.fromhex(data))), wanted)
        self.assertEqual(crc32c(bytes(65536)), 0x72C0C4A4)

    def test_public_keys(self):
        for each in VECTORS["public_keys"]:
            pem = material.public_bytes(KEYS[each["key"]](), "PEM")
            self.assertEqual(str(crc32c(pem)), each["pem_crc32c"])

    def test_signatures(self):
        for each in VECTORS["sign"]:
            with self.subTest(each["algorithm"]):
                kind = "digest" if "digest" in each else "data"
                data = unb64(each[kind])
                self.assertEqual(str(crc32c(data)), each[kind + "_crc32c"])
                signature = unb64(each["signature"])
                self.assertEqual(str(crc32c(signature)),
                                 each["signature_crc32c"])
                private = KEYS[each["algorithm"]]()
                if each["deterministic"]:
                    self.assertEqual(signature, material.sign(
                        ALGORITHMS[each["algorithm"]], private, data))
                else:
                    private.public_key().verify(signature, data, ec.ECDSA(
                        utils.Prehashed(hashes.SHA256())))

    def test_raw_pkcs1_is_pkcs1_without_the_prefix(self):
        each = VECTORS["sign"][1]
        prefix = bytes.fromhex("3031300d060960864801650304020105000420")
        self.assertEqual(unb64(each["signature"]), material.sign(
            ALGORITHMS["RSA_SIGN_RAW_PKCS1_2048"], rsa_key(),
            prefix + unb64(each["digest"])))

    def test_oaep(self):
        each = VECTORS["decrypt"]
        self.assertEqual(unb64(each["plaintext"]), material.oaep_decrypt(
            ALGORITHMS[each["algorithm"]], rsa_key(),
            unb64(each["ciphertext"])))

    def test_mac_and_raw_aes(self):
        each = VECTORS["mac"]
        self.assertEqual(unb64(each["mac"]), material.mac(
            ALGORITHMS[each["algorithm"]], bytes.fromhex(each["key"]),
            unb64(each["data"])))
        each = VECTORS["raw"]
        self.assertEqual(unb64(each["ciphertext"]), material.raw_encrypt(
            ALGORITHMS[each["algorithm"]], bytes.fromhex(each["key"]),
            unb64(each["iv"]), unb64(each["plaintext"]),
            unb64(each["aad"])))


class Tokens(unittest.TestCase):
    """The frame's JSON Web Tokens, as Google's clients make them."""

    def test_made(self):
        vector = VECTORS["tokens"]
        header = {"alg": "RS256", "typ": "JWT", "kid": vector["kid"]}
        for name in ("assertion", "self_signed"):
            self.assertEqual(vector[name], jose.sign(
                rsa_key(), header, vector[name + "_claims"]))

    def test_verified(self):
        vector = VECTORS["tokens"]
        token = jose.parse(vector["assertion"])
        jose.verify(token, rsa_key().public_key(), ("RS256",))
        self.assertEqual(token.claims, vector["assertion_claims"])
        other = rsa.generate_private_key(65537, 2048).public_key()
        for public in (other, ec_key().public_key()):
            with self.assertRaises(jose.BadToken):
                jose.verify(token, public, ("RS256",))


class AwsSubject(unittest.TestCase):
    """The request that an AWS workload signs."""
    ARN = "arn:aws:sts::111122223333:assumed-role/r/s"

    def setUp(self):
        vector = VECTORS["aws"]
        self.text = vector["subject_token"]
        self.now = vector["time"]
        accounts = Accounts()
        accounts.add(AwsKey(vector["access_key"], vector["secret_key"], "",
                            self.ARN))
        self.world = SimpleNamespace(accounts=accounts,
                                     now=lambda: self.now)
        self.provider = Provider(vector["provider"], "aws",
                                 account="111122223333")

    def verify(self, text=None):
        return awssubject.verify(self.world, self.provider,
                                 self.text if text is None else text)

    def refused(self, reason, text=None):
        with self.assertRaises(OAuthError) as caught:
            self.verify(text)
        self.assertIn(reason, caught.exception.message)

    def test_the_vector(self):
        self.assertEqual(self.verify(), self.ARN)

    def test_a_quarter_of_an_hour(self):
        for offset in (-899, 899):
            self.now = VECTORS["aws"]["time"] + offset
            self.verify()
        for offset in (-901, 901):
            self.now = VECTORS["aws"]["time"] + offset
            self.refused("expired or not yet current")

    def test_changed(self):
        for old, new, reason in (
                ("9e722e5b", "9e722e5c", "does not match the signature"),
                ("Version%3D2011", "Version%3D2012", "no GetCallerIdentity"),
                ("us-east-2.amazonaws.com%22%7D",
                 "us-east-1.amazonaws.com%22%7D", "no GetCallerIdentity"),
                ("sts.us-east-2.amazonaws.com", "sts.us-east-2.example.com",
                 "no GetCallerIdentity"),
                ("%22POST%22", "%22GET%22", "no GetCallerIdentity"),
                ("https%3A//", "http%3A//", "no GetCallerIdentity"),
                ("/us-east-2/sts/", "/us-east-2/kms/", "not signed for STS"),
                ("/us-east-2/sts/", "/us-east-1/sts/", "valid region"),
                ("/20200811/", "/20200812/", "scope does not match"),
                ("host%3Bx-amz-date%2C", "x-amz-date%2C", "must be signed"),
                ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLX",
                 "security token"),
                ("providers/PROVIDER_ID", "providers/OTHER", "the audience"),
                ("x-goog-cloud-target-resource", "x-other", "the audience"),
                ("20200811T065522Z", "2020-08-11", "malformed"),
                ("%22headers%22", "%22header%22", "Unable to parse"),
                ("%7B%22headers", "%7B%7B%22headers", "Unable to parse")):
            with self.subTest(new):
                self.assertIn(old, self.text)
                self.refused(reason, self.text.replace(old, new))

    def test_a_session_token_must_be_sent_and_signed(self):
        key = self.world.accounts.aws_key(VECTORS["aws"]["access_key"])
        key.token = "session"
        self.refused("security token")

    def test_another_account(self):
        self.provider.account = "999999999999"
        self.refused("AWS account 111122223333 is not allowed")


class Requests(unittest.TestCase):
    def test_names(self):
        text = ("projects/p-1/locations/us-east1/keyRings/r/cryptoKeys/K_1/"
                "cryptoKeyVersions/10")
        name = names.parse(text)
        self.assertEqual((str(name), name.kind), (text, "version"))
        self.assertEqual([each.kind for each in name.lineage()],
                         ["version", "key", "ring", "location", "project"])
        for bad in ("", "projects/", text + "/", text + "x", "/" + text,
                    text.replace("/10", "/0"), text.replace("/10", "/-1"),
                    text.replace("K_1", "K 1"), text.replace("K_1", "K" * 64),
                    text.replace("keyRings", "keyrings"),
                    "projects/p/keyRings/r"):
            with self.assertRaises(ServiceError):
                names.parse(bad)
        with self.assertRaises(ServiceError):
            names.parse(text, "key")

    def test_bytes(self):
        for text, wanted in (("", b""), ("+/8=", b"\xfb\xff"),
                             ("-_8=", b"\xfb\xff"), ("-_8", b"\xfb\xff")):
            self.assertEqual(shapes.read_bytes("x", text), wanted)
        for bad in (1, None, True, "a", "a b=", "****", "YQ==\n", []):
            with self.assertRaises(ServiceError):
                shapes.read_bytes("x", bad)

    def test_numbers(self):
        for given, wanted in (("0", 0), ("4294967295", 4294967295), (7, 7),
                              ("-1", -1), ("9223372036854775807", 2**63 - 1)):
            self.assertEqual(shapes.read_int64("x", given), wanted)
        for bad in ("", "1.0", "1e3", " 1", True, 1.5, "9223372036854775808",
                    "0x1", None, []):
            with self.assertRaises(ServiceError):
                shapes.read_int64("x", bad)
        with self.assertRaises(ServiceError):
            shapes.read_int32("x", 2 ** 31)

    def test_json(self):
        self.assertEqual(shapes.parse_json(b""), {})
        for bad in (b"[]", b"1", b"{", b'{"a":1,"a":2}', b'{"a":NaN}',
                    b"\xff", b'{"a":{"b":1,"b":1}}'):
            with self.assertRaises(ServiceError):
                shapes.parse_json(bad)

    def test_members(self):
        shape = {"plaintextCrc32c": shapes.read_int64,
                 "digest": shapes.message(sha256=shapes.read_bytes)}
        self.assertEqual(shapes.check(shape, {"plaintext_crc32c": "1",
                                              "digest": None}),
                         {"plaintextCrc32c": 1})
        for bad in ({"other": 1}, {"digest": {"sha1": ""}}, {"digest": []},
                    {"plaintext_crc32c": "1", "plaintextCrc32c": "1"}):
            with self.assertRaises(ServiceError):
                shapes.check(shape, bad)

    def test_defaults_are_left_out(self):
        self.assertEqual(
            shapes.prune({"a": False, "b": 0, "c": "", "d": b"", "e": [],
                          "f": None, "crc": "0", "g": {"h": "", "i": 1}}),
            {"crc": "0", "g": {"i": 1}})
