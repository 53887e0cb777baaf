"""Writing the ZIP file that a trace is (see `ziplayout`): beside its final name, which appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from recorder.trace import limits, ziplayout
from recorder.trace.errors import RecordingFailed, UsageError
from recorder.trace.manifest import Member
from recorder.trace.ziplayout import Entry

Sink = Callable[[bytes], object]


class ArchiveWriter:
    """A ZIP of the one layout that traces have, written to a file of mode 0600 beside `out`.

    `publish` puts it in its place in one step, synced; leaving the context without it leaves no file. Raises
    RecordingFailed, naming the path, where it cannot be written; UsageError where `out` exists and is not to be
    replaced.
    """

    def __init__(self, out: Path | str, *, replace: bool = False) -> None:
        self.out = Path(out)
        self._replace = replace
        self._entries: list[Entry] = []
        self._names: set[str] = set()
        if not replace and os.path.lexists(self.out):
            raise UsageError(f"{self.out} exists; choose another name or remove it")
        try:
            fd, beside = tempfile.mkstemp(prefix=f".{self.out.name}.", suffix=".partial", dir=self.out.parent)
        except OSError as error:
            raise self._failed(error) from error
        self._at = 0
        self._file: BinaryIO = open(fd, "w+b", buffering=limits.IO)  # noqa: SIM115 - closed by publish or discard
        self._beside: str | None = beside

    @contextmanager
    def member(self, name: str) -> Iterator[tuple[Sink, Callable[[], Member]]]:
        """A member to be written: (takes content, gives its entry for the manifest once the block is left)."""
        if not ziplayout.is_allowed(name) or name in self._names:
            raise ValueError(f"member {name!r} is not allowed, or is there already")
        if len(self._entries) >= limits.MAX_MEMBERS:
            raise RecordingFailed(
                f"{self.out}: more than {limits.MAX_MEMBERS} members; leave out part of the workspace"
            )
        packer = None
        if ziplayout.method(name) == ziplayout.DEFLATED:
            packer = zlib.compressobj(1 if name.endswith(".cast") else 6, zlib.DEFLATED, -15)
        hasher = hashlib.sha256()
        crc = size = packed = 0
        done: Member | None = None

        def emit(data: bytes) -> None:
            nonlocal packed
            packed += len(data)
            hasher.update(data)
            self._put(data)

        def write(content: bytes) -> None:
            nonlocal crc, size
            crc = zlib.crc32(content, crc)
            size += len(content)
            emit(content if packer is None else packer.compress(content))

        def entry() -> Member:
            if done is None:
                raise ValueError(f"{name} is not finished")
            return done

        try:
            offset = self._at
            self._put(bytes(ziplayout.local_size(name)))
            yield write, entry
            if packer is not None:
                emit(packer.flush())
            listed = Entry(name, crc, packed, size, offset)
            self._file.seek(offset)
            self._file.write(ziplayout.local(listed))
            self._file.seek(self._at)
        except OSError as error:
            raise self._failed(error) from error
        self._entries.append(listed)
        self._names.add(name)
        done = Member(name=name, size=size, packed=packed, sha256=hasher.hexdigest())

    def copy(self, entry: Entry, portions: Iterator[bytes]) -> None:
        """A member whose packed bytes are there already, with their CRC and sizes."""
        try:
            listed = entry._replace(offset=self._at)
            self._put(ziplayout.local(listed))
            for data in portions:
                self._put(data)
        except OSError as error:
            raise self._failed(error) from error
        if self._at != listed.end:
            raise ValueError(f"{entry.name} is not {entry.packed} bytes long")
        self._entries.append(listed)
        self._names.add(entry.name)

    @contextmanager
    def spool(self) -> Iterator[BinaryIO]:
        """A nameless file on the same disk, for what comes while another member is being written."""
        try:
            with tempfile.TemporaryFile(dir=self.out.parent) as file:
                yield file
        except OSError as error:
            raise self._failed(error) from error

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._at

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def publish(self) -> None:
        """Ends the archive, syncs it, and gives it its name; then its folder is synced too."""
        try:
            offset = self._at
            for entry in self._entries:
                self._put(ziplayout.central(entry))
            self._put(ziplayout.end(len(self._entries), self._at - offset, offset))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._name()
            self._file.close()
            fd = os.open(self.out.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except FileExistsError as error:
            raise UsageError(f"{self.out} exists; choose another name or remove it") from error
        except OSError as error:
            raise self._failed(error) from error

    def _name(self) -> None:
        assert self._beside is not None
        if self._replace:
            os.rename(self._beside, self.out)
        else:
            try:
                os.link(self._beside, self.out)  # unlike rename it never replaces
                os.unlink(self._beside)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                    raise
                if os.path.lexists(self.out):
                    raise FileExistsError(errno.EEXIST, "exists") from error
                os.rename(self._beside, self.out)
        self._beside = None

    def discard(self) -> None:
        """Removes what was written, unless it is published. Never raises."""
        try:
            self._file.close()
        except OSError:
            pass  # what could not be flushed is about to go anyway
        if self._beside is not None:
            try:
                os.unlink(self._beside)
            except OSError:
                pass
            self._beside = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _failed(self, error: OSError) -> RecordingFailed:
        return RecordingFailed(
            f"{self.out} cannot be written: {error.strerror or error}. Nothing was left there; the recording stands."
        )
