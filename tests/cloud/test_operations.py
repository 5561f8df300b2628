# SPDX-License-Identifier: Apache-2.0
"""Each operation on the wire: what it gives, and what it refuses."""

import base64
import hashlib
import unittest
import uuid

from harness import ACCOUNT, KEYS, REGION, TestCase, b64

CONTEXT = {"tenant": "acme", "purpose": "Prüfung"}


class Envelope(TestCase):
    """What every reply has, and what is no operation."""

    def test_unknown_operation(self):
        for target in ("TrentService.Nonsense", "Other.Encrypt", "Encrypt"):
            with self.subTest(target):
                headers = [(name, target if name == "X-Amz-Target" else value)
                           for name, value in self.client.base_headers("X")]
                response = self.client.send(headers, b"{}")
                self.assertEqual(response.code, "UnknownOperationException")
                self.assertEqual(response.status, 400)
                self.assertTrue(response.request_id)

    def test_other_content_type(self):
        headers = [(name, "application/json" if name == "Content-Type"
                    else value)
                   for name, value in self.client.base_headers("ListKeys")]
        response = self.client.send(headers, b"{}")
        self.assertEqual(response.code, "UnknownOperationException")

    def test_other_path_and_method(self):
        for path, method in (("/x", "POST"), ("/", "GET")):
            response = self.client.send([("Host", self.client.url.netloc)],
                                        b"", path, method)
            self.assertEqual(response.status, 404)
            self.assertTrue(response.request_id)

    def test_bad_json(self):
        for body in (b"", b"{", b"[]", b"null", b'{"KeyId":"\xff"}',
                     b"[" * 100000):
            with self.subTest(body[:20]):
                response = self.client.call_raw("Encrypt", body)
                self.assertEqual(response.code, "SerializationException")

    def test_wrong_types(self):
        for member in ({"KeyId": 1}, {"Plaintext": 1}, {"Plaintext": "%%"},
                       {"EncryptionContext": "a"}, {"GrantTokens": "a"},
                       {"EncryptionContext": {"a": {}}}, {"DryRun": "true"}):
            with self.subTest(member):
                self.fails("SerializationException", "Encrypt",
                           **{"KeyId": "alias/sym", "Plaintext": "YQ==",
                              **member})

    def test_unknown_members_are_ignored(self):
        self.ok("DescribeKey", KeyId="alias/sym", Novelty={"a": [1]})

    def test_null_is_missing(self):
        text = self.fails("ValidationException", "Encrypt", KeyId=None,
                          Plaintext="YQ==")
        self.assertEqual(text, "1 validation error detected: Value null at "
                         "'keyId' failed to satisfy constraint: Member must "
                         "not be null")

    def test_several_problems_at_once(self):
        text = self.fails("ValidationException", "Sign", KeyId="")
        self.assertRegex(text, "^3 validation errors detected: ")

    def test_content_type_and_request_id(self):
        ids = set()
        for _ in range(2):
            response = self.client.call("ListKeys")
            self.assertEqual(response.headers["Content-Type"],
                             "application/x-amz-json-1.1")
            ids.add(str(uuid.UUID(response.request_id)))
        self.assertEqual(len(ids), 2)

    def test_dry_run_succeeds_as_an_error(self):
        self.fails("DryRunOperationException", "Encrypt", KeyId="alias/sym",
                   Plaintext="YQ==", DryRun=True)
        self.fails("NotFoundException", "Encrypt", KeyId="alias/none",
                   Plaintext="YQ==", DryRun=True)


class Naming(TestCase):
    """The four ways to name a key, and the ways to get it wrong."""

    def test_four_forms(self):
        arn = self.arn("alias/sym")
        alias_arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/sym"
        for form in (arn, self.key_id("alias/sym"), "alias/sym", alias_arn):
            with self.subTest(form):
                reply = self.ok("GenerateDataKey", KeyId=form,
                                KeySpec="AES_256")
                self.assertEqual(reply["KeyId"], arn)

    def test_multi_region_key(self):
        arn = self.new_key(multi_region=True)
        self.assertRegex(arn, "key/mrk-[0-9a-f]{32}$")
        self.ok("Encrypt", KeyId=arn.split("/")[1], Plaintext="YQ==")
        metadata = self.ok("DescribeKey", KeyId=arn)["KeyMetadata"]
        self.assertIs(metadata["MultiRegion"], True)

    def test_another_region(self):
        arn = self.arn("alias/sym").replace(REGION, "us-west-2")
        text = self.fails("NotFoundException", "DescribeKey", KeyId=arn)
        self.assertEqual(text, "Invalid arn us-west-2")

    def test_another_account(self):
        arn = self.arn("alias/sym").replace(ACCOUNT, "999999999999")
        self.fails("NotFoundException", "DescribeKey", KeyId=arn)

    def test_nobody(self):
        for ref in (str(uuid.uuid4()), "alias/none", "nonsense"):
            with self.subTest(ref):
                self.fails("NotFoundException", "DescribeKey", KeyId=ref)

    def test_malformed_arn(self):
        for ref in ("arn:aws:kms:x", f"arn:aws:s3:{REGION}:{ACCOUNT}:key/x",
                    f"arn:aws:kms:{REGION}:{ACCOUNT}:other/x"):
            with self.subTest(ref):
                self.fails("InvalidArnException", "DescribeKey", KeyId=ref)

    def test_operations_that_take_no_alias(self):
        for operation in ("EnableKey", "DisableKey", "ScheduleKeyDeletion"):
            self.fails("NotFoundException", operation, KeyId="alias/sym")


class Symmetric(TestCase):
    def encrypt(self, plaintext=b"secret", key="alias/sym", **members):
        return self.ok("Encrypt", KeyId=key, Plaintext=b64(plaintext),
                       **members)["CiphertextBlob"]

    def test_round_trip(self):
        blob = self.encrypt(EncryptionContext=CONTEXT)
        for ref in ({}, {"KeyId": "alias/sym"}):
            reply = self.ok("Decrypt", CiphertextBlob=blob,
                            EncryptionContext=dict(reversed(CONTEXT.items())),
                            **ref)
            self.assertEqual(base64.b64decode(reply["Plaintext"]), b"secret")
            self.assertEqual(reply["KeyId"], self.arn("alias/sym"))
            self.assertEqual(reply["EncryptionAlgorithm"],
                             "SYMMETRIC_DEFAULT")
            self.assertRegex(reply["KeyMaterialId"], "^[0-9a-f]{64}$")

    def test_context_must_be_the_same(self):
        blob = self.encrypt(EncryptionContext=CONTEXT)
        for other in (None, {}, {"tenant": "acme"}, {**CONTEXT, "more": ""},
                      {**CONTEXT, "tenant": "Acme"},
                      {"tenantacme": "", "purpose": "Prüfung"}):
            with self.subTest(other):
                text = self.fails("InvalidCiphertextException", "Decrypt",
                                  CiphertextBlob=blob,
                                  EncryptionContext=other)
                self.assertIsNone(text)

    def test_no_context_and_an_empty_one_are_equal(self):
        blob = self.encrypt()
        self.ok("Decrypt", CiphertextBlob=blob, EncryptionContext={})

    def test_context_of_other_scalars(self):
        blob = self.encrypt(EncryptionContext={"n": 1, "b": True})
        self.ok("Decrypt", CiphertextBlob=blob,
                EncryptionContext={"n": "1", "b": "true"})

    def test_every_byte_of_the_blob_counts(self):
        blob = base64.b64decode(self.encrypt())
        for position in [*range(0, len(blob), 13), len(blob) - 1]:
            spoilt = bytearray(blob)
            spoilt[position] ^= 1
            response = self.client.call("Decrypt", KeyId="alias/sym",
                                        CiphertextBlob=b64(bytes(spoilt)))
            self.assertIn(response.code, ("InvalidCiphertextException",
                                          "IncorrectKeyException"))

    def test_truncated_blob(self):
        blob = base64.b64decode(self.encrypt())
        for length in (1, 4, 36, 48, 49, 100, len(blob) - 1):
            with self.subTest(length):
                self.fails("InvalidCiphertextException", "Decrypt",
                           CiphertextBlob=b64(blob[:length]))

    def test_sizes(self):
        lengths = {len(base64.b64decode(self.encrypt(bytes(32))))
                   for _ in range(12)}
        self.assertGreater(len(lengths), 1, "a client may not count on one")
        self.assertLessEqual(max(lengths), 32 + 162)
        self.encrypt(bytes(4096))
        for length in (0, 4097):
            self.fails("ValidationException", "Encrypt", KeyId="alias/sym",
                       Plaintext=b64(bytes(length)))
        for length in (0, 6145):
            self.fails("ValidationException", "Decrypt",
                       CiphertextBlob=b64(bytes(length)))

    def test_wrong_key(self):
        self.fails("IncorrectKeyException", "Decrypt", KeyId="alias/sym2",
                   CiphertextBlob=self.encrypt())

    def test_key_is_gone(self):
        arn = self.new_key()
        blob = self.encrypt(key=arn)
        self.double.do("delete", key=arn)
        self.fails("NotFoundException", "Decrypt", KeyId=arn,
                   CiphertextBlob=blob)
        text = self.fails("AccessDeniedException", "Decrypt",
                          CiphertextBlob=blob)
        self.assertRegex(text, "^The ciphertext refers to")

    def test_rotation(self):
        arn = self.new_key()
        old = self.encrypt(key=arn)
        self.double.do("rotate", key=arn)
        first = self.ok("Decrypt", CiphertextBlob=old)
        second = self.ok("Decrypt", CiphertextBlob=self.encrypt(key=arn))
        self.assertEqual(first["Plaintext"], second["Plaintext"])
        self.assertNotEqual(first["KeyMaterialId"], second["KeyMaterialId"])

    def test_signing_key_does_not_encrypt(self):
        self.fails("InvalidKeyUsageException", "Encrypt",
                   KeyId="alias/rsa2048", Plaintext="YQ==",
                   EncryptionAlgorithm="RSAES_OAEP_SHA_256")

    def test_algorithm_of_another_kind_of_key(self):
        self.fails("InvalidKeyUsageException", "Encrypt", KeyId="alias/sym",
                   Plaintext="YQ==", EncryptionAlgorithm="RSAES_OAEP_SHA_1")

    def test_re_encrypt(self):
        blob = self.encrypt(EncryptionContext=CONTEXT)
        reply = self.ok("ReEncrypt", CiphertextBlob=blob,
                        SourceEncryptionContext=CONTEXT,
                        DestinationKeyId="alias/sym2",
                        DestinationEncryptionContext={"new": "one"})
        self.assertEqual(reply["SourceKeyId"], self.arn("alias/sym"))
        self.assertEqual(reply["KeyId"], self.arn("alias/sym2"))
        plain = self.ok("Decrypt", CiphertextBlob=reply["CiphertextBlob"],
                        KeyId="alias/sym2", EncryptionContext={"new": "one"})
        self.assertEqual(base64.b64decode(plain["Plaintext"]), b"secret")

    def test_re_encrypt_with_the_wrong_source(self):
        blob = self.encrypt()
        self.fails("IncorrectKeyException", "ReEncrypt", CiphertextBlob=blob,
                   SourceKeyId="alias/sym2", DestinationKeyId="alias/sym")
        self.fails("InvalidCiphertextException", "ReEncrypt",
                   CiphertextBlob=blob, DestinationKeyId="alias/sym2",
                   SourceEncryptionContext={"a": "b"})

    def test_re_encrypt_what_does_not_fit(self):
        self.fails("ValidationException", "ReEncrypt",
                   CiphertextBlob=self.encrypt(bytes(191)),
                   DestinationKeyId="alias/oaep",
                   DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256")


class DataKeys(TestCase):
    def test_lengths(self):
        for how, length in (({"KeySpec": "AES_256"}, 32),
                            ({"KeySpec": "AES_128"}, 16),
                            ({"NumberOfBytes": 1}, 1),
                            ({"NumberOfBytes": 1024}, 1024)):
            with self.subTest(how):
                reply = self.ok("GenerateDataKey", KeyId="alias/sym", **how)
                self.assertEqual(len(base64.b64decode(reply["Plaintext"])),
                                 length)
                self.assertIn("KeyMaterialId", reply)

    def test_wrapped_key_opens(self):
        reply = self.ok("GenerateDataKey", KeyId="alias/sym",
                        KeySpec="AES_256", EncryptionContext=CONTEXT)
        opened = self.ok("Decrypt", CiphertextBlob=reply["CiphertextBlob"],
                         EncryptionContext=CONTEXT)
        self.assertEqual(opened["Plaintext"], reply["Plaintext"])

    def test_without_plaintext(self):
        reply = self.ok("GenerateDataKeyWithoutPlaintext", KeyId="alias/sym",
                        KeySpec="AES_256")
        self.assertNotIn("Plaintext", reply)
        self.assertIn("CiphertextBlob", reply)

    def test_both_neither_or_nonsense(self):
        for how in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32},
                    {"NumberOfBytes": 0}, {"NumberOfBytes": 1025},
                    {"KeySpec": "AES_192"}):
            with self.subTest(how):
                self.fails("ValidationException", "GenerateDataKey",
                           KeyId="alias/sym", **how)

    def test_asymmetric_key(self):
        for alias in ("alias/oaep", "alias/p256"):
            self.fails("InvalidKeyUsageException", "GenerateDataKey",
                       KeyId=alias, KeySpec="AES_256")


class Oaep(TestCase):
    HOW = {"KeyId": "alias/oaep", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}

    def test_round_trip_and_limits(self):
        for algorithm, limit in (("RSAES_OAEP_SHA_1", 214),
                                 ("RSAES_OAEP_SHA_256", 190)):
            with self.subTest(algorithm):
                how = {"KeyId": "alias/oaep",
                       "EncryptionAlgorithm": algorithm}
                blob = self.ok("Encrypt", Plaintext=b64(bytes(limit)),
                               **how)["CiphertextBlob"]
                self.assertEqual(len(base64.b64decode(blob)), 256)
                reply = self.ok("Decrypt", CiphertextBlob=blob, **how)
                self.assertEqual(reply["Plaintext"], b64(bytes(limit)))
                self.assertNotIn("KeyMaterialId", reply)
                self.fails("ValidationException", "Encrypt",
                           Plaintext=b64(bytes(limit + 1)), **how)

    def test_algorithm_and_key_must_be_named(self):
        blob = self.ok("Encrypt", Plaintext="YQ==",
                       **self.HOW)["CiphertextBlob"]
        self.fails("InvalidKeyUsageException", "Encrypt", KeyId="alias/oaep",
                   Plaintext="YQ==")
        self.fails("InvalidKeyUsageException", "Decrypt", KeyId="alias/oaep",
                   CiphertextBlob=blob)
        self.fails("ValidationException", "Decrypt", CiphertextBlob=blob,
                   EncryptionAlgorithm="RSAES_OAEP_SHA_256")

    def test_wrong_algorithm_and_damage(self):
        blob = self.ok("Encrypt", Plaintext="YQ==",
                       **self.HOW)["CiphertextBlob"]
        self.fails("InvalidCiphertextException", "Decrypt",
                   KeyId="alias/oaep", CiphertextBlob=blob,
                   EncryptionAlgorithm="RSAES_OAEP_SHA_1")
        for spoilt in (b"x", bytes(256), b"\xff" * 256):
            self.fails("InvalidCiphertextException", "Decrypt",
                       CiphertextBlob=b64(spoilt), **self.HOW)

    def test_no_context(self):
        self.fails("ValidationException", "Encrypt", Plaintext="YQ==",
                   EncryptionContext=CONTEXT, **self.HOW)


class Signing(TestCase):
    DIGEST = hashlib.sha256(b"message").digest()

    def sign(self, alias, algorithm, message, kind=None):
        return self.ok("Sign", KeyId=alias, SigningAlgorithm=algorithm,
                       Message=b64(message), MessageType=kind)["Signature"]

    def test_digest_and_raw_are_the_same_signature(self):
        for alias, algorithm in (("alias/p256", "ECDSA_SHA_256"),
                                 ("alias/rsa2048", "RSASSA_PSS_SHA_256")):
            signature = self.sign(alias, algorithm, self.DIGEST, "DIGEST")
            reply = self.ok("Verify", KeyId=alias, Signature=signature,
                            Message=b64(b"message"),
                            SigningAlgorithm=algorithm)
            self.assertIs(reply["SignatureValid"], True)
            self.assertEqual(reply["KeyId"], self.arn(alias))

    def test_bad_signature_is_an_error(self):
        signature = self.sign("alias/p256", "ECDSA_SHA_256", b"a", "RAW")
        for message, given in ((b"b", signature), (b"a", b64(b"rubbish"))):
            self.fails("KMSInvalidSignatureException", "Verify",
                       KeyId="alias/p256", Message=b64(message),
                       Signature=given, SigningAlgorithm="ECDSA_SHA_256")

    def test_length_of_the_digest(self):
        for length in (20, 31, 33, 48, 64):
            with self.subTest(length):
                text = self.fails(
                    "ValidationException", "Sign", KeyId="alias/p256",
                    SigningAlgorithm="ECDSA_SHA_256", MessageType="DIGEST",
                    Message=b64(bytes(length)))
                self.assertEqual(text, "Digest is invalid length for "
                                 "algorithm ECDSA_SHA_256.")

    def test_size_of_the_message(self):
        self.sign("alias/p256", "ECDSA_SHA_256", bytes(4096), "RAW")
        for length in (0, 4097):
            self.fails("ValidationException", "Sign", KeyId="alias/p256",
                       SigningAlgorithm="ECDSA_SHA_256",
                       Message=b64(bytes(length)))

    def test_algorithm_must_fit_the_key(self):
        for alias, algorithm in (("alias/p256", "ECDSA_SHA_384"),
                                 ("alias/p384", "ECDSA_SHA_256"),
                                 ("alias/rsa2048", "ECDSA_SHA_256"),
                                 ("alias/k256", "ECDSA_SHA_512"),
                                 ("alias/sym", "ECDSA_SHA_256"),
                                 ("alias/oaep", "RSASSA_PSS_SHA_256")):
            with self.subTest(alias):
                self.fails("InvalidKeyUsageException", "Sign", KeyId=alias,
                           SigningAlgorithm=algorithm, Message="YQ==")

    def test_algorithms_that_do_not_exist(self):
        for name in ("RSASSA_PKCS1_V1_5_SHA_1", "ECDSA_SHA_224", ""):
            self.fails("ValidationException", "Sign", KeyId="alias/p256",
                       SigningAlgorithm=name, Message="YQ==")

    def test_ed25519_is_raw_only(self):
        signature = self.sign("alias/ed25519", "ED25519_SHA_512", b"a")
        self.assertEqual(len(base64.b64decode(signature)), 64)
        self.fails("ValidationException", "Sign", KeyId="alias/ed25519",
                   SigningAlgorithm="ED25519_SHA_512", MessageType="DIGEST",
                   Message=b64(bytes(64)))

    def test_external_mu_is_for_other_keys(self):
        self.fails("ValidationException", "Sign", KeyId="alias/p256",
                   SigningAlgorithm="ECDSA_SHA_256", Message=b64(bytes(64)),
                   MessageType="EXTERNAL_MU")


class States(TestCase):
    """What each state of a key lets through."""

    def uses(self, arn):
        """One call of each kind that uses the key."""
        spec = self.ok("DescribeKey", KeyId=arn)["KeyMetadata"]["KeySpec"]
        if spec == "SYMMETRIC_DEFAULT":
            return [("Encrypt", {"KeyId": arn, "Plaintext": "YQ=="}),
                    ("GenerateDataKey", {"KeyId": arn, "KeySpec": "AES_256"}),
                    ("ReEncrypt", {"CiphertextBlob": self.blob,
                                   "DestinationKeyId": "alias/sym"}),
                    ("Decrypt", {"CiphertextBlob": self.blob}),
                    ("Decrypt", {"CiphertextBlob": self.blob, "KeyId": arn})]
        sign = {"KeyId": arn, "Message": "YQ==",
                "SigningAlgorithm": "ECDSA_SHA_256"}
        return [("GetPublicKey", {"KeyId": arn}), ("Sign", sign),
                ("Verify", {**sign, "Signature": "YQ=="})]

    def test_states(self):
        expected = {"Disabled": ("DisabledException", "is disabled."),
                    "PendingDeletion": ("KMSInvalidStateException",
                                        "is pending deletion."),
                    "PendingImport": ("KMSInvalidStateException",
                                      "is pending import."),
                    "Unavailable": ("KMSInvalidStateException",
                                    "is unavailable."),
                    "Creating": ("KMSInvalidStateException", "is creating.")}
        for spec in ("SYMMETRIC_DEFAULT", "ECC_NIST_P256"):
            arn = self.new_key(spec)
            if spec == "SYMMETRIC_DEFAULT":
                self.blob = self.ok("Encrypt", KeyId=arn,
                                    Plaintext="YQ==")["CiphertextBlob"]
            for state, (code, end) in expected.items():
                self.double.do("state", key=arn, state=state)
                for operation, members in self.uses(arn):
                    with self.subTest(f"{state} {operation}"):
                        text = self.fails(code, operation, **members)
                        self.assertEqual(text, f"{arn} {end}")
                metadata = self.ok("DescribeKey", KeyId=arn)["KeyMetadata"]
                self.assertEqual(metadata["KeyState"], state)
                self.assertIs(metadata["Enabled"], False)
                self.assertEqual("DeletionDate" in metadata,
                                 state == "PendingDeletion")

    def test_updating_works(self):
        arn = self.new_key()
        self.double.do("state", key=arn, state="Updating")
        self.ok("Encrypt", KeyId=arn, Plaintext="YQ==")

    def test_disable_and_enable(self):
        arn = self.new_key()
        self.assertIsNone(self.ok("DisableKey", KeyId=arn), "empty body")
        self.fails("DisabledException", "Encrypt", KeyId=arn,
                   Plaintext="YQ==")
        self.assertIsNone(self.ok("EnableKey", KeyId=arn))
        self.ok("Encrypt", KeyId=arn, Plaintext="YQ==")

    def test_deletion_and_its_end(self):
        arn = self.new_key()
        reply = self.ok("ScheduleKeyDeletion", KeyId=arn,
                        PendingWindowInDays=7)
        self.assertEqual((reply["KeyState"], reply["PendingWindowInDays"]),
                         ("PendingDeletion", 7))
        metadata = self.ok("DescribeKey", KeyId=arn)["KeyMetadata"]
        self.assertEqual(metadata["DeletionDate"], reply["DeletionDate"])
        self.assertAlmostEqual(metadata["DeletionDate"],
                               metadata["CreationDate"] + 7 * 86400, delta=60)
        for operation in ("ScheduleKeyDeletion", "EnableKey", "DisableKey"):
            self.fails("KMSInvalidStateException", operation, KeyId=arn)
        self.assertEqual(self.ok("CancelKeyDeletion", KeyId=arn),
                         {"KeyId": arn})
        self.fails("DisabledException", "Encrypt", KeyId=arn,
                   Plaintext="YQ==")

    def test_deletion_window(self):
        for days in (6, 31, 0):
            self.fails("ValidationException", "ScheduleKeyDeletion",
                       KeyId=self.arn("alias/sym"), PendingWindowInDays=days)

    def test_cancel_what_was_not_scheduled(self):
        self.fails("KMSInvalidStateException", "CancelKeyDeletion",
                   KeyId=self.arn("alias/sym"))


class Managing(TestCase):
    def test_create_key(self):
        metadata = self.ok("CreateKey", Description="d")["KeyMetadata"]
        self.assertEqual(metadata["KeyUsage"], "ENCRYPT_DECRYPT")
        self.assertEqual(metadata["Description"], "d")
        self.assertEqual(metadata["Arn"], f"arn:aws:kms:{REGION}:{ACCOUNT}"
                         f":key/{metadata['KeyId']}")
        self.assertEqual(metadata["EncryptionAlgorithms"],
                         ["SYMMETRIC_DEFAULT"])

    def test_create_key_refuses(self):
        for code, members in (
                ("ValidationException", {"KeySpec": "RSA_1024"}),
                ("ValidationException", {"KeySpec": "ECC_NIST_P256"}),
                ("ValidationException", {"KeySpec": "ECC_NIST_P256",
                                         "KeyUsage": "ENCRYPT_DECRYPT"}),
                ("ValidationException", {"KeyUsage": "SIGN_VERIFY"}),
                ("UnsupportedOperationException",
                 {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"})):
            with self.subTest(members):
                self.fails(code, "CreateKey", **members)

    def test_describe_each_kind(self):
        for alias, kind in KEYS.items():
            with self.subTest(alias):
                spec = kind.partition(":")[0]
                metadata = self.ok("DescribeKey", KeyId=alias)["KeyMetadata"]
                self.assertEqual(metadata["KeySpec"], spec)
                self.assertIs(metadata["Enabled"], True)
                lists = {"SIGN_VERIFY": "SigningAlgorithms",
                         "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
                         "GENERATE_VERIFY_MAC": "MacAlgorithms",
                         "KEY_AGREEMENT": "KeyAgreementAlgorithms"}
                self.assertEqual([name for name in lists.values()
                                  if name in metadata],
                                 [lists[metadata["KeyUsage"]]])
                self.assertEqual("CurrentKeyMaterialId" in metadata,
                                 spec == "SYMMETRIC_DEFAULT")

    def test_public_key_of_a_symmetric_key(self):
        self.fails("UnsupportedOperationException", "GetPublicKey",
                   KeyId="alias/sym")

    def test_aliases(self):
        first, second = self.new_key(), self.new_key()
        name = f"alias/team/{uuid.uuid4()}"
        self.assertIsNone(self.ok("CreateAlias", AliasName=name,
                                  TargetKeyId=first))
        self.fails("AlreadyExistsException", "CreateAlias", AliasName=name,
                   TargetKeyId=second)
        self.assertIsNone(self.ok("UpdateAlias", AliasName=name,
                                  TargetKeyId=second))
        self.assertEqual(self.arn(name), second)
        self.fails("ValidationException", "UpdateAlias", AliasName=name,
                   TargetKeyId=self.key_id("alias/p256"))
        self.ok("DeleteAlias", AliasName=name)
        for operation in ("UpdateAlias", "DeleteAlias"):
            self.fails("NotFoundException", operation, AliasName=name,
                       TargetKeyId=second)

    def test_alias_names(self):
        for code, name in (("InvalidAliasNameException", "acme"),
                           ("InvalidAliasNameException", "alias/a b"),
                           ("NotAuthorizedException", "alias/aws/x"),
                           ("ValidationException", "alias/" + "x" * 251)):
            with self.subTest(name):
                self.fails(code, "CreateAlias", AliasName=name,
                           TargetKeyId=self.key_id("alias/sym"))

    def pages(self, operation, member, **members):
        items, marker = [], None
        while True:
            reply = self.ok(operation, Limit=2, Marker=marker, **members)
            self.assertLessEqual(len(reply[member]), 2)
            items += reply[member]
            if not reply["Truncated"]:
                self.assertNotIn("NextMarker", reply)
                return items
            marker = reply["NextMarker"]

    def test_list_keys_in_pages(self):
        at_once = self.ok("ListKeys")
        self.assertIs(at_once["Truncated"], False)
        self.assertEqual(self.pages("ListKeys", "Keys"), at_once["Keys"])
        self.assertIn({"KeyId": self.key_id("alias/sym"),
                       "KeyArn": self.arn("alias/sym")}, at_once["Keys"])

    def test_list_aliases(self):
        names = [each["AliasName"]
                 for each in self.pages("ListAliases", "Aliases")]
        self.assertEqual(names, sorted(KEYS))
        only = self.ok("ListAliases", KeyId=self.arn("alias/sym"))["Aliases"]
        self.assertEqual([each["AliasName"] for each in only], ["alias/sym"])

    def test_bad_marker_and_limit(self):
        self.fails("InvalidMarkerException", "ListKeys", Marker="%")
        self.fails("ValidationException", "ListKeys", Limit=0)
        self.fails("ValidationException", "ListAliases", Limit=101)


if __name__ == "__main__":
    unittest.main()
