"""TRL's conversational format for supervised fine-tuning, with tools. Pure.

A line is `{"trace_id", "messages", "tools"}`. `arguments` are objects; `tools` is a string of JSON, which TRL's
trainers read: as objects, loaders that know one type a column would fill each tool's schema with the others' fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.formats import openai
from replay.dataset.row import Message, Row
from replay.export.losses import Losses

TOOLS = msgspec.json.encode(openai.TOOLS).decode()


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    if not any(message.role == "assistant" for message in row.messages):
        raise Unfit("nothing was done or said in it: there is no turn to learn from")
    lose_facts(row, losses, kept=("trace_id",))
    yield {"trace_id": row.trace_id, "messages": turns(row.messages), "tools": TOOLS}


def turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as TRL's templates read them."""
    return [_turn(message) for message in messages]


def _turn(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        made |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return made


FORMAT = Format(
    name="trl",
    title="TRL conversational SFT with tools",
    loader="`datasets`, TRL's SFTTrainer",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
