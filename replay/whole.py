"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(place: Path, *, alone: bool = False, durable: bool = False) -> Iterator[IO[bytes]]:
    """A new private file (0600) that stands at `place`, over the one before, when all is written; else nothing does.

    Several processes may write the same one: each has a name of its own meanwhile. `alone`: nobody else does, so what a
    kill left is written over by the next. `durable`: it is on the disk before it stands there. Raises OSError where the
    disk takes no more.
    """
    beside = place.with_name(f".{place.name}.partial" if alone else f".{place.name}.{os.getpid()}.partial")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(fd)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
