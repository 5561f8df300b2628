# SPDX-License-Identifier: Apache-2.0
"""How Key Vault, Managed HSM and Entra ID refuse.

Where the words of the service are public they are used, since clients show
them; a client may go by code and inner code only.
"""

import json
import time

from frame.errors import ServiceError

JSON_TYPE = "application/json; charset=utf-8"

THROTTLED = ("Request was not processed because too many requests were "
             "received. Reason: VaultRequestTypeLimitReached")

# What http.sys says before any service sees the request.
BAD_HOST_HTML = (b"<HTML><HEAD><TITLE>Bad Request</TITLE></HEAD>\r\n"
                 b"<BODY><h2>Bad Request - Invalid Hostname</h2></BODY>"
                 b"</HTML>\r\n")


class VaultError(ServiceError):
    """An error of Key Vault or Managed HSM.

    inner  code of the innererror; None where the service gives none
    """

    def __init__(self, status, code, message, inner=None, headers=()):
        super().__init__(code, message, status, headers)
        self.inner = inner

    def render(self, call):
        error = {"code": self.code, "message": self.message}
        if self.inner is not None:
            error["innererror"] = {"code": self.inner}
        return JSON_TYPE, json.dumps({"error": error},
                                     separators=(",", ":")).encode()


class BadHost(ServiceError):
    def __init__(self):
        super().__init__("BadHost", status=400)

    def render(self, call):
        return "text/html; charset=us-ascii", BAD_HOST_HTML


class EntraError(ServiceError):
    """An error of the token endpoint: OAuth's, with a number of its own."""

    def __init__(self, status, error, number, message):
        super().__init__(f"AADSTS{number}", message, status)
        self.error = error
        self.number = number

    def render(self, call):
        now = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        trace = call.request_id
        correlation = (call.request.header("client-request-id")
                       or call.request_id)
        text = (f"{self.code}: {self.message} Trace ID: {trace} Correlation "
                f"ID: {correlation} Timestamp: {now}")
        return JSON_TYPE, json.dumps({
            "error": self.error, "error_description": text,
            "error_codes": [self.number], "timestamp": now,
            "trace_id": trace, "correlation_id": correlation,
            "error_uri": "https://login.microsoftonline.com/error?code="
            f"{self.number}"}).encode()


class IdentityError(ServiceError):
    """An error of one of the endpoints for managed identities."""

    def render(self, call):
        return JSON_TYPE, json.dumps({
            "error": self.code, "error_description": self.message}).encode()


def bad_parameter(message):
    return VaultError(400, "BadParameter", message)


def unauthorized(message, challenge):
    """401 with the challenge that says where to get a token."""
    return VaultError(401, "Unauthorized", message,
                      headers=(("WWW-Authenticate", challenge),))


def forbidden(message, inner=None):
    return VaultError(403, "Forbidden", message, inner)


def key_not_found(what):
    return VaultError(404, "KeyNotFound", (
        f"A key with (name/id) {what} was not found in this key vault. If "
        "you recently deleted this key you may be able to recover it using "
        "the correct recovery command. For help resolving this issue, please "
        "see https://go.microsoft.com/fwlink/?linkid=2125182"))


def conflict(message, inner=None):
    return VaultError(409, "Conflict", message, inner)


# For orders to fail: what a vault says, by status or code.
VAULT_FAILURES = {
    "BadParameter": (400, "BadParameter", None),
    "Unauthorized": (401, "Unauthorized", None),
    "KeyNotFound": (404, "KeyNotFound", None),
    "AccessDenied": (403, "AccessDenied", None),
    "Throttled": (429, "Throttled", None),
    "401": (401, "Unauthorized", None),
    "408": (408, "RequestTimeout", None),
    "429": (429, "Throttled", None),
    "500": (500, "InternalServerError", None),
    "502": (502, "BadGateway", None),
    "504": (504, "GatewayTimeout", None),
    **{inner: (403, "Forbidden", inner) for inner in (
        "ForbiddenByPolicy", "ForbiddenByRbac", "ForbiddenByFirewall",
        "ForbiddenByConnection", "KeyDisabled", "KeyOperationForbidden")},
    **{inner: (409, "Conflict", inner) for inner in (
        "ObjectIsDeletedButRecoverable", "ObjectIsBeingRecovered",
        "ObjectIsBeingDeleted")},
}


def vault_failure(what):
    """Anything unknown is the inner code of a 403."""
    if what.isdecimal() and what not in VAULT_FAILURES:
        return VaultError(int(what), "Error", "Failed as ordered.")
    status, code, inner = VAULT_FAILURES.get(what, (403, "Forbidden", what))
    return VaultError(status, code, "Failed as ordered.", inner)


# Number: (status, error of OAuth, text).
ENTRA_ERRORS = {
    50027: (401, "invalid_client", "JWT token is invalid or malformed."),
    53003: (400, "invalid_grant", "Access has been blocked by Conditional "
            "Access policies. The access policy does not allow token "
            "issuance."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported "
            "grant type '{0}'."),
    700016: (400, "unauthorized_client", "Application with identifier '{0}' "
             "was not found in the directory '{1}'. This can happen if the "
             "application has not been installed by the administrator of the "
             "tenant or consented to by any user in the tenant. You may have "
             "sent your authentication request to the wrong tenant."),
    700021: (401, "invalid_client", "Client assertion application identifier "
             "doesn't match 'client_id' parameter."),
    700023: (401, "invalid_client", "Client assertion audience claim does "
             "not match Realm issuer."),
    700024: (401, "invalid_client", "Client assertion is not within its "
             "valid time range. Current time: {0}, assertion valid from {1}, "
             "expiry time of assertion {2}."),
    700027: (401, "invalid_client", "The certificate with identifier used to "
             "sign the client assertion is not registered on application. "
             "[Reason - {0}]"),
    7000112: (400, "unauthorized_client", "Application '{0}' is disabled."),
    7000215: (401, "invalid_client", "Invalid client secret provided. Ensure "
              "the secret being sent in the request is the client secret "
              "value, not the client secret ID, for a secret added to app "
              "'{0}'."),
    7000218: (401, "invalid_client", "The request body must contain the "
              "following parameter: 'client_assertion' or 'client_secret'."),
    7000222: (401, "invalid_client", "The provided client secret keys for "
              "app '{0}' are expired. Visit the Azure portal to create new "
              "keys for your app: https://aka.ms/NewClientSecret, or consider "
              "using certificate credentials for added security: "
              "https://aka.ms/certCreds."),
    7000229: (400, "unauthorized_client", "The client application {0} is "
              "missing service principal in the tenant {1}."),
    700211: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion issuer '{0}'."),
    700212: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion audience '{0}'."),
    700213: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion subject '{0}'."),
    50013: (401, "invalid_client", "Assertion failed signature validation. "
            "[Reason - The key was not found.]"),
    90002: (400, "invalid_request", "Tenant '{0}' not found. Check to make "
            "sure you have the correct tenant ID and are signing into the "
            "correct cloud."),
    90033: (503, "temporarily_unavailable", "A transient error has occurred. "
            "Please try again."),
    900144: (400, "invalid_request", "The request body must contain the "
             "following parameter: '{0}'."),
    900561: (400, "invalid_request", "The endpoint only accepts POST "
             "requests. Received a {0} request."),
    500011: (400, "invalid_resource", "The resource principal named {0} was "
             "not found in the tenant named {1}."),
    1002012: (400, "invalid_scope", "The provided value for scope {0} is not "
              "valid. Client credential flows must have a scope value with "
              "/.default suffixed to the resource identifier (application ID "
              "URI)."),
}


def entra(number, *details):
    status, error, text = ENTRA_ERRORS[number]
    return EntraError(status, error, number, text.format(*details))


def entra_failure(what):
    """For orders to fail: a status, or a number with or without AADSTS."""
    number = int(what.upper().removeprefix("AADSTS"))
    if number in ENTRA_ERRORS:
        status, error, text = ENTRA_ERRORS[number]
        return EntraError(status, error, number, text.replace("{0}", "it")
                          .replace("{1}", "there").replace("{2}", "then"))
    if number < 600:
        return EntraError(number, "temporarily_unavailable" if number >= 500
                          or number == 429 else "invalid_request", 90033,
                          "Failed as ordered.")
    return EntraError(400, "invalid_request", number, "Failed as ordered.")
