# SPDX-License-Identifier: Apache-2.0
"""All that there is: one project with its keys, accounts and policy."""

from . import impersonate
from .accounts import (CLOUD_PLATFORM, Accounts, AwsKey, Client, Provider,
                       ServiceAccount, User)
from .awsmetadata import AwsMetadata
from .iam import Binding, Policy
from .keys import KeyStore
from .metadata import Metadata
from .names import Name
from .quota import Quota
from .tokens import Tokens

USER_SCOPES = ("openid", "https://www.googleapis.com/auth/userinfo.email",
               CLOUD_PLATFORM)
# What everyone who is there from the start may do in the project.
DEFAULT_ROLES = ("cloudkms.admin", "cloudkms.cryptoOperator",
                 "cloudkms.expertRawAesCbc", "cloudkms.expertRawAesCtr",
                 "serviceusage.serviceUsageConsumer")
POOL = "ownkey-pool"
ISSUER = "https://idp.example.com"


class World:
    def __init__(self, project, number, location, ring, clock):
        self.project = project
        self.project_number = number
        self.location = location
        self.now = clock
        self.only_location = None   # of a regional endpoint; None: all
        self.api_enabled = True
        self.aws_access_key = None
        self.user_scopes = USER_SCOPES
        self.store = KeyStore(clock)
        self.accounts = Accounts()
        self.tokens = Tokens()
        self.policy = Policy()
        self.ring_name = Name(project, location, ring)
        self.store.create_ring(self.ring_name)
        self.metadata = Metadata(self, None)
        self.aws_metadata = AwsMetadata(self)
        self.quota = Quota()

    def email(self, name):
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    def provider_name(self, provider):
        return (f"projects/{self.project_number}/locations/global/"
                f"workloadIdentityPools/{POOL}/providers/{provider}")

    def grant(self, member, role, resource=None):
        self.policy.add(Binding(member, f"roles/{role}",
                                resource or f"projects/{self.project}"))

    def local(self, name):
        """The same name with the project's id in place of its number."""
        if name.project != self.project_number:
            return name
        return Name(self.project, name.location, name.ring, name.key,
                    name.version)


def populate(world, access_key, secret_key, session_token, with_roles=True):
    """The accounts that a double starts with. Each may do all that
    DEFAULT_ROLES say, and become `target`, unless with_roles is false."""
    accounts = world.accounts
    sources = []
    for name in ("tester", "vm"):
        account = accounts.add(ServiceAccount(world.email(name)))
        sources.append(account.principal.member)
    target = accounts.add(ServiceAccount(world.email("target")))
    user = accounts.add(User("user@example.com"))
    accounts.add(Client("1234567890-ownkey.apps.googleusercontent.com",
                        "d-ownkey-test"))
    sources.append(user.principal.member)
    oidc = accounts.add(Provider(world.provider_name("oidc"), "oidc",
                                 ISSUER))
    # The key that signs subject tokens is one as service accounts have.
    signer = ServiceAccount("idp")
    signer.add_key()
    oidc.keys = signer.keys
    arn = "arn:aws:sts::111122223333:assumed-role/workload/i-0123456789"
    world.aws_access_key = world.aws_metadata.access_key = access_key
    accounts.add(AwsKey(access_key, secret_key, session_token, arn))
    accounts.add(Provider(world.provider_name("aws"), "aws",
                          account="111122223333"))
    sources.append(oidc.principal("any").also[0])
    world.metadata.email = world.email("vm")
    if with_roles:
        for member in (*sources, target.principal.member):
            for role in DEFAULT_ROLES:
                world.grant(member, role)
        for member in sources:
            world.grant(member, "iam.serviceAccountTokenCreator",
                        impersonate.resource_of(target.email))
