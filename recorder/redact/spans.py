"""What several places of one text share: looked for once, however many ask."""

from __future__ import annotations

import re


class Ends:
    """Where what begins somewhere ends: at the next byte that `stop` matches. To be asked in the order of the text."""

    def __init__(self, text: bytes, stop: re.Pattern[bytes]) -> None:
        self._text = text
        self._search = stop.search
        self._end = -1

    def after(self, at: int) -> int:
        if at > self._end or self._end < 0:
            match = self._search(self._text, at)
            self._end = match.start() if match is not None else len(self._text)
        return self._end


class Tries:
    """How often values that lie within each other were judged, where text names one at every word.

    A value within one that was found is not looked at; of those that were judged in vain only the first few.
    """

    MOST = 16
    PORTION = 8192
    NAME = 64
    """A name further than this before a found value's end has its own value within it."""

    def __init__(self, text: bytes, stop: re.Pattern[bytes]) -> None:
        self._ends = Ends(text, stop)
        self._until = -1
        self._left = self.MOST
        self._covered = -1

    def allow(self, start: int) -> bool:
        """Whether to look at the name that begins at `start`."""
        if start + self.NAME <= self._covered:
            return False
        if start > self._until:
            self._until = min(self._ends.after(start), start + self.PORTION)
            self._left = self.MOST
        return self._left > 0

    def found(self, end: int) -> None:
        self._covered = max(self._covered, end)

    def failed(self) -> None:
        self._left -= 1
