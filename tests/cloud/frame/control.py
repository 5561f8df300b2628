# SPDX-License-Identifier: Apache-2.0
"""The control path: what a test may tell a double while it runs.

An order is one JSON object {"do": NAME, ...}; the answer is one JSON object.
A double derives from Control and adds its own orders as methods do_NAME.
"""

from . import lies
from .errors import Refused, ServiceError
from .orders import Order


class Control:
    def __init__(self, service):
        self.service = service
        self.servers = []           # once they run

    def run(self, document):
        name = str(document.get("do", ""))
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if method is None:
            raise Refused(f"no order {name!r}")
        arguments = {key: value for key, value in document.items()
                     if key != "do"}
        try:
            return method(**arguments) or {}
        except ServiceError as error:
            raise Refused(error.message or error.code) from None
        except (TypeError, ValueError) as error:
            raise Refused(f"{name}: {error}") from None

    # Misbehaviour

    def do_order(self, kind, argument="", operations=(), key=None,
                 count=None):
        """Adds an order: deny, throttle, fail, delay, cut or lie."""
        order = Order(kind, str(argument or ""), tuple(operations),
                      self.service.key_name(key) if key is not None else None,
                      int(count) if count is not None else None)
        order.check()
        if kind == "lie":
            lies.check(order.argument, self.service.own_lies)
        self.service.orders.add(order)

    def do_clock(self, seconds):
        self.service.clock_offset_s = int(seconds)

    def do_hangup(self):
        return {"connections": sum(server.hang_up_idle()
                                   for server in self.servers)}

    def do_clear(self, kind=None):
        """Takes back all orders, or those of one kind."""
        self.service.orders.clear(kind)
        if kind in (None, "clock"):
            self.service.clock_offset_s = 0
        for server in self.servers:
            server.release_stalled()

    def do_orders(self):
        return {"orders": self.service.orders.describe(),
                "clock_offset_s": self.service.clock_offset_s}

    # Counters

    def do_calls(self, operation=None, key=None):
        name = self.service.key_name(key) if key is not None else None
        return {"calls": self.service.counters.calls(operation, name)}

    def do_stats(self):
        return self.service.counters.stats()

    def do_reset(self):
        self.service.counters.reset()
