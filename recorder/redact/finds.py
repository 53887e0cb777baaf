"""What a rule found."""

from __future__ import annotations

from typing import NamedTuple


class Find(NamedTuple):
    """The bytes from `start` to `end` are a secret, written in `encoding` (raw, url, json, basic).

    `certain`: where it stands says that it is one, so that it is replaced here though it may be too short to be
    looked for elsewhere.
    """

    rule: str
    start: int
    end: int
    encoding: str = "raw"
    certain: bool = False
