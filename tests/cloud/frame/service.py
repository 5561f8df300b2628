# SPDX-License-Identifier: Apache-2.0
"""From a request to its reply: who asks, what, may they, and the orders.

A double derives from Service and says what is its own; README.md has the
list.
"""

import base64
import json
import threading
import time
import traceback
import urllib.parse
import uuid
from dataclasses import dataclass, field

from . import lies
from .counters import Counters
from .errors import ServiceError, Unavailable
from .orders import Orders


@dataclass(frozen=True)
class Listener:
    """One port, or one socket with a path in the state directory.

    tls  True, False, or None: as the option --tls says
    """
    name: str
    tls: bool = None
    client_certificates: bool = False   # ask for one; none is fine too
    unix: bool = False                  # never with TLS


@dataclass
class Request:
    listener: str           # the name of the port it came in by
    method: str
    target: str             # as sent
    headers: list           # pairs, as sent
    body: bytes
    connection: int = 0     # its serial number
    peer_certificate: bytes = None      # DER; verified in the handshake

    def __post_init__(self):
        self.path, _, query = self.target.partition("?")    # still quoted
        self.query = urllib.parse.parse_qs(query, keep_blank_values=True)

    def header(self, name):
        """The value of a header, several joined by comma; None if none."""
        values = [value.strip() for each, value in self.headers
                  if each.lower() == name.lower()]
        return ", ".join(values) if values else None


@dataclass
class Answer:
    """What an operation answers.

    document  JSON as a dictionary, in which bytes are blobs for
              Service.encode_bytes(); bytes are sent as they are, None is an
              empty body
    """
    document: object = None
    status: int = 200
    headers: list = field(default_factory=list)
    content_type: str = None            # None: the service's usual one


@dataclass
class Call:
    """What is known about one request so far."""
    request: Request
    operation: str = ""     # Service.prepare() fills these in
    identity: object = None             # whoever asks
    keys: list = field(default_factory=list)    # as key_name() names them
    document: dict = field(default_factory=dict)    # the body, once parsed
    accepted: bool = False  # prepare() came far enough to use orders up
    request_id: str = ""
    lie: str = ""           # the lie to tell
    state: dict = field(default_factory=dict)   # for the service's own use
    trace: str = ""


@dataclass
class Reply:
    """What to send, and how badly."""
    date_s: float
    status: int = 200
    headers: list = field(default_factory=list)
    content_type: str = ""
    body: bytes = b""
    delay_ms: int = 0
    cut: str = ""


class Service:
    listeners = (Listener("main"),)     # the first is the one in `endpoint`
    content_type = "application/json"
    max_body = 1024 * 1024
    own_lies = {}           # name: function, None when told by the service
    denies_itself = False   # whether handlers look for orders to deny
    # A request with one of these is not for the control path.
    credential_headers = ("Authorization",)

    def __init__(self, log=None):
        self.orders = Orders()
        self.counters = Counters()
        self.clock_offset_s = 0     # as if the clock of the service was wrong
        self._log = log
        self._log_lock = threading.Lock()

    # What a service supplies.

    def prepare(self, call):
        """Route and authenticate: fills in operation, identity and keys (and
        accepted, if a failure after it still uses orders up); raises
        ServiceError."""
        raise NotImplementedError

    def perform(self, call):
        """Runs the operation: an Answer, or only its document."""
        raise NotImplementedError

    def denied(self, call):
        """The ServiceError for an order to deny."""
        raise NotImplementedError

    def throttled(self, call):
        """The ServiceError for an order to throttle."""
        raise NotImplementedError

    def failure(self, call, what):
        """The ServiceError for an order to fail: a status or a code."""
        raise NotImplementedError

    def broken(self, call):
        """The ServiceError for a bug of the double."""
        return ServiceError("InternalFailure", status=500)

    def bad_framing(self, status):
        """The ServiceError for 411 and 413."""
        return ServiceError("BadRequest", status=status)

    def headers(self, call):
        """Headers of every reply, as pairs."""
        return []

    def log_members(self, call):
        """More members for the log; no secrets."""
        return {}

    def key_name(self, ref):
        """How counters and orders name the key a test means; Refused when
        there is none."""
        return ref

    def new_request_id(self):
        return str(uuid.uuid4())

    def encode_bytes(self, value):
        return base64.b64encode(value).decode()

    # What it can use.

    def now(self):
        """Seconds since the epoch, by the clock of the service."""
        return time.time() + self.clock_offset_s

    def encode(self, document):
        """The body for a document of an Answer."""
        return lies.encode(document, self.encode_bytes)

    def take(self, call, *kinds):
        """The order of these kinds that applies to a call, charged."""
        if not call.accepted:
            return None
        return self.orders.take(kinds, call.operation, call.keys)

    def denies(self, operation, keys):
        return self.orders.take(("deny",), operation, keys) is not None

    # The way of a request.

    def answer(self, request):
        """Runs one request. Never raises."""
        call = Call(request, request_id=self.new_request_id())
        reply = Reply(self.now())
        code = "OK"
        try:
            self._run(call, reply)
        except ServiceError as error:
            code = self._refuse(call, reply, error)
        except Exception:           # a bug of ours: 500, and the log tells
            call.trace = traceback.format_exc()
            code = self._refuse(call, reply, self.broken(call))
        reply.headers = self.headers(call) + reply.headers
        self._misbehave(call, reply)
        self.counters.answered(code)
        self._write_log(call, reply, code)
        return reply

    def _run(self, call, reply):
        self.prepare(call)
        call.accepted = True
        self.counters.asked(call.operation, call.keys)
        self._obey(call)
        answer = self.perform(call)
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        reply.status = answer.status
        reply.headers = answer.headers
        reply.content_type = answer.content_type or self.content_type
        reply.body = lies.tell(call.lie, answer.document, self._told_here(),
                               self.encode)
        location = lies.redirect(call.lie)
        if location is not None:
            reply.status = 307
            reply.headers = reply.headers + [("Location", location)]

    def _obey(self, call):
        trouble = self.take(call, "throttle", "fail")
        if trouble is not None:
            raise self._trouble(call, trouble)
        if not self.denies_itself and self.take(call, "deny") is not None:
            raise self.denied(call)
        lie = self.take(call, "lie")
        call.lie = lie.argument if lie is not None else ""

    def _trouble(self, call, order):
        if order.kind == "throttle":
            error = self.throttled(call)
            if order.argument:
                error.headers.append(("Retry-After", order.argument))
            return error
        if order.argument == "503":
            return Unavailable()
        return self.failure(call, order.argument)

    def _told_here(self):
        return {name: lie for name, lie in self.own_lies.items() if lie}

    def _refuse(self, call, reply, error):
        reply.status = error.status
        reply.content_type, reply.body = error.render(call)
        reply.headers = error.headers
        return error.code

    def _misbehave(self, call, reply):
        reply.date_s += lies.date_offset_s(call.lie)
        delay = self.take(call, "delay")
        if delay is not None:
            reply.delay_ms = int(delay.argument)
        cut = self.take(call, "cut")
        if cut is not None:
            reply.cut = cut.argument

    def _write_log(self, call, reply, code):
        if self._log is None:
            return
        line = {
            "time": round(reply.date_s, 3),
            "listener": call.request.listener,
            "connection": call.request.connection,
            "request_id": call.request_id, "operation": call.operation,
            "code": code, "status": reply.status, "keys": call.keys,
            "lie": call.lie or None, "cut": reply.cut or None,
            "delay_ms": reply.delay_ms,
            "user_agent": call.request.header("User-Agent"),
            **self.log_members(call)}
        if call.trace:
            line["trace"] = call.trace
        with self._log_lock:
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()
