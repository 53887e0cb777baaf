"""Traces that are nearly the same: MinHash sketches find candidates, the sets themselves decide. Pure.

Broder, "On the resemblance and containment of documents", 1997; bands as in Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from replay.batch.words import Numbers, Words, runs_of
from replay.dataset.row import Row
from replay.dataset.texts import row_texts

SHINGLE = 5
"""Words in a row that are compared as one."""
_ROWS = 4
_BANDS = 32
"""Two that are 0.6 alike share a band with probability 0.99, two that are 0.3 alike with 0.23: confirmed after."""
_RANDOM = np.random.Generator(np.random.PCG64(0x5EED))
_FACTORS = _RANDOM.integers(1, 2**63, _ROWS * _BANDS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS = _RANDOM.integers(0, 2**63, _ROWS * _BANDS, dtype=np.uint64)


def shingles(words: Words, row: Row) -> Numbers:
    """What a trace says, as a set: of all that was asked, done, said and shown."""
    return runs_of(words, (text for _, text in row_texts(row)), SHINGLE)


def sketch(of: Numbers) -> bytes:
    """The least of a set under each of many hash functions, 8 bytes each; of an empty set nothing."""
    if not len(of):
        return b""
    least = np.empty(_ROWS * _BANDS, dtype=np.uint64)
    for place, (factor, shift) in enumerate(zip(_FACTORS, _SHIFTS, strict=True)):
        least[place] = ((of * factor + shift) ^ ((of * factor + shift) >> np.uint64(29))).min()
    return least.astype("<u8").tobytes()


def bands(sketched: bytes) -> Iterable[tuple[int, bytes]]:
    """What two sketches have in common where their sets are much alike: (band, its bytes)."""
    width = _ROWS * 8
    return enumerate(sketched[at : at + width] for at in range(0, len(sketched), width))


def alike(a: Numbers, b: Numbers) -> float:
    """What part of both together both have (Jaccard), 0 to 1."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    whole = len(a) + len(b) - common
    return common / whole if whole else 0.0
