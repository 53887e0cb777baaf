"""A certificate authority of the replay's own: made for one replay, its key never written anywhere."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BEGIN = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)
_END = datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)
"""Whatever time of day the replayed programs see lies between."""
_MOST_HOSTS = 1024
SESSION = "Reenact session"
UNVERIFIED = "Reenact: the origin's certificate does not verify"
"""Names that the recorder's authorities have."""


class ReplayAuthority:
    """Issues a certificate per host, as hosts are asked for. `pem` is what clients are to trust.

    `http2(host)` says whether the host may speak HTTP/2. The `name` is that of the recorder's own: programs print it.
    With `chain` its certificate is sent too.
    """

    def __init__(self, http2: Callable[[str], bool], name: str = SESSION, *, chain: bool = True) -> None:
        self.http2 = http2
        self._chain = chain
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._issue()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def spki(self) -> str:
        """SHA-256 of the public key's SubjectPublicKeyInfo, base64: how Chromium names a key."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """For a server that is taken for `host`; for another one if the client names it."""
        host = host.lower().rstrip(".")
        found = self._contexts.get(host)
        if found is None:
            if len(self._contexts) >= _MOST_HOSTS:
                self._contexts.clear()
            found = self._contexts[host] = self._context(host)
        return found

    def _context(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = os.memfd_create("leaf", os.MFD_CLOEXEC)  # OpenSSL reads files only; this one is on no disk
        try:
            private = self._leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            leaf = self._leaf(host).public_bytes(serialization.Encoding.PEM)
            os.write(chain, private + leaf + (self.pem if self._chain else b""))
            context.load_cert_chain(f"/proc/self/fd/{chain}")
        finally:
            os.close(chain)
        context.set_alpn_protocols(["h2", "http/1.1"] if self.http2(host) else ["http/1.1"])

        def named(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if name and name.lower() != host:
                try:
                    connection.context = self.context(name)
                except ValueError:  # no name that a certificate can have
                    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return None

        context.sni_callback = named
        return context

    def _issue(self) -> x509.Certificate:
        public = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _leaf(self, host: str) -> x509.Certificate:
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64] or "unnamed")]))
            .issuer_name(self._name)
            .public_key(self._leaf_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._leaf_key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
