"""Is the program in the terminal's foreground waiting for a key?

Asked of the kernel, never of a timer: the foreground process group of the terminal (TIOCGPGRP), the system call
that each of its threads is blocked in (`/proc/PID/task/TID/syscall`), and whether that call waits for input from
this very terminal (a read of it, or a poll, select or epoll set that holds it). Linux only; the caller must be
allowed to trace the processes, which a replayer is for its own sandbox.
"""

from __future__ import annotations

import array
import fcntl
import os
import platform
import struct
import termios
from collections.abc import Iterable
from typing import NamedTuple

_SYSCALLS = {
    "x86_64": {
        0: "read", 7: "poll", 17: "pread", 19: "readv", 23: "select", 45: "recvfrom",
        232: "epoll", 270: "select", 271: "poll", 281: "epoll", 441: "epoll",
    },
    "aarch64": {
        22: "epoll", 63: "read", 65: "readv", 67: "pread", 72: "select", 73: "poll", 207: "recvfrom", 441: "epoll",
    },
}.get(platform.machine(), {})  # fmt: skip
_DEV_TTY = os.makedev(5, 0)
_POLLIN = 0x1
_MAX_FDS = 1024


class Foreground(NamedTuple):
    """One look at the foreground process group."""

    group: int
    command: str
    """Name of the group's leader, as the kernel has it (at most 15 characters); empty when it has gone."""
    waiting: frozenset[tuple[int, str, int]]
    """Threads that wait for this terminal's input: (thread, call, voluntary context switches so far)."""
    busy: bool
    """A process of the group runs or waits for a disk."""
    leads: bool
    """The group's leader itself is among those that wait."""

    @property
    def rests(self) -> bool:
        """Waits for a key: its leader does, or another of the group and nobody works."""
        return self.leads or (bool(self.waiting) and not self.busy)


class TerminalWatch:
    """Looks at one terminal through its master side.

    `slave_name` is the path of its slave device; `rdevs` further device numbers under which processes may hold it.
    """

    def __init__(self, master: int, slave_name: str) -> None:
        self._master = master
        self._slave_name = slave_name
        self._devices = {os.stat(slave_name).st_rdev, _DEV_TTY}

    def modes(self) -> tuple[bool, bool]:
        """(line mode, echo) as set on the terminal now."""
        flags = termios.tcgetattr(self._master)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def unread(self) -> int:
        """Bytes sent to the terminal that no program has read yet. In line mode only whole lines count."""
        try:
            fd = os.open(self._slave_name, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return 0
        try:
            count = array.array("i", [0])
            fcntl.ioctl(fd, termios.FIONREAD, count)
            return count[0]
        finally:
            os.close(fd)

    def group(self) -> int | None:
        """Foreground process group, as this process's namespace numbers it; None when the terminal has none."""
        answer = array.array("i", [0])
        try:
            fcntl.ioctl(self._master, termios.TIOCGPGRP, answer)
        except OSError:
            return None
        return answer[0] or None

    def look(self, pids: Iterable[int]) -> Foreground | None:
        """One look; `pids` are the processes that may be in the foreground. None when there is no group."""
        group = self.group()
        if group is None:
            return None
        waiting: set[tuple[int, str, int]] = set()
        busy = leads = False
        command = ""
        for pid in pids:
            stat = _stat(pid)
            if stat is None or stat[2] != group:
                continue
            if pid == group:
                command = stat[0]
            if stat[1] in "RD":
                busy = True
            for thread in _threads(pid):
                call = self._waits(pid, thread)
                if call is not None:
                    waiting.add((thread, call, _switches(pid, thread)))
                    leads = leads or pid == group
        return Foreground(group, command or _command(group), frozenset(waiting), busy, leads)

    def _waits(self, pid: int, thread: int) -> str | None:
        """The call by which this thread waits for the terminal's input, or None."""
        try:
            with open(f"/proc/{pid}/task/{thread}/syscall", "rb") as file:
                words = file.read().split()
            number = int(words[0])
            name = _SYSCALLS.get(number)
            if name is None:
                return None
            args = [int(word, 16) for word in words[1:7]]
            return name if self._holds_terminal(pid, name, args) else None
        except (OSError, ValueError, IndexError, OverflowError, struct.error):
            return None  # gone, running, or not ours to look at

    def _holds_terminal(self, pid: int, name: str, args: list[int]) -> bool:
        if name in ("read", "readv", "pread", "recvfrom"):
            return self._is_terminal(pid, args[0])
        if name == "poll":
            count = min(args[1], _MAX_FDS)
            entries = struct.iter_unpack("ihh", _memory(pid, args[0], 8 * count))
            return any(
                fd >= 0 and events & _POLLIN and self._is_terminal(pid, fd) for fd, events, _ in entries
            )
        if name == "select":
            count = min(args[0], _MAX_FDS)
            if not args[1] or not count:
                return False
            bits = int.from_bytes(_memory(pid, args[1], (count + 63) // 64 * 8), "little")
            return any(bits >> fd & 1 and self._is_terminal(pid, fd) for fd in range(count))
        with open(f"/proc/{pid}/fdinfo/{args[0]}") as file:  # epoll lists what it watches
            for line in file:
                if line.startswith("tfd:"):
                    fields = line.split()
                    if int(fields[3], 16) & _POLLIN and self._is_terminal(pid, int(fields[1])):
                        return True
        return False

    def _is_terminal(self, pid: int, fd: int) -> bool:
        try:
            return os.stat(f"/proc/{pid}/fd/{fd}").st_rdev in self._devices
        except OSError:
            return False


def _stat(pid: int) -> tuple[str, str, int] | None:
    """(command, state, process group)"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    close = text.rindex(")")
    fields = text[close + 2 :].split()
    return text[text.index("(") + 1 : close], fields[0], int(fields[2])


def _command(pid: int) -> str:
    stat = _stat(pid)
    return stat[0] if stat else ""


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _switches(pid: int, thread: int) -> int:
    try:
        with open(f"/proc/{pid}/task/{thread}/status", "rb") as file:
            for line in file:
                if line.startswith(b"voluntary_ctxt_switches"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def _memory(pid: int, address: int, length: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", 0) as file:
        file.seek(address)
        return file.read(length)
