# SPDX-License-Identifier: Apache-2.0
"""Orders to misbehave: which there are, and when one applies.

An order holds for some operations or all, for one key or all, and for a
number of requests or until it is cleared.
"""

import threading
from dataclasses import dataclass

KINDS = ("deny", "throttle", "fail", "delay", "cut", "lie")
CUTS = ("before", "half", "stall")


@dataclass
class Order:
    kind: str               # one of KINDS
    argument: str = ""      # what exactly; its meaning is the kind's
    operations: tuple = ()  # empty: all
    key: str = None         # as the service counts it; None: all keys
    left: int = None        # None: until cleared

    def applies(self, operation, keys):
        return ((not self.operations or operation in self.operations)
                and (self.key is None or self.key in keys)
                and self.left != 0)

    def describe(self):
        return {"kind": self.kind, "argument": self.argument,
                "operations": list(self.operations), "left": self.left,
                "key": self.key}

    def check(self):
        """ValueError when the argument makes no sense for the kind."""
        if self.kind not in KINDS:
            raise ValueError(f"no order {self.kind!r}")
        if self.left is not None and self.left < 0:
            raise ValueError("a count is not negative")
        if self.kind == "cut" and self.argument not in CUTS:
            raise ValueError(f"cut where? One of: {', '.join(CUTS)}")
        if self.kind == "delay" and int(self.argument) < 0:
            raise ValueError("a delay is in milliseconds, and not negative")
        if self.kind == "throttle" and int(self.argument or 0) < 0:
            raise ValueError("Retry-After is in seconds, and not negative")


class Orders:
    """The orders in force, oldest first. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._orders = []

    def add(self, order):
        with self._lock:
            self._orders.append(order)

    def clear(self, kind=None):
        with self._lock:
            self._orders = [order for order in self._orders
                            if kind is not None and order.kind != kind]

    def take(self, kinds, operation, keys):
        """The oldest order that applies, charged with one request."""
        with self._lock:
            for order in self._orders:
                if order.kind in kinds and order.applies(operation, keys):
                    if order.left is not None:
                        order.left -= 1
                    return order
        return None

    def describe(self):
        with self._lock:
            return [order.describe() for order in self._orders
                    if order.left != 0]
