# SPDX-License-Identifier: Apache-2.0
"""The metadata of an AWS machine (IMDSv2), as far as a workload there needs
it for Google: its zone, its role, and the keys of the role."""

import secrets
import threading

from .errors import PageError
from .keys import timestamp

PREFIX = "/latest/"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = TOKEN_HEADER + "-ttl-seconds"
ROLES = "meta-data/iam/security-credentials"
ROLE = "workload"
TTL_MAX_S = 21600


class AwsMetadata:
    """Thread-safe."""

    def __init__(self, world):
        self._world = world
        self._lock = threading.Lock()
        self._sessions = {}         # token -> when it ends
        self.access_key = None      # None: the machine has no role
        self.region = "eu-west-1"

    @staticmethod
    def operation(request):
        """Its name for counters and orders."""
        return "AwsToken" if request.method == "PUT" else "AwsMetadata"

    def answer(self, request):
        path = request.path[len(PREFIX):].rstrip("/")
        if request.method == "PUT":
            if path != "api/token":
                raise PageError(404)
            return self._session(request.header(TTL_HEADER))
        self._check(request.header(TOKEN_HEADER))
        if path == "meta-data/placement/availability-zone":
            return (self.region + "a").encode()
        if self.access_key is None:
            raise PageError(404)
        if path == ROLES:
            return ROLE.encode()
        if path == f"{ROLES}/{ROLE}":
            return self._credentials()
        raise PageError(404)

    def _session(self, ttl):
        if ttl is None or not ttl.isdecimal() or not (
                0 < int(ttl) <= TTL_MAX_S):
            raise PageError(400)
        token = secrets.token_urlsafe(42)
        with self._lock:
            self._sessions[token] = self._world.now() + int(ttl)
        return token.encode()

    def _check(self, token):
        with self._lock:
            ends = self._sessions.get(token, 0)
        if self._world.now() >= ends:
            raise PageError(401)

    def _credentials(self):
        key = self._world.accounts.aws_key(self.access_key)
        now = self._world.now()
        return {"Code": "Success", "LastUpdated": timestamp(int(now)),
                "Type": "AWS-HMAC", "AccessKeyId": key.access_key,
                "SecretAccessKey": key.secret_key, "Token": key.token,
                "Expiration": timestamp(int(now + 6 * 3600))}
