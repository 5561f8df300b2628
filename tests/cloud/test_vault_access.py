# SPDX-License-Identifier: Apache-2.0
"""Tokens, policies, logins, namespaces and the state of the node."""

import base64
import json
import os
import time
import unittest

from aws import sigv4
from frame import tls
from vault import policies
from vault.setup import AWS_ACCESS_KEY, AWS_ARN, AWS_SECRET_KEY, SERVER_ID
from vault_harness import Client, Double, TestCase, b64, shared

DEAD = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
SELF = "auth/token/lookup-self"


class Tokens(TestCase):
    def token(self, **options):
        return Client(self.double, self.double.do("token", **options)[
            "token"])

    def test_none_and_unknown(self):
        self.assertEqual(self.refused(403, "GET", SELF,
                                      client=Client(self.double, "")),
                         "permission denied")
        self.assertEqual(self.refused(403, "GET", SELF,
                                      client=Client(self.double, "hvs.x")),
                         DEAD)

    def test_bearer(self):
        client = Client(self.double, "")
        token = self.root.token
        self.ok("GET", SELF, client=client, Authorization="Bearer " + token)
        # The other header wins.
        self.refused(403, "GET", SELF, client=client, X_Vault_Token="x",
                     Authorization="Bearer " + token)

    def test_root_never_expires(self):
        found = self.ok("GET", SELF)
        self.assertEqual((found["ttl"], found["expire_time"],
                          found["policies"]), (0, None, ["root"]))

    def test_expiry(self):
        client = self.token(ttl="1h")
        found = self.ok("GET", SELF, client=client)
        self.assertLessEqual(found["ttl"], 3600)
        self.assertEqual(found["creation_ttl"], 3600)
        self.double.do("clock", seconds=3601)
        self.assertEqual(self.refused(403, "GET", SELF, client=client), DEAD)

    def test_renewal(self):
        client = self.token(ttl="1h")
        self.double.do("clock", seconds=3000)
        found = self.write("auth/token/renew-self", client)
        self.assertEqual((found["lease_duration"], found["renewable"]),
                         (3600, True))
        found = self.write("auth/token/renew-self", client, increment="30m")
        self.assertEqual(found["lease_duration"], 1800)

    def test_renewal_stops_at_the_explicit_limit(self):
        client = self.token(ttl="1h", explicit_max="90m")
        self.double.do("clock", seconds=3000)
        found = self.write("auth/token/renew-self", client)
        self.assertLessEqual(found["lease_duration"], 2400)
        self.double.do("clock", seconds=5401)
        self.refused(403, "GET", SELF, client=client)

    def test_periodic(self):
        client = self.token(period="1h")
        for seconds in (3000, 6000, 9000):
            self.double.do("clock", seconds=seconds)
            self.write("auth/token/renew-self", client)
        self.assertEqual(self.ok("GET", SELF, client=client)["period"], 3600)

    def test_not_renewable(self):
        for options in ({"fixed": True}, {"batch": True}):
            client = self.token(**options)
            self.assertFalse(self.ok("GET", SELF, client=client)[
                "renewable"])
            text = self.not_written(400, "auth/token/renew-self", client)
            self.assertEqual(text, "lease is not renewable")

    def test_number_of_uses(self):
        client = self.token(uses=2)
        self.assertEqual(self.ok("GET", SELF, client=client)["num_uses"], 1)
        self.write("auth/token/renew-self", client)
        self.assertEqual(self.refused(403, "GET", SELF, client=client), DEAD)

    def test_revocation(self):
        client = self.token()
        self.write("auth/token/revoke-self", client)
        self.refused(403, "GET", SELF, client=client)
        client = self.token()
        self.double.do("revoke-token", token=client.token)
        self.refused(403, "GET", SELF, client=client)

    def test_children_go_with_their_parent(self):
        parent = self.write("auth/token/create", policies=["root"],
                            ttl="1h")["client_token"]
        mother = Client(self.double, parent)
        child = self.write("auth/token/create", mother, policies="kms")
        orphan = self.write("auth/token/create-orphan", mother,
                            policies="kms")
        self.write("auth/token/revoke", token=parent)
        self.refused(403, "GET", SELF,
                     client=Client(self.double, child["client_token"]))
        self.ok("GET", SELF, client=Client(self.double,
                                           orphan["client_token"]))

    def test_child_has_no_more_than_its_parent(self):
        self.double.do("policy", name="maker", text="""
            path "auth/token/create" { capabilities = ["update"] }""")
        maker = self.client("maker")
        self.assertIn("subset", self.not_written(
            400, "auth/token/create", maker, policies=["kms"]))
        self.write("auth/token/create", maker, policies=["maker"])

    def test_look_up_others(self):
        client = self.token()
        found = self.write("auth/token/lookup", token=client.token)
        self.assertEqual(found["id"], client.token)
        self.write("auth/token/revoke-accessor", accessor=found["accessor"])
        self.refused(403, "GET", SELF, client=client)
        self.not_written(403, "auth/token/lookup", token="hvs.x")

    def test_expire_all(self):
        client = self.token()
        self.double.do("expire-token", token="all")
        self.refused(403, "GET", SELF, client=client)
        self.ok("GET", SELF)


class Policies(TestCase):
    def test_least_privilege(self):
        client = self.client()
        self.ok("GET", "transit/keys/acme", client=client)
        sealed = self.write("transit/encrypt/acme", client, plaintext="YQ==")
        self.write("transit/decrypt/acme", client,
                   ciphertext=sealed["ciphertext"])
        self.write("transit/sign/p256/sha2-256", client, input="YQ==")
        for method, path in (("POST", "transit/keys/new"),
                             ("POST", "transit/keys/acme/rotate"),
                             ("DELETE", "transit/keys/acme"),
                             ("LIST", "transit/keys"),
                             ("POST", "transit/config/keys"),
                             ("GET", "sys/mounts"),
                             ("POST", "auth/token/create"),
                             ("GET", "secure/transit/keys/acme")):
            with self.subTest(method + path):
                text = self.refused(403, method, path, client=client)
                self.assertIn("permission denied", text)

    def test_each_capability(self):
        self.double.do("policy", name="decrypts", text=json.dumps({"path": {
            "transit/decrypt/acme": {"capabilities": ["update"]}}}))
        client = self.client("decrypts")
        text = self.not_written(400, "transit/decrypt/acme", client,
                                ciphertext="x")
        self.assertIn("no prefix", text)
        self.not_written(403, "transit/decrypt/derived", client)
        self.not_written(403, "transit/encrypt/acme", client,
                         plaintext="YQ==")
        self.refused(403, "GET", "transit/keys/acme", client=client)

    def test_a_change_counts_for_tokens_in_force(self):
        self.double.do("policy", name="changing", text=policies.KMS_TEXT)
        client = self.client("changing")
        self.ok("GET", "transit/keys/acme", client=client)
        self.double.do("policy", name="changing", text="")
        self.refused(403, "GET", "transit/keys/acme", client=client)

    def test_precedence(self):
        rules = [policies.parse("""
            # comments are fine
            path "a/*" { capabilities = ["read", "list"] }
            path "a/b/*" { capabilities = ["deny"] }
            path "a/b/c" { capabilities = ["update",] }
            path "a/+/d" { capabilities = ["delete"] }
            """), policies.parse('path "a/b/c" { capabilities = ["read"] }')]
        for path, expected in (("a/x", {"read", "list"}), ("a/b/x", set()),
                               ("a/b/c", {"update", "read"}),
                               ("a/x/d", {"delete"}), ("b", set()),
                               ("a/x/y/d", {"read", "list"})):
            with self.subTest(path):
                self.assertEqual(policies.capabilities(rules, path),
                                 expected)

    def test_malformed(self):
        for text in ("path", 'path "a" {}', "{", '{"path":[]}',
                     'path "a" { capabilities = ["fly"] }',
                     'path "a" { capabilities = ["read"] '
                     'allowed_parameters = {} }'):
            with self.subTest(text):
                self.not_written(400, "sys/policies/acl/bad", policy=text)

    def test_by_the_api(self):
        text = 'path "x" { capabilities = ["read"] }'
        self.write("sys/policies/acl/api", policy=text)
        self.assertEqual(self.ok("GET", "sys/policies/acl/api")["policy"],
                         text)
        self.assertIn("api", self.ok("LIST", "sys/policies/acl")["keys"])
        self.ok("DELETE", "sys/policies/acl/api")
        self.refused(404, "GET", "sys/policies/acl/api")

    def test_capabilities_self(self):
        found = self.write("sys/capabilities-self", self.client(),
                           paths=["transit/encrypt/acme", "sys/mounts"])
        self.assertEqual(found, {"transit/encrypt/acme": ["update"],
                                 "sys/mounts": ["deny"]})


class Logins(TestCase):
    def setUp(self):
        super().setUp()
        self.nobody = Client(self.double, "")

    def login(self, method, **body):
        found = self.write(f"auth/{method}/login", self.nobody, **body)
        self.assertEqual(found["policies"], ["default", "kms"])
        self.assertLessEqual(found["lease_duration"], 3600)
        client = Client(self.double, found["client_token"])
        self.ok("GET", "transit/keys/acme", client=client)
        return found

    def fails(self, status, method, **body):
        return self.not_written(status, f"auth/{method}/login", self.nobody,
                                **body)

    def test_approle(self):
        role_id = self.double.read("role_id")
        secret_id = self.double.read("secret_id")
        self.login("approle", role_id=role_id, secret_id=secret_id)
        for body in ({"role_id": "x", "secret_id": secret_id},
                     {"role_id": role_id, "secret_id": "x"}):
            self.assertEqual(self.fails(400, "approle", **body),
                             "invalid role or secret ID")
        self.fails(400, "approle", role_id=role_id)
        self.fails(400, "approle")

    def test_secret_ids_expire_and_are_used_up(self):
        role_id = self.double.read("role_id")
        path = "auth/approle/role/app/secret-id"
        once = self.write(path, num_uses=1)["secret_id"]
        self.login("approle", role_id=role_id, secret_id=once)
        self.fails(400, "approle", role_id=role_id, secret_id=once)
        short = self.write(path, ttl="1m")["secret_id"]
        self.double.do("clock", seconds=61)
        self.fails(400, "approle", role_id=role_id, secret_id=short)
        gone = self.write(path)["secret_id"]
        self.write(path + "/destroy", secret_id=gone)
        self.fails(400, "approle", role_id=role_id, secret_id=gone)

    def test_wrapped_secret_id(self):
        reply = self.root.send("POST", "auth/approle/role/app/secret-id", {},
                               X_Vault_Wrap_TTL="60s").json
        self.assertIsNone(reply["data"])
        wrapped = Client(self.double, reply["wrap_info"]["token"])
        found = self.write("sys/wrapping/unwrap", wrapped)
        self.login("approle", role_id=self.double.read("role_id"),
                   secret_id=found["secret_id"])
        text = self.not_written(400, "sys/wrapping/unwrap", wrapped)
        self.assertIn("wrapping token is not valid", text)

    def test_kubernetes(self):
        jwt = self.double.do("service-account")["jwt"]
        found = self.login("kubernetes", role="app", jwt=jwt + "\n")
        self.assertEqual(found["metadata"]["service_account_name"], "app")
        self.assertIn("invalid role name", self.fails(
            400, "kubernetes", role="x", jwt=jwt))
        self.fails(400, "kubernetes", jwt=jwt)
        self.fails(400, "kubernetes", role="app")

    def test_kubernetes_refuses(self):
        for options, word in (({"name": "other"}, "name not authorized"),
                              ({"namespace": "x"}, "namespace not"),
                              ({"audience": "other"}, "audience"),
                              ({"ttl": "0"}, None)):
            jwt = self.double.do("service-account", **options)["jwt"]
            if word is None:
                self.double.do("clock", seconds=61)
            text = self.fails(403, "kubernetes", role="app", jwt=jwt)
            self.assertIn(word or "permission denied", text)

    def test_jwt(self):
        self.login("jwt", role="app", jwt=self.double.do("jwt")["jwt"])
        for options, word in (
                ({"audience": "other"}, "aud"), ({"subject": "x"}, "sub"),
                ({"issuer": "https://other.example"}, "iss"),
                ({"not_before": 3600}, "nbf"),
                ({"claims": '{"exp": 1}'}, "exp"),
                ({"claims": '{"exp": null}'}, "no expiry")):
            with self.subTest(options):
                jwt = self.double.do("jwt", **options)["jwt"]
                text = self.fails(400, "jwt", role="app", jwt=jwt)
                self.assertIn("error validating token", text)
                self.assertIn(word, text)

    def test_forged_jwts(self):
        good = self.double.do("jwt")["jwt"]
        header, claims, signature = good.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip(
            "=")
        other = base64.urlsafe_b64encode(b'{"sub":"app"}').decode().rstrip(
            "=")
        for jwt in ("", "x", f"{header}.{claims}", f"{none}.{claims}.",
                    f"{none}.{claims}.{signature}",
                    f"{header}.{other}.{signature}",
                    f"{header}.{claims}.{signature[:-4]}"):
            with self.subTest(jwt):
                self.fails(400, "jwt", role="app", jwt=jwt)
                self.assertIn(self.nobody.send(
                    "POST", "auth/kubernetes/login",
                    {"role": "app", "jwt": jwt}).status, (400, 403))

    def test_userpass(self):
        self.write("auth/userpass/login/app", self.nobody, password="app")
        self.not_written(400, "auth/userpass/login/app", self.nobody,
                         password="x")
        self.not_written(400, "auth/userpass/login/none", self.nobody)

    def test_no_such_method(self):
        self.assertIn("no handler for route", self.fails(404, "ldap"))

    def test_certificates_need_tls(self):
        self.assertIn("tls connection required", self.fails(400, "cert"))

    def test_a_method_that_is_taken_away_revokes_its_tokens(self):
        self.write("sys/auth/other", type="approle")
        self.write("auth/other/role/r", token_policies="kms",
                   bind_secret_id=False, role_id="r")
        found = self.write("auth/other/login", self.nobody, role_id="r")
        client = Client(self.double, found["client_token"])
        self.ok("GET", SELF, client=client)
        self.ok("DELETE", "sys/auth/other")
        self.refused(403, "GET", SELF, client=client)

    def test_limits_of_a_role(self):
        self.write("auth/approle/role/limited", role_id="limited",
                   bind_secret_id=False, token_ttl="10m",
                   token_max_ttl="15m", token_num_uses=3,
                   token_no_default_policy=True, token_policies=["kms"])
        found = self.write("auth/approle/login", self.nobody,
                           role_id="limited")
        self.assertEqual((found["policies"], found["lease_duration"],
                          found["num_uses"]), (["kms"], 600, 3))
        self.write("auth/approle/role/limited", token_type="batch")
        found = self.write("auth/approle/login", self.nobody,
                           role_id="limited")
        self.assertFalse(found["renewable"])
        self.assertTrue(found["client_token"].startswith("hvb."))


class AwsLogin(TestCase):
    """With a request to STS that is signed as a client signs it."""

    def body(self, role="app", secret=AWS_SECRET_KEY, region="us-east-1",
             server_id=SERVER_ID, signs_id=True, skew_s=0,
             url="https://sts.amazonaws.com/",
             query="Action=GetCallerIdentity&Version=2011-06-15"):
        date = time.strftime("%Y%m%dT%H%M%SZ",
                             time.gmtime(time.time() + skew_s))
        headers = [("Host", url.split("/")[2]), ("X-Amz-Date", date),
                   ("Content-Type", "application/x-www-form-urlencoded")]
        if server_id:
            headers.append(("X-Vault-AWS-IAM-Server-ID", server_id))
        names = sorted(name.lower() for name, _ in headers
                       if signs_id or not name.startswith("X-Vault"))
        text = sigv4.string_to_sign(sigv4.canonical_request(
            headers, names, query.encode()), date, region, "sts")
        key = sigv4.signing_key(secret, date[:8], region, "sts")
        headers.append(("Authorization", (
            f"AWS4-HMAC-SHA256 Credential={AWS_ACCESS_KEY}/{date[:8]}/"
            f"{region}/sts/aws4_request, SignedHeaders={';'.join(names)}, "
            f"Signature={sigv4.sign(key, text)}")))
        return {"role": role, "iam_http_request_method": "POST",
                "iam_request_url": b64(url.encode()),
                "iam_request_body": b64(query.encode()),
                "iam_request_headers": b64(json.dumps(
                    {name: [value] for name, value in headers}).encode())}

    def test_good(self):
        found = self.write("auth/aws/login", Client(self.double, ""),
                           **self.body())
        self.assertEqual(found["metadata"]["canonical_arn"], AWS_ARN)

    def test_refused(self):
        for options, word in (
                ({"secret": "wrong"}, "STS: InvalidSignature"),
                ({"region": "eu-west-1"}, "STS: InvalidSignature"),
                ({"skew_s": -900}, "Signature expired"),
                ({"server_id": ""}, "missing header"),
                ({"server_id": "other"}, "expected"),
                ({"signs_id": False}, "wasn't signed"),
                ({"role": "none"}, "not found"),
                ({"query": "Action=GetSessionToken"}, "Action"),
                ({"url": "https://sts.eu-west-1.amazonaws.com/x"}, "path")):
            with self.subTest(options):
                text = self.not_written(400, "auth/aws/login",
                                        Client(self.double, ""),
                                        **self.body(**options))
                self.assertIn(word, text)

    def test_another_principal(self):
        self.double.do("aws-identity", access_key=AWS_ACCESS_KEY,
                       secret_key=AWS_SECRET_KEY, arn=AWS_ARN + "-other")
        self.addCleanup(self.double.do, "aws-identity",
                        access_key=AWS_ACCESS_KEY, secret_key=AWS_SECRET_KEY,
                        arn=AWS_ARN)
        text = self.not_written(400, "auth/aws/login",
                                Client(self.double, ""), **self.body())
        self.assertIn("does not belong to the role", text)

    def test_regional_endpoint(self):
        url = "https://sts.eu-west-1.amazonaws.com/"
        self.write("auth/aws/config/client", sts_endpoint=url,
                   sts_region="eu-west-1")
        self.addCleanup(self.write, "auth/aws/config/client",
                        sts_endpoint="", sts_region="")
        self.write("auth/aws/login", Client(self.double, ""),
                   **self.body(region="eu-west-1", url=url))
        self.not_written(400, "auth/aws/login", Client(self.double, ""),
                         **self.body())

    def test_malformed(self):
        good = self.body()
        for name in good:
            for value in ("", "*", b64(b"[")):
                with self.subTest(f"{name}={value}"):
                    self.not_written(400, "auth/aws/login",
                                     Client(self.double, ""),
                                     **{**good, name: value})


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stranger = tls.Authority("a stranger")
        cls.ca = os.path.join(shared().dir, "stranger.pem")
        with open(cls.ca, "wb") as file:
            file.write(cls.stranger.pem)
        cls.double = Double("--tls", "--client-ca", cls.ca, "--key=acme")
        cls.addClassCleanup(cls.double.stop)

    def files(self, name, pair):
        paths = (self.double.path(name + ".pem"),
                 self.double.path(name + ".key"))
        for path, data in zip(paths, (tls.pem(pair[0]),
                                      tls.private_pem(pair[1]))):
            with open(path, "wb") as file:
                file.write(data)
        return paths

    def login(self, certificate, **body):
        return Client(self.double, "", certificate=certificate).send(
            "POST", "auth/cert/login", body)

    @property
    def good(self):
        return (self.double.path("client.pem"),
                self.double.path("client.key"))

    def test_login_and_renewal(self):
        for body in ({}, {"name": "app"}):
            auth = self.login(self.good, **body).json["auth"]
            self.assertEqual(auth["metadata"]["common_name"], "app")
        client = Client(self.double, auth["client_token"],
                        certificate=self.good)
        reply = client.send("POST", "auth/token/renew-self", {})
        self.assertEqual(reply.status, 200)
        client.certificate = None
        reply = client.send("POST", "auth/token/renew-self", {})
        self.assertEqual(reply.status, 400)
        self.assertIn("client identity", reply.json["errors"][0])
        self.assertEqual(client.send("GET", SELF).status, 200)

    def test_refused(self):
        trusted = self.files("s", self.stranger.issue("app", client=True))
        for certificate, body in ((None, {}), (trusted, {}),
                                  (self.good, {"name": "none"})):
            reply = self.login(certificate, **body)
            self.assertEqual(reply.status, 400)
        self.double.do("write", path="auth/cert/certs/app",
                       data={"allowed_common_names": "other"})
        self.addCleanup(self.double.do, "write", path="auth/cert/certs/app",
                        data={"allowed_common_names": "app"})
        self.assertEqual(self.login(self.good).status, 400)

    def test_expired_by_the_clock_of_the_service(self):
        self.double.do("clock", seconds=8 * 86400)
        self.addCleanup(self.double.do, "clear")
        self.assertEqual(self.login(self.good).status, 400)

    def test_a_role_of_one_certificate(self):
        pair = self.stranger.issue("leaf", client=True)
        self.double.do("write", path="auth/cert/certs/leaf", data={
            "certificate": tls.pem(pair[0]).decode(), "policies": "kms"})
        reply = self.login(self.files("leaf", pair))
        self.assertEqual(reply.json["auth"]["metadata"]["cert_name"], "leaf")


class Namespaces(TestCase):
    def test_header_and_path(self):
        self.double.do("create", key="team/transit/n")
        self.double.do("create", key="team/a/transit/n")
        for namespace, path in (("team", ""), ("team/", ""), ("/team/", ""),
                                (None, "team/"), ("team/a", ""),
                                ("team", "a/"), (None, "team/a/")):
            with self.subTest(f"{namespace} {path}"):
                client = Client(self.double, namespace=namespace)
                self.ok("GET", path + "transit/keys/n", client=client)
        self.refused(404, "GET", "transit/keys/n")
        text = self.refused(404, "GET", "transit/keys/n",
                            client=Client(self.double, namespace="none"))
        self.assertEqual(text, "namespace not found")

    def test_tokens_stay_within(self):
        token = self.double.do("token", namespace="team")["token"]
        client = Client(self.double, token, "team")
        self.assertEqual(self.refused(404, "GET", "transit/keys/none",
                                      client=client), "")
        client.namespace = None
        self.refused(403, "GET", "transit/keys/acme", client=client)
        self.double.do("policy", name="below", namespace="team", text="""
            path "a/transit/keys/*" { capabilities = ["read"] }""")
        token = self.double.do("token", namespace="team",
                               policies="below")["token"]
        self.refused(404, "GET", "transit/keys/none",
                     client=Client(self.double, token, "team/a"))

    def test_locked_and_sealed(self):
        client = Client(self.double, namespace="team/a")
        for state, word in (("locked", "locked"),
                            ("sealed", "namespace is sealed")):
            self.double.do("namespace", path="team/a", state=state)
            self.addCleanup(self.double.do, "namespace", path="team/a")
            self.assertIn(word, self.refused(503, "GET", "transit/keys/n",
                                             client=client))
        self.ok("GET", "transit/keys/acme")

    def test_health_is_of_the_root(self):
        self.refused(400, "GET", "sys/health",
                     client=Client(self.double, namespace="team"))

    def test_mounts(self):
        self.double.do("create", key="secure/transit/m")
        self.ok("GET", "secure/transit/keys/m")
        self.write("sys/mounts/one/two", type="transit")
        self.write("one/two/encrypt/x", plaintext="YQ==")
        self.not_written(400, "sys/mounts/one/two/three", type="transit")
        self.assertIn("one/two/", self.ok("GET", "sys/mounts"))
        self.ok("DELETE", "sys/mounts/one/two")
        self.assertIn("no handler for route", self.refused(
            404, "GET", "one/two/keys/x"))


class Node(TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.double.do, "unseal")

    def health(self, query="", method="GET"):
        return Client(self.double, "").send(method, "sys/health" + query)

    def test_health(self):
        for state, status in (("active", 200), ("standby", 429),
                              ("dr-secondary", 472),
                              ("performance-standby", 473),
                              ("uninitialized", 501), ("sealed", 503)):
            self.double.do("node", state=state)
            reply = self.health()
            self.assertEqual(reply.status, status)
            self.assertEqual(reply.json["sealed"],
                             state in ("sealed", "uninitialized"))
            head = self.health(method="HEAD")
            self.assertEqual((head.status, head.body), (status, b""))

    def test_wanted_statuses(self):
        self.double.do("node", state="standby")
        self.assertEqual(self.health("?standbyok=true").status, 200)
        self.assertEqual(self.health("?standbycode=299").status, 299)
        self.double.do("node", state="performance-standby")
        self.assertEqual(self.health("?perfstandbyok=true").status, 200)
        self.double.do("node", state="sealed")
        self.assertEqual(self.health("?sealedcode=204").status, 204)

    def test_sealed(self):
        self.double.do("seal")
        self.assertEqual(self.refused(503, "GET", SELF), "Vault is sealed")
        self.assertEqual(self.not_written(503, "auth/approle/login"),
                         "Vault is sealed")
        status = self.root.send("GET", "sys/seal-status").json
        self.assertTrue(status["sealed"])
        reply = self.root.send("PUT", "sys/unseal", {"key": "any"})
        self.assertFalse(reply.json["sealed"])
        self.ok("GET", SELF)

    def test_standby(self):
        self.double.do("node", state="standby")
        self.ok("GET", SELF)                    # it forwards
        self.double.do("node", state="standby", redirect="none")
        self.assertIn("no active", self.refused(503, "GET", SELF))
        self.double.do("node", state="standby",
                       redirect="https://active.example:8200")
        reply = self.root.send("GET", SELF)
        self.assertEqual((reply.status, reply.headers["Location"]),
                         (307, "https://active.example:8200/v1/" + SELF))


class Agent(TestCase):
    def setUp(self):
        super().setUp()
        self.agent = Client(self.double, "", endpoint=self.double.read(
            "endpoint.agent"))

    def test_adds_a_token(self):
        found = self.ok("GET", SELF, client=self.agent)
        self.assertEqual(found["id"], self.double.read("token"))
        self.agent.token = self.root.token      # but not to who has one
        self.assertEqual(self.ok("GET", SELF, client=self.agent)["policies"],
                         ["root"])

    def test_on_a_socket(self):
        self.agent.endpoint = self.double.read("endpoint.agent-socket")
        self.assertTrue(self.agent.endpoint.startswith("unix:///"))
        found = self.ok("GET", SELF, client=self.agent)
        self.assertEqual(found["id"], self.double.read("token"))

    def test_adds_none(self):
        self.double.do("agent-token")
        self.addCleanup(self.double.do, "agent-token",
                        token=self.double.read("token"))
        self.refused(403, "GET", SELF, client=self.agent)

    def test_demands_a_header(self):
        self.double.do("require-request-header", on="true")
        self.addCleanup(self.double.do, "require-request-header", on="false")
        self.assertIn("missing", self.refused(412, "GET", SELF,
                                              client=self.agent))
        self.ok("GET", SELF, client=self.agent, X_Vault_Request="true")
        self.ok("GET", SELF)


if __name__ == "__main__":
    unittest.main()
