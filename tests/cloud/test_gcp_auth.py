# SPDX-License-Identifier: Apache-2.0
"""Access tokens: what is needed for one, what it is good for, how long."""

import base64
import json
import time

from cryptography.hazmat.primitives.asymmetric import rsa

from frame import jose
from gcp.accounts import CLOUD_KMS, CLOUD_PLATFORM, IAM
from gcp_harness import (JWT_BEARER, TestCase, assertion, b64, key_name)
from gcpkms import PROJECT

ENCRYPT = {"plaintext": b64(b"x")}
SYM = key_name("sym") + ":encrypt"
TESTER = f"tester@{PROJECT}.iam.gserviceaccount.com"


class Bearer(TestCase):
    """What the KMS API says about a token."""

    def refused(self, reason, status="UNAUTHENTICATED", **options):
        error = self.fails(status, "POST", SYM, ENCRYPT, **options)
        self.assertEqual(self.reason(error), reason)
        return error

    def test_none(self):
        response = self.call("POST", SYM, ENCRYPT, token="")
        self.assertEqual(response.status, 401)
        self.assertIn("Bearer", response.headers["WWW-Authenticate"])
        self.refused("CREDENTIALS_MISSING", token="")

    def test_nonsense(self):
        for token in ("nonsense", "ya29.unknown", "a.b.c", "two words"):
            self.refused("ACCESS_TOKEN_TYPE_UNSUPPORTED", token=token)
        self.refused("ACCESS_TOKEN_TYPE_UNSUPPORTED",
                     Authorization="Basic " + b64(b"a:b"))

    def test_expired(self):
        self.double.do("clock", seconds=3570)
        self.ok("POST", SYM, ENCRYPT)
        self.double.do("clock", seconds=3601)
        self.refused("ACCESS_TOKEN_EXPIRED")

    def test_revoked(self):
        other = self.double.do("token", member="vm")["token"]
        self.double.do("revoke", member="tester")
        self.refused("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        self.ok("POST", SYM, ENCRYPT, token=other)
        self.double.do("revoke")
        self.refused("ACCESS_TOKEN_TYPE_UNSUPPORTED", token=other)

    def test_scopes(self):
        for scope in (CLOUD_KMS, CLOUD_PLATFORM, f"{IAM},{CLOUD_KMS}"):
            token = self.double.do("token", member="tester",
                                   scope=scope)["token"]
            self.ok("POST", SYM, ENCRYPT, token=token)
        token = self.double.do("token", member="tester", scope=IAM)["token"]
        self.refused("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "PERMISSION_DENIED",
                     token=token)

    def test_disabled_account(self):
        self.double.do("account", what="disable", email="tester")
        self.addCleanup(self.double.do, "account", what="enable",
                        email="tester")
        self.refused("ACCOUNT_STATE_INVALID")

    def test_bad_tokens_use_no_orders_up(self):
        self.double.order("throttle", count=1)
        self.refused("CREDENTIALS_MISSING", token="")
        self.fails("RESOURCE_EXHAUSTED", "POST", SYM, ENCRYPT)
        self.ok("POST", SYM, ENCRYPT)


class SelfSigned(TestCase):
    """A JWT of a service account in place of a token."""

    def setUp(self):
        super().setUp()
        self.account = self.double.file("service_account")

    def signed(self, **options):
        """As the libraries make it; claims that are None are left out."""
        members = {"sub": self.account["client_email"], "scope": None,
                   "aud": "https://cloudkms.googleapis.com/", **options}
        return assertion(self.account, **members)

    def test_good(self):
        for members in ({}, {"scope": CLOUD_KMS, "aud": None},
                        {"scope": f"openid {CLOUD_PLATFORM}", "aud": None},
                        {"aud": "https://cloudkms.us-east1.rep.googleapis"
                                ".com/"},
                        {"aud": self.double.endpoint + "/"}):
            with self.subTest(members):
                self.ok("POST", SYM, ENCRYPT, token=self.signed(**members))

    def test_bad(self):
        now = int(time.time())
        other = rsa.generate_private_key(65537, 2048)
        for members in (
                {"aud": "https://cloudkms.googleapis.com"},
                {"aud": "https://oauth2.googleapis.com/token"},
                {"aud": None}, {"scope": CLOUD_KMS},
                {"sub": None}, {"sub": f"vm@{PROJECT}.iam.gserviceaccount"
                                       ".com"},
                {"iss": "nobody@example.com"}, {"iss": None},
                {"iss": ["x"]}, {"kid": ["x"]}, {"kid": 1},
                {"kid": "0" * 40}, {"private": other},
                {"lifetime_s": 3601}, {"lifetime_s": -1},
                {"iat": now - 7200, "exp": now - 3600},
                {"iat": now + 3600, "exp": now + 7200},
                {"iat": None}, {"exp": None}, {"exp": "soon"},
                {"exp": True}):
            with self.subTest(members):
                self.fails("UNAUTHENTICATED", "POST", SYM, ENCRYPT,
                           token=self.signed(**members))

    def test_scope_too_small(self):
        error = self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                           token=self.signed(scope=IAM, aud=None))
        self.assertEqual(self.reason(error),
                         "ACCESS_TOKEN_SCOPE_INSUFFICIENT")

    def test_damaged(self):
        head, body, signature = self.signed().split(".")
        none = jose.encode(b'{"alg":"none","typ":"JWT"}')
        half = body[:-4]
        for token in (f"{head}.{body}.", f"{none}.{body}.",
                      f"{head}.{half}.{signature}",
                      f"{head}.{body}.{signature[:-4]}AAAA",
                      f"{head}.{body}.{signature}=="):
            self.fails("UNAUTHENTICATED", "POST", SYM, ENCRYPT, token=token)


class ServiceAccount(TestCase):
    """The JWT bearer grant."""

    def setUp(self):
        super().setUp()
        self.account = self.double.file("service_account")

    def ask(self, grant_type=JWT_BEARER, **options):
        return self.double.form("/token", grant_type=grant_type,
                                assertion=assertion(self.account, **options))

    def refused(self, error, text, **options):
        response = self.ask(**options)
        self.assertNotEqual(response.status, 200)
        self.assertEqual(response.json["error"], error)
        self.assertIn(text, response.json["error_description"])

    def test_token(self):
        reply = self.ask().json
        self.assertEqual(reply["token_type"], "Bearer")
        self.assertIn(reply["expires_in"], range(3570, 3600))
        self.ok("POST", SYM, ENCRYPT, token=reply["access_token"])

    def test_audience(self):
        self.assertEqual(self.ask(
            aud=self.account["token_uri"]).status, 200)
        for audience in ("https://cloudkms.googleapis.com/", None, ["a"],
                         "https://oauth2.example.com/token"):
            self.refused("invalid_grant", "audience", aud=audience)

    def test_times(self):
        now = int(time.time())
        for members in ({"lifetime_s": 3601}, {"lifetime_s": 0},
                        {"now": now - 3700}, {"now": now + 400},
                        {"now": now - 86400}):
            with self.subTest(members):
                self.refused("invalid_grant", "short-lived token",
                             **members)
        self.assertEqual(self.ask(now=now + 200).status, 200)
        self.refused("invalid_grant", "no exp", exp=None)
        self.refused("invalid_grant", "no iat", iat="1")

    def test_clock_of_the_service(self):
        self.double.do("clock", seconds=7200)
        self.refused("invalid_grant", "short-lived token")
        self.double.do("clear", kind="clock")
        self.assertEqual(self.ask().status, 200)

    def test_signature_and_key(self):
        self.refused("invalid_grant", "Invalid JWT Signature.",
                     private=rsa.generate_private_key(65537, 2048))
        self.refused("invalid_grant", "Invalid JWT Signature.",
                     kid="1" * 40)
        for issuer in ("nobody@example.com", None, 1, {}):
            self.refused("invalid_grant", "account not found", iss=issuer)

    def test_scope(self):
        for scope in (None, "", "cloudkms", "https://example.com/scope", 1):
            self.refused("invalid_scope", "Invalid OAuth scope",
                         scope=scope)
        token = self.ask(scope=f"{CLOUD_PLATFORM} {IAM}").json
        self.ok("POST", SYM, ENCRYPT, token=token["access_token"])

    def test_no_delegation(self):
        self.refused("unauthorized_client", "unauthorized",
                     sub="user@example.com")

    def test_new_keys_revoked_keys_and_disabled_accounts(self):
        email = f"t{time.time_ns()}@{PROJECT}.iam.gserviceaccount.com"
        self.double.do("account", what="add", email=email)
        self.account = self.double.do("account", what="key", email=email)
        token = self.ask().json["access_token"]
        self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT, token=token)
        self.double.do("grant", member=email, role="cryptoKeyEncrypter",
                       resource="sym")
        self.ok("POST", SYM, ENCRYPT, token=token)
        self.double.do("account", what="disable", email=email)
        self.refused("invalid_grant", "disabled")
        self.double.do("account", what="enable", email=email)
        self.double.do("account", what="revoke-keys", email=email)
        self.refused("invalid_grant", "Invalid JWT Signature.")
        self.double.do("account", what="remove", email=email)
        self.refused("invalid_grant", "account not found")

    def test_requests(self):
        good = assertion(self.account)
        for members, error in (
                ({"grant_type": "password"}, "unsupported_grant_type"),
                ({}, "unsupported_grant_type"),
                ({"grant_type": JWT_BEARER}, "invalid_request"),
                ({"grant_type": JWT_BEARER, "assertion": "a.b"},
                 "invalid_grant")):
            response = self.double.form("/token", **members)
            self.assertEqual(response.status, 400)
            self.assertEqual(response.json["error"], error)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        twice = f"grant_type={JWT_BEARER}&assertion={good}&assertion={good}"
        for body, headers in ((twice, form),
                              (json.dumps({"assertion": good}),
                               {"Content-Type": "application/json"})):
            response = self.double.send("POST", "/token", body, headers,
                                        self.double.oauth)
            self.assertEqual(response.json["error"], "invalid_request")

    def test_lifetime(self):
        self.double.do("token-lifetime", seconds=60)
        self.addCleanup(self.double.do, "token-lifetime", seconds=3600)
        reply = self.ask().json
        self.assertIn(reply["expires_in"], range(30, 60))
        self.double.do("clock", seconds=61)
        self.fails("UNAUTHENTICATED", "POST", SYM, ENCRYPT,
                   token=reply["access_token"])

    def test_orders(self):
        self.double.order("fail", "500", operations=["JwtBearer"], count=1)
        self.double.order("fail", "internal_failure", count=1)
        self.double.order("throttle", count=1)
        self.double.order("deny", count=1)
        self.assertEqual([self.ask().status for _ in range(5)],
                         [500, 500, 429, 401, 200])
        self.assertEqual(self.double.calls("JwtBearer"), 5)
        self.double.order("lie", "missing:access_token", count=1)
        self.assertNotIn("access_token", self.ask().json)
        self.double.order("lie", "type:expires_in", count=1)
        self.assertIsInstance(self.ask().json["expires_in"], str)


class User(TestCase):
    """The refresh token of somebody who logged in."""

    def setUp(self):
        super().setUp()
        self.login = self.double.file("authorized_user")
        self.addCleanup(self.double.do, "login", what="ok")

    def ask(self, **members):
        fields = {"grant_type": "refresh_token"}
        for name in ("client_id", "client_secret", "refresh_token"):
            fields[name] = self.login[name]
        return self.double.form("/token", **{**fields, **members})

    def test_token_needs_a_quota_project(self):
        token = self.ask().json["access_token"]
        error = self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                           token=token)
        self.assertEqual(self.reason(error), "SERVICE_DISABLED")
        self.assertIn("quota project", error["message"])
        self.ok("POST", SYM, ENCRYPT, token=token,
                X_Goog_User_Project=self.login["quota_project_id"])

    def test_quota_project_needs_permission(self):
        for token in (self.ask().json["access_token"], self.token):
            error = self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                               token=token, X_Goog_User_Project="other")
            self.assertEqual(self.reason(error), "USER_PROJECT_DENIED")

    def test_refused(self):
        for members, status, error in (
                ({"client_id": "unknown"}, 401, "invalid_client"),
                ({"client_secret": "wrong"}, 401, "invalid_client"),
                ({"refresh_token": "wrong"}, 400, "invalid_grant"),
                ({"refresh_token": ""}, 400, "invalid_request"),
                ({"scope": "nonsense"}, 400, "invalid_scope")):
            response = self.ask(**members)
            self.assertEqual((response.status, response.json["error"]),
                             (status, error))

    def test_revoked_and_log_in_again(self):
        self.double.do("login", what="revoked")
        self.assertEqual(self.ask().json, {
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked."})
        self.double.do("login", what="rapt")
        reply = self.ask().json
        self.assertEqual((reply["error"], reply["error_subtype"]),
                         ("invalid_grant", "invalid_rapt"))

    def test_basic_authentication(self):
        pair = f"{self.login['client_id']}:{self.login['client_secret']}"
        reply = self.double.form(
            "/v1/oauthtoken", {"Authorization": "Basic " + base64.b64encode(
                pair.encode()).decode()}, grant_type="refresh_token",
            refresh_token=self.login["refresh_token"])
        self.assertEqual(reply.status, 200)
        for header in ("Basic x", "Basic " + b64(b"nocolon"), "Bearer x"):
            reply = self.double.form(
                "/v1/oauthtoken", {"Authorization": header},
                grant_type="refresh_token",
                refresh_token=self.login["refresh_token"])
            self.assertEqual(reply.status, 401)
