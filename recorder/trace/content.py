"""Reading one file of a tree that others write to: its content's hash, and whether its times can be trusted."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from typing import NamedTuple, Protocol

from recorder.trace.errors import ReenactError
from recorder.trace.events import FileState, escape_path
from recorder.trace.openat import REGULAR
from recorder.trace.printable import printable

RACY_NS = 50_000_000
"""A file changed this shortly before it was read may change again without its times showing it: it is read anew."""
RACY_COARSE_NS = 2_100_000_000
"""The same where the file system keeps whole seconds."""
_ATTEMPTS = 3
_PORTION = 1 << 20
_LARGE = 1 << 16


class Withheld(ReenactError):
    """The sink does not keep this content, on purpose; the message says why."""


class BlobSink(Protocol):
    """Where content goes; `blobs.BlobStore` is one. Both raise RecordingFailed where it cannot be kept, Withheld where
    it must not be."""

    def put(self, content: bytes, /) -> str: ...

    def put_fd(self, fd: int, most: int, /) -> tuple[str, int]: ...


class Limits(NamedTuple):
    """What a scan takes on. `entries` and `total_bytes` bound the whole tree, `file_bytes` one file outside a
    git folder, `kept_bytes` all content put in the sink over the scanner's life."""

    entries: int = 200_000
    total_bytes: int = 512 << 20
    file_bytes: int = 64 << 20
    kept_bytes: int = 2 << 30
    depth: int = 64


class Seen(NamedTuple):
    """What stood somewhere at the last look, and by what to tell that it is still the same.

    With `racy` its times cannot tell, and it is read anew.
    """

    state: FileState
    inode: int
    ctime_ns: int
    racy: bool

    def is_still(self, status: os.stat_result) -> bool:
        """Whether a regular file with this status must have the same content and mode."""
        state = self.state
        return (
            not self.racy
            and self.ctime_ns == status.st_ctime_ns
            and state.mtime_ns == status.st_mtime_ns
            and state.size == status.st_size
            and self.inode == status.st_ino
            and state.type == "file"
        )


class ContentReader:
    """Reads regular files into states. `troubles` are contents that the sink refused, for whoever records."""

    def __init__(self, limits: Limits, blobs: BlobSink | None) -> None:
        self.troubles: list[str] = []
        self._limits = limits
        self._blobs = blobs
        self._kept = 0
        self._large: set[str] = set()

    def read(self, path: bytes, name: bytes, fd: int, status: os.stat_result) -> Seen:
        """The file `path`, called `name` in the folder open at `fd`; without content, the state says why."""
        why = "it changed while it was read"
        for _ in range(_ATTEMPTS):
            try:
                file = os.open(name, REGULAR, dir_fd=fd)
            except OSError as error:
                why = _reason(error)
                break
            try:
                status = os.fstat(file)
                if not stat.S_ISREG(status.st_mode):
                    state = FileState(type="other", mode=stat.S_IMODE(status.st_mode))
                    return Seen(state, status.st_ino, 0, False)
                most = self._most(path)
                refusal = self._refusal(path, status, most)
                if refusal is not None:
                    why = refusal
                    break
                now = time.time_ns()
                digest, length = self._digest(file, status.st_size, most)
                if length == status.st_size and _key(os.fstat(file)) == _key(status):
                    return self._kept_as(digest, status, now)
            except ValueError:
                continue  # it changed: the sink's word for it
            except Withheld as error:
                why = str(error)
                break
            except ReenactError as error:
                why = "not kept"
                self.troubles.append(f"{_shown(path)}: {error}")
                break
            except OSError as error:
                why = _reason(error)
                break
            finally:
                os.close(file)
        state = FileState(
            type="file",
            mode=stat.S_IMODE(status.st_mode),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            skipped=why,
        )
        return Seen(state, status.st_ino, status.st_ctime_ns, True)

    def _most(self, path: bytes) -> int:
        """The size up to which the file is read. A repository without one of its packs would be none."""
        in_git = path.startswith(b".git/") or b"/.git/" in path
        return self._limits.total_bytes if in_git else self._limits.file_bytes

    def _refusal(self, path: bytes, status: os.stat_result, most: int) -> str | None:
        """Why a file of this size is not read, if so."""
        size = status.st_size
        if size > most:
            on_disk = min(size, status.st_blocks * 512)
            return f"larger than {amount(most)} ({amount(size)}, {amount(on_disk)} on disk)"
        if self._blobs is not None and self._kept + size > self._limits.kept_bytes:
            why = f"over {amount(self._limits.kept_bytes)} kept in this session"
            self.troubles.append(f"{_shown(path)}: {why}")
            return why
        return None

    def _kept_as(self, digest: str, status: os.stat_result, now: int) -> Seen:
        # The same content again costs nothing: only for small files, which cost little, is it counted anew.
        if status.st_size < _LARGE or digest not in self._large:
            self._kept += status.st_size
        if status.st_size >= _LARGE:
            self._large.add(digest)
        state = FileState(
            type="file",
            mode=stat.S_IMODE(status.st_mode),
            size=status.st_size,
            blob=digest,
            mtime_ns=status.st_mtime_ns,
        )
        coarse = status.st_mtime_ns % 1_000_000_000 == 0
        racy = max(status.st_mtime_ns, status.st_ctime_ns) >= now - (RACY_COARSE_NS if coarse else RACY_NS)
        return Seen(state, status.st_ino, status.st_ctime_ns, racy)

    def _digest(self, file: int, size: int, most: int) -> tuple[str, int]:
        """Digest and length of what the file holds; a length other than `size` where it changes meanwhile."""
        if self._blobs is not None and size > _PORTION:
            return self._blobs.put_fd(file, most)
        if size > _PORTION:
            hasher = hashlib.sha256()
            length = 0
            while length <= size and (data := os.read(file, _PORTION)):
                hasher.update(data)
                length += len(data)
            return hasher.hexdigest(), length
        content = os.read(file, size + 1)
        while content and len(content) <= size and (more := os.read(file, size + 1 - len(content))):
            content += more
        if self._blobs is None or len(content) != size:
            return hashlib.sha256(content).hexdigest(), len(content)
        return self._blobs.put(content), size


def amount(size: int) -> str:
    """A number of bytes for people: `1.5 MiB`."""
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.4g} {unit}"
    return f"{size} bytes"


def _key(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def _shown(path: bytes) -> str:
    return printable(escape_path(path))
