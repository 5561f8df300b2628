# SPDX-License-Identifier: Apache-2.0
"""Entra ID, as far as applications without a user need it."""

import hmac
import re
import time
import urllib.parse

from frame import jose
from frame.errors import ServiceError
from frame.service import Answer

from .errors import entra
from .tokens import APP_LIFETIME_S, SKEW_S

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEFAULT = "/.default"

ROUTES = [(re.compile(path), name) for path, name in (
    (r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", "token"),
    (r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", "openid"),
    (r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys", "jwks"),
    (r"/common/discovery/instance", "discovery"),
)]


class LoginFace:
    """
    prefix  of the operations: "" for the true one, "foreign-" for a server
            that has no business to see any credential
    """

    def __init__(self, service, prefix=""):
        self._service = service
        self._directory = service.directory
        self._prefix = prefix

    def prepare(self, call):
        for path, name in ROUTES:
            match = path.fullmatch(call.request.path)
            if match:
                call.operation = self._prefix + name
                call.state["route"] = name
                call.state["tenant"] = match.groupdict().get("tenant", "")
                return
        raise ServiceError("NotFound", status=404)

    def perform(self, call):
        tenant = call.state["tenant"].lower()
        if tenant and not self._directory.has_tenant(tenant):
            raise entra(90002, tenant)
        base = f"https://{call.request.header('Host')}"
        if call.state["route"] == "token":
            return self._token(call, tenant, base)
        if call.state["route"] == "openid":
            return openid(base, tenant)
        if call.state["route"] == "jwks":
            return self._service.issuer.jwks()
        return discovery(self._service.cloud.login_host)

    def _token(self, call, tenant, base):
        if call.request.method != "POST":
            raise entra(900561, call.request.method)
        form = read_form(call.request)
        call.state["client_id"] = form.get("client_id", "")
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                raise entra(900144, name)
        if form["grant_type"] != "client_credentials":
            raise entra(70003, form["grant_type"])
        app, principal = self._find(form["client_id"], tenant)
        # The token endpoint in both spellings: as the client reached it,
        # and as the service is called.
        audiences = [f"{host}/{call.state['tenant']}/oauth2/v2.0/token"
                     for host in (base, f"https://{self._official()}")]
        call.state["credential"] = authenticate(
            self._service.cloud, app, form, audiences, self._service.now())
        audience = self._audience(form["scope"], tenant)
        token, lifetime_s = self._service.issuer.issue(
            tenant, app.client_id, principal, audience, self._service.now(),
            APP_LIFETIME_S)
        return Answer({"token_type": "Bearer", "expires_in": lifetime_s,
                       "ext_expires_in": lifetime_s, "access_token": token})

    def _official(self):
        return self._service.cloud.login_host

    def _find(self, client_id, tenant):
        """The application, and its service principal in the tenant."""
        app = self._directory.find_application(client_id.lower())
        if app is None:
            raise entra(700016, client_id, tenant)
        if tenant not in app.principals:
            raise entra(7000229, client_id, tenant)
        if app.disabled:
            raise entra(7000112, client_id)
        return app, app.principals[tenant]

    def _audience(self, scope, tenant):
        if not scope.endswith(DEFAULT) or " " in scope:
            raise entra(1002012, scope)
        # A slash more in the scope is one in the audience, which is then
        # not the one that the vault wants.
        audience = scope[:-len(DEFAULT)]
        if not self._service.knows_resource(audience):
            raise entra(500011, audience, tenant)
        return audience


def read_form(request):
    content_type = (request.header("Content-Type") or "").partition(";")[0]
    if content_type.strip().lower() != "application/x-www-form-urlencoded":
        raise entra(900144, "grant_type")
    try:
        pairs = urllib.parse.parse_qsl(request.body.decode("ascii"),
                                       keep_blank_values=True,
                                       strict_parsing=True)
    except ValueError:
        raise entra(900144, "grant_type") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise entra(900144, "each once")
    return form


def authenticate(cloud, app, form, audiences, now):
    """How the application proved who it is: the kind of its credential."""
    if form.get("client_secret"):
        check_secret(app, form["client_secret"], now)
        return "secret"
    if form.get("client_assertion_type") != ASSERTION_TYPE \
            or not form.get("client_assertion"):
        raise entra(7000218)
    try:
        jwt = jose.parse(form["client_assertion"])
    except jose.BadToken:
        raise entra(50027) from None
    if jwt.claims.get("iss") == app.client_id:
        check_certificate(app, jwt, audiences)
        kind = "certificate"
    else:
        check_federated(cloud, app, jwt)
        kind = "federated"
    check_time(jwt, now)
    return kind


def check_secret(app, value, now):
    for secret in app.secrets:
        if hmac.compare_digest(secret.value.encode(), value.encode()):
            if now >= secret.expires:
                raise entra(7000222, app.client_id)
            return
    raise entra(7000215, app.client_id)


def check_certificate(app, jwt, audiences):
    """An assertion the application signed itself."""
    if jwt.claims.get("sub") != app.client_id:
        raise entra(700021)
    thumbprints = (jwt.header.get("x5t"), jwt.header.get("x5t#S256"))
    certificate = find_certificate(app, *thumbprints)
    if certificate is None:
        raise entra(700027, "The key was not found., Thumbprint of key used "
                    f"by client: '{thumbprints[1] or thumbprints[0]}'")
    if not certificate.not_before <= time.time() < certificate.not_after:
        raise entra(700027, "The key used is expired.")
    try:
        jose.verify(jwt, certificate.public, ("RS256", "PS256"))
    except jose.BadToken:
        raise entra(700027, "The key was found, but the signature does not "
                    "verify.") from None
    if jwt.claims.get("aud") not in audiences:
        raise entra(700023)
    if not isinstance(jwt.claims.get("jti"), str) or not jwt.claims["jti"]:
        raise entra(50027)


def find_certificate(app, *thumbprints):
    """By x5t or x5t#S256, or by both if both are there. One client library
    of the service pads them, so padding is good."""
    x5t, x5t_s256 = (str(each).rstrip("=") if each is not None else None
                     for each in thumbprints)
    if x5t is None and x5t_s256 is None:
        return None
    for each in app.certificates:
        if x5t in (None, each.x5t) and x5t_s256 in (None, each.x5t_s256):
            return each
    return None


def check_federated(cloud, app, jwt):
    """Somebody else's token: issuer, subject and audience as registered, to
    the letter."""
    claims = jwt.claims
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    found = [each for each in app.federated
             if each.issuer == claims.get("iss")]
    if not found:
        raise entra(700211, claims.get("iss"))
    found = [each for each in found if each.subject == claims.get("sub")]
    if not found:
        raise entra(700213, claims.get("sub"))
    found = [each for each in found
             if (each.audience or cloud.exchange_audience) in audiences]
    if not found:
        raise entra(700212, ", ".join(map(str, audiences)))
    for each in found:
        try:
            jose.verify(jwt, each.public, ("RS256",))
            return
        except jose.BadToken:
            pass
    raise entra(50013)


def check_time(jwt, now):
    nbf, exp = jwt.claims.get("nbf", jwt.claims.get("iat")), \
        jwt.claims.get("exp")
    if not all(isinstance(each, (int, float)) for each in (nbf, exp)):
        raise entra(50027)
    if not nbf - SKEW_S <= now < exp + SKEW_S:
        stamps = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(each))
                  for each in (now, nbf, exp))
        raise entra(700024, *stamps)


def openid(base, tenant):
    return {
        "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/{tenant}/v2.0",
        "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
        "device_authorization_endpoint":
            f"{base}/{tenant}/oauth2/v2.0/devicecode",
        "tenant_region_scope": "EU", "cloud_instance_name": "test"}


def discovery(host):
    return {"tenant_discovery_endpoint":
            f"https://{host}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host,
                          "aliases": [host]}]}


def federated_token(private, issuer, subject, audience, now, lifetime_s):
    """What a cluster would give one of its workloads."""
    now = int(now)
    return jose.sign(private, {"alg": "RS256", "typ": "JWT", "kid": "test"}, {
        "aud": [audience], "iss": issuer, "sub": subject, "iat": now,
        "nbf": now, "exp": now + int(lifetime_s)})
