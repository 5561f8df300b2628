# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of its own, and what it issues."""

import datetime
import ipaddress
import os
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_NAMES = ("localhost", "127.0.0.1")


class Authority:
    def __init__(self, name="ownkey test CA"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._build_own(common_name(name))
        self.pem = pem(self.certificate)

    def _build_own(self, name):
        identifier = x509.SubjectKeyIdentifier.from_public_key(
            self._key.public_key())
        usage = x509.KeyUsage(False, False, False, False, False, True, True,
                              False, False)
        return (begin(name, name, self._key, days=7)
                .add_extension(x509.BasicConstraints(True, 0), critical=True)
                .add_extension(usage, critical=True)
                .add_extension(identifier, critical=False)
                .sign(self._key, hashes.SHA256()))

    def issue(self, name, alternatives=(), client=False, days=7):
        """A certificate with a key of its own; returns both.

        alternatives  names and addresses it is for
        days          until it expires; negative: it has, that long ago
        """
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = (ExtendedKeyUsageOID.CLIENT_AUTH if client
                   else ExtendedKeyUsageOID.SERVER_AUTH)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self._key.public_key())
        builder = (begin(common_name(name), self.certificate.subject, key,
                         days)
                   .add_extension(x509.BasicConstraints(False, None),
                                  critical=True)
                   .add_extension(x509.ExtendedKeyUsage([purpose]),
                                  critical=False)
                   .add_extension(issuer, critical=False))
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [general(each) for each in alternatives]), critical=False)
        return builder.sign(self._key, hashes.SHA256()), key


def server_context(authority, names=DEFAULT_NAMES, client_authorities=None):
    """A context for a server, with a certificate for these names.

    client_authorities  PEM of those whose client certificates are accepted;
                        a client may also have none. None: nobody is asked.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_chain(context, *authority.issue("ownkey test server", names))
    if client_authorities is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=client_authorities.decode())
    return context


def begin(subject, issuer, key, days):
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    return (x509.CertificateBuilder().subject_name(subject)
            .issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day * (1 + max(0, -days)))
            .not_valid_after(now + day * days))


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def load_chain(context, certificate, key):
    """The ssl module reads keys from files only: one that is gone at once."""
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem(certificate) + private_pem(key))
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
