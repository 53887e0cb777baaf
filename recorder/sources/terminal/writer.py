"""The writer: takes records out of the ring, frames them, appends them to the journal.

It runs in a session of its own, so that no signal of the expert's terminal reaches it, and holds nothing but the
ring and its journal, so that it may be killed and replaced at any moment. Room in the ring is freed as soon as the
file has the record (from there it survives every death but the machine's); fdatasync follows at most 100 ms later.
With redaction what may be the beginning of a secret waits in the ring until it is decided (see `redaction`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import threading
import time
import traceback
from typing import TYPE_CHECKING, NamedTuple

from recorder.sources.terminal.ring import (
    ASLEEP,
    ERRNO,
    HEAD,
    KICKED,
    LAST_ERRNO,
    NEXT,
    SIZE,
    SYNC_ERRNO,
    SYNCED,
    TAIL,
    Ring,
    drain,
    wake,
)
from recorder.trace.frames import MAGIC, FrameDecoder, encode

if TYPE_CHECKING:
    from recorder.sources.terminal.redaction import Redacting
    from recorder.sources.terminal.request import Redaction


BATCH = 1 << 20
MAX_IOVECS = 512
POLL_MS = 25
SYNC_INTERVAL = 0.05
IDLE_POLLS = 40
IDLE_MS = 2000
RETRY_MS = 250
LAST_TRIES = 8
_SCAN = 1 << 20


class WriterConfig(NamedTuple):
    """What a writer needs. `producers_fd` reports end of file when every producer is gone."""

    ring: Ring
    path: str
    kick_fd: int
    alarm_fd: int
    producers_fd: int
    redaction: Redaction | None = None


def run_writer(config: WriterConfig) -> int:
    """Body of the writer process; returns its exit status: 0 when the journal has everything, 1 when the ring
    still holds records that could not be written."""
    _stand_apart(config)
    try:
        return Writer(config).run()
    except Exception:  # noqa: BLE001 - told, then this process ends
        config.ring.set_fault(traceback.format_exc()[-900:])
        return 70


def _stand_apart(config: WriterConfig) -> None:
    os.setsid()
    for number in (
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGTSTP,
        signal.SIGXFSZ,
    ):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    keep = {0, 1, 2, config.kick_fd, config.alarm_fd, config.producers_fd}
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                pass
    name_process("reenact-writer")


def name_process(name: str) -> None:
    """Give this process a name that people can read in `ps`."""
    try:
        with open("/proc/self/comm", "w") as file:
            file.write(name)
    except OSError:
        pass


class Writer:
    """Moves records from the ring to the journal until every producer is gone and the ring is empty."""

    def __init__(self, config: WriterConfig) -> None:
        self._config = config
        self._ring = config.ring
        self._words = config.ring.words
        self._journal: Journal | None = None
        self._redacting: Redacting | None = None
        if config.redaction is not None:
            from recorder.sources.terminal.redaction import Redacting  # here: not everybody needs its rules

            self._redacting = Redacting(config.ring, config.redaction, BATCH)
        self._last = False
        self._dirty = threading.Event()
        threading.Thread(target=self._sync_loop, name="sync", daemon=True).start()

    def run(self) -> int:
        words, config = self._words, self._config
        poll = select.poll()
        poll.register(config.kick_fd, select.POLLIN)
        poll.register(config.producers_fd, select.POLLIN)
        idle = tries = 0
        while True:
            moved = self._step()
            last = self._last
            if last and words[TAIL] >= words[HEAD]:
                return 0 if self._finish() else 1
            if moved:
                idle = tries = 0
                continue
            failing = words[ERRNO] != 0
            if last:
                tries += 1
                if tries > LAST_TRIES:
                    return 1
            timeout = RETRY_MS if failing else POLL_MS
            if not failing and not last and idle >= IDLE_POLLS and not self._waits():
                words[ASLEEP] = 1
                # The store must be seen before HEAD is read, or a wake-up is missed (until the poll ends).
                with self._fence:
                    pass
                if words[HEAD] != self._taken():
                    words[ASLEEP] = 0
                    continue
                timeout = IDLE_MS
            idle += 1
            for fd, _ in poll.poll(timeout):
                if fd == config.kick_fd:
                    drain(fd)
                    idle = 0
                elif not last:
                    self._last = True
                    poll.unregister(fd)
            words[ASLEEP] = words[KICKED] = 0
            if failing and not last:
                # Kicks of an impatient producer don't make a failing disk any better.
                time.sleep(RETRY_MS / 1000)

    _fence = threading.Lock()

    def _waits(self) -> bool:
        """Whether something is not decided, or too young to be looked at: then time alone decides."""
        redacting = self._redacting
        return redacting is not None and (
            not redacting.frames.empty or redacting.position != self._words[HEAD]
        )

    def _taken(self) -> int:
        """Up to where in the ring nothing is left to be done."""
        return self._words[TAIL] if self._redacting is None else self._redacting.position

    def _step(self) -> bool:
        """Write a batch; whether anything moved."""
        words = self._words
        head = words[HEAD]
        try:
            if self._journal is None:
                self._journal = Journal(self._config.path, words[SIZE], words[NEXT])
                words[NEXT], words[SIZE] = self._journal.next, self._journal.size
            if self._redacting is not None:
                moved = self._write_redacted(self._redacting, head)
            elif (tail := words[TAIL]) >= head:
                return False
            else:
                moved = self._write(tail, head)
        except OSError as error:
            first = words[ERRNO] == 0
            words[LAST_ERRNO] = words[ERRNO] = error.errno or errno.EIO
            if first:
                wake(self._config.alarm_fd)
            if self._journal is not None and not self._journal.mend():
                self._journal.close()
                self._journal = None
            return False
        words[ERRNO] = 0
        return moved

    def _write(self, tail: int, head: int) -> bool:
        words, journal = self._words, self._journal
        assert journal is not None
        frames: list[bytes] = []
        ends: list[int] = []
        size, end = 0, tail
        for record in self._ring.records(tail, head):
            end = record.end
            if record.sequence >= journal.next:
                frames.append(encode(record.sequence, record.t, record.kind, record.payload))
                ends.append(end)
                size += len(frames[-1])
                if size >= BATCH or len(frames) >= MAX_IOVECS:
                    break
        if not frames:
            words[TAIL] = end
            return True
        whole = self._append(frames)
        if whole:
            words[TAIL] = ends[whole - 1]
        self._check(whole, frames)
        return True

    def _write_redacted(self, redacting: Redacting, head: int) -> bool:
        words, journal = self._words, self._journal
        assert journal is not None
        moved = redacting.take(head, last=self._last)
        frames = redacting.frames
        ready = frames.ready(MAX_IOVECS, BATCH)
        known = sum(1 for frame in ready if frame.sequence < journal.next)  # a predecessor wrote them
        fresh = [encode(f.sequence, f.t, f.kind, f.payload) for f in ready[known:]]
        whole = self._append(fresh) if fresh else 0
        if ready:
            frames.done(known + whole)
        if known + whole:
            words[TAIL] = redacting.freed(ready[known + whole - 1].end)
        if self._last and frames.empty and redacting.position >= head:
            words[TAIL] = head
        self._check(whole, fresh)
        return moved or bool(ready)

    def _append(self, frames: list[bytes]) -> int:
        words, journal = self._words, self._journal
        assert journal is not None
        whole = journal.append(frames)
        # In this order, and before the tail, so that a kill in between neither repeats nor skips a record.
        words[NEXT] = journal.next
        words[SIZE] = journal.size
        if whole:
            self._dirty.set()
        return whole

    def _check(self, whole: int, frames: list[bytes]) -> None:
        if whole < len(frames):
            assert self._journal is not None
            raise OSError(self._journal.why, os.strerror(self._journal.why))

    def _sync_loop(self) -> None:
        while True:
            self._dirty.wait()
            self._dirty.clear()
            self._sync()
            time.sleep(SYNC_INTERVAL)

    def _sync(self) -> bool:
        words, journal = self._words, self._journal
        size = words[SIZE]
        if journal is None:
            return False
        try:
            os.fdatasync(journal.fd)
        except OSError as error:
            words[SYNC_ERRNO] = error.errno or errno.EIO
            wake(self._config.alarm_fd)
            return False
        words[SYNCED] = size
        return True

    def _finish(self) -> bool:
        return self._journal is not None and self._sync()


class Journal:
    """The journal file, open for appending by one writer. Raises OSError where it cannot be.

    A new writer starts at `size`, up to which its predecessor vouches for whole frames, reads what follows and cuts
    a torn tail; so a restart costs what the last batch was, not what the session is.
    """

    def __init__(self, path: str, size: int, following: int) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self.fd = os.open(path, flags, 0o600)
        self.why = 0
        self._torn = False
        try:
            # As JournalWriter does: a recovery that runs meanwhile finds the journal in use.
            fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.size, self.next = self._resume(size, following)
        except BaseException:
            os.close(self.fd)
            raise

    def _resume(self, size: int, following: int) -> tuple[int, int]:
        there = os.fstat(self.fd).st_size
        if size < len(MAGIC) or there < size:
            size = len(MAGIC)
        if there < len(MAGIC):
            os.ftruncate(self.fd, 0)
            if os.write(self.fd, MAGIC) != len(MAGIC):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self.fd)
            return len(MAGIC), following
        decoder = FrameDecoder(size)
        at = size
        while at < there and (data := os.pread(self.fd, _SCAN, at)):
            at += len(data)
            for frame in decoder.feed(data):
                following = max(following, frame.sequence + 1)
        torn = decoder.torn()
        if torn is not None:
            os.ftruncate(self.fd, torn.offset)
            at = torn.offset
        return at, following

    def append(self, frames: list[bytes]) -> int:
        """Append frames that go on from `next`; returns how many are whole in the file. Fewer than given: `why`
        says what stopped it, and the part of a frame that follows is cut off before anything else."""
        if self._torn and not self.mend():
            raise OSError(errno.EIO, "a torn frame cannot be cut off")
        total = sum(map(len, frames))
        written = 0
        self.why = 0
        self._torn = True
        try:
            written = os.writev(self.fd, frames)
            while written < total:
                rest = memoryview(b"".join(frames))[written:]
                count = os.write(self.fd, rest)
                if count == 0:
                    raise OSError(errno.EIO, "a write of no bytes")
                written += count
        except OSError as error:
            self.why = error.errno or errno.EIO
        whole = 0
        for frame in frames:
            if len(frame) > written:
                break
            written -= len(frame)
            self.size += len(frame)
            whole += 1
        self.next += whole
        self._torn = written > 0
        if self._torn:
            self.mend()
        return whole

    def mend(self) -> bool:
        """Cut the file back to its whole frames."""
        try:
            os.ftruncate(self.fd, self.size)
            self._torn = False
        except OSError:
            return False
        return True

    def close(self) -> None:
        os.close(self.fd)
