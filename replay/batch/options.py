"""What was asked of a batch. All of it that decides what is written is in its key. Pure."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from replay.dataset.observation import LONGEST

EXPORTER_VERSION = 1
"""Changes whenever the same traces and options come out differently for reasons other than a format's."""

SPLITS = ("train", "validation", "test")


class Options(Struct, frozen=True, kw_only=True):
    """`format` and its version; `reenact` is the version of the whole. `verified`: only traces that a replay by one of
    the keys in `trusted` found to hold. `where` as in `selection`. `shares` are those of train, validation and test
    (they add up to 1), drawn by a hash of `seed` and the task. `shard_bytes` before compression. `longest` characters
    of a text. `secrets` False: what looks like a secret does not keep a trace out. Of traces that are `near` alike (0
    to 1; 0: nobody asks) the first stays. `benchmarks` are texts that no trace may have (name and SHA-256 of each).
    """

    format: str
    format_version: int
    reenact: str
    verified: bool = False
    trusted: tuple[str, ...] = ()
    where: str = ""
    shares: tuple[float, float, float] = (1.0, 0.0, 0.0)
    seed: int = 0
    shard_bytes: int = 256 << 20
    compression: str = ""
    longest: int = LONGEST
    near: float = 0.0
    benchmarks: tuple[tuple[str, str], ...] = ()
    secrets: bool = True

    @property
    def key(self) -> str:
        """The same for the same options, and for no others."""
        data = msgspec.json.encode((EXPORTER_VERSION, self))
        return hashlib.sha256(data).hexdigest()
