"""Texts as numbers that can be compared by the million: words, and runs of words in a row. Pure.

Words are what letters and digits in a row are, whatever their case. A run of `n` of them is the polynomial over their
hashes modulo 2^64, so that every run of a text is made in `n` multiplications of whole arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_BASE = 0x9E3779B97F4A7C15
_MOST_KNOWN = 200_000


class Words:
    """Hashes words, and remembers those it has met: most come again."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, text: str) -> Numbers:
        """The words of a text, one number each, in order."""
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        numbers = []
        for word in _WORD.findall(text.casefold()):
            number = known.get(word)
            if number is None:
                digest = blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
                number = known[word] = int.from_bytes(digest, "little")
            numbers.append(number)
        return np.array(numbers, dtype=np.uint64)


def runs(words: Numbers, n: int) -> Numbers:
    """The hash of each run of `n` words, by where it begins; none where there are fewer."""
    count = len(words) - n + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    total = np.zeros(count, dtype=np.uint64)
    power = 1
    for place in range(n):
        total += words[place : place + count] * np.uint64(power)
        power = power * _BASE % 2**64
    return total


def runs_of(words: Words, texts: Iterable[str], n: int) -> Numbers:
    """The distinct runs of all texts, sorted; a run never goes from one text into the next."""
    found = [runs(words.of(text), n) for text in texts]
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)
