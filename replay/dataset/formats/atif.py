"""ATIF, the Agent Trajectory Interchange Format, v1.7: what Harbor's viewer and other tools read. Pure.

A trace is one JSON document. The expert is its agent: the format knows no other who acts. What the format has no word
for stands in `extra`, which it leaves to us.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.formats.openai import TOOLS
from replay.dataset.row import Message, Row, ToolCall
from replay.export.losses import Losses

_VERSION = "ATIF-v1.7"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _convert(row: Row, losses: Losses) -> Iterator[tuple[str, bytes]]:
    yield "trajectory.json", msgspec.json.format(msgspec.json.encode(document(row, losses)), indent=2) + b"\n"


def document(row: Row, losses: Losses) -> dict[str, Any]:
    """The row as one ATIF document. Raises Unfit for one in which nothing was done, or that contradicts itself."""
    if not row.tool_calls and not any(message.role == "assistant" for message in row.messages):
        raise Unfit("nothing was done or said in it: a trajectory needs a step of its agent")
    lose_facts(
        row,
        losses,
        kept=("evaluation", "flags", "provenance", "trace_id", "patch", "marks", "about", "times", "answers"),
    )
    for call in row.tool_calls:
        lost = len(call.observation.files) + len(call.observation.pages)
        if lost:
            losses.add("files and pages apart from the text of what was shown", call.step, lost)
    steps = _steps(row)
    _check(steps)
    given = row.provenance
    extra = {
        "row_version": row.row_version,
        "evaluation": row.evaluation,
        "policy_flags": row.policy_flags,
        "provenance": given,
        "patch": row.patch,
        "rationale": row.rationale,
        "marks": row.marks,
    }
    agent: dict[str, Any] = {
        "name": "reenact-expert",
        "version": given.recorder_version,
        "model_name": given.model,  # of a session that a model acted in; an expert has none
        "tool_definitions": TOOLS,
        "extra": {"actor": given.actor, "assistant_model": given.assistant_model},
    }
    return {
        "schema_version": _VERSION,
        "session_id": row.trace_id,
        "trajectory_id": row.trace_id,
        "agent": {key: value for key, value in agent.items() if value is not None},
        "steps": steps,
        "final_metrics": {"total_steps": len(steps)},
        "extra": msgspec.to_builtins(extra),
    }


def _steps(row: Row) -> list[dict[str, Any]]:
    calls = {call.id: call for call in row.tool_calls}
    steps: list[dict[str, Any]] = []
    owners: dict[str, dict[str, Any]] = {}
    for message in row.messages:
        if message.role == "tool":
            known = message.tool_call_id or ""
            if known not in owners:
                raise Unfit(f"the result of {known or 'no call'} comes before its call, or has none")
            # A result stands in its call's step, also where it came later.
            results = owners[known].setdefault("observation", {"results": []})["results"]
            results.append(_result(message, calls.get(known)))
            continue
        step: dict[str, Any] = {"step_id": len(steps) + 1}
        begun = [calls[call.id].t_start for call in message.tool_calls if call.id in calls]
        if begun:
            step["timestamp"] = _time(row, min(begun))
        step |= {
            "source": "user" if message.role == "user" else "agent",
            "message": message.content,
        }
        if message.tool_calls:
            step["tool_calls"] = [
                {"tool_call_id": call.id, "function_name": call.name, "arguments": call.arguments}
                | ({"extra": _when(row, calls[call.id])} if call.id in calls else {})
                for call in message.tool_calls
            ]
            owners.update((call.id, step) for call in message.tool_calls)
        steps.append(step)
    return steps


def _result(message: Message, call: ToolCall | None) -> dict[str, Any]:
    made: dict[str, Any] = {"source_call_id": message.tool_call_id, "content": message.content}
    if call is not None:
        seen = call.observation
        told = {"exit": seen.exit, "cwd": seen.cwd, "reward": seen.reward, "left_out": seen.left_out or None}
        made["extra"] = {key: value for key, value in told.items() if value is not None} | {
            "complete": seen.complete
        }
    return made


def _when(row: Row, call: ToolCall) -> dict[str, Any]:
    return {"step": call.step, "began": _time(row, call.t_start), "ended": _time(row, call.t_end)}


def _time(row: Row, t: int) -> str:
    """ISO 8601 with microseconds; a trace's times are ns since 1970, which no date can be beyond its own years."""
    try:
        moment = _EPOCH + timedelta(microseconds=(row.provenance.recorded_unix_ns + t) // 1000)
    except OverflowError:
        raise Unfit("its clock showed a time that no calendar has") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _check(steps: list[dict[str, Any]]) -> None:
    """What readers rely on and the format's own validator lets through: call ids are unique, and every call has
    exactly one result."""
    seen: set[str] = set()
    for number, step in enumerate(steps, 1):
        assert step["step_id"] == number
        asked = [call["tool_call_id"] for call in step.get("tool_calls", ())]
        results = [result["source_call_id"] for result in step.get("observation", {}).get("results", ())]
        for known in asked:
            if known in seen:
                raise Unfit(f"two calls are named {known}")
            seen.add(known)
        if sorted(asked) != sorted(results):
            raise Unfit(f"step {number} has calls {asked}, but results of {results}")


FORMAT = Format(
    name="atif",
    title="ATIF v1.7, one trajectory a trace",
    loader="the models of the `atif` and `harbor` packages, Harbor's viewer",
    kind="files",
    suffix=".json",
    version=1,
    convert=_convert,
)
