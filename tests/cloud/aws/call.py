# SPDX-License-Identifier: Apache-2.0
"""One call of an operation: who, what, on which keys."""

from dataclasses import dataclass
from typing import Callable

from .errors import AwsError


@dataclass(frozen=True)
class Operation:
    shape: dict
    handler: Callable       # (Call) -> reply as a dictionary, None for void


class Call:
    def __init__(self, store, denies, identity, operation, args, lie=""):
        self.store = store
        self.identity = identity
        self.operation = operation
        self.args = args
        self.lie = lie          # to tell, "" for none
        self._denies = denies      # whether an order denies this

    def find_key(self, ref, action=None, aliases=True):
        """The key named, if the caller may do this with it.

        The service looks for the key first, then at the policy, then at the
        state of the key; so does everything which starts here.
        """
        key = self.store.find(ref, aliases)
        self.authorise(key, action)
        return key

    def usable_key(self, ref, action=None):
        key = self.find_key(ref, action)
        key.require_usable()
        return key

    def authorise(self, key, action=None):
        action = action or self.operation
        if self._denies(self.operation, [key.id] if key else []):
            resource = key.arn if key else "*"
            raise AwsError(
                "AccessDeniedException",
                f"User: arn:aws:iam::{self.store.account}:user/"
                f"{self.identity.access_key} is not authorized to perform: "
                f"kms:{action} on resource: {resource} because no "
                f"identity-based policy allows the kms:{action} action")

    def stop_if_dry_run(self):
        """Success of a dry run is an error too."""
        if self.args.get("DryRun"):
            raise AwsError("DryRunOperationException",
                           "The request would have succeeded, but the DryRun "
                           "option is set.")
