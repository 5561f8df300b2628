# SPDX-License-Identifier: Apache-2.0
"""The metadata server of a virtual machine: its project, and tokens of the
service account it runs as."""

import json
import threading

from .accounts import CLOUD_PLATFORM
from .errors import PageError
from .tokens import expires_in

FLAVOR = ("Metadata-Flavor", "Google")
HEADERS = [FLAVOR, ("Server", "Metadata Server for VM"),
           ("X-XSS-Protection", "0"), ("X-Frame-Options", "SAMEORIGIN")]
RENEW_S = 300               # tokens are kept until that much is left
ROOT = "/computeMetadata/v1/"
NUMBER = "6543210987654321098"


class Metadata:
    """What the machine is. Thread-safe."""

    def __init__(self, world, email, scopes=(CLOUD_PLATFORM,)):
        self._world = world
        self._lock = threading.Lock()
        self._kept = {}             # scopes -> token
        self.email = email          # None: no account attached
        self.scopes = tuple(scopes)     # of the machine: what it may ask for
        self.universe = None        # None: it is too old to know

    def forget(self):
        """The next request gets a new token."""
        with self._lock:
            self._kept.clear()

    def answer(self, request):
        """A document, or bytes of text; PageError if there is no such."""
        if request.path == "/":
            return b"computeMetadata/\n"
        if request.path in ("/computeMetadata", "/computeMetadata/"):
            return b"v1/\n"
        if not request.path.startswith(ROOT):
            raise PageError(404)
        path = request.path[len(ROOT):].rstrip("/")
        if path.startswith("instance/service-accounts"):
            return self._account(path.split("/")[2:], request.query)
        text = self._texts().get(path)
        if text is None:
            raise PageError(404)
        return text.encode()

    def _texts(self):
        world = self._world
        return {"": "instance/\noslogin/\nproject/\nuniverse/\n",
                "project/project-id": world.project,
                "project/numeric-project-id": world.project_number,
                "universe/universe-domain": self.universe,
                "instance/id": NUMBER,
                "instance/zone": f"projects/{world.project_number}/zones/"
                                 f"{world.location}-a"}

    def _account(self, path, query):
        recursive = query.get("recursive", ["false"])[0].lower() == "true"
        if self.email is None and path:
            raise PageError(404)
        if not path:
            return self._list(recursive)
        if path[0] not in ("default", self.email):
            raise PageError(404)
        if path[1:] == ["token"]:
            return self._token(query)
        if path[1:] == ["email"]:
            return self.email.encode()
        if path[1:] == ["scopes"]:
            return "\n".join(self.scopes + ("",)).encode()
        if not path[1:] and recursive:
            return self._info()
        raise PageError(404)

    def _list(self, recursive):
        names = ["default", self.email] if self.email else []
        if recursive:
            return json.dumps({name: self._info() for name in names}).encode()
        return "".join(f"{name}/\n" for name in names).encode()

    def _info(self):
        return {"aliases": ["default"], "email": self.email,
                "scopes": list(self.scopes)}

    def _token(self, query):
        wanted = ",".join(query.get("scopes", [])).split(",")
        scopes = frozenset(self._granted([each for each in wanted if each]))
        account = self._world.accounts.account(self.email)
        now = self._world.now()
        if account is None or account.disabled:
            raise PageError(404, "The service account was not found.\n",
                            "text/plain")
        with self._lock:
            token = self._kept.get(scopes)
            stale = (token is None or token.revoked
                     or token.principal != account.principal
                     or token.expires - now <= RENEW_S)
        if stale:
            token = self._world.tokens.issue(account.principal, scopes, now)
            with self._lock:
                self._kept[scopes] = token
        return {"access_token": token.text,
                "expires_in": expires_in(token, now), "token_type": "Bearer"}

    def _granted(self, wanted):
        """A machine with a wide scope gives any; else only what it has."""
        if not wanted:
            return self.scopes
        if CLOUD_PLATFORM in self.scopes:
            return wanted
        return [each for each in wanted if each in self.scopes] or self.scopes


def operation(request):
    """Its name for counters and orders, once the headers are right."""
    check_headers(request)
    if request.path == "/":
        return "Ping"
    if request.path.rstrip("/").endswith("/token"):
        return "MetadataToken"
    return "Metadata"


def check_headers(request):
    """Who reads through a proxy, or was tricked into it, has not the one or
    has the other."""
    if request.header("X-Forwarded-For") is not None:
        raise PageError(403, "X-Forwarded-For is not allowed.\n",
                        "text/plain")
    # Only the root answers without: it is how clients find out where they
    # are.
    if request.path != "/" and request.header("Metadata-Flavor") != "Google":
        raise PageError(403, "Missing required header: Metadata-Flavor: "
                        "Google\n", "text/plain")
