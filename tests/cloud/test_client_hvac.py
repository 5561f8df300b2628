#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hvac against the Vault double: the service's usual Python client."""

import base64
import hashlib
import sys
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

import hvac                                             # noqa: E402
from cryptography.hazmat.primitives import (            # noqa: E402
    hashes, serialization)
from cryptography.hazmat.primitives.asymmetric import (  # noqa: E402
    ec, padding)
from hvac import exceptions                             # noqa: E402

from vault.setup import AWS_ACCESS_KEY, AWS_SECRET_KEY  # noqa: E402
from vault.setup import SERVER_ID                       # noqa: E402
from vault_harness import KEYS, Double, b64             # noqa: E402

MESSAGE = b"a message"


class Hvac(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = Double("--tls", "--namespace=team", *[
            f"--key={name}={kind}" for name, kind in KEYS.items()])
        cls.addClassCleanup(cls.double.stop)

    def setUp(self):
        self.addCleanup(self.double.do, "clear")
        self.vault = self.connect(self.double.read("token"))
        self.root = self.connect(self.double.read("root_token"))
        self.transit = self.vault.secrets.transit

    def connect(self, token=None, **options):
        client = hvac.Client(self.double.endpoint, token or "",
                             verify=self.double.path("ca.pem"), **options)
        self.addCleanup(client.adapter.close)
        return client

    def test_token(self):
        self.assertTrue(self.vault.is_authenticated())
        self.assertFalse(self.connect("hvs.x").is_authenticated())
        found = self.vault.auth.token.lookup_self()["data"]
        self.assertEqual(found["policies"], ["default", "kms"])
        auth = self.vault.auth.token.renew_self(increment="10m")["auth"]
        self.assertLessEqual(auth["lease_duration"], 600)

    def test_create_renew_revoke(self):
        token = self.root.auth.token.create(
            policies=["kms"], ttl="1h", num_uses=3)["auth"]["client_token"]
        client = self.connect(token)
        client.auth.token.lookup_self()
        client.auth.token.revoke_self()
        with self.assertRaises(exceptions.Forbidden):
            client.auth.token.lookup_self()

    def test_encrypt_decrypt(self):
        for key in ("acme", "chacha", "rsa2048"):
            sealed = self.transit.encrypt_data(key, b64(MESSAGE))["data"]
            opened = self.transit.decrypt_data(key, sealed["ciphertext"])
            self.assertEqual(opened["data"]["plaintext"], b64(MESSAGE))
        how = {"context": b64(b"tenant"), "associated_data": b64(b"more")}
        sealed = self.transit.encrypt_data("derived", b64(MESSAGE), **how)
        opened = self.transit.decrypt_data(
            "derived", sealed["data"]["ciphertext"], **how)
        self.assertEqual(opened["data"]["plaintext"], b64(MESSAGE))
        with self.assertRaises(exceptions.InvalidRequest) as caught:
            self.transit.decrypt_data("derived",
                                      sealed["data"]["ciphertext"],
                                      context=b64(b"tenant"))
        self.assertEqual(caught.exception.errors,
                         ["cipher: message authentication failed"])

    def test_batch(self):
        sealed = self.transit.encrypt_data("acme", batch_input=[
            {"plaintext": b64(bytes([each]))} for each in range(3)])
        opened = self.transit.decrypt_data("acme", batch_input=[
            {"ciphertext": each["ciphertext"]}
            for each in sealed["data"]["batch_results"]])
        self.assertEqual([base64.b64decode(each["plaintext"])
                          for each in opened["data"]["batch_results"]],
                         [b"\0", b"\1", b"\2"])

    def test_data_key_and_rewrap(self):
        found = self.transit.generate_data_key("acme", "plaintext",
                                               bits=512)["data"]
        self.double.do("rotate", key="acme")
        moved = self.transit.rewrap_data("acme", found["ciphertext"])["data"]
        self.assertNotEqual(moved["ciphertext"].split(":")[1],
                            found["ciphertext"].split(":")[1])
        opened = self.transit.decrypt_data("acme", moved["ciphertext"])
        self.assertEqual(opened["data"]["plaintext"], found["plaintext"])

    def test_keys(self):
        transit = self.root.secrets.transit
        transit.create_key("own", key_type="ecdsa-p384")
        transit.rotate_key("own")
        transit.update_key_configuration("own", min_decryption_version=2,
                                         deletion_allowed=True)
        found = transit.read_key("own")["data"]
        self.assertEqual((found["type"], list(found["keys"])),
                         ("ecdsa-p384", ["2"]))
        self.assertIn("own", transit.list_keys()["data"]["keys"])
        with self.assertRaises(exceptions.InvalidRequest):
            transit.export_key("own", "signing-key")
        transit.delete_key("own")
        with self.assertRaises(exceptions.InvalidPath):
            transit.read_key("own")

    def public(self, key):
        found = self.transit.read_key(key)["data"]["keys"]["1"]
        return serialization.load_pem_public_key(
            found["public_key"].encode())

    def test_sign_rsa(self):
        digest = hashlib.sha256(MESSAGE).digest()
        for scheme, how in (("pkcs1v15", padding.PKCS1v15()),
                            ("pss", padding.PSS(padding.MGF1(
                                hashes.SHA256()), padding.PSS.MAX_LENGTH))):
            found = self.transit.sign_data(
                "rsa3072", b64(digest), hash_algorithm="sha2-256",
                prehashed=True, signature_algorithm=scheme)["data"]
            self.public("rsa3072").verify(
                base64.b64decode(found["signature"].split(":")[2]), MESSAGE,
                how, hashes.SHA256())

    def test_sign_ec(self):
        for marshaling in ("asn1", "jws"):
            found = self.transit.sign_data(
                "p256", b64(MESSAGE), hash_algorithm="sha2-256",
                marshaling_algorithm=marshaling)["data"]["signature"]
            checked = self.transit.verify_signed_data(
                "p256", b64(MESSAGE), signature=found,
                hash_algorithm="sha2-256", marshaling_algorithm=marshaling)
            self.assertTrue(checked["data"]["valid"])
        found = self.transit.sign_data("p256", b64(MESSAGE))["data"]
        self.public("p256").verify(
            base64.b64decode(found["signature"].split(":")[2]), MESSAGE,
            ec.ECDSA(hashes.SHA256()))

    def test_hmac_and_random(self):
        found = self.transit.generate_hmac("hmac", b64(MESSAGE),
                                           algorithm="sha2-512")["data"]
        checked = self.transit.verify_signed_data(
            "hmac", b64(MESSAGE), hmac=found["hmac"],
            hash_algorithm="sha2-512")
        self.assertTrue(checked["data"]["valid"])
        found = self.root.secrets.transit.generate_random_bytes(16)["data"]
        self.assertEqual(len(base64.b64decode(found["random_bytes"])), 16)

    def check_login(self, auth, client):
        self.assertEqual(auth["auth"]["policies"], ["default", "kms"])
        self.assertTrue(client.is_authenticated())
        client.secrets.transit.read_key("acme")

    def test_approle(self):
        client = self.connect()
        self.check_login(client.auth.approle.login(
            self.double.read("role_id"), self.double.read("secret_id")),
            client)
        with self.assertRaises(exceptions.InvalidRequest):
            client.auth.approle.login(self.double.read("role_id"), "x")

    def test_approle_set_up_and_wrapped_secret(self):
        approle = self.root.auth.approle
        approle.create_or_update_approle("job", token_policies=["kms"],
                                         secret_id_num_uses=1)
        role_id = approle.read_role_id("job")["data"]["role_id"]
        wrapped = approle.generate_secret_id("job", wrap_ttl="60s")
        secret = self.connect().sys.unwrap(wrapped["wrap_info"]["token"])
        client = self.connect()
        client.auth.approle.login(role_id, secret["data"]["secret_id"])
        self.assertTrue(client.is_authenticated())
        with self.assertRaises(exceptions.InvalidRequest):
            self.connect().sys.unwrap(wrapped["wrap_info"]["token"])

    def test_kubernetes(self):
        client = self.connect()
        self.check_login(client.auth.kubernetes.login(
            "app", self.double.read("service_account")), client)

    def test_jwt(self):
        client = self.connect()
        self.check_login(client.auth.jwt.jwt_login(
            "app", self.double.read("jwt")), client)

    def test_cert(self):
        client = self.connect()
        self.check_login(client.auth.cert.login(
            "app", cert_pem=self.double.path("client.pem"),
            key_pem=self.double.path("client.key")), client)

    def test_aws(self):
        client = self.connect()
        self.check_login(client.auth.aws.iam_login(
            AWS_ACCESS_KEY, AWS_SECRET_KEY, header_value=SERVER_ID,
            role="app"), client)
        for secret, value in ((AWS_SECRET_KEY + "x", SERVER_ID),
                              (AWS_SECRET_KEY, None)):
            with self.assertRaises(exceptions.InvalidRequest):
                client.auth.aws.iam_login(AWS_ACCESS_KEY, secret,
                                          header_value=value, role="app")

    def test_userpass(self):
        client = self.connect()
        self.check_login(client.auth.userpass.login("app", "app"), client)

    def test_policies(self):
        self.root.sys.create_or_update_policy("own", {"path": {
            "transit/encrypt/acme": {"capabilities": ["update"]}}})
        self.assertIn("own", self.root.sys.list_policies()["data"]["keys"])
        token = self.root.auth.token.create(policies=["own"])["auth"]
        client = self.connect(token["client_token"])
        client.secrets.transit.encrypt_data("acme", b64(MESSAGE))
        with self.assertRaises(exceptions.Forbidden):
            client.secrets.transit.read_key("acme")
        found = client.sys.get_capabilities(["transit/encrypt/acme"])
        self.assertEqual(found["capabilities"], ["update"])

    def test_mounts(self):
        self.root.sys.enable_secrets_engine("transit", path="other/transit")
        self.assertIn("other/transit/",
                      self.root.sys.list_mounted_secrets_engines()["data"])
        transit = self.root.secrets.transit
        transit.create_key("k", mount_point="other/transit")
        transit.encrypt_data("k", b64(MESSAGE), mount_point="other/transit")
        self.root.sys.disable_secrets_engine("other/transit")
        with self.assertRaises(exceptions.InvalidPath):
            transit.read_key("k", mount_point="other/transit")

    def test_namespace(self):
        client = self.connect(self.double.read("root_token"),
                              namespace="team")
        client.secrets.transit.create_key("t")
        self.assertEqual(client.secrets.transit.list_keys()["data"]["keys"],
                         ["t"])

    def test_health_and_seal(self):
        self.addCleanup(self.double.do, "unseal")
        self.assertFalse(self.vault.sys.is_sealed())
        found = self.vault.sys.read_health_status(method="GET")
        self.assertTrue(found["initialized"])
        self.root.sys.seal()
        self.assertTrue(self.vault.sys.is_sealed())
        self.assertEqual(self.vault.sys.read_health_status().status_code, 503)
        with self.assertRaises(exceptions.VaultDown):
            self.transit.read_key("acme")

    def test_errors(self):
        self.double.order("throttle", count=1)
        with self.assertRaises(exceptions.RateLimitExceeded):
            self.transit.read_key("acme")
        self.double.order("deny", count=1)
        with self.assertRaises(exceptions.Forbidden):
            self.transit.read_key("acme")
        self.double.order("fail", "502", count=1)
        with self.assertRaises(exceptions.BadGateway):
            self.transit.read_key("acme")


if __name__ == "__main__":
    unittest.main()
