"""The file that is imported: mapped into memory, and what stands beside a HAR."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from recorder.imports.exchange import ImportRejected
from recorder.imports.har_body import Attachments
from recorder.trace.errors import UsageError

MOST_FILE = 4 << 30
"""Bytes of a file that is imported, and of a HAR that comes out of an archive."""
MOST_ATTACHED = 64 << 20
"""Bytes of one attachment; it is held in memory."""
_HASHED = re.compile(r"([0-9a-f]{40})(?:\.[A-Za-z0-9]{1,12})?\Z")
_PORTION = 1 << 20
_UNREADABLE = (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError)
"""What the reading of a damaged or hostile archive raises."""


class Har(NamedTuple):
    data: memoryview
    attachments: Attachments


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The regular file at `path`. Raises UsageError where there is none, ImportRejected where it is too large."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise UsageError(f"{path} is no regular file; save it to one first")
    with open(fd, "rb") as file:
        if status.st_size > MOST_FILE:
            raise ImportRejected(f"{path}: {status.st_size} bytes; the most is {MOST_FILE}")
        yield file


def sha256(file: BinaryIO) -> str:
    """Of the whole file; it stands at its start afterwards."""
    file.seek(0)
    hasher = hashlib.sha256()
    while data := file.read(_PORTION):
        hasher.update(data)
    file.seek(0)
    return hasher.hexdigest()


@contextmanager
def har(path: Path, file: BinaryIO) -> Iterator[Har]:
    """The HAR in `file`, plain or in an archive with its attachments, as Playwright writes both.

    Raises ImportRejected where it is empty, no proper archive, or has no HAR in it.
    """
    with ExitStack() as stack:
        attachments: Attachments = _Beside(path.parent).read
        if file.read(4) == b"PK\x03\x04":
            archive = stack.enter_context(_unzipped(path, file))
            file = stack.enter_context(_har_of(path, archive))
            attachments = _Within(archive).read
        if os.fstat(file.fileno()).st_size == 0:
            raise ImportRejected(f"{path}: is empty")
        mapped = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        view = memoryview(mapped)
        try:
            yield Har(view, attachments)
        finally:
            stack.pop_all()  # views of entries may still be about; the map goes when the last of them does


@contextmanager
def _unzipped(path: Path, file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ImportRejected(f"{path}: no proper ZIP archive: {error}") from None
    with archive:
        yield archive


@contextmanager
def _har_of(path: Path, archive: zipfile.ZipFile) -> Iterator[BinaryIO]:
    name = next((name for name in archive.namelist() if name.lower().endswith(".har")), None)
    if name is None:
        raise ImportRejected(f"{path}: an archive without a .har file in it")
    with tempfile.TemporaryFile() as file:
        size = 0
        try:
            with archive.open(name) as member:
                while data := member.read(_PORTION):
                    size += len(data)
                    if size > MOST_FILE:
                        raise ImportRejected(f"{path}: {name} has more than {MOST_FILE} bytes")
                    file.write(data)
        except _UNREADABLE as error:
            raise ImportRejected(f"{path}: {name} cannot be read: {error}") from None
        file.flush()
        yield file


class _Within:
    """Attachments in the HAR's own archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def read(self, name: str) -> bytes | None:
        try:
            if self._archive.getinfo(name).file_size > MOST_ATTACHED:
                return None
            with self._archive.open(name) as member:
                data = member.read(MOST_ATTACHED + 1)
        except (KeyError, *_UNREADABLE):
            return None
        return data if len(data) <= MOST_ATTACHED else None


class _Beside:
    """Attachments in the HAR's folder. A HAR may be a stranger's, and ask for any file of ours: only one that is named
    by the hash of what is in it is read, as Playwright names them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        found = _HASHED.match(name)
        if found is None:
            return None
        try:
            fd = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(fd, "rb") as file:
                data = file.read(MOST_ATTACHED + 1)
        except OSError:
            return None
        named = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        return data if named == found.group(1) and len(data) <= MOST_ATTACHED else None
