# SPDX-License-Identifier: Apache-2.0
"""Tokens that come from elsewhere: federation, impersonation, machines."""

import calendar
import json
import subprocess
import time
import urllib.parse

from cryptography.hazmat.primitives import serialization

from aws import sigv4
from frame import jose
from gcp import sts
from gcp.accounts import CLOUD_KMS, CLOUD_PLATFORM, IAM
from gcp_harness import Double, TestCase, b64, key_name
from gcpkms import AWS_ACCESS_KEY, AWS_SECRET_KEY, PROJECT

ENCRYPT = {"plaintext": b64(b"x")}
SYM = key_name("sym") + ":encrypt"
TARGET = f"target@{PROJECT}.iam.gserviceaccount.com"
IMPERSONATE = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"


class Exchanging(TestCase):
    """Common to all kinds of subject tokens."""

    def exchange(self, token, kind="file", **members):
        config = self.double.file("external_" + kind)
        fields = {"grant_type": sts.EXCHANGE, "audience": config["audience"],
                  "scope": CLOUD_KMS,
                  "requested_token_type": sts.ACCESS_TOKEN,
                  "subject_token": token,
                  "subject_token_type": config["subject_token_type"],
                  **members}
        return self.double.form("/v1/token", **{
            name: value for name, value in fields.items()
            if value is not None})

    def refused(self, error, text, token, **members):
        response = self.exchange(token, **members)
        self.assertEqual(response.status, 400, response.body)
        self.assertEqual(response.json["error"], error)
        self.assertIn(text, response.json["error_description"])


class Oidc(Exchanging):
    def subject(self, **members):
        return self.double.do("subject-token", **members)["token"]

    def test_token(self):
        reply = self.exchange(self.subject()).json
        self.assertEqual((reply["issued_token_type"], reply["token_type"]),
                         (sts.ACCESS_TOKEN, "Bearer"))
        self.assertIn(reply["expires_in"], range(3570, 3600))
        self.assertGreater(len(reply["access_token"]), 1000)
        self.ok("POST", SYM, ENCRYPT, token=reply["access_token"])
        self.assertTrue(self.double.log_lines()[-1]["principal"].endswith(
            "/subject/workload"))

    def test_audiences(self):
        config = self.double.file("external_file")
        for audience in (config["audience"], "https:" + config["audience"]):
            self.assertEqual(self.exchange(self.subject(
                audience=audience)).status, 200)
        self.refused("invalid_grant", "does not match the expected audience",
                     self.subject(audience="https://example.com"))

    def test_times(self):
        token = self.subject(seconds=60)
        self.double.do("clock", seconds=61)
        self.refused("invalid_grant", "stale to sign-in", token)
        self.double.do("clock", seconds=-120)
        self.refused("invalid_grant", "in the future", token)
        self.double.do("clear")
        self.refused("invalid_grant", "exceeds 24 hours",
                     self.subject(seconds=86401))

    def test_not_by_the_provider(self):
        account = self.double.file("service_account")
        good = jose.parse(self.subject())
        kid = good.header["kid"]
        for claims, kid, text in (
                ({}, account["private_key_id"], "no key"),
                ({}, kid, "signature"), ({}, [], "no key"),
                ({"iss": "https://example.com"}, kid, "issuer")):
            private = serialization.load_pem_private_key(
                account["private_key"].encode(), None)
            self.refused("invalid_grant", text, jose.sign(
                private, {**good.header, "kid": kid},
                {**good.claims, **claims}))
        self.refused("invalid_grant", "Unable to parse", "nonsense")

    def test_subject(self):
        self.refused("invalid_grant", "google.subject",
                     self.subject(subject="s" * 128))
        self.refused("invalid_grant", "google.subject",
                     self.subject(subject=""))

    def test_requests(self):
        good = self.subject()
        for error, members in (
                ("unsupported_grant_type", {"grant_type": "x"}),
                ("invalid_target", {"audience": "//iam.googleapis.com/x"}),
                ("invalid_request", {"audience": None}),
                ("invalid_request", {"requested_token_type": "x"}),
                ("invalid_request", {"requested_token_type": None}),
                ("invalid_request", {"subject_token": None}),
                ("invalid_request", {"subject_token_type": sts.AWS_KIND}),
                ("invalid_request", {"subject_token_type": None}),
                ("invalid_request", {"scope": None}),
                ("invalid_scope", {"scope": "x"})):
            with self.subTest(members):
                response = self.exchange(good, **members)
                self.assertEqual((response.status, response.json["error"]),
                                 (400, error))

    def test_provider_disabled(self):
        self.double.do("provider", what="disable")
        self.addCleanup(self.double.do, "provider", what="enable")
        self.refused("invalid_target", "pool or provider is disabled",
                     self.subject())

    def test_a_principal_has_only_what_it_was_given(self):
        base = self.double.file("external_file")["audience"]
        base = base.partition("/providers/")[0]
        self.double.do("ungrant", member="federated")
        try:
            token = self.exchange(self.subject(subject="a")).json[
                "access_token"]
            self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                       token=token)
            self.double.do("grant", member=f"principal:{base}/subject/a",
                           role="cryptoKeyEncrypter")
            self.ok("POST", SYM, ENCRYPT, token=token)
            other = self.exchange(self.subject(subject="b")).json[
                "access_token"]
            self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                       token=other)
        finally:
            for role in ("admin", "cryptoOperator", "expertRawAesCbc",
                         "expertRawAesCtr", "serviceusage.services.use"):
                self.double.do("grant", member="federated", role=role)
            self.double.do("grant", member="federated", resource="target",
                           role="iam.serviceAccountTokenCreator")

    def test_sources(self):
        """What the credentials files point at is a good subject token."""
        url = self.double.file("external_url")["credential_source"]
        text = self.double.send("GET", urllib.parse.urlsplit(
            url["url"]).path, None, url["headers"], self.double.machine)
        with_json = self.double.file("external_url_json")[
            "credential_source"]
        target = with_json["url"].partition(self.double.machine)[2]
        document = self.double.send("GET", target, None,
                                    with_json["headers"],
                                    self.double.machine).json
        self.assertEqual(self.double.send(
            "GET", target, endpoint=self.double.machine).status, 401)
        command = self.double.file("external_executable")[
            "credential_source"]["executable"]["command"]
        printed = json.loads(subprocess.run(
            command, shell=True, capture_output=True, check=True).stdout)
        self.assertGreater(printed["expiration_time"], time.time())
        for token in (text.body.decode(), document["id_token"],
                      printed["id_token"], self.double.read("subject.token"),
                      json.loads(self.double.read("subject.json"))[
                          "id_token"]):
            self.assertEqual(self.exchange(token).status, 200)


class Aws(Exchanging):
    URL = "https://sts.eu-west-1.amazonaws.com"
    QUERY = "Action=GetCallerIdentity&Version=2011-06-15"

    def signed(self, secret=AWS_SECRET_KEY, session="", target=None, now=None,
               url=None):
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        headers = [("host", urllib.parse.urlsplit(self.URL).netloc),
                   ("x-amz-date", date)]
        if session:
            headers.append(("x-amz-security-token", session))
        names = [name for name, _ in headers]
        scope = f"{date[:8]}/eu-west-1/sts/aws4_request"
        text = sigv4.string_to_sign(
            sigv4.canonical_request(headers, names, b"", "POST", "/",
                                    self.QUERY), date, "eu-west-1", "sts")
        key = sigv4.signing_key(secret, date[:8], "eu-west-1", "sts")
        headers.append(("Authorization", "AWS4-HMAC-SHA256 Credential="
                        f"{AWS_ACCESS_KEY}/{scope}, SignedHeaders="
                        f"{';'.join(names)}, Signature="
                        f"{sigv4.sign(key, text)}"))
        audience = self.double.file("external_aws")["audience"]
        headers.append(("x-goog-cloud-target-resource", target or audience))
        return urllib.parse.quote(json.dumps({
            "url": url or f"{self.URL}?{self.QUERY}", "method": "POST",
            "headers": [{"key": name, "value": value}
                        for name, value in headers]}))

    def test_token(self):
        reply = self.exchange(self.signed(), kind="aws")
        self.assertEqual(reply.status, 200, reply.body)
        self.ok("POST", SYM, ENCRYPT, token=reply.json["access_token"])
        self.assertIn("assumed-role/workload",
                      self.double.log_lines()[-1]["principal"])

    def test_refused(self):
        now = time.time()
        for text, options in (
                ("does not match the signature", {"secret": "wrong"}),
                ("security token", {"session": "unknown"}),
                ("the audience", {"target": "//iam.googleapis.com/other"}),
                ("expired", {"now": now - 1000}),
                ("no GetCallerIdentity",
                 {"url": f"{self.URL}?Action=AssumeRole"}),
                ("no GetCallerIdentity",
                 {"url": f"https://example.com?{self.QUERY}"})):
            with self.subTest(options):
                self.refused("invalid_grant", text, self.signed(**options),
                             kind="aws")

    def test_encoded_once_too_few(self):
        """The form encodes it a second time; a client that forgets the first
        sends no percent signs."""
        self.refused("invalid_request", "Unable to parse", urllib.parse
                     .unquote(self.signed()).replace("{", "", 1), kind="aws")

    def test_session_token(self):
        double = Double("--aws-session-token", "session/token+x")
        self.addCleanup(double.stop)
        self.double, shared = double, self.double
        self.addCleanup(setattr, self, "double", shared)
        self.assertEqual(self.exchange(self.signed(
            session="session/token+x"), kind="aws").status, 200)
        self.refused("invalid_grant", "security token", self.signed(),
                     kind="aws")


class AwsMachine(TestCase):
    """Where a workload on AWS has its keys from."""
    ZONE = "/latest/meta-data/placement/availability-zone"
    ROLES = "/latest/meta-data/iam/security-credentials"

    def session(self, ttl="300"):
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": ttl} if ttl else {}
        return self.double.send("PUT", "/latest/api/token", None, headers,
                                self.double.machine)

    def get(self, path, token):
        return self.double.send("GET", path, None, {
            "X-aws-ec2-metadata-token": token}, self.double.machine)

    def test_keys_of_the_role(self):
        token = self.session().body.decode()
        self.assertEqual(self.get(self.ZONE, token).body, b"eu-west-1a")
        role = self.get(self.ROLES, token).body.decode()
        keys = self.get(f"{self.ROLES}/{role}", token).json
        self.assertEqual((keys["AccessKeyId"], keys["SecretAccessKey"]),
                         (AWS_ACCESS_KEY, AWS_SECRET_KEY))
        source = self.double.file("external_aws")["credential_source"]
        self.assertEqual(source["region_url"],
                         self.double.machine + self.ZONE)

    def test_refused(self):
        for ttl in (None, "0", "21601", "x"):
            self.assertEqual(self.session(ttl).status, 400)
        self.assertEqual(self.get(self.ZONE, "").status, 401)
        self.assertEqual(self.get(self.ZONE, "unknown").status, 401)
        token = self.session("60").body.decode()
        self.assertEqual(self.get(self.ROLES + "/other", token).status, 404)
        self.assertEqual(self.get("/latest/user-data", token).status, 404)
        self.double.do("clock", seconds=61)
        self.assertEqual(self.get(self.ZONE, token).status, 401)

    def test_no_role(self):
        self.double.do("aws-machine", what="none")
        self.addCleanup(self.double.do, "aws-machine", what="role")
        token = self.session().body.decode()
        self.assertEqual(self.get(self.ROLES, token).status, 404)


class Impersonation(TestCase):
    def setUp(self):
        super().setUp()
        self.caller = self.double.do("token", member="tester",
                                     scope=IAM)["token"]

    def ask(self, body=None, path=IMPERSONATE, caller=None):
        body = {"scope": [CLOUD_KMS]} if body is None else body
        return self.double.send(
            "POST", path, json.dumps(body), {
                "Content-Type": "application/json",
                "Authorization": "Bearer " + (caller or self.caller)},
            self.double.oauth)

    def refused(self, status, *args, **options):
        response = self.ask(*args, **options)
        error = response.json["error"]
        self.assertEqual((error["status"], error["code"]),
                         (status, response.status))
        return error

    def test_token(self):
        reply = self.ask({"scope": [CLOUD_KMS], "delegates": [],
                          "lifetime": "600s"})
        self.assertEqual(reply.status, 200, reply.body)
        left = calendar.timegm(time.strptime(
            reply.json["expireTime"], "%Y-%m-%dT%H:%M:%SZ")) - time.time()
        self.assertTrue(570 < left <= 600)
        self.ok("POST", SYM, ENCRYPT, token=reply.json["accessToken"])
        self.assertEqual(self.double.log_lines()[-1]["principal"], TARGET)

    def test_callers(self):
        for member in ("vm", "user"):
            caller = self.double.do("token", member=member,
                                    scope=CLOUD_PLATFORM)["token"]
            self.assertEqual(self.ask(caller=caller).status, 200)
        caller = self.double.do("token", member="tester",
                                scope=CLOUD_KMS)["token"]
        error = self.refused("PERMISSION_DENIED", caller=caller)
        self.assertEqual(self.reason(error),
                         "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        self.refused("UNAUTHENTICATED", caller="unknown")
        caller = self.double.do("token", member="x@example.com",
                                scope=IAM)["token"]
        error = self.refused("PERMISSION_DENIED", caller=caller)
        self.assertIn("iam.serviceAccounts.getAccessToken",
                      error["message"])

    def test_unknown_account(self):
        self.refused("PERMISSION_DENIED",
                     path=IMPERSONATE.replace("target", "nobody"))

    def test_arguments(self):
        for body in ({}, {"scope": []}, {"scope": ["nonsense"]},
                     {"scope": CLOUD_KMS},
                     {"scope": [CLOUD_KMS], "lifetime": "3601s"},
                     {"scope": [CLOUD_KMS], "lifetime": "0s"},
                     {"scope": [CLOUD_KMS], "lifetime": 3600},
                     {"scope": [CLOUD_KMS], "delegates": ["x"]},
                     {"scope": [CLOUD_KMS], "other": 1}):
            with self.subTest(body):
                self.refused("INVALID_ARGUMENT", body)

    def test_delegates(self):
        middle = f"d{time.time_ns()}@{PROJECT}.iam.gserviceaccount.com"
        body = {"scope": [CLOUD_KMS],
                "delegates": [f"projects/-/serviceAccounts/{middle}"]}
        self.double.do("account", what="add", email=middle)
        self.refused("PERMISSION_DENIED", body)
        self.double.do("grant", member="tester", resource=middle,
                       role="iam.serviceAccountTokenCreator")
        self.refused("PERMISSION_DENIED", body)
        self.double.do("grant", member=middle, resource="target",
                       role="iam.serviceAccountTokenCreator")
        self.assertEqual(self.ask(body).status, 200)

    def test_orders(self):
        self.double.order("fail", "UNAVAILABLE", count=1,
                          operations=["GenerateAccessToken"])
        self.double.order("deny", key=TARGET, count=1)
        self.refused("UNAVAILABLE")
        self.refused("PERMISSION_DENIED")
        self.double.order("lie", "missing:expireTime", count=1)
        self.assertNotIn("expireTime", self.ask().json)


class Machine(TestCase):
    ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/"
    TOKEN = ACCOUNTS + "default/token"

    def setUp(self):
        super().setUp()
        self.double.do("machine", account="vm", scopes=[CLOUD_PLATFORM])

    def test_headers_both_ways(self):
        for path in ("/", "/computeMetadata/v1/project/project-id"):
            reply = self.double.metadata(path)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.headers["Metadata-Flavor"], "Google")
        self.assertEqual(self.double.metadata(
            "/", Metadata_Flavor=None).status, 200)
        for headers in ({"Metadata_Flavor": None},
                        {"Metadata_Flavor": "google"},
                        {"X_Forwarded_For": "127.0.0.1"}):
            reply = self.double.metadata(self.TOKEN, **headers)
            self.assertEqual(reply.status, 403)

    def test_texts(self):
        for path, text in (("project/project-id", PROJECT),
                           ("instance/service-accounts/default/email",
                            f"vm@{PROJECT}.iam.gserviceaccount.com"),
                           ("instance/service-accounts/default/scopes",
                            CLOUD_PLATFORM + "\n")):
            reply = self.double.metadata("/computeMetadata/v1/" + path)
            self.assertEqual(reply.body.decode(), text)
        universe = "/computeMetadata/v1/universe/universe-domain"
        self.assertEqual(self.double.metadata(universe).status, 404)
        self.double.do("universe", domain="googleapis.com")
        self.assertEqual(self.double.metadata(universe).body,
                         b"googleapis.com")
        self.double.do("universe", domain="none")
        self.assertEqual(self.double.metadata(
            "/computeMetadata/v1/nothing").status, 404)

    def test_token(self):
        for name in ("default", f"vm@{PROJECT}.iam.gserviceaccount.com"):
            reply = self.double.metadata(f"{self.ACCOUNTS}{name}/token"
                                         f"?scopes={CLOUD_KMS}").json
            self.assertEqual(reply["token_type"], "Bearer")
            self.assertGreater(reply["expires_in"], 3500)
            self.ok("POST", SYM, ENCRYPT, token=reply["access_token"])
        info = self.double.metadata(
            self.ACCOUNTS + "default/?recursive=true").json
        self.assertEqual(info["email"],
                         f"vm@{PROJECT}.iam.gserviceaccount.com")

    def test_tokens_are_kept_until_close_to_their_end(self):
        first = self.double.metadata(self.TOKEN).json
        self.double.do("clock", seconds=3000)
        again = self.double.metadata(self.TOKEN).json
        self.assertEqual(again["access_token"], first["access_token"])
        self.assertLess(again["expires_in"], 610)
        self.double.do("clock", seconds=3310)
        self.assertNotEqual(self.double.metadata(self.TOKEN).json[
            "access_token"], first["access_token"])
        self.double.do("machine", account="vm")

    def test_narrow_scopes(self):
        self.double.do("machine", account="vm", scopes=[
            "https://www.googleapis.com/auth/devstorage.read_only"])
        token = self.double.metadata(
            f"{self.TOKEN}?scopes={CLOUD_KMS}").json["access_token"]
        error = self.fails("PERMISSION_DENIED", "POST", SYM, ENCRYPT,
                           token=token)
        self.assertEqual(self.reason(error),
                         "ACCESS_TOKEN_SCOPE_INSUFFICIENT")

    def test_no_account(self):
        self.double.do("machine", account="none")
        self.assertEqual(self.double.metadata(self.TOKEN).status, 404)
        self.assertEqual(self.double.metadata(self.ACCOUNTS).body, b"")
        self.assertEqual(self.double.metadata("/").status, 200)

    def test_orders(self):
        self.double.order("fail", "500", count=1,
                          operations=["MetadataToken"])
        self.assertEqual(self.double.metadata(self.TOKEN).status, 500)
        self.double.order("lie", "no-flavor", count=1)
        self.assertNotIn("Metadata-Flavor",
                         self.double.metadata(self.TOKEN).headers)
        self.double.order("lie", "type:expires_in", count=1)
        self.assertIsInstance(self.double.metadata(self.TOKEN).json[
            "expires_in"], str)
        self.assertEqual(self.double.calls("MetadataToken"), 3)

    def test_token_lifetime(self):
        self.double.do("token-lifetime", seconds=30)
        self.addCleanup(self.double.do, "token-lifetime", seconds=3600)
        self.assertIn(self.double.metadata(self.TOKEN).json["expires_in"],
                      range(10, 30))
