"""One digest of a whole replay. Pure.

It hashes what was judged, not how. Where a facet was found equal to the recording, at whatever level, what
enters is the recording's value under all rules: the common name of all that the judge calls the same, so that
a duration that once happened to repeat to the digit changes nothing. Where a facet diverged, what enters is
what the replay showed, under all rules. Hence, for replays of one trace:

    equal digests  <=>  in every step the same facets held, and where one did not, the same was seen instead

(up to what the rules mask). Not reached and unsupported steps enter as such: a digest never covers them up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from recorder.trace.changes import compose
from recorder.trace.events import Change
from replay.verify.outputs import Judge
from replay.verify.verdict import Context, Facet, Observation, Output, StepVerdict, Verdict

_VERSION = 1


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


def _step(step: Judged) -> list[object]:
    if step.recorded is None or step.observed is None or not step.verdict.facets:
        return [step.n, str(step.verdict.verdict)]
    # Neither clocks nor durations of this very replay may enter: rules apply as wide as they go.
    judge = Judge(Context(cols=step.context.cols, rows=step.context.rows, volatile=step.context.volatile))
    facets: list[object] = []
    for facet in step.verdict.facets:
        held = facet.verdict.verified
        side = 0 if held else 1
        of = step.recorded if held else step.observed
        state = "same" if held else str(facet.verdict)
        # Which of the two carried a full-screen program's verdict is a matter of level, not of what was seen.
        name = Facet.OUTPUT if held and facet.facet is Facet.SCREEN else facet.facet
        facets.append([str(name), state, _value(name, of, side, judge)])
    return [step.n, "unsupported" if step.verdict.verdict is Verdict.UNSUPPORTED else "judged", facets]


def _value(facet: Facet, seen: Observation, side: int, judge: Judge) -> object:
    match facet:
        case Facet.TEXT:
            return seen.text
        case Facet.EXIT:
            return seen.exit
        case Facet.CWD:
            return None if seen.cwd is None else _hash(judge.canonical(seen.cwd.encode(), side))
        case Facet.FILES:
            return _files(seen.changes or (), judge)
        case Facet.OUTPUT:
            return _output(seen.output, side, judge)
        case Facet.SCREEN:
            rows = seen.alternate or seen.screen or ()
            text = "\n".join(row.rstrip() for row in rows).encode("utf-8", "surrogateescape")
            return _hash(judge.canonical(text, side))
        case Facet.REWARD:
            return seen.reward
        case Facet.WAIT:
            return None


def _output(output: Output | None, side: int, judge: Judge) -> object:
    if output is None or not output.whole:
        return [output.total, output.sha256] if output else None
    return _hash(judge.canonical(output.head, side))


def _files(changes: Sequence[Change], judge: Judge) -> list[object]:
    out: list[object] = []
    for change in compose([changes]):
        state = change.after
        if judge.context.volatile(change.path):
            continue
        kept = None if state is None else [state.type, state.mode, state.size, state.blob, state.target]
        if state is not None and state.type == "folder":
            kept = [state.type, state.mode]
        out.append([change.path, kept])
    return out


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
