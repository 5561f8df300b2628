# SPDX-License-Identifier: Apache-2.0
"""The orders of this double for ctl.py."""

from frame.commands import command

COMMANDS = (
    command("create", "create a key with one version, and print its name",
            "key", "[algorithm]", "[level]", prints="name"),
    command("delete", "a key is gone: 404", "key"),
    command("rotate", "add a version (the primary, where there is such), and "
            "print its name", "key", prints="name"),
    command("primary", "choose the primary version, or none", "key",
            "version"),
    command("state", "put a version, or all of a key, into any state",
            "version", "state"),
    command("enable", "enable a version, or all of a key", "version"),
    command("disable", "disable a version, or all of a key", "version"),
    command("destroy", "schedule the destruction of a version; 0: now",
            "version", "[seconds]"),
    command("reasons", "allow only these access reasons; without any: none",
            "key", "reasons*"),
    command("describe", "print a key or a version", "key", prints="*"),
    command("public-key", "print a public key as PEM", "version",
            prints="pem"),
    command("grant", "give a member a role or permission, for the project or "
            "a resource in it", "member", "role", "[resource]"),
    command("ungrant", "take back what a member has", "member", "[role]",
            "[resource]", prints="bindings"),
    command("policy", "print who may do what", prints="*"),
    command("account", "a service account: add, disable, enable, remove, "
            "revoke-keys; key prints a credentials file with a new key",
            "what", "email", prints="*"),
    command("login", "the login of the user: ok, revoked or rapt", "what"),
    command("provider", "enable or disable an identity provider", "what",
            "[kind]"),
    command("machine", "the account of the machine, or none; its scopes",
            "account", "scopes*"),
    command("aws-machine", "whether the machine on AWS has a role, or none",
            "what"),
    command("universe", "the universe domain of the machine, or none",
            "domain"),
    command("token", "print a token of a member", "member", "[scope]",
            "[seconds]", prints="token"),
    command("revoke", "end the tokens of a member, or all; print how many",
            "[member]", prints="tokens"),
    command("token-lifetime", "of new access tokens", "seconds"),
    command("subject-token", "print a token of the other identity provider",
            "[subject]", "[seconds]", "[audience]", prints="token"),
    command("api", "switch the API on or off in the project", "what"),
    command("quota", "requests per minute, or none for no limit",
            "requests"),
    command("only-location", "serve one location only, or all", "location"),
)
