"""What of recorded output may reach the viewer's terminal: an allow-list.

A recording is a stranger's bytes. Shown raw they could set the clipboard (OSC 52) or the title, plant links
(OSC 8), start a printer, change modes that outlive the playback, or ask the terminal something, whose answer
the viewer's shell would then read as typed. So output is parsed, and only what is named here is written
again from its parts: text, cursor movement, erasing, inserting and deleting, scrolling and its region, styles,
line drawing, and a few modes. Everything else vanishes, unknown sequences included. Pure and streaming: any
division of the input gives the same output.
"""

from __future__ import annotations

from typing import Final

from recorder.trace.controls import Parser

_CONTROLS: Final = frozenset("\b\t\n\v\f\r\x0e\x0f")

_ESCAPES: Final = frozenset({"7", "8", "D", "E", "M", "#8", "(0", "(B", "(A", ")0", ")B", ")A"})
"""Saved cursor, index, next line, reverse index, alignment, line drawing."""

_CSI: Final = frozenset("@ABCDEFGHIJKLMPSTXZ`abdefrsu")
"""Final bytes without prefix or intermediates: movement, erasing, inserting, deleting, scrolling, REP, margins,
saved cursor. `J` only up to 2 (3 would erase the viewer's scrollback), `T` only with one parameter, `s` and `u`
with none."""

_MODES: Final = frozenset({4})
_PRIVATE_MODES: Final = frozenset({6, 7, 25, 47, 1047, 1048, 1049})
"""Origin, autowrap, cursor shown, alternate screen; all undone by `EscapeFilter.restore`."""
_ALTERNATE: Final = frozenset({47, 1047, 1049})

_MOST: Final = 9999
"""The largest parameter that is passed on."""

_SOFT_RESET: Final = "\x1b[0m\x1b[4l\x1b[?6l\x1b[?7h\x1b[?25h\x1b(B\x1b)B\x0f\x1b7\x1b[r\x1b8"
"""Style, insert, origin, autowrap, cursor, charsets, margins (which would move the cursor)."""


class EscapeFilter:
    """Feed recorded output, write what comes back. One filter for one playback."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._parser = Parser(self)
        self._alternate: int | None = None
        self._touched = False

    def feed(self, data: bytes) -> bytes:
        """The harmless part of `data`. An unfinished sequence is held back; it is bounded."""
        self._parser.feed(data)
        out = "".join(self._out)
        self._out.clear()
        return out.encode()

    def restore(self) -> bytes:
        """What brings the viewer's terminal back to its usual state after all that was let through so far."""
        out = self._leave() + (_SOFT_RESET if self._touched else "")
        self._touched = False
        return out.encode()

    # -- the parser's sink ------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        self._out.append(text)

    def lines(self, text: str) -> None:
        self._out.append(text)

    def control(self, char: str) -> None:
        if char in _CONTROLS:
            self._touched = self._touched or char in "\x0e\x0f"
            self._out.append(char)

    def escape(self, intermediates: str, final: str) -> None:
        if intermediates + final in _ESCAPES:
            self._write(f"\x1b{intermediates}{final}")
        elif (
            not intermediates and final == "c"
        ):  # RIS would clear scrollback and settings: only its visible part
            self._write(self._leave() + _SOFT_RESET + "\x1b[H\x1b[2J")

    def csi(self, prefix: str, params: str, intermediates: str, final: str) -> None:
        name = prefix + intermediates + final
        if name == "m":
            self._write(f"\x1b[{params}m")
        elif name == "!p":
            self._write(_SOFT_RESET)
        elif ":" in params:
            return
        elif name in ("h", "l", "?h", "?l"):
            for number in _numbers(params):
                self._mode(prefix, number, final)
        elif name in _CSI:
            numbers = _numbers(params)
            if final == "J" and numbers[0] > 2:
                return
            if (final == "T" and len(numbers) > 1) or (final in "su" and params):
                return
            self._write("\x1b[" + ";".join(str(n) if n else "" for n in numbers[:2]).rstrip(";") + final)

    def string(self, kind: str, body: str, end: str) -> None:
        pass

    def _leave(self) -> str:
        mode, self._alternate = self._alternate, None
        return "" if mode is None else f"\x1b[?{mode}l"

    def _mode(self, prefix: str, number: int, final: str) -> None:
        if number not in (_PRIVATE_MODES if prefix else _MODES):
            return
        if number in _ALTERNATE:
            self._alternate = number if final == "h" else None
        self._write(f"\x1b[{prefix}{number}{final}")

    def _write(self, sequence: str) -> None:
        self._touched = True
        self._out.append(sequence)


def _numbers(params: str) -> list[int]:
    return [min(int(part), _MOST) if part else 0 for part in params.split(";")]
