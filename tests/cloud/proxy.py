#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy for tests, on loopback: CONNECT to names that it maps to
doubles, so that the services' own host names can be used where no name
server knows them."""

import argparse
import base64
import os
import socket
import socketserver
import sys
import threading

from frame import process

BUFFER = 65536
REQUEST_MAX = 16384
CONNECT_S = 5


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--dir", required=True,
        help="state directory: endpoint, pid and log are written here")
    add("--map", action="append", default=[], metavar="HOST:PORT=PORT",
        help="a name, and the port of this host that stands for it")
    add("--credentials", metavar="USER:PASSWORD",
        help="what a client has to show")
    add("--seconds", type=float, default=600)
    add("--parent", type=int, metavar="PID")
    add("--detach", action="store_true")
    return parser.parse_args()


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        head = self._read_head()
        words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3:
            return
        status, port = self._judge(head, words)
        self.server.note(f"{words[0]} {words[1]} {status}")
        reason = {200: "Connection established"}.get(status, "No")
        more = ("Proxy-Authenticate: Basic realm=test\r\n"
                if status == 407 else "")
        length = "" if status == 200 else "Content-Length: 0\r\n"
        self.request.sendall(f"HTTP/1.1 {status} {reason}\r\n{more}{length}"
                             "\r\n".encode())
        if status == 200:
            self._relay(port)

    def _read_head(self):
        head = b""
        while b"\r\n\r\n" not in head and len(head) < REQUEST_MAX:
            data = self.request.recv(BUFFER)
            if not data:
                break
            head += data
        return head

    def _judge(self, head, words):
        wanted = self.server.credentials
        if wanted and f"proxy-authorization: basic {wanted}".lower() not in \
                head.decode("latin-1").lower():
            return 407, 0
        port = self.server.ports.get(words[1])
        if words[0] != "CONNECT" or port is None:
            return 502, 0
        return 200, port

    def _relay(self, port):
        with socket.create_connection(("127.0.0.1", port), CONNECT_S) as far:
            far.settimeout(None)
            back = threading.Thread(target=copy, args=(far, self.request),
                                    daemon=True)
            back.start()
            copy(self.request, far)
            back.join()


def copy(source, target):
    try:
        while True:
            data = source.recv(BUFFER)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass                # one side is gone, and so is the connection


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, directory, ports, credentials):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ports = ports
        self.credentials = (base64.b64encode(credentials.encode()).decode()
                            if credentials else None)
        self._log = open(os.path.join(directory, "log"), "a",
                         encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, line):
        with self._lock:
            self._log.write(line + "\n")
            self._log.flush()

    def handle_error(self, request, client_address):
        """Clients that vanish are part of the tests."""


def main():
    options = parse_arguments()
    ports = {}
    for text in options.map:
        name, _, port = text.rpartition("=")
        if not name or not port.isdecimal():
            sys.exit(f"proxy.py: --map {text}: HOST:PORT=PORT")
        ports[name] = int(port)
    os.makedirs(options.dir, mode=0o700, exist_ok=True)
    ready = process.detach("proxy.py") if options.detach else lambda: None
    parent = process.open_parent(options.parent)
    proxy = Proxy(options.dir, ports, options.credentials)
    threading.Thread(target=proxy.serve_forever, args=(process.POLL_S,),
                     daemon=True).start()
    process.write_file(options.dir, "pid", f"{os.getpid()}\n", 0o644)
    process.write_file(options.dir, "endpoint",
                       f"http://127.0.0.1:{proxy.server_address[1]}\n",
                       0o644)
    ready()
    process.wait_for_the_end(options.seconds, parent)
    proxy.shutdown()


if __name__ == "__main__":
    main()
