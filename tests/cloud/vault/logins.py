# SPDX-License-Identifier: Apache-2.0
"""Login methods: each keeps roles, and turns a proof into a Grant."""

import copy
import secrets
import uuid

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID

from frame import jose

from . import fields
from .errors import VaultError, invalid
from .tokens import Grant

ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY_S = 60                   # the methods' own default for a JWT is more


class Method:
    """A login method at a path of a namespace."""
    kind = ""
    role_path = "role"
    name_field = "role"

    def __init__(self, namespace, path):
        self.namespace = namespace
        self.path = path            # below auth/
        self.config = {}
        self.roles = {}

    def configure(self, op):
        self.config.update(op.body)

    def set_role(self, op, name):
        self.roles.setdefault(name, {}).update(op.body)

    def get_role(self, name):
        if name not in self.roles:
            raise VaultError(404)
        return self.roles[name]

    def role(self, op):
        """The role that a login names."""
        name = fields.text(op.body, self.name_field) or self.config.get(
            "default_role", "")
        if not name:
            raise invalid(f"missing {self.name_field}")
        if name not in self.roles:
            raise invalid(self.no_role(name))
        return name, self.roles[name]

    def no_role(self, name):
        return f'invalid role name "{name}"'

    def login(self, op):
        """Returns the Grant, or raises VaultError."""
        raise NotImplementedError

    def check_renewal(self, op, token):
        """Raises VaultError where a renewal needs the proof again."""

    def special(self, op, rest):
        """Paths that only this method has."""
        raise VaultError(404, "1 error occurred:\n\t* unsupported path\n\n")

    def grant(self, role, display_name, /, **meta):
        """What the parameters token_* of a role say (older: without)."""
        policies = fields.names(role, "token_policies",
                                fields.names(role, "policies"))
        if not fields.truth(role, "token_no_default_policy"):
            policies = ["default", *policies]
        kind = fields.text(role, "token_type", "service")
        return Grant(
            sorted(set(policies)),
            ttl_s=fields.seconds(role, "token_ttl",
                                 fields.seconds(role, "ttl")),
            max_ttl_s=fields.seconds(role, "token_max_ttl",
                                     fields.seconds(role, "max_ttl")),
            explicit_max_ttl_s=fields.seconds(role,
                                              "token_explicit_max_ttl"),
            period_s=fields.seconds(role, "token_period",
                                    fields.seconds(role, "period")),
            num_uses=fields.number(role, "token_num_uses"),
            kind="batch" if kind == "batch" else "service",
            display_name=f"{self.path}-{display_name}",
            path=f"auth/{self.path}/login", meta=meta)


class AppRole(Method):
    kind = "approle"

    def set_role(self, op, name):
        role = self.roles.setdefault(name, {"role_id": str(uuid.uuid4()),
                                            "secret_ids": {}})
        role.update(op.body)

    def get_role(self, name):
        role = copy.copy(super().get_role(name))
        del role["secret_ids"]
        return role

    def special(self, op, rest):
        parts = rest.split("/")
        if len(parts) < 3 or parts[0] != "role":
            return super().special(op, rest)
        role = self.roles.get(parts[1])
        if role is None:
            raise VaultError(404)
        what = "/".join(parts[2:])
        if what == "role-id":
            if op.writes:
                role["role_id"] = fields.text(op.body, "role_id")
                return None
            return {"role_id": role["role_id"]}
        if what in ("secret-id", "custom-secret-id"):
            return self._new_secret_id(op, role)
        if what == "secret-id/destroy":
            role["secret_ids"].pop(fields.text(op.body, "secret_id"), None)
            return None
        return super().special(op, rest)

    def _new_secret_id(self, op, role):
        secret = fields.text(op.body, "secret_id") or str(uuid.uuid4())
        ttl = fields.seconds(op.body, "ttl",
                             fields.seconds(role, "secret_id_ttl"))
        uses = fields.number(op.body, "num_uses",
                             fields.number(role, "secret_id_num_uses"))
        role["secret_ids"][secret] = {
            "expires_s": op.now + ttl if ttl else None, "left": uses}
        return {"secret_id": secret, "secret_id_ttl": ttl,
                "secret_id_accessor": str(uuid.uuid4()),
                "secret_id_num_uses": uses}

    def login(self, op):
        wanted = fields.text(op.body, "role_id")
        if not wanted:
            raise invalid("missing role_id")
        for name, role in self.roles.items():
            if role["role_id"] == wanted:
                break
        else:
            raise invalid("invalid role or secret ID")
        if fields.truth(role, "bind_secret_id", True):
            self._use(op, role)
        return self.grant(role, name, role_name=name)

    def _use(self, op, role):
        secret = fields.text(op.body, "secret_id")
        if not secret:
            raise invalid("missing secret_id")
        with op.world.lock:
            found = role["secret_ids"].get(secret)
            if found is None or (found["expires_s"] is not None
                                 and op.now >= found["expires_s"]):
                raise invalid("invalid role or secret ID")
            if found["left"]:
                found["left"] -= 1
                if found["left"] == 0:
                    del role["secret_ids"][secret]


def verified_claims(op, keys, refuse):
    """The claims of the member jwt, signed by one of the keys (PEM) and in
    force; refuse makes the error from a text."""
    text = fields.text(op.body, "jwt")
    if not text:
        raise invalid("missing jwt")
    try:
        token = jose.parse(text.strip())
    except jose.BadToken as error:
        raise refuse(f"malformed token: {error}") from None
    for key in keys:
        try:
            jose.verify(token, serialization.load_pem_public_key(
                key.encode()), ALGORITHMS)
            break
        except jose.BadToken:
            continue
    else:
        raise refuse("no known key successfully validated the token "
                     "signature")
    claims = token.claims
    if not isinstance(claims.get("exp"), (int, float)):
        raise refuse("the token has no expiry")
    if op.now > claims["exp"] + LEEWAY_S:
        raise refuse("token is expired (exp)")
    for name in ("nbf", "iat"):
        if op.now + LEEWAY_S < claims.get(name, 0):
            raise refuse(f"token is not valid yet ({name})")
    return claims


def audiences(claims):
    found = claims.get("aud", [])
    return [found] if isinstance(found, str) else found


class Kubernetes(Method):
    """With pem_keys in the configuration, the way without a cluster."""
    kind = "kubernetes"

    def login(self, op):
        name, role = self.role(op)
        claims = verified_claims(op, fields.names(self.config, "pem_keys"),
                                 lambda text: VaultError(
                                     403, "permission denied"))
        issuer = self.config.get("issuer")
        if issuer and claims.get("iss") != issuer:
            raise VaultError(403, "permission denied")
        audience = role.get("audience")
        if audience and audience not in audiences(claims):
            raise VaultError(403, "invalid audience (aud) claim: audience "
                             "claim does not match any expected audience")
        own = claims.get("kubernetes.io", {})
        account = own.get("serviceaccount", {}).get("name", "")
        space = own.get("namespace", "")
        check_bound(role, "bound_service_account_namespaces", space,
                    "namespace not authorized")
        check_bound(role, "bound_service_account_names", account,
                    "service account name not authorized")
        return self.grant(role, f"{space}-{account}", role=name,
                          service_account_name=account,
                          service_account_namespace=space)


def check_bound(role, name, value, complaint):
    bound = fields.names(role, name)
    if "*" not in bound and value not in bound:
        raise VaultError(403, complaint)


class Jwt(Method):
    kind = "jwt"

    def no_role(self, name):
        return f'role "{name}" could not be found'

    def login(self, op):
        name, role = self.role(op)

        def refuse(text):
            return invalid(f"error validating token: {text}")
        claims = verified_claims(
            op, fields.names(self.config, "jwt_validation_pubkeys"), refuse)
        issuer = self.config.get("bound_issuer")
        if issuer and claims.get("iss") != issuer:
            raise refuse("invalid issuer (iss) claim")
        bound = fields.names(role, "bound_audiences")
        if not bound and audiences(claims):
            raise refuse("audience claim found in JWT but no audiences bound "
                         "to the role")
        if bound and not set(bound) & set(audiences(claims)):
            raise refuse("invalid audience (aud) claim: audience claim does "
                         "not match any expected audience")
        subject = role.get("bound_subject")
        if subject and claims.get("sub") != subject:
            raise refuse("sub claim does not match bound subject")
        for claim, wanted in role.get("bound_claims", {}).items():
            wanted = wanted if isinstance(wanted, list) else [wanted]
            if claims.get(claim) not in wanted:
                raise refuse(f'claim "{claim}" does not match any associated '
                             "bound claim values")
        user = claims.get(role.get("user_claim", "sub"))
        if not isinstance(user, str):
            raise invalid('claim "user_claim" not found in token')
        return self.grant(role, user, role=name)


class Cert(Method):
    """The certificate of the TLS connection, against those of the roles."""
    kind = "cert"
    role_path = "certs"

    def login(self, op):
        certificate = self._presented(op)
        wanted = fields.text(op.body, "name")
        for name, role in self.roles.items():
            if wanted in ("", name) and self._matches(role, certificate,
                                                      op.now):
                break
        else:
            raise invalid("no chain matching all constraints could be found "
                          "for this login certificate")
        common = common_name(certificate)
        grant = self.grant(role, common, cert_name=name, common_name=common)
        if not fields.truth(self.config, "disable_binding"):
            grant.certificate = op.peer_certificate
        return grant

    def check_renewal(self, op, token):
        if token.grant.certificate not in (None, op.peer_certificate):
            raise invalid("failed to renew entry: client identity during "
                          "renewal not matching client identity used during "
                          "login")

    def _presented(self, op):
        if not op.tls:
            raise invalid("tls connection required")
        if op.peer_certificate is None:
            raise invalid("client certificate must be supplied")
        return x509.load_der_x509_certificate(op.peer_certificate)

    def _matches(self, role, certificate, now):
        trusted = x509.load_pem_x509_certificate(
            fields.text(role, "certificate").encode())
        if not (certificate.not_valid_before.timestamp() <= now
                <= certificate.not_valid_after.timestamp()):
            return False
        if trusted != certificate and not issued_by(certificate, trusted):
            return False
        allowed = fields.names(role, "allowed_common_names",
                               fields.names(role, "allowed_names"))
        return not allowed or common_name(certificate) in allowed


def common_name(certificate):
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return found[0].value if found else ""


def issued_by(certificate, issuer):
    public = issuer.public_key()
    how = ((ec.ECDSA(certificate.signature_hash_algorithm),)
           if isinstance(public, ec.EllipticCurvePublicKey) else
           (padding.PKCS1v15(), certificate.signature_hash_algorithm))
    try:
        public.verify(certificate.signature,
                      certificate.tbs_certificate_bytes, *how)
    except InvalidSignature:
        return False
    return certificate.issuer == issuer.subject


class UserPass(Method):
    """For set-ups in tests: a name and a password."""
    kind = "userpass"
    role_path = "users"

    def special(self, op, rest):
        if not rest.startswith("login/"):
            return super().special(op, rest)
        name = rest[len("login/"):]
        role = self.roles.get(name, {})
        password = fields.text(op.body, "password")
        if not secrets.compare_digest(role.get("password", "").encode(),
                                      password.encode()) or not password:
            raise invalid("invalid username or password")
        return self.grant(role, name, username=name)
