"""Terminals: raw mode, sizes, modes and who is in front. Every function takes a descriptor; none keeps state
but `Foreground`, which caches one open file."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

Modes = list[Any]
"""What `termios.tcgetattr` returns."""

_SIZE = struct.Struct("HHHH")
_NO_SIZE = bytes(_SIZE.size)
_TERMIOS = bytes(64)
_LFLAG = struct.Struct("12xI")
_TIOCGPTN = 0x80045430  # not in termios
_READS = {0, 63}
_WAITS = {7, 23, 232, 270, 271, 281} if os.uname().machine == "x86_64" else {22, 72, 73}


def make_raw(fd: int) -> Modes:
    """Put a terminal in raw mode: every key, flow control and signals too, arrives as a byte. Returns the modes
    it had, for `restore`. Raises termios.error where `fd` is none."""
    saved = termios.tcgetattr(fd)
    raw = termios.tcgetattr(fd)
    raw[0] &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.INPCK | termios.ISTRIP
        | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
    )  # fmt: skip
    raw[1] &= ~termios.OPOST
    raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[6][termios.VMIN] = 1
    raw[6][termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, raw)
    return saved


def restore(fd: int, modes: Modes | None) -> None:
    """Give a terminal its modes back; one that is gone needs none."""
    if modes is not None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(fd, termios.TCSANOW, modes)


def size(fd: int) -> tuple[int, int] | None:
    """(columns, rows), or None where `fd` is no terminal or knows no size."""
    try:
        rows, cols, _, _ = _SIZE.unpack(fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(_SIZE.size)))
    except OSError:
        return None
    return (cols, rows) if cols and rows else None


def raw_size(fd: int) -> bytes:
    """The size as the kernel keeps it, only to be compared; empty where `fd` is no terminal."""
    try:
        return fcntl.ioctl(fd, termios.TIOCGWINSZ, _NO_SIZE)
    except OSError:
        return b""


def set_size(fd: int, cols: int, rows: int) -> None:
    """Set a terminal's size; the kernel tells the foreground programs."""
    with suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, _SIZE.pack(rows, cols, 0, 0))


def line_modes(fd: int) -> tuple[bool, bool]:
    """(icanon, echo) of the terminal; asked on the master it answers for the program's side. (False, True)
    where the terminal is gone: nothing is hidden there, nothing typed either."""
    try:
        return line_flags(fcntl.ioctl(fd, termios.TCGETS, _TERMIOS))
    except OSError:
        return False, True


def line_flags(modes: bytes) -> tuple[bool, bool]:
    """(icanon, echo) of what TCGETS gave."""
    flags = _LFLAG.unpack_from(modes)[0]
    return bool(flags & termios.ICANON), bool(flags & termios.ECHO)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of it, waiting as long as it takes, whether or not `fd` blocks. Raises OSError."""
    while True:
        try:
            count = os.write(fd, data)
        except BlockingIOError:
            select.select([], [fd], [])
            continue
        if count == len(data):
            return
        data = memoryview(data)[count:]


def foreground_group(fd: int) -> int:
    """The foreground process group, 0 where there is none."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCGPGRP, b"\0\0\0\0"))[0])
    except OSError:
        return 0


class Foreground:
    """The command name of the foreground group's leader, or, when a pipeline outlived its leader, of the first
    member that the shell still has. Keeps the leader's comm file open: a name costs one pread."""

    def __init__(self, shell_pid: int) -> None:
        self._shell = shell_pid
        self._group = 0
        self._fd = -1
        self._name = ""

    def name(self, group: int) -> str:
        """The name for a group that was in the foreground just now, also if it has ended since."""
        if not group:
            return ""
        if group == self._group and self._fd >= 0:
            try:
                self._name = _comm(os.pread(self._fd, 32, 0))
                return self._name
            except OSError:
                if not any(self._members(group)):
                    return self._name
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._group = group
        for pid in (group, *self._members(group)):
            try:
                self._fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
                self._name = _comm(os.pread(self._fd, 32, 0))
                return self._name
            except OSError:
                continue
        self._name = ""
        return ""

    def _members(self, group: int) -> Iterator[int]:
        try:
            with open(f"/proc/{self._shell}/task/{self._shell}/children") as file:
                children = [int(pid) for pid in file.read().split()]
        except (OSError, ValueError):
            return
        for pid in children:
            with suppress(OSError):
                if os.getpgid(pid) == group:
                    yield pid


def _comm(raw: bytes) -> str:
    return raw.rstrip(b"\n").decode("utf-8", "replace")


def _slave_device(master: int) -> int:
    """The device number of the program's side."""
    number = int(struct.unpack("I", fcntl.ioctl(master, _TIOCGPTN, b"\0\0\0\0"))[0])
    return os.makedev(136 + (number >> 8), number & 255)


def waits_for_input(master: int) -> bool:
    """Whether a program of the foreground group is blocked reading the terminal: in a read of it, or, where it
    reads keys (no line mode), in a wait for any of its files. False where /proc doesn't tell."""
    group, device = foreground_group(master), _slave_device(master)
    raw = not line_modes(master)[0]
    for entry in os.listdir("/proc") if group else ():
        if not entry.isdigit():
            continue
        try:
            if os.getpgid(int(entry)) != group:
                continue
            with open(f"/proc/{entry}/syscall") as file:
                words = file.read().split()
            if words[0] == "running" or words[0] == "-1":
                continue
            call = int(words[0])
            if call in _READS and os.stat(f"/proc/{entry}/fd/{int(words[1], 16)}").st_rdev == device:
                return True
            if raw and call in _WAITS and os.stat(f"/proc/{entry}/fd/0").st_rdev == device:
                return True
        except (OSError, ValueError, IndexError):
            continue
    return False
