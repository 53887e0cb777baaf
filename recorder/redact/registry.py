"""The secrets that are known, looked for in all their forms at once."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from recorder.redact.encodings import Form, forms

_HEAD = 4
_MOST_PENDING = 4096
"""A stream holds no more back."""
MOST_BYTES = 16 << 20
"""Of patterns, in all."""
_FAST = 4000
"""Up to this many bytes of patterns the fastest automaton is built; it takes the longest to build."""


class Match(NamedTuple):
    """`new` stands for the bytes from `start` to `end`; `secret` is the number of the secret, in order of arrival."""

    start: int
    end: int
    new: bytes
    secret: int


class _Generation:
    """Some forms and their automaton."""

    def __init__(self, entries: list[tuple[Form, int]]) -> None:
        self.entries = entries
        patterns = [form.old for form, _ in entries]
        fast = sum(map(len, patterns)) <= _FAST
        self.automaton = BytesAhoCorasick(
            patterns,
            matchkind=MatchKind.LeftmostLongest,
            implementation=Implementation.DFA if fast else Implementation.ContiguousNFA,
        )


class Registry:
    """Known secrets. Those added last are kept apart until they are many, so that adding one stays cheap."""

    def __init__(self) -> None:
        self._generations: list[_Generation] = []
        self._fresh: list[tuple[Form, int]] = []
        self._known: set[bytes] = set()
        self._heads: dict[bytes, list[bytes]] = {}
        self._beginnings: set[bytes] = set()
        self._size = 0
        self._longest = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether more would cost more than it is worth."""
        return self._size > MOST_BYTES

    def add(self, secret: bytes, placeholder: bytes) -> None:
        """From now on `secret` is found in every form."""
        for form in forms(secret, placeholder):
            if form.old in self._known:
                continue
            self._known.add(form.old)
            self._fresh.append((form, self._count))
            self._size += len(form.old)
            self._beginnings.update(form.old[:size] for size in range(1, _HEAD))
            insort(self._heads.setdefault(form.old[:_HEAD], []), form.old)
            self._longest = max(self._longest, len(form.old))
        self._count += 1

    def find(self, text: bytes) -> list[Match]:
        """Where known secrets stand in `text` (which has no line ends), in order, none overlapping."""
        self._settle()
        matches: list[Match] = []
        for generation in self._generations:
            for index, start, end in generation.automaton.find_matches_as_indexes(text):
                form, secret = generation.entries[index]
                matches.append(_at_edges(text, start, end, form, secret))
        if len(self._generations) > 1:
            matches.sort(key=lambda m: (m.start, -m.end))
        out: list[Match] = []
        for match in matches:
            if not out or match.start >= out[-1].end:
                out.append(match)
        return out

    def pending(self, text: bytes) -> int:
        """Where at the end of `text` begins what may become a known secret; its length if nothing does."""
        size = len(text)
        # one more byte is waited for: at an edge of base64 it may hold bits of the secret
        for start in range(max(0, size - min(self._longest, _MOST_PENDING)), size - _HEAD + 1):
            known = self._heads.get(text[start : start + _HEAD])
            if known is not None:
                rest = text[start:]
                at = bisect_left(known, rest)
                if at < len(known) and known[at].startswith(rest):
                    return max(0, start - 1)
        for start in range(max(0, size - _HEAD + 1), size):
            if text[start:] in self._beginnings:
                return max(0, start - 1)
        return size

    def _settle(self) -> None:
        if not self._fresh:
            return
        entries, self._fresh = self._fresh, []
        while self._generations and len(self._generations[-1].entries) <= 2 * len(entries):
            entries = self._generations.pop().entries + entries
        self._generations.append(_Generation(entries))


def _at_edges(text: bytes, start: int, end: int, form: Form, secret: int) -> Match:
    new = form.new
    if form.before is not None and start > 0:
        patched = form.before.patched(text[start - 1])
        if patched is not None:
            start, new = start - 1, bytes([patched]) + new
    if form.after is not None and end < len(text):
        patched = form.after.patched(text[end])
        if patched is not None:
            end, new = end + 1, new + bytes([patched])
    return Match(start, end, new, secret)
