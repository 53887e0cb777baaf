"""Near-duplicates of a batch: sketches name who may be one, what the traces say decides."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from replay import verdicts
from replay.batch.ledger import Ledger
from replay.batch.options import Options
from replay.batch.reading import read

_HELD = 64


def drop_near(ledger: Ledger, root: str, options: Options) -> None:
    """Of traces that are at least `options.near` alike the first (as they were recorded) stays; each other is told whom
    it resembles, and how much."""
    from replay.batch.similarity import alike, bands, shingles
    from replay.batch.words import Numbers, Words

    words = Words()

    @lru_cache(_HELD)
    def said(path: str) -> Numbers:
        place = Path(root + path)
        return shingles(words, read(place, verdicts.sha256_of(place), (), options.longest).row)

    for row, path, sketch in ledger.sketches():
        own = list(bands(sketch))
        known = ((other, alike(said(path), said(other))) for _, other in ledger.in_bands(own))
        found = max(known, key=lambda one: one[1], default=("", 0.0))
        if found[1] >= options.near:
            ledger.drop(row, "near", f"{found[1]:.2f} like {found[0]}")
        else:
            ledger.add_bands(row, own)
