"""A look at the size of a folder before its snapshot, so that too large a one is refused before anything is kept."""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import NamedTuple

from recorder.trace.ignore import IgnoreRules, Scope
from recorder.trace.openat import FOLDER
from recorder.trace.printable import printable
from recorder.trace.tree import ADVICE, Limits, TreeTooLarge, shown

_TIMES_OVER = 5
"""Counting goes on this far past the limit, so that the message can say how much too large."""


class Survey(NamedTuple):
    """How much a snapshot will keep."""

    entries: int
    bytes: int


def survey(root: str, *, rules: IgnoreRules, limits: Limits) -> Survey:
    """Counts what `rules` leave in `root`. Raises TreeTooLarge, naming where the most of it lies and what to do;
    OSError where the root itself cannot be read."""
    count = _Count(rules, limits)
    fd = os.open(root, FOLDER & ~os.O_NOFOLLOW)
    try:
        count.folder(b"", fd, fd, rules.top, os.fstat(fd).st_dev, 0)
    finally:
        os.close(fd)
    entries, size = count.entries.total(), count.bytes.total()
    if entries > limits.entries:
        where, most = count.entries.most_common(1)[0]
        least = "more than " if count.stopped else ""
        raise TreeTooLarge(
            f"The workspace {printable(root)} holds {least}{entries:,} files and folders; the most is "
            f"{limits.entries:,}. Most are in {shown(where)} ({most:,}). {ADVICE}"
        )
    if size > limits.total_bytes:
        where, most = count.bytes.most_common(1)[0]
        raise TreeTooLarge(
            f"The workspace {printable(root)} holds {size >> 20:,} MiB; the most is {limits.total_bytes >> 20:,} MiB. "
            f"Most is in {shown(where)} ({most >> 20:,} MiB). {ADVICE}"
        )
    return Survey(entries, size)


class _Count:
    """Numbers by top-level entry."""

    def __init__(self, rules: IgnoreRules, limits: Limits) -> None:
        self.entries: Counter[bytes] = Counter()
        self.bytes: Counter[bytes] = Counter()
        self.stopped = False
        self._left = limits.entries * _TIMES_OVER
        self._rules = rules
        self._limits = limits

    def folder(self, path: bytes, fd: int, root: int, above: Scope, device: int, depth: int) -> None:
        scope = self._rules.enter(above, path, fd, root)
        with os.scandir(fd) as listing:
            for item in listing:
                name = os.fsencode(item.name)
                below = path + b"/" + name if path else name
                try:
                    status = item.stat(follow_symlinks=False)
                except OSError:
                    continue
                is_folder = stat.S_ISDIR(status.st_mode)
                if self._rules.leaves_out(scope, below, is_folder):
                    continue
                top = below.partition(b"/")[0]
                self.entries[top] += 1
                self._left -= 1
                if self._left < 0:
                    self.stopped = True
                    return
                in_git = below.startswith(b".git/") or b"/.git/" in below
                if stat.S_ISREG(status.st_mode) and (in_git or status.st_size <= self._limits.file_bytes):
                    self.bytes[top] += status.st_size
                if is_folder and status.st_dev == device and depth < self._limits.depth:
                    try:
                        inside = os.open(name, FOLDER, dir_fd=fd)
                    except OSError:
                        continue
                    try:
                        self.folder(below, inside, root, scope, device, depth + 1)
                    finally:
                        os.close(inside)
                    if self.stopped:
                        return
