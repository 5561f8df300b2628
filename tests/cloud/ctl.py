#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Gives an order to a running double: ctl.py DIR ORDER [ARGS]."""

import argparse
import http.client
import importlib
import json
import os
import signal
import ssl
import sys
import time
import urllib.parse

from frame import commands
from frame.commands import command

WAIT_S = 30

COMMANDS = (
    command("allow", "take all deny back", do="clear",
            fixed=(("kind", "deny"),)),
    command("clock", "set the clock of the service off", "seconds"),
    command("hangup", "close idle connections and print how many",
            prints="connections"),
    command("clear", "take back all orders, or those of one kind", "[kind]"),
    command("orders", "print the orders in force", prints="*"),
    command("calls", "print how many requests came", "[operation]",
            "--key=KEY", prints="calls"),
    command("stats", "print all counters", prints="*"),
    command("reset", "set all counters to zero"),
)


class Failed(Exception):
    """What to tell the user."""


def read_file(directory, name):
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}") from None


def send(directory, order):
    """Sends one order; returns the answer as a dictionary."""
    url = urllib.parse.urlsplit(read_file(directory, "endpoint"))
    connection = connect(directory, url)
    try:
        connection.request("POST", "/_control", json.dumps(order),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"the double does not answer: {error}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise Failed(answer.get("error", f"status {response.status}"))
    return answer


def connect(directory, url):
    if url.scheme == "http":
        return http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    context = ssl.create_default_context(
        cafile=os.path.join(directory, "ca.pem"))
    context.check_hostname = False      # it may be made to have a wrong name
    return http.client.HTTPSConnection(url.hostname, url.port, timeout=60,
                                       context=context)


def misbehave(kind, argument=None):
    """An order to misbehave, for some operations, keys, and requests."""
    def run(options):
        order = {"do": "order", "kind": kind, "count": options.count,
                 "key": options.key,
                 "operations": options.operation or []}
        if argument is not None:
            order["argument"] = getattr(options, argument)
        send(options.dir, order)
    return run


def wait(options):
    """Until the double is ready."""
    deadline = time.monotonic() + WAIT_S
    while not os.path.exists(os.path.join(options.dir, "endpoint")):
        if time.monotonic() > deadline:
            raise Failed("the double does not start")
        time.sleep(0.02)


def stop(options):
    """Until the double is gone; it is no error when it already is."""
    try:
        pid = int(read_file(options.dir, "pid"))
        os.kill(pid, signal.SIGTERM)
    except (Failed, ProcessLookupError):
        return
    deadline = time.monotonic() + WAIT_S
    while os.path.exists(os.path.join(options.dir, "pid")):
        if time.monotonic() > deadline:
            raise Failed(f"the double, process {pid}, does not stop")
        time.sleep(0.02)


def build_parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", help="state directory of the double")
    orders = parser.add_subparsers(metavar="ORDER", required=True)
    add(orders, "wait", wait, "wait until the double is ready")
    add(orders, "stop", stop, "stop the double and wait until it is gone")
    add_misbehaviour(orders)
    for each in (*COMMANDS, *own_commands()):
        commands.add_to(orders, each, send)
    return parser


def own_commands():
    """What only this kind of double knows; its directory says which it is."""
    try:
        package = read_file(sys.argv[1], "double")
    except (Failed, IndexError):
        return ()
    return importlib.import_module(package + ".commands").COMMANDS


def add(orders, name, run, text, *arguments):
    parser = orders.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    for argument in arguments:
        commands.add_argument(parser, argument)
    return parser


def add_misbehaviour(orders):
    def filtered(name, run, text, *arguments, count=True):
        command = add(orders, name, run, text, *arguments)
        command.add_argument("--key", help="only requests about this key")
        command.add_argument("--operation", action="append",
                             help="only this operation; may be repeated")
        if count:
            command.add_argument("--count", type=int, metavar="N",
                                 help="only the next N requests")

    deny = add(orders, "deny", misbehave("deny"),
               "refuse permission, for some operations or all", "operation*")
    deny.add_argument("--key", help="only for this key")
    deny.add_argument("--count", type=int, metavar="N",
                      help="only the next N requests")
    filtered("throttle", misbehave("throttle", "retry_after"),
             "throttle the next N requests", "count", "--retry-after=SECONDS",
             count=False)
    filtered("fail", misbehave("fail", "what"),
             "fail the next N requests: 503 (HTML), another status, or an "
             "error code", "count", "what", count=False)
    filtered("delay", misbehave("delay", "ms"),
             "hold every reply for some milliseconds", "ms")
    filtered("cut", misbehave("cut", "where"),
             "before: no reply; half: half the body; stall: half, then "
             "silence", "where")
    filtered("lie", misbehave("lie", "what"), "send a wrong reply", "what")


def main():
    options = build_parser().parse_args()
    try:
        options.run(options)
    except Failed as error:
        sys.exit(f"ctl.py: {error}")


if __name__ == "__main__":
    main()
