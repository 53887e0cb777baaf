"""What a format is to those who write datasets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format made of native rows. `title` says what it is, `loader` who reads it.

    What `convert` takes and gives depends on `kind`:
    `lines`: (Row, Losses) → the records of a row (any number of them), each a line of JSON.
    `files`: (Row, Losses) → names and contents (bytes) of files in a folder of the trace's own.
    `pairs`: (better Row, worse Row, Losses) → the records of a pair, each a line of JSON; `pairing` says what is one.
    `table`: (rows of a shard, Losses) → the bytes of that shard.
    Each counts in `Losses` what the format can't hold, and raises Unfit for a row that the format cannot tell at all (a
    table tells every row). `version` changes whenever the same row comes out differently: what was exported by
    another is not mixed with it. `suffix` is that of the files or shards.
    """

    name: str
    title: str
    loader: str
    kind: Literal["lines", "files", "pairs", "table"]
    suffix: str
    version: int
    convert: Callable[..., Any]


class Unfit(Exception):
    """A row that a format cannot tell; the message says why, for people."""
