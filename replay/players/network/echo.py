"""A value that the request had chosen by chance, put into the answer where the recorded one stood. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from replay.players.network import coding
from replay.players.network.fields import header

_SHORTEST = 6
"""Characters below which a value stands in an answer by chance too often."""
Pairs = Sequence[tuple[str, str]]
"""(recorded, asked)"""


class Echo:
    """What to put for what. `counters` are ids of calls: put only where a JSON answer names its call."""

    def __init__(self, values: Pairs, counters: Pairs = ()) -> None:
        table: dict[bytes, bytes] = {}
        for recorded, asked in values:
            if recorded != asked and len(recorded) >= _SHORTEST:
                for form in _FORMS:
                    table.setdefault(form(recorded), form(asked))
        self._table = table
        self._pattern = _pattern(table)
        self._ids = {a.encode(): b.encode() for a, b in counters if a != b}
        self._id = (
            re.compile(rb'("id"\s*:\s*)(' + b"|".join(map(re.escape, self._ids)) + rb")(?=\s*[,}])")
            if self._ids
            else None
        )

    def __bool__(self) -> bool:
        return self._pattern is not None or self._id is not None

    def text(self, data: bytes, *, body: bool = False) -> bytes:
        """The text with everything put in its place."""
        if self._pattern is not None:
            data = self._pattern.sub(lambda match: self._table[match.group()], data)
        if body and self._id is not None:
            data = self._id.sub(lambda match: match.group(1) + self._ids[match.group(2)], data)
        return data

    def headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((name, self.text(value)) for name, value in headers)

    def body(self, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> bytes:
        """The body, content coding undone and done again; as it was where nothing of it was recorded so."""
        kind = header(headers, b"content-encoding") or b""
        content = coding.decoded(body, kind)
        if content is None:
            return body
        done = self.text(content, body=True)
        return body if done == content else coding.coded(done, kind)


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


_FORMS = (
    _plain,
    lambda text: quote(_plain(text), safe="").encode(),
    lambda text: quote_plus(_plain(text)).encode(),
    lambda text: html.escape(text).encode("utf-8", "surrogateescape"),
    lambda text: json.dumps(text)[1:-1].encode(),
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/").encode(),
)


def _pattern(table: dict[bytes, bytes]) -> re.Pattern[bytes] | None:
    """All at once, the longest first, so that nothing put in is taken for something recorded."""
    if not table:
        return None
    words = sorted(table, key=len, reverse=True)
    return re.compile(rb"(?<![A-Za-z0-9])(?:" + b"|".join(map(re.escape, words)) + rb")(?![A-Za-z0-9])")
