"""What a format is to those who write datasets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from replay.dataset.row import Row
from replay.export.losses import Losses


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format made of native rows. `title` says what it is, `loader` who reads it.

    `lines`: `convert` gives the records of a row (any number of them), each a line of JSON. `files`: it gives names and
    contents (bytes) of files in a folder of the trace's own. Either counts in `Losses` what the format can't hold, and
    raises Unfit for a row that the format cannot tell at all. `version` changes whenever the same row comes out
    differently: what was exported by another is not mixed with it. `suffix` is that of the files or shards.
    """

    name: str
    title: str
    loader: str
    kind: Literal["lines", "files"]
    suffix: str
    version: int
    convert: Callable[[Row, Losses], Iterator[Any]]


class Unfit(Exception):
    """A row that a format cannot tell; the message says why, for people."""
