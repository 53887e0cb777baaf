"""The journal: a source's own append-only file of frames while its session runs.

What a crash may do to it: cut its tail. What it may not do: damage a frame that `sync` has returned for.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from recorder.trace.codec import encode_event, split_event
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import AnyEvent
from recorder.trace.frames import MAGIC, Frame, FrameDecoder, Kind, Torn, encode
from recorder.trace.limits import IO


class Missing(NamedTuple):
    """Sequences `first` to `last` are not in the journal; they fell between times `after` and `before`."""

    first: int
    last: int
    after: int
    before: int


class JournalWriter:
    """Appends frames to the journal at `path`, made with mode 0600 where there is none.

    **Durability.** When the constructor returns, a new file's name is on disk (its folder was fsynced). A frame
    whose append has returned survives the death of this process. It survives a power cut once `sync()`
    (fdatasync) has returned.

    **After a crash** the constructor cuts a torn tail at the last whole frame (`cut` says what it was) and
    goes on at the next sequence.

    **Failure.** An append that fails (disk full, I/O error) raises RecordingFailed and leaves nothing of itself:
    the file is cut back to the last whole frame before anything else is appended, so a later append that
    succeeds never follows a torn frame.

    One writer at a time: a second one on the same path, in another process, raises RecordingFailed.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.next_sequence = 0
        self.cut: Torn | None = None
        self._dirty = False
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._failed("cannot be opened", error) from error
        try:
            self._lock()
            self._end = self._resume()
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise

    def append(self, t: int, kind: int, payload: bytes | memoryview, sequence: int | None = None) -> int:
        """Appends one frame and returns its sequence, by default the next one.

        A given `sequence` that was appended before is a repeat and is dropped; one further ahead leaves a hole
        that readers report. Raises RecordingFailed, or ValueError where the payload is too long.
        """
        number = self.next_sequence if sequence is None else sequence
        if number >= self.next_sequence:
            self._write(encode(number, t, kind, payload))
            self.next_sequence = number + 1
        return number

    def append_event(self, event: AnyEvent) -> None:
        """Appends an event at its own `t`; a list of changes too long for one frame goes as several events."""
        batch = [
            encode(self.next_sequence + i, part.t, Kind.EVENT, encode_event(part))
            for i, part in enumerate(split_event(event))
        ]
        self._write(b"".join(batch))
        self.next_sequence += len(batch)

    def extend(self, frames: Iterable[Frame]) -> None:
        """Appends frames that have their sequences, in one write: all of them or, raising RecordingFailed, none."""
        batch = []
        following = self.next_sequence
        for frame in frames:
            if frame.sequence >= following:
                batch.append(encode(*frame))
                following = frame.sequence + 1
        if batch:
            self._write(b"".join(batch))
            self.next_sequence = following

    def sync(self) -> None:
        """Returns when everything appended is on disk (fdatasync). Raises RecordingFailed where it cannot be."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise self._failed("cannot be synced", error) from error

    def close(self) -> None:
        """Syncs and closes. Further calls do nothing."""
        if self._fd >= 0:
            try:
                self.sync()
            finally:
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        # A record lock: unlike flock it is not inherited, so a forked shell cannot keep it for its dead recorder.
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._failed("is being written by another process", error) from error

    def _resume(self) -> int:
        try:
            head = os.pread(self._fd, len(MAGIC), 0)
            if len(head) < len(MAGIC) and MAGIC.startswith(head):
                os.ftruncate(self._fd, 0)
                self._pwrite(MAGIC, 0)
                os.fdatasync(self._fd)
                _sync_folder(self.path.parent)
                return len(MAGIC)
            if head != MAGIC:
                raise RecordingFailed(
                    f"{self.path} is not a journal; nothing was changed in it. Choose another path."
                )
            scan = JournalReader(self.path, _fd=self._fd)
            for frame in scan:
                self.next_sequence = frame.sequence + 1
            self.cut = scan.torn
            if scan.torn is not None:
                os.ftruncate(self._fd, scan.torn.offset)
                os.fdatasync(self._fd)
            return scan.end
        except OSError as error:
            raise self._failed("cannot be prepared", error) from error

    def _write(self, data: bytes) -> None:
        if self._fd < 0:
            raise RecordingFailed(f"{self.path} is closed; open a new writer to go on.")
        try:
            if self._dirty:
                os.ftruncate(self._fd, self._end)
                self._dirty = False
            self._dirty = True
            self._pwrite(data, self._end)
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._end)
                self._dirty = False
            except OSError:
                pass  # tried again before the next append, which fails as long as this does
            raise self._failed("took no more", error) from error
        self._dirty = False
        self._end += len(data)

    def _pwrite(self, data: bytes, at: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, at)
            if written == 0:
                raise OSError(5, "a write of no bytes")
            view = view[written:]
            at += written

    def _failed(self, what: str, error: OSError) -> RecordingFailed:
        return RecordingFailed(
            f"{self.path} {what}: {error.strerror or error}. Every frame before stands "
            f"({self.next_sequence} so far); free space or permission is needed to go on."
        )


class JournalReader:
    """The frames of a journal, each sequence once, in order. Iterate; afterwards the report is complete:

    `torn` (None, or where and why reading stopped), `lost` (bytes after that point), `missing` (holes), `repeats`
    (frames dropped). Each iteration starts anew. Raises RecordingFailed where the file cannot be read; damage is
    reported, not raised.
    """

    def __init__(self, path: Path | str, *, _fd: int | None = None) -> None:
        self.path = Path(path)
        self._fd = _fd
        self._reset()

    def _reset(self) -> None:
        self.torn: Torn | None = None
        self.lost = 0
        self.end = 0
        self.missing: list[Missing] = []
        self.repeats = 0

    def __iter__(self) -> Iterator[Frame]:
        self._reset()
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC) if self._fd is None else self._fd
        except OSError as error:
            raise RecordingFailed(f"{self.path} cannot be read: {error.strerror}") from error
        try:
            yield from self._frames(fd)
        except OSError as error:
            raise RecordingFailed(f"{self.path} cannot be read: {error.strerror}") from error
        finally:
            if self._fd is None:
                os.close(fd)

    def _frames(self, fd: int) -> Iterator[Frame]:
        size = os.fstat(fd).st_size
        head = os.pread(fd, len(MAGIC), 0)
        if head != MAGIC:
            self.torn = Torn(0, "no journal's first bytes")
            self.lost = size
            return
        at = len(MAGIC)
        decoder = FrameDecoder(at)
        following, before = 0, 0
        while self.torn is None and (data := os.pread(fd, IO, at)):
            at += len(data)
            for frame in decoder.feed(data):
                if frame.sequence < following:
                    self.repeats += 1
                    continue
                if frame.sequence > following:
                    self.missing.append(Missing(following, frame.sequence - 1, before, frame.t))
                following, before = frame.sequence + 1, frame.t
                yield frame
            if decoder.damaged:
                break
        self.torn = decoder.torn()
        self.end = at if self.torn is None else self.torn.offset
        self.lost = max(size, at) - self.end


def read_journal(path: Path | str) -> JournalReader:
    """The frames of the journal at `path` with a report of what is torn, missing or repeated."""
    return JournalReader(path)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
