# SPDX-License-Identifier: Apache-2.0
"""The subject token of an AWS workload: a signed GetCallerIdentity request,
which the service sends on to AWS and so learns who signed it."""

import calendar
import hmac
import json
import re
import time
import urllib.parse

from aws import sigv4

from .errors import OAuthError

WINDOW_S = 15 * 60          # AWS STS takes a signature for that long
HOST = re.compile(r"sts(?:\.(?P<region>[a-z0-9-]+))?\.amazonaws\.com"
                  r"(?:\.cn)?")
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<credential>[^, ]+), *"
    r"SignedHeaders=(?P<signed>[^, ]+), *Signature=(?P<signature>\S+)")
TARGET = "x-goog-cloud-target-resource"
ACTION = {"Action": ["GetCallerIdentity"], "Version": ["2011-06-15"]}


def verify(world, provider, text):
    """The ARN of the caller."""
    headers, url, method = _read(text)
    if sigv4.canonical_value(headers, TARGET) != provider.audience:
        raise _refused(f"The header {TARGET} does not name the audience.")
    host = HOST.fullmatch(url.netloc)
    signed_host = sigv4.canonical_value(headers, "host")
    if (url.scheme != "https" or host is None or url.path not in ("", "/")
            or signed_host != url.netloc or method != "POST"
            or urllib.parse.parse_qs(url.query) != ACTION):
        raise _refused("The request is no GetCallerIdentity to AWS STS.")
    key = _verify_signature(world, headers, url, method,
                            host.group("region"))
    account = key.arn.split(":")[4]
    if account != provider.account:
        raise _refused(f"The AWS account {account} is not allowed by the "
                       "identity provider.")
    return key.arn


def _read(text):
    """(headers as pairs, url, method); the text is percent-encoded JSON."""
    try:
        document = json.loads(urllib.parse.unquote(text, errors="strict"))
        headers = [(each["key"], each["value"])
                   for each in document["headers"]]
        if not all(isinstance(part, str) for pair in headers
                   for part in pair):
            raise ValueError
        return headers, urllib.parse.urlsplit(document["url"]), \
            document["method"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise OAuthError("invalid_request", "Unable to parse the AWS "
                         "subject token.") from None


def _verify_signature(world, headers, url, method, region):
    match = AUTHORIZATION.fullmatch(
        sigv4.canonical_value(headers, "authorization") or "")
    credential = match.group("credential").split("/") if match else ()
    if len(credential) != 5 or credential[3:] != ["sts", "aws4_request"]:
        raise _refused("AWS: the request is not signed for STS.")
    if region is not None and credential[2] != region:
        raise _refused("AWS: Credential should be scoped to a valid region.")
    date = sigv4.canonical_value(headers, "x-amz-date") or ""
    _check_date(date, credential[1], world.now())
    key = world.accounts.aws_key(credential[0])
    if key is None:
        raise _refused("AWS: The security token included in the request is "
                       "invalid.")
    signed = match.group("signed").split(";")
    if not {"host", "x-amz-date"} <= set(signed):
        raise _refused("AWS: host and x-amz-date must be signed.")
    canonical = sigv4.canonical_request(headers, signed, b"", method,
                                        url.path or "/", url.query)
    wanted = sigv4.sign(
        sigv4.signing_key(key.secret_key, *credential[1:4]),
        sigv4.string_to_sign(canonical, date, credential[2], "sts"))
    if not hmac.compare_digest(wanted.encode(),
                               match.group("signature").encode()):
        raise _refused("AWS: The request signature we calculated does not "
                       "match the signature you provided.")
    sent = sigv4.canonical_value(headers, "x-amz-security-token") or ""
    if sent != key.token or (sent and "x-amz-security-token" not in signed):
        raise _refused("AWS: The security token included in the request is "
                       "invalid.")
    return key


def _check_date(date, day, now):
    try:
        sent = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _refused("AWS: X-Amz-Date is malformed.") from None
    if date[:8] != day:
        raise _refused("AWS: Date in Credential scope does not match.")
    if abs(sent - now) > WINDOW_S:
        raise _refused(f"AWS: Signature expired or not yet current: {date}.")


def _refused(text):
    return OAuthError("invalid_grant", text)
