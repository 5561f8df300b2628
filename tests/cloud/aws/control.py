# SPDX-License-Identifier: Apache-2.0
"""The control path: what a test may tell the double while it runs.

An order is one JSON object {"do": NAME, ...}; the answer is one JSON object.
"""

import time

from . import material
from .auth import Identity
from .errors import AwsError
from .keys import STATES
from .manage_ops import DAY_S, check_alias_name
from .orders import Order
from .specs import SPECS, default_usage


class Refused(Exception):
    """An order that makes no sense; its text goes to whoever gave it."""


class Control:
    def __init__(self, service, server):
        self._service = service
        self._store = service.store
        self._server = server

    def run(self, document):
        name = str(document.get("do", ""))
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if method is None:
            raise Refused(f"no order {name!r}")
        arguments = {key: value for key, value in document.items()
                     if key != "do"}
        try:
            return method(**arguments) or {}
        except AwsError as error:
            raise Refused(error.message or error.code) from None
        except (TypeError, ValueError) as error:
            raise Refused(f"{name}: {error}") from None

    # Keys

    def do_create(self, alias=None, spec="SYMMETRIC_DEFAULT", usage=None,
                  multi_region=False):
        if spec not in SPECS:
            raise Refused(f"no key spec {spec}. One of: {', '.join(SPECS)}")
        usage = usage or default_usage(spec)
        if usage not in SPECS[spec].usages:
            raise Refused(f"a {spec} key is not for {usage}")
        if alias is not None:
            check_alias_name(alias)
        key = self._store.create(spec, usage, multi_region=multi_region)
        if alias is not None:
            self._store.set_alias(alias, key)
        return {"arn": key.arn, "id": key.id}

    def do_alias(self, alias, key):
        check_alias_name(alias)
        self._store.set_alias(alias, self._store.find(key))

    def do_unalias(self, alias):
        if not self._store.delete_alias(alias):
            raise Refused(f"no alias {alias}")

    def do_enable(self, key):
        self.do_state(key, "Enabled")

    def do_disable(self, key):
        self.do_state(key, "Disabled")

    def do_schedule_deletion(self, key, days=30):
        self.do_state(key, "PendingDeletion", days)

    def do_state(self, key, state, days=30):
        """Puts a key into any state, also where the service would not."""
        if state not in STATES:
            raise Refused(f"no state {state}. One of: {', '.join(STATES)}")
        found = self._store.find(key)
        with self._store.lock:
            found.state = state
            found.deletion_date = None
            if state == "PendingDeletion":
                found.deletion_date = time.time() + int(days) * DAY_S

    def do_delete(self, key):
        self._store.delete(self._store.find(key))

    def do_rotate(self, key):
        found = self._store.find(key)
        if not found.symmetric:
            raise Refused("only symmetric keys rotate")
        with self._store.lock:
            found.materials.append(material.SymmetricMaterial())

    def do_describe(self, key):
        return self._store.find(key).metadata(self._store)

    def do_public_key(self, key):
        found = self._store.find(key)
        if found.symmetric:
            raise Refused("a symmetric key has no public key")
        return {"pem": material.public_pem(found.material)}

    # Who may ask

    def do_identity(self, what, access_key, secret_key="", token=""):
        identities = self._service.identities
        if what == "add":
            identities.add(Identity(access_key, secret_key, token))
        elif what == "remove":
            if not identities.remove(access_key):
                raise Refused(f"no access key {access_key}")
        elif what == "expire":
            identity = identities.find(access_key)
            if identity is None:
                raise Refused(f"no access key {access_key}")
            identity.expired = True
        else:
            raise Refused("identity: add, expire or remove")

    # Misbehaviour

    def do_order(self, kind, argument="", operations=(), key=None,
                 count=None):
        """Adds an order: deny, throttle, fail, delay, cut or lie."""
        if kind not in ("deny", "throttle", "fail", "delay", "cut", "lie"):
            raise Refused(f"no order {kind!r}")
        if count is not None and int(count) < 0:
            raise Refused("a count is not negative")
        self._service.orders.add(Order(
            kind, str(argument), tuple(operations),
            self._store.find(key) if key is not None else None,
            int(count) if count is not None else None))

    def do_clock(self, seconds):
        self._service.clock_offset_s = int(seconds)

    def do_hangup(self):
        return {"connections": self._server.hang_up_idle()}

    def do_clear(self, kind=None):
        """Takes back all orders, or those of one kind."""
        self._service.orders.clear(kind)
        if kind in (None, "clock"):
            self._service.clock_offset_s = 0
        self._server.release_stalled()

    def do_orders(self):
        return {"orders": self._service.orders.describe(),
                "clock_offset_s": self._service.clock_offset_s}

    # Counters

    def do_calls(self, operation=None, key=None):
        key_id = self._store.find(key).id if key is not None else None
        return {"calls": self._service.counters.calls(operation, key_id)}

    def do_stats(self):
        return self._service.counters.stats()

    def do_reset(self):
        self._service.counters.reset()
