"""Text as a reader sees it, with the way back to the bytes: without escape sequences, and without line ends."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from typing import NamedTuple

_UNSEEN = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]|[\x0e\x0f]"
    rb"|(?<=[^\r\n]{39}) \r(?![\r\n])"
)
"""Control sequences, charset shifts, and the blank and return by which readline goes on in the next line (on terminals
of 40 columns and more: so a short prompt's blank is never waited on)."""
_UNFINISHED = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,4096}\x1b?|[ -/]*)?|(?<=[^\r\n]{39}) \r?)\Z"
)
_LINE_END = re.compile(rb"[\r\n]+")


class View(NamedTuple):
    """`text` is what is left of the original; `cuts` are (position in text, bytes removed before it), rising."""

    text: bytes
    positions: list[int]
    removed: list[int]

    def back(self, position: int) -> int:
        """Where the byte at `position` stands in the original; for the end, the end."""
        at = bisect_right(self.positions, position)
        return position + (self.removed[at - 1] if at else 0)

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of the text from `start` to `end` that are contiguous in the original, as (start, end) here."""
        if not self.positions:
            return [(start, end)]
        inner = self.positions[bisect_right(self.positions, start) : bisect_right(self.positions, end - 1)]
        bounds = [start, *inner, end]
        return list(itertools.pairwise(bounds))


def seen(data: bytes) -> View:
    """`data` without what a terminal does not show."""
    if b"\x1b" not in data and b" \r" not in data and b"\x0f" not in data and b"\x0e" not in data:
        return View(data, [], [])
    return _without(data, _UNSEEN)


def unbroken(data: bytes) -> bytes:
    """`data` without line ends: fast, and enough where nothing is found in it."""
    return data.translate(None, b"\r\n")


def unbroken_view(data: bytes) -> View:
    """The same with the way back."""
    return _without(data, _LINE_END)


def unfinished(data: bytes) -> int:
    """Where at the end of `data` something begins of which the next byte says whether it is shown."""
    match = _UNFINISHED.search(data, max(0, len(data) - 4200))
    return match.start() if match is not None else len(data)


def _without(data: bytes, pattern: re.Pattern[bytes]) -> View:
    parts: list[bytes] = []
    positions: list[int] = []
    removed: list[int] = []
    at = gone = 0
    kept = 0
    for match in pattern.finditer(data):
        start, end = match.span()
        if start > at:
            parts.append(data[at:start])
            kept += start - at
        at = end
        gone += end - start
        if positions and positions[-1] == kept:
            removed[-1] = gone
        else:
            positions.append(kept)
            removed.append(gone)
    parts.append(data[at:])
    return View(b"".join(parts), positions, removed)
