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
    command("identity", "add, expire or remove an access key", "what",
            "access_key", "[secret_key]", "[token]"),
)
