# SPDX-License-Identifier: Apache-2.0
"""A double as a process: options, state directory, start and end."""

import argparse
import glob
import os
import select
import signal
import sys
import threading
import time

from . import tls
from .errors import Refused, ServiceError
from .server import Server, UnixServer

POLL_S = 0.1
SOCKET_PATH_MAX = 100


class Started:
    """What a double may want to know once it listens.

    endpoints  base URLs by the name of the listener
    authority  tls.Authority that issued the server's certificate
    """

    def __init__(self, directory, endpoints, authority, with_tls):
        self.directory = directory
        self.endpoints = endpoints
        self.authority = authority
        self.with_tls = with_tls

    def path(self, name):
        return os.path.abspath(os.path.join(self.directory, name))

    def write(self, name, data, mode=0o644):
        """A file in the state directory, complete once it is there."""
        write_file(self.directory, name, data, mode)


def parser(description):
    """The options that every double has."""
    new = argparse.ArgumentParser(description=description)
    add = new.add_argument
    add("--dir", required=True,
        help="state directory: endpoint, pid, env and ca.pem are written here")
    add("--port", action="append", default=[], metavar="[LISTENER=]N",
        help="0 (default) takes a free one")
    add("--tls", action="store_true", help="HTTPS with a CA of its own")
    add("--tls-name", action="append", metavar="NAME",
        help="what the certificate is for; default localhost and 127.0.0.1")
    add("--client-ca", action="append", default=[], metavar="FILE",
        help="one more CA whose client certificates pass the handshake")
    add("--seconds", type=float, default=600,
        help="stop after this many seconds (default 600)")
    add("--parent", type=int, metavar="PID",
        help="stop when this process is gone")
    add("--detach", action="store_true",
        help="return when it is ready, and go on in the background")
    add("--log", metavar="FILE", help="one JSON object per request")
    return new


def run(name, package, options, build, environment):
    """The main program of a double.

    name         of the program, for complaints
    package      with its commands.py, for ctl.py
    build        called with options and the open log or None, before there
                 is any server: returns the Control; may raise Refused or
                 ServiceError
    environment  called with options and Started, once all ports are open;
                 returns the variables for `env`, None for an unset one
    """
    try:
        _run(name, package, options, build, environment)
    except (Refused, ServiceError) as error:
        sys.exit(f"{name}: {getattr(error, 'message', None) or error}")


def _run(name, package, options, build, environment):
    os.makedirs(options.dir, mode=0o700, exist_ok=True)
    remove_endpoints(options.dir)
    ready = detach(name) if options.detach else lambda: None
    parent = open_parent(options.parent)
    log = open(options.log, "a", encoding="utf-8") if options.log else None
    control = build(options, log)
    authority = tls.Authority()
    servers = open_servers(options, control, authority)
    control.servers = list(servers.values())
    for server in servers.values():
        threading.Thread(target=server.serve_forever, args=(POLL_S,),
                         daemon=True).start()
    write_state(options, package, servers, authority, environment)
    ready()
    wait_for_the_end(options.seconds, parent)
    for server in servers.values():
        server.stop()
    remove_endpoints(options.dir)
    remove_file(options.dir, "pid")


def remove_endpoints(directory):
    """What an earlier one left, or this one leaves, if anything is there."""
    for path in glob.glob(os.path.join(glob.escape(directory), "*")):
        name = os.path.basename(path)
        if name == "endpoint" or name.startswith("endpoint.") or (
                name.endswith(".sock")):
            remove_file(directory, name)


def open_servers(options, control, authority):
    """By the name of the listener, in their order."""
    listeners = control.service.listeners
    ports = parse_ports(options.port, listeners)
    servers = {}
    for listener in listeners:
        if listener.unix:
            path = os.path.join(os.path.abspath(options.dir),
                                listener.name + ".sock")
            if len(path) <= SOCKET_PATH_MAX:    # else it cannot be had
                servers[listener.name] = UnixServer(listener, control, path)
            continue
        context = None
        if options.tls if listener.tls is None else listener.tls:
            context = tls.server_context(
                authority, options.tls_name or tls.DEFAULT_NAMES,
                client_authorities(options, authority)
                if listener.client_certificates else None)
        address = ("127.0.0.1", ports.get(listener.name, 0))
        servers[listener.name] = Server(listener, control, address, context)
    return servers


def client_authorities(options, authority):
    found = [authority.pem]
    for path in options.client_ca:
        try:
            with open(path, "rb") as file:
                found.append(file.read())
        except OSError as error:
            raise Refused(f"--client-ca {path}: {error.strerror}") from None
    return b"\n".join(found)


def parse_ports(texts, listeners):
    ports = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        name = name if equals else listeners[0].name
        if (name not in [each.name for each in listeners]
                or not number.isdecimal()):
            raise Refused(f"--port {text}: no such listener or number")
        ports[name] = int(number)
    return ports


def write_state(options, package, servers, authority, environment):
    """The endpoint comes last: once it is there, all is."""
    endpoints = {name: server.url for name, server in servers.items()}
    with_tls = any(server.with_tls for server in servers.values())
    started = Started(options.dir, endpoints, authority, with_tls)
    variables = environment(options, started)
    started.write("pid", f"{os.getpid()}\n")
    started.write("double", package + "\n")
    started.write("env", shell_lines(variables), 0o600)
    if with_tls:
        started.write("ca.pem", authority.pem)
    first, *others = endpoints
    for name in others:
        started.write("endpoint." + name, endpoints[name] + "\n")
    started.write("endpoint", endpoints[first] + "\n")


def shell_lines(variables):
    """For `. DIR/env`."""
    return "".join(f"export {name}='{value}'\n" if value
                   else f"unset {name}\n"
                   for name, value in variables.items())


def write_file(directory, name, data, mode):
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


def detach(name):
    """Forks. The parent waits until the child is ready, then exits; in the
    child this returns the function which says that it is."""
    reader, writer = os.pipe()
    if os.fork() != 0:
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            sys.exit(0 if pipe.read() == b"ready" else
                     f"{name}: did not start")
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
        raise Refused(f"--parent {pid}: {error.strerror}") from None
