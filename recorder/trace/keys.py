"""The signing key's file: an ed25519 private key as unencrypted PKCS #8 PEM, readable by its owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from recorder.trace.errors import UsageError


def load_key(path: Path | str) -> Ed25519PrivateKey:
    """The key in `path`. Raises UsageError where there is none, others may read it, or it is no ed25519 key."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            mode = stat.S_IMODE(os.fstat(fd).st_mode)
            if mode & 0o077:
                raise UsageError(f"{path} may be read by others (mode {mode:03o}); run: chmod 600 {path}")
            key = load_pem_private_key(file.read(65536), password=None)
    except OSError as error:
        raise UsageError(f"signing key {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"signing key {path} is not an unencrypted PEM private key; make a new one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"signing key {path} is not an ed25519 key; make a new one")
    return key


def create_key(path: Path | str) -> Ed25519PrivateKey:
    """Makes a key and keeps it in `path` (mode 0600), folders too (0700). Never replaces a file: raises UsageError."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(fd)
    except OSError as error:
        raise UsageError(f"signing key {path} cannot be made: {error.strerror}") from error
    return key
