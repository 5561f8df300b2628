# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 with keep-alive, on loopback only, with or without TLS."""

import http.server
import json
import select
import socket
import socketserver
import threading
import time
from email.utils import formatdate

from .errors import Refused
from .service import Call, Request

CONTROL_PATH = "/_control"
HANDSHAKE_S = 10


class Server(http.server.ThreadingHTTPServer):
    """One listener of a double."""
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, listener, control, address, tls_context=None):
        super().__init__(address, Handler)
        self.listener = listener
        self.service = control.service
        self.control = control
        self._tls = tls_context
        self._lock = threading.Lock()
        self._handlers = set()
        self._released = threading.Event()

    def server_bind(self):
        """Without the look-up of our own name, which can take seconds where
        there is no name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    @property
    def with_tls(self):
        return self._tls is not None

    @property
    def url(self):
        scheme = "https" if self.with_tls else "http"
        return f"{scheme}://127.0.0.1:{self.server_port}"

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


class UnixServer(Server):
    """One that listens on a path."""
    address_family = socket.AF_UNIX
    allow_reuse_address = False

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0

    @property
    def url(self):
        return f"unix://{self.server_address}"

    def get_request(self):
        return self.socket.accept()


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

    def _dispatch(self):
        body = self._read_body()
        if body is None:
            return
        if self.path == CONTROL_PATH and self.command == "POST":
            self._control(body)
        else:
            self._serve(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _dispatch
    do_LIST = do_OPTIONS = _dispatch

    def _read_body(self):
        """The body; None when there is no telling where it ends."""
        absent = "0" if self.command in ("GET", "HEAD", "DELETE",
                                         "LIST", "OPTIONS") else ""
        length = self.headers.get("Content-Length", absent)
        if "Transfer-Encoding" in self.headers:
            length = ""
        most = self.server.service.max_body
        if not length.isdecimal() or int(length) > most:
            self.close_connection = True
            self._send_error(413 if length.isdecimal() else 411)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _request(self, body=b""):
        certificate = None
        if hasattr(self.connection, "getpeercert"):
            certificate = self.connection.getpeercert(binary_form=True)
        return Request(self.server.listener.name, self.command, self.path,
                       self.headers.items(), body, self.serial, certificate)

    def _serve(self, body):
        counters = self.server.service.counters
        if not self.serial:
            self.serial = counters.connection()
        self.busy = True
        counters.enter()
        try:
            reply = self.server.service.answer(self._request(body))
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
        head = self._head(reply.status, reply.content_type, reply.body,
                          reply.date_s, reply.headers)
        if self.command == "HEAD":
            return head
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

    def _head(self, status, content_type, body, date_s, headers=()):
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}",
                 f"Date: {formatdate(date_s, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if content_type and status != 204:
            lines.append(f"Content-Type: {content_type}")
        if status != 204:
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send_error(self, status):
        service = self.server.service
        call = Call(self._request(), request_id=service.new_request_id())
        error = service.bad_framing(status)
        content_type, body = error.render(call)
        self.wfile.write(self._head(status, content_type, body, time.time(),
                                    service.headers(call)) + body)

    def _control(self, body):
        """Orders are unsigned JSON; what carries a credential is refused."""
        status, answer = 200, {}
        try:
            answer = self._run_order(body)
        except Refused as error:
            status, answer = 400, {"error": str(error)}
        data = json.dumps(answer).encode()
        self.wfile.write(self._head(status, "application/json", data,
                                    time.time()) + data)

    def _run_order(self, body):
        if any(name in self.headers
               for name in self.server.service.credential_headers):
            raise Refused("the control path takes orders, not requests")
        if self.headers.get_content_type() != "application/json":
            raise Refused("an order is application/json")
        try:
            document = json.loads(body)
        except ValueError:
            raise Refused("an order is JSON") from None
        if not isinstance(document, dict):
            raise Refused("an order is a JSON object")
        return self.server.control.run(document)
