# SPDX-License-Identifier: Apache-2.0
"""The data plane: keys, versions, and what they are used for."""

import hashlib
import json
import unittest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from azure_harness import TestCase, jose

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(),
          "512": hashes.SHA512()}
CURVES = {"p256": ("ES256", 32, hashes.SHA256()),
          "k256": ("ES256K", 32, hashes.SHA256()),
          "p384": ("ES384", 48, hashes.SHA384()),
          "p521": ("ES512", 66, hashes.SHA512())}

# The keys of RFC 7515, A.2 and A.3, and what they make of "abc".
RFC_RSA = {
    "kty": "RSA", "e": "AQAB",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Va"
    "w-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2"
    "jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WT"
    "BEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DW"
    "NmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "d": "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5s"
    "LKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVa"
    "YLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0Z"
    "HHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD"
    "9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    "p": "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l"
    "58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvK"
    "n-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "q": "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLY"
    "sp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dT"
    "ltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
    "dp": "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e"
    "9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6"
    "vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
    "dq": "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRw"
    "bKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1"
    "VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
    "qi": "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpS"
    "cGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawB"
    "gfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}
RFC_EC = {"kty": "EC", "crv": "P-256",
          "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
          "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
ABC_RS256 = (
    "mG5LjB6Lr0sh3hkcwq5POhKtEmG24NAfoaaBvm0W-vqSu9rvA0GDAln_RFAlEZ3zlI9WaXGP"
    "39XW6FNYJDA3B1H-3Zsvz3FsP8Nl-6quBcc8wZUyfBFnM8OyND4uIXRAXsWQr9vNk_32hqlP"
    "x5Zqcqpgw5qOHF53kIpcBEa3VXHrLxmUXKQF_uohMCyjI3qqKZtfOTHfcnmrYpTk4T_cAdbi"
    "aZzyKVUXrP1TwgcBq5Tfa5hEMQ9tKlIFNb6NPH2b9-Dr97W02GtaKKkuKa_N20U8ZIPLNovd"
    "fdnwfIozx-NCHLID16nm-bPHD1ZZXvAzlpbz7-Jymh6G436zzzUXkQ")
RFC_OAEP_256 = (
    "TtLnPR9f9_xSCHyGsRMPOUy-IGG4peTebHeNUyJOS3iv5Qugbwi7CfsCgzzcwSvWttn2jGaZ"
    "OShEjSB984n5j_d-RNOb0MIwB3zWQB4bgU0RXW8Xx7F6yBZr2AR7mzfSW2cZBNOhmm1wXg4N"
    "6dDosn0NQT8Gr1Xygu-Eh4YAm3DMmdue9dFIGnHPmSkNpgr1OCfwPUoiL00ys96R1ngzULem"
    "n8U0WabaGomV3PFCJtBAG8FU4tnYp43QsmsBn8Dfm2DpoqOg8PBoV9BPwfv6GXpL62VLqARu"
    "4eeI73K15HlJuOsFuNHJefY_tIOS_3K66FDwon2pwyhKytR9tR9b9w")


def digest(hash_, message=b"abc"):
    hasher = hashes.Hash(hash_)
    hasher.update(message)
    return hasher.finalize()


class Signing(TestCase):
    def public(self, key):
        pem = self.double.do("public-key", key=key)["pem"]
        return serialization.load_pem_public_key(pem.encode())

    def sign(self, key, alg, value, **options):
        return jose.decode(self.ok(*self.op(key, "sign", alg=alg,
                                            value=value),
                                   **options)["value"])

    def test_digest_of_another_length(self):
        text = self.fails(400, "BadParameter",
                          *self.op("p256", "sign", alg="ES256",
                                   value=bytes(44)))
        self.assertEqual(text, "Invalid length of 'value': 44 bytes. ES256 "
                         "requires 32 bytes, encoded with base64url.")
        for alg, length in (("RS256", 20), ("RS384", 32), ("PS512", 63)):
            self.fails(400, "BadParameter", *self.op(
                "rsa", "sign", alg=alg, value=bytes(length)))

    def test_algorithm_of_another_key(self):
        for key, alg, length in (("rsa", "ES256", 32), ("p256", "RS256", 32),
                                 ("p256", "ES384", 48), ("k256", "ES256", 32),
                                 ("p256", "ES256K", 32)):
            self.fails(400, "BadParameter", *self.op(
                key, "sign", alg=alg, value=bytes(length)))

    def test_unknown_and_absent_algorithm(self):
        for members in ({"alg": "none"}, {"alg": 5}, {"alg": None}, {},
                        {"alg": "HS256"}):
            self.fails(400, "BadParameter", *self.op(
                "rsa", "sign", value=bytes(32), **members))

    def test_value_that_is_not_base64url(self):
        good = jose.encode(bytes(range(200, 232)))
        self.assertIn("_", good)
        for value in (good + "=", good.replace("_", "/"), good[:-1] + "B",
                      good + "\n", 5, None):
            self.fails(400, "BadParameter", *self.op(
                "rsa", "sign", alg="RS256", value=value))

    def test_rsa(self):
        for key, size in (("rsa", 256), ("rsa3072", 384), ("rsa4096", 512)):
            public = self.public(key)
            for bits, hash_ in HASHES.items():
                value = digest(hash_)
                signature = self.sign(key, "RS" + bits, value)
                self.assertEqual(len(signature), size)
                public.verify(signature, value, padding.PKCS1v15(),
                              utils.Prehashed(hash_))
                public.verify(self.sign(key, "PS" + bits, value), value,
                              padding.PSS(padding.MGF1(hash_),
                                          hash_.digest_size),
                              utils.Prehashed(hash_))

    def test_ecdsa_is_r_and_s(self):
        for key, (alg, size, hash_) in CURVES.items():
            value = digest(hash_)
            signature = self.sign(key, alg, value)
            self.assertEqual(len(signature), 2 * size)
            der = utils.encode_dss_signature(
                int.from_bytes(signature[:size], "big"),
                int.from_bytes(signature[size:], "big"))
            self.public(key).verify(der, value,
                                    ec.ECDSA(utils.Prehashed(hash_)))

    def test_short_signature(self):
        self.double.order("lie", "short-signature")
        for key, (alg, size, hash_) in CURVES.items():
            signature = self.sign(key, alg, digest(hash_))
            self.assertEqual(len(signature), 2 * size)
            zeros = bytes(2 if size == 66 else 1)
            self.assertTrue(signature.startswith(zeros)
                            or signature[size:].startswith(zeros))

    def test_raw_rsa(self):
        """RSNULL is PKCS#1 around what the client sends."""
        public = self.public("rsa")
        info = bytes.fromhex("3021300906052b0e03021a05000414")
        value = info + hashlib.sha1(b"abc").digest()
        public.verify(self.sign("rsa", "RSNULL", value), b"abc",
                      padding.PKCS1v15(), hashes.SHA1())
        self.sign("rsa", "RSNULL", bytes(245))
        self.fails(400, "BadParameter", *self.op(
            "rsa", "sign", alg="RSNULL", value=bytes(246)))

    def test_verify(self):
        for key, alg, hash_ in (("rsa", "RS256", HASHES["256"]),
                                ("rsa", "PS384", HASHES["384"]),
                                ("p521", "ES512", HASHES["512"])):
            value = digest(hash_)
            signature = self.sign(key, alg, value)
            for sent, good in ((signature, True), (signature[:-1], False),
                               (bytes(len(signature)), False)):
                answer = self.ok(*self.op(key, "verify", alg=alg,
                                          digest=value, value=sent))
                self.assertEqual(answer, {"value": good})

    def test_known_answers(self):
        """The examples that the reference of the protocol gives."""
        key = self.ok("PUT", "/keys/rfc-rsa", {"key": RFC_RSA})
        self.assertEqual((key["key"]["n"], key["key"]["e"]),
                         (RFC_RSA["n"], "AQAB"))
        self.assertNotIn("d", key["key"])
        self.assertEqual(
            self.sign("rfc-rsa", "RS256", hashlib.sha256(b"abc").digest()),
            jose.decode(ABC_RS256))
        opened = self.ok(*self.op("rfc-rsa", "unwrapkey",
                                  alg="RSA-OAEP-256", value=RFC_OAEP_256))
        self.assertEqual(jose.decode(opened["value"]), bytes(range(32)))
        key = self.ok("PUT", "/keys/rfc-ec", {"key": RFC_EC})
        self.assertEqual((key["key"]["x"], key["key"]["y"]),
                         (RFC_EC["x"], RFC_EC["y"]))
        verified = self.ok(*self.op(
            "rfc-ec", "verify", alg="ES256",
            digest="IcZzaPQ2V39Ef4BRYsoTuA0Eaj_kZyR-ZepHeqdQ-i4",
            value="DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa"
            "8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"))
        self.assertIs(verified["value"], True)

    def test_wrong_signature_is_noticed(self):
        """The check of this test is one that can fail."""
        value = digest(HASHES["256"])
        with self.assertRaises(InvalidSignature):
            self.public("rsa").verify(self.sign("rsa3072", "RS256", value),
                                      value, padding.PKCS1v15(),
                                      utils.Prehashed(HASHES["256"]))


class Encryption(TestCase):
    def both(self, key, alg, names, value, kind="vault", **members):
        """There and back, by the names of two operations."""
        sealed = self.ok(*self.op(key, names[0], alg=alg, value=value,
                                  **members), kind=kind)
        self.assertTrue(sealed["kid"].endswith(self.version(key)))
        back = {name: sealed[name] for name in ("value", "iv", "tag")
                if name in sealed}
        opened = self.ok(*self.op(key, names[1], alg=alg,
                                  **{**members, **back}), kind=kind)
        self.assertEqual(jose.decode(opened["value"]), value)
        return sealed

    def test_rsa(self):
        for alg, limit in (("RSA-OAEP", 214), ("RSA-OAEP-256", 190),
                           ("RSA1_5", 245)):
            for names in (("wrapkey", "unwrapkey"), ("encrypt", "decrypt")):
                for length in (0, 1, 32, limit):
                    self.both("rsa", alg, names, bytes(length))
                self.fails(400, "BadParameter", *self.op(
                    "rsa", names[0], alg=alg, value=bytes(limit + 1)))

    def test_unwrap_is_decrypt(self):
        sealed = self.ok(*self.op("rsa", "encrypt", alg="RSA-OAEP-256",
                                  value=b"dek"))["value"]
        opened = self.ok(*self.op("rsa", "unwrapkey", alg="RSA-OAEP-256",
                                  value=sealed))
        self.assertEqual(jose.decode(opened["value"]), b"dek")

    def test_damaged_rsa(self):
        for alg in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
            sealed = jose.decode(self.ok(*self.op(
                "rsa", "wrapkey", alg=alg, value=b"dek"))["value"])
            for value in (sealed[:-1] + bytes([sealed[-1] ^ 1]),
                          bytes(256), sealed[:-1], sealed + b"\0", b""):
                self.fails(400, "BadParameter", *self.op(
                    "rsa", "unwrapkey", alg=alg, value=value))

    def test_key_of_another_vault_does_not_open(self):
        sealed = self.ok(*self.op("rsa", "wrapkey", alg="RSA-OAEP-256",
                                  value=b"dek"))["value"]
        self.fails(400, "BadParameter", *self.op(
            "acmehsm/rsa", "unwrapkey", alg="RSA-OAEP-256", value=sealed),
            kind="hsm")

    def test_ec_only_signs(self):
        self.double.do("ops", key=self.new_key(), ops="wrapKey")
        self.fails(400, "BadParameter", *self.op(
            f"own{TestCase.serial}", "wrapkey", alg="RSA-OAEP-256",
            value=b"dek"))

    def test_aes_wrap(self):
        for bits in ("128", "192", "256"):
            for value in (bytes(16), bytes(32), bytes(40)):
                sealed = self.both(f"acmehsm/aes{bits}", f"A{bits}KW",
                                   ("wrapkey", "unwrapkey"), value, "hsm")
                self.assertEqual(len(jose.decode(sealed["value"])),
                                 len(value) + 8)
        for length in (0, 8, 17):
            self.fails(400, "BadParameter", *self.op(
                "acmehsm/aes256", "wrapkey", alg="A256KW",
                value=bytes(length)), kind="hsm")

    def test_aes_wrap_known_answer(self):
        """RFC 3394, 4.6."""
        self.ok("PUT", "/keys/rfc3394", {"key": {
            "kty": "oct-HSM", "k": jose.encode(bytes(range(32)))}},
            kind="hsm")
        answer = self.ok(*self.op(
            "acmehsm/rfc3394", "wrapkey", alg="A256KW",
            value="ABEiM0RVZneImaq7zN3u_wABAgMEBQYHCAkKCwwNDg8"), kind="hsm")
        self.assertEqual(answer["value"],
                         "KMn0BMS4EPTLzLNc-4f4Jj9XhuLYDtMmy8fw5xqZ9Dv7mIubegL"
                         "dIQ")

    def test_aes_of_another_size(self):
        text = self.fails(400, "BadParameter", *self.op(
            "acmehsm/aes128", "wrapkey", alg="A256KW", value=bytes(32)),
            kind="hsm")
        self.assertIn("Key size is incorrect", text)

    def test_damaged_aes_wrap(self):
        sealed = jose.decode(self.ok(*self.op(
            "acmehsm/aes256", "wrapkey", alg="A256KW", value=bytes(32)),
            kind="hsm")["value"])
        for value in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-8],
                      sealed[:-1], b""):
            self.fails(400, "BadParameter", *self.op(
                "acmehsm/aes256", "unwrapkey", alg="A256KW", value=value),
                kind="hsm")

    def test_padded_wrap_came_later(self):
        for alg, first, before in (("CKM_AES_KEY_WRAP_PAD", "7.6", "7.5"),
                                   ("A256KWPAD", "2026-04-01",
                                    "2025-07-01")):
            request = self.op("acmehsm/aes256", "wrapkey", alg=alg,
                              value=b"dek")
            self.fails(400, "BadParameter", *request, kind="hsm", api=before)
            self.ok(*request, kind="hsm", api=first)

    def test_gcm(self):
        names = ("encrypt", "decrypt")
        for bits in ("128", "256"):
            key, alg = f"acmehsm/aes{bits}", f"A{bits}GCM"
            sealed = self.both(key, alg, names, b"hello", "hsm",
                               aad=b"header")
            self.assertEqual(len(jose.decode(sealed["iv"])), 12)
            self.assertEqual(len(jose.decode(sealed["tag"])), 16)
            self.both(key, alg, names, b"", "hsm")
        self.fails(400, "BadParameter", *self.op(
            "acmehsm/aes256", "encrypt", alg="A256GCM", value=b"hello",
            iv=bytes(12)), kind="hsm")
        back = {name: sealed[name] for name in ("value", "iv", "tag")}
        for wrong in ({"aad": b"other"}, {}, {"aad": b"header",
                                              "tag": bytes(16)}):
            self.fails(400, "BadParameter", *self.op(
                "acmehsm/aes256", "decrypt", **{"alg": "A256GCM", **back,
                                                **wrong}), kind="hsm")

    def test_cbc(self):
        names = ("encrypt", "decrypt")
        key = "acmehsm/aes256"
        self.both(key, "A256CBC", names, bytes(32), "hsm", iv=bytes(16))
        self.both(key, "A256CBCPAD", names, b"hello", "hsm", iv=bytes(16))
        for members in ({"value": bytes(16)},
                        {"value": bytes(15), "iv": bytes(16)},
                        {"value": bytes(16), "iv": bytes(12)}):
            self.fails(400, "BadParameter", *self.op(
                key, "encrypt", alg="A256CBC", **members), kind="hsm")

    def test_wrap_is_not_for_cipher_modes(self):
        self.fails(400, "BadParameter", *self.op(
            "acmehsm/aes256", "wrapkey", alg="A256GCM", value=bytes(16)),
            kind="hsm")
        self.fails(400, "BadParameter", *self.op(
            "acmehsm/aes256", "encrypt", alg="A256KW", value=bytes(16)),
            kind="hsm")

    def test_random_bytes(self):
        for count in (1, 128):
            answer = self.ok("POST", "/rng", {"count": count}, kind="hsm")
            self.assertEqual(len(jose.decode(answer["value"])), count)
        for count in (0, 129, "4", True, None):
            self.fails(400, "BadParameter", "POST", "/rng", {"count": count},
                       kind="hsm")
        self.fails(404, "NotFound", "POST", "/rng", {"count": 4})
        self.fails(404, "NotFound", "POST", "/rng", {"count": 4}, kind="hsm",
                   api="7.2")


class Requests(TestCase):
    def test_api_version(self):
        for api in ("6.0", "7.6-preview", "7.4&api-version=7.4"):
            self.fails(400, "BadParameter", "GET", "/keys/rsa", api=api)
        text = self.fails(400, "BadParameter", "GET", "/keys/rsa", api=None)
        self.assertIn("api-version", text)

    def test_what_an_api_version_has(self):
        for api, has, lacks in (
                ("7.0", (), ("exportable", "hsmPlatform")),
                ("7.4", ("exportable",), ("hsmPlatform",)),
                ("7.6", ("exportable", "hsmPlatform"), ("key_size",)),
                ("2026-04-01", ("key_size", "hsmPlatform"), ())):
            found = self.ok("GET", "/keys/aes256", kind="hsm",
                            api=api)["attributes"]
            for name in has:
                self.assertIn(name, found)
            for name in lacks:
                self.assertNotIn(name, found)

    def test_body_that_is_no_json_object(self):
        path = self.op("rsa", "sign")[1]
        for body in ("", "{", "[]", "null", '{"alg":"RS256","alg":"RS256"}'):
            self.fails(400, "BadParameter", "POST", path, body)
        self.fails(415, "UnsupportedMediaType", "POST", path, "{}",
                   headers={"Content-Type": "text/plain"})

    def test_unknown_members_are_ignored(self):
        self.ok(*self.op("rsa", "sign", alg="RS256", value=bytes(32), new=1))

    def test_wrong_method_or_path(self):
        for method, path in (("GET", "/keys/rsa//sign"), ("POST", "/keys/rsa"),
                             ("GET", "/secrets/x"), ("GET", "/"),
                             ("POST", "/keys/rsa//SIGN")):
            self.fails(400, "BadParameter", method, path)

    def test_unknown_host(self):
        response = self.request("GET", "/keys/rsa",
                                headers={"Host": "other.vault.azure.net"})
        self.assertEqual(response.status, 400)
        self.assertIn(b"Invalid Hostname", response.body)

    def test_known_host_names_the_vault(self):
        for host in ("acme.vault.azure.net", "ACME.vault.azure.net:8443"):
            found = self.ok("GET", "/keys/rsa", headers={"Host": host})
            self.assertTrue(found["key"]["kid"].startswith(
                f"https://{host}/keys/rsa/"))

    def test_client_request_id_comes_back(self):
        response = self.request("GET", "/keys/rsa", headers={
            "x-ms-client-request-id": "me"})
        self.assertEqual(response.headers["x-ms-client-request-id"], "me")

    def test_log_has_no_secrets(self):
        token = self.token()
        self.ok(*self.op("rsa", "sign", alg="RS256", value=bytes(32)),
                token=token)
        line = self.double.log_lines()[-1]
        self.assertEqual((line["operation"], line["alg"], line["code"]),
                         ("sign", "RS256", "OK"))
        with open(self.double.log, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn(token[:40], text)
        self.assertNotIn("loopback+only", text)


class Lifecycle(TestCase):
    SIGN = {"alg": "ES256", "value": bytes(32)}

    def sign(self, key, version=None):
        return self.op(key, "sign", version, **self.SIGN)

    def test_create_by_the_api(self):
        made = self.ok("POST", "/keys/made/create", {
            "kty": "EC", "crv": "P-384", "key_ops": ["sign"],
            "attributes": {"exp": 4102444800}, "tags": {"owner": "me"}})
        self.assertEqual(made["key"]["crv"], "P-384")
        self.assertEqual(made["key"]["key_ops"], ["sign"])
        self.assertEqual(made["attributes"]["exp"], 4102444800)
        self.assertEqual(made["tags"], {"owner": "me"})
        for body in ({}, {"kty": "DSA"}, {"kty": "RSA", "key_size": 1024},
                     {"kty": "EC", "crv": "P-192"}, {"kty": "oct-HSM"},
                     {"kty": "EC", "key_ops": ["derive"]},
                     {"kty": "EC", "attributes": {"enabled": "yes"}}):
            self.fails(400, "BadParameter", "POST", "/keys/bad/create", body)
        self.fails(400, "BadParameter", "POST", "/keys/b_d/create",
                   {"kty": "EC"})

    def test_managed_hsm_has_hsm_keys_only(self):
        for kty in ("RSA", "EC"):
            self.fails(400, "BadParameter", "POST", "/keys/bad/create",
                       {"kty": kty}, kind="hsm")

    def test_rotation(self):
        key = self.new_key()
        first = self.version(key)
        rotated = self.ok("POST", f"/keys/{key}/rotate", {})
        second = rotated["key"]["kid"].rpartition("/")[2]
        self.assertNotEqual(first, second)
        for version, found in ((first, first), (second, second),
                               ("", second)):
            answer = self.ok(*self.sign(key, version))
            self.assertTrue(answer["kid"].endswith("/" + found))
        # Without the segment, too, and in capitals.
        self.ok("POST", f"/keys/{key}/sign", self.SIGN)
        self.ok(*self.sign(key.upper(), first.upper()))
        listed = self.ok("GET", f"/keys/{key}/versions")["value"]
        self.assertEqual({each["kid"].rpartition("/")[2] for each in listed},
                         {first, second})

    def test_unknown_key_and_version(self):
        for path in ("/keys/nosuch", "/keys/rsa/" + "0" * 32):
            text = self.fails(404, "KeyNotFound", "GET", path)
            self.assertIn("was not found in this key vault", text)
        self.fails(404, "KeyNotFound", *self.sign("p256", "0" * 32))

    def test_disabled(self):
        key = self.new_key()
        first = self.version(key)
        self.double.do("rotate", key=key)
        self.double.do("disable", key=key, version=first)
        text = self.fails(403, "Forbidden", *self.sign(key, first),
                          inner="KeyDisabled")
        self.assertEqual(text, "Operation sign is not allowed on a disabled "
                         "key.")
        self.ok(*self.sign(key))
        found = self.ok("GET", f"/keys/{key}/{first}")
        self.assertIs(found["attributes"]["enabled"], False)
        self.double.do("disable", key=key)
        self.fails(403, "Forbidden", *self.sign(key), inner="KeyDisabled")
        self.double.do("enable", key=key)
        self.ok(*self.sign(key))

    def test_what_was_seen_of_disabled_keys(self):
        self.addCleanup(self.double.do, "enable", key="rsa")
        self.double.do("disable", key="rsa")
        wrap = self.op("rsa", "wrapkey", alg="RSA-OAEP", value=b"dek")
        self.fails(403, "Forbidden", *wrap, inner="KeyDisabled")
        for quirk in ("disabled-public", "disabled-get"):
            self.addCleanup(self.double.do, "quirk", quirk=quirk, state="off")
            self.double.do("quirk", quirk=quirk)
        sealed = self.ok(*wrap)["value"]
        self.fails(403, "Forbidden", *self.op(
            "rsa", "unwrapkey", alg="RSA-OAEP", value=sealed),
            inner="KeyDisabled")
        self.fails(403, "Forbidden", "GET", "/keys/rsa", inner="KeyDisabled")

    def test_time_limits(self):
        sealed = self.ok(*self.op("rsa", "wrapkey", alg="RSA-OAEP",
                                  value=b"dek"))["value"]
        self.addCleanup(self.double.do, "valid", key="rsa",
                        not_before="never", expires="never")
        for limits in ({"not_before": 60}, {"not_before": "never",
                                            "expires": -60}):
            self.double.do("valid", key="rsa", **limits)
            self.fails(403, "Forbidden", *self.op(
                "rsa", "sign", alg="RS256", value=bytes(32)))
            self.fails(403, "Forbidden", *self.op(
                "rsa", "wrapkey", alg="RSA-OAEP", value=b"dek"))
            self.ok(*self.op("rsa", "unwrapkey", alg="RSA-OAEP",
                             value=sealed))
            self.ok("GET", "/keys/rsa")

    def test_key_ops(self):
        key = self.new_key(ops="verify")
        text = self.fails(403, "Forbidden", *self.sign(key),
                          inner="KeyOperationForbidden")
        self.assertEqual(text, "Operation sign is not permitted on this key.")
        self.ok("PATCH", f"/keys/{key}/{self.version(key)}",
                {"key_ops": ["sign"]})
        self.ok(*self.sign(key))

    def test_soft_deletion(self):
        key = self.new_key()
        version = self.version(key)
        deleted = self.ok("DELETE", f"/keys/{key}")
        self.assertTrue(deleted["recoveryId"].endswith("/deletedkeys/" + key))
        for request in (self.sign(key, version), ("GET", f"/keys/{key}"),
                        ("DELETE", f"/keys/{key}")):
            self.fails(404, "KeyNotFound", *request)
        self.fails(409, "Conflict", "POST", f"/keys/{key}/create",
                   {"kty": "EC"}, inner="ObjectIsDeletedButRecoverable")
        self.ok("GET", f"/deletedkeys/{key}")
        self.ok("POST", f"/deletedkeys/{key}/recover", {})
        self.ok(*self.sign(key, version))
        self.double.do("delete", key=key)
        response = self.request("DELETE", f"/deletedkeys/{key}")
        self.assertEqual((response.status, response.body), (204, b""))
        self.fails(404, "KeyNotFound", "GET", f"/deletedkeys/{key}")
        self.ok("POST", f"/keys/{key}/create", {"kty": "EC"})

    def test_busy(self):
        key = self.new_key()
        self.double.do("busy", key=key, code="ObjectIsBeingDeleted")
        self.fails(409, "Conflict", "GET", f"/keys/{key}",
                   inner="ObjectIsBeingDeleted")
        self.double.do("busy", key=key)
        self.ok("GET", f"/keys/{key}")

    def test_update(self):
        key = self.new_key()
        changed = self.ok("PATCH", f"/keys/{key}",
                          {"attributes": {"enabled": False},
                           "tags": {"a": "b"}})
        self.assertIs(changed["attributes"]["enabled"], False)
        self.assertEqual(changed["tags"], {"a": "b"})

    def test_list_has_pages(self):
        names, path, pages = [], "/keys?maxresults=5", 0
        while path:
            page = self.ok("GET", path, api=None if "api-v" in path
                           else "7.4")
            for each in page["value"]:
                self.assertNotIn("key", each)
                names.append(each["kid"].rpartition("/keys/")[2])
            pages += 1
            path = page["nextLink"]
            if path:
                endpoint = self.double.endpoint
                self.assertTrue(path.startswith(endpoint + "/keys?"))
                path = path[len(endpoint):]
        self.assertGreater(pages, 1)
        self.assertIn("rsa", names)
        self.assertEqual(len(names), len(set(names)))
        for size in (0, 26, "x"):
            self.fails(400, "BadParameter", "GET", f"/keys?maxresults={size}")

    def test_import_needs_a_whole_key(self):
        for jwk in (None, {}, {"kty": "EC"}, {**RFC_EC, "d": "!"},
                    {**RFC_EC, "crv": "P-192"}, {**RFC_RSA, "n": "AQAB"}):
            self.fails(400, "BadParameter", "PUT", "/keys/bad",
                       json.dumps({"key": jwk}))


if __name__ == "__main__":
    unittest.main()
