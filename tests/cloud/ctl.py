#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Gives an order to a running double: ctl.py DIR ORDER [ARGS]."""

import argparse
import http.client
import json
import os
import signal
import ssl
import sys
import time
import urllib.parse

WAIT_S = 30


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


def show(member):
    """Prints one member of the answer."""
    def printer(answer):
        print(str(answer[member]).rstrip("\n"))
    return printer


def show_all(answer):
    print(json.dumps(answer, indent=2))


def silent(answer):
    """Most orders have nothing to say."""


def plain(name, *members, printer=silent, **fixed):
    """An order whose arguments go into the members of the same name."""
    def run(options):
        order = {"do": name, **fixed}
        for member in members:
            value = getattr(options, member)
            if value is not None:
                order[member] = value
        printer(send(options.dir, order))
    return run


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
    add_process_orders(orders)
    add_key_orders(orders)
    add_misbehaviour(orders)
    add_counter_orders(orders)
    return parser


def add(orders, name, run, text, *arguments):
    """One order. An argument in brackets may be left out."""
    command = orders.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    for argument in arguments:
        optional = argument.startswith("[")
        command.add_argument(argument.strip("[]"),
                             nargs="?" if optional else None)
    return command


def add_process_orders(orders):
    add(orders, "wait", wait, "wait until the double is ready")
    add(orders, "stop", stop, "stop the double and wait until it is gone")


def add_key_orders(orders):
    create = add(orders, "create", plain("create", "alias", "spec", "usage",
                                         "multi_region", printer=show("arn")),
                 "create a key and print its ARN", "alias", "[spec]",
                 "[usage]")
    create.add_argument("--multi-region", action="store_true")
    add(orders, "alias", plain("alias", "alias", "key"),
        "make an alias, or point it at another key", "alias", "key")
    add(orders, "unalias", plain("unalias", "alias"), "remove an alias",
        "alias")
    for name, text in (("enable", "make a key usable, whatever its state"),
                       ("disable", "disable a key"),
                       ("delete", "remove a key and its aliases for good"),
                       ("rotate", "give a symmetric key new material")):
        add(orders, name, plain(name, "key"), text, "key")
    add(orders, "schedule-deletion", plain("schedule-deletion", "key", "days"),
        "let a key be pending deletion", "key", "[days]")
    add(orders, "state", plain("state", "key", "state"),
        "put a key into any state of the service", "key", "state")
    add(orders, "arn", plain("describe", "key", printer=show("Arn")),
        "print the ARN of a key", "key")
    add(orders, "public-key", plain("public-key", "key", printer=show("pem")),
        "print the public key as PEM", "key")
    add(orders, "describe", plain("describe", "key", printer=show_all),
        "print the metadata of a key", "key")
    add(orders, "identity", plain("identity", "what", "access_key",
                                  "secret_key", "token"),
        "add, expire or remove an access key", "what", "access_key",
        "[secret_key]", "[token]")


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
               "AccessDeniedException, for some operations or all")
    deny.add_argument("operation", nargs="*")
    deny.add_argument("--key", help="only for this key")
    deny.add_argument("--count", type=int, metavar="N",
                      help="only the next N requests")
    add(orders, "allow", plain("clear", kind="deny"), "take all deny back")
    filtered("throttle", misbehave("throttle"),
             "ThrottlingException for the next N requests", "count",
             count=False)
    filtered("fail", misbehave("fail", "what"),
             "fail the next N requests: 500, 503 (HTML), or an error code",
             "count", "what", count=False)
    filtered("delay", misbehave("delay", "ms"),
             "hold every reply for some milliseconds", "ms")
    filtered("cut", misbehave("cut", "where"),
             "before: no reply; half: half the body; stall: half, then "
             "silence", "where")
    filtered("lie", misbehave("lie", "what"), "send a wrong reply", "what")
    add(orders, "clock", plain("clock", "seconds"),
        "set the clock of the service off", "seconds")
    add(orders, "hangup", plain("hangup", printer=show("connections")),
        "close idle connections and print how many")
    add(orders, "clear", plain("clear", "kind"),
        "take back all orders, or those of one kind", "[kind]")
    add(orders, "orders", plain("orders", printer=show_all),
        "print the orders in force")


def add_counter_orders(orders):
    calls = add(orders, "calls", plain("calls", "operation", "key",
                                       printer=show("calls")),
                "print how many requests came", "[operation]")
    calls.add_argument("--key", help="only requests about this key")
    add(orders, "stats", plain("stats", printer=show_all),
        "print all counters")
    add(orders, "reset", plain("reset"), "set all counters to zero")


def main():
    options = build_parser().parse_args()
    try:
        options.run(options)
    except Failed as error:
        sys.exit(f"ctl.py: {error}")


if __name__ == "__main__":
    main()
