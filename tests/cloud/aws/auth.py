# SPDX-License-Identifier: Apache-2.0
"""Who sent a request: checks its signature the way the service does.

The checks, their order, codes and texts follow the service: form, date,
signed headers, scope, access key, signature, session token.
"""

import calendar
import hmac
import re
import threading
import time
from dataclasses import dataclass

from . import sigv4
from .errors import AwsError

WINDOW_S = 300
PARTS = ("Credential", "SignedHeaders", "Signature")
BAD_TOKEN = "The security token included in the request is invalid."


@dataclass
class Identity:
    """One access key; with a token it is a temporary one."""
    access_key: str
    secret_key: str
    token: str = ""
    expired: bool = False
    expires_s: float = 0        # by the clock of the service; 0: never
    arn: str = ""               # whose it is; "" that of the account's user


class Identities:
    """The access keys which exist. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._by_key = {}

    def add(self, identity):
        with self._lock:
            self._by_key[identity.access_key] = identity

    def remove(self, access_key):
        with self._lock:
            return self._by_key.pop(access_key, None) is not None

    def find(self, access_key):
        with self._lock:
            return self._by_key.get(access_key)


class Verifier:
    """regions: those that there are; it may grow. window_s: how far off a
    client's clock may be."""

    def __init__(self, identities, regions, service="kms",
                 window_s=WINDOW_S):
        self.window_s = window_s
        self.identities = identities
        self.regions = regions
        self.service = service

    def verify(self, headers, body, now):
        """Returns the identity that signed and the Region it signed for, or
        raises AwsError.

        now  seconds since the epoch, by the clock of the service
        """
        authorization = sigv4.canonical_value(headers, "authorization")
        if not authorization or not authorization.startswith("AWS4-"):
            raise AwsError("MissingAuthenticationTokenException",
                           "Request is missing Authentication Token")
        parts = parse_authorization(authorization)
        amz_date = read_date(headers, authorization)
        check_window(amz_date, now, self.window_s)
        signed = parts["SignedHeaders"].split(";")
        check_signed_headers(headers, signed)
        if authorization.split(" ")[0] != sigv4.ALGORITHM:
            raise AwsError("IncompleteSignatureException",
                           "Unsupported AWS 'algorithm': "
                           f"'{authorization.split(' ')[0]}'.")
        access_key, region = self._check_scope(parts["Credential"], amz_date)

        identity = self.identities.find(access_key)
        if identity is None:
            raise AwsError("UnrecognizedClientException", BAD_TOKEN)
        self._check_signature(identity, headers, signed, body, amz_date,
                              region, parts["Signature"])
        check_token(identity, headers, now)
        return identity, region

    def _check_scope(self, credential, amz_date):
        elements = credential.split("/")
        if len(elements) != 5:
            raise AwsError("IncompleteSignatureException",
                           "Credential must have exactly 5 slash-delimited "
                           "elements, e.g. keyid/date/region/service/term, "
                           f"got '{credential}'")
        access_key, date, region, service, term = elements
        problems = []
        if region not in self.regions:
            problems.append("Credential should be scoped to a valid region, "
                            f"not '{region}'. ")
        if service != self.service:
            problems.append("Credential should be scoped to correct service: "
                            f"'{self.service}'. ")
        if term != "aws4_request":
            problems.append("Credential should be scoped with a valid "
                            f"terminator: 'aws4_request', not '{term}'. ")
        if date != amz_date[:8]:
            problems.append("Date in Credential scope does not match YYYYMMDD "
                            "from ISO-8601 version of date from HTTP: "
                            f"'{date}' != '{amz_date[:8]}', from "
                            f"'{amz_date}'.")
        if problems:
            raise AwsError("InvalidSignatureException", "".join(problems))
        return access_key, region

    def _check_signature(self, identity, headers, signed, body, amz_date,
                         region, signature):
        canonical = sigv4.canonical_request(headers, signed, body)
        text = sigv4.string_to_sign(canonical, amz_date, region, self.service)
        key = sigv4.signing_key(identity.secret_key, amz_date[:8], region,
                                self.service)
        expected = sigv4.sign(key, text)
        if not hmac.compare_digest(expected.encode(),
                                   signature.encode("latin-1")):
            # The canonical string is what one needs to find a signing bug.
            raise AwsError(
                "InvalidSignatureException",
                "The request signature we calculated does not match the "
                "signature you provided. Check your AWS Secret Access Key "
                "and signing method. Consult the service documentation for "
                "details.\n\nThe Canonical String for this request should "
                f"have been\n'{canonical.decode('latin-1')}'\n\nThe "
                f"String-to-Sign should have been\n'{text}'\n")


def parse_authorization(authorization):
    parts = {}
    for pair in re.split(r"[, ]+", authorization)[1:]:
        name, equals, value = pair.partition("=")
        if not equals:
            raise AwsError("IncompleteSignatureException",
                           f"'{pair}' not a valid key=value pair (missing "
                           "equal-sign) in Authorization header: "
                           f"'{authorization}'.")
        parts[name] = value
    missing = [name for name in PARTS if not parts.get(name)]
    if missing:
        raise AwsError("IncompleteSignatureException", "".join(
            f"Authorization header requires '{name}' parameter. "
            for name in missing) + f"Authorization={authorization}")
    return parts


def read_date(headers, authorization):
    """X-Amz-Date, else Date. Sent twice it is joined, and so malformed."""
    date = (sigv4.canonical_value(headers, "x-amz-date")
            or sigv4.canonical_value(headers, "date"))
    if date is None:
        raise AwsError("IncompleteSignatureException",
                       "Authorization header requires existence of either a "
                       "'X-Amz-Date' or a 'Date' header. "
                       f"Authorization={authorization}")
    try:
        if not re.fullmatch(r"\d{8}T\d{6}Z", date, re.ASCII):
            raise ValueError
        parse_date(date)
    except ValueError:
        raise AwsError("IncompleteSignatureException",
                       "Date must be in ISO-8601 'basic format'. Got "
                       f"'{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
                       ) from None
    return date


def parse_date(amz_date):
    return calendar.timegm(time.strptime(amz_date, "%Y%m%dT%H%M%SZ"))


def format_date(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def check_window(amz_date, now, window_s):
    minutes = f"{window_s // 60} min."
    sent = parse_date(amz_date)
    if sent < now - window_s:
        raise AwsError("InvalidSignatureException",
                       f"Signature expired: {amz_date} is now earlier than "
                       f"{format_date(now - window_s)} ({format_date(now)} - "
                       f"{minutes})")
    if sent > now + window_s:
        raise AwsError("InvalidSignatureException",
                       f"Signature not yet current: {amz_date} is still later "
                       f"than {format_date(now + window_s)} "
                       f"({format_date(now)} + {minutes})")


def check_signed_headers(headers, signed):
    """Host, Content-Type and every X-Amz-* header sent must be signed.

    The documentation demands all of them and every SDK signs them; a client
    which leaves one out has a mistake that a test should show.
    """
    signed = {name.lower() for name in signed}
    sent = {name.lower() for name, _ in headers}
    needed = {name for name in sent
              if name == "content-type" or name.startswith("x-amz-")}
    for name in sorted(needed | {"host"}):
        if name not in signed:
            label = "'Host' or ':authority'" if name == "host" else f"'{name}'"
            raise AwsError("InvalidSignatureException",
                           f"{label} must be a 'SignedHeader' in the AWS "
                           "Authorization.")


def check_token(identity, headers, now):
    token = sigv4.canonical_value(headers, "x-amz-security-token") or ""
    if not hmac.compare_digest(token.encode("latin-1"),
                               identity.token.encode("latin-1")):
        raise AwsError("UnrecognizedClientException", BAD_TOKEN)
    if identity.expired or 0 < identity.expires_s <= now:
        raise AwsError("ExpiredTokenException",
                       "The security token included in the request is expired")
