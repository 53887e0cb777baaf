"""Which paths may have changed: inotify on every followed folder, or, where it cannot serve, everything."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from recorder.trace.content import BlobSink, Limits
from recorder.trace.events import Change, unescape_path
from recorder.trace.ignore import IgnoreRules
from recorder.trace.tree import Tree, TreeScanner
from recorder.trace.volatile import followed

if sys.platform == "linux":
    from inotify_simple import INotify, flags

    _MASK = (
        flags.CREATE | flags.DELETE | flags.MODIFY | flags.CLOSE_WRITE | flags.ATTRIB
        | flags.MOVED_FROM | flags.MOVED_TO | flags.ONLYDIR | flags.EXCL_UNLINK
    )  # fmt: skip
    _APPEARED = flags.CREATE | flags.MOVED_TO


TICK_NS = 11_000_000
"""A file's times lag by a tick of the kernel's coarse clock at most, 10 ms at the slowest."""
NEVER = 1 << 62
"""Later than everything: no time is known."""


class Taken(NamedTuple):
    """Folders to walk and entries to look at, each with a time (CLOCK_BOOTTIME) before which its last event was."""

    deep: dict[bytes, int]
    entries: dict[bytes, int]

    def came_with(self, path: bytes) -> int | None:
        """The time of the nearest folder above `path` that appeared; None where none did."""
        above = path.rpartition(b"/")[0]
        while above:
            if above in self.deep:
                return self.deep[above]
            above = above.rpartition(b"/")[0]
        return None


class Watch:
    """Collects paths until they are taken. `blind` says why only a look at everything can tell, if so.

    `folder` and `gone` are the scanner's callbacks: a folder is watched before it is listed, so that nothing
    falls between. A folder that appears is to be walked; whatever else happens concerns one entry.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.blind: str | None = None
        self.told = 0
        """How many events the kernel has told of so far."""
        self._deep: dict[bytes, int] = {}
        self._entries: dict[bytes, int] = {}
        self._paths: dict[int, bytes] = {}
        self._watches: dict[bytes, int] = {}
        self._inotify: INotify | None = None
        if not enabled or sys.platform != "linux":
            self.blind = "this system has no inotify: changes are found by looking at every file"
            return
        try:
            self._inotify = INotify(nonblocking=True)
        except OSError as error:
            self._go_blind(error)

    def fileno(self) -> int | None:
        """The descriptor to poll; None while blind."""
        return None if self._inotify is None else self._inotify.fileno()

    def folder(self, path: bytes, fd: int) -> None:
        """Watches the folder `path`, open at `fd`."""
        if self._inotify is None:
            return
        try:
            # By descriptor: the very folder that is about to be listed, however deep it lies.
            watch = self._inotify.add_watch(f"/proc/self/fd/{fd}", _MASK)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return
            self._go_blind(error)
            return
        before = self._paths.get(watch)
        if before is not None and self._watches.get(before) == watch:
            del self._watches[before]
        self._paths[watch] = path
        self._watches[path] = watch

    def gone(self, path: bytes) -> None:
        """Stops watching the folder that stood at `path`, unless it was found again elsewhere."""
        watch = self._watches.pop(path, None)
        if watch is None or self._paths.get(watch) != path:
            return
        del self._paths[watch]
        if self._inotify is not None:
            try:
                self._inotify.rm_watch(watch)
            except OSError:
                pass  # the kernel ended it with the folder

    def collect(self) -> None:
        """Takes in what the kernel has to tell, without waiting."""
        if self._inotify is None:
            return
        deep, entries, paths = self._deep, self._entries, self._paths
        events = self._inotify.read(timeout=0)
        self.told += len(events)
        now = boottime()
        for watch, mask, _, name in events:
            if mask & flags.Q_OVERFLOW:
                deep[b""] = now
                continue
            folder = paths.get(watch)
            if folder is None:
                continue
            if mask & flags.IGNORED:
                del paths[watch]
                if self._watches.get(folder) == watch:
                    del self._watches[folder]
                continue
            path = folder
            if name:
                path = folder + b"/" + os.fsencode(name) if folder else os.fsencode(name)
            if not path or not followed(path):
                continue
            if mask & flags.ISDIR and mask & _APPEARED:
                deep[path] = now
            else:
                entries[path] = now

    @property
    def dirty(self) -> bool:
        """Whether anything was collected; while blind nobody can say and this is False."""
        return bool(self._deep or self._entries)

    def take(self) -> Taken:
        """What was collected so far, and begins anew."""
        self.collect()
        taken = Taken(self._deep, self._entries)
        self._deep, self._entries = {}, {}
        if self.blind is not None:
            taken.deep[b""] = NEVER
        return taken

    def settled(self, path: bytes, taken: Taken, *, gone: bool) -> int | None:
        """When at the latest the path last changed, by what was taken; None where events cannot tell.

        Call it after the look at what was taken: what was touched again since is not settled.
        """
        self.collect()
        if path in self._entries or path in self._deep or b"" in taken.deep:
            return None
        above, latest = path, None
        while above:
            if above in self._deep:
                return None
            if above in taken.deep:
                # Found by walking a folder: only its own coming and going have a known time.
                return max(taken.deep[above], taken.entries.get(above, 0)) if above == path else None
            if above in taken.entries:
                if not gone:
                    return taken.entries[above] if above == path else None
                # It may have gone with any folder above it, later than its own last event.
                latest = max(latest or 0, taken.entries[above])
            above = above.rpartition(b"/")[0]
        return latest

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _go_blind(self, error: OSError) -> None:
        what = {
            errno.ENOSPC: "the limit of watched folders is reached (raise fs.inotify.max_user_watches)",
            errno.EMFILE: "the limit of inotify instances is reached (raise fs.inotify.max_user_instances)",
        }.get(error.errno or 0, f"inotify failed: {error.strerror}")
        self.blind = (
            f"{what}: changes are found by looking at every file, which costs more after each command"
        )
        self.close()
        self._paths.clear()
        self._watches.clear()


class FollowedTree:
    """A scanner that knows where to look: `changes` costs what changed, not what stands there.

    Arguments as for TreeScanner; without `watching`, or where the system can't, every look is at everything.
    Call `scan` once before `changes`.
    """

    def __init__(
        self,
        root: str | bytes | os.PathLike[str],
        *,
        rules: IgnoreRules | None = None,
        limits: Limits | None = None,
        blobs: BlobSink | None = None,
        progress: Callable[[int, int], None] | None = None,
        watching: bool = True,
    ) -> None:
        self.watch = Watch(enabled=watching)
        self.scanner = TreeScanner(
            root,
            rules=rules,
            limits=limits,
            blobs=blobs,
            on_folder=self.watch.folder,
            on_gone=self.watch.gone,
            progress=progress,
        )

    def scan(self, *, everything: bool = False) -> Tree:
        """See TreeScanner.scan."""
        return self.scanner.scan(everything=everything)

    def changes(self) -> list[Change]:
        """What changed since the last look. Raises TreeTooLarge."""
        return self.look()[0]

    def look(self) -> tuple[list[Change], Taken]:
        """`changes`, with what the watch had told (for `latest`)."""
        taken = self.watch.take()
        return self.scanner.rescan(taken.deep, entries=taken.entries), taken

    def latest(self, path: bytes, taken: Taken, *, gone: bool) -> int | None:
        """A time (CLOCK_BOOTTIME) by which a path that `look` told of had changed for certain; None: nobody knows.

        By the events that told of it, or by its own times, which lag by a tick of the kernel's clock.
        """
        times = []
        if (settled := self.watch.settled(path, taken, gone=gone)) is not None:
            times.append(settled)
        if (moment := self.scanner.moment(path)) is not None:
            own = moment - (time.time_ns() - boottime()) + TICK_NS
            # What came with a moved folder is older than its coming.
            came = taken.came_with(path)
            times.append(own if came is None else max(own, came))
        return min(times, default=None)

    def unseen(self, changes: Iterable[Change], taken: Taken) -> int:
        """A time (CLOCK_BOOTTIME) since which nothing was undone before `look` could see it; NEVER: nobody knows.

        What was touched and yet is no change may have been one for a while, and so may the content of new folders.
        """
        if b"" in taken.deep:
            return NEVER
        told = {unescape_path(change.path): change.after for change in changes}
        times = [
            NEVER if (latest := self.latest(path, taken, gone=True)) is None else latest
            for path in taken.entries.keys() | taken.deep.keys()
            if path not in told and not self.scanner.leaves_out(path)
        ]
        for path, after in told.items():
            if after is not None and after.type == "folder":
                moment = self.scanner.moment(path)
                times.append(NEVER if moment is None else moment - (time.time_ns() - boottime()) + TICK_NS)
        return max(times, default=0)

    def close(self) -> None:
        self.watch.close()
        self.scanner.close()


def boottime() -> int:
    """Nanoseconds of CLOCK_BOOTTIME, or of the monotonic clock where there is none."""
    return time.clock_gettime_ns(_BOOTTIME)


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
