# SPDX-License-Identifier: Apache-2.0
"""The orders of ctl.py that only the AWS KMS double has."""

from frame.commands import command

COMMANDS = (
    command("create", "create a key and print its ARN", "alias", "[spec]",
            "[usage]", "--multi-region", prints="arn"),
    command("replicate", "put a multi-Region key into one more Region, print "
            "its ARN", "key", "region", prints="arn"),
    command("outage", "a Region answers 503, until --end", "region", "--end"),
    command("alias", "make an alias, or point it at another key", "alias",
            "key"),
    command("unalias", "remove an alias", "alias"),
    command("enable", "make a key usable, whatever its state", "key"),
    command("disable", "disable a key", "key"),
    command("delete", "remove a key and its aliases for good", "key"),
    command("rotate", "give a symmetric key new material", "key"),
    command("schedule-deletion", "let a key be pending deletion", "key",
            "[days]"),
    command("state", "put a key into any state of the service", "key",
            "state"),
    command("arn", "print the ARN of a key", "key", do="describe",
            prints="Arn"),
    command("public-key", "print the public key as PEM", "key",
            prints="pem"),
    command("describe", "print the metadata of a key", "key", prints="*"),
    command("role", "make a role that can be assumed, or remove it", "arn",
            "--external-id=ID", "--trusts=KEY", "--web-subject=SUB",
            "--max-s=S", "--remove"),
    command("web-token", "print a token of the web identity provider",
            "subject", "--audience=AUD", "--lifetime=S", "--issuer=URL",
            "--forged", prints="token"),
    command("session-lifetime", "of all temporary keys from now on; without "
            "a number as they are asked for", "[seconds]"),
    command("sso-login", "print what `aws sso login` would write",
            "--lifetime=S", "--no-refresh", prints="document"),
    command("sso-revoke", "no SSO token is good any more"),
    command("sso-assign", "let the person have a role in an account",
            "account", "role"),
    command("instance-role", "the role of the instance; without: none",
            "[name]"),
    command("container-token", "what a container has to show; without: "
            "nothing", "[token]"),
    command("identity", "add, expire or remove an access key", "what",
            "access_key", "[secret_key]", "[token]"),
)
