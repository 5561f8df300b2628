#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The frame of the doubles, with a double that is as small as can be."""

import json
import os
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

from frame import lies, process, tls                # noqa: E402
from frame.control import Control                   # noqa: E402
from frame.errors import Refused, ServiceError      # noqa: E402
from frame.service import Answer, Listener, Service  # noqa: E402
from frame.testing import PYTHON, Double            # noqa: E402


class Echo(Service):
    """Answers to /NAME with what it was asked; /void with nothing."""
    listeners = (Listener("main", client_certificates=True),
                 Listener("login"), Listener("metadata", tls=False),
                 Listener("agent", unix=True))
    own_lies = {"shout": lambda reply, rest: rest.upper().encode()}

    def prepare(self, call):
        call.operation = call.request.path.strip("/")
        call.keys = call.request.query.get("key", [])
        if call.request.header("Authorization") == "Bearer bad":
            raise ServiceError("Unauthorised", status=401)

    def perform(self, call):
        if call.operation == "void":
            return Answer(status=204)
        if call.operation == "bug":
            raise KeyError
        peer = call.request.peer_certificate
        return {"listener": call.request.listener, "blob": b"\0\1\2",
                "number": 6, "inner": {"text": "abc", "list": [{"x": "1"}]},
                "peer": peer is not None,
                "body": call.request.body.decode()}

    def denied(self, call):
        return ServiceError("Denied", status=403)

    def throttled(self, call):
        return ServiceError("Throttled", status=429)

    def failure(self, call, what):
        return ServiceError(what, status=int(what))

    def key_name(self, ref):
        if ref == "unknown":
            raise Refused("no such key")
        return ref


class EchoControl(Control):
    def do_own(self, text):
        return {"text": text}


def start():
    """As a double of its own: this file is its program too."""
    parser = process.parser(__doc__)
    parser.add_argument("--refuse", action="store_true")

    def build(options, log):
        if options.refuse:
            raise Refused("as told")
        return EchoControl(Echo(log))

    def environment(options, started):
        started.write("extra", "more\n", 0o600)
        certificate, key = started.authority.issue("client", client=True)
        started.write("client.pem", tls.pem(certificate))
        started.write("client.key", tls.private_pem(key), 0o600)
        return {"ECHO_LOGIN": started.endpoints["login"], "ECHO_NONE": None}
    process.run("test_frame.py", "frame", parser.parse_args(), build,
                environment)


class Frame(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.double = Double("test_frame.py")
        cls.addClassCleanup(cls.double.stop)

    def setUp(self):
        self.double.do("reset")
        self.addCleanup(self.double.do, "clear")

    def get(self, target="/read", method="GET", body=None, **headers):
        return self.double.send(method, target, body, headers)

    def statuses(self, count, target="/read"):
        return [self.get(target).status for _ in range(count)]

    def test_each_listener_knows_its_name(self):
        for name in ("main", "login", "metadata", "agent"):
            with self.subTest(name):
                suffix = "" if name == "main" else "." + name
                endpoint = self.double.read("endpoint" + suffix)
                reply = self.double.send("GET", "/read", endpoint=endpoint)
                self.assertEqual(reply.json["listener"], name)

    def test_orders_on_every_listener(self):
        for suffix in ("", ".login"):
            reply = self.double.send(
                "POST", "/_control", {"do": "stats"},
                {"Content-Type": "application/json"},
                self.double.read("endpoint" + suffix))
            self.assertEqual(reply.status, 200)
        self.assertEqual(self.double.calls(), 0)

    def test_no_orders_with_a_credential(self):
        reply = self.get("/_control", "POST", '{"do": "stats"}',
                         Authorization="Bearer x",
                         Content_Type="application/json")
        self.assertEqual(reply.status, 400)

    def test_environment_and_files(self):
        self.assertIn("export ECHO_LOGIN='http://127.0.0.1:",
                      self.double.read("env"))
        self.assertIn("unset ECHO_NONE", self.double.read("env"))
        self.assertEqual(self.double.read("extra"), "more")

    def test_methods(self):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "LIST"):
            with self.subTest(method):
                reply = self.get("/read", method, "{}")
                self.assertEqual(reply.json["body"], "{}")
        head = self.get(method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertGreater(int(head.headers["Content-Length"]), 0)
        void = self.get("/void")
        self.assertEqual((void.status, void.body), (204, b""))
        self.assertNotIn("Content-Length", void.headers)

    def test_body_without_or_with_too_long_a_length(self):
        for length, status in (([], 411), (["x"], 411),
                               ([str(Echo.max_body + 1)], 413)):
            with self.subTest(length):
                connection = self.double.connect()
                self.addCleanup(connection.close)
                connection.putrequest("POST", "/read")
                for value in length:
                    connection.putheader("Content-Length", value)
                connection.endheaders()
                self.assertEqual(connection.getresponse().status, status)

    def test_a_bug_is_a_500_and_in_the_log(self):
        self.assertEqual(self.get("/bug").status, 500)
        line = self.double.log_lines()[-1]
        self.assertEqual(line["code"], "InternalFailure")
        self.assertIn("KeyError", line["trace"])

    def test_deny_throttle_fail(self):
        self.double.order("deny", operations=["read"], key="k", count=1)
        self.assertEqual(self.statuses(2), [200, 200])
        self.assertEqual(self.statuses(2, "/read?key=k"), [403, 200])
        self.double.order("throttle", "7", count=1)
        reply = self.get()
        self.assertEqual((reply.status, reply.headers["Retry-After"]),
                         (429, "7"))
        self.double.order("fail", "502", count=1)
        self.double.order("fail", "503", count=1)
        self.assertEqual(self.statuses(3), [502, 503, 200])
        self.assertEqual(self.double.do("stats")["codes"],
                         {"OK": 4, "Denied": 1, "Throttled": 1, "502": 1,
                          "Unavailable": 1})
        self.assertEqual(self.double.calls("read", "k"), 2)

    def test_requests_not_accepted_use_no_order_up(self):
        self.double.order("fail", "500", count=1)
        self.assertEqual(self.get(Authorization="Bearer bad").status, 401)
        self.assertEqual(self.statuses(2), [500, 200])

    def test_orders_that_make_no_sense(self):
        for order in ({"kind": "nothing"}, {"kind": "lie", "key": "unknown"},
                      {"kind": "lie", "argument": "nothing"},
                      {"kind": "lie", "argument": "dup"},
                      {"kind": "lie", "argument": "redirect"},
                      {"kind": "deny", "count": -1},
                      {"kind": "throttle", "count": 1, "argument": "soon"}):
            with self.subTest(order):
                reply = self.double.send(
                    "POST", "/_control", {"do": "order", **order},
                    {"Content-Type": "application/json"})
                self.assertEqual(reply.status, 400)
        self.assertEqual(self.double.do("orders")["orders"], [])

    def lie(self, what):
        self.double.order("lie", what, count=1)
        return self.get()

    def test_lies_about_nested_fields(self):
        self.assertNotIn("text", self.lie("missing:text").json["inner"])
        inner = self.lie("flip:inner.text").json["inner"]
        self.assertNotEqual(inner["text"], "abc")
        self.assertEqual(len(inner["text"]), 3)
        inner = self.lie("null:inner.list.0.x").json["inner"]
        self.assertEqual(inner["list"], [{"x": None}])
        self.assertEqual(self.lie("flip:number").json["number"], 7)
        self.assertEqual(self.lie("flip:blob").json["blob"], "AAAC")
        self.assertEqual(self.lie("short:blob").json["blob"], "AAE=")
        self.assertGreater(len(self.lie("long:text").body), 60000)
        self.assertEqual(self.lie("missing:nothing").status, 200)

    def test_a_member_twice(self):
        for field in ("number", "inner.list.0.x"):
            with self.subTest(field):
                name = field.rpartition(".")[2]
                body = self.lie("dup:" + field).body
                self.assertEqual(body.count(f'"{name}":'.encode()), 2)
                json.loads(body)

    def test_other_lies(self):
        self.assertEqual(self.lie("shout:abc").body, b"ABC")
        self.assertTrue(self.lie("html").body.startswith(b"<html>"))
        self.assertGreater(len(self.lie("big").body), lies.BIG_LEN)
        reply = self.lie("redirect:http://elsewhere.example/x")
        self.assertEqual((reply.status, reply.headers["Location"]),
                         (307, "http://elsewhere.example/x"))

    def test_ctl_works_for_any_double(self):
        for arguments, printed in ((["throttle", "1", "--retry-after", "3"],
                                    ""),
                                   (["deny", "read", "--key", "k"], ""),
                                   (["calls"], "0\n")):
            result = self.double.ctl(*arguments)
            self.assertEqual((result.returncode, result.stdout),
                             (0, printed), result.stderr)
        found = self.double.do("orders")["orders"]
        self.assertEqual([each["argument"] for each in found], ["3", ""])
        self.assertEqual(self.double.do("own", text="x"), {"text": "x"})


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def issue(authority, directory):
    """The files of a client certificate and its key."""
    certificate, key = authority.issue("me", client=True)
    paths = [os.path.join(directory, name) for name in ("c.pem", "k.pem")]
    write(paths[0], tls.pem(certificate))
    write(paths[1], tls.private_pem(key))
    return paths


class Start(unittest.TestCase):
    def test_tls(self):
        double = Double("test_frame.py", "--tls")
        self.addCleanup(double.stop)
        self.assertTrue(double.read("endpoint.login").startswith("https:"))
        self.assertTrue(double.read("endpoint.metadata").startswith("http:"))

    def test_client_certificates(self):
        with tempfile.TemporaryDirectory() as directory:
            friend = tls.Authority("a friend")
            ca = os.path.join(directory, "friend.pem")
            write(ca, friend.pem)
            double = Double("test_frame.py", "--tls", "--client-ca", ca)
            self.addCleanup(double.stop)

            def peer(*client):
                reply = double.send("GET", "/read", client=client)
                return reply.json["peer"]
            self.assertFalse(peer())
            self.assertTrue(peer(double.path("client.pem"),
                                 double.path("client.key")))
            self.assertTrue(peer(*issue(friend, directory)))
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                peer(*issue(tls.Authority("a stranger"), directory))

    def test_ports(self):
        double = Double("test_frame.py")
        ports = [double.read(name).rpartition(":")[2]
                 for name in ("endpoint", "endpoint.login")]
        double.stop()
        again = Double("test_frame.py", "--port", ports[0], "--port",
                       "login=" + ports[1])
        self.addCleanup(again.stop)
        self.assertEqual(again.read("endpoint.login").rpartition(":")[2],
                         ports[1])

    def test_refuses_to_start(self):
        for options in (["--refuse"], ["--port", "x"], ["--port", "none=1"]):
            with self.subTest(options), \
                    tempfile.TemporaryDirectory() as directory:
                result = subprocess.run(
                    [PYTHON, __file__, "--dir", directory, *options],
                    capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 1)
                self.assertIn("test_frame.py: ", result.stderr)


if __name__ == "__main__":
    if "--dir" in sys.argv:
        start()
    else:
        unittest.main()
