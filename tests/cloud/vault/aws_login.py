# SPDX-License-Identifier: Apache-2.0
"""The AWS login, type iam: a signed request to STS, sent by the client to
Vault and from there to STS, which this also plays."""

import json
import urllib.parse

from aws.auth import Identities, Identity, Verifier
from aws.errors import AwsError

from . import fields
from .errors import invalid
from .logins import Method

GLOBAL = "https://sts.amazonaws.com/"
SERVER_ID = "X-Vault-AWS-IAM-Server-ID"


class AwsIdentities:
    """The access keys that AWS knows, and the principal of each."""

    def __init__(self):
        self.identities = Identities()
        self._arns = {}

    def add(self, access_key, secret_key, arn, token=""):
        self.identities.add(Identity(access_key, secret_key, token))
        self._arns[access_key] = arn

    def caller(self, headers, body, region, now):
        """What GetCallerIdentity answers: the ARN. Raises AwsError."""
        identity, _ = Verifier(self.identities, [region], "sts").verify(
            headers, body, now)
        return self._arns[identity.access_key]


class Aws(Method):
    kind = "aws"

    def special(self, op, rest):
        if rest == "config/client":
            self.config.update(op.body)
            return None
        return super().special(op, rest)

    def no_role(self, name):
        return f'entry for role "{name}" not found'

    def login(self, op):
        name, role = self.role(op)
        arn = self._caller(op)
        bound = fields.names(role, "bound_iam_principal_arn")
        if arn not in bound:
            raise invalid(f'IAM Principal "{arn}" does not belong to the role '
                          f'"{name}"')
        return self.grant(role, arn.rpartition("/")[2], role_id=name,
                          canonical_arn=arn, auth_type="iam")

    def _caller(self, op):
        method = fields.text(op.body, "iam_http_request_method")
        if method != "POST":
            raise invalid("invalid iam_http_request_method; currently only "
                          "'POST' and 'GET' are supported" if method else
                          "missing iam_http_request_method")
        url = decoded(op.body, "iam_request_url").decode("latin-1")
        body = decoded(op.body, "iam_request_body")
        headers = read_headers(decoded(op.body, "iam_request_headers"))
        self._check_server_id(headers)
        query = urllib.parse.parse_qs(body.decode("latin-1"))
        if query.get("Action") != ["GetCallerIdentity"]:
            raise invalid("request body contains an unexpected Action")
        headers = [each for each in headers if each[0].lower() != "host"]
        headers.append(("Host", urllib.parse.urlsplit(url).netloc))
        try:
            return op.world.aws.caller(headers, body, self._region(url),
                                       op.now)
        except AwsError as error:
            raise invalid("error making upstream request: received error "
                          f"code 403 from STS: {error.code}: "
                          f"{error.message}") from None

    def _region(self, url):
        """Where Vault sends it is configured; the signature must fit."""
        endpoint = self.config.get("sts_endpoint") or GLOBAL
        if urllib.parse.urlsplit(url).path not in ("", "/"):
            raise invalid("the path of iam_request_url is not /")
        region = self.config.get("sts_region")
        if region:
            return region
        host = urllib.parse.urlsplit(endpoint).netloc.split(".")
        return host[1] if host[1] != "amazonaws" else "us-east-1"

    def _check_server_id(self, headers):
        """The header is there, right, and covered by the signature."""
        wanted = self.config.get("iam_server_id_header_value")
        if not wanted:
            return
        error = f"error validating {SERVER_ID} header: "
        values = [value for name, value in headers
                  if name.lower() == SERVER_ID.lower()]
        if not values:
            raise invalid(error + f'missing header "{SERVER_ID}"')
        if values != [wanted]:
            raise invalid(error + f'expected "{wanted}" but got '
                          f'"{",".join(values)}"')
        signed = "".join(value for name, value in headers
                         if name.lower() == "authorization")
        names = signed.partition("SignedHeaders=")[2].split(",")[0]
        if SERVER_ID.lower() not in names.lower().split(";"):
            raise invalid(error + "header wasn't signed")


def decoded(body, name):
    value = fields.text(body, name)
    if not value:
        raise invalid(f"missing {name}")
    return fields.decode(value, f"failed to base64 decode {name}")


def read_headers(data):
    """A JSON object: name to text or list of texts."""
    try:
        document = json.loads(data)
        pairs = [(name, each) for name, value in document.items()
                 for each in (value if isinstance(value, list) else [value])]
    except (ValueError, AttributeError):
        raise invalid("iam_request_headers is not a JSON object") from None
    if not all(isinstance(value, str) for _, value in pairs):
        raise invalid("iam_request_headers: a value is not a text")
    return pairs
