"""The page that `clock.c` reads: the shown time of the step, and the library itself, compiled on first use.

The page is a file that the sandbox maps at /run/reenact/clock. Its layout is the `struct page` of clock.c.
"""

from __future__ import annotations

import hashlib
import mmap
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
SIZE = _HEAD.size + MOMENTS * _MOMENT.size


class ClockPage:
    """The writer's side of the page, kept in the file at `path` (made, or replaced, with mode 0666: the payload
    advances it when it sleeps, and can harm only its own clock).

    `start_ns` is the shown Unix time of the session's start; `seed` seeds the dice, 0 leaves them real.
    """

    def __init__(self, path: Path, *, start_ns: int, seed: int) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            os.fchmod(fd, 0o666)
            os.ftruncate(fd, SIZE)
            self._map = mmap.mmap(fd, SIZE)
        finally:
            os.close(fd)
        now = time.time_ns()
        _HEAD.pack_into(self._map, 0, MAGIC, seed & (1 << 64) - 1, start_ns, start_ns, 0, 0, 1, now)
        _MOMENT.pack_into(self._map, _HEAD.size, now, start_ns)

    def set(self, unix_ns: int) -> int:
        """Shows `unix_ns` from now on and returns what is shown: never less than before, so that time does not
        run backwards when a step's sleeps outlasted the recorded pause."""
        _, _, _, shown, elapsed, step, moments, _ = _HEAD.unpack_from(self._map, 0)
        unix_ns = max(unix_ns, shown + elapsed)
        slot = _HEAD.size + moments % MOMENTS * _MOMENT.size
        _MOMENT.pack_into(self._map, slot, time.time_ns(), unix_ns)
        struct.pack_into("<qqQQ", self._map, 24, unix_ns, 0, step + 1, moments + 1)
        return unix_ns

    def now(self) -> int:
        """The shown Unix time in ns, without the looks of any process."""
        _, _, _, shown, elapsed, *_ = _HEAD.unpack_from(self._map, 0)
        return int(shown + elapsed)

    def close(self) -> None:
        self._map.close()


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
