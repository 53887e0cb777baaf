"""Every text of a row with its place, for those who look for something in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from replay.dataset.row import Row


def row_texts(row: Row) -> Iterator[tuple[str, str]]:
    """(place, text) of all that was asked, said, done and shown; what an observation holds stands in its message, too,
    but for requests. The patch has what was too long for any message."""
    for message in row.messages:
        if message.role == "tool":
            yield f"{message.tool_call_id} answer", message.content
        elif message.content:
            yield f"{message.role} message", message.content
    for mark in row.marks:
        yield "mark", mark.label
    for call in row.tool_calls:
        yield from ((f"{call.id} arguments", text) for text in strings(msgspec.to_builtins(call.arguments)))
        yield from ((f"{call.id} request", request.url) for request in call.observation.requests)
    if row.patch.diff:
        yield "patch", row.patch.diff
    yield from (("provenance", text) for text in strings(msgspec.to_builtins(row.provenance)))


def strings(value: Any) -> Iterator[str]:
    """Every text within what JSON holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)
