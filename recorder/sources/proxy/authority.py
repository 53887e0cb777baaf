"""The session's certificate authority: a key that never leaves memory, and leaves for the hosts that are asked for.

Programs of the session trust it through variables; it is never installed in the system. With the last process that
holds the key it is gone.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recorder.trace.errors import RecordingFailed

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
BEFORE = timedelta(hours=1)
"""A program whose clock is late must trust it, too."""
VALID = timedelta(days=1)
_MOST_LEAVES = 1000


class Leaf(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Authority:
    """A certificate and its key (P-256), valid for a day from `now` (and an hour back)."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: dict[tuple[str, ...], Leaf] = {}

    @classmethod
    def create(cls, now: datetime | None = None, name: str = "Reenact session") -> Authority:
        now = now or datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = key.public_key()
        certificate = (
            _builder(subject, subject, public, now - BEFORE, now + VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def from_pem(cls, pem: bytes) -> Authority:
        """The inverse of `secret_pem`. Raises ValueError for anything else."""
        key = serialization.load_pem_private_key(pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the key of an authority is P-256")  # noqa: TRY004 - bad content, not a bad call
        return cls(x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERT") :]), key)

    def secret_pem(self) -> bytes:
        """Key and certificate, for the process that signs. Not for any file."""
        return (
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self.pem()
        )

    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def digest(self) -> str:
        """SHA-256 of the certificate (DER), hex."""
        return hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    def spki(self) -> str:
        """SHA-256 of the public key's SubjectPublicKeyInfo (DER), base64: how Chromium names a key."""
        public = self.certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def leaf(self, names: Sequence[str]) -> Leaf:
        """A certificate for these host names and addresses; the same names get the same one."""
        wanted = tuple(dict.fromkeys(names))
        found = self._leaves.get(wanted)
        if found is None:
            if len(self._leaves) >= _MOST_LEAVES:
                self._leaves.clear()
            found = self._leaves[wanted] = self._sign(wanted)
        return found

    def _sign(self, names: tuple[str, ...]) -> Leaf:
        # A common name has 64 characters at most; who checks names reads the alternative ones.
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64] if names else "localhost")]
        )
        public = self._leaf_key.public_key()
        certificate = (
            _builder(
                subject,
                self.certificate.subject,
                public,
                self.certificate.not_valid_before_utc,
                self.certificate.not_valid_after_utc,
            )
            .add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return Leaf(certificate, self._leaf_key)


def write_trust(path: Path, authority: Authority | None, bundles: Iterable[Path]) -> None:
    """Writes what programs may trust to `path` (0600): `bundles` one behind the other, then `authority`.

    Bundles that are not there are left out. Raises RecordingFailed where the file cannot be written.
    """
    parts = []
    for bundle in bundles:
        try:
            parts.append(bundle.read_bytes())
        except OSError:
            continue  # the user's own setting was wrong before us, too
    if authority is not None:
        parts.append(authority.pem())
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            file.write(b"\n".join(parts))
    except OSError as error:
        raise RecordingFailed(f"{path}: {error.strerror}; the network cannot be recorded") from error


def system_bundle() -> Path | None:
    """The certificates that programs here trust by default, where there is such a file."""
    if SYSTEM_BUNDLE.exists():
        return SYSTEM_BUNDLE
    try:
        import certifi
    except ImportError:
        return None
    return Path(certifi.where())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    since: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode() if not name.isascii() else name)
