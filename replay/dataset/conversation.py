"""What rows say beyond a conversation, and how conversations end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from replay.dataset.format import Unfit
from replay.dataset.row import Message, Row
from replay.export.losses import Losses

KEPT_BY_NONE = frozenset[str]()


def lose_facts(row: Row, losses: Losses, kept: Collection[str] = KEPT_BY_NONE) -> None:
    """Counts what of a row no message says, but for what the format has another place for: `evaluation`, `flags`,
    `provenance`, `marks`, `times`, `status`, `complete`, `requests`, `about`, `patch`, `trace_id`."""

    def lose(fact: str, what: str, at: int | None = None, count: int = 1) -> None:
        if fact not in kept and count:
            losses.add(what, at, count)

    evaluation = row.evaluation
    if evaluation.reward is not None or evaluation.verification is not None or evaluation.reviews:
        lose("evaluation", "evaluation: outcome, verdict, reviews")
    for check in evaluation.checks:
        lose("evaluation", "outcome checks: their reward", check.step)
    lose("flags", "policy flags", count=len(row.policy_flags))
    lose("provenance", "provenance: who, where, under what licence")
    lose("trace_id", "which trace it is")
    if row.patch.diff:
        lose("patch", "the net change of the working folder as one patch")
    for mark in row.marks:
        lose("marks", "marks", mark.step)
    for note in row.rationale:
        if note.step is not None:
            lose("about", "which step a rationale is about", note.step)
    for call in row.tool_calls:
        answer = call.observation
        lose("times", "when calls began and ended", call.step)
        if answer.exit is not None or answer.cwd is not None:
            lose("status", "exit codes of 0, and the folders that commands ended in", call.step)
        lose("requests", "what a step asked of the network", call.step, len(answer.requests))
        if not answer.complete:
            lose("complete", "that an observation is not complete", call.step)


def ending_in_action(row: Row, losses: Losses) -> Sequence[Message]:
    """The messages up to the last of the assistant: what trainers that learn from the last turn demand. Raises Unfit
    where the assistant says and does nothing."""
    last = next((n for n in range(len(row.messages), 0, -1) if row.messages[n - 1].role == "assistant"), 0)
    if not last:
        raise Unfit("nothing was done or said in it: there is no turn to learn from")
    for message in row.messages[last:]:
        step = next((call.step for call in row.tool_calls if call.id == message.tool_call_id), None)
        losses.add("what answered the last action: the conversation ends with the assistant", step)
    return row.messages[:last]
