"""What the expert looks at: the project's own screen, which also answers a terminal's questions, and a transcript."""

from __future__ import annotations

import codecs
import re

from wcwidth import wcwidth

from recorder.trace.screen import Screen

_SEQUENCE = re.compile(
    rb"\x1b\[(?P<lead>[<=>?]?)(?P<args>[0-9;:]*)[ -/]*(?P<final>[@-~])"
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b[PX^_][^\x1b]*\x1b\\"
    rb"|\x1b[ -/]*[0-OQ-WYZ`-~=>]"
)
_UNFINISHED = re.compile(
    rb"\x1b(?:[\[][<=>?]?[0-9;:]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)?\Z"
)
_BULK = 1 << 14


class Glass:
    """A screen of `cols` by `rows`. Feed it output; it returns what a terminal would answer."""

    def __init__(self, cols: int, rows: int) -> None:
        self._replies: list[bytes] = []
        self._screen = Screen(cols, rows, answer=self._replies.append)
        self._held = b""  # an escape sequence that is not finished yet
        self._pending = b""  # plain output not drawn yet
        self._modes: dict[int, bool] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.transcript = ""  # everything shown, escape sequences and carriage returns taken out
        self.line_edits: list[int] = []  # where in the transcript a program turned bracketed paste on

    @property
    def cols(self) -> int:
        return self._screen.size[0]

    @property
    def rows(self) -> int:
        return self._screen.size[1]

    def mode(self, number: int) -> bool:
        """Whether the private mode is set: 1 cursor keys, 1049 alternate screen, 2004 bracketed paste."""
        return self._modes.get(number, False)

    def text(self) -> str:
        self._settle()
        return "\n".join(self._screen.lines()).rstrip("\n")

    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        self._settle()
        col, row = self._screen.cursor
        return row, col

    def cursor_line(self) -> tuple[str, str]:
        """The cursor's line, split at the cursor."""
        row, col = self.cursor()
        line = self._screen.lines()[row].ljust(self.cols)
        cells = place = 0
        while place < len(line) and cells < col:
            cells += max(wcwidth(line[place]), 0)
            place += 1
        return line[:place], line[place:]

    def resize(self, cols: int, rows: int) -> None:
        self._settle()
        self._screen.resize(cols, rows)

    def feed(self, data: bytes) -> list[bytes]:
        """Shows `data`. Returns the answers to the queries in it, in order."""
        data = self._held + data
        cut = _UNFINISHED.search(data[-4096:])
        self._held = b""
        if cut:
            cut_at = max(len(data) - 4096, 0) + cut.start()
            data, self._held = data[:cut_at], data[cut_at:]
        done = 0
        for found in _SEQUENCE.finditer(data):
            self._show(data[done : found.start()])
            self._settle()
            self._screen.feed(found[0])
            if found["lead"] == b"?" and found["final"] in (b"h", b"l"):
                for number in found["args"].split(b";"):
                    self._set_mode(int(number or 0), found["final"] == b"h")
            done = found.end()
        self._show(data[done:])
        replies = self._replies[:]
        self._replies.clear()
        return replies

    def _show(self, data: bytes) -> None:
        self.transcript += self._decoder.decode(data).replace("\r", "")
        self._pending += data

    def _settle(self) -> None:
        """Draws what was only noted so far: nobody looks at most of a long output."""
        if (
            len(self._pending) > _BULK
        ):  # plain bulk scrolls away: only what can still be on the screen matters
            self._pending = self._pending[-(self.cols * self.rows * 4) :]
        self._screen.feed(self._pending)
        self._pending = b""

    def _set_mode(self, number: int, on: bool) -> None:
        self._modes[number] = on
        if number == 2004 and on:
            self.line_edits.append(len(self.transcript))
