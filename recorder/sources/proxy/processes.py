"""Processes as /proc tells them: who holds a socket, and who started whom."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """A process. `started` is the clock tick (since boot) of its start: with `pid` it names it for ever."""

    pid: int
    name: str
    parent: int
    group: int
    session: int
    foreground: int
    """The foreground process group of its terminal; -1 without one."""
    started: int

    @property
    def key(self) -> tuple[int, int]:
        return self.pid, self.started


def read_process(pid: int) -> Process | None:
    """The process; None where there is none (any more)."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    name, _, rest = data.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    if len(fields) < 20:
        return None
    return Process(
        pid,
        name.decode(errors="replace"),
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        int(fields[5]),
        int(fields[19]),
    )


def process_ids() -> list[int]:
    """All that there are now, in no order."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


class Holders:
    """Finds the process that holds a socket. Who held one lately is looked at first, then the youngest."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=8)

    def find(self, inode: int, *, since: int = 0) -> int | None:
        """The holder's pid. `since` is the least pid worth a look before the others (pids wrap)."""
        for pid in self._candidates(since):
            if holds(pid, inode):
                if pid in self._recent:
                    self._recent.remove(pid)
                self._recent.appendleft(pid)
                return pid
        return None

    def _candidates(self, since: int) -> Iterator[int]:
        recent = list(self._recent)
        # A program that makes many connections is found without a list of all.
        yield from recent[:2]
        # Else the newest process is the likeliest: most connect soon after their start.
        others = sorted(set(process_ids()).difference(recent[:2]), key=lambda pid: (pid < since, -pid))
        yield from others[:4]
        yield from recent[2:]
        yield from set(others[4:]).difference(recent)


def holds(pid: int, inode: int) -> bool:
    """Whether the process has the socket with this inode open."""
    link = f"socket:[{inode}]"
    folder = f"/proc/{pid}/fd"
    try:
        # From the youngest descriptor: that of a connection just made.
        names = sorted(os.listdir(folder), key=int, reverse=True)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") == link:
                return True
        except OSError:
            continue
    return False
