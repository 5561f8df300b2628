# SPDX-License-Identifier: Apache-2.0
"""Plays `az account get-access-token`: az.py DIR account get-access-token ...

DIR/bin/az of a double runs it, so that PATH=DIR/bin leads to it.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True      # the source tree may be read-only

import ctl                              # noqa: E402


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="az")
    parser.add_argument("group", choices=["account"])
    parser.add_argument("command", choices=["get-access-token"])
    parser.add_argument("--output", "-o", choices=["json"], default="json")
    parser.add_argument("--tenant", "-t")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--resource")
    wanted.add_argument("--scope")
    return parser.parse_args(words)


def main(directory, words):
    options = parse_arguments(words)
    resource = options.resource or options.scope.removesuffix("/.default")
    try:
        answer = ctl.send(directory, {"do": "cli-token",
                                      "resource": resource,
                                      "tenant": options.tenant})
    except ctl.Failed as error:
        sys.exit(f"ERROR: {error}")
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
