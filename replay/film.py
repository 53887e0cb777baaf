"""A film of what a replayed browser showed, in the recorded time."""

from __future__ import annotations

import os
from pathlib import Path

from recorder.trace.errors import UsageError
from replay.webm import NoFrame, Webm

_APART_NS = 100_000_000
"""Between two pictures of one deed."""


class Film:
    """Writes the film `path`, which is made anew, as WebM. Call `close`. Raises UsageError where it cannot be made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        self._file = os.fdopen(fd, "w+b")
        self._webm = Webm(self._file)
        self._last: int | None = None
        self.remarks: list[str] = []

    def wants(self, t: int, rested: bool) -> bool:
        """Whether a picture of the time `t` (ns of the session) is wanted; what has `rested` is always."""
        return not self.remarks and (rested or self._last is None or t - self._last >= _APART_NS)

    def take(self, t: int, webp: bytes) -> None:
        """Shows a picture from `t` on. Never raises: what is wrong with the film is no fault of the replay's."""
        try:
            self._webm.add(t // 1_000_000, webp)
            self._last = t
        except (NoFrame, OSError) as error:
            self.remarks.append(f"{self._path}: the film ends early: {error}")

    def close(self) -> None:
        """Ends the film; once is enough."""
        if self._file.closed:
            return
        try:
            self._webm.close()
            self._file.close()
        except OSError as error:
            self.remarks.append(f"{self._path}: the film has no end: {error}")
        if not self._webm.frames:
            self.remarks.append(f"{self._path}: nothing was shown, so the film is empty")
