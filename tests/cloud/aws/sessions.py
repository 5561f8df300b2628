# SPDX-License-Identifier: Apache-2.0
"""Temporary access keys, whoever gives them out: AWS KMS knows them at once,
and no longer when they have expired."""

import secrets
import time

from .auth import Identity


class Sessions:
    def __init__(self, service):
        self._service = service
        self.lifetime_s = None      # by order: of all keys from now on

    def issue(self, arn, lifetime_s=3600):
        """Returns the Identity; its expires_s is by the service's clock."""
        if self.lifetime_s is not None:
            lifetime_s = self.lifetime_s
        identity = Identity("ASIA" + secrets.token_hex(8).upper(),
                            secrets.token_urlsafe(30),
                            secrets.token_urlsafe(120) + "==", arn=arn,
                            expires_s=self._service.now() + lifetime_s)
        self._service.identities.add(identity)
        return identity


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
