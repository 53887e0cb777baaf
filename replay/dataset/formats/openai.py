"""OpenAI's chat format for fine-tuning, with tools. Pure.

A line is `{"messages", "tools", "parallel_tool_calls"}`; `arguments` are a string of JSON; words of the expert stand
as content of the call that they precede. It ends with the assistant, as fine-tuning demands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from replay.dataset.conversation import ending_in_action, lose_facts
from replay.dataset.format import Format
from replay.dataset.row import Call, Message, Row
from replay.dataset.tools import functions
from replay.export.losses import Losses


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    messages = [_message(message) for message in ending_in_action(row, losses)]
    lose_facts(row, losses)
    yield {"messages": messages, "tools": TOOLS, "parallel_tool_calls": False}


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    made: dict[str, Any] = {"role": message.role}
    if message.content or not message.tool_calls:
        made["content"] = message.content
    if message.tool_calls:
        made["tool_calls"] = [_call(call) for call in message.tool_calls]
    return made


def _call(call: Call) -> dict[str, Any]:
    arguments = msgspec.json.encode(call.arguments).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


TOOLS: list[dict[str, Any]] = [{"type": "function", "function": tool._asdict()} for tool in functions()]
"""The tools as OpenAI's chat format has them; TRL has the same."""

FORMAT = Format(
    name="openai",
    title="OpenAI chat JSONL with tools",
    loader="OpenAI fine-tuning; the types of the `openai` package",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
