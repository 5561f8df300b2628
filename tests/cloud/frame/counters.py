# SPDX-License-Identifier: Apache-2.0
"""What was asked of the service, for tests that count calls. Thread-safe."""

import collections
import threading


class Counters:
    def __init__(self):
        self._lock = threading.Lock()
        self._in_flight = 0
        self._connections_ever = 0
        self._zero()

    def _zero(self):
        self.total = 0
        self.connections = 0
        self.max_in_flight = self._in_flight
        self.by_operation = collections.Counter()
        self.by_key = collections.Counter()
        self.by_both = collections.Counter()        # by (operation, key)
        self.by_code = collections.Counter()

    def reset(self):
        with self._lock:
            self._zero()

    def connection(self):
        """Counts a connection at its first request; returns its number,
        which is never used again, not even after a reset."""
        with self._lock:
            self.connections += 1
            self._connections_ever += 1
            return self._connections_ever

    def enter(self):
        """A request has arrived."""
        with self._lock:
            self.total += 1
            self._in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self._in_flight)

    def leave(self):
        """Its reply is about to be sent, or its client is gone."""
        with self._lock:
            self._in_flight -= 1

    def asked(self, operation, keys):
        with self._lock:
            self.by_operation[operation] += 1
            for key in set(keys):
                self.by_key[key] += 1
                self.by_both[operation, key] += 1

    def answered(self, code):
        with self._lock:
            self.by_code[code] += 1

    def calls(self, operation=None, key=None):
        with self._lock:
            if operation and key:
                return self.by_both[operation, key]
            if operation:
                return self.by_operation[operation]
            return self.by_key[key] if key else self.total

    def stats(self):
        with self._lock:
            return {"total": self.total, "connections": self.connections,
                    "in_flight": self._in_flight,
                    "max_in_flight": self.max_in_flight,
                    "operations": dict(self.by_operation),
                    "keys": dict(self.by_key), "codes": dict(self.by_code)}
