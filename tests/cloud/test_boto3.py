# SPDX-License-Identifier: Apache-2.0
"""The service's own client library against the double.

It keeps the double honest: it signs, parses and retries as it would with the
service, and its signatures are checked by the cryptography package.
"""

import hashlib
import unittest

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from harness import ACCESS_KEY, REGION, SECRET_KEY, TestCase

CONTEXT = {"tenant": "acme"}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(),
          "512": hashes.SHA512()}
RSA_ALGORITHMS = [f"RSASSA_{scheme}_SHA_{bits}"
                  for scheme in ("PSS", "PKCS1_V1_5") for bits in HASHES]


def connect(double, secret_key=SECRET_KEY, attempts=1, token=None,
            access_key=ACCESS_KEY):
    return boto3.client(
        "kms", region_name=REGION, endpoint_url=double.endpoint,
        aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        aws_session_token=token,
        config=Config(retries={"mode": "standard",
                               "total_max_attempts": attempts}))


class Boto3(TestCase):
    def setUp(self):
        super().setUp()
        self.kms = self.connect()

    def connect(self, **options):
        kms = connect(self.double, **options)
        self.addCleanup(kms.close)
        return kms

    def refused(self, name, call, **members):
        with self.assertRaises(ClientError) as caught:
            call(**members)
        error = caught.exception
        self.assertEqual(error.response["Error"]["Code"], name)
        metadata = error.response["ResponseMetadata"]
        self.assertTrue(metadata["RequestId"])
        return error

    def test_describe(self):
        metadata = self.kms.describe_key(KeyId="alias/sym")["KeyMetadata"]
        self.assertEqual(metadata["KeyState"], "Enabled")
        self.assertEqual(metadata["CreationDate"].year, 2000
                         + metadata["CreationDate"].year % 100)

    def test_encrypt_and_decrypt_with_context(self):
        sealed = self.kms.encrypt(KeyId="alias/sym", Plaintext=b"secret",
                                  EncryptionContext=CONTEXT)
        opened = self.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"],
                                  KeyId="alias/sym",
                                  EncryptionContext=CONTEXT)
        self.assertEqual(opened["Plaintext"], b"secret")
        self.assertEqual(opened["KeyId"], sealed["KeyId"])
        self.refused("InvalidCiphertextException", self.kms.decrypt,
                     CiphertextBlob=sealed["CiphertextBlob"])

    def test_generate_data_key(self):
        made = self.kms.generate_data_key(KeyId="alias/sym",
                                          KeySpec="AES_256",
                                          EncryptionContext=CONTEXT)
        opened = self.kms.decrypt(CiphertextBlob=made["CiphertextBlob"],
                                  EncryptionContext=CONTEXT)
        self.assertEqual(opened["Plaintext"], made["Plaintext"])
        self.assertEqual(len(made["Plaintext"]), 32)

    def test_re_encrypt_rsa(self):
        sealed = self.kms.encrypt(KeyId="alias/oaep", Plaintext=b"secret",
                                  EncryptionAlgorithm="RSAES_OAEP_SHA_256")
        moved = self.kms.re_encrypt(
            CiphertextBlob=sealed["CiphertextBlob"],
            SourceKeyId="alias/oaep",
            SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
            DestinationKeyId="alias/sym")
        opened = self.kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])
        self.assertEqual(opened["Plaintext"], b"secret")

    def test_encrypt_with_the_public_key(self):
        """What a client encrypts by itself, the service decrypts."""
        public = self.public_key("alias/oaep")
        for name, hash_ in (("RSAES_OAEP_SHA_1", hashes.SHA1()),
                            ("RSAES_OAEP_SHA_256", hashes.SHA256())):
            blob = public.encrypt(b"secret", padding.OAEP(
                padding.MGF1(hash_), hash_, None))
            opened = self.kms.decrypt(KeyId="alias/oaep", CiphertextBlob=blob,
                                      EncryptionAlgorithm=name)
            self.assertEqual(opened["Plaintext"], b"secret")

    def public_key(self, alias):
        reply = self.kms.get_public_key(KeyId=alias)
        return serialization.load_der_public_key(reply["PublicKey"])

    def sign(self, alias, algorithm, message, kind):
        return self.kms.sign(KeyId=alias, Message=message, MessageType=kind,
                             SigningAlgorithm=algorithm)["Signature"]

    def check(self, alias, algorithm, message, signature):
        hash_ = HASHES[algorithm[-3:]]
        public = self.public_key(alias)
        if "ECDSA" in algorithm:
            public.verify(signature, message, ec.ECDSA(hash_))
            return
        scheme = padding.PKCS1v15()
        if "PSS" in algorithm:
            scheme = padding.PSS(padding.MGF1(hash_), hash_.digest_size)
        self.assertEqual(len(signature), public.key_size // 8)
        public.verify(signature, message, scheme, hash_)

    def sign_and_check(self, alias, algorithm):
        message = b"message of " + algorithm.encode()
        digest = hashlib.new("sha" + algorithm[-3:], message).digest()
        for data, kind in ((message, "RAW"), (digest, "DIGEST")):
            with self.subTest(f"{alias} {algorithm} {kind}"):
                signature = self.sign(alias, algorithm, data, kind)
                self.check(alias, algorithm, message, signature)

    def test_sign_rsa(self):
        for bits in (2048, 3072, 4096):
            for algorithm in RSA_ALGORITHMS:
                self.sign_and_check(f"alias/rsa{bits}", algorithm)

    def test_sign_ecdsa(self):
        for alias, bits in (("p256", 256), ("p384", 384), ("p521", 512),
                            ("k256", 256)):
            self.sign_and_check(f"alias/{alias}", f"ECDSA_SHA_{bits}")

    def test_ecdsa_is_der(self):
        signature = self.sign("alias/p384", "ECDSA_SHA_384", b"m", "RAW")
        r, s = utils.decode_dss_signature(signature)
        self.assertEqual(utils.encode_dss_signature(r, s), signature)

    def test_sign_ed25519(self):
        signature = self.sign("alias/ed25519", "ED25519_SHA_512", b"m", "RAW")
        self.public_key("alias/ed25519").verify(signature, b"m")

    def test_verify(self):
        signature = self.sign("alias/p256", "ECDSA_SHA_256", b"m", "RAW")
        how = {"KeyId": "alias/p256", "Message": b"m",
               "SigningAlgorithm": "ECDSA_SHA_256"}
        self.assertIs(self.kms.verify(Signature=signature,
                                      **how)["SignatureValid"], True)
        self.refused("KMSInvalidSignatureException", self.kms.verify,
                     Signature=b"nonsense", **how)

    def test_life_of_a_key(self):
        key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        use = {"KeyId": key_id, "Plaintext": b"a"}
        self.kms.disable_key(KeyId=key_id)
        with self.assertRaises(self.kms.exceptions.DisabledException):
            self.kms.encrypt(**use)
        self.kms.enable_key(KeyId=key_id)
        self.kms.encrypt(**use)
        self.kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        with self.assertRaises(self.kms.exceptions.KMSInvalidStateException):
            self.kms.encrypt(**use)
        self.kms.cancel_key_deletion(KeyId=key_id)
        self.refused("DisabledException", self.kms.encrypt, **use)

    def test_lists(self):
        pages = self.kms.get_paginator("list_aliases").paginate(
            PaginationConfig={"PageSize": 3})
        names = [each["AliasName"] for page in pages
                 for each in page["Aliases"]]
        self.assertIn("alias/sym", names)
        self.assertGreater(len(names), 3)
        self.assertEqual(len(names), len(set(names)))

    def test_aliases(self):
        key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.kms.create_alias(AliasName="alias/boto", TargetKeyId=key_id)
        self.addCleanup(self.kms.delete_alias, AliasName="alias/boto")
        self.kms.update_alias(
            AliasName="alias/boto",
            TargetKeyId=self.kms.create_key()["KeyMetadata"]["KeyId"])
        self.refused("AlreadyExistsException", self.kms.create_alias,
                     AliasName="alias/boto", TargetKeyId=key_id)

    def test_access_denied_has_its_text(self):
        self.double.order("deny")
        error = self.refused("AccessDeniedException", self.kms.encrypt,
                             KeyId="alias/sym", Plaintext=b"a")
        self.assertIn("not authorized to perform: kms:Encrypt", str(error))

    def test_wrong_secret(self):
        self.refused("InvalidSignatureException",
                     self.connect(secret_key="wrong").list_keys)

    def test_temporary_credentials(self):
        who = {"access_key": "ASIABOTO", "secret_key": "s", "token": "t=="}
        self.double.do("identity", what="add", **who)
        self.connect(**who).list_keys()
        self.double.do("identity", what="expire", access_key="ASIABOTO")
        self.refused("ExpiredTokenException", self.connect(**who).list_keys)
        self.double.do("identity", what="remove", access_key="ASIABOTO")
        self.refused("UnrecognizedClientException",
                     self.connect(**who).list_keys)

    def test_retries_of_the_library(self):
        kms = self.connect(attempts=2)
        for kind, argument in (("throttle", ""), ("fail", "500"),
                               ("fail", "503"), ("cut", "before")):
            with self.subTest(kind + argument):
                self.double.do("reset")
                self.double.order(kind, argument, count=1)
                kms.describe_key(KeyId="alias/sym")
                self.assertEqual(self.double.calls("DescribeKey"), 2)

    def test_gives_up_retrying(self):
        self.double.order("throttle")
        self.refused("ThrottlingException",
                     self.connect(attempts=2).list_keys)
        self.assertEqual(self.double.calls(), 2)


if __name__ == "__main__":
    unittest.main()
