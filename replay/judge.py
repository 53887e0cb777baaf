"""Holds a replay against its recording, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, structs

from recorder.trace.changes import compose
from recorder.trace.events import AnyEvent, Unknown, unescape_path
from recorder.trace.steps import Step, steps
from recorder.trace.volatile import volatile
from replay.observe import Slice, observations
from replay.players.terminal.player import Missed, Reached
from replay.verify.compare import compare, context_of
from replay.verify.noise import Mask
from replay.verify.verdict import (
    Context,
    Facet,
    NearestMiss,
    Observation,
    StepVerdict,
    missed,
    not_reached,
)

Blob = Callable[[str], bytes | None]


class Judged(Struct, kw_only=True):
    """A step of the recording, what came of it, and the verdict."""

    step: Step
    recorded: Observation
    observed: Observation | None
    context: Context
    verdict: StepVerdict


class Side(Struct, kw_only=True):
    """A recording or a replay, told in events, with its raw output."""

    events: Sequence[AnyEvent | Unknown]
    output: Slice
    blob: Blob


def sides_steps(
    recorded: Side, observed: Side
) -> tuple[list[Step], list[Observation], dict[int, Observation]]:
    """Steps and observations of the recording, and the replay's observations by the recorded step's number."""
    mine = steps(recorded.events)
    theirs = steps(observed.events)
    mine, theirs = _same_spans(mine, theirs)
    seen = observations(theirs, observed.events, observed.output)
    paired = _pair(mine, theirs)
    return mine, observations(mine, recorded.events, recorded.output), {n: seen[i] for n, i in paired.items()}


def judge(
    recorded: Side,
    observed: Side,
    reached: Reached,
    *,
    until: int | None = None,
    masks: dict[int, Mask] | None = None,
) -> list[Judged]:
    """The verdict on every step of the recording, in order."""
    mine, said, seen = sides_steps(recorded, observed)
    missed_in = {m.command: m for m in reversed(reached.missed)}
    fatal = reached.fatal
    judged: list[Judged] = []
    stopped: str | None = None
    for step, recording in zip(mine, said, strict=True):
        observation = seen.get(step.n)
        context = _context(step, recorded, observed, (masks or {}).get(step.n))
        miss = missed_in.get(step.command) if step.command is not None else None
        if step.kind == "program":
            miss = fatal
        if until is not None and step.n > until:
            verdict = not_reached(f"after step {until}, where the replay was asked to stop")
        elif stopped is not None:
            verdict = not_reached(stopped)
        elif miss is not None and (observation is None or miss is fatal):
            verdict = missed(_miss(miss))
        elif observation is None:
            verdict = missed(
                NearestMiss(
                    facet=Facet.WAIT,
                    expected=step.text or "this edit",
                    observed="no such step in the replay",
                    hint="an earlier step went another way",
                )
            )
        else:
            verdict = compare(recording, observation, context)
        if miss is not None and miss is fatal:
            stopped = f"the replay stopped at step {step.n}"
        judged.append(
            Judged(step=step, recorded=recording, observed=observation, context=context, verdict=verdict)
        )
    return judged


def _miss(miss: Missed) -> NearestMiss:
    return NearestMiss(
        facet=Facet.WAIT,
        expected=miss.what,
        observed=miss.saw,
        excerpt=tuple(f" {line}" for line in miss.screen[-12:]),
        hint="the last lines of the screen are shown",
    )


def _context(step: Step, recorded: Side, observed: Side, mask: Mask | None) -> Context:
    def blob(digest: str) -> bytes | None:
        content = recorded.blob(digest)
        return observed.blob(digest) if content is None else content

    echoes, interrupted, keystrokes = context_of(step.inputs)
    terminal = next((e for e in recorded.events if type(e).__name__ == "TerminalStarted"), None)
    return Context(
        cols=getattr(terminal, "cols", 80),
        rows=getattr(terminal, "rows", 24),
        volatile=_volatile,
        blob=blob,
        echoes=echoes,
        interrupted=interrupted,
        keystrokes=keystrokes,
        gaps=tuple(gap.reason for gap in step.gaps),
        mask=mask,
    )


def _volatile(path: str) -> str | None:
    try:
        return volatile(unescape_path(path))
    except ValueError:
        return None


def _pair(mine: Sequence[Step], theirs: Sequence[Step]) -> dict[int, int]:
    """Recorded step number -> index of the replay's step that answers it: by command number, edits in order."""
    commands = {step.command: i for i, step in enumerate(theirs) if step.command is not None}
    others: dict[str, Iterator[int]] = {
        kind: iter([i for i, step in enumerate(theirs) if step.kind == kind]) for kind in ("edit", "program")
    }
    paired: dict[int, int] = {}
    for step in mine:
        found = commands.get(step.command) if step.command is not None else next(others[step.kind], None)
        if found is not None:
            paired[step.n] = found
    return paired


def _same_spans(mine: list[Step], theirs: list[Step]) -> tuple[list[Step], list[Step]]:
    """File changes told over the same runs of commands on both sides.

    Commands that followed too fast to tell apart in one of them are taken together in both: their composed
    changes stand at the last of the run.
    """
    spans: list[tuple[int, int]] = []
    for step in (*mine, *theirs):
        if step.changes_from is not None and step.changes_through is not None:
            spans.append((step.changes_from, step.changes_through))
    runs: list[list[int]] = []
    for first, last in sorted(set(spans)):
        if runs and first <= runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], last)
        else:
            runs.append([first, last])
    long = [(first, last) for first, last in runs if last > first]
    return (
        ([_joined(s, mine, long) for s in mine], [_joined(s, theirs, long) for s in theirs])
        if long
        else (mine, theirs)
    )


def _joined(step: Step, all_steps: Sequence[Step], runs: Sequence[tuple[int, int]]) -> Step:
    if step.command is None:
        return step
    for first, last in runs:
        if first <= step.command <= last:
            inside = [s for s in all_steps if s.command is not None and first <= s.command <= last]
            if step.command != max(s.command for s in inside if s.command is not None):
                return structs.replace(step, changes=())
            return structs.replace(step, changes=tuple(compose(s.changes for s in inside)))
    return step
