# SPDX-License-Identifier: Apache-2.0
"""The errors of AWS KMS and how they look on the wire."""

import json

from frame.errors import ServiceError

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


class AwsError(ServiceError):
    """A request that the service refuses."""

    def __init__(self, code, message=None, status=None):
        super().__init__(code, message,
                         status or HTTP_STATUS.get(code, 400))

    def render(self, call):
        """The text is left out when there is none, and AccessDeniedException
        spells its member with a capital: both as the service does. A lie
        spells the code like services of other generations do.
        """
        code = self.code
        if call.lie == "long-type":
            code = f"com.amazonaws.kms#{code}:http://internal.amazon.com/"
        body = {"__type": code}
        if self.message is not None:
            capital = self.code == "AccessDeniedException"
            body["Message" if capital else "message"] = self.message
        return JSON_TYPE, json.dumps(body, separators=(",", ":")).encode()


def validation(*problems):
    """ValidationException in the service's words, one text per problem."""
    count = len(problems)
    plural = "" if count == 1 else "s"
    return AwsError("ValidationException",
                    f"{count} validation error{plural} detected: "
                    + "; ".join(problems))
