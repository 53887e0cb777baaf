"""Inspect's evaluation log, in JSON: a session as the one sample of a task. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format
from replay.dataset.row import Call, Message, Row
from replay.export.losses import Losses

_SCORER = "outcome"


def _convert(row: Row, losses: Losses) -> Iterator[tuple[str, bytes]]:
    lose_facts(row, losses, kept=("trace_id", "evaluation", "flags", "provenance", "marks", "about", "patch"))
    began = _time(row, 0)
    told = {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": row.trace_id,
            "run_id": row.trace_id,
            "created": began,
            "task": "reenact",
            "task_id": row.trace_id,
            "task_version": 0,
            "task_args": {},
            "dataset": {"name": "reenact", "samples": 1, "sample_ids": [row.trace_id]},
            "model": f"reenact/{row.provenance.model or row.provenance.actor}",
            "model_args": {},
            "config": {},
            "packages": {"reenact": row.provenance.recorder_version},
            "metadata": {"recorder_settings": row.provenance.recorder_settings},
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": _results(row),
        "stats": {
            "started_at": began,
            "completed_at": _time(row, row.provenance.duration_ns),
            "model_usage": {},
        },
        "samples": [_sample(row)],
    }
    yield "inspect.json", msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _sample(row: Row) -> dict[str, Any]:
    reward = row.evaluation.reward
    return {
        "id": row.trace_id,
        "epoch": 1,
        "input": row.instruction,
        "target": "",
        "messages": [_message(n, message) for n, message in enumerate(row.messages)],
        "output": {"model": row.provenance.model or row.provenance.actor, "choices": []},
        "scores": {} if reward is None else {_SCORER: {"value": reward, "explanation": _checks(row)}},
        "metadata": {
            "evaluation": row.evaluation,
            "policy_flags": row.policy_flags,
            "provenance": row.provenance,
            "rationale": row.rationale,
            "marks": row.marks,
            "patch": row.patch,
        },
        "store": {},
        "events": [],
        "model_usage": {},
        "total_time": row.provenance.duration_ns / 1e9,
    }


def _message(n: int, message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"id": f"message_{n}", "content": message.content, "role": message.role}
    if message.tool_calls:
        made["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.role == "tool":
        made |= {"tool_call_id": message.tool_call_id, "function": message.name}
    return made


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "function": call.name, "arguments": call.arguments, "type": "function"}


def _results(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"total_samples": 1, "completed_samples": 1, "scores": []}
    if (reward := row.evaluation.reward) is not None:
        metrics = {"mean": {"name": "mean", "value": reward, "params": {}}}
        told["scores"] = [{"name": _SCORER, "scorer": _SCORER, "params": {}, "metrics": metrics}]
    return told


def _checks(row: Row) -> str:
    return "\n".join(f"{check.command}: exit {check.exit}" for check in row.evaluation.checks)


def _time(row: Row, t: int) -> str:
    return datetime.fromtimestamp((row.provenance.recorded_unix_ns + t) // 10**9, UTC).isoformat()


FORMAT = Format(
    name="inspect",
    title="Inspect evaluation logs (JSON)",
    loader="Inspect (`inspect_ai.log.read_eval_log`, `inspect view`)",
    kind="files",
    suffix=".json",
    version=1,
    convert=_convert,
)
