"""The page that `clock.c` and `sleeps.c` read: the shown time of the step, and the library itself, compiled on first
use.

The page is a file that the sandbox maps at /run/reenact/clock. Its layout is the `struct page` of clock.h.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import platform
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SOURCES = tuple(Path(__file__).with_name(name) for name in ("clock.h", "clock.c", "sleeps.c"))
MAGIC = 0x314B434C4B4E5452
_MAGIC_RUNNING = 0x524B434C4B4E5452
MOMENTS = 65536
_HEAD = struct.Struct("<QQqqqQQq")  # magic, seed, start, shown, elapsed, step, moments, origin
_WAITS = struct.Struct("<qQ")  # skipped, unsure
_SLEEPER = struct.Struct("<iIqqQ")  # thread, due, deadline, shown, word
_DUE = 4  # where `due` stands in it
_ALARM = struct.Struct("<iiq")
_MOMENT = struct.Struct("<qq")
_START, _SHOWN, _ORIGIN = 16, 24, 56  # where they stand
_SLEEPERS = _HEAD.size + _WAITS.size
_ALARMS = _SLEEPERS + 256 * _SLEEPER.size
_RING = _ALARMS + 64 * _ALARM.size
_MOST_ELAPSED = 10 * 365 * 86400 * 10**9
SIZE = _RING + MOMENTS * _MOMENT.size
_FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine())
_FUTEX_WAKE = 1
_NOBODY = bytes(_ALARMS - _SLEEPERS)


class Sleeper(NamedTuple):
    """A thread that waits for nothing but time, as its program noted it."""

    place: int
    thread: int
    """As its own namespace numbers it."""
    deadline: int
    """CLOCK_MONOTONIC plus what had been skipped, in ns."""
    shown: int
    """Shown Unix time of its end."""
    word: int
    """Address of the word that it waits on."""


class Alarm(NamedTuple):
    process: int
    until: int


class ClockPage:
    """The writer's side of the page, kept in the file at `path` (made, or replaced, with mode 0666: the payload
    advances it when it sleeps, and can harm only its own clock).

    `start_ns` is the shown Unix time of the session's start; `seed` seeds the dice, 0 leaves them real. `running`: only
    the time of day is another, and goes on from there; all else is the machine's.
    The file is read and written, never mapped here: a payload that truncates it would kill us by SIGBUS. What
    it says is believed only within bounds.
    """

    def __init__(self, path: Path, *, start_ns: int, seed: int, running: bool = False) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        os.fchmod(self._fd, 0o666)
        os.ftruncate(self._fd, SIZE)
        now = time.time_ns()
        self._running = running
        self.start = self._shown = start_ns
        self._step = 1
        self.ahead = 0
        """By how much more is shown than was asked for, because the payload's sleeps outlasted the recording's."""
        self.skipped = 0
        """Nanoseconds by which all sleeps were shortened."""
        self.shift = start_ns - now
        """By how much a clock that runs shows more than the machine's."""
        self._wakes = 0
        # Only its address is used, by the kernel, which answers EFAULT where a payload truncated the file.
        self._map = mmap.mmap(self._fd, mmap.PAGESIZE)
        self._words: ctypes.Array[ctypes.c_char] | None = (ctypes.c_char * mmap.PAGESIZE).from_buffer(
            self._map
        )
        os.pwrite(self._fd, _MOMENT.pack(now, start_ns), _RING)
        os.pwrite(
            self._fd,
            _HEAD.pack(
                _MAGIC_RUNNING if running else MAGIC,
                seed & (1 << 64) - 1,
                start_ns,
                start_ns,
                0,
                self._step,
                1,
                now,
            ),
            0,
        )

    def set(self, unix_ns: int) -> int:
        """Shows `unix_ns` from now on and returns what is shown: where it stands still never less than before, so that
        time does not run backwards when a step's sleeps outlasted the recorded pause."""
        if self._running:
            origin = time.time_ns()
            self.start, self.shift = unix_ns, unix_ns - origin
            os.pwrite(self._fd, struct.pack("<q", unix_ns), _START)
            os.pwrite(self._fd, struct.pack("<q", origin), _ORIGIN)
            return unix_ns
        elapsed, moments = self._advanced()
        asked, unix_ns = unix_ns, max(unix_ns, self._shown + elapsed)
        self.ahead = unix_ns - asked
        self._shown = unix_ns
        self._step += 1
        moment = _MOMENT.pack(time.time_ns(), unix_ns)
        os.pwrite(self._fd, moment, _RING + moments % MOMENTS * _MOMENT.size)
        os.pwrite(self._fd, struct.pack("<qqQQ", unix_ns, 0, self._step, moments + 1), _SHOWN)
        return unix_ns

    def now(self) -> int:
        """The shown Unix time in ns, without the looks of any process."""
        return self._shown + self._advanced()[0]

    def sleepers(self) -> list[Sleeper]:
        """Who is said to sleep. A thread that died asleep is still among them."""
        data = os.pread(self._fd, len(_NOBODY), _SLEEPERS)
        if data == _NOBODY:
            return []
        whole = data[: len(data) // _SLEEPER.size * _SLEEPER.size]
        return [
            Sleeper(place, thread, deadline, shown, word)
            for place, (thread, _, deadline, shown, word) in enumerate(_SLEEPER.iter_unpack(whole))
            if thread
        ]

    def forget(self, dead: Iterable[Sleeper]) -> None:
        """Frees the places of who was killed asleep. One that was not only sleeps unseen."""
        for sleeper in dead:
            os.pwrite(self._fd, bytes(4), _SLEEPERS + sleeper.place * _SLEEPER.size)

    def alarms(self) -> list[Alarm]:
        """Processes that set an alarm, and until when it may go off."""
        data = os.pread(self._fd, _RING - _ALARMS, _ALARMS)
        whole = data[: len(data) // _ALARM.size * _ALARM.size]
        return [Alarm(process, until) for process, _, until in _ALARM.iter_unpack(whole) if process]

    def unsure(self) -> bool:
        """Something waits by the clock that nobody can see from outside."""
        data = os.pread(self._fd, _WAITS.size, _HEAD.size)
        return len(data) < _WAITS.size or bool(_WAITS.unpack(data)[1])

    def skip(self, ns: int) -> None:
        """All sleeps are over earlier by so much. Whose is over now is still to be woken."""
        self.skipped += ns
        os.pwrite(self._fd, struct.pack("<q", self.skipped), _HEAD.size)

    def wake(self, sleeper: Sleeper) -> None:
        if _FUTEX is None or self._words is None:
            return
        at = _SLEEPERS + sleeper.place * _SLEEPER.size + _DUE
        os.pwrite(self._fd, struct.pack("<I", 1), at)
        word = ctypes.c_void_p(ctypes.addressof(self._words) + at)
        ctypes.CDLL(None).syscall(ctypes.c_long(_FUTEX), word, _FUTEX_WAKE, 1, None, None, 0)

    def close(self) -> None:
        if self._fd >= 0:
            self._words = None
            self._map.close()
            os.close(self._fd)
            self._fd = -1

    def _advanced(self) -> tuple[int, int]:
        """By how much the payload's sleeps moved the clock, and how many moments stand in the ring."""
        head = os.pread(self._fd, _HEAD.size, 0)
        if len(head) < _HEAD.size:
            return 0, 1
        _, _, _, _, elapsed, _, moments, _ = _HEAD.unpack(head)
        return min(max(elapsed, 0), _MOST_ELAPSED), min(moments, 1 << 62)


def library() -> Path | None:
    """The compiled library, from the user's cache folder; None where it is not there and no C compiler is.

    A process that finds it missing compiles it beside and renames it, so that several may do so at once.
    """
    source = b"".join(path.read_bytes() for path in _SOURCES)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reenact"
    target = folder / f"clock-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if target.exists():
        return target
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        built = Path(work, "clock.so")
        parts = [str(path) for path in _SOURCES if path.suffix == ".c"]
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(built), *parts]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return None
        built.rename(target)
    return target
