"""The traces of a folder as its directory has them: nothing is opened."""

from __future__ import annotations

import os
import time

from replay.catalog.entry import Seen

_TRACE = b".reenact"
_VERDICT = b".verdict"
_TICK = 20_000_000
_COARSE = 2_000_000_000
"""How long (ns) two changes of a file may have one time, on file systems with fine times and with whole seconds."""


def seen(folder: bytes, *, recursive: bool) -> dict[bytes, Seen]:
    """The traces of a folder, and with `recursive` of those in it that are not hidden, by their path from it.

    Raises OSError where the folder itself cannot be read; of those in it such are passed over.
    """
    traces: dict[bytes, tuple[int, str]] = {}
    judged: dict[bytes, str] = {}
    waiting = [b""]
    while waiting:
        inner = waiting.pop()
        try:
            entries = os.scandir(folder + b"/" + inner)
        except OSError:
            if inner:
                continue
            raise
        with entries:
            for entry in entries:
                name = inner + entry.name
                if name.endswith(_TRACE):
                    if (found := _stamp(entry)) is not None:
                        traces[name] = found
                elif name.endswith(_VERDICT):
                    if (found := _stamp(entry)) is not None:
                        judged[name] = found[1]
                elif recursive and entry.name[:1] != b"." and entry.is_dir(follow_symlinks=False):
                    waiting.append(name + b"/")
    return {
        name: Seen(size, stamp, judged.get(name[: -len(_TRACE)] + _VERDICT))
        for name, (size, stamp) in traces.items()
    }


def _stamp(entry: os.DirEntry[bytes]) -> tuple[int, str] | None:
    """Size, and what changes when the file does: ctime too, which no program can set. None where it is gone."""
    now = time.time_ns()
    try:
        status = entry.stat()
    except OSError:  # a link to nothing, or gone meanwhile
        try:
            entry.stat(follow_symlinks=False)
        except OSError:
            return None
        return 0, ""
    changed = status.st_ctime_ns
    if changed > now - (_TICK if changed % 1_000_000_000 else _COARSE):
        return status.st_size, ""
    return status.st_size, f"{status.st_size} {status.st_mtime_ns} {changed} {status.st_ino}"
