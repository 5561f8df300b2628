# SPDX-License-Identifier: Apache-2.0
"""Errors of Google's APIs (google.rpc.Status in JSON) and of OAuth 2.0."""

import json

from frame.errors import ServiceError

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"
SERVICE = "cloudkms.googleapis.com"
TYPE = "type.googleapis.com/google.rpc."

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class GcpError(ServiceError):
    """{"error": {"code", "message", "status", "details"}}"""

    def __init__(self, status, message, *details, headers=(),
                 http_status=None):
        super().__init__(status, message,
                         http_status or HTTP_STATUS[status], headers)
        self.details = details

    def render(self, call):
        error = {"code": self.status, "message": self.message,
                 "status": self.code}
        if self.details:
            error["details"] = list(self.details)
        return JSON_TYPE, json.dumps({"error": error}, indent=2).encode()


class OAuthError(ServiceError):
    """{"error": ..., "error_description": ...} of a token endpoint."""

    def __init__(self, error, description=None, status=400, **members):
        super().__init__(error, description, status)
        self.members = members

    def render(self, call):
        document = {"error": self.code}
        if self.message is not None:
            document["error_description"] = self.message
        document.update(self.members)
        return JSON_TYPE, json.dumps(document).encode()


class PageError(ServiceError):
    """What is said before any API is reached; not JSON."""

    def __init__(self, status, page=None, content_type=HTML_TYPE):
        super().__init__(f"Http{status}", status=status)
        self.page = page or (
            f"<!DOCTYPE html><html lang=en><title>Error {status}</title>"
            f"<p><b>{status}.</b> That\u2019s an error.</html>\n")
        self.content_type = content_type

    def render(self, call):
        return self.content_type, self.page.encode()


def error_info(reason, domain=SERVICE, **metadata):
    return {"@type": TYPE + "ErrorInfo", "reason": reason, "domain": domain,
            "metadata": metadata}


def precondition(kind, subject):
    return {"@type": TYPE + "PreconditionFailure",
            "violations": [{"type": kind, "subject": subject}]}


def retry_info(seconds):
    return {"@type": TYPE + "RetryInfo", "retryDelay": f"{seconds:g}s"}


def bad_request(field, description):
    return {"@type": TYPE + "BadRequest", "fieldViolations": [
        {"field": field, "description": description}]}


def invalid(message, *details):
    return GcpError("INVALID_ARGUMENT", message, *details)


def denied(permission, resource, domain=SERVICE):
    """resource  a name, as text or not"""
    return GcpError(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied on resource '{resource}' (or it "
        "may not exist).",
        error_info("IAM_PERMISSION_DENIED", domain, permission=permission,
                   resource=str(resource)))


def not_found(resource):
    return GcpError("NOT_FOUND", f"{resource} not found.")


def exhausted(metric="Cryptographic requests", retry_s=1):
    return GcpError(
        "RESOURCE_EXHAUSTED",
        f"Quota exceeded for quota metric '{metric}' and limit '{metric} per "
        f"minute' of service '{SERVICE}'.",
        error_info("RATE_LIMIT_EXCEEDED", "googleapis.com", service=SERVICE),
        retry_info(retry_s))


def service_disabled(consumer):
    return GcpError(
        "PERMISSION_DENIED",
        f"Cloud Key Management Service (KMS) API has not been used in "
        f"{consumer} before or it is disabled.",
        error_info("SERVICE_DISABLED", "googleapis.com", service=SERVICE,
                   consumer=consumer))


def needs_quota_project():
    """A user's own credentials say nothing about whose quota it is."""
    return GcpError(
        "PERMISSION_DENIED", "Your application is authenticating by using "
        f"local Application Default Credentials. The {SERVICE} API requires "
        "a quota project, which is not set by default.",
        error_info("SERVICE_DISABLED", "googleapis.com", service=SERVICE,
                   consumer="projects/764086051850"))


def quota_project_denied(consumer):
    return GcpError(
        "PERMISSION_DENIED", "Caller does not have required permission to "
        f"use project {consumer}. Grant the caller the roles/serviceusage."
        "serviceUsageConsumer role, or a custom role with the "
        "serviceusage.services.use permission.",
        error_info("USER_PROJECT_DENIED", "googleapis.com", service=SERVICE,
                   consumer=f"projects/{consumer}"))


def wrong_location(location, here):
    return GcpError(
        "NOT_FOUND", f"The request concerns location '{location}' but was "
        f"sent to location '{here}'. Either Cloud KMS is not available in "
        f"'{location}' or the request was misrouted.")


def ordered(what):
    """The error of the KMS API for an order to fail: an HTTP status, a
    status of google.rpc, or the reason of an error that has details."""
    if what in REASONS:
        return REASONS[what]()
    if what in HTTP_STATUS:
        return GcpError(what, TEXTS.get(what, "The request failed."))
    for status, http_status in HTTP_STATUS.items():
        if what == str(http_status):
            return GcpError(status, TEXTS.get(status, "The request failed."))
    if what.isdecimal() and 400 <= int(what) <= 599:
        return PageError(int(what))
    raise ValueError(f"fail with what? An HTTP status, or one of: "
                     f"{', '.join((*HTTP_STATUS, *REASONS))}")


TEXTS = {
    "UNAVAILABLE": "The service is currently unavailable.",
    "INTERNAL": "Internal error encountered.",
    "DEADLINE_EXCEEDED": "Deadline expired before operation could complete.",
    "CANCELLED": "The operation was cancelled.",
}
REASONS = {
    "SERVICE_DISABLED": lambda: service_disabled("project 111122223333"),
    "USER_PROJECT_DENIED": lambda: quota_project_denied("other-project"),
    "RATE_LIMIT_EXCEEDED": exhausted,
    "SECURITY_POLICY_VIOLATED": lambda: GcpError(
        "PERMISSION_DENIED", "Request is prohibited by organization's "
        "policy. vpcServiceControlsUniqueIdentifier: "
        "u3jYdJ0hWmFkQ2xpZW50RG91YmxlLQ",
        error_info("SECURITY_POLICY_VIOLATED", "googleapis.com",
                   service=SERVICE)),
    "EXTERNAL_KEY_REFUSED": lambda: GcpError(
        "FAILED_PRECONDITION", "The external key manager refused the "
        "request."),
}
