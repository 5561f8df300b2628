# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 with keep-alive, on loopback only, with or without TLS."""

import http.server
import json
import select
import socket
import socketserver
import threading
import time
import uuid
from email.utils import formatdate

from .control import Control, Refused
from .errors import AwsError

CONTROL_PATH = "/_control"
HANDSHAKE_S = 10
MAX_BODY = 1024 * 1024


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, service, port=0, tls_context=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.service = service
        self.control = Control(service, self)
        self._tls = tls_context
        self._lock = threading.Lock()
        self._handlers = set()
        self._released = threading.Event()

    def server_bind(self):
        """Without the look-up of our own name, which can take seconds where
        there is no name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        sock, address = super().get_request()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            # The handshake happens in the thread of the connection: a client
            # that stalls in it may not hold up the others.
            sock = self._tls.wrap_socket(sock, server_side=True,
                                         do_handshake_on_connect=False)
        return sock, address

    def handle_error(self, request, client_address):
        """Clients that vanish are part of the tests, and nothing is said."""

    def joined(self, handler):
        with self._lock:
            self._handlers.add(handler)

    def left(self, handler):
        with self._lock:
            self._handlers.discard(handler)

    def stop(self):
        """Once it returns, nobody gets an answer any more."""
        self.shutdown()
        self.server_close()
        with self._lock:
            handlers = list(self._handlers)
        for handler in handlers:
            handler.hang_up()

    def hang_up_idle(self):
        """Closes connections on which no request runs; returns how many."""
        with self._lock:
            idle = [each for each in self._handlers
                    if each.serial and not each.busy]
        for handler in idle:
            handler.hang_up()
        return len(idle)

    def release_stalled(self):
        """Lets requests that are held up by an order go on."""
        with self._lock:
            self._released.set()
            self._released = threading.Event()

    def released(self):
        """The event that release_stalled() sets, for whoever holds now."""
        with self._lock:
            return self._released


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    serial = 0          # of the connection; 0 before its first request
    busy = False

    def setup(self):
        super().setup()
        self.server.joined(self)

    def handle(self):
        if hasattr(self.connection, "do_handshake"):
            self.connection.settimeout(HANDSHAKE_S)
            self.connection.do_handshake()
            self.connection.settimeout(None)
        super().handle()

    def finish(self):
        self.server.left(self)
        super().finish()

    def log_message(self, *_):
        """Nothing on stderr; the service has its own log."""

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def do_POST(self):
        body = self._read_body()
        if body is None:
            return
        if self.path == CONTROL_PATH:
            self._control(body)
        elif self.path == "/":
            self._serve(body)
        else:
            self._send_error(404, AwsError("UnknownOperationException"))

    def do_GET(self):
        self._send_error(404, AwsError("UnknownOperationException"))

    do_HEAD = do_PUT = do_DELETE = do_GET

    def _read_body(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send_error(413 if length.isdecimal() else 411,
                             AwsError("SerializationException"))
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _serve(self, body):
        counters = self.server.service.counters
        if not self.serial:
            self.serial = counters.connection()
        self.busy = True
        counters.enter()
        try:
            reply = self.server.service.answer(self.headers.items(), body,
                                               self.serial)
            rest = self._hold(reply)
        finally:
            counters.leave()
            self.busy = False
        # Not before: a client that has its reply may ask for the counters.
        self.wfile.write(rest)
        if reply.cut:
            self.hang_up()

    def _hold(self, reply):
        """Sits out a delay or a stall; returns what is left to send."""
        if reply.delay_ms:
            self.server.released().wait(reply.delay_ms / 1000)
        if reply.cut == "before":
            return b""
        head = self._head(reply.status, reply.content_type, len(reply.body),
                          reply.date_s, reply.request_id)
        if not reply.cut:
            return head + reply.body
        half = head + reply.body[:len(reply.body) // 2]
        if reply.cut == "half":
            return half
        self.wfile.write(half)
        self._wait_for_client()
        return b""

    def _wait_for_client(self):
        """Until the client gives up, or an order lets this one go."""
        released = self.server.released()
        while not released.is_set():
            if select.select([self.connection], [], [], 0.05)[0]:
                return

    def _head(self, status, content_type, length, date_s, request_id=None):
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}"]
        if request_id:
            lines.append(f"x-amzn-RequestId: {request_id}")
        lines += ["Cache-Control: no-cache, no-store, must-revalidate",
                  f"Date: {formatdate(date_s, usegmt=True)}",
                  f"Content-Type: {content_type}",
                  f"Content-Length: {length}"]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send_error(self, status, error):
        content_type, body = error.render()
        self.close_connection = True
        self.wfile.write(self._head(status, content_type, len(body),
                                    time.time(), str(uuid.uuid4())) + body)

    def _control(self, body):
        """Orders are unsigned JSON; what looks like AWS is refused."""
        status, answer = 200, {}
        try:
            answer = self._run_order(body)
        except Refused as error:
            status, answer = 400, {"error": str(error)}
        data = json.dumps(answer).encode()
        self.wfile.write(self._head(status, "application/json", len(data),
                                    time.time()) + data)

    def _run_order(self, body):
        if "X-Amz-Target" in self.headers or "Authorization" in self.headers:
            raise Refused("the control path takes orders, not AWS requests")
        if self.headers.get_content_type() != "application/json":
            raise Refused("an order is application/json")
        try:
            document = json.loads(body)
        except ValueError:
            raise Refused("an order is JSON") from None
        if not isinstance(document, dict):
            raise Refused("an order is a JSON object")
        return self.server.control.run(document)
