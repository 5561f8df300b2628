#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A double of AWS KMS for tests, on loopback. See README.md."""

import argparse
import os
import select
import signal
import sys
import threading
import time

from aws import tls
from aws.auth import Identity
from aws.control import Control, Refused
from aws.server import Server
from aws.service import Service

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
POLL_S = 0.1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--dir", required=True,
        help="state directory: endpoint, pid, env and ca.pem are written here")
    add("--port", type=int, default=0, help="0 (default) takes a free one")
    add("--tls", action="store_true", help="HTTPS with a CA of its own")
    add("--tls-name", action="append", metavar="NAME",
        help="what the certificate is for; default localhost and 127.0.0.1")
    add("--access-key", default=ACCESS_KEY)
    add("--secret-key", default=SECRET_KEY)
    add("--session-token", default="")
    add("--identity", action="append", default=[], metavar="ID:SECRET[:TOKEN]",
        help="one more access key that is known")
    add("--account", default=ACCOUNT)
    add("--region", default=REGION)
    add("--key", action="append", default=[],
        metavar="alias/NAME=SPEC[:USAGE]", help="a key to start with")
    add("--seconds", type=float, default=600,
        help="stop after this many seconds (default 600)")
    add("--parent", type=int, metavar="PID",
        help="stop when this process is gone")
    add("--detach", action="store_true",
        help="return when it is ready, and go on in the background")
    add("--log", metavar="FILE", help="one JSON object per request")
    return parser.parse_args()


def build_service(options):
    log = open(options.log, "a", encoding="utf-8") if options.log else None
    service = Service(options.account, options.region, log)
    service.identities.add(Identity(options.access_key, options.secret_key,
                                    options.session_token))
    for text in options.identity:
        service.identities.add(Identity(*text.split(":", 2)))
    control = Control(service, None)
    for text in options.key:
        create_key(control, text)
    return service


def create_key(control, text):
    """One --key: alias/NAME=SPEC[:USAGE]."""
    alias, _, kind = text.partition("=")
    spec, _, usage = kind.partition(":")
    try:
        control.run({"do": "create", "alias": alias,
                     "spec": spec or "SYMMETRIC_DEFAULT",
                     "usage": usage or None})
    except Refused as error:
        sys.exit(f"awskms.py: --key {text}: {error}")


def write_file(directory, name, data, mode=0o644):
    """Whoever sees the file sees all of it."""
    path = os.path.join(directory, name)
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                         mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.rename(path + ".new", path)


def remove_file(directory, name):
    try:
        os.unlink(os.path.join(directory, name))
    except FileNotFoundError:
        pass


def write_state(options, endpoint, ca):
    """The endpoint comes last: once it is there, all is."""
    write_file(options.dir, "pid", f"{os.getpid()}\n")
    write_file(options.dir, "env", environment(options, endpoint, ca), 0o600)
    if ca is not None:
        write_file(options.dir, "ca.pem", ca)
    write_file(options.dir, "endpoint", endpoint + "\n")


def environment(options, endpoint, ca):
    """For `. DIR/env`: what AWS clients read."""
    values = {"AWS_ACCESS_KEY_ID": options.access_key,
              "AWS_SECRET_ACCESS_KEY": options.secret_key,
              "AWS_SESSION_TOKEN": options.session_token,
              "AWS_REGION": options.region,
              "AWS_DEFAULT_REGION": options.region,
              "AWS_ENDPOINT_URL_KMS": endpoint,
              "AWS_EC2_METADATA_DISABLED": "true"}
    if ca is not None:
        values["AWS_CA_BUNDLE"] = os.path.abspath(
            os.path.join(options.dir, "ca.pem"))
    lines = [f"export {name}='{value}'\n" if value else f"unset {name}\n"
             for name, value in values.items()]
    return "".join(lines)


def detach():
    """Forks. The parent waits until the child is ready, then exits; in the
    child this returns the function which says that it is."""
    reader, writer = os.pipe()
    if os.fork() != 0:
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            sys.exit(0 if pipe.read() == b"ready" else
                     "awskms.py: did not start")
    os.setsid()
    # Whoever waits for the end of file on a descriptor of the caller's may
    # not have to wait for this process.
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))

    def ready():
        # The standard ones go last: until now complaints went to stderr.
        os.write(writer, b"ready")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        for descriptor in (null, writer):
            os.close(descriptor)
    return ready


def wait_for_the_end(seconds, parent):
    """Until the time is up, the parent is gone, or a signal says so."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    deadline = time.monotonic() + seconds
    while not stop.wait(POLL_S) and time.monotonic() < deadline:
        if parent is not None and select.select([parent], [], [], 0)[0]:
            return


def open_parent(pid):
    """A descriptor that becomes readable when the process ends. Unlike its
    number it cannot come to mean another process."""
    try:
        return os.pidfd_open(pid) if pid else None
    except OSError as error:
        sys.exit(f"awskms.py: --parent {pid}: {error.strerror}")


def main():
    options = parse_arguments()
    os.makedirs(options.dir, mode=0o700, exist_ok=True)
    remove_file(options.dir, "endpoint")
    ready = detach() if options.detach else lambda: None
    parent = open_parent(options.parent)

    service = build_service(options)
    ca, context = None, None
    if options.tls:
        ca, context = tls.make(options.tls_name or tls.DEFAULT_NAMES)
    server = Server(service, options.port, context)
    scheme = "https" if options.tls else "http"
    threading.Thread(target=server.serve_forever, args=(POLL_S,),
                     daemon=True).start()
    write_state(options, f"{scheme}://127.0.0.1:{server.server_port}", ca)
    ready()
    wait_for_the_end(options.seconds, parent)
    server.stop()
    for name in ("endpoint", "pid"):
        remove_file(options.dir, name)


if __name__ == "__main__":
    main()
