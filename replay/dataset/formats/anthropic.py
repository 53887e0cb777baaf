"""Anthropic's messages, with tools: what a request of the Messages API holds. Pure.

A line is `{"messages", "tools"}`. Roles alternate, the user begins; results stand in the user's next turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.row import Message, Row
from replay.dataset.tools import functions
from replay.export.losses import Losses


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    if not row.instruction.strip():
        raise Unfit("nobody said what the task was, and a user's turn must come first (`record --task TEXT`)")
    lose_facts(row, losses)
    turns: list[dict[str, Any]] = []
    for message in row.messages:
        if not (blocks := _blocks(message)):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += blocks
    if len(turns) < 2:
        raise Unfit("nothing was done or said in it: there is no turn to learn from")
    yield {"messages": turns, "tools": _TOOLS}


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}]
    blocks: list[dict[str, Any]] = []
    if message.content.strip():  # blocks of blanks alone are refused
        blocks.append({"type": "text", "text": message.content})
    blocks += (
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in message.tool_calls
    )
    return blocks


_TOOLS = [
    {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
    for tool in functions()
]

FORMAT = Format(
    name="anthropic",
    title="Anthropic messages with tools",
    loader="the types of the `anthropic` package",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
