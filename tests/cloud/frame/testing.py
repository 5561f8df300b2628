# SPDX-License-Identifier: Apache-2.0
"""For the tests of the doubles: starts one, and speaks to it."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

import ctl

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"


class Double:
    """One running double, in a directory of its own."""

    def __init__(self, script, *options):
        self.dir = tempfile.mkdtemp(prefix="double-")
        self.log = self.path("log")
        subprocess.run(
            [PYTHON, os.path.join(HERE, script), "--dir", self.dir,
             "--detach", "--parent", str(os.getpid()), "--log", self.log,
             *options], check=True)
        self.endpoint = self.read("endpoint")
        self.pid = int(self.read("pid"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read().strip()

    def do(self, name, /, **members):
        return ctl.send(self.dir, {"do": name, **members})

    def order(self, kind, argument="", **members):
        return self.do("order", kind=kind, argument=argument, **members)

    def calls(self, operation=None, key=None):
        return self.do("calls", operation=operation, key=key)["calls"]

    def ctl(self, *arguments):
        return subprocess.run(
            [PYTHON, os.path.join(HERE, "ctl.py"), self.dir, *arguments],
            capture_output=True, text=True, check=False)

    def log_lines(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def connect(self, endpoint=None, client=None):
        """A connection of http.client to an endpoint, default the first.

        client  files of a client certificate and its key
        """
        url = urllib.parse.urlsplit(endpoint or self.endpoint)
        if url.scheme == "unix":
            return UnixConnection(url.path)
        if url.scheme == "http":
            return http.client.HTTPConnection(url.netloc, timeout=20)
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if client:
            context.load_cert_chain(*client)
        return http.client.HTTPSConnection(url.netloc, timeout=20,
                                           context=context)

    def send(self, method, target, body=None, headers=(), endpoint=None,
             client=None):
        """One request on a connection of its own. A dictionary is JSON."""
        connection = self.connect(endpoint, client)
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            connection.request(method, target, body, dict(headers))
            return Response(connection.getresponse())
        finally:
            connection.close()

    def stop(self):
        self.ctl("stop")
        shutil.rmtree(self.dir)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Response:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)
