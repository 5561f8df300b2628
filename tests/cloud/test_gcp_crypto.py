# SPDX-License-Identifier: Apache-2.0
"""Using keys: what comes out, what is checked, what is refused."""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from gcp.specs import ALGORITHMS
from gcp_harness import TestCase, b64, crc, key_name, unb64

TEXT = b"hello world"
AAD = b"context"
KIB = 1024


def some(purpose):
    """The algorithms for it; of RSA only those which differ in more than
    size, as making such keys takes long."""
    return [each for each in ALGORITHMS.values() if each.purpose == purpose
            and (each.bits <= 2048 or each.name in (
                "RSA_SIGN_PSS_4096_SHA512", "RSA_DECRYPT_OAEP_4096_SHA512"))]


class Symmetric(TestCase):
    def seal(self, key="sym", data=TEXT, aad=AAD, version=None):
        reply = self.use(
            key, "encrypt", version, plaintext=b64(data),
            plaintextCrc32c=crc(data), additionalAuthenticatedData=b64(aad),
            additionalAuthenticatedDataCrc32c=crc(aad))
        self.assertIs(reply["verifiedPlaintextCrc32c"], True)
        self.assertIs(reply["verifiedAdditionalAuthenticatedDataCrc32c"],
                      True)
        sealed = unb64(reply["ciphertext"])
        self.assertEqual(reply["ciphertextCrc32c"], crc(sealed))
        return reply["name"], sealed

    def open(self, sealed, key="sym", aad=AAD):
        reply = self.use(
            key, "decrypt", ciphertext=b64(sealed),
            ciphertextCrc32c=crc(sealed),
            additionalAuthenticatedData=b64(aad),
            additionalAuthenticatedDataCrc32c=crc(aad))
        data = unb64(reply.get("plaintext", ""))
        self.assertEqual(reply["plaintextCrc32c"], crc(data))
        return data, reply

    def test_there_and_back(self):
        for key, level in (("sym", "SOFTWARE"), ("hsm", "HSM"),
                           ("ekm", "EXTERNAL")):
            with self.subTest(key):
                name, sealed = self.seal(key)
                self.assertEqual(name, key_name(key, 1))
                self.assertNotIn(TEXT, sealed)
                data, reply = self.open(sealed, key)
                self.assertEqual(data, TEXT)
                self.assertEqual(reply["protectionLevel"], level)
                self.assertIs(reply["usedPrimary"], True)

    def test_sizes_of_ciphertexts_differ(self):
        self.assertGreater(len({len(self.seal()[1]) for _ in range(30)}), 1)

    def test_empty_plaintext_is_left_out(self):
        _, sealed = self.seal(data=b"")
        data, reply = self.open(sealed)
        self.assertEqual(data, b"")
        self.assertNotIn("plaintext", reply)
        self.assertEqual(reply["plaintextCrc32c"], "0")

    def test_without_checksums(self):
        reply = self.use("sym", "encrypt", plaintext=b64(TEXT))
        self.assertNotIn("verifiedPlaintextCrc32c", reply)
        self.assertNotIn("verifiedAdditionalAuthenticatedDataCrc32c", reply)

    def test_checksum_of_an_empty_field_that_is_not_there(self):
        reply = self.use("sym", "encrypt", plaintext=b64(TEXT),
                         additionalAuthenticatedDataCrc32c="0")
        self.assertIs(reply["verifiedAdditionalAuthenticatedDataCrc32c"],
                      True)

    def test_wrong_checksums(self):
        _, sealed = self.seal()
        for verb, members, field in (
                ("encrypt", {"plaintext": b64(TEXT),
                             "plaintextCrc32c": crc(b"")},
                 "plaintext_crc32c"),
                ("encrypt", {"plaintext": b64(TEXT),
                             "additionalAuthenticatedDataCrc32c": "1"},
                 "additional_authenticated_data_crc32c"),
                ("decrypt", {"ciphertext": b64(sealed),
                             "ciphertextCrc32c": crc(TEXT)},
                 "ciphertext_crc32c")):
            with self.subTest(field):
                error = self.refuse("INVALID_ARGUMENT", "sym", verb,
                                    **members)
                self.assertIn(f"The checksum in field {field} did not match",
                              error["message"])

    def test_wrong_aad_damage_and_nonsense(self):
        _, sealed = self.seal()
        damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
        header = sealed[:3] + bytes([sealed[3] ^ 1]) + sealed[4:]
        for ciphertext, aad in ((sealed, b"other"), (sealed, b""),
                                (damaged, AAD), (header, AAD),
                                (sealed[:50], AAD), (b"", AAD),
                                (b"nonsense" * 20, AAD)):
            error = self.refuse(
                "INVALID_ARGUMENT", "sym", "decrypt",
                ciphertext=b64(ciphertext),
                additionalAuthenticatedData=b64(aad))
            self.assertIn("Decryption failed", error["message"])

    def test_ciphertext_of_another_key(self):
        _, sealed = self.seal()
        self.refuse("INVALID_ARGUMENT", "sym2", "decrypt",
                    ciphertext=b64(sealed),
                    additionalAuthenticatedData=b64(AAD))

    def test_old_versions_open_but_do_not_seal(self):
        key = self.new_key()
        _, old = self.seal(key)
        self.double.do("rotate", key=key)
        name, _ = self.seal(key)
        self.assertEqual(name, key_name(key, 2))
        data, reply = self.open(old, key)
        self.assertEqual(data, TEXT)
        self.assertNotIn("usedPrimary", reply)
        name, pinned = self.seal(key, version=1)
        self.assertEqual(name, key_name(key, 1))
        self.open(pinned, key)

    def test_no_decrypt_with_a_version(self):
        response = self.call("POST", key_name("sym", 1) + ":decrypt", {})
        self.assertEqual(response.status, 404)
        self.assertTrue(response.headers["Content-Type"].startswith(
            "text/html"))

    def test_limits(self):
        for key, size, aad, good in (
                ("sym", 64 * KIB, 64 * KIB, True),
                ("sym", 64 * KIB + 1, 0, False),
                ("sym", 0, 64 * KIB + 1, False),
                ("ekm", 64 * KIB, 0, True),
                ("hsm", 8 * KIB - 10, 10, True),
                ("hsm", 8 * KIB - 10, 11, False)):
            with self.subTest((key, size, aad)):
                members = {"plaintext": b64(bytes(size)),
                           "additionalAuthenticatedData": b64(bytes(aad))}
                if good:
                    self.use(key, "encrypt", **members)
                else:
                    self.refuse("INVALID_ARGUMENT", key, "encrypt",
                                **members)

    def test_other_purposes(self):
        for key in ("p256", "mac", "gcm", "oaep"):
            for verb in ("encrypt", "decrypt"):
                error = self.refuse("FAILED_PRECONDITION", key, verb)
                self.assertIn("may not be used for", error["message"])


class Raw(TestCase):
    def encrypt(self, key, data=TEXT, iv=b"", aad=b""):
        members = {"plaintext": b64(data), "plaintextCrc32c": crc(data)}
        if iv:
            members.update(initializationVector=b64(iv),
                           initializationVectorCrc32c=crc(iv))
        if aad:
            members.update(additionalAuthenticatedData=b64(aad))
        reply = self.use(key, "rawEncrypt", 1, **members)
        iv = unb64(reply["initializationVector"])
        self.assertEqual(reply["initializationVectorCrc32c"], crc(iv))
        self.assertIs(reply["verifiedPlaintextCrc32c"], True)
        self.assertEqual(reply["name"], key_name(key, 1))
        return reply, unb64(reply["ciphertext"]), iv

    def decrypt(self, key, sealed, iv, aad=b""):
        members = {"additionalAuthenticatedData": b64(aad)} if aad else {}
        reply = self.use(key, "rawDecrypt", 1, ciphertext=b64(sealed),
                         initializationVector=b64(iv),
                         ciphertextCrc32c=crc(sealed),
                         initializationVectorCrc32c=crc(iv), **members)
        self.assertIs(reply["verifiedCiphertextCrc32c"], True)
        self.assertIs(reply["verifiedInitializationVectorCrc32c"], True)
        return unb64(reply["plaintext"])

    def test_gcm(self):
        for key in ("gcm", "gcm-hsm"):
            reply, sealed, iv = self.encrypt(key, aad=AAD)
            self.assertEqual((reply["tagLength"], len(iv)), (16, 12))
            self.assertEqual(len(sealed), len(TEXT) + 16)
            self.assertEqual(self.decrypt(key, sealed, iv, AAD), TEXT)
            self.refuse("INVALID_ARGUMENT", key, "rawDecrypt", 1,
                        ciphertext=b64(sealed), initializationVector=b64(iv))

    def test_gcm_makes_the_iv_itself(self):
        self.refuse("INVALID_ARGUMENT", "gcm", "rawEncrypt", 1,
                    plaintext=b64(TEXT), initializationVector=b64(bytes(12)))

    def test_modes_without_authentication(self):
        for key, data in (("cbc", bytes(32)), ("ctr", TEXT)):
            with self.subTest(key):
                iv = bytes(range(16))
                reply, sealed, back = self.encrypt(key, data, iv)
                self.assertEqual(back, iv)
                self.assertIs(reply["verifiedInitializationVectorCrc32c"],
                              True)
                self.assertNotIn("tagLength", reply)
                self.assertEqual(len(sealed), len(data))
                self.assertEqual(self.decrypt(key, sealed, iv), data)
                _, _, made = self.encrypt(key, data)
                self.assertEqual(len(made), 16)
                self.refuse("INVALID_ARGUMENT", key, "rawEncrypt", 1,
                            plaintext=b64(data),
                            additionalAuthenticatedData=b64(AAD))
                self.refuse("INVALID_ARGUMENT", key, "rawEncrypt", 1,
                            plaintext=b64(data),
                            initializationVector=b64(bytes(12)))
                self.refuse("INVALID_ARGUMENT", key, "rawDecrypt", 1,
                            ciphertext=b64(sealed))

    def test_cbc_pads_nothing(self):
        self.refuse("INVALID_ARGUMENT", "cbc", "rawEncrypt", 1,
                    plaintext=b64(bytes(15)))
        self.refuse("INVALID_ARGUMENT", "cbc", "rawDecrypt", 1,
                    ciphertext=b64(bytes(15)),
                    initializationVector=b64(bytes(16)))

    def test_ctr_is_ctr(self):
        """Of zeros, it is the key stream: block n is E(iv + n)."""
        iv = bytes(15) + b"\xff"
        _, one, _ = self.encrypt("ctr", bytes(32), iv)
        _, two, _ = self.encrypt("ctr", bytes(16), bytes(14) + b"\1\0")
        self.assertEqual(one[16:], two)

    def test_cbc_is_cbc(self):
        """E(0 ^ iv) chained: the second block of zeros is E(first)."""
        reply = self.use("cbc", "rawEncrypt", 1, plaintext=b64(bytes(32)),
                         initializationVector=b64(bytes(16)))
        sealed = unb64(reply["ciphertext"])
        again = self.use("cbc", "rawEncrypt", 1, plaintext=b64(sealed[:16]),
                         initializationVector=b64(bytes(16)))
        self.assertEqual(unb64(again["ciphertext"]), sealed[16:])

    def test_needs_a_permission_of_its_own(self):
        self.double.do("grant", member="cbc@example.com",
                       role="cryptoOperator")
        self.double.do("grant", member="cbc@example.com",
                       role="serviceusage.services.use")
        self.addCleanup(self.double.do, "ungrant", member="cbc@example.com")
        token = self.double.do("token", member="cbc@example.com")["token"]
        quota = {"X_Goog_User_Project": "example-project", "token": token}
        body = {"plaintext": b64(bytes(16))}
        self.ok("POST", key_name("gcm", 1) + ":rawEncrypt", body, **quota)
        error = self.fails("PERMISSION_DENIED", "POST",
                           key_name("cbc", 1) + ":rawEncrypt", body, **quota)
        self.assertIn("manageRawAesCbcKeys", error["message"])
        self.double.do("grant", member="cbc@example.com",
                       role="expertRawAesCbc")
        self.ok("POST", key_name("cbc", 1) + ":rawEncrypt", body, **quota)

    def test_wrong_purpose(self):
        self.refuse("FAILED_PRECONDITION", "sym", "rawEncrypt", 1)


class Sign(TestCase):
    def sign(self, key, **members):
        reply = self.use(key, "asymmetricSign", 1, **members)
        signature = unb64(reply["signature"])
        self.assertEqual(reply["signatureCrc32c"], crc(signature))
        self.assertEqual(reply["name"], key_name(key, 1))
        return reply, signature

    def public(self, key):
        reply = self.ok("GET", key_name(key, 1) + "/publicKey")
        self.assertEqual(reply["pemCrc32c"], crc(reply["pem"].encode()))
        self.assertEqual(reply["name"], key_name(key, 1))
        return serialization.load_pem_public_key(reply["pem"].encode())

    def verify(self, algorithm, public, signature, message):
        if algorithm.scheme == "ed25519":
            public.verify(signature, message)
        elif algorithm.scheme == "ecdsa":
            public.verify(signature, message, ec.ECDSA(algorithm.hash))
        elif algorithm.scheme == "pss":
            public.verify(signature, message, padding.PSS(
                padding.MGF1(algorithm.hash), algorithm.hash.digest_size),
                algorithm.hash)
        else:
            public.verify(signature, message, padding.PKCS1v15(),
                          algorithm.hash or hashes.SHA256())

    def test_algorithms(self):
        """By digest where it takes one, and by data."""
        for algorithm in some("ASYMMETRIC_SIGN"):
            if algorithm.scheme == "raw-pkcs1":
                continue
            with self.subTest(algorithm.name):
                key = self.new_key(algorithm.name)
                public = self.public(key)
                if algorithm.digest_member:
                    digest = hashlib.new(algorithm.hash.name, TEXT).digest()
                    reply, signature = self.sign(
                        key, digest={algorithm.digest_member: b64(digest)},
                        digestCrc32c=crc(digest))
                    self.assertIs(reply["verifiedDigestCrc32c"], True)
                    self.assertNotIn("verifiedDataCrc32c", reply)
                    self.verify(algorithm, public, signature, TEXT)
                reply, signature = self.sign(key, data=b64(TEXT),
                                             dataCrc32c=crc(TEXT))
                self.assertIs(reply["verifiedDataCrc32c"], True)
                self.verify(algorithm, public, signature, TEXT)
                with self.assertRaises(InvalidSignature):
                    self.verify(algorithm, public, signature, b"other")

    def test_raw_pkcs1_adds_nothing(self):
        prefix = bytes.fromhex("3031300d060960864801650304020105000420")
        _, signature = self.sign(
            "raw-pkcs1", data=b64(prefix + hashlib.sha256(TEXT).digest()))
        self.verify(ALGORITHMS["RSA_SIGN_RAW_PKCS1_2048"],
                    self.public("raw-pkcs1"), signature, TEXT)
        self.sign("raw-pkcs1", data=b64(bytes(256 - 11)))
        self.refuse("INVALID_ARGUMENT", "raw-pkcs1", "asymmetricSign", 1,
                    data=b64(bytes(256 - 10)))

    def test_arguments(self):
        digest = {"sha256": b64(bytes(32))}
        for key, members in (
                ("p256", {}), ("p256", {"digest": digest, "data": ""}),
                ("p256", {"digest": {"sha384": b64(bytes(48))}}),
                ("p256", {"digest": {"sha256": b64(bytes(31))}}),
                ("p256", {"digest": {}}),
                ("p256", {"digest": {**digest, "sha384": b64(bytes(48))}}),
                ("p256", {"digest": digest, "digestCrc32c": "1"}),
                ("p256", {"digest": digest, "dataCrc32c": "0"}),
                ("p256", {"digest": digest, "dataCrc32c": "0",
                          "digestCrc32c": crc(bytes(32))}),
                ("p256", {"data": b64(TEXT), "digestCrc32c": "0"}),
                ("p256", {"data": b64(TEXT), "dataCrc32c": "1"}),
                ("p256", {"digest": {"externalMu": b64(bytes(64))}}),
                ("ed25519", {"digest": digest}),
                ("raw-pkcs1", {"digest": digest})):
            with self.subTest((key, members)):
                self.refuse("INVALID_ARGUMENT", key, "asymmetricSign", 1,
                            **members)

    def test_short_signature(self):
        self.double.order("lie", "short-signature", count=1)
        _, signature = self.sign("p256", data=b64(TEXT))
        r, s = utils.decode_dss_signature(signature)
        self.assertLess(min(r, s).bit_length(), 249)
        self.public("p256").verify(signature, TEXT, ec.ECDSA(hashes.SHA256()))

    def test_wrong_purpose(self):
        for key in ("sym", "mac", "oaep"):
            error = self.refuse("FAILED_PRECONDITION", key, "asymmetricSign",
                                1, data=b64(TEXT))
            self.assertIn("may not be used for", error["message"])


class PublicKey(TestCase):
    def test_formats(self):
        name = key_name("p256", 1) + "/publicKey"
        pem = self.ok("GET", name)["pem"]
        self.assertTrue(pem.endswith("-----END PUBLIC KEY-----\n"))
        der = self.ok("GET", name + "?publicKeyFormat=DER")
        self.assertNotIn("pem", der)
        data = unb64(der["publicKey"]["data"])
        self.assertEqual(der["publicKey"]["crc32cChecksum"], crc(data))
        self.assertEqual(data, serialization.load_pem_public_key(
            pem.encode()).public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo))
        named = self.ok("GET", name + "?publicKeyFormat=PEM")
        self.assertEqual(unb64(named["publicKey"]["data"]).decode(), pem)
        self.fails("INVALID_ARGUMENT", "GET",
                   name + "?publicKeyFormat=NIST_PQC")

    def test_not_of_symmetric_or_disabled_keys(self):
        self.fails("FAILED_PRECONDITION", "GET",
                   key_name("sym", 1) + "/publicKey")
        key = self.new_key("EC_SIGN_P256_SHA256")
        self.double.do("disable", version=key)
        self.fails("FAILED_PRECONDITION", "GET",
                   key_name(key, 1) + "/publicKey")

    def test_needs_its_own_permission(self):
        self.double.do("grant", member="signer@x.iam.gserviceaccount.com",
                       role="signer")
        self.double.do("account", what="add",
                       email="signer@x.iam.gserviceaccount.com")
        token = self.double.do(
            "token", member="signer@x.iam.gserviceaccount.com")["token"]
        self.ok("POST", key_name("p256", 1) + ":asymmetricSign",
                {"data": b64(TEXT)}, token=token)
        for path in (key_name("p256", 1) + "/publicKey",
                     key_name("p256", 1), key_name("p256")):
            self.fails("PERMISSION_DENIED", "GET", path, token=token)


class Decrypt(TestCase):
    def test_algorithms(self):
        for algorithm in some("ASYMMETRIC_DECRYPT"):
            with self.subTest(algorithm.name):
                key = self.new_key(algorithm.name)
                pem = self.double.do("public-key", version=key)["pem"]
                public = serialization.load_pem_public_key(pem.encode())
                size = algorithm.bits // 8
                size -= 2 * algorithm.hash.digest_size + 2
                for data in (TEXT, bytes(size)):
                    sealed = public.encrypt(data, padding.OAEP(
                        padding.MGF1(algorithm.hash), algorithm.hash, None))
                    reply = self.use(key, "asymmetricDecrypt", 1,
                                     ciphertext=b64(sealed),
                                     ciphertextCrc32c=crc(sealed))
                    self.assertEqual(unb64(reply["plaintext"]), data)
                    self.assertEqual(reply["plaintextCrc32c"], crc(data))
                    self.assertIs(reply["verifiedCiphertextCrc32c"], True)
                    self.assertNotIn("name", reply)

    def test_refused(self):
        for ciphertext in (b"", bytes(255), bytes(256), b"\xff" * 256):
            self.refuse("INVALID_ARGUMENT", "oaep", "asymmetricDecrypt", 1,
                        ciphertext=b64(ciphertext))
        self.refuse("FAILED_PRECONDITION", "pkcs1", "asymmetricDecrypt", 1,
                    ciphertext=b64(bytes(256)))


class Mac(TestCase):
    def test_every_algorithm(self):
        for algorithm in ALGORITHMS.values():
            if algorithm.purpose != "MAC":
                continue
            with self.subTest(algorithm.name):
                key = self.new_key(algorithm.name)
                reply = self.use(key, "macSign", 1, data=b64(TEXT),
                                 dataCrc32c=crc(TEXT))
                mac = unb64(reply["mac"])
                self.assertEqual(len(mac), algorithm.hash.digest_size)
                self.assertEqual(reply["macCrc32c"], crc(mac))
                self.assertIs(reply["verifiedDataCrc32c"], True)
                self.assertEqual(reply["name"], key_name(key, 1))
                again = self.use(key, "macVerify", 1, data=b64(TEXT),
                                 dataCrc32c=crc(TEXT), mac=b64(mac),
                                 macCrc32c=crc(mac))
                for flag in ("success", "verifiedDataCrc32c",
                             "verifiedMacCrc32c", "verifiedSuccessIntegrity"):
                    self.assertIs(again[flag], True)

    def test_wrong_mac_is_no_error(self):
        mac = hmac.new(b"other", TEXT, "sha256").digest()
        reply = self.use("mac", "macVerify", 1, data=b64(TEXT), mac=b64(mac),
                         macCrc32c=crc(mac))
        self.assertNotIn("success", reply)
        self.assertNotIn("verifiedSuccessIntegrity", reply)
        self.assertIs(reply["verifiedMacCrc32c"], True)

    def test_refused(self):
        for key, verb, members in (
                ("mac", "macSign", {}),
                ("mac", "macSign", {"data": b64(bytes(64 * KIB + 1))}),
                ("mac-hsm", "macSign", {"data": b64(bytes(16 * KIB + 1))}),
                ("mac", "macSign", {"data": b64(TEXT), "dataCrc32c": "1"}),
                ("mac", "macVerify", {"data": b64(TEXT),
                                      "mac": b64(bytes(31))})):
            with self.subTest((key, verb)):
                self.refuse("INVALID_ARGUMENT", key, verb, 1, **members)
        self.use("mac-hsm", "macSign", 1, data=b64(bytes(16 * KIB)))
        self.refuse("FAILED_PRECONDITION", "p256", "macSign", 1,
                    data=b64(TEXT))


class Random(TestCase):
    PLACE = "projects/example-project/locations/us-east1:generateRandomBytes"

    def test_random(self):
        for length in (8, 1024):
            reply = self.ok("POST", self.PLACE, {
                "lengthBytes": length, "protectionLevel": "HSM"})
            data = unb64(reply["data"])
            self.assertEqual(len(data), length)
            self.assertEqual(reply["dataCrc32c"], crc(data))

    def test_refused(self):
        for length in (0, 7, 1025):
            self.fails("INVALID_ARGUMENT", "POST", self.PLACE,
                       {"lengthBytes": length, "protectionLevel": "HSM"})
        for level in ("SOFTWARE", "EXTERNAL"):
            self.fails("UNIMPLEMENTED", "POST", self.PLACE,
                       {"lengthBytes": 8, "protectionLevel": level})
