# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4, header form: the pure part.

Headers are lists of (name, value) pairs as received, values decoded as
Latin-1, so that the bytes which were signed can be had back.
"""

import hashlib
import hmac
import re

ALGORITHM = "AWS4-HMAC-SHA256"


def canonical_value(headers, name):
    """All values of one header, trimmed, joined with commas; None if absent."""
    values = [re.sub(r"[ \t]+", " ", value.strip(" \t"))
              for each, value in headers if each.lower() == name]
    return ",".join(values) if values else None


def canonical_request(headers, signed_names, body, method="POST", path="/",
                      query=""):
    """The canonical request, in bytes.

    A name that is signed but was not sent counts as not there; the
    signature then fails, as it does with the service.
    """
    names = sorted(name.lower() for name in signed_names)
    lines = [f"{name}:{canonical_value(headers, name)}\n" for name in names
             if canonical_value(headers, name) is not None]
    payload = hashlib.sha256(body).hexdigest()
    text = "\n".join([method, path, query, "".join(lines), ";".join(names),
                      payload])
    return text.encode("latin-1")


def string_to_sign(canonical, amz_date, region, service):
    scope = f"{amz_date[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical).hexdigest()
    return "\n".join([ALGORITHM, amz_date, scope, digest])


def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def sign(key, text):
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256).hexdigest()
