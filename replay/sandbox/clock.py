"""The payload's clock: which tier this machine offers, and how the player moves it.

Tiers, best first:

page         our own library (`clock.c`, `sleeps.c`), named in the sandbox's /etc/ld.so.preload: every dynamically
             linked program, at once, no trace in the environment; file times and random bytes too, and sleeps, which
             only here can be skipped. Needs a C compiler once.
libfaketime  where there is none, and for a clock that runs. Named in /etc/ld.so.preload as well, but its settings
             only come by environment variables (`FAKETIME_VARIABLES`), which `env` inside shows.
real         the machine's time.

What libfaketime 0.9.10 needs, found by trial and in its source: without FAKETIME_NO_CACHE a running process sees a
change up to 10 s late; without FAKETIME_DONT_FAKE_MONOTONIC a frozen clock stops timeouts; a frozen time is local
time unless FAKETIME_FMT=%s; "@T" starts anew in each process, so a running clock is an offset; NO_FAKE_STAT keeps
it from showing every file as of now (the names are read once, at a process's start).
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path
from typing import Protocol

from replay.sandbox import page
from replay.sandbox.spec import Bind, ClockMode

INSIDE = "/run/reenact"
"""Where the clock's folder stands inside."""
STATIC = "statically linked programs (most Go binaries) and direct system calls see the real time"
FAKETIME_VARIABLES = (
    "FAKETIME_DONT_FAKE_MONOTONIC",
    "FAKETIME_FMT",
    "FAKETIME_NO_CACHE",
    "FAKETIME_SHARED",
    "FAKETIME_TIMESTAMP_FILE",
    "FAKE_UTIME",
    "NO_FAKE_STAT",
)
"""What the payload's environment shows besides its own variables under libfaketime (SHARED is of its making)."""


class Clock(Protocol):
    tier: str
    unreached: str
    """What this clock cannot reach, in words; empty for nothing."""
    preload: str
    """Path inside of the library that every program loads; empty for none."""
    env: dict[str, str]
    binds: list[Bind]
    sleeps: page.ClockPage | None
    """Where the payload's sleeps are noted; None where nobody notes them."""

    @property
    def shift(self) -> int:
        """By how many ns a clock that runs shows more than the machine's."""

    def set(self, unix_ns: int) -> int:
        """Shows this Unix time to running and new processes from now on; returns what is shown."""

    def close(self) -> None: ...


def make_clock(mode: ClockMode, folder: Path, start_ns: int | None, seed: int) -> Clock:
    """The best clock this machine offers for `mode`. `folder` is empty, ours, and shown inside read-only."""
    now = time.time_ns() if start_ns is None else start_ns
    if mode is not ClockMode.REAL and (library := page.library()) is not None:
        return PageClock(folder, library, now, seed, running=mode is ClockMode.RUNNING)
    if mode is not ClockMode.REAL and (library := faketime_library()) is not None:
        return FaketimeClock(folder, library, now, running=mode is ClockMode.RUNNING)
    return RealClock()


class PageClock:
    tier = "page"
    unreached = STATIC

    def __init__(
        self, folder: Path, library: Path, start_ns: int, seed: int, *, running: bool = False
    ) -> None:
        shutil.copyfile(library, folder / "clock.so")
        (folder / "clock.so").chmod(0o755)
        self._page = page.ClockPage(folder / "clock", start_ns=start_ns, seed=seed, running=running)
        self.sleeps: page.ClockPage | None = None if running else self._page
        self.preload = f"{INSIDE}/clock.so"
        self.env: dict[str, str] = {}
        self.binds = [Bind(folder, INSIDE, False), Bind(folder / "clock", f"{INSIDE}/clock", True)]

    @property
    def shift(self) -> int:
        return self._page.shift

    def set(self, unix_ns: int) -> int:
        return self._page.set(unix_ns)

    def close(self) -> None:
        self._page.close()


class FaketimeClock:
    tier = "libfaketime"
    sleeps: page.ClockPage | None = None
    unreached = STATIC + "; file times and random bytes are real; `env` shows the FAKETIME variables"

    def __init__(self, folder: Path, library: Path, start_ns: int, *, running: bool) -> None:
        self._file = folder / "time"
        self._running = running
        self.shift = 0
        self.preload = os.fspath(library)
        self.env = {
            "FAKETIME_TIMESTAMP_FILE": f"{INSIDE}/time",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FMT": "%s",
            "NO_FAKE_STAT": "1",
            "FAKE_UTIME": "0",
        }
        self.binds = [Bind(folder, INSIDE, False)]
        self.set(start_ns)

    def set(self, unix_ns: int) -> int:
        beside = self._file.with_name("next")
        now = time.time_ns()
        self.shift = unix_ns - now
        beside.write_text(faketime_line(unix_ns, now if self._running else None))
        beside.chmod(0o644)
        beside.rename(self._file)
        return unix_ns

    def close(self) -> None:
        pass


class RealClock:
    tier = "real"
    shift = 0
    sleeps: page.ClockPage | None = None
    unreached = "every program sees the machine's own time"
    preload = ""

    def __init__(self) -> None:
        self.env: dict[str, str] = {}
        self.binds: list[Bind] = []

    def set(self, unix_ns: int) -> int:
        return time.time_ns()

    def close(self) -> None:
        pass


def faketime_line(unix_ns: int, now_ns: int | None) -> str:
    """libfaketime's own line: the instant itself, or, given the real time now, how far it is from there.

    A half of a nanosecond is added: the library cuts its floating-point result.
    """
    if now_ns is None:
        return f"{unix_ns // 10**9}.{unix_ns % 10**9:09d}5\n"
    offset = unix_ns - now_ns
    sign = "-" if offset < 0 else "+"
    return f"{sign}{abs(offset) // 10**9}.{abs(offset) % 10**9:09d}\n"


def faketime_library() -> Path | None:
    """libfaketime for this machine where distributions put it, below folders that the sandbox shows."""
    for folder in (f"/usr/lib/{platform.machine()}-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"):
        for name in ("faketime/libfaketime.so.1", "libfaketime.so.1"):
            if (found := Path(folder, name)).exists():
                return found
    return None
