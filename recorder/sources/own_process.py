"""A source in a process of its own: how it starts, how it hears of the terminal, what is told where it died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Gap
from recorder.trace.journal import JournalWriter, read_journal


def spawn(
    entry: str, orders: bytes, *, descriptors: Iterable[int], optimized: bool = False
) -> subprocess.Popen[bytes]:
    """Starts a Python process that ends with what `main(orders)` of the module `entry` returns.

    `descriptors` stay open in it, by their numbers. `optimized`: without assertions. One that died at once shows by
    its end alone. Raises OSError.
    """
    # -P and a path of our own: the current folder is the expert's and may hold modules named like ours.
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p] + sys.argv[1:]; "
        f"from {entry} import main; sys.exit(main(sys.stdin.buffer.read()))"
    )
    here = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, *(["-O"] if optimized else []), "-P", "-c", code, here],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(descriptors),
        start_new_session=True,
        cwd="/",
    )
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(orders)
    except BrokenPipeError:
        pass  # it died: its missing answer says so
    return process


def quiet_signals() -> None:
    """The terminal's signals are for the session's programs, not for us."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)


def boottime() -> int:
    """CLOCK_BOOTTIME in nanoseconds: the one clock of every journal."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Notices:
    """The reading end of the pipe on which the terminal source tells what happens, in lines of words.

    `ended` when nobody holds the other end any more.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.ended = False
        self._fd = fd
        self._rest = b""

    def read(self) -> list[list[bytes]]:
        """The lines that came since, without waiting."""
        heard: list[list[bytes]] = []
        while not self.ended:
            try:
                data = os.read(self._fd, 65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.ended = True
                break
            *lines, self._rest = (self._rest + data).split(b"\n")
            heard += [words for line in lines if (words := line.split())]
        return heard


def end_notices(fd: int) -> None:
    """Says that no more will come, and closes the pipe's writing end."""
    try:
        # Said aloud: a process that inherited the pipe may outlive the session.
        os.write(fd, b"Q\n")
    except OSError:
        pass  # it died, or the pipe is full: then it reads on to the pipe's end
    os.close(fd)


def tell_loss(path: Path, source: str, reason: str) -> None:
    """Ends the journal of a source that died with a gap, as far as the disk still takes it."""
    now = boottime()
    try:
        last = max((frame.t for frame in read_journal(path)), default=now) if path.exists() else now
        with JournalWriter(path) as journal:
            journal.append_event(Gap(t=min(last, now), source=source, until=now, bytes=None, reason=reason))
    except RecordingFailed:
        pass  # the disk that failed the source fails us too; whoever ended it knows by its end
