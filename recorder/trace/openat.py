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


class OpenFolders:
    """The open folders on the way to the last path asked for; each is opened once while paths come in order."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: list[tuple[bytes, int]] = []

    def get(self, path: bytes) -> int:
        """The folder's descriptor, valid until the next call. Raises OSError."""
        while self._open and not (path + b"/").startswith(self._open[-1][0] + b"/"):
            os.close(self._open.pop()[1])
        at, fd = self._open[-1] if self._open else (b"", self._root)
        if at == path:
            return fd
        for part in path[len(at) + 1 if at else 0 :].split(b"/"):
            fd = os.open(part, FOLDER, dir_fd=fd)
            at = at + b"/" + part if at else part
            self._open.append((at, fd))
        return fd

    def has(self, path: bytes) -> bool:
        return bool(self._open) and self._open[-1][0] == path

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop()[1])
