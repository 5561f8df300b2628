# SPDX-License-Identifier: Apache-2.0
"""Keys, aliases, and how a request names them."""

import copy
import re
import threading
import time
import uuid

from . import material
from .errors import AwsError
from .specs import ALGORITHM_LIST, SPECS

STATES = ("Creating", "Enabled", "Disabled", "PendingDeletion",
          "PendingImport", "PendingReplicaDeletion", "Unavailable", "Updating")

# How the service ends "{key ARN} is ..." for a key that cannot be used.
UNUSABLE = {
    "Creating": "creating",
    "PendingDeletion": "pending deletion",
    "PendingImport": "pending import",
    "PendingReplicaDeletion": "pending deletion",
    "Unavailable": "unavailable",
}

KEY_ID = re.compile(r"mrk-[0-9a-f]{32}"
                    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")
ARN = re.compile(r"arn:[a-z-]+:kms:([a-z0-9-]*):(\d*):(.+)")


class Key:
    """One KMS key. Its members change only under the lock of its store."""

    def __init__(self, store, spec, usage, description="", multi_region=False):
        self.id = ("mrk-" + uuid.uuid4().hex if multi_region
                   else str(uuid.uuid4()))
        self.arn = store.arn(f"key/{self.id}")
        self.spec = SPECS[spec]
        self.usage = usage
        self.description = description
        self.multi_region = multi_region
        self.created = time.time()
        self.state = "Enabled"
        self.deletion_date = None
        # Symmetric keys collect one per rotation, the newest last.
        self.materials = [material.generate(self.spec)]

    @property
    def has_public_part(self):
        return self.spec.kind not in ("symmetric", "hmac")

    @property
    def symmetric(self):
        return self.spec.kind == "symmetric"

    @property
    def material(self):
        return self.materials[-1]

    @property
    def algorithms(self):
        return self.spec.usages[self.usage]

    def find_material(self, material_id):
        for each in self.materials:
            if self.symmetric and each.id == material_id:
                return each
        return None

    def require_usable(self):
        if self.state == "Disabled":
            raise AwsError("DisabledException", f"{self.arn} is disabled.")
        if self.state in UNUSABLE:
            raise AwsError("KMSInvalidStateException",
                           f"{self.arn} is {UNUSABLE[self.state]}.")

    def description_of_use(self):
        """The members which DescribeKey and GetPublicKey share."""
        members = {"KeySpec": self.spec.name, "KeyUsage": self.usage,
                   ALGORITHM_LIST[self.usage]: list(self.algorithms)}
        if self.spec.kind != "ed25519":     # the old name has no newer specs
            members["CustomerMasterKeySpec"] = self.spec.name
        return members

    def metadata(self, store):
        members = {
            "AWSAccountId": store.account, "KeyId": self.id, "Arn": self.arn,
            "CreationDate": round(self.created, 3),
            "Enabled": self.state == "Enabled",
            "Description": self.description, "KeyState": self.state,
            "Origin": "AWS_KMS", "KeyManager": "CUSTOMER",
            "MultiRegion": self.multi_region, **self.description_of_use()}
        if self.multi_region:
            members["MultiRegionConfiguration"] = {
                "MultiRegionKeyType": "PRIMARY", "ReplicaKeys": [],
                "PrimaryKey": {"Arn": self.arn, "Region": store.region}}
        if self.deletion_date is not None:
            members["DeletionDate"] = round(self.deletion_date, 3)
        if self.symmetric:
            members["CurrentKeyMaterialId"] = self.material.id.hex()
        return members


class Alias:
    def __init__(self, name, key):
        self.name = name
        self.created = self.updated = time.time()
        self.key = key

    def point_at(self, key):
        self.key = key
        self.updated = time.time()


class KeyStore:
    """The keys and aliases of one account in one Region. Thread-safe."""

    def __init__(self, account, region):
        self.account = account
        self.region = region
        self.lock = threading.RLock()
        self._keys = {}
        self._aliases = {}

    def arn(self, resource):
        partition = "aws"
        for prefix in ("cn", "us-gov"):
            if self.region.startswith(prefix + "-"):
                partition = f"aws-{prefix}"
        return f"arn:{partition}:kms:{self.region}:{self.account}:{resource}"

    def create(self, spec, usage, description="", multi_region=False):
        key = Key(self, spec, usage, description, multi_region)
        with self.lock:
            self._keys[key.id] = key
        return key

    def adopt(self, key):
        """A replica of a multi-Region key of another Region: the same
        material, an ARN and a state of its own."""
        replica = copy.copy(key)
        replica.arn = self.arn(f"key/{key.id}")
        with self.lock:
            self._keys[key.id] = replica
        return replica

    def delete(self, key):
        """Removes a key for good, and its aliases with it."""
        with self.lock:
            del self._keys[key.id]
            self._aliases = {name: alias
                             for name, alias in self._aliases.items()
                             if alias.key is not key}

    def keys(self):
        with self.lock:
            return sorted(self._keys.values(), key=lambda key: key.id)

    def aliases(self):
        with self.lock:
            return sorted(self._aliases.values(), key=lambda each: each.name)

    def alias(self, name):
        with self.lock:
            return self._aliases.get(name)

    def set_alias(self, name, key):
        """Makes an alias, or points an existing one at another key."""
        with self.lock:
            if name in self._aliases:
                self._aliases[name].point_at(key)
            else:
                self._aliases[name] = Alias(name, key)

    def delete_alias(self, name):
        with self.lock:
            return self._aliases.pop(name, None) is not None

    def find(self, ref, aliases=True):
        """The key a request names: by ID, ARN, alias or alias ARN.

        aliases  False for the operations that take no alias
        """
        resource = self._local_part(ref)
        with self.lock:
            if resource.startswith("alias/") and aliases:
                alias = self._aliases.get(resource)
                if alias is None:
                    raise AwsError("NotFoundException", "Alias "
                                   f"{self.arn(resource)} is not found.")
                return alias.key
            if not KEY_ID.fullmatch(resource):
                raise AwsError("NotFoundException", f"Invalid keyId '{ref}'")
            key = self._keys.get(resource)
        if key is None:
            raise AwsError("NotFoundException",
                           f"Key '{self.arn('key/' + resource)}' does not "
                           "exist")
        return key

    def find_by_blob(self, blob):
        """The key which made a ciphertext blob, None when it is gone."""
        material_id = material.blob_material_id(blob)
        for key in self.keys():
            if key.find_material(material_id) is not None:
                return key
        return None

    def _local_part(self, ref):
        """"alias/NAME" or a key ID, after the checks on an ARN."""
        if not ref.startswith("arn:"):
            return ref
        match = ARN.fullmatch(ref)
        if match is None:
            raise AwsError("InvalidArnException", f"Invalid arn {ref}")
        region, account, resource = match.groups()
        if region != self.region:
            raise AwsError("NotFoundException", f"Invalid arn {region}")
        if account != self.account:
            raise AwsError("NotFoundException", f"Key '{ref}' does not exist")
        if resource.startswith("key/"):
            return resource[len("key/"):]
        if resource.startswith("alias/"):
            return resource
        raise AwsError("InvalidArnException", f"Invalid arn {ref}")
