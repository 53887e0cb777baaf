"""Blobs while a session runs: a folder of immutable payloads, each named by the SHA-256 of its content."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from recorder.trace import compression
from recorder.trace.errors import RecordingFailed, TraceRejected, UsageError
from recorder.trace.limits import IO, MAX_BLOB

_NAME = re.compile(r"[0-9a-f]{64}\Z")
_AT_ONCE = 4 << 20


class BlobTooLarge(UsageError):
    """The content is over the size the caller allows; nothing was kept."""


class BlobStore:
    """Payloads in `folder` (made with mode 0700), one zstd file `<sha256>.zst` (mode 0600) each.

    A blob is there whole or not at all: it is written beside and renamed. Once `put` has returned it survives the
    death of this process; a power cut, once `sync()` has returned. Putting the same content again costs its hash only.
    Writers in several processes may share a folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._prefix = f"{folder}{os.sep}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed("cannot be made", error) from error

    def put(self, content: bytes) -> str:
        """Keeps `content` and returns its digest. Raises BlobTooLarge or RecordingFailed."""
        if len(content) > MAX_BLOB:
            raise BlobTooLarge(f"a blob of {len(content)} bytes; the most is {MAX_BLOB}")
        digest = hashlib.sha256(content).hexdigest()
        if not self.has(digest):
            self._place(digest, lambda write: write(compression.compress(content)))
        return digest

    def put_fd(self, fd: int, most: int = MAX_BLOB) -> tuple[str, int]:
        """Keeps the content of an open regular file, from its start: (digest, size).

        Takes the size that the file has now: what a growing file gains meanwhile is left out. Memory stays flat.
        Raises BlobTooLarge over `most` bytes, ValueError where the file changes under our hands, RecordingFailed
        where it cannot be kept.
        """
        size = os.fstat(fd).st_size
        if size > min(most, MAX_BLOB):
            raise BlobTooLarge(f"a file of {size} bytes; the most is {min(most, MAX_BLOB)}")
        if size <= _AT_ONCE:
            content = b"".join(_portions(fd, size))
            return self.put(content), len(content)
        hasher = hashlib.sha256()
        for data in _portions(fd, size):
            hasher.update(data)
        digest = hasher.hexdigest()
        if not self.has(digest):
            again = hashlib.sha256()
            portions = _portions(fd, size)

            def read(_: int) -> bytes:
                data = next(portions, b"")
                again.update(data)
                return data

            def fill(write: Callable[[bytes], object]) -> None:
                compression.compress_stream(read, size, write)
                if again.digest() != hasher.digest():
                    raise ValueError("the file changed while it was read")

            self._place(digest, fill)
        return digest, size

    def spool(self) -> Spool:
        """A blob that comes in pieces; nothing of it stands here until `Spool.keep`."""
        return Spool(self)

    def drop_spools(self, pid: int) -> None:
        """Removes the spools that a dead process of this number left behind."""
        for path in self.folder.glob(f".spool-{pid}-*"):
            path.unlink(missing_ok=True)

    def has(self, digest: str) -> bool:
        return os.path.lexists(self._name(digest))

    def get(self, digest: str, most: int = MAX_BLOB) -> bytes:
        """The content. Raises KeyError where there is none, RecordingFailed where it is damaged or over `most`."""
        try:
            return b"".join(self.stream(digest, most))
        except TraceRejected as error:
            raise RecordingFailed(f"blob {error}; it cannot be used.") from error

    def stream(self, digest: str, most: int = MAX_BLOB) -> Iterator[bytes]:
        """The content in portions, its hash checked at the end. Raises KeyError, or TraceRejected for damage."""
        with self.open(digest) as file:
            size = os.fstat(file.fileno()).st_size
            hasher = hashlib.sha256()

            def read(offset: int, count: int) -> bytes:
                return os.pread(file.fileno(), count, offset)

            for data in compression.stream(read, size, self._name(digest), most=most):
                hasher.update(data)
                yield data
        if hasher.hexdigest() != digest:
            raise RecordingFailed(
                f"blob {self.path(digest)} does not hold what its name says; it cannot be used."
            )

    def open(self, digest: str) -> _Packed:
        """The packed file, as it goes into a trace. Raises KeyError where there is none."""
        try:
            return _Packed(os.open(self._name(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))
        except FileNotFoundError:
            raise KeyError(digest) from None
        except OSError as error:
            raise self._failed(f"cannot read blob {digest}", error) from error

    def __iter__(self) -> Iterator[str]:
        """Digests of all blobs here, sorted."""
        return iter(
            sorted(n[:64] for n in os.listdir(self.folder) if n.endswith(".zst") and _NAME.match(n[:64]))
        )

    def path(self, digest: str) -> Path:
        """Where the blob is or would be. Raises ValueError for what is no digest."""
        return Path(self._name(digest))

    def _name(self, digest: str) -> str:
        if not _NAME.match(digest):
            raise ValueError(f"not a digest: {digest!r}")
        return (
            f"{self._prefix}{digest}.zst"  # as text: a Path costs as much as the rest of keeping a small blob
        )

    def sync(self) -> None:
        """Returns when all blobs put so far are on disk. Raises RecordingFailed."""
        try:
            fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                # One call for the file system: a sync per blob would cost milliseconds times thousands.
                if _syncfs is not None and _syncfs(fd) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                if _syncfs is None:
                    os.sync()
            finally:
                os.close(fd)
        except OSError as error:
            raise self._failed("cannot be synced", error) from error

    def _keep_spooled(self, digest: str, size: int, read: Callable[[int], bytes]) -> None:
        if not self.has(digest):
            self._place(digest, lambda write: compression.compress_stream(read, size, write))

    def _place(self, digest: str, fill: Callable[[Callable[[bytes], object]], object]) -> None:
        # No thread and no other process takes the same name; one left by a dead process of this number is replaced.
        beside = f"{self._prefix}.partial-{os.getpid()}-{threading.get_ident()}"
        try:
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with open(fd, "wb", buffering=0) as file:
                fill(lambda data: _write_all(file.fileno(), data))
            os.rename(beside, self._name(digest))
            beside = ""
        except OSError as error:
            raise self._failed(f"took no blob {digest}", error) from error
        finally:
            if beside:
                Path(beside).unlink(missing_ok=True)

    def _failed(self, what: str, error: OSError) -> RecordingFailed:
        return RecordingFailed(
            f"{self.folder} {what}: {error.strerror or error}. Blobs kept before it stand."
        )


class Spool:
    """The pieces of a blob that is still coming, hashed as they come.

    Up to `IN_MEMORY` bytes wait in memory, more in a private file in the store's folder, so memory stays flat. One
    thread at a time. End it with `keep` or `drop`.
    """

    IN_MEMORY = 256 << 10

    def __init__(self, store: BlobStore) -> None:
        self.size = 0
        self._store = store
        self._hasher = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._fd = -1
        self._path = ""

    @property
    def in_file(self) -> bool:
        """Whether the pieces went to a file: then keeping them takes a while."""
        return self._fd >= 0

    def write(self, data: bytes) -> None:
        """Takes a piece. Raises BlobTooLarge where it gets too long, RecordingFailed where the disk takes none."""
        self.size += len(data)
        if self.size > MAX_BLOB:
            raise BlobTooLarge(f"a blob of {self.size} bytes or more; the most is {MAX_BLOB}")
        self._hasher.update(data)
        if self._fd < 0:
            self._pieces.append(data)
            if self.size <= self.IN_MEMORY:
                return
            data = b"".join(self._pieces)
            self._pieces = []
        try:
            if self._fd < 0:
                self._path = f"{self._store.folder}{os.sep}.spool-{os.getpid()}-{id(self):x}"
                flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
                self._fd = os.open(self._path, flags, 0o600)
            _write_all(self._fd, data)
        except OSError as error:
            raise self._store._failed("took no more of a blob", error) from error

    def keep(self) -> str:
        """Makes it a blob and returns its digest. Raises RecordingFailed. The spool is at its end in any case."""
        try:
            if self._fd < 0:
                return self._store.put(b"".join(self._pieces))
            digest = self._hasher.hexdigest()
            portions = _portions(self._fd, self.size)
            self._store._keep_spooled(digest, self.size, lambda _: next(portions, b""))
            return digest
        finally:
            self.drop()

    def drop(self) -> None:
        """Forgets it all; further calls do nothing."""
        self._pieces = []
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            Path(self._path).unlink(missing_ok=True)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class _Packed:
    """An open packed blob; a context manager."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _portions(fd: int, size: int) -> Iterator[bytes]:
    at = 0
    while at < size:
        data = os.pread(fd, min(IO, size - at), at)
        if not data:
            raise ValueError("the file shrank while it was read")
        at += len(data)
        yield data


_syncfs: Any
try:
    _syncfs = ctypes.CDLL(None, use_errno=True).syncfs
except (OSError, AttributeError):
    _syncfs = None
