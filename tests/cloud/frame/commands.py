# SPDX-License-Identifier: Apache-2.0
"""The orders of ctl.py as tables: what each double's commands.py holds."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One order to the control path, as a command.

    arguments  "name" and "[name]" (may be left out) are positional, "name*"
               takes any number; "--flag" and "--option=METAVAR"; their
               values become the members of the order
    do         the order; default the name
    prints     the member of the answer to print, "*" for all of it as JSON
    fixed      members that are always the same
    """
    name: str
    help: str
    arguments: tuple = ()
    do: str = None
    prints: str = None
    fixed: tuple = ()           # of pairs


def command(name, text, *arguments, **members):
    return Command(name, text, arguments, **members)


def add_to(orders, each, send):
    """Adds a Command to argparse's subparsers.

    send  called with the state directory and the order; returns the answer
    """
    parser = orders.add_parser(each.name, help=each.help,
                               description=each.help)
    members = [add_argument(parser, text) for text in each.arguments]

    def run(options):
        order = {"do": each.do or each.name, **dict(each.fixed)}
        for member in members:
            value = getattr(options, member)
            if value is not None:
                order[member] = value
        answer = send(options.dir, order)
        if each.prints == "*":
            print(json.dumps(answer, indent=2))
        elif each.prints:
            print(str(answer[each.prints]).rstrip("\n"))
    parser.set_defaults(run=run)


def add_argument(parser, text):
    """Returns the name of the member."""
    if text.startswith("--"):
        option, equals, metavar = text.partition("=")
        if equals:
            action = parser.add_argument(option, metavar=metavar)
        else:
            # Only when given: an order has no member that nobody named.
            action = parser.add_argument(option, action="store_const",
                                         const=True)
        return action.dest
    name = text.strip("[]*")
    nargs = "*" if text.endswith("*") else "?" if text[0] == "[" else None
    parser.add_argument(name, nargs=nargs)
    return name


COMMANDS = ()       # a double without orders of its own names this package
