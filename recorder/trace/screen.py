"""A screen: what a terminal shows after the bytes that it was fed.

The one interface through which the project looks at screens. The emulator behind it may be exchanged; it must
pass the conformance table in `tests/screen`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import pyte.modes as mo

from recorder.trace.answers import Answers
from recorder.trace.controls import Parser
from recorder.trace.emulator import APPLICATION_CURSOR, BRACKETED_PASTE, Emulator

MAX_COLS: Final = 2048
MAX_ROWS: Final = 1024
_MAX_KEYBOARD_STACK: Final = 8


class Modes(NamedTuple):
    """Modes that decide what typed keys send."""

    bracketed_paste: bool
    application_cursor: bool


class Screen:
    """The state of a terminal of `cols` by `rows` cells (clamped to 1..MAX_COLS and 1..MAX_ROWS).

    `answer` is called with each reply that a terminal would send to the program, in order, while `feed` runs;
    what is answered, `answers` says. `history` is how many lines that scrolled off the main screen's top to
    keep. State and replies are a pure function of the arguments and of the bytes fed, however divided. No
    input raises, and memory and time per byte are bounded.
    """

    def __init__(
        self,
        cols: int,
        rows: int,
        *,
        answer: Callable[[bytes], None] | None = None,
        answers: Answers | None = None,
        history: int = 0,
    ) -> None:
        self._emulator = Emulator(_clamp(cols, MAX_COLS), _clamp(rows, MAX_ROWS), max(0, history))
        self._parser = Parser(_Interpreter(self._emulator, answer, answers or Answers()))

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the terminal's output."""
        self._parser.feed(data)

    def resize(self, cols: int, rows: int) -> None:
        """The terminal changed size: cut or added at right and bottom, nothing reflowed (as xterm does)."""
        self._emulator.resize(_clamp(rows, MAX_ROWS), _clamp(cols, MAX_COLS))

    @property
    def size(self) -> tuple[int, int]:
        """(cols, rows)."""
        return self._emulator.columns, self._emulator.lines

    def lines(self) -> tuple[str, ...]:
        """One string per row, always `rows` of them, each without the blanks at its end."""
        return tuple(row.text() for row in self._emulator.grid.rows)

    def history_lines(self) -> tuple[str, ...]:
        """The last lines that left the main screen at its top, oldest first; at most `history` of them."""
        return tuple(row.text() for row in self._emulator.history)

    @property
    def cursor(self) -> tuple[int, int]:
        """(x, y) from 0; x stays on the last column while a wrap is pending."""
        return self._emulator.column, self._emulator.cursor.y

    @property
    def cursor_visible(self) -> bool:
        return not self._emulator.cursor.hidden

    @property
    def alternate(self) -> bool:
        """Is the alternate screen shown, as by a full-screen program?"""
        return self._emulator.alternate

    @property
    def modes(self) -> Modes:
        mode = self._emulator.mode
        return Modes(bracketed_paste=BRACKETED_PASTE in mode, application_cursor=APPLICATION_CURSOR in mode)

    @property
    def title(self) -> str:
        """The window title, as the program set it: any characters, not fit to be printed as it is."""
        return self._emulator.title


def _clamp(value: int, most: int) -> int:
    return max(1, min(value, most))


class _Interpreter:
    """The `Sink` that carries control functions out on an emulator, and answers queries."""

    def __init__(self, emulator: Emulator, answer: Callable[[bytes], None] | None, answers: Answers) -> None:
        self._emulator = emulator
        self._answer = answer
        self._answers = answers
        self._keyboard: list[list[int]] = [[0], [0]]
        self._styles: dict[tuple[object, str], object] = {}
        self.text = emulator.draw
        self.lines = emulator.draw_lines
        e = emulator
        self._controls: dict[str, Callable[[], None]] = {
            "\b": e.backspace, "\t": e.tab, "\n": e.linefeed, "\v": e.linefeed, "\f": e.linefeed,
            "\r": e.carriage_return, "\x0e": e.shift_out, "\x0f": e.shift_in,
        }  # fmt: skip
        self._escapes: dict[str, Callable[[], None]] = {
            "7": e.save_cursor, "8": e.restore_cursor, "D": e.index, "E": e.next_line,
            "H": e.set_tab_stop, "M": e.reverse_index, "c": self._reset,
            "n": lambda: e.shift(2), "o": lambda: e.shift(3), "#8": e.alignment_display,
        }  # fmt: skip
        self._counted: dict[str, Callable[[int], None]] = {
            "@": e.insert_characters, "A": e.cursor_up, "B": e.cursor_down, "C": e.cursor_forward,
            "D": e.cursor_back, "E": e.cursor_down1, "F": e.cursor_up1, "G": e.cursor_to_column,
            "I": e.forward_tabs, "J": e.erase_in_display, "?J": e.erase_in_display, "K": e.erase_in_line,
            "?K": e.erase_in_line, "L": e.insert_lines, "M": e.delete_lines, "P": e.delete_characters,
            "S": e.scroll_up, "X": e.erase_characters, "Z": e.back_tabs, "`": e.cursor_to_column,
            "a": e.cursor_forward, "b": e.repeat, "d": e.cursor_to_line, "e": e.cursor_down,
            "g": e.clear_tab_stop,
        }  # fmt: skip
        self._listed: dict[str, Callable[[list[int]], None]] = {
            "H": self._position, "f": self._position, "r": self._margins, "T": self._scroll_down,
            "h": lambda n: e.set_mode(*n), "l": lambda n: e.reset_mode(*n),
            "?h": lambda n: e.set_mode(*n, private=True), "?l": lambda n: e.reset_mode(*n, private=True),
            "s": lambda n: e.save_cursor() if n == [0] else None,
            "u": lambda n: e.restore_cursor() if n == [0] else None, "!p": lambda n: e.soft_reset(),
            ">u": self._push_keyboard, "<u": self._pop_keyboard, "=u": self._set_keyboard,
        }  # fmt: skip

    def control(self, char: str) -> None:
        function = self._controls.get(char)
        if function is not None:
            function()

    def escape(self, intermediates: str, final: str) -> None:
        function = self._escapes.get(intermediates + final)
        if function is not None:
            function()
        elif len(intermediates) == 1 and intermediates in "()*+":
            self._emulator.define_charset(final, intermediates)
        elif not intermediates and final == "Z":
            self.csi("", "", "", "c")

    def csi(self, prefix: str, params: str, intermediates: str, final: str) -> None:
        name = prefix + intermediates + final if prefix or intermediates else final
        if name == "m":
            self._style(params)
        elif name in self._counted:
            if ":" not in params:
                self._counted[name](_number(params.partition(";")[0]))
        elif name in self._listed:
            if ":" not in params:
                self._listed[name]([_number(part) for part in params.split(";")])
        elif self._answer is not None:
            self._reply(self._answers.csi(prefix, params, intermediates, final, self))

    def string(self, kind: str, body: str, end: str) -> None:
        if kind == "]" and body[:2] in ("0;", "2;"):
            self._emulator.set_title(body[2:])
        elif self._answer is not None:
            self._reply(self._answers.string(kind, body, end, self))

    # -- what answers depend on ------------------------------------------------------------------------

    @property
    def position(self) -> tuple[int, int]:
        emulator = self._emulator
        top = emulator.region.top if mo.DECOM in emulator.mode else 0
        return emulator.cursor.y - top + 1, emulator.column + 1

    @property
    def size(self) -> tuple[int, int]:
        return self._emulator.columns, self._emulator.lines

    @property
    def keyboard_flags(self) -> int:
        return self._keyboard[self._emulator.alternate][-1]

    def has_mode(self, number: int, private: bool) -> bool:
        if private and number in (47, 1047, 1049):
            return self._emulator.alternate
        return (number << 5 if private else number) in self._emulator.mode

    def _reply(self, reply: str | None) -> None:
        if reply and self._answer is not None:
            self._answer(reply.encode("utf-8", "replace"))

    # -- functions with more than one parameter --------------------------------------------------------

    def _reset(self) -> None:
        self._emulator.reset()
        self._keyboard = [[0], [0]]

    def _position(self, numbers: list[int]) -> None:
        self._emulator.cursor_position(numbers[0], numbers[1] if len(numbers) > 1 else 0)

    def _margins(self, numbers: list[int]) -> None:
        self._emulator.set_margins(numbers[0], numbers[1] if len(numbers) > 1 else 0)

    def _scroll_down(self, numbers: list[int]) -> None:
        if len(numbers) == 1:  # with five it would start highlight mouse tracking
            self._emulator.scroll_down(numbers[0])

    def _push_keyboard(self, numbers: list[int]) -> None:
        stack = self._keyboard[self._emulator.alternate]
        stack.append(numbers[0] & 31)
        del stack[:-_MAX_KEYBOARD_STACK]

    def _pop_keyboard(self, numbers: list[int]) -> None:
        stack = self._keyboard[self._emulator.alternate]
        del stack[max(0, len(stack) - (numbers[0] or 1)) :]
        stack[:] = stack or [0]

    def _set_keyboard(self, numbers: list[int]) -> None:
        stack = self._keyboard[self._emulator.alternate]
        flags, how = numbers[0] & 31, numbers[1] if len(numbers) > 1 else 1
        stack[-1] = {2: stack[-1] | flags, 3: stack[-1] & ~flags}.get(how, flags)

    def _style(self, params: str) -> None:
        cursor = self._emulator.cursor
        key = (cursor.attrs, params)
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) > 1024:
                self._styles.clear()
            codes = _sgr(params)
            if codes:  # pyte takes none at all for a reset
                self._emulator.select_graphic_rendition(*codes)
            self._styles[key] = cursor.attrs
        else:
            cursor.attrs = style  # type: ignore[assignment]


def _number(digits: str) -> int:
    return min(int(digits), 65535) if digits else 0


def _sgr(params: str) -> list[int]:
    """SGR parameters as pyte reads them: sub-parameters spelt out, what it would misread left out."""
    out: list[int] = []
    parts = params.split(";")
    at = 0
    while at < len(parts):
        main, *subs = parts[at].split(":")
        at += 1
        code = _number(main)
        if not subs and code == 58:  # underline colour in the old form: its arguments are no attributes
            kind = _number(parts[at]) if at < len(parts) and parts[at].isdigit() else 0
            at += {5: 2, 2: 4}.get(kind, 0)
        elif not subs:
            out.append(code)
        elif code in (38, 48):
            values = [_number(sub) for sub in subs]
            if values[0] == 5 and len(values) > 1:
                out += [code, 5, values[1]]
            elif values[0] == 2 and len(values) >= 4:
                out += [code, 2, *(values[2:5] if len(values) >= 5 else values[1:4])]
        elif code == 4:
            out.append(24 if _number(subs[0]) == 0 and subs[0] else 4)
    return out
