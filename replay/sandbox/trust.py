"""What the programs in a sandbox trust besides the system's authorities: made up in a folder, shown in its places.

Programs look in bundles (curl, git, Python), in folders of certificates by the hash of their subject (OpenSSL's own,
Perl, Ruby), in certifi's file (Python's requests and pip), and in Java's store. Node brings its own and looks in
NODE_EXTRA_CA_CERTS only.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import os
import re
import struct
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509

from replay.sandbox.spec import Bind

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_HASHED = (
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted/pem/directory-hash",
)
_PYTHON = (
    "/usr/lib/python3*/*-packages",
    "/usr/lib64/python3*/*-packages",
    "/usr/local/lib/python3*/*-packages",
)
_CERTIFI = ("certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem")
_JAVA = (
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
    "/usr/lib/jvm/*/lib/security/cacerts",
    "/usr/lib/jvm/*/jre/lib/security/cacerts",
    "/opt/*/lib/security/cacerts",
)
_MOST = 16 << 20
_MOST_ENTRIES = 5000
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def trusting(authorities: bytes, folder: Path, tools: Iterable[Path] = ()) -> list[Bind]:
    """What to show so that programs trust `authorities` (PEM), too; made in `folder`, which is empty.

    `tools` are more folders that the sandbox shows, with Python environments in them, perhaps. Nothing for no
    authorities. Raises OSError.
    """
    if not authorities:
        return []
    shown: dict[str, bytes] = {}
    for path in (*BUNDLES, *_certifi(tools)):
        content = _content(path)
        if content is not None:
            shown.setdefault(os.path.realpath(path), content.rstrip() + b"\n" + authorities)
    system = next((shown[real] for path in BUNDLES if (real := os.path.realpath(path)) in shown), authorities)
    store = java_store(_der(system))
    for path in _found(_JAVA):
        shown[os.path.realpath(path)] = store
    binds = []
    for number, hashed in enumerate(path for path in _HASHED if _is_folder(path)):
        made = folder / f"hashed-{number}"
        _copy_folder(Path(hashed), made, shown)
        for der in _der(authorities):
            certificate = x509.load_der_x509_certificate(der)
            _write(made / f"{subject_hash(certificate)}.0", _pem(der))
        binds.append(Bind(made, hashed, False))
    for number, (path, content) in enumerate(shown.items()):
        if not any(path.startswith(bind.inside + "/") for bind in binds):
            _write(folder / f"file-{number}", content)
            binds.append(Bind(folder / f"file-{number}", path, False))
    return binds


def subject_hash(certificate: x509.Certificate) -> str:
    """The name by which OpenSSL looks a certificate up in a folder, as `openssl x509 -hash` prints it."""
    # The canonical form: strings in lower case with single blanks, without the outer frame.
    attributes = [
        x509.NameAttribute(one.oid, " ".join(str(one.value).lower().split())) for one in certificate.subject
    ]
    name = x509.Name(attributes).public_bytes()
    inner = name[2 if name[1] < 0x80 else 2 + (name[1] & 0x7F) :]
    return f"{int.from_bytes(hashlib.sha1(inner).digest()[:4], 'little'):08x}"


def java_store(certificates: Iterable[bytes]) -> bytes:
    """A Java key store (JKS) of trusted certificates (DER), with the customary password."""
    entries = list(certificates)
    out = bytearray(struct.pack("!III", 0xFEEDFEED, 2, len(entries)))
    for number, der in enumerate(entries):
        alias = b"ca-%d" % number
        out += struct.pack("!IH", 2, len(alias)) + alias + struct.pack("!QH", 0, 5) + b"X.509"
        out += struct.pack("!I", len(der)) + der
    seal = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + out)
    return bytes(out) + seal.digest()


def _certifi(tools: Iterable[Path]) -> list[str]:
    places = [*_PYTHON, *(f"{glob.escape(str(tool))}/lib/python3*/*-packages" for tool in tools)]
    return _found(f"{place}/{name}" for place in places for name in _CERTIFI)


def _found(patterns: Iterable[str]) -> list[str]:
    return [path for pattern in patterns for path in sorted(glob.glob(pattern)) if os.path.isfile(path)]


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and os.path.realpath(path) == path


def _content(path: str) -> bytes | None:
    try:
        if os.path.getsize(path) > _MOST:
            return None
        return Path(path).read_bytes()
    except OSError:
        return None


def _der(pem: bytes) -> list[bytes]:
    return [base64.b64decode(match + b"==") for match in _PEM.findall(pem)]  # what is cut short stays so


def _pem(der: bytes) -> bytes:
    text = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def _copy_folder(source: Path, target: Path, shown: dict[str, bytes]) -> None:
    """The folder with its links as they are; files in `shown` have that content."""
    target.mkdir(mode=0o755)
    for entry in sorted(os.listdir(source))[:_MOST_ENTRIES]:
        path = source / entry
        if path.is_symlink():
            (target / entry).symlink_to(os.readlink(path))
        elif path.is_dir():
            _copy_folder(path, target / entry, shown)
        elif (content := shown.get(str(path))) is not None or (content := _content(str(path))) is not None:
            _write(target / entry, content)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)
