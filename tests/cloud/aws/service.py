# SPDX-License-Identifier: Apache-2.0
"""AWS KMS: from a request to its operation, and its own errors."""

from frame.errors import Unavailable
from frame.service import Listener, Service

from . import crypto_ops, manage_ops, shapes, sigv4, sts
from .auth import Identities, Verifier
from .call import Call
from .errors import HTTP_STATUS, JSON_TYPE, THROTTLED, AwsError
from .keys import KeyStore
from .lies import LIES
from .material import BadCiphertext
from .metadata import Container, Instance, JsonError, Plain
from .sessions import Sessions
from .sso import Sso, SsoError

TARGET_PREFIX = "TrentService."
OPERATIONS = {**crypto_ops.OPERATIONS, **manage_ops.OPERATIONS}
KEY_MEMBERS = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
BLOB = shapes.Blob()


class AwsService(Service):
    """AWS KMS on its main port; on others what leads to credentials."""
    listeners = (Listener("main"), Listener("sts"), Listener("sso"),
                 Listener("instance", tls=False),
                 Listener("container", tls=False))
    content_type = JSON_TYPE
    own_lies = LIES
    denies_itself = True
    credential_headers = ("Authorization", "X-Amz-Target")

    def __init__(self, account, region, log=None):
        super().__init__(log)
        self.store = KeyStore(account, region)
        self._stores = {region: self.store}     # all Regions, one endpoint
        self.outages = set()                    # Regions that answer 503
        self.identities = Identities()
        self._verifier = Verifier(self.identities, self._stores)

        self.regions = self._stores
        self.sessions = Sessions(self)
        self.sts = sts.Sts(self)
        self.sso = Sso(self)
        self.instance = Instance(self)
        self.container = Container(self)
        self._others = {"sts": self.sts, "sso": self.sso,
                        "instance": self.instance,
                        "container": self.container}

    def store_of(self, region):
        """The keys of a Region; made when a replica comes to it."""
        if region not in self._stores:
            self._stores[region] = KeyStore(self.store.account, region)
        return self._stores[region]

    def prepare(self, call):
        request = call.request
        if request.listener in self._others:
            self._others[request.listener].prepare(call)
            return
        if request.method != "POST" or request.target != "/":
            raise AwsError("UnknownOperationException", status=404)
        call.operation = read_target(request.headers)
        call.identity, region = self._verifier.verify(
            request.headers, request.body, self.now())
        if region in self.outages:
            raise Unavailable()
        call.state["store"] = self._stores[region]
        call.accepted = True    # unsigned requests do not use orders up
        call.document = shapes.parse_json(request.body)
        found = self._keys_of(call.state["store"], call.document)
        call.keys = [key.id for key in found]
        call.state["arns"] = [key.arn for key in found]

    def perform(self, call):
        if call.request.listener in self._others:
            if self.denies(call.operation, call.keys):
                raise self.denied(call)
            return self._others[call.request.listener].perform(call)
        operation = OPERATIONS[call.operation]
        args = shapes.check(operation.shape, call.document)
        return operation.handler(Call(
            call.state["store"], self.denies, call.identity, call.operation, args,
            call.lie))

    def denied(self, call):
        """Not by KMS: its operations look for themselves."""
        return self._refusal(call, "AccessDenied", "as ordered", 403)

    def throttled(self, call):
        if call.request.listener != "main":
            return self._refusal(call, "Throttling", THROTTLED,
                                 400 if call.request.listener == "sts"
                                 else 429)
        return AwsError("ThrottlingException", THROTTLED)

    def failure(self, call, what):
        if call.request.listener != "main":
            status = int(what) if what.isdecimal() else None
            code = "InternalFailure" if status else what
            return self._refusal(call, code, "as ordered", status)
        if what == "500":
            return AwsError("KMSInternalException")
        text = "at the moment" if what in HTTP_STATUS else "as ordered"
        return AwsError(what, f"The request failed {text}.")

    def _refusal(self, call, code, text, status):
        """In the words of whoever it is that is not KMS."""
        listener = call.request.listener
        if listener == "sts":
            return sts.StsError(code, text, status)
        if listener == "sso":
            return SsoError(code, text, status or 400)
        if listener == "instance":
            return Plain(status or 400, code)
        return JsonError(status or 400, code, text)

    def broken(self, call):
        return AwsError("InternalFailure")

    def bad_framing(self, status):
        return AwsError("SerializationException", status=status)

    def encode(self, document):
        if sts.is_reply(document):
            return sts.to_xml(document)
        return super().encode(document)

    def headers(self, call):
        return [("x-amzn-RequestId", call.request_id),
                ("Cache-Control", "no-cache, no-store, must-revalidate")]

    def key_name(self, ref):
        return self.store.find(ref).id

    def log_members(self, call):
        identity = call.identity
        if call.request.listener != "main":
            return {"access_key": identity.access_key if identity else None,
                    "session": call.document.get("RoleSessionName")}
        return {"access_key": identity.access_key if identity else None,
                "keys": call.state.get("arns", []),
                "key_ref": call.document.get("KeyId"),
                "context": call.document.get("EncryptionContext")}

    def _keys_of(self, store, document):
        """The keys a request is about, as far as they can be told."""
        keys = []
        for member in KEY_MEMBERS:
            try:
                keys.append(store.find(document[member]))
            except (KeyError, AttributeError, TypeError, AwsError):
                pass            # absent or nonsense: the operation complains
        if not keys and "CiphertextBlob" in document:
            keys = [self._maker_of(store, document["CiphertextBlob"])]
        return [key for key in keys if key is not None]

    def _maker_of(self, store, text):
        try:
            return store.find_by_blob(BLOB.parse(text))
        except (AwsError, BadCiphertext):
            return None


def read_target(headers):
    target = sigv4.canonical_value(headers, "x-amz-target") or ""
    content_type = sigv4.canonical_value(headers, "content-type") or ""
    operation = target[len(TARGET_PREFIX):]
    known = target.startswith(TARGET_PREFIX) and operation in OPERATIONS
    if not known or content_type.split(";")[0].strip() != JSON_TYPE:
        raise AwsError("UnknownOperationException")
    return operation
