"""Programs within HTML: what stands behind a name in them is code, as in files of their own. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from recorder.redact.finds import Find

_TAG = re.compile(rb"<(script|style)\b[^>]{0,1000}>", re.IGNORECASE)
_TYPE = re.compile(rb"\btype\s*=\s*[\"']?\s*([^\"'\s>]+)", re.IGNORECASE)
_END = re.compile(rb"</(?:script|style)\b", re.IGNORECASE)
_PROGRAMS = (b"text/javascript", b"module", b"application/javascript", b"text/css")
_SHORT = 16 << 10
"""Bytes up to which a program within a page is taken for the page's own settings, too."""
_QUOTES = b"\"'`"


_PLACED = frozenset(("field", "authorization", "cookie", "option"))


def programs(text: bytes, *, inside: bool = False) -> list[tuple[int, int]]:
    """Where the programs of a page stand, styles too, in order; one that does not end goes to the end. What says that
    it is data (JSON, a template) is none. `inside`: the text begins within one, which is then told as a long one."""
    found: list[tuple[int, int]] = []
    at = 0
    if inside:
        end = _END.search(text)
        at = end.start() if end else len(text)
        found.append((-_SHORT - 1, at))
    while (tag := _TAG.search(text, at)) is not None:
        end = _END.search(text, tag.end())
        at = end.start() if end else len(text)
        kind = _TYPE.search(tag[0])
        if kind is None or kind[1].lower() in _PROGRAMS:
            found.append((tag.end(), at))
    return found


def without_code(text: bytes, finds: Iterable[Find], *, inside: bool = False) -> list[Find]:
    """The finds that hold in a page: of those within its programs the ones that their shape gives away, and in short
    programs those in quotes, for such give a page its settings. `inside`: see `programs`."""
    spans = programs(text, inside=inside)
    starts = [start for start, _ in spans]
    kept = []
    for find in finds:
        n = bisect_right(starts, find.start) - 1
        code = n >= 0 and find.start < spans[n][1] and find.rule in _PLACED
        if not code or (spans[n][1] - spans[n][0] <= _SHORT and _quoted(text, find)):
            kept.append(find)
    return kept


def cut(text: bytes, at: int, *, inside: bool = False) -> tuple[int, bool]:
    """Where a text may be cut at `at` or a little before, not within a program's tag; and whether it is cut within a
    program."""
    tag = text.rfind(b"<", max(0, at - 1024), at)
    if tag >= 0 and (text[tag : tag + 8].lower().startswith((b"<script", b"<style", b"</")) or at - tag < 8):
        whole = text.find(b">", tag, at)
        at = tag if whole < 0 else at
    return at, any(end == at for _, end in programs(text[:at], inside=inside))


def _quoted(text: bytes, find: Find) -> bool:
    before, after = text[find.start - 1 : find.start], text[find.end : find.end + 1]
    return before == after and before != b"" and before in _QUOTES
