"""The terminal's state and what each control function does to it: pyte's screen, mended.

From pyte come styles (SGR), cursor, margins, tab stops and mode numbers. Its sparse cell buffer is replaced by
`cells.Grid`, and every operation that pyte lacks or does unlike xterm and Ghostty is defined here: both screens
(47, 1047, 1049), a pending wrap that a wide character honours too, characters without width, REP, SU and SD,
CHT and CBT, one saved cursor a screen, DECSTR, line drawing in UTF-8, ED 3, margins that hold only what is
inside them. Counts are bounded by the screen's size, so no sequence costs more than filling the screen once.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import pyte.modes as mo
from pyte.screens import Cursor
from wcwidth import wcwidth

from recorder.trace.cells import PLAIN, Grid, Row
from recorder.trace.movement import Movement, Saved

DEC_GRAPHICS: Final = dict(zip(range(0x5F, 0x7F), " ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", strict=True))
"""The DEC special graphics set (`ESC ( 0`)."""

APPLICATION_CURSOR: Final = 1 << 5
BRACKETED_PASTE: Final = 2004 << 5
_DEFAULT_MODES: Final = frozenset({mo.DECAWM, mo.DECTCEM})


class _Widths(dict[str, int]):
    """Cells that a character takes: 0, 1 or 2. A cache that forgets all when it grows large."""

    def __missing__(self, char: str) -> int:
        if len(self) > 20_000:
            self.clear()
        width = self[char] = max(0, wcwidth(char))
        return width


_WIDTHS = _Widths()
_width_of = _WIDTHS.__getitem__


class Emulator(Movement):
    """The state behind a `Screen`; `screen` says which control function calls which method."""

    def __init__(self, columns: int, lines: int, history: int = 0) -> None:
        self.history: deque[Row] = deque(maxlen=history)
        super().__init__(columns, lines)

    @property
    def display(self) -> list[str]:
        return [row.text().ljust(self.columns) for row in self.grid.rows]

    # -- whole-terminal state --------------------------------------------------------------------------

    def reset(self) -> None:
        """RIS."""
        self.history.clear()
        self.alternate = False
        self.grid = Grid(self.columns, self.lines)
        self._hidden: Grid | None = None
        self._saved: list[Saved | None] = [None, None]
        self.mode = set(_DEFAULT_MODES)
        self.margins = None
        self.title = self.icon_name = ""
        self.cursor = Cursor(0, 0, PLAIN)
        self._last = ""
        self._reset_charsets()
        self._set_tab_stops(range(8, self.columns, 8))

    def soft_reset(self) -> None:
        """DECSTR: modes, margins, style and charsets; neither cells nor cursor position."""
        self.mode -= {mo.IRM, mo.DECOM, APPLICATION_CURSOR, 66 << 5}
        self.mode |= _DEFAULT_MODES
        self.margins = None
        self.cursor.hidden = False
        self.cursor.attrs = PLAIN
        self._saved[self.alternate] = None
        self._reset_charsets()

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Cuts or adds at the right and the bottom; off the top only where the cursor would be cut. No reflow."""
        lines, columns = lines or self.lines, columns or self.columns
        shown, hidden = (
            self._resize_grid(self.grid, self.cursor, self.alternate, columns, lines),
            self._hidden,
        )
        self.cursor.y -= shown
        if hidden is not None:
            saved = self._saved[not self.alternate]
            self._resize_grid(
                hidden, saved.cursor if saved else Cursor(0, 0), not self.alternate, columns, lines
            )
        if columns > self.columns:
            self._set_tab_stops([*self._stops, *range(-(-self.columns // 8) * 8, columns, 8)])
        self.lines, self.columns = lines, columns
        self.margins = None
        self.cursor.x, self.cursor.y = self.column, min(self.cursor.y, lines - 1)

    def _resize_grid(self, grid: Grid, cursor: Cursor, alternate: bool, columns: int, lines: int) -> int:
        drop = max(0, cursor.y + 1 - lines)
        gone = grid.resize(columns, lines, drop)
        if not alternate:
            self.history.extend(gone)
        saved = self._saved[alternate]
        if saved:
            saved.cursor.y = max(0, saved.cursor.y - drop)
        return drop

    def switch_screen(self, alternate: bool, *, clear: bool = False) -> None:
        """Shows the main or the alternate screen; the cursor stays. `clear` blanks the alternate one."""
        if alternate != self.alternate:
            other = self._hidden or Grid(self.columns, self.lines)
            self._hidden, self.grid = self.grid, other
            self.alternate = alternate
        if clear:
            target = self.grid if alternate else self._hidden
            if target is not None:
                target.erase_rows(0, len(target) - 1, self.blank if alternate else PLAIN)

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        """Sets modes, with `private=True` DEC's."""
        for number in modes:
            mode = number << 5 if kwargs.get("private") else number
            self.mode.add(mode)
            if mode == mo.DECOM:
                self.cursor_position()
            elif mode == mo.DECTCEM:
                self.cursor.hidden = False
            elif mode == 1049 << 5:
                self.save_cursor()
                self.switch_screen(True, clear=True)
            elif mode in (47 << 5, 1047 << 5):
                self.switch_screen(True)
            elif mode == 1048 << 5:
                self.save_cursor()

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        """Resets modes, with `private=True` DEC's."""
        for number in modes:
            mode = number << 5 if kwargs.get("private") else number
            self.mode.discard(mode)
            if mode == mo.DECOM:
                self.cursor_position()
            elif mode == mo.DECTCEM:
                self.cursor.hidden = True
            elif mode == 1049 << 5:
                self.switch_screen(False)
                self.restore_cursor()
            elif mode == 47 << 5:
                self.switch_screen(False)
            elif mode == 1047 << 5:
                self.switch_screen(False, clear=True)
            elif mode == 1048 << 5:
                self.restore_cursor()

    # -- characters ------------------------------------------------------------------------------------

    def _translate(self, data: str) -> str:
        charset = self._charsets[self._shift]
        if charset == "0":
            return data.translate(DEC_GRAPHICS)
        return data.replace("#", "£") if charset == "A" else data

    def draw_lines(self, data: str) -> None:
        """Writes lines that each end with CR LF; those that scroll out of sight at once cost next to nothing."""
        keep = self.lines + (self.history.maxlen or 0) if self.margins is None else len(data)
        *lines, _ = data.rsplit("\r\n", keep + 1)
        passed = lines.pop(0) if len(lines) > keep else ""
        before, self._last = self._last, ""
        for line in lines:
            if line:
                self.draw(line)
            self.cursor.x = 0
            self._next_row()
        if not self._last:
            drawn = (c for c in reversed(self._translate(passed)) if 0 < _width_of(c) <= self.columns)
            self._last = next(drawn, before)

    def draw(self, data: str) -> None:
        """Writes printable characters at the cursor."""
        if self._charsets[self._shift] != "B":
            data = self._translate(data)
        if not (data.isascii() or set(map(_width_of, data)) == {1}):
            for char in data:
                self._draw_one(char, _width_of(char))
            return
        cursor, columns = self.cursor, self.columns
        at, left = 0, len(data)
        self._last = data[-1]
        if mo.DECAWM not in self.mode and cursor.x + left > columns:
            at = columns - 1 - self.column
            if mo.IRM in self.mode:
                self.grid.insert(cursor.y, self.column, at + 1, self.blank)
            self.grid.put(cursor.y, self.column, data[:at] + data[-1], at + 1, cursor.attrs)
            cursor.x = columns
            return
        while True:
            x = cursor.x
            if x >= columns:
                x = 0
                self._next_row()
            count = columns - x
            if mo.IRM in self.mode:
                self.grid.insert(cursor.y, x, min(count, left), self.blank)
            if left <= count:
                self.grid.put(cursor.y, x, data[at:] if at else data, left, cursor.attrs)
                cursor.x = x + left
                return
            self.grid.put(cursor.y, x, data[at : at + count], count, cursor.attrs)
            cursor.x = columns
            at += count
            left -= count

    def _draw_one(self, char: str, width: int) -> None:
        cursor = self.cursor
        if width == 0:
            if cursor.x:
                self.grid.attach(cursor.y, cursor.x - 1, char)
            return
        if width > self.columns:
            return
        self._last = char
        if cursor.x + width > self.columns:
            if mo.DECAWM in self.mode:
                if cursor.x < self.columns:
                    self.grid.erase(cursor.y, cursor.x, 1, self.blank)
                cursor.x = 0
                self._next_row()
            elif width == 2:
                return
            else:
                cursor.x = self.columns - 1
        if mo.IRM in self.mode:
            self.grid.insert(cursor.y, cursor.x, width, self.blank)
        if width == 2:
            self.grid.put_wide(cursor.y, cursor.x, char, cursor.attrs)
        else:
            self.grid.put(cursor.y, cursor.x, char, 1, cursor.attrs)
        cursor.x += width

    def repeat(self, count: int) -> None:
        """REP: the last character written, again."""
        if self._last:
            self.draw(self._last * min(count or 1, self.lines * self.columns))

    # -- erasing and shifting --------------------------------------------------------------------------

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        x, y = self._settle()
        if how in (0, 1, 2):
            start = x if how == 0 else 0
            self.grid.erase(y, start, (x + 1 if how == 1 else self.columns) - start, self.blank)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        _, y = self._settle()
        if how in (0, 1):
            self.erase_in_line(how)
        top = y + 1 if how == 0 else 0
        if how in (0, 1, 2):
            self.grid.erase_rows(top, y - 1 if how == 1 else self.lines - 1, self.blank)
        elif how == 3:
            self.history.clear()

    def erase_characters(self, count: int | None = None) -> None:
        x, y = self._settle()
        self.grid.erase(y, x, count or 1, self.blank)

    def insert_characters(self, count: int | None = None) -> None:
        x, y = self._settle()
        self.grid.insert(y, x, count or 1, self.blank)

    def delete_characters(self, count: int | None = None) -> None:
        x, y = self._settle()
        self.grid.delete(y, x, count or 1, self.blank)

    def insert_lines(self, count: int | None = None) -> None:
        top, bottom = self.region
        if top <= self.cursor.y <= bottom:
            self.grid.scroll_down(self.cursor.y, bottom, count or 1, self.blank)
            self.cursor.x = 0

    def delete_lines(self, count: int | None = None) -> None:
        top, bottom = self.region
        if top <= self.cursor.y <= bottom:
            self.grid.scroll_up(self.cursor.y, bottom, count or 1, self.blank)
            self.cursor.x = 0

    def alignment_display(self) -> None:
        self.grid.fill("E")
        self.margins = None
        self.cursor.x = self.cursor.y = 0

    # -- charsets --------------------------------------------------------------------------------------

    def define_charset(self, code: str, mode: str) -> None:
        """`ESC mode code`, mode one of `()*+`: what G0 to G3 stand for."""
        self._charsets["()*+".index(mode)] = code

    def shift(self, number: int) -> None:
        """SI, SO, LS2, LS3: G0 to G3 is what text means from now on."""
        self._shift = number

    def shift_in(self) -> None:
        self.shift(0)

    def shift_out(self) -> None:
        self.shift(1)
