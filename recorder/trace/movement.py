"""Where the cursor goes: the part of the emulator that moves the cursor and scrolls.

pyte's cursor, margins and modes; xterm's and Ghostty's rules: margins hold only a cursor inside them, a
movement gives up a pending wrap, each screen saves one cursor, tab stops work in both directions.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import pyte
import pyte.modes as mo
from pyte.screens import Char, Cursor, Margins

from recorder.trace.cells import PLAIN, Grid, Row


class Saved(NamedTuple):
    cursor: Cursor
    charsets: tuple[str, ...]
    shift: int
    origin: bool


class Movement(pyte.Screen):
    """Positions count from 0. `cursor.x == columns` means that the next character wraps first."""

    grid: Grid
    history: deque[Row]
    alternate: bool
    _saved: list[Saved | None]

    @property
    def default_char(self) -> Char:
        return PLAIN

    @property
    def column(self) -> int:
        """The column of the cursor, the last one while a wrap is pending."""
        return min(self.cursor.x, self.columns - 1)

    @property
    def region(self) -> Margins:
        return self.margins or Margins(0, self.lines - 1)

    @property
    def blank(self) -> Char:
        """The style of an erased cell: plain on the current background."""
        attrs = self.cursor.attrs
        return PLAIN if attrs.bg == "default" else PLAIN._replace(bg=attrs.bg)

    def _settle(self) -> tuple[int, int]:
        """The cursor's cell; a pending wrap is given up."""
        self.cursor.x = self.column
        return self.cursor.x, self.cursor.y

    def _reset_charsets(self) -> None:
        self._charsets = ["B", "B", "B", "B"]
        self._shift = 0

    # -- movement --------------------------------------------------------------------------------------

    def _next_row(self) -> None:
        if self.margins is None:
            if self.cursor.y < self.lines - 1:
                self.cursor.y += 1
            else:
                gone = self.grid.roll(self.blank)
                if self.history.maxlen and not self.alternate:
                    self.history.append(gone)
        elif self.cursor.y == self.margins.bottom:
            self.scroll_up(1)
        elif self.cursor.y < self.lines - 1:
            self.cursor.y += 1

    def index(self) -> None:
        self.cursor.x = self.column
        self._next_row()

    def linefeed(self) -> None:
        self.cursor.x = 0 if mo.LNM in self.mode else self.column
        self._next_row()

    def next_line(self) -> None:
        """NEL."""
        self.cursor.x = 0
        self.index()

    def reverse_index(self) -> None:
        self.cursor.x = self.column
        if self.cursor.y == self.region.top:
            self.scroll_down(1)
        elif self.cursor.y:
            self.cursor.y -= 1

    def scroll_up(self, count: int) -> None:
        """SU: rows of the scrolling region; what leaves the main screen's top goes to the history."""
        top, bottom = self.margins or (0, self.lines - 1)
        gone = self.grid.scroll_up(top, bottom, count or 1, self.blank)
        if top == 0 and not self.alternate and self.history.maxlen:
            self.history.extend(gone)

    def scroll_down(self, count: int) -> None:
        """SD."""
        self.grid.scroll_down(*self.region, count or 1, self.blank)

    def cursor_up(self, count: int | None = None) -> None:
        top = self.region.top if self.cursor.y >= self.region.top else 0
        self.cursor.x = self.column
        self.cursor.y = max(self.cursor.y - (count or 1), top)

    def cursor_down(self, count: int | None = None) -> None:
        bottom = self.region.bottom if self.cursor.y <= self.region.bottom else self.lines - 1
        self.cursor.x = self.column
        self.cursor.y = min(self.cursor.y + (count or 1), bottom)

    def cursor_position(self, line: int | None = None, column: int | None = None) -> None:
        self.cursor.x = min((column or 1) - 1, self.columns - 1)
        self.cursor_to_line(line)

    def cursor_to_line(self, line: int | None = None) -> None:
        top, bottom = self.region if mo.DECOM in self.mode else (0, self.lines - 1)
        self.cursor.x = self.column
        self.cursor.y = min(top + (line or 1) - 1, bottom)

    def set_margins(self, top: int | None = None, bottom: int | None = None) -> None:
        """DECSTBM."""
        first, last = (top or 1) - 1, min(bottom or self.lines, self.lines) - 1
        if first >= last:
            return
        self.margins = None if (first, last) == (0, self.lines - 1) else Margins(first, last)
        self.cursor_position()

    def tab(self) -> None:
        self.forward_tabs(1)

    def forward_tabs(self, count: int) -> None:
        """CHT; at the margin a pending wrap stays."""
        if self.cursor.x >= self.columns:
            return
        at = bisect_right(self._stops, self.column) + (count or 1) - 1
        stop = self._stops[at] if at < len(self._stops) else self.columns
        self.cursor.x = min(stop, self.columns - 1)  # stops outlive the columns that a smaller size takes

    def back_tabs(self, count: int) -> None:
        """CBT."""
        at = bisect_left(self._stops, self.column) - (count or 1)
        self.cursor.x = self._stops[at] if at >= 0 else 0

    def set_tab_stop(self) -> None:
        self._set_tab_stops({*self._stops, self.column})

    def clear_tab_stop(self, how: int = 0) -> None:
        if how == 0:
            self._set_tab_stops({*self._stops} - {self.column})
        elif how == 3:
            self._set_tab_stops(())

    def _set_tab_stops(self, stops: Iterable[int]) -> None:
        self.tabstops = set(stops)
        self._stops = sorted(self.tabstops)

    def save_cursor(self) -> None:
        self._saved[self.alternate] = Saved(
            copy.copy(self.cursor), tuple(self._charsets), self._shift, mo.DECOM in self.mode
        )

    def restore_cursor(self) -> None:
        saved = self._saved[self.alternate]
        hidden = self.cursor.hidden
        if saved is None:
            self.cursor = Cursor(0, 0, PLAIN)
            self.mode.discard(mo.DECOM)
            self._reset_charsets()
        else:
            self.cursor = copy.copy(saved.cursor)
            self._charsets, self._shift = list(saved.charsets), saved.shift
            (self.mode.add if saved.origin else self.mode.discard)(mo.DECOM)
        self.cursor.hidden = hidden
        self.cursor.x, self.cursor.y = min(self.cursor.x, self.columns), min(self.cursor.y, self.lines - 1)
