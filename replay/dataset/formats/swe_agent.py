"""SWE-agent's trajectories: a `.traj` of steps, the history, and the patch as submission. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.instance import instance_id
from replay.dataset.row import Browser, Call, Edit, Keystrokes, Message, Row, Shell, ToolCall
from replay.export.losses import Losses


def _convert(row: Row, losses: Losses) -> Iterator[tuple[str, bytes]]:
    if not row.tool_calls:
        raise Unfit("nothing was done in it")
    try:
        name = instance_id(row)
    except Unfit:
        name = row.trace_id
    lose_facts(row, losses, kept=("trace_id", "patch", "times", "about", "status"))
    losses.add("when calls began", count=len(row.tool_calls))
    if row.patch.diff is None:
        losses.add(f"the submission: {row.patch.why}")
    told = {
        "environment": "reenact",
        "trajectory": list(_steps(row)),
        "history": [_item(message) for message in row.messages],
        "info": {
            "exit_status": "submitted" if row.patch.diff else None,
            "submission": row.patch.diff,
            "model_stats": {"api_calls": 0, "instance_cost": 0, "tokens_sent": 0, "tokens_received": 0},
        },
        "trace_id": row.trace_id,
    }
    yield f"{name}.traj", msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _steps(row: Row) -> Iterator[dict[str, Any]]:
    thoughts: dict[str, str] = {}
    results: dict[str, str] = {}
    for message in row.messages:
        thoughts |= {call.id: message.content for call in message.tool_calls}
        if message.tool_call_id is not None:
            results[message.tool_call_id] = message.content
    for call in row.tool_calls:
        thought, action = thoughts.get(call.id, ""), _action(call)
        yield {
            "action": action,
            "observation": results.get(call.id, ""),
            "response": f"{thought}\n\n{action}" if thought else action,
            "thought": thought,
            "state": {"working_dir": call.observation.cwd} if call.observation.cwd else {},
            "execution_time": (call.t_end - call.t_start) / 1e9,
            "query": [],
            "extra_info": {"tool": call.name, "step": call.step, "exit": call.observation.exit},
        }


def _action(call: ToolCall) -> str:
    """As a line of a shell where it was one; else a call with its arguments as JSON."""
    match call.arguments:
        case Shell():
            return call.arguments.command
        case Keystrokes() | Browser() | Edit():
            return f"{call.name} {msgspec.json.encode(call.arguments).decode()}"


def _item(message: Message) -> dict[str, Any]:
    item: dict[str, Any] = {"role": message.role, "content": message.content, "agent": "main"}
    if message.role == "tool":
        return item | {"message_type": "observation", "tool_call_ids": [message.tool_call_id]}
    if message.tool_calls:
        return item | {
            "message_type": "action",
            "thought": message.content,
            "action": "",
            "tool_calls": [_call(call) for call in message.tool_calls],
        }
    return item | {"message_type": "thought" if message.role == "assistant" else "observation"}


def _call(call: Call) -> dict[str, Any]:
    arguments = msgspec.json.encode(call.arguments).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


FORMAT = Format(
    name="swe-agent",
    title="SWE-agent trajectories",
    loader="SWE-agent's inspector and its tools",
    kind="files",
    suffix=".traj",
    version=1,
    convert=_convert,
)
