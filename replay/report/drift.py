"""What became of gestures on a live site, for people at a terminal. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from recorder.trace.printable import printable
from recorder.trace.sentences import quoted
from replay.drifted import DriftResult, DriftStep, Outcome

_MARKS: dict[Outcome, str] = {"found": "=", "healed": "~", "done": "·", "refused": "✗", "not reached": "–"}
_MOST_SHOWN = 6


def lines(step: DriftStep) -> Iterator[str]:
    """A line for the step, and under it why it was healed or refused."""
    yield f"{step.n:4}  {_MARKS[step.outcome]} {step.outcome:11} {printable(step.text)}"
    if step.outcome == "healed":
        score, margin = step.score or 0, step.margin or 0
        yield f"        is {step.element}: same {', '.join(step.keys)}; score {score:.2f}, margin {margin:.2f}"
        for one in step.healed[:_MOST_SHOWN]:
            now = quoted(one.now) if one.now else "gone"
            yield f"        {printable(one.feature)}: {quoted(one.recorded)} → {now}"
        if len(step.healed) > _MOST_SHOWN:
            yield f"        and {len(step.healed) - _MOST_SHOWN} more differences; --json lists them"
    if step.outcome == "refused":
        yield f"        {printable(step.why)}"
        for near in step.nearest:
            yield f"        near: {printable(near)}"
    if step.remark:
        yield f"        {printable(step.remark)}"


def summary(result: DriftResult) -> str:
    """The last line: how many of each."""
    counts = Counter(step.outcome for step in result.steps)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _MARKS if counts[outcome])
    remarks = "".join(f"{printable(remark)}\n" for remark in result.remarks)
    return f"{remarks}drift mode: {told}; nothing was verified ({result.seconds:.1f} s)"
