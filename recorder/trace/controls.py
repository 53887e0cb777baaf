"""The control-sequence parser: terminal output in, whole control functions out.

It follows the state machine of DEC terminals (ECMA-48 syntax, as xterm, Ghostty and VTE have it) over UTF-8:
8-bit C1 controls do not exist there, so U+0080 to U+009F are dropped and stray bytes become U+FFFD. Memory is
bounded whatever comes: a long control sequence is swallowed and ignored, a long string is cut. The result is
the same however the input is divided. Nothing here raises.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Protocol

MAX_SEQUENCE: Final = 256
"""Characters of one CSI sequence's parameters and intermediates; a longer sequence is ignored."""

MAX_STRING: Final = 4096
"""Characters kept of one OSC, DCS, APC, PM or SOS body; the rest is swallowed."""

BEL: Final = "\x07"
ST: Final = "\x1b\\"


class Sink(Protocol):
    """Takes what a `Parser` finds, in order."""

    def text(self, text: str) -> None:
        """Printable characters: none of C0, DEL and C1."""

    def lines(self, text: str) -> None:
        """Two or more lines of printable characters, each ended by CR LF: as `text` and `control` would say it."""

    def control(self, char: str) -> None:
        """A C0 control to execute; never ESC, CAN or SUB."""

    def escape(self, intermediates: str, final: str) -> None:
        """`ESC intermediates final`."""

    def csi(self, prefix: str, params: str, intermediates: str, final: str) -> None:
        """`CSI prefix params intermediates final`; prefix is one of `<=>?` or empty."""

    def string(self, kind: str, body: str, end: str) -> None:
        """A complete string: kind `]` (OSC), `P` (DCS), `_` (APC), `^` (PM) or `X` (SOS); end is `BEL` or `ST`."""


_TOKEN = re.compile(
    r"((?:[^\x00-\x1f\x7f-\x9f]*+\r\n){2,}+)"
    r"|([^\x00-\x1f\x7f-\x9f]+)"
    r"|([\x00-\x17\x19\x1c-\x1f])"
    r"|\x1b\[([<=>?]?)([0-9:;]*)([ -/]*)([@-~])"
    r"|\x1b(?:([ -/]{1,2})([0-~])|([0-OQ-WYZ\\`-~]))"
)
_LINES, _TEXT, _CONTROL, _CSI, _ESCAPE, _SHORT = 1, 2, 3, 7, 9, 10
"""Groups of `_TOKEN` that end a match (`lastindex`). Each is a whole function, read the same as step by step."""

_CSI_BODY = re.compile(r"([<=>?]?)([0-9:;]*)([ -/]*)")
_OSC_STOP = re.compile(r"[\x07\x18\x1a\x1b]")
_STRING_STOP = re.compile(r"[\x18\x1a\x1b]")
_STRINGS = frozenset("]P_^X")

_GROUND, _ESC, _IN_CSI, _IN_STRING, _STRING_ESC = range(5)


class Parser:
    """Feed bytes in any portions; `sink` is called once for each control function and run of text."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = _GROUND
        self._body = ""
        self._overlong = False
        self._kind = ""

    def feed(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        sink = self._sink
        draw, control, csi = sink.text, sink.control, sink.csi
        match = _TOKEN.match
        at, end = 0, len(text)
        while at < end:
            if self._state == _GROUND and (found := match(text, at)):
                start, at = at, found.end()
                last = found.lastindex
                if last == _TEXT:
                    draw(found[2])
                elif last == _CSI:
                    if at - start <= MAX_SEQUENCE + 3:
                        csi(*found.group(4, 5, 6, 7))
                elif last == _CONTROL:
                    control(found[3])
                elif last == _LINES:
                    sink.lines(found[1])
                elif last == _ESCAPE:
                    sink.escape(found[8], found[9])
                else:
                    sink.escape("", found[10])
            elif self._state == _IN_STRING:
                at = self._string(text, at)
            else:
                at = self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        """Reads one character outside a string body; returns where to read on."""
        char = text[at]
        if char == "\x1b":
            self._enter(_ESC)  # in `_STRING_ESC` this cancels the string
        elif self._state == _GROUND or char in "\x18\x1a":
            self._state = (
                _GROUND  # of the ground state only DEL, C1, CAN and SUB come here: all without effect
            )
        elif self._state == _STRING_ESC:
            self._state = _GROUND
            if char == "\\":
                self._sink.string(self._kind, self._body, ST)
            else:  # the ESC began something else, which cancels the string
                self._enter(_ESC)
                return at
        elif char < " ":
            self._sink.control(char)
        elif "\x7f" <= char <= "\x9f":
            pass
        elif char > "\x9f":  # not part of any sequence: the sequence is broken off, the character shown
            self._state = _GROUND
            return at
        elif self._state == _ESC:
            self._escape(char)
        else:
            self._csi(char)
        return at + 1

    def _enter(self, state: int) -> None:
        self._state = state
        self._body = ""
        self._overlong = False

    def _collect(self, piece: str, limit: int) -> None:
        room = limit - len(self._body)
        if len(piece) > room:
            self._overlong = True
        self._body += piece[:room]

    def _escape(self, char: str) -> None:
        if char <= "/":
            self._collect(char, 2)
        elif not self._body and not self._overlong and char == "[":
            self._enter(_IN_CSI)
        elif not self._body and not self._overlong and char in _STRINGS:
            self._kind = char
            self._enter(_IN_STRING)
        else:
            self._state = _GROUND
            if not self._overlong:
                self._sink.escape(self._body, char)

    def _csi(self, char: str) -> None:
        if char < "@":
            self._collect(char, MAX_SEQUENCE)
            return
        self._state = _GROUND
        parts = _CSI_BODY.fullmatch(self._body)
        if parts and not self._overlong:
            self._sink.csi(parts[1], parts[2], parts[3], char)

    def _string(self, text: str, at: int) -> int:
        """Reads as much of a string's body as there is; returns where to read on."""
        stop = (_OSC_STOP if self._kind == "]" else _STRING_STOP).search(text, at)
        end = stop.start() if stop else len(text)
        if end > at:
            self._collect(text[at:end], MAX_STRING)
        if stop is None:
            return end
        if stop[0] == "\x1b":
            self._state = _STRING_ESC
        else:
            self._state = _GROUND
            if stop[0] == BEL:
                self._sink.string(self._kind, self._body, BEL)
        return end + 1
