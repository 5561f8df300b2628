# SPDX-License-Identifier: Apache-2.0
"""What is there at the start: mounts, policies, logins, who may log in."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from frame import jose
from frame.errors import Refused

from . import policies
from .aws_login import AwsIdentities
from .errors import VaultError
from .tokens import Grant
from .world import World

ISSUER = "https://issuer.example"
K8S_ISSUER = "https://kubernetes.default.svc.cluster.local"
ROLE_ID = "5f0c1d2e-0000-4000-8000-00000000a001"
SECRET_ID = "5f0c1d2e-0000-4000-8000-00000000b002"
AWS_ACCESS_KEY = "AKIDEXAMPLE"
AWS_SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AWS_ARN = "arn:aws:iam::111122223333:role/app"
SERVER_ID = "vault.example"
LOGINS = ("approle", "kubernetes", "jwt", "cert", "aws", "userpass")


class Issuer:
    """Signs tokens, for a cluster and for another identity provider."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def _sign(self, claims):
        return jose.sign(self._key, {"alg": "ES256", "typ": "JWT"}, claims)

    def jwt(self, now, subject, audience, issuer, ttl_s, not_before_s,
            claims):
        return self._sign({
            "iss": issuer or ISSUER, "sub": subject, "aud": audience,
            "iat": int(now), "nbf": int(now) + not_before_s,
            "exp": int(now) + ttl_s, **claims})

    def service_account(self, now, namespace, name, audience, ttl_s):
        return self._sign({
            "iss": K8S_ISSUER, "aud": [audience], "iat": int(now),
            "nbf": int(now), "exp": int(now) + ttl_s,
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount":
                              {"name": name, "uid": "0"}}})


def make_world(openbao, mounts, namespaces):
    world = World(openbao)
    for path in ["", *namespaces]:
        space = (world.namespaces[""] if not path
                 else world.add_namespace(path))
        for mount in mounts or ["transit"]:
            space.mount(mount)
        space.set_policy("kms", policies.KMS_TEXT)
    world.aws = AwsIdentities()
    world.aws.add(AWS_ACCESS_KEY, AWS_SECRET_KEY, AWS_ARN)
    return world


def add_root(world, text, now):
    """A root token never expires."""
    world.root = world.tokens.create(
        "", Grant(["root"], no_expiry=True, renewable=False,
                  display_name="root", path="auth/token/root"), now, text)


def add_logins(write, issuer, ca_pem, ttl, openbao):
    """Every login method has a role app with the policy kms.

    write   the order to write, as root
    ca_pem  the CA whose client certificates may log in
    """
    common = {"token_policies": "kms", "token_ttl": ttl}
    for kind in LOGINS:
        if kind == "aws" and openbao:
            continue            # not in its core distribution
        write("sys/auth/" + kind, {"type": kind})
    write("auth/approle/role/app", {**common, "role_id": ROLE_ID})
    write("auth/approle/role/app/custom-secret-id", {"secret_id": SECRET_ID})
    write("auth/kubernetes/config", {"pem_keys": [issuer.public_pem],
                                     "issuer": K8S_ISSUER})
    write("auth/kubernetes/role/app", {
        **common, "bound_service_account_names": "app", "audience": "vault",
        "bound_service_account_namespaces": "default"})
    write("auth/jwt/config", {"jwt_validation_pubkeys": [issuer.public_pem],
                              "bound_issuer": ISSUER})
    write("auth/jwt/role/app", {
        **common, "role_type": "jwt", "bound_audiences": ["vault"],
        "user_claim": "sub", "bound_subject": "app"})
    write("auth/cert/certs/app", {**common, "certificate": ca_pem,
                                  "allowed_common_names": "app"})
    write("auth/userpass/users/app", {**common, "password": "app"})
    if not openbao:
        write("auth/aws/config/client", {"iam_server_id_header_value":
                                         SERVER_ID})
        write("auth/aws/role/app", {**common, "auth_type": "iam",
                                    "bound_iam_principal_arn": [AWS_ARN]})


def add_key(control, text):
    """One --key: [MOUNT/]NAME=TYPE[:derived|:convergent]."""
    name, _, kind = text.partition("=")
    kind, _, flag = kind.partition(":")
    try:
        control.run({"do": "create", "key": name, "type": kind or None,
                     "derived": flag == "derived",
                     "convergent": flag == "convergent"})
    except (Refused, VaultError) as error:
        raise Refused(f"--key {text}: {error}") from None
