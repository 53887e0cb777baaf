"""What a window says of a replay once it is judged. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from replay.report.result import ReplayResult, StepResult
from replay.report.terminal import headline
from replay.verify.verdict import Verdict


class Ending(Struct, frozen=True, kw_only=True):
    """How a replay ended: its verdict, a line that says it, each step's verdict, and why where it is not exact."""

    verdict: str
    line: str
    of: Sequence[tuple[int, str]] = ()
    why: Sequence[tuple[int, str]] = ()


def ending(result: ReplayResult) -> Ending:
    """That of a replay with this result."""
    return Ending(
        verdict=result.verdict,
        line=headline(result),
        of=[(step.n, step.verdict) for step in result.steps],
        why=[(step.n, _why(step)) for step in result.steps if step.verdict is not Verdict.EXACT],
    )


def _why(step: StepResult) -> str:
    how = "; ".join(step.causes) or step.how
    if step.miss is not None:
        return f"{step.verdict}: {step.miss.facet} was {step.miss.expected}, is {step.miss.observed}"
    return f"{step.verdict}: {how}" if how != step.verdict else how
