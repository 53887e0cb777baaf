"""Noise learned by replaying again: what differs between replays is noise, from the recording only divergence. Pure.

A mask never comes from the recording, so it cannot excuse it. It covers single words of single lines, and a
masked word must still be of the same kind (a number, a hexadecimal number, a word …); an exit code, a missing
line or a file that comes and goes is never noise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from recorder.trace.events import Change
from replay.verify.masking import alias
from replay.verify.verdict import Observation

_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[ \t]+|[^A-Za-z0-9_\x80-\xff \t]")
_KINDS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("number", re.compile(rb"[0-9]+")),
    ("hex", re.compile(rb"(?:0x)?[0-9a-fA-F]+")),
    ("blank", re.compile(rb"[ \t]+")),
    ("word", re.compile(rb"[A-Za-z0-9_\x80-\xff]+")),
)


class Mask(Struct, frozen=True, kw_only=True):
    """What is noise in one step. `lines` is how many the output must have for `words` to apply.

    `words` maps (line, word) to the widest kind that the replays showed there. `paths` are files whose content
    differed; they must still be there.
    """

    lines: int
    words: dict[tuple[int, int], str]
    paths: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.words or self.paths)

    def apply(self, data: bytes) -> bytes:
        """`data` with its noisy words masked; unchanged where it has another number of lines."""
        lines = data.split(b"\n")
        if not self.words or len(lines) != self.lines:
            return data
        for i in {line for line, _ in self.words}:
            words = _WORD.findall(lines[i])
            for j, word in enumerate(words):
                kind = self.words.get((i, j))
                if kind and _fits(word, kind):
                    words[j] = alias("noise")
            lines[i] = b"".join(words)
        return b"\n".join(lines)


def learn(
    runs: Sequence[Sequence[Observation]], normalise: Callable[[bytes], bytes] = lambda data: data
) -> list[Mask | None]:
    """Per step, what differs between two or more replays of one trace; None where nothing does.

    `runs` holds one list of observations per replay, in the order of the steps; steps that some replay did not
    reach are not learned. `normalise` is what the judge will apply before a mask.
    """
    if len(runs) < 2:
        return [None] * (len(runs[0]) if runs else 0)
    reached = min(len(run) for run in runs)
    masks = [_learn([run[step] for run in runs], normalise) for step in range(reached)]
    return masks + [None] * (max(len(run) for run in runs) - reached)


def _learn(seen: Sequence[Observation], normalise: Callable[[bytes], bytes]) -> Mask | None:
    lines = 0
    words: dict[tuple[int, int], str] = {}
    if all(one.output is not None and one.output.whole for one in seen):
        outputs = {normalise(one.output.head) for one in seen if one.output}
        lines, words = _differing([output.split(b"\n") for output in outputs])
    mask = Mask(lines=lines, words=words, paths=_unsteady([one.changes or () for one in seen]))
    return mask or None


def _differing(outputs: Sequence[Sequence[bytes]]) -> tuple[int, dict[tuple[int, int], str]]:
    words: dict[tuple[int, int], str] = {}
    count = len(outputs[0])
    if any(len(output) != count for output in outputs):
        return 0, {}
    for i in range(count):
        variants = {output[i] for output in outputs}
        if len(variants) == 1:
            continue
        split = [_WORD.findall(line) for line in variants]
        if len({len(line) for line in split}) != 1:
            return 0, {}
        for j, column in enumerate(zip(*split, strict=True)):
            if len(set(column)) > 1:
                kind = _kind(column)
                if kind is None:
                    return 0, {}
                words[i, j] = kind
    return count, words


def _kind(words: Sequence[bytes]) -> str | None:
    """The narrowest kind that all have."""
    return next((kind for kind, form in _KINDS if all(form.fullmatch(word) for word in words)), None)


def _fits(word: bytes, kind: str) -> bool:
    return dict(_KINDS)[kind].fullmatch(word) is not None


def _unsteady(changes: Sequence[Sequence[Change]]) -> frozenset[str]:
    """Paths that every replay left there, with differing content."""
    states = [{change.path: change.after for change in one} for one in changes]
    common = set.intersection(*(set(one) for one in states)) if states else set()
    return frozenset(
        path
        for path in common
        if all(one[path] is not None for one in states)
        and len({(a.type, a.blob, a.size, a.target) for one in states if (a := one[path])}) > 1
    )
