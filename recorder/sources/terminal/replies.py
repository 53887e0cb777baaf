"""Telling a terminal's own replies from what a person typed. Pure.

Programs ask the terminal (where is the cursor, what are you, which colour is the background) and it answers on
the same line as the keys. On replay the emulator answers by itself, so a recorded answer must not be typed.
"""

from __future__ import annotations

import re

MAX_PENDING = 64
"""An unfinished sequence longer than this is no reply; keys and answers of the undecided kind are short."""

_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
# What only a terminal sends. Cursor positions: see _position. Mouse reports are a person's doing.
_REPLY = re.compile(
    rb"\x1b\[(?:"
    rb"[?>=][0-9;]*c"  # device attributes
    rb"|\?[0-9;]*(?:\$y|[nRuS])|[0-9;]+\$y"  # modes, colour scheme, extended position, kitty keyboard, graphics
    rb"|[03]n"  # status
    rb"|[0-9]+;[0-9]+R"  # cursor position
    rb"|[0-9]+;[0-9]+;[0-9]+t|[12]t"  # window
    rb"|[0-9;]{9,}x"  # terminal parameters
    rb"|[IO]"  # focus
    rb")"
)
_STRING = re.compile(
    rb"\x1b(?:\][0-9lLI]|P[0-9>!$+|=~]|_[A-Za-z0-9]|\^)"
)  # OSC, DCS, APC, PM that a terminal opens
_STRING_END = re.compile(rb"\x07|\x1b\\|[\r\n\x03\x04]|\x9c")
_CUTS = (b"\r", b"\n", b"\x03", b"\x04")
_UNFINISHED = re.compile(rb"\x1b(?:\[[?>=]?[0-9;]*\$?|[\]P_])?\Z")
_KEY = re.compile(rb"\x1b\[1;[2-8]R")  # F3 with modifiers, or the cursor in row 1: the query decides


class ReplyParser:
    """Feed input as it comes; take (bytes, is a reply) pieces out, in order, whose concatenation is the input.

    An end that may be the first part of a reply is kept as `pending` until more comes or `flush` says that
    nothing will. A lone ESC is kept only after `expect`, since it is a key that people press.
    """

    def __init__(self) -> None:
        self.pending = b""
        self._string = False
        self._paste = False
        self._expected = False
        self._position = False

    def expect(self, *, position: bool) -> None:
        """The program has just asked the terminal something; `position`: where the cursor is."""
        self._expected = True
        self._position = self._position or position

    def flush(self) -> list[tuple[bytes, bool]]:
        """What is pending was typed after all."""
        data, self.pending = self.pending, b""
        reply, self._string = self._string, False
        self._expected = False
        return [(data, reply)] if data else []

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        if self.pending:
            data, self.pending = self.pending + data, b""
        elif b"\x1b" not in data and not self._string:
            return [(data, False)]
        pieces: list[tuple[bytes, bool]] = []
        typed = at = 0
        while at < len(data):
            if self._string:
                stop = self._string_stop(data, at)
                if stop > at:
                    pieces.append((data[at:stop], True))
                self.pending = b"" if not self._string else data[stop:]
                typed = at = len(data) if self._string else stop
                continue
            if self._paste:
                end = data.find(_PASTE_END, at)
                if end < 0:
                    tail = data.rfind(b"\x1b", at)
                    if tail >= 0 and _PASTE_END.startswith(data[tail:]):
                        self.pending = data[tail:]
                        pieces.append((data[typed:tail], False))
                        typed = len(data)
                    break
                self._paste = False
                at = end + len(_PASTE_END)
                continue
            at = data.find(b"\x1b", at)
            if at < 0:
                break
            if data.startswith(_PASTE_START, at):
                self._paste = True
                at += len(_PASTE_START)
                continue
            reply = _REPLY.match(data, at)
            if reply is not None and self._is_reply(reply[0]):
                if at > typed:
                    pieces.append((data[typed:at], False))
                pieces.append((reply[0], True))
                typed = at = reply.end()
            elif _STRING.match(data, at):
                if at > typed:
                    pieces.append((data[typed:at], False))
                    typed = at
                self._string = True
                # Past the opener: its ESC must not end it.
                pieces.append((data[at : at + 2], True))
                typed = at = at + 2
            elif len(data) - at <= MAX_PENDING and _UNFINISHED.match(data, at) and self._keep(data[at:]):
                self.pending = data[at:]
                if at > typed:
                    pieces.append((data[typed:at], False))
                typed = at = len(data)
            else:
                at += 1
        if typed < len(data) and not self.pending:
            pieces.append((data[typed:], False))
        return _joined([piece for piece in pieces if piece[0]])

    def _string_stop(self, data: bytes, at: int) -> int:
        """Where the string that is open at `at` stops in `data`; closes it if that is its end."""
        end = _STRING_END.search(data, at)
        if end is None:
            return len(data) - data.endswith(b"\x1b")
        self._string = False
        # A string that a control key cuts short ends before that key.
        return end.start() if end[0] in _CUTS else end.end()

    def _keep(self, tail: bytes) -> bool:
        return len(tail) > 1 or self._expected

    def _is_reply(self, sequence: bytes) -> bool:
        if _KEY.match(sequence):
            asked, self._position = self._position, False
            return asked
        if sequence.endswith(b"R"):
            self._position = False
        return True


def _joined(pieces: list[tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
    out: list[tuple[bytes, bool]] = []
    for data, reply in pieces:
        # Two replies in one read stay two; only the opener of a string and its body grow together.
        if out and out[-1][1] == reply and (not reply or out[-1][0] in _OPENERS):
            out[-1] = (out[-1][0] + data, reply)
        else:
            out.append((data, reply))
    return out


_OPENERS = (b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^")
_QUERY = re.compile(rb"\x1b(?:\[[?>=]?[0-9;]*(?:[cn]|\$p|q|u|t)|\][0-9;]*;\?|P[+$]q|_G)")


def asks(output: bytes) -> tuple[bool, bool]:
    """Whether output asks the terminal something, and whether it asks where the cursor is."""
    if b"\x1b" not in output or _QUERY.search(output) is None:
        return False, False
    return True, b"[6n" in output or b"[?6n" in output
