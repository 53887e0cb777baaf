"""Two outputs, from the strictest comparison to the loosest that still proves something. Pure.

bytes → strong rules → redraws resolved → weak rules → methods (job notices, echo, learned noise) → an
interrupted stream's common part → any order of lines → the screens of full-screen programs. The first that
makes them equal is the level; the rules that it could not do without are the causes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

from replay.verify.echo import MOST_ECHO, interleaved, without
from replay.verify.masking import ALIAS
from replay.verify.nearest import output_miss, screen_miss
from replay.verify.normalisers import Rule, Strength, normalise, terminal_rules, text_rules
from replay.verify.redacted import placed
from replay.verify.verdict import (
    BLOCK,
    Context,
    Facet,
    FacetVerdict,
    NearestMiss,
    Observation,
    Output,
    Verdict,
)

METHODS = {
    "job-notices": "the shell told the end of a background job at another moment",
    "echo": "keys typed ahead were echoed at another place of the output",
    "noise": "words that differ from one replay to the next",
    "redacted": "the replay shows a value of the same form where the recording has a placeholder for a secret",
    "interrupted": "a stream stopped by a key: one side shows more of the same",
    "order": "the same lines in another order",
    "screen": "a full-screen program drew the same picture in another way",
    "volatile": "a file whose content never repeats is there on both sides",
    "content not kept": "a file of the same size and mode whose content the recording did not keep",
}
"""Ways to be equivalent besides rules, by the name that a verdict gives as its cause."""

_SMALL = 64 << 10
"""Bytes of both sides together up to which all is judged at once and causes are the fewest."""
_DRAWN = 2 << 20
"""The same for output that moves up and down, whose lines do not stand for themselves."""


class Found(NamedTuple):
    """The level at which two outputs are equal, and the causes of their being no more equal than that."""

    how: str
    causes: tuple[str, ...]


class Side(NamedTuple):
    text: tuple[Rule, ...]
    terminal: tuple[Rule, ...]


class Judge:
    """Compares under one context. The two sides have the same rules, each narrowed by its own clock."""

    def __init__(self, context: Context) -> None:
        self.context = context
        drawing = tuple(r for r in terminal_rules(context.cols) if r.name not in context.without)
        self.sides = tuple(
            Side(
                tuple(
                    rule
                    for rule in text_rules(clock, context.elapsed, context.command)
                    if rule.name not in context.without
                ),
                drawing,
            )
            for clock in context.clocks
        )
        text, terminal = self.sides[0]
        strong = [r.name for r in text if r.strength is Strength.STRONG]
        drawn = [r.name for r in terminal if r.strength is Strength.STRONG]
        self.levels = (strong, strong + drawn, [r.name for r in (*terminal, *text)])
        self.text_levels = (strong, [r.name for r in text])

    def allows(self, method: str) -> bool:
        return method not in self.context.without

    def canonical(self, data: bytes, side: int, names: Sequence[str] | None = None) -> bytes:
        """`data` of a side (0 recorded, 1 replayed) after the named rules, or after all."""
        rules = (*self.sides[side].terminal, *self.sides[side].text)
        return normalise(data, [rule for rule in rules if names is None or rule.name in names])

    # -- rules ----------------------------------------------------------------------------------------

    def explain(
        self, a: bytes, b: bytes, levels: Sequence[Sequence[str]] | None = None
    ) -> Sequence[str] | None:
        """The rules without which a and b are not equal; empty where they are equal, None where they differ."""
        if a == b:
            return ()
        if ALIAS.findall(a) != ALIAS.findall(b):
            return None  # one side shows what only a mask may: nothing that follows would mean anything
        # Of long outputs the lines that differ decide; only what makes those equal is tried on the whole.
        part_a, part_b = _reduced(a, b)
        for names in self.levels if levels is None else levels:
            if self.canonical(part_a, 0, names) != self.canonical(part_b, 1, names):
                continue
            needed = self._needed(part_a, part_b, names)
            for chosen in (needed, names):
                if self.canonical(a, 0, chosen) == self.canonical(b, 1, chosen):
                    return tuple(chosen)
        return None

    def explain_text(self, a: bytes, b: bytes) -> Sequence[str] | None:
        """As `explain`, for contents that no terminal showed."""
        return self.explain(a, b, self.text_levels)

    def _needed(self, a: bytes, b: bytes, names: Sequence[str]) -> Sequence[str]:
        needed = self._touched(a, b, names)
        if len(a) + len(b) <= _SMALL:
            for name in reversed(needed):
                fewer = [n for n in needed if n != name]
                if self.canonical(a, 0, fewer) == self.canonical(b, 1, fewer):
                    needed = fewer
        return needed

    def _touched(self, a: bytes, b: bytes, names: Sequence[str]) -> list[str]:
        return [n for n in names if self.canonical(a, 0, [n]) != a or self.canonical(b, 1, [n]) != b]

    def explain_content(self, a: bytes, b: bytes) -> Sequence[str] | None:
        """As `explain_text`, for a file's content: placeholders for secrets may stand in it."""
        names = self.explain_text(a, b)
        if names is None and (shown := self._placed(a, b)) is not None:
            names = self.explain_text(a, shown)
            return None if names is None else (*names, "redacted")
        return names

    def _placed(self, a: bytes, b: bytes) -> bytes | None:
        """b with the placeholders that stand in a; None where that changes nothing."""
        if not self.context.placeholders or not self.allows("redacted"):
            return None
        shown = placed(a, b, self.context.placeholders)
        return None if shown == b else shown

    # -- the whole chain ------------------------------------------------------------------------------

    def main(self, a: bytes, b: bytes) -> Found | None:
        """The strictest level at which two outputs of the main screen are equal."""
        found = self._main(a, b)
        if found is None and (shown := self._placed(a, b)) is not None:
            found = self._main(a, shown)
            how = "normalised" if found and found.how == "bytes" else found.how if found else ""
            return found and Found(how, (*found.causes, "redacted"))
        return found

    def _main(self, a: bytes, b: bytes) -> Found | None:
        names = self.explain(a, b)
        if names is not None:
            return Found("normalised" if names else "bytes", tuple(names))
        ways = [way for count in (1, 2, 3) for way in combinations(self._methods(), count)]
        if self._cut_short(a, b):
            return Found("interrupted", ("interrupted",))
        found = (self._by(way, a, b, self._rules) for way in ways)
        if first := next((one for one in found if one), None):
            return first
        if interrupted := self._interrupted(a, b):
            return interrupted
        if echoed := self._echoed(a, b):
            return echoed
        return next((one for way in ((), *ways) if (one := self._by(way, a, b, self._any_order))), None)

    def _methods(self) -> list[Method]:
        return [m for m in (_job_notices, self._echo, self._noise) if self.allows(_NAMES[m.__name__])]

    def _by(
        self, methods: Sequence[Method], a: bytes, b: bytes, last: Callable[[bytes, bytes], Found | None]
    ) -> Found | None:
        """What `last` finds once these methods have been applied; None where one of them doesn't apply."""
        causes = []
        for method in methods:
            pair = method(a, b)
            if pair is None:
                return None
            a, b = pair
            causes.append(_NAMES[method.__name__])
        found = last(a, b)
        return found and Found(found.how, (*found.causes, *causes))

    def _rules(self, a: bytes, b: bytes) -> Found | None:
        names = self.explain(a, b)
        return None if names is None else Found("normalised", tuple(names))

    def _echo(self, a: bytes, b: bytes) -> tuple[bytes, bytes] | None:
        old, new = self.context.echoes, self.context.echoes_again
        if new is None:
            new = old
        return (without(a, old), without(b, new)) if old or new else None

    def _echoed(self, a: bytes, b: bytes) -> Found | None:
        """Equal but for keys, in order, that a terminal echoed on one side only."""
        keys = self.context.unsure
        if not keys or not self.allows("echo") or len(keys) > MOST_ECHO or len(a) + len(b) > _SMALL:
            return None
        for level in ((), *self.levels):
            # An echo may be drawn over, or itself move what is drawn.
            names = self._touched(a, b, level)
            old, new = self.canonical(a, 0, names), self.canonical(b, 1, names)
            if ALIAS.findall(old) == ALIAS.findall(new) and interleaved(old, new, keys):
                return Found("normalised", (*names, "echo"))
        return None

    def _noise(self, a: bytes, b: bytes) -> tuple[bytes, bytes] | None:
        mask = self.context.mask
        if not mask or ALIAS.findall(a) != ALIAS.findall(b):
            return None
        return mask.apply(self.canonical(a, 0)), mask.apply(self.canonical(b, 1))

    def _cut_short(self, a: bytes, b: bytes) -> bool:
        """A stream stopped by a key, equal as far as the shorter goes: seen at a glance, however long it is."""
        old, new = _at_key(a), _at_key(b)
        if not (self.context.interrupted and self.allows("interrupted") and old and new):
            return False
        short, long = sorted((old[0], new[0]), key=len)
        return bool(short) and long.startswith(short) and old[1] == new[1]

    def _interrupted(self, a: bytes, b: bytes) -> Found | None:
        if not self.context.interrupted or not self.allows("interrupted"):
            return None
        old, new = _at_key(a), _at_key(b)
        if (old is None) != (new is None):
            return None
        (head_a, rest_a), (head_b, rest_b) = old or (a, b""), new or (b, b"")
        names = self.explain(rest_a, rest_b)
        if names is None:
            return None
        head_a, head_b = self.canonical(head_a, 0), self.canonical(head_b, 1)
        short, long = sorted((head_a, head_b), key=len)
        if not short and long:
            return None
        whole = short[: short.rfind(b"\n") + 1]
        # The key may have cut a value in two, which was masked otherwise than the whole one; so a last line with
        # a number in it need not fit, if others before it do.
        cut = whole and len(short) - len(whole) < 4096 and re.search(rb"[0-9]", short[len(whole) :])
        if long.startswith(whole if cut else short):
            return Found("interrupted", (*names, "interrupted"))
        return None

    def _any_order(self, a: bytes, b: bytes) -> Found | None:
        if not self.allows("order") or ALIAS.findall(a) != ALIAS.findall(b):
            return None
        if sorted(a.split(b"\n")) == sorted(b.split(b"\n")):
            return Found("order", ("order",))
        part_a, part_b = _reduced(a, b)
        old, new = _unnumbered(self.canonical(part_a, 0)), _unnumbered(self.canonical(part_b, 1))
        # Equal in this very order but for the numbers: what was one value became two. That is no matter of order.
        if old != new and sorted(old) == sorted(new):
            return Found("order", (*self._touching(a, b), "order"))
        return None

    def _touching(self, a: bytes, b: bytes) -> list[str]:
        """Rules that change one of the lines which only one side has."""
        only = (
            Counter(a.split(b"\n")) - Counter(b.split(b"\n")),
            Counter(b.split(b"\n")) - Counter(a.split(b"\n")),
        )
        left = tuple(b"\n".join(lines) for lines in only)
        return [
            name
            for name in self.levels[-1]
            if any(self.canonical(lines, side, [name]) != lines for side, lines in enumerate(left))
        ]


Method = Callable[[bytes, bytes], tuple[bytes, bytes] | None]
_NAMES = {"_job_notices": "job-notices", "_echo": "echo", "_noise": "noise"}
_NOTICE = re.compile(
    rb"^(?:\[\d+\] ?[ +-] {1,2}(?:\d+ )?(?:[Dd]one|[Ee]xit \d+|[Tt]erminated|[Kk]illed|[Hh]angup)\b[^\r\n]*"
    rb"|fish: Job \d+, [^\r\n]* has ended)\r?\n|\r\nfish: Job \d+, [^\r\n]* terminated by signal [^\r\n]*\r\n",
    re.MULTILINE,
)


def _job_notices(a: bytes, b: bytes) -> tuple[bytes, bytes] | None:
    """Both without the notices of finished jobs, where one side has all that the other has."""
    old, new = Counter(_notices(a)), Counter(_notices(b))
    if not (old or new) or not (old <= new or new <= old):
        return None
    return _NOTICE.sub(b"", a), _NOTICE.sub(b"", b)


def _notices(data: bytes) -> list[bytes]:
    """The notices without the sign of the current job, which depends on which others are left."""
    return [re.sub(rb"^(\[\d+\])[ +-]+", rb"\1 ", notice) for notice in _NOTICE.findall(data)]


def _at_key(data: bytes) -> tuple[bytes, bytes] | None:
    """Split before the last echo of a key that stops a program."""
    at = max(data.rfind(b"^C"), data.rfind(b"^Z"), data.rfind(b"^\\"))
    return (data[:at], data[at:]) if at >= 0 else None


def _unnumbered(data: bytes) -> list[bytes]:
    """Lines whose aliases have lost their numbers, which came from the order."""
    return re.sub("(⟨[a-z-]+)[0-9]+⟩".encode(), "\\1⟩".encode(), data).split(b"\n")


def _reduced(a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """The lines in which two long texts differ, with their neighbours; short or drawn texts as they are."""
    size = len(a) + len(b)
    if size <= _SMALL or (size <= _DRAWN and (_ADDRESSING.search(a) or _ADDRESSING.search(b))):
        return a, b
    old, new = a.split(b"\n"), b.split(b"\n")
    if len(old) == len(new):
        unequal = {i for i, (x, y) in enumerate(zip(old, new, strict=True)) if x != y}
        kept = sorted(unequal | {i - 1 for i in unequal if i} | {i + 1 for i in unequal if i + 1 < len(old)})
        return b"\n".join(old[i] for i in kept), b"\n".join(new[i] for i in kept)
    most = min(len(old), len(new))
    begin = next((i for i in range(most) if old[i] != new[i]), most)
    end = next((i for i in range(most - begin) if old[-1 - i] != new[-1 - i]), most - begin)
    begin, end = max(0, begin - 1), max(0, end - 1)
    return b"\n".join(old[begin : len(old) - end]), b"\n".join(new[begin : len(new) - end])


# -- screens ----------------------------------------------------------------------------------------

_ENTER_LEAVE = re.compile(rb"\x1b\[\?(?:[0-9]+;)*(?:47|1047|1049)(?:;[0-9]+)*([hl])")
_ADDRESSING = re.compile(rb"\x1b\[[0-9;]*[ABEFHdf]|\x1b\[[0-9;]*[LMSTr]|\x1bM")


def split_alternate(data: bytes) -> bytes:
    """What went to the main screen; each visit to an alternate screen leaves its enter and leave sequences."""
    out: list[bytes] = []
    at, inside = 0, False
    for match in _ENTER_LEAVE.finditer(data):
        if match[1] == b"h" and not inside:
            out.append(data[at : match.end()])
            inside = True
        elif match[1] == b"l" and inside:
            at, inside = match.start(), False
    if not inside:
        out.append(data[at:])
    return b"".join(out)


def _rows(rows: Sequence[str]) -> bytes:
    return "\n".join(row.rstrip() for row in rows).encode("utf-8", "surrogateescape")


def compare_output(recorded: Observation, observed: Observation, judge: Judge) -> list[FacetVerdict]:
    """The output facet, and the screen facet where the screens had a say. Empty where nothing was recorded."""
    a, b = recorded.output, observed.output
    if a is None:
        return []
    if b is None:
        b = Output.of(b"")
    if (a.total, a.sha256) == (b.total, b.sha256):
        return [FacetVerdict(facet=Facet.OUTPUT, verdict=Verdict.EXACT, how="bytes")]
    found: Found | None = None
    if a.whole and b.whole:
        found = judge.main(a.head, b.head)
        if found is None and judge.allows("screen"):
            drawn = _by_screen(recorded, observed, a.head, b.head, judge)
            if drawn:
                return drawn
    elif judge.context.interrupted and judge.allows("interrupted") and _begins_alike(a, b):
        found = Found("interrupted", ("interrupted",))
    if found:
        return [
            FacetVerdict(facet=Facet.OUTPUT, verdict=Verdict.EQUIVALENT, how=found.how, causes=found.causes)
        ]
    return [FacetVerdict(facet=Facet.OUTPUT, verdict=Verdict.DIVERGED, miss=_miss(a, b, judge))]


def _miss(a: Output, b: Output, judge: Judge) -> NearestMiss:
    def text(side: int) -> Callable[[bytes], bytes]:
        return lambda data: normalise(data, judge.sides[side].text)

    drawn = judge.sides[0].terminal
    return output_miss(a, b, lambda data: normalise(data, drawn), (text(0), text(1)))


def _by_screen(
    recorded: Observation, observed: Observation, a: bytes, b: bytes, judge: Judge
) -> list[FacetVerdict] | None:
    """For programs that draw: what they left on the main screen line by line, and the last picture."""
    full = recorded.alternate_used and observed.alternate_used
    causes: tuple[str, ...] = ()
    if full:
        rest = judge.main(split_alternate(a), split_alternate(b))
        if rest is None:
            return None
        causes = rest.causes
    else:
        # Without a screen of its own a program may have scrolled lines away that no picture shows any more.
        rows = judge.context.rows
        draws = all(_ADDRESSING.search(data) and data.count(b"\n") < rows for data in (a, b))
        if not draws or recorded.alternate_used or observed.alternate_used:
            return None
    old, new = recorded.screen, observed.screen
    if full and recorded.alternate is not None:
        old, new = recorded.alternate, observed.alternate
    if old is None:
        return None
    names = None if new is None else judge.explain_text(_rows(old), _rows(new))
    if names is None:
        if not full:
            return None
        return [FacetVerdict(facet=Facet.SCREEN, verdict=Verdict.DIVERGED, miss=screen_miss(old, new))]
    causes = (*dict.fromkeys((*causes, *names)), "screen")
    return [FacetVerdict(facet=Facet.SCREEN, verdict=Verdict.EQUIVALENT, how="screen", causes=causes)]


# -- outputs too long to keep -----------------------------------------------------------------------


def _begins_alike(a: Output, b: Output) -> bool:
    """One begins with the other. Of two long ones as far as kept hashes reach: all but the last MiB or two before
    the key."""
    short, long = sorted((a, b), key=lambda output: output.total)
    if short.whole:
        shown, _ = _at_key(short.head) or (b"", b"")
        blocks = len(shown) // BLOCK
        alike = not blocks or _prefix(short, blocks) == _prefix(long, blocks)
        return bool(shown) and alike and long.head.startswith(shown[: len(long.head)])
    kept = min(len(a.head), len(b.head))
    if a.head[:kept] != b.head[:kept]:
        return False
    blocks = short.total // BLOCK
    return any(
        _prefix(a, n) is not None and _prefix(a, n) == _prefix(b, n) for n in (blocks, blocks - 1) if n > 0
    )


def _prefix(output: Output, blocks: int) -> bytes | None:
    if output.whole:
        return hashlib.sha256(output.head[: blocks * BLOCK]).digest()[:16]
    return output.prefixes[blocks - 1] if blocks <= len(output.prefixes) else None
