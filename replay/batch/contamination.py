"""Benchmark texts inside traces: runs of words that both have. Pure.

Thirteen words in a row are seldom the same by chance (Brown et al., "Language Models are Few-Shot Learners", 2020,
appendix C).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from replay.batch.guards import Hit
from replay.batch.words import Numbers, Words, runs

RUN = 13
"""Words in a row that count."""


class Benchmarks:
    """The runs of words of many texts, in order, each with the text that it is of."""

    def __init__(self, names: Sequence[str], hashes: Numbers, owners: NDArray[np.uint32]) -> None:
        self.names = tuple(names)
        self._hashes = hashes
        self._owners = owners

    @classmethod
    def of(cls, texts: Iterable[tuple[str, str]]) -> Benchmarks:
        """Of (name, text) each."""
        words = Words()
        names: list[str] = []
        hashes: list[Numbers] = []
        for name, text in texts:
            names.append(name)
            hashes.append(np.unique(runs(words.of(text), RUN)))
        together = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
        counts = [len(one) for one in hashes]
        owners = np.repeat(np.arange(len(names), dtype=np.uint32), counts)
        order = np.argsort(together, kind="stable")
        return cls(names, together[order], owners[order])

    def __len__(self) -> int:
        """How many runs there are; of texts of fewer than `RUN` words there are none."""
        return len(self._hashes)

    def hits(self, words: Words, texts: Iterable[tuple[str, str]]) -> Iterator[Hit]:
        """What these (place, text) have of them, the longest of each benchmark text in each place."""
        for place, text in texts:
            found = runs(words.of(text), RUN)
            if not len(found) or not len(self._hashes):
                continue
            first = np.searchsorted(self._hashes, found, side="left")
            last = np.searchsorted(self._hashes, found, side="right")
            by_text: dict[int, list[int]] = {}
            for at in np.nonzero(last > first)[0]:
                for owner in self._owners[first[at] : last[at]]:
                    by_text.setdefault(int(owner), []).append(int(at))
            for owner, places in by_text.items():
                yield Hit(self.names[owner], RUN - 1 + _longest(places), len(places), place)

    def dump(self) -> bytes:
        """As bytes that `load` takes."""
        out = io.BytesIO()
        np.savez(out, names=np.array(self.names, dtype=np.str_), hashes=self._hashes, owners=self._owners)
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Benchmarks:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            return cls([str(name) for name in held["names"]], held["hashes"], held["owners"])


def _longest(places: Sequence[int]) -> int:
    """The most numbers in a row, each one more than the one before."""
    best = length = 1
    for before, after in pairwise(places):
        length = length + 1 if after == before + 1 else 1
        best = max(best, length)
    return best
