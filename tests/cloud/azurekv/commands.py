# SPDX-License-Identifier: Apache-2.0
"""The orders of ctl.py that only the Azure double has."""

from frame.commands import command

VAULT = "--vault=NAME"
CLIENT = "--client=ID"
VERSION = "[version]"

COMMANDS = (
    command("create", "make a key, or a version of one; print its "
            "identifier", "key", "[spec]", "--ops=LIST", "--version=HEX",
            VAULT, prints="kid"),
    command("rotate", "add a version with new material; print it", "key",
            prints="version"),
    command("enable", "enable one version, or all", "key", VERSION),
    command("disable", "disable one version, or all", "key", VERSION),
    command("valid", "limit the time a version is good for", "key", VERSION,
            "--not-before=SECONDS", "--expires=SECONDS"),
    command("ops", "set what a version may be used for", "key", "ops",
            VERSION),
    command("delete", "delete a key; it can be recovered", "key"),
    command("recover", "take a deletion back", "key"),
    command("purge", "remove a key for good", "key"),
    command("busy", "conflicts with this inner code about a key; none ends "
            "it", "key", "[code]"),
    command("kid", "print the identifier of a version", "key", VERSION,
            prints="kid"),
    command("describe", "print a key as the service would", "key", VERSION,
            prints="*"),
    command("public-key", "print the public key as PEM", "key", VERSION,
            prints="pem"),
    command("grant", "what an application may do: permissions or roles, "
            "with commas between; all; none", "permissions", CLIENT,
            "--key=KEY", VAULT),
    command("mode", "access by policy or rbac", "mode", VAULT),
    command("firewall", "refuse by network: address, connection, off",
            "what", VAULT),
    command("quirk", "behave as was seen, not as is documented: "
            "disabled-public, disabled-get", "quirk", "[state]", VAULT),
    command("quota", "throttle after so many requests, in 10 seconds or "
            "another time; off", "requests", "--seconds=N"),
    command("tenant", "move a vault to a tenant", "tenant", VAULT),
    command("foreign-login", "let the challenge name a foreign login host",
            "[url]", VAULT),
    command("challenge", "set the whole challenge; none: the true one",
            "[text]", VAULT),
    command("token-lifetime", "of new tokens, in seconds", "[seconds]"),
    command("roll-keys", "sign tokens with a new key, forget the old one"),
    command("revoke", "refuse the tokens an application has", "[client]"),
    command("app", "add, remove, enable, disable, consent, unconsent",
            "what", "[client]", "[tenant]"),
    command("secret", "add, expire or remove client secrets", "what",
            "[value]", CLIENT),
    command("certificate", "add one from a PEM file, or remove all", "what",
            "[path]", CLIENT),
    command("federated", "add a federated credential, or remove all",
            "what", "--issuer=URL", "--subject=TEXT", "--path=PEM",
            "--audience=TEXT", CLIENT),
    command("federated-token", "print a token for the exchange",
            "--issuer=URL", "--subject=TEXT", "--audience=TEXT",
            "--lifetime=SECONDS", prints="token"),
    command("identity", "assign a managed identity (system, user), or "
            "remove one", "what", "[client]", "[resource_id]",
            "--tenant=ID", prints="*"),
    command("cli", "login or logout at the az of the state directory",
            "state"),
    command("arc-realm", "what the Azure Arc agent names as its file; none: "
            "the true one", "[realm]"),
)
