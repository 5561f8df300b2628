# SPDX-License-Identifier: Apache-2.0
"""What a host is told about itself: the metadata service of an EC2 instance
(version 2 alone), and the endpoint of a container."""

import secrets

from frame.errors import ServiceError
from frame.service import Answer

from .sessions import iso

TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"
ROLES = "/latest/meta-data/iam/security-credentials/"
REGION = "/latest/meta-data/placement/region"


class Plain(ServiceError):
    """An error that is a page, as the metadata service has them."""

    def __init__(self, status, text):
        super().__init__(str(status), text, status)

    def render(self, call):
        return "text/html", f"<html>{self.status} {self.message}</html>\n".encode()


class Instance:
    def __init__(self, service):
        self._service = service
        self._tokens = {}
        self.role = "instance-role"     # None: there is none

    def prepare(self, call):
        request = call.request
        if request.path == "/latest/api/token":
            call.operation = "InstanceToken"
            self._check_put(request)
            return
        if request.method != "GET":
            raise Plain(405, "method not allowed")
        if self._tokens.get(request.header(TOKEN),
                            0) <= self._service.now():
            raise Plain(401, "unauthorized")
        if request.path == ROLES:
            call.operation = "InstanceRole"
        elif request.path.startswith(ROLES):
            call.operation = "InstanceCredentials"
        elif request.path == REGION:
            call.operation = "InstanceRegion"
        else:
            raise Plain(404, "not found")

    def _check_put(self, request):
        if request.method != "PUT":
            raise Plain(405, "method not allowed")
        if request.header("X-Forwarded-For") is not None:
            raise Plain(403, "forbidden")
        ttl = request.header(TTL) or ""
        if not ttl.isdecimal() or not 1 <= int(ttl) <= 21600 or request.body:
            raise Plain(400, "bad request")

    def perform(self, call):
        if call.operation == "InstanceToken":
            token = secrets.token_urlsafe(40)
            ttl = int(call.request.header(TTL))
            self._tokens[token] = self._service.now() + ttl
            return text(token, [(TTL, str(ttl))])
        if call.operation == "InstanceRegion":
            return text(self._service.store.region)
        if self.role is None:
            raise Plain(404, "not found")
        if call.operation == "InstanceRole":
            return text(self.role)
        if call.request.path != ROLES + self.role:
            raise Plain(404, "not found")
        key = self._service.sessions.issue(
            f"arn:aws:sts::{self._service.store.account}:assumed-role/"
            f"{self.role}/i-0123456789abcdef0")
        return {"Code": "Success", "LastUpdated": iso(self._service.now()),
                "Type": "AWS-HMAC", **members(key)}


class Container:
    path = "/v1/credentials"

    def __init__(self, service):
        self._service = service
        self.token = None               # what has to be in Authorization

    def prepare(self, call):
        call.operation = "ContainerCredentials"
        request = call.request
        if request.method != "GET" or request.path != self.path:
            raise JsonError(404, "NotFound", "no such path")
        if request.header("Authorization") != self.token:
            raise JsonError(401, "AccessDenied", "unknown authorization token")

    def perform(self, call):
        account = self._service.store.account
        key = self._service.sessions.issue(
            f"arn:aws:sts::{account}:assumed-role/task-role/task-1")
        return {"RoleArn": f"arn:aws:iam::{account}:role/task-role",
                **members(key)}


class JsonError(ServiceError):
    def __init__(self, status, code, message):
        super().__init__(code, message, status)

    def render(self, call):
        return "application/json", (
            f'{{"code":"{self.code}","message":"{self.message}"}}').encode()


def members(key):
    return {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret_key,
            "Token": key.token, "Expiration": iso(key.expires_s)}


def text(body, headers=()):
    return Answer(body.encode(), headers=list(headers),
                  content_type="text/plain")
