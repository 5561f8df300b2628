# SPDX-License-Identifier: Apache-2.0
"""The service's own client libraries against the double.

They keep it honest: azure-identity gets tokens in every way there is, and
azure-keyvault-keys works with the keys. They use the true names of the
service, which lead to the double here.
"""

import hashlib
import logging
import os
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True      # the source tree may be read-only

from azure.core.exceptions import (ClientAuthenticationError,   # noqa: E402
                                   HttpResponseError, ResourceExistsError,
                                   ResourceNotFoundError)
from azure.identity import (AzureCliCredential,                 # noqa: E402
                            CertificateCredential,
                            ClientSecretCredential,
                            CredentialUnavailableError,
                            DefaultAzureCredential,
                            ManagedIdentityCredential,
                            WorkloadIdentityCredential)
from azure.keyvault.keys import ApiVersion, KeyClient           # noqa: E402
from azure.keyvault.keys._shared import http_challenge_cache    # noqa: E402
from azure.keyvault.keys.crypto import (CryptographyClient,     # noqa: E402
                                        EncryptionAlgorithm,
                                        KeyWrapAlgorithm,
                                        SignatureAlgorithm)
from cryptography.hazmat.primitives import hashes               # noqa: E402
from cryptography.hazmat.primitives.asymmetric import (         # noqa: E402
    ec, padding, rsa, utils)
from urllib3.util import connection                             # noqa: E402

from azure_harness import (CLIENT_ID, CLIENT_SECRET, TENANT,    # noqa: E402
                           TestCase)

VAULT = "https://acme.vault.azure.net"
HSM = "https://acmehsm.managedhsm.azure.net"
LISTENERS = {"acme.vault.azure.net": "vault",
             "acmehsm.managedhsm.azure.net": "hsm",
             "login.microsoftonline.com": "login"}
OTHER_TENANT = "77777777-8888-7777-6666-555555555555"
# No way to a token but the one a test is about.
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith(("AZURE_", "IDENTITY_", "MSI_", "IMDS_"))}


class ClientCase(TestCase):
    def setUp(self):
        super().setUp()
        self.patch(mock.patch.object(connection, "create_connection",
                                     self.connect))
        self.variables({})
        http_challenge_cache.clear()    # the library has one per process

    def patch(self, patcher):
        patcher.start()
        self.addCleanup(patcher.stop)

    def connect(self, address, *arguments, **options):
        """Names of the service lead to the double, others nowhere."""
        host, port = address
        if host != "127.0.0.1":
            url = self.endpoint(LISTENERS[host])
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
        return _connect(address, *arguments, **options)

    def variables(self, values):
        self.patch(mock.patch.dict(os.environ, {
            **CLEAN, "REQUESTS_CA_BUNDLE": self.double.path("ca.pem"),
            **values}, clear=True))

    def source(self, name):
        """As a shell would read one of the env files."""
        values = {}
        for line in self.double.read(f"env.{name}").splitlines():
            word, _, rest = line.partition(" ")
            variable, _, value = rest.partition("=")
            if word == "export" and variable != "AZURE_AUTHORITY_HOST":
                values[variable] = value.strip("'")
        self.variables(values)

    def secret(self, **options):
        credential = ClientSecretCredential(TENANT, CLIENT_ID, CLIENT_SECRET,
                                            **options)
        self.addCleanup(credential.close)
        return credential

    def keys(self, credential=None, url=VAULT, **options):
        client = KeyClient(url, credential or self.secret(), **options)
        self.addCleanup(client.close)
        return client

    def crypto(self, name, url=VAULT, **options):
        client = self.keys(url=url, **options).get_cryptography_client(name)
        self.addCleanup(client.close)
        return client


_connect = connection.create_connection
logging.disable(logging.CRITICAL)   # they tell of every refusal


class Credentials(ClientCase):
    def check(self, credential):
        self.addCleanup(credential.close)
        self.assertEqual(self.keys(credential).get_key("p256").name, "p256")

    def test_secret(self):
        self.check(self.secret())
        self.assertEqual(self.double.calls("token"), 1)

    def test_certificate(self):
        path = self.double.path("client.pem")
        self.check(CertificateCredential(TENANT, CLIENT_ID, path))
        self.check(CertificateCredential(TENANT, CLIENT_ID, path,
                                         send_certificate_chain=True))
        found = [line["credential"] for line in self.double.log_lines()
                 if line["operation"] == "token"]
        self.assertEqual(found[-2:], ["certificate"] * 2)

    def test_workload(self):
        self.check(WorkloadIdentityCredential(
            tenant_id=TENANT, client_id=CLIENT_ID,
            token_file_path=self.double.path("federated-token")))

    def test_imds(self):
        self.source("imds")
        self.check(ManagedIdentityCredential())
        self.assertEqual(self.double.calls("imds"), 1)

    def test_app_service(self):
        self.source("appservice")
        self.check(ManagedIdentityCredential())
        self.assertEqual(self.double.calls("appservice"), 1)

    def test_arc(self):
        self.source("arc")
        self.patch(mock.patch.dict(
            "msal.managed_identity._supported_arc_platforms_and_their_"
            "prefixes", {"linux": self.double.path("tokens")}))
        self.patch(mock.patch(
            "azure.identity._credentials.azure_arc._get_key_file_path",
            lambda: self.double.path("tokens")))
        self.check(ManagedIdentityCredential())
        self.assertEqual(self.double.calls("arc"), 2)

    def test_command_line(self):
        self.source("cli")
        self.check(AzureCliCredential())
        self.addCleanup(self.double.do, "cli", state="login")
        self.double.do("cli", state="logout")
        with self.assertRaises(CredentialUnavailableError) as caught:
            AzureCliCredential().get_token("https://vault.azure.net/.default")
        self.assertIn("az login", str(caught.exception))

    def test_default_chain(self):
        for name, operation in (("secret", "token"),
                                ("certificate", "token"),
                                ("workload", "token"), ("imds", "imds")):
            self.source(name)
            before = self.double.calls(operation)
            self.check(DefaultAzureCredential(
                exclude_developer_credential=True))
            self.assertGreater(self.double.calls(operation), before, name)

    def test_refusals(self):
        for arguments, text in (
                ((TENANT, CLIENT_ID, "guess"), "AADSTS7000215"),
                ((TENANT, VAULT, CLIENT_SECRET), "AADSTS700016")):
            credential = ClientSecretCredential(*arguments)
            self.addCleanup(credential.close)
            with self.assertRaises(ClientAuthenticationError) as caught:
                self.keys(credential).get_key("p256")
            self.assertIn(text, str(caught.exception))

    def test_no_identity(self):
        self.source("imds")
        credential = ManagedIdentityCredential(client_id="nobody")
        self.addCleanup(credential.close)
        with self.assertRaises(CredentialUnavailableError) as caught:
            self.keys(credential).get_key("p256")
        self.assertIn("Identity not found", str(caught.exception))

    def test_revoked_token_is_replaced(self):
        client = self.keys()
        client.get_key("p256")
        self.double.do("revoke")
        self.assertEqual(client.get_key("p256").name, "p256")
        self.assertEqual(self.double.calls("token"), 2)

    def test_vault_moves(self):
        self.double.do("app", what="consent", client=CLIENT_ID,
                       tenant=OTHER_TENANT)
        client = self.keys(self.secret(additionally_allowed_tenants=["*"]))
        client.get_key("p256")
        self.addCleanup(self.double.do, "tenant", tenant=TENANT)
        self.double.do("tenant", tenant=OTHER_TENANT)
        self.assertEqual(client.get_key("p256").name, "p256")

    def test_foreign_login(self):
        """These take the tenant from the challenge, not the host."""
        self.addCleanup(self.double.do, "challenge")
        self.double.do("foreign-login")
        self.keys().get_key("p256")
        self.assertEqual(self.double.calls("foreign-token"), 0)

    def test_foreign_resource(self):
        self.addCleanup(self.double.do, "challenge")
        self.double.do("challenge", text="Bearer authorization="
                       f'"https://login.microsoftonline.com/{TENANT}", '
                       'resource="https://vault.azure.net.evil.example"')
        with self.assertRaises(ValueError):
            self.keys().get_key("p256")
        self.assertEqual(self.double.calls("token"), 0)


class Keys(ClientCase):
    def test_every_api_version(self):
        for version in ApiVersion:
            if version is not ApiVersion.V2016_10_01:
                key = self.keys(api_version=version).get_key("rsa")
                self.assertEqual(key.key_type, "RSA")

    def test_life_of_a_key(self):
        client = self.keys()
        made = client.create_ec_key("sdk-life", curve="P-384",
                                    tags={"a": "b"})
        self.assertEqual((made.key.crv, made.properties.tags),
                         ("P-384", {"a": "b"}))
        first = made.properties.version
        second = client.rotate_key("sdk-life").properties.version
        self.assertEqual({each.version for each in
                          client.list_properties_of_key_versions("sdk-life")},
                         {first, second})
        self.assertEqual(client.get_key("sdk-life", first).id, made.id)
        client.update_key_properties("sdk-life", enabled=False)
        self.assertFalse(client.get_key("sdk-life").properties.enabled)
        deleted = client.begin_delete_key("sdk-life").result()
        self.assertTrue(deleted.recovery_id)
        with self.assertRaises(ResourceNotFoundError):
            client.get_key("sdk-life")
        with self.assertRaises(ResourceExistsError):
            client.create_ec_key("sdk-life")
        client.begin_recover_deleted_key("sdk-life").wait()
        client.begin_delete_key("sdk-life").wait()
        client.purge_deleted_key("sdk-life")

    def test_lists(self):
        names = [each.name for each in self.keys().list_properties_of_keys(
            max_page_size=3)]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("rsa4096", names)

    def test_random_bytes(self):
        self.assertEqual(len(self.keys(url=HSM).get_random_bytes(40)), 40)

    def test_errors(self):
        client = self.crypto("p256")
        client.sign(SignatureAlgorithm.es256, bytes(32))
        self.addCleanup(self.double.do, "enable", key="p256")
        self.double.do("disable", key="p256")
        with self.assertRaises(HttpResponseError) as caught:
            client.sign(SignatureAlgorithm.es256, bytes(32))
        error = caught.exception
        self.assertEqual((error.status_code, error.error.code,
                          error.error.innererror["code"]),
                         (403, "Forbidden", "KeyDisabled"))

    def test_permissions(self):
        self.addCleanup(self.double.do, "grant", permissions="all")
        self.double.do("grant", permissions="get,sign")
        self.crypto("p256").sign(SignatureAlgorithm.es256, bytes(32))
        with self.assertRaises(HttpResponseError) as caught:
            list(self.keys().list_properties_of_keys())
        self.assertIn("does not have keys list permission",
                      caught.exception.message)

    def test_throttled_requests_are_tried_again(self):
        client = self.keys()
        client.get_key("p256")
        self.double.order("throttle", "0", count=2)
        client.get_key("p256")
        self.assertEqual(self.double.do("stats")["codes"]["Throttled"], 2)


class Crypto(ClientCase):
    """Private operations at the double; the libraries do public ones with
    the public key, and so check what comes back."""

    def test_rsa_signatures(self):
        for name, url in (("rsa", VAULT), ("rsa3072", VAULT), ("rsa", HSM)):
            client = self.crypto(name, url)
            for bits, hash_ in (("256", hashlib.sha256),
                                ("384", hashlib.sha384),
                                ("512", hashlib.sha512)):
                for scheme in ("RS", "PS"):
                    alg = SignatureAlgorithm(scheme + bits)
                    digest = hash_(b"abc").digest()
                    made = client.sign(alg, digest)
                    self.assertTrue(client.verify(
                        alg, digest, made.signature).is_valid)
        self.assertEqual(self.double.calls("verify"), 0)

    def test_ecdsa(self):
        for name, url, alg, hash_ in (
                ("p256", VAULT, SignatureAlgorithm.es256, hashlib.sha256),
                ("k256", VAULT, SignatureAlgorithm.es256_k, hashlib.sha256),
                ("p384", VAULT, SignatureAlgorithm.es384, hashlib.sha384),
                ("p521", VAULT, SignatureAlgorithm.es512, hashlib.sha512),
                ("p256", HSM, SignatureAlgorithm.es256, hashlib.sha256)):
            client = self.crypto(name, url)
            digest = hash_(b"abc").digest()
            for _ in range(3):
                made = client.sign(alg, digest)
                self.assertTrue(client.verify(
                    alg, digest, made.signature).is_valid)
            self.assertFalse(client.verify(
                alg, hash_(b"abd").digest(), made.signature).is_valid)

    def test_rsa_encryption(self):
        client = self.crypto("rsa")
        for alg in (EncryptionAlgorithm.rsa_oaep,
                    EncryptionAlgorithm.rsa_oaep_256,
                    EncryptionAlgorithm.rsa1_5):
            sealed = client.encrypt(alg, b"secret").ciphertext
            self.assertEqual(client.decrypt(alg, sealed).plaintext,
                             b"secret")
        for alg in (KeyWrapAlgorithm.rsa_oaep,
                    KeyWrapAlgorithm.rsa_oaep_256):
            sealed = client.wrap_key(alg, bytes(32)).encrypted_key
            self.assertEqual(client.unwrap_key(alg, sealed).key, bytes(32))

    def remote(self, name, url=VAULT):
        """A client that may not see the key, and asks for everything."""
        # From its properties, which have no material.
        properties = next(each for each in self.keys(
            url=url).list_properties_of_key_versions(name))
        client = CryptographyClient(properties.id, self.secret())
        self.addCleanup(client.close)
        get = mock.patch.object(client, "_initialize", lambda **_: None)
        self.patch(get)
        return client

    def test_public_operations_at_the_service(self):
        client = self.remote("rsa")
        sealed = client.wrap_key(KeyWrapAlgorithm.rsa_oaep_256,
                                 bytes(32)).encrypted_key
        self.assertEqual(client.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256,
                                           sealed).key, bytes(32))
        digest = hashlib.sha256(b"abc").digest()
        made = client.sign(SignatureAlgorithm.ps256, digest)
        self.assertTrue(client.verify(SignatureAlgorithm.ps256, digest,
                                      made.signature).is_valid)
        for operation in ("wrapKey", "unwrapKey", "sign", "verify"):
            self.assertEqual(self.double.calls(operation), 1)

    def test_aes(self):
        client = self.crypto("aes256", HSM)
        sealed = client.wrap_key(KeyWrapAlgorithm.aes_256, bytes(32))
        self.assertEqual(client.unwrap_key(
            KeyWrapAlgorithm.aes_256, sealed.encrypted_key).key, bytes(32))
        made = client.encrypt(EncryptionAlgorithm.a256_gcm, b"hello",
                              additional_authenticated_data=b"header")
        opened = client.decrypt(
            EncryptionAlgorithm.a256_gcm, made.ciphertext, iv=made.iv,
            authentication_tag=made.tag,
            additional_authenticated_data=b"header")
        self.assertEqual(opened.plaintext, b"hello")
        made = client.encrypt(EncryptionAlgorithm.a256_cbcpad, b"hello",
                              iv=bytes(16))
        self.assertEqual(client.decrypt(
            EncryptionAlgorithm.a256_cbcpad, made.ciphertext,
            iv=bytes(16)).plaintext, b"hello")

    def test_as_keys_of_the_cryptography_package(self):
        """The library's own adapters: a third party checks the result."""
        for name, size in (("rsa", 256), ("rsa4096", 512)):
            private = self.crypto(name).create_rsa_private_key()
            self.assertIsInstance(private, rsa.RSAPrivateKey)
            for scheme in (padding.PKCS1v15(), padding.PSS(
                    padding.MGF1(hashes.SHA256()), 32)):
                signature = private.sign(b"abc", scheme, hashes.SHA256())
                self.assertEqual(len(signature), size)
                private.public_key().public_numbers().public_key().verify(
                    signature, b"abc", scheme, hashes.SHA256())

    def test_raw_signature_against_the_public_key(self):
        client = self.keys()
        key = client.get_key("p521").key
        public = ec.EllipticCurvePublicNumbers(
            int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big"),
            ec.SECP521R1()).public_key()
        signature = self.crypto("p521").sign(
            SignatureAlgorithm.es512, hashlib.sha512(b"abc").digest()
        ).signature
        public.verify(utils.encode_dss_signature(
            int.from_bytes(signature[:66], "big"),
            int.from_bytes(signature[66:], "big")), b"abc",
            ec.ECDSA(hashes.SHA512()))


if __name__ == "__main__":
    unittest.main()
