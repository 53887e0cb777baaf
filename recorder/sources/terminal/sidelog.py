"""What the shell and the in-session `reenact` write down beside the terminal, on its way from memory to disk.

They write into files that stand in memory (see `recorder.memory`). The writer takes whole records out of them, replaces
secrets, appends the rest to a file of the same length on disk, and clears what it took.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import errno
import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from recorder.redact import Redactor

MOST = 256 << 20
"""Bytes of one log that are kept: a program of the session may write there too."""
_PORTION = 4 << 20
_KEEP_SIZE_PUNCH_HOLE = 3
_WORD = b" "


class SideLogPaths(NamedTuple):
    """`live` is written to, in memory; `kept` is what reaches the disk. `kind` is shell or notes."""

    live: str
    kept: str
    kind: str


class SideLog:
    """One log. Not to be used by two processes at once."""

    def __init__(self, paths: SideLogPaths, redactor: Redactor) -> None:
        """Raises OSError where the file on disk cannot be opened."""
        self._paths = paths
        self._end = b"\0\n" if paths.kind == "shell" else b"\n"
        redact = redact_shell if paths.kind == "shell" else redact_notes
        self._redact: Callable[[bytes], bytes] = lambda data: redact(data, redactor)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._kept = os.open(paths.kept, flags, 0o600)
        self._at = os.fstat(self._kept).st_size
        self._live = -1

    def advance(self, *, last: bool = False) -> None:
        """Takes what was written since; the whole records of it, or with `last` all. Raises OSError."""
        if self._live < 0 and not self._open():
            return
        while self._at < MOST and (size := os.fstat(self._live).st_size) > self._at:
            data = os.pread(self._live, min(size, MOST) - self._at if last else _PORTION, self._at)
            whole = data.rfind(self._end) + len(self._end)
            if last or (whole < len(self._end) and len(data) == _PORTION):
                whole = len(data)  # no record is that long
            if whole < len(self._end):
                return
            redacted = self._redact(data[:whole])
            written = os.write(self._kept, redacted)
            if written < len(redacted):
                os.ftruncate(self._kept, self._at)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._at += whole
            _clear(self._live, self._at)

    def _open(self) -> bool:
        try:
            fd = os.open(self._paths.live, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False  # nothing was written yet
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            return False
        self._live = fd
        return True


def redact_shell(log: bytes, redactor: Redactor) -> bytes:
    """Records of the shell's log with their folders and texts redacted; as long as before."""
    return b"\0".join(redactor.redact(part, "command") for part in log.split(b"\0"))


def redact_notes(log: bytes, redactor: Redactor) -> bytes:
    """Lines of the notes' log (see `recorder.trace.notes`) with their fields redacted; as long as before."""
    return b"\n".join(_line(line, redactor) for line in log.split(b"\n"))


def _line(line: bytes, redactor: Redactor) -> bytes:
    fields = line.split(_WORD)
    said = [_decoded(field) for field in fields[3:]]
    redactor.redact(
        b" ".join(text or b"" for text in said), "note"
    )  # as one text too: `-u` says what follows
    for at, text in enumerate(said, 3):
        if text is not None and (redacted := redactor.redact(text, "note")) != text:
            fields[at] = base64.b64encode(redacted) + (b"." if fields[at].endswith(b".") else b"")
    return _WORD.join(fields)


def _decoded(field: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(field.removesuffix(b"."), strict_mode=True)
    except binascii.Error:
        return None


def _clear(fd: int, size: int) -> None:
    """Gives the memory of the first `size` bytes back; the file's length stays, by which notes tell when they were
    written."""
    if _fallocate is not None:
        _fallocate(fd, _KEEP_SIZE_PUNCH_HOLE, 0, size)


_fallocate: Any
try:
    _fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    _fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
except (OSError, AttributeError):
    _fallocate = None
