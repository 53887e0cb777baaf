"""Opening below a folder without ever leaving it: each step is relative to an open folder and follows no link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_folder(fd: int, parts: Iterable[bytes]) -> int:
    """A new descriptor for the folder below `fd`. Raises OSError (ELOOP or ENOTDIR where a link stands)."""
    here = os.dup(fd)
    try:
        for part in parts:
            below = os.open(part, FOLDER, dir_fd=here)
            os.close(here)
            here = below
    except BaseException:
        os.close(here)
        raise
    return here


def read_regular(fd: int, name: bytes, most: int) -> bytes | None:
    """Content of the regular file `name` in the folder `fd`; None where none can be read or it is over `most`."""
    try:
        file = os.open(name, REGULAR, dir_fd=fd)
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        portions = []
        left = most + 1
        while left > 0 and (data := os.read(file, min(left, 1 << 18))):
            portions.append(data)
            left -= len(data)
        return b"".join(portions) if left > 0 else None
    except OSError:
        return None
    finally:
        os.close(file)
