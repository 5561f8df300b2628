# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of its own, and one server certificate."""

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


def make(names=DEFAULT_NAMES):
    """Returns the CA certificate (PEM) and a context for the server."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = build_ca(ca_key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = build_server(key, names, ca, ca_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_chain(context, certificate, key)
    return pem(ca), context


def build_ca(key):
    name = common_name("ownkey test CA")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True,
                          False, False)
    return (begin(name, name, key)
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256()))


def build_server(key, names, ca, ca_key):
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        ca_key.public_key())
    server_only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    alternatives = x509.SubjectAlternativeName([general(n) for n in names])
    return (begin(common_name("ownkey test server"), ca.subject, key)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(server_only, critical=False)
            .add_extension(alternatives, critical=False)
            .add_extension(issuer, critical=False)
            .sign(ca_key, hashes.SHA256()))


def begin(subject, issuer, key):
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    return (x509.CertificateBuilder().subject_name(subject)
            .issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day).not_valid_after(now + 7 * day))


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def load_chain(context, certificate, key):
    """The ssl module reads keys from files only: one that is gone at once."""
    private = key.private_bytes(serialization.Encoding.PEM,
                                serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem(certificate) + private)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
