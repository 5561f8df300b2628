# SPDX-License-Identifier: Apache-2.0
"""How many requests a project may make."""

import collections
import threading

WINDOW_S = 60


class Quota:
    """Requests in the last minute. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._times = collections.deque()
        self.limit = None           # per minute; None: as many as come

    def take(self, now):
        """Seconds until there is room again; 0: there is."""
        with self._lock:
            while self._times and self._times[0] <= now - WINDOW_S:
                self._times.popleft()
            if self.limit is None or len(self._times) < self.limit:
                self._times.append(now)
                return 0
            if not self._times:     # the limit is 0
                return WINDOW_S
            return max(1, round(self._times[0] + WINDOW_S - now))

    def set(self, limit):
        with self._lock:
            self.limit = limit
            self._times.clear()
