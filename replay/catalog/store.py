"""The index's file, `.catalog.sqlite` in the folder that it is of: whole or not at all, and none but ours.

A stranger's folder may come with an index that claims what no trace in it says, or harms who opens it. So a file counts
only with a code over all of it, made with a secret of this user's, and for the very inode in which it stands; that
tells every damage, too. It is read and written as a whole: readers wait for nobody, of two writers the later one wins.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from recorder.trace.folders import trace_folder

NAME = ".catalog.sqlite"
_CODE = 32
_MOST = 1 << 30
_STALE = 3600.0
"""After so many seconds what a writer that was killed left behind is removed."""


def load(folder: Path) -> bytes | None:
    """The database that was kept of a folder; None where there is none that is whole and ours."""
    try:
        fd = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or not _CODE < status.st_size <= _MOST:
                return None
            data = file.read(status.st_size)
    except OSError:
        return None
    secret = _secret(make=False)
    content = memoryview(data)[:-_CODE]
    if secret is None or not hmac.compare_digest(_code(secret, status.st_ino, content), data[-_CODE:]):
        return None
    return bytes(content)


def keep(folder: Path, database: bytes) -> bool:
    """Keeps it, mode 0600; False where the folder (or that of the secret) takes no file."""
    secret = _secret(make=True)
    if secret is None or len(database) > _MOST - _CODE:
        return False
    beside = None
    try:
        _clear(folder)
        fd, beside = tempfile.mkstemp(prefix=f"{NAME}.", dir=folder)
        with open(fd, "wb") as file:
            file.write(database)
            file.write(_code(secret, os.fstat(fd).st_ino, database))
        os.replace(beside, folder / NAME)
    except OSError:
        if beside is not None:
            with suppress(OSError):
                os.unlink(beside)
        return False
    return True


def _code(secret: bytes, inode: int, content: bytes | memoryview) -> bytes:
    told = hashlib.blake2b(inode.to_bytes(8, "big"), key=secret, digest_size=_CODE)
    told.update(content)
    return told.digest()


def _clear(folder: Path) -> None:
    for left in folder.glob(f"{NAME}.*"):
        with suppress(OSError):
            if left.lstat().st_mtime < time.time() - _STALE:
                left.unlink()


def _secret(*, make: bool) -> bytes | None:
    """32 random bytes that this user alone has."""
    place = trace_folder() / ".keys" / "catalog"
    try:
        if make and not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, beside = tempfile.mkstemp(prefix=".catalog.", dir=place.parent)
            try:
                with open(fd, "wb") as file:
                    file.write(os.urandom(_CODE))
                with suppress(FileExistsError):  # another process was first
                    os.link(beside, place)
            finally:
                os.unlink(beside)
        secret = place.read_bytes()
        return secret if len(secret) == _CODE and not place.stat().st_mode & 0o077 else None
    except OSError:
        return None
