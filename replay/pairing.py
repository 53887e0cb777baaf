"""Which step of a replay answers which recorded one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import structs

from recorder.trace.changes import compose
from recorder.trace.steps import Step


def paired(mine: Sequence[Step], theirs: Sequence[Step]) -> dict[int, int]:
    """Recorded step number -> index of the replay's step that answers it: by command number, edits in order."""
    commands = {step.command: i for i, step in enumerate(theirs) if step.command is not None}
    gestures = _pair_gestures(mine, theirs)
    others: dict[str, Iterator[int]] = {
        kind: iter([i for i, step in enumerate(theirs) if step.kind == kind]) for kind in ("edit", "program")
    }
    found_by: dict[int, int] = {}
    for step in mine:
        if step.kind == "gesture":
            found = gestures.get(step.n)
        else:
            found = commands.get(step.command) if step.command is not None else next(others[step.kind], None)
        if found is not None:
            found_by[step.n] = found
    return found_by


def _pair_gestures(mine: Sequence[Step], theirs: Sequence[Step]) -> dict[int, int]:
    """Recorded step number -> index of the gesture that answers it: the same kinds of gesture in the same order. One
    that became another is answered by it; one that is missing by none."""
    old = [(step.n, step.gesture) for step in mine if step.gesture is not None]
    new = [(i, step.gesture) for i, step in enumerate(theirs) if step.gesture is not None]
    kinds, again = (
        [(g.verb, g.tab, g.target.role if g.target else "") for _, g in side] for side in (old, new)
    )
    paired: dict[int, int] = {}
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, kinds, again, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and a1 - a0 == b1 - b0):
            paired |= {old[a0 + i][0]: new[b0 + i][0] for i in range(a1 - a0)}
    return paired


def same_spans(mine: list[Step], theirs: list[Step]) -> tuple[list[Step], list[Step]]:
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
