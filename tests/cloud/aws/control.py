# SPDX-License-Identifier: Apache-2.0
"""What a test may tell the AWS KMS double, besides the orders of the frame.
"""

import json
import time

from frame.control import Control
from frame.errors import Refused

from . import material
from .auth import Identity
from .keys import STATES
from .manage_ops import DAY_S, check_alias_name
from .specs import SPECS, default_usage
from .sts import AUDIENCE, ISSUER, ROLE_ARN, Role


class AwsControl(Control):
    def __init__(self, service):
        super().__init__(service)
        self._service = service
        self._store = service.store

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

    def do_replicate(self, key, region):
        """ReplicateKey: a multi-Region key is in that Region too."""
        found = self._store.find(key)
        if not found.multi_region:
            raise Refused(f"{found.arn} is no multi-Region key")
        return {"arn": self._service.store_of(region).adopt(found).arn}

    def do_outage(self, region, end=False):
        """A Region answers 503 to everything."""
        self._service.outages.discard(region)
        if not end:
            self._service.outages.add(region)

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
        if not found.has_public_part:
            raise Refused("this key has no public part")
        return {"pem": material.public_pem(found.material)}

    # Who may ask

    def do_identity(self, what, access_key, secret_key="", token=""):
        identities = self.service.identities
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

    # What leads to credentials

    def do_role(self, arn, external_id=None, trusts=None, web_subject=None,
                max_s=3600, remove=False):
        if not ROLE_ARN.fullmatch(arn):
            raise Refused(f"{arn} is no ARN of a role")
        self.service.sts.roles.pop(arn, None)
        if not remove:
            self.service.sts.roles[arn] = Role(arn, external_id, trusts,
                                               web_subject, int(max_s))

    def do_web_token(self, subject, audience=AUDIENCE, lifetime=3600,
                     issuer=ISSUER, forged=False):
        return {"token": self.service.sts.web_token(
            subject, audience, int(lifetime), issuer, forged)}

    def do_session_lifetime(self, seconds=None):
        self.service.sessions.lifetime_s = (None if seconds is None
                                            else int(seconds))

    def do_sso_login(self, lifetime=3600, no_refresh=False):
        return {"document": json.dumps(self.service.sso.login(
            int(lifetime), not no_refresh))}

    def do_sso_revoke(self):
        self.service.sso.revoke()

    def do_sso_assign(self, account, role):
        self.service.sso.assigned.add((account, role))

    def do_instance_role(self, name=None):
        self.service.instance.role = name

    def do_container_token(self, token=None):
        self.service.container.token = token
