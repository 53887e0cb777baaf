"""Private keys between BEGIN and END lines: each line of the key is a secret of its own.

So a key is found however its lines are put together, and nothing needs to be held back but a line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from recorder.redact.finds import Find

BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_LINE = re.compile(rb"([^\r\n]*+)(\r*+\n|\r|\Z)")
_KEY_LINE = re.compile(rb"[\s>|'\"]*([A-Za-z0-9+/]{1,128}={0,2})[\s'\",;+\\]*\Z")
_OTHER_LINE = re.compile(rb"\s*(?:[A-Z][A-Za-z-]{1,40}:[^\r\n]*|)\Z")
_RUN = re.compile(rb"(?:(?<=\\n)|(?<=\\r)|(?<=%0A)|(?<=%0D)|(?<![A-Za-z0-9+/=\\]))[A-Za-z0-9+/]{4,}={0,2}")
_MOST = 64 << 10
_LONGEST_LINE = 8192


class Armor(NamedTuple):
    """A key's body from `start` to `end`; `open` where the text ended within it."""

    start: int
    end: int
    open: bool
    finds: list[Find]


def body(text: bytes, start: int, *, fresh: bool) -> Armor:
    """The key whose body begins at `start`: behind its BEGIN line (`fresh`), or within it."""
    finds: list[Find] = []
    at = start
    if fresh:
        stop = text.find(b"-----END", at, at + _MOST)
        line = _LINE.match(text, at, stop if stop >= 0 else at + _MOST)
        if line is not None and line[1].strip():
            return _escaped(text, start, line.end(1))
        at = line.end() if line is not None else at
    while at < len(text) and at - start < _MOST:
        line = _LINE.match(text, at, at + _LONGEST_LINE)
        assert line is not None  # the pattern matches anything
        if not line[2] and line.end() < len(text):  # no key's line is that long
            return Armor(start, at, False, finds)
        key = _KEY_LINE.match(line[1])
        if key is not None:
            finds.append(Find("private key", at + key.start(1), at + key.end(1), certain=True))
        elif not _OTHER_LINE.match(line[1]):
            partial = not line[2] and b"-----END".startswith(line[1][:8])
            return Armor(start, len(text) if partial else at, partial, finds)
        if not line[2]:
            return Armor(start, len(text), True, finds)
        at = line.end()
    return Armor(start, at, at >= len(text), finds)


def _escaped(text: bytes, start: int, line_end: int) -> Armor:
    """The whole key stands in one line, its line ends escaped (as JSON and shells do)."""
    stop = text.find(b"-----END", start, line_end)
    end = line_end if stop < 0 else stop
    finds = [Find("private key", *match.span(), certain=True) for match in _RUN.finditer(text, start, end)]
    if all(find.end - find.start < 24 for find in finds):
        finds = []  # an ellipsis, an example: no key is that short
    return Armor(start, end, False, finds)
