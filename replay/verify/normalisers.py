"""Named rules that mask values which never repeat, on both sides alike, before they are compared. Pure.

A rule changes bytes only where their form and surroundings say what they are: a clock time, a duration with
its unit, a process id after the word "pid". Bare numbers and words stay. Values whose identity matters
(process ids, addresses, paths) become numbered aliases in order of appearance, `⟨pid1⟩`, `⟨pid2⟩`: what was
equal stays equal, what differed stays different. Applied to its own result a rule changes nothing. Every rule
is described in docs/normalisers.md. No rule crosses a line end, but `redraws`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from replay.verify import formats, identities, times
from replay.verify.masking import Apply
from replay.verify.paper import render
from replay.verify.times import Clock


class Strength(IntEnum):
    """How much a rule's use leaves proven. Weaker rules are tried only where stronger ones don't do."""

    STRONG = 1
    """Values that only the machine, the clock or the scheduler chose."""
    WEAK = 2
    """Values that may follow from content too (a commit's hash, a bare date)."""


class Rule(NamedTuple):
    name: str
    strength: Strength
    apply: Apply


def text_rules(
    clock: Clock | None = None, elapsed: float | None = None, command: str = ""
) -> tuple[Rule, ...]:
    """Rules for any text, in the order of their application. Each keeps the number of lines.

    `clock` and `elapsed` (seconds that the step took) narrow what times and durations may be masked. `command` is the
    step's command line.
    """
    strong, weak = Strength.STRONG, Strength.WEAK
    return (
        Rule("write-out", strong, formats.write_out(command)),
        Rule("pids", strong, identities.pids),
        Rule("terminals", strong, identities.terminals),
        Rule("inodes", strong, identities.inodes),
        Rule("listings", strong, times.listings(clock)),
        Rule("disk", strong, identities.disk),
        Rule("certificates", strong, times.certificates),
        Rule("meters", strong, times.meters),
        Rule("timestamps", strong, times.timestamps(clock)),
        Rule("rates", strong, times.rates),
        Rule("durations", strong, times.durations(elapsed)),
        Rule("addresses", strong, identities.addresses),
        Rule("uuids", strong, identities.uuids),
        Rule("built-wheels", strong, identities.built_wheels),
        Rule("temporary-names", strong, identities.temporary_names),
        Rule("ports", strong, identities.ports),
        Rule("git-hashes", weak, identities.git_hashes),
        Rule("packs", weak, identities.packs),
        Rule("gauges", weak, identities.gauges),
        Rule("epochs", weak, times.epochs(clock)),
        Rule("dates", weak, times.dates(clock)),
    )


def terminal_rules(cols: int = 0) -> tuple[Rule, ...]:
    """Rules for what a terminal of this width showed, to be applied before `text_rules`."""
    return (
        Rule("chromium-log", Strength.WEAK, formats.chromium_log),
        Rule("modes", Strength.WEAK, identities.modes),
        Rule("redraws", Strength.STRONG, _once(lambda data: render(data, cols))),
    )


def _once(apply: Apply) -> Apply:
    """Remembers the last few results: one output is rendered for several levels of comparison."""
    return lru_cache(6)(apply)


def normalise(data: bytes, rules: Iterable[Rule]) -> bytes:
    """`data` after these rules, one after the other."""
    for rule in rules:
        data = rule.apply(data)
    return data
