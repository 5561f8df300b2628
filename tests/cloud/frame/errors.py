# SPDX-License-Identifier: Apache-2.0
"""Errors: what a service refuses, and what the control path refuses."""

import json

# What a load balancer in front of a service says; not JSON on purpose.
UNAVAILABLE_HTML = (b"<html><body><h1>503 Service Unavailable</h1>\n"
                    b"<p>No server is available to handle this request.</p>"
                    b"</body></html>\n")


class Refused(Exception):
    """An order that makes no sense; its text goes to whoever gave it."""


class ServiceError(Exception):
    """A request that the service refuses; each service has its own kind.

    code     as counted and logged
    headers  pairs for the reply, such as Retry-After
    """

    def __init__(self, code, message=None, status=400, headers=()):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = list(headers)

    def render(self, call):
        """Content type and body of the reply."""
        body = {"error": {"code": self.code, "message": self.message}}
        return "application/json", json.dumps(body).encode()


class Unavailable(ServiceError):
    """503 from in front of the service, which does not speak its JSON."""

    def __init__(self):
        super().__init__("Unavailable", status=503)

    def render(self, call):
        return "text/html", UNAVAILABLE_HTML
