"""A recorded terminal seen from outside: a real outer PTY, keys in, what was shown out, the journal afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from recorder.sources.terminal import TerminalResult
from recorder.trace.codec import decode_event
from recorder.trace.events import AnyEvent, Input
from recorder.trace.frames import Kind
from recorder.trace.journal import read_journal

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).with_name("driver.py")
PATIENCE = 20.0


class Record(NamedTuple):
    """What the journal holds."""

    output: bytes
    events: list[Any]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def typed(self) -> bytes:
        return b"".join(e.data for e in self.of(Input) if not e.hidden and not e.reply)


def read_record(path: Path) -> Record:
    reader = read_journal(path)
    output, events = bytearray(), list[AnyEvent]()
    for frame in reader:
        if frame.kind == Kind.OUTPUT:
            output += frame.payload
        else:
            events.append(decode_event(frame.payload, "journal"))  # type: ignore[arg-type]
    assert reader.torn is None
    assert reader.missing == []
    assert reader.repeats == 0
    return Record(bytes(output), events)


class Outer:
    """The expert's terminal, with the recorder's driver as its program."""

    def __init__(self, folder: Path, argv: list[str], **options: Any) -> None:
        self.folder = folder
        self.result_path = folder.parent / f"{folder.name}.json"
        self.shown = bytearray()
        self.status: int | None = None
        command = [sys.executable, str(DRIVER), str(folder), "--result", str(self.result_path)]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        env = dict(os.environ, PYTHONPATH=str(ROOT), PS1="$ ", TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [*command, "--", *argv], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def pull(self, timeout: float) -> bool:
        """Take what is shown; False at the end of the terminal."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if ready:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.shown += data
        return True

    def expect(self, wanted: bytes, start: int = 0) -> int:
        """Wait until `wanted` is shown at or after `start`; the position after it."""
        return self.until(
            lambda: (self.shown.find(wanted, start) + 1) and self.shown.find(wanted, start) + len(wanted),
            wanted,
        )

    def until(self, condition: Callable[[], Any], what: object = "condition") -> Any:
        limit = time.monotonic() + PATIENCE
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < limit, f"{what!r} never came; shown: {bytes(self.shown[-2000:])!r}"
            if not self.pull(0.02):
                value = condition()
                assert value, f"terminal ended before {what!r}; shown: {bytes(self.shown[-2000:])!r}"
                return value

    def type(self, data: bytes) -> None:
        os.write(self.fd, data)

    def resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def children(self) -> list[int]:
        return _children(self.pid)

    @staticmethod
    def name(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""

    def child(self, name: str) -> int | None:
        """The pid of the recorder's process of that name."""
        return next((pid for pid in self.children() if self.name(pid) == name), None)

    def kill(self, name: str) -> int:
        """SIGKILL the relay or the writer and wait until its successor is there."""
        pid = self.until(lambda: self.child(name), name)
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.child(name) not in (None, pid), f"another {name}")
        return int(pid)

    def wait(self) -> TerminalResult:
        """Show everything to the end and give what the recorder returned."""
        limit = time.monotonic() + PATIENCE
        while self.status is None:
            assert time.monotonic() < limit, f"still running; shown: {bytes(self.shown[-2000:])!r}"
            alive = self.fd >= 0 and self.pull(0.02)
            pid, status = os.waitpid(self.pid, 0 if not alive and self.fd >= 0 else os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self.fd >= 0 and self.pull(0) and select.select([self.fd], [], [], 0)[0]:
            pass
        assert self.status == 0, bytes(self.shown[-3000:]).decode(errors="replace")
        return msgspec.json.decode(self.result_path.read_bytes(), type=TerminalResult)

    def record(self) -> Record:
        return read_record(self.folder / "terminal-1.journal")

    def close(self) -> None:
        """Close the outer terminal, as a window that is shut."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def stop(self) -> None:
        pids = [self.pid, *_children(self.pid)] if self.status is None else []
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if self.status is None:
            os.waitpid(self.pid, 0)
        self.close()


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Outer]]:
    """`record([argv], ring=…)` starts a recording in a folder of its own."""
    outers: list[Outer] = []

    def start(argv: list[str], folder: Path | None = None, **options: Any) -> Outer:
        if folder is None:
            folder = tmp_path / f"s{len(outers)}"
            folder.mkdir()
        outers.append(Outer(folder, argv, **options))
        return outers[-1]

    yield start
    for outer in outers:
        outer.stop()
