"""Text as a reader sees it, with the way back to the bytes: without escape sequences, and without line ends."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right

_CONTROLS = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])|[\x0e\x0f]"
_UNSEEN = re.compile(_CONTROLS)
"""Control sequences and charset shifts."""
_UNSEEN_AND_MARGINS = re.compile(_CONTROLS + rb"| \r(?![\r\n])(?<=[^\r\n]{39} \r)")
"""And the blank and return by which readline goes on in the next line: on terminals of 40 columns and more, so that a
short prompt's blank is never waited on."""
_RUBBED_OUT = rb"(?:\x08(?:\x1b\[K| \x08)|\x7f)"
_CORRECTION = rb"[!-~\x80-\xff]" + _RUBBED_OUT
for _ in range(7):
    _CORRECTION = rb"[!-~\x80-\xff](?:%s)*%s" % (_CORRECTION, _RUBBED_OUT)
_UNSEEN_AND_CORRECTIONS = re.compile(_CORRECTION + rb"|" + _UNSEEN_AND_MARGINS.pattern)
"""And what was typed and taken back, up to eight keys in a row: as a terminal echoes it, and as it is typed."""
_MARGIN = re.compile(rb" \r(?![\r\n])")
_UNFINISHED_CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,4096}\x1b?|[ -/]*)?\Z")
_UNFINISHED_MARGIN = re.compile(rb"[^\r\n]{39}( \r?)\Z")
_UNFINISHED_CORRECTION = re.compile(rb"(?<!\x08 )\x08(?:\x1b\[?| )?\Z")
_LINE_END = re.compile(rb"[\r\n]+")


class View:
    """What is left of `data` (`text`) without what `pattern` matches. The way back is worked out when it is asked for:
    most text has nothing to go back to."""

    def __init__(self, data: bytes, pattern: re.Pattern[bytes] | None = None) -> None:
        self.text = data if pattern is None else pattern.sub(b"", data)
        self._data = data
        self._pattern = pattern
        self._cuts: tuple[list[int], list[int]] | None = ([], []) if pattern is None else None
        self._last_line: tuple[int, int, View] | None = None

    def back(self, position: int) -> int:
        """Where the byte at `position` stands in the original; for the end, the end."""
        if position >= len(self.text):
            return len(self._data)
        if self._cuts is None:
            line = self._line()
            if line is not None and position >= line[0]:
                return line[1] + line[2].back(position - line[0])
        positions, removed = self._all_cuts()
        at = bisect_right(positions, position)
        return position + (removed[at - 1] if at else 0)

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of the text from `start` to `end` that are contiguous in the original, as (start, end) here."""
        positions, _ = self._all_cuts()
        inner = positions[bisect_right(positions, start) : bisect_right(positions, end - 1)]
        return list(itertools.pairwise([start, *inner, end]))

    def _line(self) -> tuple[int, int, View] | None:
        """The last line: where it begins in the text and in the original, and its own view, if it has one."""
        if self._last_line is None:
            start = self._data.rfind(b"\n") + 1
            view = View(self._data[start:], self._pattern)
            view._all_cuts()
            at = len(self.text) - len(view.text)
            if not start or self.text[at - 1 : at] != b"\n" or not self.text.endswith(view.text):
                return None
            self._last_line = (at, start, view)
        return self._last_line

    def _all_cuts(self) -> tuple[list[int], list[int]]:
        """Positions in the text before which something was removed, and how many bytes were up to there."""
        if self._cuts is None:
            assert self._pattern is not None
            positions: list[int] = []
            removed: list[int] = []
            gone = 0
            for match in self._pattern.finditer(self._data):
                start, end = match.span()
                kept = start - gone
                gone += end - start
                if positions and positions[-1] == kept:
                    removed[-1] = gone
                else:
                    positions.append(kept)
                    removed.append(gone)
            self._cuts = positions, removed
        return self._cuts


def seen(data: bytes) -> View:
    """`data` without what a terminal does not show, or shows no more."""
    # One byte is looked for ten times as fast as two.
    if b"\x7f" in data or (b"\x08" in data and (b"\x08\x1b[K" in data or b"\x08 \x08" in data)):
        return View(data, _UNSEEN_AND_CORRECTIONS)
    if b"\r" in data and b" \r" in data and _MARGIN.search(data):
        return View(data, _UNSEEN_AND_MARGINS)
    if b"\x1b" in data or b"\x0f" in data or b"\x0e" in data:
        return View(data, _UNSEEN)
    return View(data)


def unbroken(data: bytes) -> bytes:
    """`data` without line ends: fast, and enough where nothing is found in it."""
    return data.translate(None, b"\r\n")


def unbroken_view(data: bytes) -> View:
    """The same with the way back."""
    return View(data, _LINE_END)


def unfinished(data: bytes) -> int:
    """Where at the end of `data` something begins of which the next byte says whether it is shown."""
    for start in (data.rfind(b"\x1b"), data.rfind(b"\x1b", 0, max(0, data.rfind(b"\x1b")))):
        if start >= max(0, len(data) - 4200) and _UNFINISHED_CONTROL.match(data, start):
            return start
    match = _UNFINISHED_CORRECTION.search(data, max(0, len(data) - 4))
    if match is not None:
        return match.start()
    match = _UNFINISHED_MARGIN.search(data, max(0, len(data) - 41))
    return match.start(1) if match is not None else len(data)
