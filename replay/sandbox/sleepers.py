"""Skips sleeps, when nothing in the sandbox could happen before the first of them ends.

That is so when every thread of every process is either blocked until another one acts (a `wait`, a read of a pipe, a
`poll` without a limit …) or in a sleep that its program noted in the clock's page; when it stays so over two looks, in
between which none of them ran; and when nothing else is due by the clock: no alarm, no timer, no timer's descriptor.
Then all sleeps are shortened by what the first of them still had to wait, and that one is woken; the others are when
they are due, which they do not notice by themselves. So sleeps end in the order in which they would have ended.
Whatever is not known here (a limit that a program set by itself, a program that does not load the clock)
makes the wait a real one.
"""

from __future__ import annotations

import os
import platform
import stat
import termios
import time
from collections.abc import Callable
from typing import NamedTuple

from replay.sandbox.page import ClockPage, Sleeper

_MS = 1_000_000
_LOOK_EVERY = 4 * _MS
_STILL = 10 * _MS
"""Also longer than the kernel's stamps on files lag, so that what was written before a sleep shows as before it."""
_STILL_ON_SOCKETS = 60 * _MS
"""What is on its way between two sockets may wait for an acknowledgement, 40 ms at most."""
_LEAST = 5 * _MS
"""A sleep that ends so soon is not worth waking all others."""
_MOST = 1 << 62
_LATER = 50 * _MS
"""Until another look where a timer was in the way."""
_SLACK = 50 * _MS
_GOING_OFF = 1_000 * _MS

_X86, _ARM = "x86_64", "aarch64"
_CALLS: dict[str, dict[str, tuple[int, ...]]] = {
    # blocked until somebody else acts, whatever the arguments
    "other": {
        _X86: (61, 247, 34, 130, 73, 65, 69, 70),
        _ARM: (260, 95, 133, 32, 193, 188, 189),
    },  # wait4 waitid pause rt_sigsuspend flock semop msgsnd msgrcv
    "file": {
        _X86: (0, 19, 17, 1, 20, 43, 288, 45, 47, 44, 46),
        _ARM: (63, 65, 67, 64, 66, 202, 242, 207, 212, 206, 211),
    },  # read readv pread write writev accept accept4 recvfrom recvmsg sendto sendmsg
    "open": {_X86: (2, 257), _ARM: (56,)},
    "lock": {_X86: (72,), _ARM: (25,)},
    "poll": {_X86: (7,), _ARM: ()},
    "ppoll": {_X86: (271,), _ARM: (73,)},
    "select": {_X86: (23, 270), _ARM: (72,)},
    "epoll": {_X86: (232, 281), _ARM: (22,)},
    "epoll2": {_X86: (441,), _ARM: (441,)},
    "signals": {_X86: (128,), _ARM: (137,)},
    "futex": {_X86: (202,), _ARM: (98,)},
    "futexes": {_X86: (449,), _ARM: (449,)},
    "restart": {_X86: (219,), _ARM: (128,)},
}
_NAMES = {number: name for name, numbers in _CALLS.items() for number in numbers.get(platform.machine(), ())}
_LIMIT = {"ppoll": 2, "select": 4, "epoll2": 3, "signals": 2, "futexes": 3}
"""Which argument points at the longest time to wait; NULL for ever."""
_FUTEX_WAITS = frozenset({0, 6, 9, 11, 13})
_LOCKS_THAT_WAIT = frozenset({7, 38})
_TERMINALS = range(136, 144)
"""Major device numbers of pseudo-terminals."""


class _Thread(NamedTuple):
    process: int
    thread: int
    switches: int
    call: bytes


class _Look(NamedTuple):
    threads: frozenset[_Thread]
    first: Sleeper | None
    """Who sleeps and ends first."""
    sockets: bool
    """Somebody waits for descriptors, which may be sockets."""
    inside: frozenset[int]
    """All threads as their own namespace numbers them."""
    alive: set[int]
    """Processes that are no zombies."""


class Sleepers:
    """Of one sandbox. `processes` gives the host pids of all its processes but the first."""

    def __init__(self, page: ClockPage, processes: Callable[[], list[int]]) -> None:
        self._page = page
        self._processes = processes
        self._seen: _Look | None = None
        self._since = 0
        self._next = 0
        self._owed: list[Sleeper] = []
        """Who slept at the last skip, in the order of their ends: they sleep longer than is left of their sleeps."""

    def tend(self) -> None:
        """Wakes who slept when something was skipped, and would have ended by now: one at a time, in their order."""
        if not self._owed:
            return
        asleep = set(self._page.sleepers())
        self._owed = [sleeper for sleeper in self._owed if sleeper in asleep]
        if self._owed and self._owed[0].deadline <= time.monotonic_ns() + self._page.skipped:
            self._page.wake(self._owed.pop(0))

    def skip(self, until: int) -> bool:
        """Skips to the end of the sleep that ends first, if that is shown as ending before `until` (ns since the
        session's start) and nothing could happen before. To be called again and again: one look never suffices."""
        now = time.monotonic_ns()
        if now < self._next:
            return False
        sleepers = self._page.sleepers()
        look = self._look({sleeper.thread: sleeper for sleeper in sleepers}) if sleepers else None
        end = time.monotonic_ns()
        self._next = end + max(_LOOK_EVERY, 2 * (end - now))
        if look is None or look.first is None:
            self._seen = None
            if look is not None:
                self._page.forget(sleeper for sleeper in sleepers if sleeper.thread not in look.inside)
            return False
        if self._seen is None or (look.threads, look.first) != (self._seen.threads, self._seen.first):
            self._seen, self._since = look, now
            return False
        if now - self._since < (_STILL_ON_SOCKETS if look.sockets else _STILL):
            return False
        if look.first.shown > self._page.start + until + self._page.ahead + _SLACK:
            return False
        if not self._nothing_due(look):
            self._next = time.monotonic_ns() + _LATER
            return False
        left = look.first.deadline - (time.monotonic_ns() + self._page.skipped)
        if left < _LEAST or self._page.skipped + left > _MOST:
            return False
        self._page.skip(left)
        self._page.wake(look.first)
        self._owed = sorted((s for s in sleepers if s != look.first), key=_deadline)
        self._seen = None
        return True

    # -- one look -------------------------------------------------------------------------------

    def _look(self, sleepers: dict[int, Sleeper]) -> _Look | None:
        """None where anything runs, or waits for what is not known."""
        threads: list[_Thread] = []
        asleep: list[Sleeper] = []
        inside: list[int] = []
        alive: set[int] = set()
        sockets = False
        try:
            for pid in self._processes():
                for thread in map(int, os.listdir(f"/proc/{pid}/task")):
                    state, number, switches = _status(pid, thread)
                    inside.append(number)
                    call = b""
                    if state == b"S":
                        call = _read(f"/proc/{pid}/task/{thread}/syscall")
                        kind = _waits(pid, call, sleepers.get(number))
                        if not kind:
                            return None
                        if kind == "sleep":
                            asleep.append(sleepers[number])
                        sockets = sockets or kind == "sockets"
                    elif state not in (b"T", b"t", b"Z", b"X"):
                        return None
                    if state not in (b"Z", b"X"):
                        alive.add(pid)
                    threads.append(_Thread(pid, thread, switches, call))
        except (OSError, ValueError, IndexError, termios.error):
            return None  # somebody has just gone: not still
        first = min(asleep, key=_deadline, default=None)
        return _Look(frozenset(threads), first, sockets, frozenset(inside), alive)

    def _nothing_due(self, look: _Look) -> bool:
        """No clock but that of the sleepers can wake anybody."""
        if self._page.unsure():
            return False
        now = time.monotonic_ns()
        if any(
            alarm.process in look.inside and now < alarm.until + _GOING_OFF for alarm in self._page.alarms()
        ):
            return False
        try:
            return all(map(_nothing_due, look.alive))
        except (OSError, ValueError, IndexError):
            return False  # also where the kernel does not list timers


def _deadline(sleeper: Sleeper) -> int:
    return sleeper.deadline


def _nothing_due(pid: int) -> bool:
    """No timer of this process is armed, and it notes its sleeps and alarms."""
    if _read(f"/proc/{pid}/timers"):
        return False
    if b"/clock.so" not in _read(f"/proc/{pid}/maps"):
        return False
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if _target(pid, fd) == "anon_inode:[timerfd]" and b"it_value: (0, 0)" not in _read(
            f"/proc/{pid}/fdinfo/{fd}"
        ):
            return False
    return True


def _target(pid: int, fd: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except FileNotFoundError:
        return ""


def _waits(pid: int, call: bytes, sleeper: Sleeper | None) -> str:
    """What a blocked thread waits for: "sleep", "sockets" (it may be), "others"; "" for what is not known."""
    words = call.split()
    if not words or not words[0].isdigit():
        return ""
    name = _NAMES.get(int(words[0]))
    args = [int(word, 16) for word in words[1:7]]
    if name in ("futex", "restart"):
        if sleeper is not None and args[0] == sleeper.word:
            return "sleep"
        return "others" if name == "futex" and args[1] & 0x7F in _FUTEX_WAITS and not args[3] else ""
    if name in ("poll", "epoll"):
        return "sockets" if args[2 if name == "poll" else 3] & 0x80000000 else ""
    if name in _LIMIT:
        return "sockets" if not args[_LIMIT[name]] else ""
    if name == "lock":
        return "others" if args[1] & 0xFFFFFFFF in _LOCKS_THAT_WAIT else ""
    if name == "file":
        return _waits_for_file(pid, args[0] & 0xFFFFFFFF)
    return "others" if name in ("other", "open") else ""


def _waits_for_file(pid: int, fd: int) -> str:
    """The same for a thread that reads or writes a descriptor. A disk, and a terminal with a limit, need nobody."""
    path = f"/proc/{pid}/fd/{fd}"
    status = os.stat(path)
    if stat.S_ISSOCK(status.st_mode):
        return "sockets"
    if stat.S_ISFIFO(status.st_mode):
        return "others"
    if stat.S_ISCHR(status.st_mode):
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        if (major, minor) == (5, 0):  # /dev/tty, which to us is another
            path = _terminal_of(pid)
        patient = _patient(path) if major in _TERMINALS or (major, minor) == (5, 0) else True
        return "others" if patient else ""
    # Neither a file nor a folder: an eventfd, inotify. Whether a timer is armed is asked of all descriptors.
    return "others" if stat.S_IFMT(status.st_mode) == 0 else ""


def _terminal_of(pid: int) -> str:
    device = int(_read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[4])
    return f"/proc/{pid}/root/dev/pts/{os.minor(device)}"


def _patient(terminal: str) -> bool:
    """Whether a read of this terminal ends only with a key: it has line mode, or no limit."""
    fd = os.open(terminal, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        settings = termios.tcgetattr(fd)
    finally:
        os.close(fd)
    return bool(settings[3] & termios.ICANON) or settings[6][termios.VTIME] in (0, b"\0")


def _status(pid: int, thread: int) -> tuple[bytes, int, int]:
    """State, number in its own namespace, and how often it was switched away from."""
    state, number, switches = b"", 0, 0
    for line in _read(f"/proc/{pid}/task/{thread}/status").splitlines():
        name, _, value = line.partition(b":")
        if name == b"State":
            state = value.split()[0]
        elif name == b"NSpid":
            number = int(value.split()[-1])
        elif name.endswith(b"_ctxt_switches"):  # voluntary and not
            switches += int(value)
    return state, number, switches


def _read(path: str) -> bytes:
    with open(path, "rb", 0) as file:
        return b"".join(iter(lambda: file.read(1 << 16), b""))
