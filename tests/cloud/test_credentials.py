# SPDX-License-Identifier: Apache-2.0
"""What leads to AWS credentials, as the service's own client library sees it.

botocore goes its own chain against STS, SSO, instance and container of the
double, and then asks KMS with what it got.
"""

import json
import os
import time
import unittest
import urllib.request
import warnings
from unittest import mock

import botocore.session
from botocore.credentials import SSOProvider
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, Client, REGION, SECRET_KEY, TestCase

ROLE = "arn:aws:iam::111122223333:role/"
CONFIG = """[default]
region = eu-west-1
{default}
"""


class Credentials(TestCase):
    def setUp(self):
        super().setUp()
        # The clients on its way botocore leaves to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        self.home = os.path.join(self.double.dir, "home")
        os.makedirs(os.path.join(self.home, ".aws/sso/cache"), exist_ok=True)
        self.environment = {
            "HOME": self.home, "PATH": os.environ["PATH"],
            "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT":
                self.double.read("endpoint.instance") + "/"}
        self.config("")
        self.addCleanup(self.double.do, "session-lifetime")
        self.addCleanup(self.double.do, "container-token")
        self.addCleanup(self.double.do, "instance-role", name="instance-role")

    def config(self, default, credentials=""):
        for name, text in (("config", CONFIG.format(default=default)),
                           ("credentials", credentials)):
            with open(os.path.join(self.home, ".aws", name), "w",
                      encoding="utf-8") as file:
                file.write(text)

    def file(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def describe(self, **variables):
        """DescribeKey with whatever botocore finds. Its older versions know
        no AWS_ENDPOINT_URL_STS and _SSO: the clients it makes are led."""
        endpoints = {"kms": self.double.endpoint,
                     "sts": self.double.read("endpoint.sts"),
                     "sso": self.double.read("endpoint.sso")}
        create = botocore.session.Session.create_client

        def led(session, service, *args, **options):
            options["endpoint_url"] = endpoints[service]
            return create(session, service, *args, **options)

        with mock.patch.dict(os.environ, {**self.environment, **variables},
                             clear=True), \
                mock.patch.object(botocore.session.Session, "create_client",
                                  led), \
                mock.patch.object(SSOProvider, "_SSO_TOKEN_CACHE_DIR",
                                  os.path.join(self.home, ".aws/sso/cache")):
            kms = botocore.session.Session().create_client("kms")
            self.addCleanup(kms.close)
            return kms.describe_key(KeyId="alias/sym")["KeyMetadata"]

    def test_role_of_a_profile(self):
        self.double.do("role", arn=ROLE + "one", external_id="7f3c",
                       trusts=ACCESS_KEY)
        key = (f"[base]\naws_access_key_id = {ACCESS_KEY}\n"
               f"aws_secret_access_key = {SECRET_KEY}\n")
        self.config(f"role_arn = {ROLE}one\nsource_profile = base\n"
                    "external_id = 7f3c", key)
        self.assertEqual(self.describe()["KeyState"], "Enabled")
        self.assertEqual(self.double.calls("AssumeRole"), 1)
        self.config(f"role_arn = {ROLE}one\nsource_profile = base", key)
        with self.assertRaises(ClientError) as caught:
            self.describe()
        self.assertEqual(caught.exception.response["Error"]["Code"],
                         "AccessDenied")

    def web_identity(self, **claims):
        token = self.double.do("web-token", subject="pod", **claims)["token"]
        return self.describe(
            AWS_ROLE_ARN=ROLE + "web",
            AWS_WEB_IDENTITY_TOKEN_FILE=self.file("jwt", token))

    def test_web_identity(self):
        self.double.do("role", arn=ROLE + "web", web_subject="pod")
        self.assertEqual(self.web_identity()["KeyState"], "Enabled")
        for claims, code in (({"audience": "x"}, "InvalidIdentityToken"),
                             ({"issuer": "https://x"}, "InvalidIdentityToken"),
                             ({"forged": True}, "InvalidIdentityToken"),
                             ({"lifetime": -1}, "ExpiredTokenException")):
            with self.subTest(claims), self.assertRaises(ClientError) as got:
                self.web_identity(**claims)
            self.assertEqual(got.exception.response["Error"]["Code"], code)

    def test_sso(self):
        document = self.double.do("sso-login")["document"]
        # The SHA-1 of the start URL.
        self.file(".aws/sso/cache/"
                  "e8be5486177c5b5392bd9aa76563515b29358e6e.json", document)
        self.config("sso_account_id = 111122223333\n"
                    "sso_role_name = kms-user\nsso_region = eu-west-1\n"
                    f"sso_start_url = {json.loads(document)['startUrl']}")
        self.assertEqual(self.describe()["KeyState"], "Enabled")

    def test_container(self):
        uri = self.double.read("endpoint.container") + "/v1/credentials"
        self.double.do("container-token", token="tok/en==")
        self.assertEqual(self.describe(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=uri,
            AWS_CONTAINER_AUTHORIZATION_TOKEN="tok/en==")["KeyState"],
            "Enabled")
        self.assertEqual(self.double.calls("ContainerCredentials"), 1)

    def test_instance(self):
        self.assertEqual(self.describe(
            AWS_EC2_METADATA_DISABLED="false")["KeyState"], "Enabled")
        for operation in ("InstanceToken", "InstanceRole",
                          "InstanceCredentials"):
            self.assertEqual(self.double.calls(operation), 1)

    def test_instance_refuses_what_was_forwarded(self):
        url = self.double.read("endpoint.instance") + "/latest/api/token"
        ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60",
               "Content-Length": "0"}
        for headers, status in (({**ttl, "X-Forwarded-For": "10.0.0.1"}, 403),
                                ({"Content-Length": "0"}, 400)):
            request = urllib.request.Request(url, method="PUT",
                                             headers=headers)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request)
            self.assertEqual(caught.exception.code, status)
            caught.exception.close()

    def test_keys_end(self):
        self.double.do("session-lifetime", seconds=2)
        with urllib.request.urlopen(self.double.read("endpoint.container")
                                    + "/v1/credentials") as reply:
            key = json.load(reply)
        client = Client(self.double, key["AccessKeyId"],
                        key["SecretAccessKey"], key["Token"])
        self.assertEqual(client.call("DescribeKey",
                                     KeyId="alias/sym").status, 200)
        time.sleep(2.1)
        self.assertEqual(client.call("DescribeKey", KeyId="alias/sym").code,
                         "ExpiredTokenException")


if __name__ == "__main__":
    unittest.main()
