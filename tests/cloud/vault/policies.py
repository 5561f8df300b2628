# SPDX-License-Identifier: Apache-2.0
"""Policies: which paths a token may use, and how."""

import json
import re

from .errors import invalid

CAPABILITIES = ("create", "read", "update", "patch", "delete", "list", "sudo",
                "deny")

DEFAULT_TEXT = """
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
path "sys/wrapping/wrap" { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }
"""

# What ownkey needs, and no more: nothing here can make a key.
KMS_TEXT = """
path "transit/keys/+" { capabilities = ["read"] }
path "transit/encrypt/+" { capabilities = ["update"] }
path "transit/decrypt/+" { capabilities = ["update"] }
path "transit/rewrap/+" { capabilities = ["update"] }
path "transit/datakey/+/+" { capabilities = ["update"] }
path "transit/sign/*" { capabilities = ["update"] }
path "transit/hmac/*" { capabilities = ["update"] }
path "transit/verify/*" { capabilities = ["update"] }
"""

_TOKEN = re.compile(r'\s*(?:(?:#|//)[^\n]*|/\*.*?\*/|("(?:[^"\\]|\\.)*")'
                    r'|([\w-]+)|([{}\[\]=,]))', re.S)


def parse(text):
    """From HCL or JSON to a dictionary from path to its capabilities."""
    try:
        rules = (_parse_json(text) if text.lstrip().startswith("{")
                 else _parse_hcl(text))
    except (ValueError, AttributeError, IndexError, TypeError):
        raise invalid("failed to parse policy: not understood") from None
    for path, capabilities in rules.items():
        for each in capabilities:
            if each not in CAPABILITIES:
                raise invalid(f"failed to parse policy: path {path!r}: "
                              f"invalid capability {each!r}")
    return rules


def _parse_json(text):
    paths = json.loads(text).get("path", {})
    return {path: list(rule["capabilities"]) for path, rule in paths.items()}


def _parse_hcl(text):
    """Blocks of path "..." { capabilities = [...] }. Other attributes limit
    what a rule allows, so they are refused instead of being ignored."""
    tokens = _tokens(text)
    rules = {}
    while tokens:
        _expect(tokens, "path")
        path = json.loads(tokens.pop(0))
        _expect(tokens, "{")
        _expect(tokens, "capabilities")
        _expect(tokens, "=")
        _expect(tokens, "[")
        rules[path] = []
        while tokens[0] != "]":
            rules[path].append(json.loads(tokens.pop(0)))
            if tokens[0] == ",":
                tokens.pop(0)
        _expect(tokens, "]")
        _expect(tokens, "}")
    return rules


def _tokens(text):
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError
        found += [group for group in match.groups() if group]
        at = match.end()
    return found


def _expect(tokens, wanted):
    if tokens.pop(0) != wanted:
        raise ValueError


def matches(pattern, path):
    glob = pattern.endswith("*")
    parts = ["[^/]+" if each == "+" else re.escape(each)
             for each in pattern[:len(pattern) - glob].split("/")]
    return re.fullmatch("/".join(parts) + (".*" if glob else ""), path,
                        re.S) is not None


def priority(pattern):
    """The documented order: the later its first wildcard, no glob at the
    end, the fewer plus signs, the longer, the larger, the higher."""
    pluses = [each.start() for each in re.finditer(r"(?<![^/])\+(?![^/])",
                                                   pattern)]
    glob = pattern.endswith("*")
    wildcards = pluses + [len(pattern) - 1] * glob
    first = min(wildcards, default=float("inf"))
    return first, not glob, -len(pluses), len(pattern), pattern


def capabilities(policies, path):
    """What these policies together allow on a path, as a set.

    Of all rules that match, those with the highest pattern count.
    """
    patterns = {pattern for rules in policies for pattern in rules
                if matches(pattern, path)}
    if not patterns:
        return set()
    best = max(patterns, key=priority)
    found = {each for rules in policies for each in rules.get(best, ())}
    return set() if "deny" in found else found
