"""Is the program in the terminal's foreground waiting for a key?

Asked of the kernel, never of a timer: the foreground process group of the terminal (TIOCGPGRP), the system call
that each of its threads is blocked in (`/proc/PID/task/TID/syscall`), and whether that call waits for input from
this very terminal (a read of it, or a poll, select or epoll set that holds it). Linux only; the caller must be
allowed to trace the processes, which a replayer is for its own sandbox.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import platform
import signal
import struct
import termios
from collections.abc import Callable, Iterable
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
_TIOCGSID, _TIOCGPTPEER = 0x5429, 0x5441  # not in termios
_POLLIN = 0x1
_MAX_FDS = 1024


class Foreground(NamedTuple):
    """One look at the foreground process group."""

    group: int
    command: str
    """Name of the group's leader, as the kernel has it (at most 15 characters), or of its oldest member when the
    leader has gone."""
    names: frozenset[str]
    """Names of all in the group."""
    waiting: frozenset[tuple[int, str, int]]
    """Threads that wait for this terminal's input: (thread, call, voluntary context switches so far)."""
    busy: bool
    """A process of the group runs or waits for a disk."""
    leads: bool
    """The group's leader itself is among those that wait."""
    nested: bool
    """On a terminal within this one (tmux, script, an editor's shell) something does not wait for its input."""

    @property
    def rests(self) -> bool:
        """Waits for a key: its leader does, or another of the group and nobody works."""
        return self.leads or (bool(self.waiting) and not self.busy)

    def runs(self, command: str) -> bool:
        """Whether a program of this name was in the foreground with these. A pipeline may outlive its leader."""
        return command == self.command or command in self.names


class _Process(NamedTuple):
    pid: int
    command: str
    state: str
    group: int
    terminal: int
    """Device number of its controlling terminal; 0 for none."""
    foreground: int
    """Foreground group of that terminal."""


class TerminalWatch:
    """Looks at one terminal through its master side: its name is gone once those that it belonged to are."""

    def __init__(self, master: int) -> None:
        self._master = master
        slave = self._slave()
        self._device = os.fstat(slave).st_rdev
        os.close(slave)

    def _slave(self) -> int:
        return fcntl.ioctl(
            self._master, _TIOCGPTPEER, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        )

    def modes(self) -> tuple[bool, bool]:
        """(line mode, echo) as set on the terminal now."""
        flags = termios.tcgetattr(self._master)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def unread(self) -> int:
        """Bytes sent to the terminal that no program has read yet. In line mode only whole lines count."""
        try:
            fd = self._slave()
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

    def hang_up(self) -> None:
        """What the kernel does when a terminal is closed: SIGHUP and SIGCONT to its leader and its foreground.

        The leader stays stopped until `let_go`: when it ends, all others of its sandbox do.
        """
        leader, group = self._leader(), self.group()
        _tell(os.kill, leader, signal.SIGSTOP, signal.SIGHUP)
        if group == leader:
            self.let_go()
        else:
            _tell(os.killpg, group, signal.SIGHUP, signal.SIGCONT)

    def let_go(self) -> None:
        """The leader goes on."""
        _tell(os.kill, self._leader(), signal.SIGCONT)

    def _leader(self) -> int | None:
        answer = array.array("i", [0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._master, _TIOCGSID, answer)
        return answer[0] or None

    def look(self, pids: Iterable[int]) -> Foreground | None:
        """One look; `pids` are the processes that may be in the foreground. None when there is no group."""
        group = self.group()
        if group is None:
            return None
        processes = [process for pid in pids if (process := _process(pid))]
        alive = (p for p in processes if p.group == group and p.state != "Z")
        members = sorted(alive, key=lambda p: (p.pid != group, p.pid))
        waiting: set[tuple[int, str, int]] = set()
        leads = False
        for process in members:
            threads = _waiting(process, self._device)
            waiting.update(threads)
            leads = leads or (bool(threads) and process.pid == group)
        if not waiting:
            # A server may have taken the terminal over from the program that shows it, as that of tmux does.
            for process in (p for p in processes if not p.terminal):
                if threads := _waiting(process, self._device):
                    waiting.update(threads)
                    members.append(process)
        others = [p for p in processes if p.terminal not in (0, self._device) and p.group == p.foreground]
        command = members[0].command if members else _command(group)
        return Foreground(
            group=group,
            command=command,
            names=frozenset(process.command for process in members),
            waiting=frozenset(waiting),
            busy=any(process.state in "RD" for process in members),
            leads=leads,
            nested=_unsettled(others),
        )


def _unsettled(processes: Iterable[_Process]) -> bool:
    """Whether one of several terminals has nobody who waits for its input. `processes` are in their foreground."""
    rests: dict[int, bool] = {}
    for process in processes:
        if not rests.get(process.terminal):
            rests[process.terminal] = bool(_waiting(process, process.terminal))
    return not all(rests.values())


def _waiting(process: _Process, terminal: int) -> list[tuple[int, str, int]]:
    """The process's threads that wait for a terminal's input."""
    devices = {terminal, _DEV_TTY} if process.terminal == terminal else {terminal}
    found = []
    for thread in _threads(process.pid):
        call = _waits(process.pid, thread, devices)
        if call is not None:
            found.append((thread, call, _switches(process.pid, thread)))
    return found


def _waits(pid: int, thread: int, devices: set[int]) -> str | None:
    """The call by which this thread waits for a terminal's input, or None."""
    try:
        with open(f"/proc/{pid}/task/{thread}/syscall", "rb") as file:
            words = file.read().split()
        number = int(words[0])
        name = _SYSCALLS.get(number)
        if name is None:
            return None
        args = [int(word, 16) for word in words[1:7]]
        return name if _holds(pid, name, args, devices) else None
    except (OSError, ValueError, IndexError, OverflowError, struct.error):
        return None  # gone, running, or not ours to look at


def _holds(pid: int, name: str, args: list[int], devices: set[int]) -> bool:
    if name in ("read", "readv", "pread", "recvfrom"):
        return _is_one(pid, args[0], devices)
    if name == "poll":
        count = min(args[1], _MAX_FDS)
        entries = struct.iter_unpack("ihh", _memory(pid, args[0], 8 * count))
        return any(fd >= 0 and events & _POLLIN and _is_one(pid, fd, devices) for fd, events, _ in entries)
    if name == "select":
        count = min(args[0], _MAX_FDS)
        if not args[1] or not count:
            return False
        bits = int.from_bytes(_memory(pid, args[1], (count + 63) // 64 * 8), "little")
        return any(bits >> fd & 1 and _is_one(pid, fd, devices) for fd in range(count))
    with open(f"/proc/{pid}/fdinfo/{args[0]}") as file:  # epoll lists what it watches
        for line in file:
            if line.startswith("tfd:"):
                fields = line.split()
                if int(fields[3], 16) & _POLLIN and _is_one(pid, int(fields[1]), devices):
                    return True
    return False


def _is_one(pid: int, fd: int, devices: set[int]) -> bool:
    try:
        return os.stat(f"/proc/{pid}/fd/{fd}").st_rdev in devices
    except OSError:
        return False


def _tell(kill: Callable[[int, int], None], target: int | None, *numbers: int) -> None:
    for number in numbers if target else ():
        with contextlib.suppress(OSError):
            kill(target or 0, number)


def _process(pid: int) -> _Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    close = text.rindex(")")
    state, _, group, _, terminal, foreground = text[close + 2 :].split()[:6]
    command = text[text.index("(") + 1 : close]
    return _Process(pid, command, state, int(group), int(terminal), int(foreground))


def _command(pid: int) -> str:
    process = _process(pid)
    return process.command if process else ""


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
