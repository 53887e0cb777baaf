"""The grid of character cells behind a screen. Pure.

A row is two lists of equal length: what stands in each cell and in which style. A character of two cells has
"" in its second one; a character that loses half of itself becomes a space, as in every terminal. Equal rows
may be one shared object until somebody writes to one, so that erasing a large screen costs little.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyte.screens import Char

PLAIN: Final = Char(" ")
MAX_MARKS: Final = 16
"""Combining characters kept on one cell."""


class Row:
    __slots__ = ("chars", "shared", "styles")

    def __init__(self, cols: int, style: Char = PLAIN, *, shared: bool = False) -> None:
        self.chars = [" "] * cols
        self.styles = [style] * cols
        self.shared = shared

    def copy(self) -> Row:
        """The same cells, to write to."""
        row = Row(0)
        row.chars, row.styles = self.chars[:], self.styles[:]
        return row

    def text(self) -> str:
        """What the row shows, without blanks at its end."""
        return "".join(self.chars).rstrip(" ")


class Grid:
    """`rows` lists of cells. Positions given to its methods lie inside; counts may be any positive number."""

    def __init__(self, cols: int, rows: int) -> None:
        self.cols = cols
        self._blanks: dict[Char, Row] = {}
        self.rows = self._fill(rows, PLAIN)

    def __len__(self) -> int:
        return len(self.rows)

    def _fill(self, count: int, style: Char) -> list[Row]:
        blank = self._blanks.get(style)
        if blank is None:
            if len(self._blanks) > 64:
                self._blanks.clear()
            blank = self._blanks[style] = Row(self.cols, style, shared=True)
        return [blank] * count

    def own(self, y: int) -> Row:
        """Row y, to write to."""
        row = self.rows[y]
        if row.shared:
            row = self.rows[y] = row.copy()
        return row

    def put(self, y: int, x: int, chars: Iterable[str], count: int, style: Char) -> None:
        """Writes `count` characters of one cell each."""
        row = self.rows[y]
        if row.shared:
            row = self.rows[y] = row.copy()
        cells = row.chars
        end = x + count
        if cells[x] == "":
            cells[x - 1] = " "
        if end < self.cols and cells[end] == "":
            cells[end] = " "
        cells[x:end] = chars
        row.styles[x:end] = [style] * count

    def put_wide(self, y: int, x: int, char: str, style: Char) -> None:
        """Writes one character of two cells at x and x + 1."""
        self.put(y, x, (char, ""), 2, style)

    def attach(self, y: int, x: int, mark: str) -> None:
        """Adds a character without width to the one at x."""
        row = self.own(y)
        if row.chars[x] == "" and x:
            x -= 1
        if len(row.chars[x]) <= MAX_MARKS:
            row.chars[x] += mark

    def erase(self, y: int, x: int, count: int, style: Char) -> None:
        """Blanks `count` cells."""
        count = min(count, self.cols - x)
        if count == self.cols:
            self.rows[y : y + 1] = self._fill(1, style)
        elif count > 0:
            self.put(y, x, " " * count, count, style)

    def erase_rows(self, top: int, bottom: int, style: Char) -> None:
        """Blanks rows `top` to `bottom`, the last one included."""
        if bottom >= top:
            self.rows[top : bottom + 1] = self._fill(bottom + 1 - top, style)

    def fill(self, char: str) -> None:
        """Writes one character of one cell everywhere."""
        row = Row(self.cols, shared=True)
        row.chars = [char] * self.cols
        self.rows = [row] * len(self.rows)

    def insert(self, y: int, x: int, count: int, style: Char) -> None:
        """Inserts blank cells at x; what moves past the edge is lost."""
        count = min(count, self.cols - x)
        row = self.own(y)
        self._split(row, x)
        row.chars[x:x] = " " * count
        row.styles[x:x] = [style] * count
        if row.chars[self.cols] == "":
            row.chars[self.cols - 1] = " "
        del row.chars[self.cols :], row.styles[self.cols :]

    def delete(self, y: int, x: int, count: int, style: Char) -> None:
        """Takes cells out at x; blanks come in at the edge."""
        count = min(count, self.cols - x)
        row = self.own(y)
        self._split(row, x)
        if x + count < self.cols:
            self._split(row, x + count)
        del row.chars[x : x + count], row.styles[x : x + count]
        row.chars += " " * count
        row.styles += [style] * count

    @staticmethod
    def _split(row: Row, x: int) -> None:
        """Makes x the border between two characters."""
        if row.chars[x] == "":
            row.chars[x - 1] = row.chars[x] = " "

    def roll(self, style: Char) -> Row:
        """Moves all rows up by one; returns the one that left."""
        self.rows += self._fill(1, style)
        return self.rows.pop(0)

    def scroll_up(self, top: int, bottom: int, count: int, style: Char) -> list[Row]:
        """Moves rows `top` to `bottom` up; returns those that left at the top."""
        count = min(count, bottom + 1 - top)
        gone = self.rows[top : top + count]
        self.rows[top : bottom + 1] = self.rows[top + count : bottom + 1] + self._fill(count, style)
        return gone

    def scroll_down(self, top: int, bottom: int, count: int, style: Char) -> None:
        """Moves rows `top` to `bottom` down; those that leave at the bottom are lost."""
        count = min(count, bottom + 1 - top)
        self.rows[top : bottom + 1] = self._fill(count, style) + self.rows[top : bottom + 1 - count]

    def resize(self, cols: int, rows: int, drop: int) -> list[Row]:
        """Takes `drop` rows off the top, then cuts or adds at the bottom and the right; returns those taken off."""
        gone, kept = self.rows[:drop], self.rows[drop : drop + rows]
        self._blanks.clear()
        if cols != self.cols:
            self.cols = cols
            kept = [self._widen(row) for row in kept]
        self.rows = kept + self._fill(rows - len(kept), PLAIN)
        return gone

    def _widen(self, row: Row) -> Row:
        new = Row(self.cols)
        count = min(self.cols, len(row.chars))
        new.chars[:count], new.styles[:count] = row.chars[:count], row.styles[:count]
        if count < len(row.chars) and row.chars[count] == "":
            new.chars[count - 1] = " "
        return new
