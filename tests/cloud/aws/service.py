# SPDX-License-Identifier: Apache-2.0
"""From a request to its reply: who asks, what, may they, and the orders."""

import json
import threading
import time
import traceback
import uuid
from dataclasses import dataclass, field

from . import crypto_ops, lies, manage_ops, shapes, sigv4
from .auth import Identities, Verifier
from .call import Call
from .counters import Counters
from .errors import JSON_TYPE, AwsError
from .keys import KeyStore
from .material import BadCiphertext
from .orders import Orders, failure

TARGET_PREFIX = "TrentService."
OPERATIONS = {**crypto_ops.OPERATIONS, **manage_ops.OPERATIONS}
KEY_MEMBERS = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
BLOB = shapes.Blob()


@dataclass
class Reply:
    """What to send, and how badly."""
    request_id: str
    date_s: float
    status: int = 200
    content_type: str = JSON_TYPE
    body: bytes = b""
    delay_ms: int = 0
    cut: str = ""


@dataclass
class Progress:
    """What is known about a request so far; its line in the log."""
    operation: str = ""
    identity: object = None
    keys: list = field(default_factory=list)
    document: dict = field(default_factory=dict)
    lie: object = None
    trace: str = ""


class Service:
    def __init__(self, account, region, log=None):
        self.store = KeyStore(account, region)
        self.identities = Identities()
        self.orders = Orders()
        self.counters = Counters()
        self.clock_offset_s = 0     # as if the clock of the service was wrong
        self._verifier = Verifier(self.identities, region)
        self._log = log
        self._log_lock = threading.Lock()

    def now(self):
        return time.time() + self.clock_offset_s

    def answer(self, headers, body, connection):
        """Runs one request. Never raises.

        headers     pairs as received
        connection  its serial number, for the log
        """
        reply = Reply(str(uuid.uuid4()), self.now())
        progress = Progress()
        code = "OK"
        try:
            reply.body = self._run(headers, body, progress)
        except AwsError as error:
            code = self._refuse(reply, progress, error)
        except Exception:           # a bug of ours: 500, and the log tells
            progress.trace = traceback.format_exc()
            code = self._refuse(reply, progress, AwsError("InternalFailure"))
        self._misbehave(reply, progress)
        self.counters.answered(code)
        self._write_log(headers, reply, progress, connection, code)
        return reply

    def _run(self, headers, body, progress):
        progress.operation = read_target(headers)
        progress.identity = self._verifier.verify(headers, body, self.now())
        progress.document = shapes.parse_json(body)
        progress.keys = self._keys_of(progress.document)
        self.counters.asked(progress.operation, progress.keys)

        trouble = self._take(progress, "throttle", "fail")
        if trouble is not None:
            raise failure(trouble)
        progress.lie = self._take(progress, "lie")
        operation = OPERATIONS[progress.operation]
        args = shapes.check(operation.shape, progress.document)
        reply = operation.handler(Call(
            self.store, self.orders, progress.identity, progress.operation,
            args, progress.lie))
        if progress.lie is not None:
            return lies.tell(progress.lie.argument, reply)
        return lies.encode(reply)

    def _refuse(self, reply, progress, error):
        long_type = (progress.lie is not None
                     and progress.lie.argument == "long-type")
        reply.status = error.status
        reply.content_type, reply.body = error.render(long_type)
        return error.code

    def _misbehave(self, reply, progress):
        if progress.lie is not None:
            reply.date_s += lies.date_offset_s(progress.lie.argument)
        delay = self._take(progress, "delay")
        if delay is not None:
            reply.delay_ms = int(delay.argument)
        cut = self._take(progress, "cut")
        if cut is not None:
            reply.cut = cut.argument

    def _take(self, progress, *kinds):
        if progress.identity is None:
            return None         # unsigned requests do not use orders up
        return self.orders.take(kinds, progress.operation, progress.keys)

    def _keys_of(self, document):
        """The keys a request is about, as far as they can be told."""
        keys = []
        for member in KEY_MEMBERS:
            try:
                keys.append(self.store.find(document[member]))
            except (KeyError, AttributeError, TypeError, AwsError):
                pass            # absent or nonsense: the operation complains
        if not keys and "CiphertextBlob" in document:
            keys = [self._maker_of(document["CiphertextBlob"])]
        return [key for key in keys if key is not None]

    def _maker_of(self, text):
        try:
            return self.store.find_by_blob(BLOB.parse(text))
        except (AwsError, BadCiphertext):
            return None

    def _write_log(self, headers, reply, progress, connection, code):
        if self._log is None:
            return
        identity = progress.identity
        line = {
            "time": round(reply.date_s, 3), "connection": connection,
            "request_id": reply.request_id, "operation": progress.operation,
            "code": code, "status": reply.status,
            "access_key": identity.access_key if identity else None,
            "keys": [key.arn for key in progress.keys],
            "key_ref": progress.document.get("KeyId"),
            "context": progress.document.get("EncryptionContext"),
            "lie": progress.lie.argument if progress.lie else None,
            "cut": reply.cut or None, "delay_ms": reply.delay_ms,
            "user_agent": sigv4.canonical_value(headers, "user-agent")}
        if progress.trace:
            line["trace"] = progress.trace
        with self._log_lock:
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()


def read_target(headers):
    target = sigv4.canonical_value(headers, "x-amz-target") or ""
    content_type = sigv4.canonical_value(headers, "content-type") or ""
    operation = target[len(TARGET_PREFIX):]
    known = target.startswith(TARGET_PREFIX) and operation in OPERATIONS
    if not known or content_type.split(";")[0].strip() != JSON_TYPE:
        raise AwsError("UnknownOperationException")
    return operation
