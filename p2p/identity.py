"""Who we are on a link, and who the other is: self-signed Ed25519 certificates, known in advance.

There is no certificate authority. Each end trusts exactly the certificates it was given, and after
the handshake the one presented is compared with the peer's. Nothing expires (9999-12-31):
membership is the revocation list.
"""

import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

_NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def make_certificate(private_key: Ed25519PrivateKey, name: str) -> bytes:
    """The DER certificate of a node; the same key and name always give the same bytes."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private_key.public_key())
        .serial_number(1)
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )
    return builder.sign(private_key, None).public_bytes(Encoding.DER)


def certificate_key(certificate: bytes) -> bytes:
    """The 32-byte public key of a DER certificate. Raises ValueError unless it is an Ed25519
    one."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the certificate's key is not Ed25519")
    return key.public_bytes_raw()


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A node's TLS key and certificate."""

    secret: bytes = field(repr=False)
    """The 32 secret bytes of the Ed25519 key."""
    certificate: bytes
    """DER."""

    @classmethod
    def make(cls, secret: bytes, name: str) -> "TlsIdentity":
        """The identity of a key under a name."""
        key = Ed25519PrivateKey.from_private_bytes(secret)
        return cls(secret, make_certificate(key, name))


def tls_context(
    identity: TlsIdentity, trusted: Iterable[bytes], *, is_server: bool
) -> ssl.SSLContext:
    """TLS 1.3, mutual, trusting exactly the given DER certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    if is_server:
        context.num_tickets = 0
    for certificate in trusted:
        context.load_verify_locations(cadata=certificate)
    _load_own(context, identity)
    return context


def _load_own(context: ssl.SSLContext, identity: TlsIdentity) -> None:
    """The ssl module reads keys from files only: give it one that exists in memory alone."""
    key = Ed25519PrivateKey.from_private_bytes(identity.secret)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += ssl.DER_cert_to_PEM_cert(identity.certificate).encode()
    descriptor = os.memfd_create("urbanchain-tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
