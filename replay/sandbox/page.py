"""The page that `clock.c` reads: the shown time of the step, and the library itself, compiled on first use.

The page is a file that the sandbox maps at /run/reenact/clock. Its layout is the `struct page` of clock.c.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
MAGIC = 0x314B434C4B4E5452
MOMENTS = 65536
_HEAD = struct.Struct("<QQqqqQQq")  # magic, seed, start, shown, elapsed, step, moments, origin
_MOMENT = struct.Struct("<qq")
_SHOWN = 24  # where `shown` stands
_MOST_ELAPSED = 10 * 365 * 86400 * 10**9
SIZE = _HEAD.size + MOMENTS * _MOMENT.size


class ClockPage:
    """The writer's side of the page, kept in the file at `path` (made, or replaced, with mode 0666: the payload
    advances it when it sleeps, and can harm only its own clock).

    `start_ns` is the shown Unix time of the session's start; `seed` seeds the dice, 0 leaves them real.
    The file is read and written, never mapped here: a payload that truncates it would kill us by SIGBUS. What
    it says is believed only within bounds.
    """

    def __init__(self, path: Path, *, start_ns: int, seed: int) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        os.fchmod(self._fd, 0o666)
        os.ftruncate(self._fd, SIZE)
        now = time.time_ns()
        self._shown = start_ns
        self._step = 1
        os.pwrite(self._fd, _MOMENT.pack(now, start_ns), _HEAD.size)
        os.pwrite(
            self._fd, _HEAD.pack(MAGIC, seed & (1 << 64) - 1, start_ns, start_ns, 0, self._step, 1, now), 0
        )

    def set(self, unix_ns: int) -> int:
        """Shows `unix_ns` from now on and returns what is shown: never less than before, so that time does not
        run backwards when a step's sleeps outlasted the recorded pause."""
        elapsed, moments = self._advanced()
        unix_ns = max(unix_ns, self._shown + elapsed)
        self._shown = unix_ns
        self._step += 1
        moment = _MOMENT.pack(time.time_ns(), unix_ns)
        os.pwrite(self._fd, moment, _HEAD.size + moments % MOMENTS * _MOMENT.size)
        os.pwrite(self._fd, struct.pack("<qqQQ", unix_ns, 0, self._step, moments + 1), _SHOWN)
        return unix_ns

    def now(self) -> int:
        """The shown Unix time in ns, without the looks of any process."""
        return self._shown + self._advanced()[0]

    def close(self) -> None:
        if self._fd >= 0:
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
    source = SOURCE.read_bytes()
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
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(built), str(SOURCE)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return None
        built.rename(target)
    return target
