# SPDX-License-Identifier: Apache-2.0
"""The errors of AWS KMS and how they look on the wire."""

import json

JSON_TYPE = "application/x-amz-json-1.1"

# Everything else is 400, which is why a client must go by the code.
HTTP_STATUS = {
    "DependencyTimeoutException": 500,
    "InternalFailure": 500,
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "ServiceUnavailableException": 503,
}

THROTTLED = ("You have exceeded the rate at which you may call KMS. "
             "Reduce the frequency of your calls.")

# What a load balancer in front of the service says; not JSON on purpose.
UNAVAILABLE_HTML = (b"<html><body><h1>503 Service Unavailable</h1>\n"
                    b"<p>No server is available to handle this request.</p>"
                    b"</body></html>\n")


class AwsError(Exception):
    """A request that the service refuses."""

    def __init__(self, code, message=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = HTTP_STATUS.get(code, 400)

    def render(self, long_type=False):
        """Content type and body of the reply.

        The text is left out when there is none, and AccessDeniedException
        spells its member with a capital: both as the service does.

        long_type  spell the code like services of other generations do
        """
        code = self.code
        if long_type:
            code = f"com.amazonaws.kms#{code}:http://internal.amazon.com/"
        body = {"__type": code}
        if self.message is not None:
            capital = self.code == "AccessDeniedException"
            body["Message" if capital else "message"] = self.message
        return JSON_TYPE, json.dumps(body, separators=(",", ":")).encode()


class Unavailable(AwsError):
    """503 from in front of the service, which does not speak its JSON."""

    def __init__(self):
        super().__init__("ServiceUnavailableException")

    def render(self, long_type=False):
        return "text/html", UNAVAILABLE_HTML


def validation(*problems):
    """ValidationException in the service's words, one text per problem."""
    count = len(problems)
    plural = "" if count == 1 else "s"
    return AwsError("ValidationException",
                    f"{count} validation error{plural} detected: "
                    + "; ".join(problems))
