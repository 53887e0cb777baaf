"""One digest of a whole replay. Pure.

It hashes what was judged, not how. Where a facet was found equal to the recording, at whatever level, what
enters is the recording's own value: it stands for all that the judge calls the same, so that a duration that
once happened to repeat to the digit changes nothing. Where a facet diverged, what enters is what the replay
showed, under all rules. Hence, for replays of one trace:

    equal digests  <=>  in every step the same facets held, and where one did not, the same was seen instead

(up to what the rules mask). Of pages what enters is always what the replay itself showed: their clock and their seeds
are in our hands, so replays must be alike to the hash. Not reached and unsupported steps enter as such: a digest never
covers them up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from recorder.trace.changes import compose
from recorder.trace.events import Change
from replay.verify.outputs import Judge
from replay.verify.pages import lasting, paired
from replay.verify.verdict import (
    PAGE_FACETS,
    Context,
    Facet,
    Look,
    Observation,
    Output,
    PageObservation,
    StepVerdict,
    Verdict,
)

_VERSION = 1
_NORMALISED = 1 << 20
"""Longer outputs that diverged enter as they are."""


class Judged(NamedTuple):
    """A step as it was judged. `recorded` and `observed` may be None where it was not reached."""

    n: int
    recorded: Observation | None
    observed: Observation | None
    context: Context
    verdict: StepVerdict


def digest(steps: Iterable[Judged]) -> str:
    """SHA-256, hex, over the judged observations of all steps in order."""
    total = hashlib.sha256(f"reenact replay digest {_VERSION}\n".encode())
    for step in steps:
        line = json.dumps(_step(step), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        total.update(line.encode() + b"\n")
    return total.hexdigest()


def parting(first: Iterable[Judged], other: Iterable[Judged]) -> tuple[int, str] | None:
    """The first step in which two replays of one trace are not the same, and in what; null where they are."""
    for mine, theirs in zip(first, other, strict=True):
        a, b = _step(mine), _step(theirs)
        if a == b:
            continue
        facets = [{name: rest for name, *rest in side[2]} if len(side) > 2 else {} for side in (a, b)]
        names = [name for name in {**facets[0], **facets[1]} if facets[0].get(name) != facets[1].get(name)]
        return mine.n, ", ".join(names) or "how far they came"
    return None


def _step(step: Judged) -> list[Any]:
    if step.recorded is None or step.observed is None or not step.verdict.facets:
        return [step.n, str(step.verdict.verdict)]
    # Neither clocks nor durations of this very replay may enter: rules apply as wide as they go.
    known = step.context
    judge = Judge(Context(cols=known.cols, rows=known.rows, volatile=known.volatile, command=known.command))
    facets: list[object] = []
    for facet in step.verdict.facets:
        held = facet.verdict.verified
        if held and facet.facet is Facet.NOTES:
            continue  # judged only where they differ
        of = step.recorded if held else step.observed
        state = "same" if held else str(facet.verdict)
        # Which of the two carried a full-screen program's verdict is a matter of level, not of what was seen.
        name = Facet.OUTPUT if held and facet.facet is Facet.SCREEN else facet.facet
        if name in PAGE_FACETS:
            facets.append([str(name), state, _page(name, step.recorded.page, step.observed.page)])
            continue
        facets.append([str(name), state, _value(name, of, None if held else judge)])
    return [step.n, "unsupported" if step.verdict.verdict is Verdict.UNSUPPORTED else "judged", facets]


def _value(facet: Facet, seen: Observation, judge: Judge | None) -> object:
    """What stands for a facet: the recorded value itself, or (with `judge`) a replay's under all rules."""
    match facet:
        case Facet.TEXT:
            return seen.text
        case Facet.EXIT:
            return seen.exit
        case Facet.CWD:
            return None if seen.cwd is None else _hash(seen.cwd.encode(), judge)
        case Facet.FILES:
            return _files(seen.changes or (), judge)
        case Facet.OUTPUT:
            return _output(seen.output, judge)
        case Facet.SCREEN:
            rows = seen.alternate or seen.screen or ()
            return _hash("\n".join(row.rstrip() for row in rows).encode("utf-8", "surrogateescape"), judge)
        case Facet.REWARD:
            return seen.reward
        case _:
            return None


def _page(facet: Facet, recorded: PageObservation | None, seen: PageObservation | None) -> object:
    """What a replay showed of the pages that the recording knows, where it was held against them."""
    if seen is None or recorded is None:
        return None
    match facet:
        case Facet.VALUE:
            return [seen.verb, seen.value, seen.values]
        case Facet.DIALOGS:
            return [[one.type, one.message, one.accepted, one.answer] for one in seen.dialogs]
        case Facet.DOWNLOADS:
            return [[one.name, one.complete, one.size, one.blob] for one in seen.downloads]
        case Facet.TABS:
            return lasting(recorded, seen)
        case Facet.TARGET:
            return None
        case _:
            left = {mine.place: look for mine, look in paired(recorded, seen) if look is not None}
            return [[place, _looked(facet, look)] for place, look in sorted(left.items())]


def _looked(facet: Facet, look: Look) -> str:
    if facet is Facet.ARIA:
        return _hash((look.aria or "").encode("utf-8", "surrogatepass"), None)
    return {Facet.URL: look.url, Facet.TITLE: look.title}.get(facet, look.dom)


def _output(output: Output | None, judge: Judge | None) -> object:
    if output is None:
        return None
    if judge is None or not output.whole or output.total > _NORMALISED:
        return [output.total, output.sha256]
    return _hash(output.head, judge)


def _files(changes: Sequence[Change], judge: Judge | None) -> list[object]:
    out: list[object] = []
    for change in compose([changes]):
        state = change.after
        if judge is not None and judge.context.volatile(change.path):
            continue
        kept = None if state is None else [state.type, state.mode, state.size, state.blob, state.target]
        if state is not None and state.type == "folder":
            kept = [state.type, state.mode]
        out.append([change.path, kept])
    return out


def _hash(data: bytes, judge: Judge | None) -> str:
    return hashlib.sha256(judge.canonical(data, 1) if judge else data).hexdigest()
