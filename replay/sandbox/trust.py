"""What the programs in a sandbox trust besides the system's authorities: made up, and shown in its places.

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
import string
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

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
_MOST_ENTRIES = 1000
"""Of a folder; bubblewrap takes some 9,000 arguments in all."""
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class Trust[Content](NamedTuple):
    """What to show: `folders` made anew, with `links` (path -> where it points) and, there or elsewhere, `files`."""

    folders: list[str]
    links: dict[str, str]
    files: dict[str, Content]


NOTHING: Trust[Any] = Trust([], {}, {})


def trusting(authorities: bytes, tools: Iterable[Path] = ()) -> Trust[bytes]:
    """What to show so that programs trust `authorities` (PEM), too. Nothing is written.

    `tools` are more folders that the sandbox shows, with Python environments in them, perhaps. Nothing for no
    authorities.
    """
    if not authorities:
        return NOTHING
    files: dict[str, bytes] = {}
    for path in (*BUNDLES, *_certifi(tools)):
        content = _content(path)
        if content is not None:
            files.setdefault(os.path.realpath(path), content.rstrip() + b"\n" + authorities)
    system = next((files[real] for path in BUNDLES if (real := os.path.realpath(path)) in files), authorities)
    store = java_store(_der(system))
    files |= {os.path.realpath(path): store for path in _found(_JAVA)}
    trust = Trust[bytes]([], {}, files)
    for hashed in _HASHED:
        if os.path.isdir(hashed) and os.path.realpath(hashed) == hashed:
            _folder(hashed, trust)
            for der in _der(authorities):
                files[f"{hashed}/{subject_hash(der)}.0"] = _pem(der)
    return trust


def subject_hash(der: bytes) -> str:
    """The name by which OpenSSL looks a certificate up in a folder, as `openssl x509 -hash` prints it."""
    from cryptography import x509  # here: most sandboxes have no network, and it takes a while

    certificate = x509.load_der_x509_certificate(der)
    # The canonical form: strings in lower case (of ASCII only) with single blanks, without the outer frame.
    attributes = [
        x509.NameAttribute(one.oid, " ".join(str(one.value).split()).translate(_LOWER))
        for one in certificate.subject
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


def _folder(folder: str, trust: Trust[bytes]) -> None:
    """Has a folder shown with what is in it, but for what is in `trust.files` already."""
    trust.folders.append(folder)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)[:_MOST_ENTRIES]:
        if entry.is_symlink():
            trust.links[entry.path] = os.readlink(entry.path)
        elif entry.is_dir():
            _folder(entry.path, trust)
        elif entry.path not in trust.files and (content := _content(entry.path)) is not None:
            trust.files[entry.path] = content
