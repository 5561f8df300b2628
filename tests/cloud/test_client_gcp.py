#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Google's own libraries against the Google Cloud double: google-cloud-kms
over REST and google-auth with every kind of credential."""

import datetime
import hashlib
import os
import subprocess
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True      # the source tree may be read-only

import google.auth                                          # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding  # noqa: E402
from google.api_core import exceptions                      # noqa: E402
from google.auth import (aws, external_account_authorized_user,  # noqa: E402
                         identity_pool, impersonated_credentials, pluggable)
from google.auth.exceptions import GoogleAuthError          # noqa: E402
from google.auth.transport.requests import Request          # noqa: E402
from google.cloud import kms_v1                             # noqa: E402
from google.oauth2 import credentials as user_credentials   # noqa: E402
from google.oauth2 import service_account                   # noqa: E402

from frame.testing import HERE                              # noqa: E402
from gcp.accounts import CLOUD_KMS, IAM                     # noqa: E402
from gcp.crc32c import crc32c                               # noqa: E402
from gcp_harness import Double, KEYS, RING_NAME, key_name   # noqa: E402
from gcpkms import (AWS_ACCESS_KEY, AWS_SECRET_KEY, LOCATION,  # noqa: E402
                    PROJECT)

TEXT = b"hello world"
AAD = b"context"
SCOPES = [CLOUD_KMS]
# A program on the machine: project, then one call with each of two tokens.
MACHINE = """
import os, sys
import google.auth
from google.cloud import kms_v1
import ctl
credentials, project = google.auth.default(
    scopes=["https://www.googleapis.com/auth/cloudkms"])
kms = kms_v1.KeyManagementServiceClient(
    transport="rest", credentials=credentials,
    client_options={"api_endpoint": sys.argv[1]})
kms.encrypt(name=sys.argv[2], plaintext=b"x")
ctl.send(os.environ["DOUBLE"], {"do": "revoke", "member": "vm"})
kms.encrypt(name=sys.argv[2], plaintext=b"x")
print(project, credentials.service_account_email.partition("@")[2]
      .partition(".")[0])
"""
TARGET = f"target@{PROJECT}.iam.gserviceaccount.com"


class TestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = Double(*(f"--key={name}={kind}"
                              for name, kind in KEYS.items()))
        cls.addClassCleanup(cls.double.stop)

    def setUp(self):
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")
        values = {"CLOUDSDK_CONFIG": self.double.path("gcloud"),
                  "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
        patch = mock.patch.dict(os.environ, values)
        patch.start()
        self.addCleanup(patch.stop)
        for name in list(os.environ):
            if name.startswith(("GOOGLE_CLOUD", "GOOGLE_APPL", "AWS_",
                                "GCLOUD_")):
                del os.environ[name]

    def client(self, credentials):
        return kms_v1.KeyManagementServiceClient(
            transport="rest", credentials=credentials,
            client_options={"api_endpoint": self.double.endpoint})

    def by_key(self):
        return service_account.Credentials.from_service_account_file(
            self.double.path("service_account.json"), scopes=SCOPES)

    def principal(self):
        """Whoever the last request to the KMS API was of."""
        return [line["principal"] for line in self.double.log_lines()
                if line["listener"] == "kms"][-1]


class Kms(TestCase):
    def setUp(self):
        super().setUp()
        self.kms = self.client(self.by_key())

    def public(self, key):
        reply = self.kms.get_public_key(name=key_name(key, 1))
        self.assertEqual(reply.pem_crc32c, crc32c(reply.pem.encode()))
        return serialization.load_pem_public_key(reply.pem.encode())

    def test_encrypt_and_decrypt(self):
        for key in ("sym", "hsm", "ekm"):
            sealed = self.kms.encrypt(request={
                "name": key_name(key), "plaintext": TEXT,
                "plaintext_crc32c": crc32c(TEXT),
                "additional_authenticated_data": AAD,
                "additional_authenticated_data_crc32c": crc32c(AAD)})
            self.assertTrue(sealed.verified_plaintext_crc32c)
            self.assertTrue(
                sealed.verified_additional_authenticated_data_crc32c)
            self.assertEqual(sealed.ciphertext_crc32c,
                             crc32c(sealed.ciphertext))
            self.assertEqual(sealed.name, key_name(key, 1))
            opened = self.kms.decrypt(request={
                "name": key_name(key), "ciphertext": sealed.ciphertext,
                "ciphertext_crc32c": crc32c(sealed.ciphertext),
                "additional_authenticated_data": AAD})
            self.assertEqual(opened.plaintext, TEXT)
            self.assertEqual(opened.plaintext_crc32c, crc32c(TEXT))
            self.assertTrue(opened.used_primary)
            with self.assertRaises(exceptions.BadRequest) as caught:
                self.kms.decrypt(name=key_name(key),
                                 ciphertext=sealed.ciphertext)
            self.assertIn("Decryption failed", caught.exception.message)

    def test_raw(self):
        sealed = self.kms.raw_encrypt(request={
            "name": key_name("gcm", 1), "plaintext": TEXT,
            "additional_authenticated_data": AAD})
        self.assertEqual(sealed.tag_length, 16)
        opened = self.kms.raw_decrypt(request={
            "name": key_name("gcm", 1), "ciphertext": sealed.ciphertext,
            "initialization_vector": sealed.initialization_vector,
            "tag_length": sealed.tag_length,
            "additional_authenticated_data": AAD})
        self.assertEqual(opened.plaintext, TEXT)

    def test_sign(self):
        digest = hashlib.sha256(TEXT).digest()
        for key, verify in (
                ("p256", lambda public, signature: public.verify(
                    signature, TEXT, ec.ECDSA(hashes.SHA256()))),
                ("pkcs1", lambda public, signature: public.verify(
                    signature, TEXT, padding.PKCS1v15(), hashes.SHA256()))):
            reply = self.kms.asymmetric_sign(request={
                "name": key_name(key, 1), "digest": {"sha256": digest},
                "digest_crc32c": crc32c(digest)})
            self.assertTrue(reply.verified_digest_crc32c)
            self.assertEqual(reply.signature_crc32c, crc32c(reply.signature))
            verify(self.public(key), reply.signature)
        reply = self.kms.asymmetric_sign(request={
            "name": key_name("ed25519", 1), "data": TEXT,
            "data_crc32c": crc32c(TEXT)})
        self.assertTrue(reply.verified_data_crc32c)
        self.public("ed25519").verify(reply.signature, TEXT)

    def test_asymmetric_decrypt(self):
        sealed = self.public("oaep").encrypt(TEXT, padding.OAEP(
            padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        reply = self.kms.asymmetric_decrypt(request={
            "name": key_name("oaep", 1), "ciphertext": sealed,
            "ciphertext_crc32c": crc32c(sealed)})
        self.assertEqual(reply.plaintext, TEXT)
        self.assertTrue(reply.verified_ciphertext_crc32c)

    def test_mac(self):
        signed = self.kms.mac_sign(name=key_name("mac", 1), data=TEXT)
        for mac, good in ((signed.mac, True), (bytes(32), False)):
            reply = self.kms.mac_verify(name=key_name("mac", 1), data=TEXT,
                                        mac=mac)
            self.assertEqual((reply.success,
                              reply.verified_success_integrity),
                             (good, good))

    def test_random(self):
        reply = self.kms.generate_random_bytes(
            location=f"projects/{PROJECT}/locations/{LOCATION}",
            length_bytes=16, protection_level=kms_v1.ProtectionLevel.HSM)
        self.assertEqual(reply.data_crc32c, crc32c(reply.data))

    def test_life_of_a_key(self):
        ring = self.kms.create_key_ring(
            parent=f"projects/{PROJECT}/locations/{LOCATION}",
            key_ring_id="made", key_ring={})
        key = self.kms.create_crypto_key(
            parent=ring.name, crypto_key_id="k", crypto_key={
                "purpose": kms_v1.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT,
                "rotation_period": {"seconds": 90 * 86400},
                "next_rotation_time": datetime.datetime(
                    2099, 1, 1, tzinfo=datetime.timezone.utc),
                "labels": {"team": "pay"}})
        version = kms_v1.CryptoKeyVersion
        states = version.CryptoKeyVersionState
        self.assertEqual(key.primary.state, states.ENABLED)
        made = self.kms.create_crypto_key_version(
            parent=key.name, crypto_key_version={})
        key = self.kms.update_crypto_key_primary_version(
            name=key.name, crypto_key_version_id="2")
        self.assertEqual(key.primary.name, made.name)
        changed = self.kms.update_crypto_key_version(
            crypto_key_version={"name": made.name,
                                "state": states.DISABLED},
            update_mask={"paths": ["state"]})
        self.assertEqual(changed.state, states.DISABLED)
        with self.assertRaises(exceptions.BadRequest) as caught:
            self.kms.encrypt(name=key.name, plaintext=TEXT)
        self.assertIn("current state is: DISABLED", caught.exception.message)
        gone = self.kms.destroy_crypto_key_version(name=made.name)
        self.assertEqual(gone.state, states.DESTROY_SCHEDULED)
        left = gone.destroy_time - datetime.datetime.now(
            datetime.timezone.utc)
        self.assertEqual(round(left.total_seconds() / 86400), 30)
        back = self.kms.restore_crypto_key_version(name=made.name)
        self.assertEqual(back.state, states.DISABLED)
        changed = self.kms.update_crypto_key(
            crypto_key={"name": key.name, "labels": {"team": "ops"}},
            update_mask={"paths": ["labels"]})
        self.assertEqual(changed.labels, {"team": "ops"})
        found = list(self.kms.list_crypto_key_versions(request={
            "parent": key.name, "filter": "state=ENABLED"}))
        self.assertEqual([each.name for each in found],
                         [key.name + "/cryptoKeyVersions/1"])

    def test_lists(self):
        names = [key.name for key in self.kms.list_crypto_keys(request={
            "parent": RING_NAME, "page_size": 3})]
        self.assertEqual(set(names), {key_name(key) for key in KEYS})
        self.assertIn(RING_NAME, [ring.name for ring in
                                  self.kms.list_key_rings(
                                      parent=RING_NAME.rpartition(
                                          "/keyRings")[0])])
        key = self.kms.get_crypto_key(name=key_name("p256"))
        self.assertEqual(
            key.version_template.algorithm, kms_v1.CryptoKeyVersion
            .CryptoKeyVersionAlgorithm.EC_SIGN_P256_SHA256)
        self.assertFalse(key.primary.name)

    def test_errors(self):
        self.double.order("deny", key="sym", count=1)
        with self.assertRaises(exceptions.Forbidden) as caught:
            self.kms.encrypt(name=key_name("sym"), plaintext=TEXT)
        self.assertEqual(caught.exception.reason, "IAM_PERMISSION_DENIED")
        self.assertEqual(caught.exception.metadata["permission"],
                         "cloudkms.cryptoKeyVersions.useToEncrypt")
        with self.assertRaises(exceptions.NotFound):
            self.kms.encrypt(name=key_name("nothing"), plaintext=TEXT)
        self.double.order("throttle", count=1)
        with self.assertRaises(exceptions.TooManyRequests) as caught:
            self.kms.encrypt(name=key_name("sym"), plaintext=TEXT)
        self.assertEqual(caught.exception.reason, "RATE_LIMIT_EXCEEDED")

    def test_it_tries_again_when_unavailable(self):
        self.double.order("fail", "UNAVAILABLE", count=2)
        self.kms.encrypt(name=key_name("sym"), plaintext=TEXT)
        self.assertEqual(self.double.calls("Encrypt"), 3)


class Credentials(TestCase):
    def works(self, credentials, principal):
        self.client(credentials).encrypt(name=key_name("sym"),
                                         plaintext=TEXT)
        self.assertIn(principal, self.principal())

    def test_service_account_signs_itself(self):
        self.works(self.by_key(), "tester@")
        self.assertEqual(self.double.calls("JwtBearer"), 0)

    def test_service_account_asks_for_a_token(self):
        credentials = self.by_key()
        credentials.refresh(Request())
        self.works(user_credentials.Credentials(credentials.token),
                   "tester@")
        self.assertEqual(self.double.calls("JwtBearer"), 1)

    def test_default_credentials(self):
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = self.double.path(
            "service_account.json")
        credentials, project = google.auth.default(scopes=SCOPES)
        self.assertEqual(project, PROJECT)
        self.works(credentials, "tester@")

    def test_user(self):
        info = self.double.file("authorized_user")
        credentials = user_credentials.Credentials(
            None, refresh_token=info["refresh_token"],
            client_id=info["client_id"], client_secret=info["client_secret"],
            token_uri=info["token_uri"],
            quota_project_id=info["quota_project_id"])
        self.works(credentials, "user@example.com")
        with self.assertRaises(exceptions.Forbidden):
            self.works(credentials.with_quota_project(None), "user")
        self.double.do("login", what="revoked")
        self.addCleanup(self.double.do, "login", what="ok")
        with self.assertRaises(GoogleAuthError) as caught:
            credentials.refresh(Request())
        self.assertIn("expired or revoked", str(caught.exception))

    def test_machine(self):
        """The library reads where the server is when it is loaded."""
        done = subprocess.run(
            [sys.executable, "-c", MACHINE, self.double.endpoint,
             key_name("sym")], env={**os.environ, **self.environment()},
            cwd=HERE,
            capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout.strip()),
                         (0, f"{PROJECT} {PROJECT}"), done.stderr)
        self.assertIn("vm@", self.principal())
        # The second is for the one that was revoked.
        self.assertEqual(self.double.calls("MetadataToken"), 2)

    def environment(self):
        machine = self.double.machine.partition("://")[2]
        return {"GCE_METADATA_HOST": machine, "GCE_METADATA_IP": machine,
                "DOUBLE": self.double.dir, "PYTHONDONTWRITEBYTECODE": "1"}

    def external(self, kind, module):
        return module.Credentials.from_file(
            self.double.path(f"external_{kind}.json"), scopes=SCOPES)

    def test_external_accounts(self):
        for kind in ("file", "file_json", "url", "url_json"):
            with self.subTest(kind):
                self.works(self.external(kind, identity_pool),
                           "/subject/workload")
        self.works(self.external("executable", pluggable),
                   "/subject/workload")
        self.assertEqual(self.double.calls("ExchangeToken"), 5)

    def test_external_account_aws(self):
        os.environ.update({"AWS_ACCESS_KEY_ID": AWS_ACCESS_KEY,
                           "AWS_SECRET_ACCESS_KEY": AWS_SECRET_KEY,
                           "AWS_REGION": "eu-west-1"})
        credentials = self.external("aws", aws)
        self.works(credentials, "assumed-role/workload")
        self.assertEqual(self.double.calls("AwsMetadata"), 0)
        os.environ["AWS_SECRET_ACCESS_KEY"] = "wrong"
        with self.assertRaises(GoogleAuthError) as caught:
            self.external("aws", aws).refresh(Request())
        self.assertIn("does not match the signature", str(caught.exception))

    def test_external_account_on_an_aws_machine(self):
        self.works(self.external("aws", aws), "assumed-role/workload")
        self.assertEqual(self.double.calls("AwsMetadata"), 3)
        self.assertGreaterEqual(self.double.calls("AwsToken"), 1)

    def test_external_user(self):
        credentials = external_account_authorized_user.Credentials.from_file(
            self.double.path("external_user.json"))
        self.works(credentials, "user@example.com")

    def test_external_account_that_becomes_another(self):
        credentials = self.external("impersonated", identity_pool)
        self.works(credentials, TARGET)
        self.assertEqual(self.double.calls("ExchangeToken"), 1)
        self.assertEqual(self.double.calls("GenerateAccessToken"), 1)

    def test_impersonation(self):
        """The library has no way to another host than Google's but this."""
        url = (f"{self.double.oauth}/v1/projects/-/serviceAccounts/{{}}"
               ":generateAccessToken")
        source = service_account.Credentials.from_service_account_file(
            self.double.path("service_account.json"), scopes=[IAM])
        with mock.patch.multiple(impersonated_credentials.iam,
                                 _IAM_ENDPOINT=url):
            credentials = impersonated_credentials.Credentials(
                source, TARGET, SCOPES, lifetime=600)
            credentials.refresh(Request())
            self.works(credentials, TARGET)
            self.double.do("ungrant", member="tester", resource="target")
            self.addCleanup(self.double.do, "grant", member="tester",
                            resource="target",
                            role="iam.serviceAccountTokenCreator")
            with self.assertRaises(GoogleAuthError) as caught:
                credentials.refresh(Request())
        self.assertIn("getAccessToken", str(caught.exception))

    def test_expired_subject_token(self):
        token = self.double.do("subject-token", seconds=-1)["token"]
        with open(self.double.path("subject.token"), encoding="utf-8") as \
                file:
            good = file.read()
        self.addCleanup(self.write_subject, good)
        self.write_subject(token)
        with self.assertRaises(GoogleAuthError) as caught:
            self.external("file", identity_pool).refresh(Request())
        self.assertIn("stale to sign-in", str(caught.exception))

    def write_subject(self, text):
        with open(self.double.path("subject.token"), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def test_clock_off(self):
        self.double.do("clock", seconds=7200)
        with self.assertRaises(GoogleAuthError) as caught:
            self.by_key().refresh(Request())
        self.assertIn("short-lived token", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
