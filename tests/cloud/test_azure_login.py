# SPDX-License-Identifier: Apache-2.0
"""Entra ID: who gets a token, by what, and what a vault thinks of it."""

import base64
import json
import os
import time
import unittest
import urllib.parse
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azure_harness import (AUDIENCE, CLIENT_ID, HERE, HSM_AUDIENCE, TENANT,
                           TestCase, jose)
from azurekv import clients, directory, errors, login

VECTORS = os.path.join(os.path.dirname(HERE), "vectors",
                       "azure_assertion.json")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OTHER_TENANT = "99999999-8888-7777-6666-555555555555"


class Issuing(TestCase):
    def test_client_secret(self):
        answer = self.post_form(self.form()).json
        self.assertEqual(answer["token_type"], "Bearer")
        self.assertEqual(answer["expires_in"], 3599)
        claims = jose.parse(answer["access_token"]).claims
        self.assertEqual(claims["aud"], AUDIENCE)
        self.assertEqual(claims["iss"], f"https://sts.windows.net/{TENANT}/")
        self.assertEqual((claims["appid"], claims["tid"]),
                         (CLIENT_ID, TENANT))
        self.assertEqual(claims["exp"] - claims["iat"], 3599)

    def test_signature_is_by_a_published_key(self):
        keys = self.double.send("GET", f"/{TENANT}/discovery/v2.0/keys",
                                endpoint=self.endpoint("login")).json["keys"]
        jwt = jose.parse(self.token())
        key, = [each for each in keys if each["kid"] == jwt.header["kid"]]
        n, e = (int.from_bytes(jose.decode(key[name]), "big")
                for name in ("n", "e"))
        jose.verify(jwt, rsa.RSAPublicNumbers(e, n).public_key(), ["RS256"])

    def test_wrong_secret(self):
        self.assertEqual(
            self.refused(7000215, client_secret="guess").status, 401)
        self.refused(7000218, client_secret=None)

    def test_secrets_come_and_go(self):
        self.double.do("secret", what="add", value="second")
        self.token(client_secret="second")
        self.token()
        self.double.do("secret", what="expire", value="second")
        answer = self.refused(7000222, client_secret="second")
        self.assertEqual(answer.json["error"], "invalid_client")
        self.double.do("secret", what="remove", value="second")
        self.refused(7000215, client_secret="second")

    def test_form(self):
        for name in ("client_id", "scope", "grant_type"):
            self.refused(900144, **{name: None})
        self.refused(70003, grant_type="password")
        for scope in (AUDIENCE, f"{AUDIENCE}/.default openid", "x"):
            self.refused(1002012, scope=scope)
        self.refused(500011, scope="https://graph.example/.default")
        twice = urllib.parse.urlencode(self.form()) + "&scope=x"
        self.assertEqual(self.post_form(twice).status, 400)
        # A plus sign that is not escaped is a space.
        raw = urllib.parse.urlencode(self.form()).replace("%2B", "+")
        self.assertEqual(self.post_form(raw).json["error_codes"], [7000215])

    def test_json_is_no_form(self):
        response = self.double.send(
            "POST", f"/{TENANT}/oauth2/v2.0/token", self.form(),
            {"Content-Type": "application/json"},
            endpoint=self.endpoint("login"))
        self.assertEqual(response.json["error_codes"], [900144])

    def test_unknown_tenant_and_application(self):
        self.refused(90002, tenant=OTHER_TENANT[::-1])
        self.refused(700016, client_id=str(uuid.uuid4()))

    def test_application_of_another_tenant(self):
        self.double.do("app", what="add", client="visitor",
                       tenant=OTHER_TENANT)
        self.double.do("secret", what="add", value="s", client="visitor")
        asked = {"client_id": "visitor", "client_secret": "s"}
        self.refused(7000229, **asked)
        self.token(tenant=OTHER_TENANT, **asked)
        self.double.do("app", what="consent", client="visitor",
                       tenant=TENANT)
        self.token(**asked)
        self.double.do("app", what="disable", client="visitor")
        self.refused(7000112, **asked)
        self.double.do("app", what="enable", client="visitor")
        self.double.do("app", what="unconsent", client="visitor",
                       tenant=TENANT)
        self.refused(7000229, **asked)
        self.double.do("app", what="remove", client="visitor")
        self.refused(700016, **asked)

    def test_what_clients_of_the_service_ask_first(self):
        found = self.double.send(
            "GET", f"/{TENANT}/v2.0/.well-known/openid-configuration",
            endpoint=self.endpoint("login")).json
        self.assertEqual(found["token_endpoint"], self.endpoint("login")
                         + f"/{TENANT}/oauth2/v2.0/token")
        found = self.double.send("GET", "/common/discovery/instance?x=y",
                                 endpoint=self.endpoint("login")).json
        self.assertEqual(found["metadata"][0]["preferred_network"],
                         "login.microsoftonline.com")

    def test_failures_by_order(self):
        self.double.order("fail", "AADSTS53003", count=1,
                          operations=["token"])
        self.refused(53003)
        self.double.order("fail", "500", count=1, operations=["token"])
        self.assertEqual(self.post_form(self.form()).status, 500)
        self.double.order("throttle", "7", count=1, operations=["token"])
        answer = self.post_form(self.form())
        self.assertEqual((answer.status, answer.headers["Retry-After"]),
                         (429, "7"))
        self.token()
        self.assertEqual(self.double.calls("token"), 4)

    def test_lies_about_tokens(self):
        self.double.order("lie", "other-numbers", count=1)
        self.assertEqual(self.post_form(self.form()).json["expires_in"],
                         "3599")
        self.double.order("lie", "missing:access_token", count=1)
        self.assertNotIn("access_token", self.post_form(self.form()).json)
        self.double.order("lie", "expires:5", count=1)
        self.assertEqual(self.post_form(self.form()).json["expires_in"], 5)


class Certificates(TestCase):
    def setUp(self):
        super().setUp()
        with open(self.double.path("client.pem"), "rb") as file:
            pem = file.read()
        self.key = serialization.load_pem_private_key(pem, None)
        self.certificate = directory.Certificate.load(pem)

    def assertion(self, alg="RS256", key=None, header=None, **claims):
        now = int(time.time())
        thumbprint = {"x5t": self.certificate.x5t} if alg == "RS256" else {
            "x5t#S256": self.certificate.x5t_s256}
        body = {"aud": self.endpoint("login")
                + f"/{TENANT}/oauth2/v2.0/token", "iss": CLIENT_ID,
                "sub": CLIENT_ID, "jti": str(uuid.uuid4()), "nbf": now,
                "iat": now, "exp": now + 600, **claims}
        return jose.sign(
            key or self.key,
            {"alg": alg, "typ": "JWT", **(thumbprint if header is None
                                          else header)},
            {name: value for name, value in body.items()
             if value is not None})

    def by(self, assertion):
        return {"client_secret": None, "client_assertion": assertion,
                "client_assertion_type": ASSERTION}

    def test_both_shapes(self):
        for alg in ("RS256", "PS256"):
            self.token(**self.by(self.assertion(alg)))
        # Which one signs and which thumbprint there is need not go together.
        self.token(**self.by(self.assertion("PS256", header={
            "x5t": self.certificate.x5t})))
        # As a client library of the service does it.
        self.token(**self.by(self.assertion(header={
            "x5t": self.certificate.x5t + "="})))
        official = f"https://login.microsoftonline.com/{TENANT}" \
            "/oauth2/v2.0/token"
        self.token(**self.by(self.assertion(aud=official)))

    def test_type_of_assertion(self):
        self.refused(7000218, **{**self.by(self.assertion()),
                                 "client_assertion_type": "jwt"})

    def test_malformed(self):
        good = self.assertion()
        for text in ("x", "a.b", good + ".x", good.replace(".", "="),
                     "e30.e30."):
            self.assertIn(self.post_form(self.form(**self.by(text)))
                          .json["error_codes"][0], (50027, 700211))

    def test_unknown_certificate(self):
        for header in ({}, {"x5t": "AAAA"}, {"x5t#S256": "AAAA"},
                       {"x5t": self.certificate.x5t, "x5t#S256": "AAAA"},
                       {"x5t": self.certificate.x5t_s256}, {"x5t": 5}):
            answer = self.refused(700027, **self.by(self.assertion(
                header=header)))
            self.assertIn("The key was not found",
                          answer.json["error_description"])

    def test_signature(self):
        other = rsa.generate_private_key(65537, 2048)
        self.refused(700027, **self.by(self.assertion(key=other)))
        good = self.assertion()
        head, body, signature = good.split(".")
        claims = json.loads(jose.decode(body))
        claims["exp"] += 1
        changed = jose.encode(json.dumps(claims).encode())
        self.refused(700027, **self.by(f"{head}.{changed}.{signature}"))

    def test_no_signature(self):
        """alg none, and a MAC under what everybody knows."""
        for alg in ("none", "HS256"):
            header = jose.encode(json.dumps(
                {"alg": alg, "x5t": self.certificate.x5t}).encode())
            body = self.assertion().split(".")[1]
            self.refused(700027, **self.by(f"{header}.{body}."))

    def test_claims(self):
        for claims, number in (
                ({"aud": "https://login.example/token"}, 700023),
                ({"aud": self.endpoint("login")}, 700023),
                ({"aud": None}, 700023), ({"sub": "x"}, 700021),
                ({"sub": None}, 700021), ({"jti": None}, 50027),
                ({"exp": None}, 50027), ({"exp": "soon"}, 50027)):
            self.refused(number, **self.by(self.assertion(**claims)))

    def test_time(self):
        now = int(time.time())
        for claims in ({"nbf": now - 3600, "exp": now - 1800},
                       {"nbf": now + 1800, "exp": now + 3600}):
            answer = self.refused(700024, **self.by(self.assertion(
                **claims)))
            self.assertIn("Current time: ", answer.json["error_description"])
        self.double.do("clock", seconds=3600)
        self.refused(700024, **self.by(self.assertion()))
        self.double.do("clock", seconds=120)
        self.token(**self.by(self.assertion()))

    def test_certificates_come_and_go(self):
        pem, certificate = clients.make_certificate()
        path = self.double.path("second.pem")
        with open(path, "wb") as file:
            file.write(certificate)
        key = serialization.load_pem_private_key(pem, None)
        header = {"x5t": directory.Certificate.load(certificate).x5t}
        self.refused(700027, **self.by(self.assertion(key=key,
                                                      header=header)))
        self.double.do("certificate", what="add", path=path)
        self.token(**self.by(self.assertion(key=key, header=header)))

    def test_expired_certificate(self):
        pem, certificate = clients.make_certificate(days=-1)
        path = self.double.path("expired.pem")
        with open(path, "wb") as file:
            file.write(certificate)
        self.double.do("certificate", what="add", path=path)
        header = {"x5t": directory.Certificate.load(certificate).x5t}
        answer = self.refused(700027, **self.by(self.assertion(
            key=serialization.load_pem_private_key(pem, None),
            header=header)))
        self.assertIn("expired", answer.json["error_description"])

    def test_known_assertions(self):
        """Made elsewhere, and checked without a double."""
        with open(VECTORS, encoding="ascii") as file:
            known = json.load(file)
        certificate = directory.Certificate.load(
            known["certificate"].encode())
        self.assertEqual((certificate.x5t, certificate.x5t_s256),
                         (known["x5t"], known["x5t#S256"]))
        app = directory.Application(known["client_id"],
                                    certificates=[certificate])
        for alg in ("RS256", "PS256"):
            jwt = jose.parse(known[alg])
            login.check_certificate(app, jwt, [known["audience"]])
            login.check_time(jwt, known["nbf"])
            for now in (known["nbf"] - 301, known["exp"] + 300):
                with self.assertRaises(errors.EntraError):
                    login.check_time(jwt, now)
            with self.assertRaises(errors.EntraError):
                login.check_certificate(app, jwt, [known["audience"] + "/"])


class Federation(TestCase):
    def by(self, **members):
        token = self.double.do("federated-token", **members)["token"]
        return {"client_secret": None, "client_assertion": token,
                "client_assertion_type": ASSERTION}

    def test_exchange(self):
        self.token(**self.by())
        self.token(client_secret=None, client_assertion_type=ASSERTION,
                   client_assertion=self.double.read("federated-token"))
        self.assertEqual(os.stat(self.double.path(
            "federated-token")).st_mode & 0o077, 0)

    def test_what_must_match(self):
        for members, number in (
                ({"issuer": "https://oidc.cluster.example"}, 700211),
                ({"subject": "system:serviceaccount:default:Ownkey"},
                 700213),
                ({"audience": AUDIENCE}, 700212)):
            self.refused(number, **self.by(**members))

    def test_time(self):
        self.refused(700024, **self.by(lifetime=-301))

    def test_signature(self):
        other = rsa.generate_private_key(65537, 2048)
        good = jose.parse(self.by()["client_assertion"])
        forged = jose.sign(other, good.header, good.claims)
        self.refused(50013, **{**self.by(), "client_assertion": forged})

    def test_other_issuer(self):
        key = rsa.generate_private_key(65537, 2048)
        path = self.double.path("issuer.pem")
        with open(path, "wb") as file:
            file.write(key.public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo))
        self.double.do("federated", what="add", issuer="https://ci.example",
                       subject="repo:acme/app", path=path)
        now = int(time.time())
        token = jose.sign(key, {"alg": "RS256"}, {
            "iss": "https://ci.example", "sub": "repo:acme/app",
            "aud": "api://AzureADTokenExchange", "iat": now,
            "exp": now + 60})
        self.token(**{**self.by(), "client_assertion": token})


class AtTheVault(TestCase):
    GET = ("GET", "/keys/rsa")

    def unauthorized(self, text, token, kind="vault"):
        """Refused for the token; returns the challenge."""
        response = self.request(*self.GET, kind=kind, token=token)
        self.assertEqual(response.status, 401, response.body)
        error = response.json["error"]
        self.assertEqual(error["code"], "Unauthorized")
        self.assertIn(text, error["message"])
        return response.headers["WWW-Authenticate"]

    def test_challenge(self):
        self.assertEqual(
            self.unauthorized("AKV10000: Request is missing", ""),
            'Bearer authorization="https://login.microsoftonline.com/'
            f'{TENANT}", resource="{AUDIENCE}"')
        self.assertEqual(
            self.unauthorized("Request is missing", "", "hsm"),
            'Bearer authorization="https://login.microsoftonline.com/'
            f'{TENANT}", resource="{HSM_AUDIENCE}"')

    def test_challenge_comes_before_everything(self):
        """Nothing of the request is looked at: also not for its body."""
        response = self.request("POST", "/keys/nosuch//sign", token="",
                                api=None)
        self.assertEqual(response.status, 401)

    def test_wrong_scheme(self):
        response = self.request(*self.GET, headers={
            "Authorization": "Basic eDp5"})
        self.assertEqual(response.status, 401)

    def test_audience(self):
        self.unauthorized("AKV10022: Invalid audience",
                          self.token(HSM_AUDIENCE))
        self.unauthorized("AKV10022: Invalid audience",
                          self.token(AUDIENCE + "/"))
        self.unauthorized("Invalid audience", self.token(AUDIENCE), "hsm")

    def test_tenant(self):
        self.double.do("app", what="consent", client=CLIENT_ID,
                       tenant=OTHER_TENANT)
        token = self.token(tenant=OTHER_TENANT)
        self.unauthorized("AKV10032: Invalid issuer", token)
        self.addCleanup(self.double.do, "tenant", tenant=TENANT)
        self.double.do("tenant", tenant=OTHER_TENANT)
        self.ok(*self.GET, token=token)
        self.assertIn(OTHER_TENANT, self.unauthorized("AKV10032",
                                                      self.token()))

    def test_signature(self):
        head, body, signature = self.token().split(".")
        claims = json.loads(jose.decode(body))
        claims["exp"] += 1
        for token in (f"{head}.{jose.encode(json.dumps(claims).encode())}"
                      f".{signature}", f"{head}.{body}.", "nonsense", "a.b.c",
                      jose.encode(b'{"alg":"none"}') + f".{body}."):
            self.unauthorized("AKV10046", token)

    def test_key_of_another_service(self):
        good = jose.parse(self.token())
        other = rsa.generate_private_key(65537, 2048)
        self.unauthorized("AKV10046", jose.sign(other, good.header,
                                                good.claims))

    def test_expired(self):
        self.addCleanup(self.double.do, "token-lifetime")
        token = self.token()
        self.double.do("clock", seconds=3900)
        self.unauthorized("[TokenExpired]", token)
        self.ok(*self.GET)
        self.double.do("clear", kind="clock")
        self.double.do("token-lifetime", seconds=-301)
        self.unauthorized("[TokenExpired]", self.token())
        self.double.do("token-lifetime", seconds=60)
        self.assertEqual(self.post_form(self.form()).json["expires_in"], 60)

    def test_not_yet_valid(self):
        token = self.token()
        self.double.do("clock", seconds=-3600)
        self.unauthorized("[TokenNotYetValid]", token)

    def test_new_signing_key(self):
        token = self.token()
        self.double.do("roll-keys")
        self.unauthorized("AKV10046", token)
        self.ok(*self.GET)

    def test_revoked(self):
        token = self.token()
        self.double.do("revoke")
        challenge = self.unauthorized("AKV10088", token)
        self.assertIn('error="insufficient_claims"', challenge)
        claims = json.loads(base64.b64decode(
            challenge.partition('claims="')[2].rstrip('"')))
        self.assertTrue(claims["access_token"]["nbf"]["essential"])
        self.ok(*self.GET, token=self.token(claims=json.dumps(claims)))

    def test_foreign_login(self):
        self.addCleanup(self.double.do, "challenge")
        self.double.do("foreign-login")
        self.assertIn(self.endpoint("foreign"), self.unauthorized("", ""))
        self.assertEqual(self.double.calls("foreign-token"), 0)
        self.post_form(self.form(), listener="foreign")
        self.assertEqual(self.double.calls("foreign-token"), 1)
        self.double.do("foreign-login", url="https://login.example/")
        self.assertIn(f'"https://login.example/{TENANT}"',
                      self.unauthorized("", ""))

    def test_any_challenge(self):
        self.addCleanup(self.double.do, "challenge")
        text = 'PoP a="b", Bearer authorization_uri="https://x/y"'
        self.double.do("challenge", text=text)
        self.assertEqual(self.unauthorized("", ""), text)
        self.double.do("challenge")
        self.assertIn("microsoftonline", self.unauthorized("", ""))

    def test_refused_tokens_use_no_order_up(self):
        self.double.order("fail", "500", count=1, operations=["get"])
        self.unauthorized("AKV10000", "")
        self.fails(500, "InternalServerError", *self.GET)
        self.ok(*self.GET)


if __name__ == "__main__":
    unittest.main()
