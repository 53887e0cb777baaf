"""ShareGPT as LLaMA-Factory reads it: human, function_call, observation and gpt by turns. Pure.

A line is `{"id", "conversations": [{"from", "value"}], "tools"}`; `tools` and calls are strings of JSON. Turns
alternate and end with the assistant. The expert's words stand before their call as a thought (`<think>`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from replay.dataset.conversation import ending_in_action, lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.row import Message, Row
from replay.dataset.tools import functions
from replay.export.losses import Losses

_TOOLS = msgspec.json.encode([tool._asdict() for tool in functions()]).decode()
_THINK, _THOUGHT = "<think>\n", "\n</think>\n\n"


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    if not row.instruction.strip():
        raise Unfit(
            "nobody said what the task was, and a human's turn must come first (`record --task TEXT`)"
        )
    turns: list[dict[str, str]] = []
    for message in ending_in_action(row, losses):
        turns += _turns(message, losses)
    lose_facts(row, losses, kept=("trace_id",))
    losses.add("which result answers which call, but by their order", count=len(turns) // 2)
    yield {"id": row.trace_id, "conversations": turns, "tools": _TOOLS}


def _turns(message: Message, losses: Losses) -> Iterator[dict[str, str]]:
    if message.role == "user":
        yield {"from": "human", "value": message.content}
    elif message.role == "tool":
        yield {"from": "observation", "value": message.content}
    elif not message.tool_calls:
        yield {"from": "gpt", "value": message.content}
    else:
        calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
        told = msgspec.json.encode(calls[0] if len(calls) == 1 else calls).decode()
        if _THINK in message.content or _THOUGHT in message.content:
            losses.add("words that look like the marks of a thought")
        elif message.content:
            told = f"{_THINK}{message.content}{_THOUGHT}{told}"
        yield {"from": "function_call", "value": told}


FORMAT = Format(
    name="sharegpt",
    title="ShareGPT conversations with tools",
    loader="LLaMA-Factory (formatting: sharegpt, columns: messages conversations, tools tools)",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
