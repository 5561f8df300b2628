# SPDX-License-Identifier: Apache-2.0
"""Transit: what the Vault double encrypts, signs and refuses."""

import base64
import hashlib

import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (ec, ed25519, padding,
                                                       utils)

from vault_harness import Client, Double, TestCase, b64

AEAD = ("acme", "aes128", "chacha")
RSA = ("rsa2048", "rsa3072", "rsa4096")
CURVES = {"p256": (32, hashes.SHA256()), "p384": (48, hashes.SHA384()),
          "p521": (66, hashes.SHA512())}
TEXT = b64(b"sixteen bytes of")


def raw(value):
    return base64.b64decode(value.split(":")[2], validate=True)


class Encrypting(TestCase):
    def encrypt(self, key="acme", plaintext=TEXT, **more):
        return self.write(f"transit/encrypt/{key}", plaintext=plaintext,
                          **more)["ciphertext"]

    def decrypt(self, ciphertext, key="acme", **more):
        return self.write(f"transit/decrypt/{key}", ciphertext=ciphertext,
                          **more)["plaintext"]

    def test_there_and_back(self):
        for key in AEAD:
            with self.subTest(key):
                ciphertext = self.encrypt(key)
                self.assertTrue(ciphertext.startswith("vault:v1:"))
                self.assertEqual(len(raw(ciphertext)), 16 + 28)
                self.assertEqual(self.decrypt(ciphertext, key), TEXT)
                self.assertNotEqual(self.encrypt(key), ciphertext)

    def test_rsa(self):
        for key in RSA:
            with self.subTest(key):
                ciphertext = self.encrypt(key)
                self.assertEqual(len(raw(ciphertext)) * 8, int(key[3:]))
                self.assertEqual(self.decrypt(ciphertext, key), TEXT)
        text = self.not_written(500, "transit/encrypt/rsa2048",
                                plaintext=b64(bytes(191)))
        self.assertIn("message too long", text)
        scheme = {"padding_scheme": "pkcs1v15"}
        ciphertext = self.encrypt("rsa2048", **scheme)
        self.assertEqual(self.decrypt(ciphertext, "rsa2048", **scheme), TEXT)

    def test_rsa_failure_is_a_500(self):
        text = self.not_written(500, "transit/decrypt/rsa2048",
                                ciphertext="vault:v1:" + b64(bytes(256)))
        self.assertIn("failed to RSA decrypt", text)

    def test_empty_plaintext(self):
        self.assertEqual(self.decrypt(self.encrypt(plaintext="")), "")

    def test_associated_data(self):
        ciphertext = self.encrypt(associated_data=b64(b"tenant"))
        self.assertEqual(self.decrypt(ciphertext,
                                      associated_data=b64(b"tenant")), TEXT)
        for other in ({}, {"associated_data": b64(b"another")}):
            text = self.not_written(400, "transit/decrypt/acme",
                                    ciphertext=ciphertext, **other)
            self.assertEqual(text, "cipher: message authentication failed")
        text = self.not_written(400, "transit/encrypt/rsa2048",
                                plaintext=TEXT, associated_data="YQ==")
        self.assertIn("non-AEAD", text)

    def test_derived(self):
        context = {"context": b64(b"tenant")}
        ciphertext = self.encrypt("derived", **context)
        self.assertEqual(self.decrypt(ciphertext, "derived", **context), TEXT)
        text = self.not_written(400, "transit/decrypt/derived",
                                ciphertext=ciphertext)
        self.assertIn("missing 'context'", text)
        text = self.not_written(400, "transit/decrypt/derived",
                                ciphertext=ciphertext, context="YQ==")
        self.assertIn("authentication failed", text)

    def test_context_binds_nothing_on_other_keys(self):
        ciphertext = self.encrypt(context=b64(b"tenant"))
        self.assertEqual(self.decrypt(ciphertext, context="YQ=="), TEXT)

    def test_convergent(self):
        context = {"context": b64(b"tenant")}
        first = self.encrypt("convergent", **context)
        self.assertEqual(self.encrypt("convergent", **context), first)
        self.assertNotEqual(self.encrypt("convergent", context="YQ=="), first)
        self.assertEqual(self.decrypt(first, "convergent", **context), TEXT)

    def test_versions(self):
        key = self.new_key()
        old = self.encrypt(key)
        self.assertEqual(self.double.do("rotate", key=key), {"version": 2})
        new = self.encrypt(key)
        self.assertTrue(new.startswith("vault:v2:"))
        self.assertTrue(self.encrypt(key, key_version=1).startswith(
            "vault:v1:"))
        self.assertEqual(self.decrypt(old, key), TEXT)
        moved = self.write(f"transit/rewrap/{key}", ciphertext=old)
        self.assertEqual(moved["key_version"], 2)
        self.assertEqual(self.decrypt(moved["ciphertext"], key), TEXT)
        self.double.do("min-version", key=key, version=2, encryption=2)
        text = self.not_written(400, f"transit/decrypt/{key}",
                                ciphertext=old)
        self.assertIn("(too old)", text)
        for version, word in ((1, "less than"), (3, "higher"),
                              (-1, "negative")):
            text = self.not_written(400, f"transit/encrypt/{key}",
                                    plaintext=TEXT, key_version=version)
            self.assertIn(word, text)

    def test_a_changed_version_does_not_open(self):
        key = self.new_key()
        self.double.do("rotate", key=key)
        old = self.encrypt(key, key_version=1)
        text = self.not_written(400, f"transit/decrypt/{key}",
                                ciphertext=old.replace("v1", "v2"))
        self.assertIn("authentication failed", text)

    def test_malformed_ciphertexts(self):
        for value, word in (("", "no prefix"), ("AAAA", "no prefix"),
                            ("vault:v1", "wrong number"),
                            ("vault:vx:AAAA", "version number"),
                            ("vault:v9:AAAA", "too new"),
                            ("vault:v1:-", "base64"),
                            ("vault:v1:AAAA", "ciphertext length")):
            with self.subTest(value):
                text = self.not_written(400, "transit/decrypt/acme",
                                        ciphertext=value)
                self.assertIn(word, text)

    def test_bad_members(self):
        for body in ({}, {"plaintext": None}, {"plaintext": "*"},
                     {"plaintext": []}, {"plaintext": TEXT, "nonce": "YQ=="},
                     {"plaintext": TEXT, "key_version": "x"},
                     {"plaintext": TEXT, "context": "*"},
                     {"batch_input": []}):
            with self.subTest(body):
                self.not_written(400, "transit/encrypt/acme", **body)
        for body in ("[]", "{", '"x"'):
            self.refused(400, "POST", "transit/encrypt/acme", body)

    def test_no_such_key_is_a_400(self):
        for path in ("decrypt/none", "rewrap/none", "datakey/plaintext/none",
                     "hmac/none"):
            text = self.not_written(400, "transit/" + path,
                                    ciphertext="vault:v1:AAAA", input="")
            self.assertEqual(text, "encryption key not found")

    def test_wrong_type_of_key(self):
        text = self.not_written(400, "transit/encrypt/p256", plaintext=TEXT)
        self.assertIn("not supported for key type ecdsa-p256", text)
        text = self.not_written(400, "transit/sign/acme", input=TEXT)
        self.assertIn("does not support signing", text)

    def test_data_keys(self):
        for bits in (128, 256, 512):
            found = self.write("transit/datakey/plaintext/acme", bits=bits)
            self.assertEqual(len(base64.b64decode(found["plaintext"])) * 8,
                             bits)
            self.assertEqual(self.decrypt(found["ciphertext"]),
                             found["plaintext"])
        found = self.write("transit/datakey/wrapped/rsa2048")
        self.assertNotIn("plaintext", found)
        self.assertEqual(len(base64.b64decode(self.decrypt(
            found["ciphertext"], "rsa2048"))), 32)
        self.not_written(400, "transit/datakey/plaintext/acme", bits=192)
        self.not_written(400, "transit/datakey/other/acme")

    def test_vault_ignores_associated_data_of_data_keys(self):
        reply = self.root.send("POST", "transit/datakey/plaintext/acme",
                               {"associated_data": "YQ=="}).json
        self.assertIn("associated_data", reply["warnings"][0])
        self.decrypt(reply["data"]["ciphertext"])

    def test_soft_deletion_is_not_of_vault(self):
        self.refused(404, "DELETE", "transit/keys/acme/soft-delete")


class Batches(TestCase):
    def test_encrypt_and_decrypt(self):
        plaintexts = [b64(bytes([each])) for each in range(3)]
        sealed = self.write("transit/encrypt/acme", batch_input=[
            {"plaintext": each, "reference": str(number)}
            for number, each in enumerate(plaintexts)])["batch_results"]
        self.assertEqual([each["reference"] for each in sealed],
                         ["0", "1", "2"])
        opened = self.write("transit/decrypt/acme", batch_input=[
            {"ciphertext": each["ciphertext"]} for each in sealed])
        self.assertEqual([each["plaintext"]
                          for each in opened["batch_results"]], plaintexts)

    def test_a_failed_item_fails_the_status_not_the_others(self):
        good = self.write("transit/encrypt/acme", plaintext=TEXT)
        items = [{"ciphertext": "vault:v1:AAAA"},
                 {"ciphertext": good["ciphertext"]}]
        for more, status in (({}, 400),
                             ({"partial_failure_response_code": 200}, 200)):
            reply = self.root.send("POST", "transit/decrypt/acme",
                                   {"batch_input": items, **more})
            self.assertEqual(reply.status, status)
            self.assertNotIn("errors", reply.json)
            results = reply.json["data"]["batch_results"]
            self.assertEqual(results[0], {"error":
                                          "invalid ciphertext length"})
            self.assertEqual(results[1], {"plaintext": TEXT})

    def test_rsa_failures_are_500(self):
        reply = self.root.send("POST", "transit/decrypt/rsa2048", {
            "batch_input": [{"ciphertext": "vault:v1:" + b64(bytes(256))}]})
        self.assertEqual(reply.status, 500)
        self.assertIn("error", reply.json["data"]["batch_results"][0])

    def test_all_or_no_contexts(self):
        text = self.not_written(400, "transit/encrypt/derived", batch_input=[
            {"plaintext": TEXT}, {"plaintext": TEXT, "context": "YQ=="}])
        self.assertIn("either in all", text)

    def test_structure(self):
        for items in ([1], [{}], [{"plaintext": 1}], {"plaintext": TEXT}):
            with self.subTest(items):
                self.not_written(500, "transit/encrypt/acme",
                                 batch_input=items)

    def test_sign_batches_are_200(self):
        results = self.write("transit/sign/p256", batch_input=[
            {"input": TEXT, "reference": "a"}, {}])["batch_results"]
        self.assertTrue(results[0]["signature"])
        self.assertEqual(results[0]["reference"], "a")
        self.assertEqual(results[1], {"error": "missing input"})
        checked = self.write("transit/verify/p256", batch_input=[
            {"input": TEXT, "signature": results[0]["signature"]},
            {"input": "YQ==", "signature": results[0]["signature"]}])
        self.assertEqual([each["valid"]
                          for each in checked["batch_results"]],
                         [True, False])


class Signing(TestCase):
    MESSAGE = b"a message"

    def public(self, key, version="1"):
        pem = self.ok("GET", f"transit/keys/{key}")["keys"][version][
            "public_key"]
        return serialization.load_pem_public_key(pem.encode())

    def sign(self, key, data=MESSAGE, path="", **how):
        return self.write(f"transit/sign/{key}{path}", input=b64(data),
                          **how)["signature"]

    def valid(self, key, signature, data=MESSAGE, **how):
        return self.write(f"transit/verify/{key}", input=b64(data),
                          signature=signature, **how)["valid"]

    def test_rsa_pss(self):
        public = self.public("rsa2048")
        for how, salt in (({}, padding.PSS.MAX_LENGTH),
                          ({"salt_length": "hash"}, 32),
                          ({"salt_length": "0"}, padding.PSS.MAX_LENGTH),
                          ({"salt_length": "20"}, 20)):
            with self.subTest(how):
                signature = self.sign("rsa2048", **how)
                public.verify(raw(signature), self.MESSAGE, padding.PSS(
                    padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
                self.assertTrue(self.valid("rsa2048", signature, **how))
                self.assertFalse(self.valid("rsa2048", signature, b"other",
                                            **how))

    def test_rsa_pkcs1(self):
        how = {"signature_algorithm": "pkcs1v15", "hash_algorithm":
               "sha2-384"}
        for key in RSA:
            signature = self.sign(key, **how)
            self.public(key).verify(raw(signature), self.MESSAGE,
                                    padding.PKCS1v15(), hashes.SHA384())
            self.assertTrue(self.valid(key, signature, **how))

    def test_rsa_prehashed(self):
        digest = hashlib.sha512(self.MESSAGE).digest()
        signature = self.sign("rsa2048", digest, "/sha2-512", prehashed=True,
                              salt_length="hash")
        self.public("rsa2048").verify(raw(signature), self.MESSAGE,
                                      padding.PSS(padding.MGF1(
                                          hashes.SHA512()), 64),
                                      hashes.SHA512())
        text = self.not_written(500, "transit/sign/rsa2048",
                                input=b64(digest), prehashed=True)
        self.assertIn("input must be hashed message", text)

    def test_rsa_without_a_hash(self):
        how = {"hash_algorithm": "none", "prehashed": True,
               "signature_algorithm": "pkcs1v15"}
        digest = hashlib.sha256(self.MESSAGE).digest()
        info = bytes.fromhex("3031300d060960864801650304020105000420")
        signature = self.sign("rsa2048", info + digest, **how)
        self.public("rsa2048").verify(raw(signature), self.MESSAGE,
                                      padding.PKCS1v15(), hashes.SHA256())
        self.assertTrue(self.valid("rsa2048", signature, info + digest,
                                   **how))
        self.assertFalse(self.valid("rsa2048", signature, digest, **how))
        for spoilt in ({"prehashed": False}, {"signature_algorithm": "pss"}):
            self.not_written(400, "transit/sign/rsa2048", input="YQ==",
                             **{**how, **spoilt})
        self.not_written(500, "transit/sign/rsa2048", input=b64(bytes(246)),
                         **how)

    def test_ecdsa(self):
        for key, (size, algorithm) in CURVES.items():
            with self.subTest(key):
                digest = hashes.Hash(algorithm)
                digest.update(self.MESSAGE)
                digest = digest.finalize()
                how = {"prehashed": True, "hash_algorithm": "sha2-256"}
                signature = self.sign(key, digest, **how)
                self.public(key).verify(raw(signature), digest, ec.ECDSA(
                    utils.Prehashed(algorithm)))
                how["marshaling_algorithm"] = "jws"
                jws = self.sign(key, digest, **how)
                self.assertTrue(self.valid(key, jws, digest, **how))
                text = jws.split(":")[2]
                self.assertNotRegex(text, "[+/=]")
                flat = base64.urlsafe_b64decode(text + "=" * (-len(text)
                                                              % 4))
                self.assertEqual(len(flat), 2 * size)
                r, s = (int.from_bytes(half, "big")
                        for half in (flat[:size], flat[size:]))
                self.public(key).verify(
                    utils.encode_dss_signature(r, s), digest,
                    ec.ECDSA(utils.Prehashed(algorithm)))

    def test_ecdsa_takes_any_digest(self):
        for size in (20, 32, 48, 64):
            signature = self.sign("p256", bytes(range(size)), prehashed=True)
            self.assertTrue(self.valid("p256", signature, bytes(range(size)),
                                       prehashed=True))
        # The leftmost bits of a longer digest count.
        self.assertTrue(self.valid("p256", signature, bytes(range(32)),
                                   prehashed=True))

    def test_ed25519(self):
        found = self.ok("GET", "transit/keys/ed25519")["keys"]["1"]
        public = ed25519.Ed25519PublicKey.from_public_bytes(
            base64.b64decode(found["public_key"]))
        public.verify(raw(self.sign("ed25519")), self.MESSAGE)
        signature = self.sign("ed25519", hash_algorithm="sha2-512")
        public.verify(raw(signature), self.MESSAGE)
        self.assertTrue(self.valid("ed25519", signature))

    def test_derived_ed25519(self):
        context = {"context": b64(b"tenant")}
        reply = self.write("transit/sign/ed25519d", input=b64(self.MESSAGE),
                           **context)
        public = base64.b64decode(reply["public_key"])
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(
            raw(reply["signature"]), self.MESSAGE)
        found = self.ok("GET", "transit/keys/ed25519d?context="
                        + b64(b"tenant"))
        self.assertEqual(found["keys"]["1"]["public_key"],
                         reply["public_key"])
        found = self.ok("GET", "transit/keys/ed25519d")
        self.assertEqual(found["keys"]["1"]["public_key"], "")
        text = self.not_written(500, "transit/sign/ed25519d", input="YQ==")
        self.assertIn("missing 'context'", text)

    def test_versions(self):
        key = self.new_key("ecdsa-p256")
        old = self.sign(key)
        self.double.do("rotate", key=key)
        self.assertTrue(self.sign(key).startswith("vault:v2:"))
        self.assertTrue(self.valid(key, old))
        self.public(key, "2").verify(raw(self.sign(key)), self.MESSAGE,
                                     ec.ECDSA(hashes.SHA256()))
        text = self.not_written(500, f"transit/sign/{key}", input="YQ==",
                                key_version=3)
        self.assertEqual(text, "1 error occurred:\n\t* requested version for "
                         "signing is higher than the latest key version\n\n")
        self.double.do("min-version", key=key, version=2)
        text = self.not_written(400, f"transit/verify/{key}", input="YQ==",
                                signature=old)
        self.assertIn("(too old)", text)
        self.assertEqual(list(self.ok("GET", f"transit/keys/{key}")["keys"]),
                         ["2"])

    def test_bad_parameters(self):
        for body in ({"hash_algorithm": "md5"}, {"salt_length": "x"},
                     {"marshaling_algorithm": "raw"}, {"input": "*"}):
            with self.subTest(body):
                self.not_written(400, "transit/sign/rsa2048",
                                 **{"input": "YQ==", **body})
        for body in ({"salt_length": "500"}, {"salt_length": "-2"},
                     {"signature_algorithm": "x"}):
            with self.subTest(body):
                self.not_written(500, "transit/sign/rsa2048", input="YQ==",
                                 **body)
        self.assertEqual(self.not_written(400, "transit/sign/none",
                                          input="YQ=="),
                         "signing key not found")

    def test_bad_signatures(self):
        for value in ("AAAA", "vault:v1", "vault:v9:AAAA", "vault:v1:*",
                      "vault:v1:AAAA"):
            with self.subTest(value):
                self.not_written(400, "transit/verify/p256", input="YQ==",
                                 signature=value)
        self.not_written(400, "transit/verify/p256", input="YQ==")
        self.not_written(400, "transit/verify/p256", input="YQ==",
                         signature="vault:v1:AAAA", hmac="vault:v1:AAAA")

    def test_hmac(self):
        for key in ("hmac", "acme", "p256"):
            found = self.write(f"transit/hmac/{key}/sha2-512",
                               input=b64(self.MESSAGE))["hmac"]
            self.assertEqual(len(raw(found)), 64)
            for data, valid in ((self.MESSAGE, True), (b"x", False)):
                reply = self.write(f"transit/verify/{key}/sha2-512",
                                   input=b64(data), hmac=found)
                self.assertEqual(reply["valid"], valid)
        self.not_written(400, "transit/hmac/hmac", input="YQ==",
                         algorithm="md5")
        self.not_written(400, "transit/hmac/hmac")
        self.assertNotIn("keys", self.ok("GET", "transit/keys/hmac"))


class Keys(TestCase):
    def test_read(self):
        found = self.ok("GET", "transit/keys/acme")
        self.assertEqual((found["type"], found["latest_version"],
                          found["supports_encryption"], found["derived"]),
                         ("aes256-gcm96", 1, True, False))
        self.assertIsInstance(found["keys"]["1"], int)
        found = self.ok("GET", "transit/keys/convergent")
        self.assertTrue(found["convergent_encryption"])

    def test_no_such_key(self):
        self.assertEqual(self.refused(404, "GET", "transit/keys/none"), "")
        text = self.refused(404, "GET", "nowhere/keys/none")
        self.assertIn("no handler for route", text)
        self.assertIn("unsupported path",
                      self.refused(404, "GET", "transit/nothing/x"))
        self.assertIn("unsupported operation",
                      self.refused(405, "GET", "transit/encrypt/acme"))

    def test_list(self):
        for method, path in (("LIST", "transit/keys"),
                             ("GET", "transit/keys?list=true")):
            self.assertIn("acme", self.ok(method, path)["keys"])
        self.refused(404, "LIST", "secure/transit/keys")

    def test_create(self):
        path = f"transit/keys/{self._testMethodName}"
        self.write(path, type="rsa-2048")
        reply = self.root.send("POST", path, {"type": "ed25519"}).json
        self.assertTrue(reply["warnings"])
        self.assertEqual(reply["data"]["type"], "rsa-2048")
        for body in ({"type": "des"}, {"type": "rsa-2048", "derived": True},
                     {"convergent_encryption": True},
                     {"auto_rotate_period": "10s"},
                     {"type": "hmac", "key_size": 16}):
            self.not_written(400, path + "-x", **body)
        self.not_written(400, "transit/keys/a%20b")

    def test_delete(self):
        name = self.new_key()
        text = self.refused(400, "DELETE", f"transit/keys/{name}")
        self.assertIn("not allowed", text)
        self.write(f"transit/keys/{name}/config", deletion_allowed=True)
        self.ok("DELETE", f"transit/keys/{name}")
        self.assertIn("not found",
                      self.refused(400, "DELETE", f"transit/keys/{name}"))

    def test_configure(self):
        name = self.new_key()
        path = f"transit/keys/{name}/config"
        self.not_written(400, path, min_decryption_version=2)
        self.double.do("rotate", key=name)
        self.not_written(400, path, min_decryption_version=2,
                         min_encryption_version=1)
        found = self.write(path, min_decryption_version=2)
        self.assertEqual(list(found["keys"]), ["2"])
        self.write(f"transit/keys/{name}/trim", min_available_version=2)
        self.not_written(400, f"transit/keys/{name}/trim",
                         min_available_version=3)

    def test_nothing_is_exported(self):
        name = self.new_key()
        self.write(f"transit/keys/{name}/config", exportable=True)
        text = self.refused(400, "GET",
                            f"transit/export/encryption-key/{name}")
        self.assertIn("not exportable", text)

    def test_random(self):
        for path, body in (("random/7", {}), ("random", {"bytes": 7})):
            found = self.write("transit/" + path, **body)["random_bytes"]
            self.assertEqual(len(base64.b64decode(found)), 7)
        self.assertEqual(len(self.write("transit/random/7", format="hex")[
            "random_bytes"]), 14)
        self.not_written(400, "transit/random/0")

    def test_upsert(self):
        """With the capability to create, a mistyped name makes a key."""
        self.double.do("policy", name="both", text="""
            path "transit/encrypt/*" { capabilities = ["create", "update"] }
            """)
        client = self.client("both")
        name = f"{self._testMethodName}-mistyped"
        self.write(f"transit/encrypt/{name}", client, plaintext=TEXT)
        self.assertIn(f"transit/{name}", self.double.do("keys")["keys"])
        self.write(f"transit/encrypt/{name}-d", client, plaintext=TEXT,
                   context="YQ==")
        self.assertTrue(self.double.do("describe", key=name + "-d")[
            "derived"])

    def test_no_upsert_with_update_only(self):
        """The policy is asked for create, so this is a denial."""
        text = self.not_written(403, "transit/encrypt/mistyped",
                                self.client(), plaintext=TEXT)
        self.assertIn("permission denied", text)
        self.assertNotIn("transit/mistyped", self.double.do("keys")["keys"])

    def test_no_upsert_where_it_is_switched_off(self):
        self.write("transit/config/keys", disable_upsert=True)
        self.addCleanup(self.write, "transit/config/keys",
                        disable_upsert=False)
        text = self.not_written(400, "transit/encrypt/mistyped",
                                plaintext=TEXT)
        self.assertEqual(text, "encryption key not found")


class OpenBao(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = Double("--openbao", "--key=acme", "--key=rsa=rsa-2048")
        cls.addClassCleanup(cls.double.stop)

    def send(self, path, method="POST", **body):
        return Client(self.double).send(method, "transit/" + path,
                                        body if method == "POST" else None)

    def test_data_keys_with_associated_data(self):
        reply = self.send("datakey/wrapped/acme", associated_data="YQ==")
        ciphertext = reply.json["data"]["ciphertext"]
        self.assertEqual(self.send("decrypt/acme", ciphertext=ciphertext)
                         .status, 400)
        self.assertEqual(self.send("decrypt/acme", ciphertext=ciphertext,
                                   associated_data="YQ==").status, 200)

    def test_only_oaep(self):
        sealed = self.send("encrypt/rsa", plaintext=TEXT,
                           padding_scheme="pkcs1v15").json["data"]
        opened = self.send("decrypt/rsa", ciphertext=sealed["ciphertext"])
        self.assertEqual(opened.json["data"]["plaintext"], TEXT)

    def test_soft_deletion(self):
        self.assertEqual(self.send("keys/rsa/soft-delete", "DELETE").status,
                         204)
        reply = self.send("encrypt/rsa", plaintext=TEXT)
        self.assertEqual((reply.status, reply.json["errors"]),
                         (400, ["refusing to use soft-deleted key"]))
        self.assertEqual(self.send("sign/rsa", input=TEXT).status, 500)
        self.assertTrue(self.send("keys/rsa", "GET").json["data"][
            "soft_deleted"])
        self.assertEqual(self.send("keys/rsa/soft-delete-restore").status,
                         204)
        self.assertEqual(self.send("sign/rsa", input=TEXT).status, 200)

    def test_prefixes(self):
        self.assertTrue(self.double.read("token").startswith("s."))

    def test_no_aws_login(self):
        reply = Client(self.double).send("POST", "auth/aws/login", {})
        self.assertEqual(reply.status, 404)


if __name__ == "__main__":
    unittest.main()
