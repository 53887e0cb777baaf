"""Limits that are no cgroup's: per-process rlimits, and how much disk the payload has taken."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from replay.sandbox.spec import UNGROUPED_ADDRESS_SPACE, Limits

_DEEPEST = 128
_SPARED = 2
"""After a count, the next comes only once this many times its cost has passed."""


def rlimit_words(limits: Limits, *, grouped: bool) -> list[str]:
    """Arguments for prlimit(1), which runs inside: even as root we may lack the right to limit others.

    None is above what binds us already. `grouped`: a cgroup bounds the memory.
    """
    space = limits.address_space or (resource.RLIM_INFINITY if grouped else UNGROUPED_ADDRESS_SPACE)
    words = []
    for option, which, soft in (
        ("core", resource.RLIMIT_CORE, 0),
        ("nproc", resource.RLIMIT_NPROC, limits.processes),
        ("fsize", resource.RLIMIT_FSIZE, limits.file_size),
        ("nofile", resource.RLIMIT_NOFILE, limits.open_files),
        ("as", resource.RLIMIT_AS, space),
        ("memlock", resource.RLIMIT_MEMLOCK, 8 << 20),
        ("msgqueue", resource.RLIMIT_MSGQUEUE, 1 << 20),
    ):
        _, most = resource.getrlimit(which)
        hard = max(soft, 65536) if option == "nofile" else soft
        if most != resource.RLIM_INFINITY:
            hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
            soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
        shown = ["unlimited" if n == resource.RLIM_INFINITY else str(n) for n in (soft, hard)]
        words.append(f"--{option}={shown[0]}:{shown[1]}")
    return words


class Taken(NamedTuple):
    bytes: int
    files: int
    whole: bool
    """False where something could not be counted: too deep, or shut."""


class DiskWatch:
    """Says when open folders outgrow their budget, counted from what they held at first, where that is known.

    `look()` is cheap (statvfs) until the file system itself has filled by that much; only then it counts the
    folders, because others may have filled it.
    """

    def __init__(self, folders: Sequence[int], limits: Limits, first: Sequence[Taken | None]) -> None:
        self._folders = folders
        self._limits = limits
        self._first = [known or _count(fd) for fd, known in zip(folders, first, strict=True)]
        self._left = (limits.disk, limits.files)
        self._level = self._levels()
        self._not_before = 0.0

    def look(self) -> str | None:
        """What was exceeded, in words; None while all is within limits."""
        if time.monotonic() < self._not_before:
            return None
        levels = self._levels()
        filled, added = (
            max(was[i] - now[i] for was, now in zip(self._level, levels, strict=True)) for i in (0, 1)
        )
        # Half: somebody else may have made room on the same file system meanwhile.
        if filled <= self._left[0] // 2 and added <= self._left[1] // 2:
            return None
        begin = time.monotonic()
        taken = self.taken()
        if taken.bytes > self._limits.disk or (not taken.whole and filled > self._limits.disk):
            return f"the payload wrote over {self._limits.disk} bytes to disk"
        if taken.files > self._limits.files or (not taken.whole and added > self._limits.files):
            return f"the payload made over {self._limits.files} files"
        if taken.whole:  # else the level of the start stays the measure
            self._level = levels
            self._left = (self._limits.disk - taken.bytes, self._limits.files - taken.files)
        end = time.monotonic()
        self._not_before = end + (end - begin) * _SPARED
        return None

    def taken(self) -> Taken:
        """Exactly how much the folders grew. Costs a walk."""
        now = [_count(fd) for fd in self._folders]
        return Taken(
            sum(n.bytes - f.bytes for n, f in zip(now, self._first, strict=True)),
            sum(n.files - f.files for n, f in zip(now, self._first, strict=True)),
            all(n.whole for n in now),
        )

    def _levels(self) -> list[tuple[int, int]]:
        """Free bytes and files of each folder's file system."""
        states = [os.fstatvfs(fd) for fd in self._folders]
        return [(state.f_bfree * state.f_frsize, state.f_ffree) for state in states]


_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _count(folder: int, depth: int = _DEEPEST) -> Taken:
    """Blocks and entries below an open folder; follows nothing, survives what changes meanwhile."""
    size = files = 0
    whole = True
    below: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                files += 1
                try:
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
                except OSError:
                    continue
                size += status.st_blocks * 512
    except OSError:
        return Taken(size, files, False)
    for name in below:
        if depth == 0:
            return Taken(size, files, False)
        try:
            fd = os.open(name, _OPEN_FOLDER, dir_fd=folder)
        except OSError:
            whole = False
            continue
        try:
            part = _count(fd, depth - 1)
        finally:
            os.close(fd)
        size, files, whole = size + part.bytes, files + part.files, whole and part.whole
    return Taken(size, files, whole)


def give(folder: Path, uid: int, gid: int) -> Taken:
    """Makes (uid, gid) the owner of a tree, following no link. Returns what the tree holds."""
    size = count = 0
    if os.stat(folder).st_uid != uid:
        os.chown(folder, uid, gid)
    for _, folders, files, here in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            status = os.stat(name, dir_fd=here, follow_symlinks=False)
            count += 1
            size += status.st_blocks * 512
            if status.st_uid != uid:
                os.chown(name, uid, gid, dir_fd=here, follow_symlinks=False)
    return Taken(size, count, True)
