"""Secrets that a row still holds: what today's rules find, though the recorder's may have been older. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from recorder.redact.detector import detect
from recorder.redact.views import seen
from replay.dataset.row import Row


class Leak(Struct, frozen=True):
    """What looks like a secret: by which rule, and where in the row. Never the value."""

    rule: str
    place: str


def leaks(row: Row, placeholders: Sequence[bytes]) -> list[Leak]:
    """What looks like a secret and is no placeholder, in every text of a row."""
    return [Leak(rule, place) for place, text in _texts(row) for rule in _found(text, placeholders)]


def _found(text: str, placeholders: Sequence[bytes]) -> Iterator[str]:
    data = text.encode("utf-8", "replace")
    view = seen(data).text
    if b"-----BEGIN" in view and b"PRIVATE KEY" in view and not any(one in view for one in placeholders):
        yield "private-key"
    for find in detect(view).finds:
        secret = view[find.start : find.end]
        if not any(one in secret or secret in one for one in placeholders):
            yield find.rule


def _texts(row: Row) -> Iterator[tuple[str, str]]:
    """Every text of a row with its place; what an observation holds stands in its message, too, but for requests."""
    for message in row.messages:
        if message.role == "tool":
            yield f"{message.tool_call_id} answer", message.content
        elif message.content:
            yield f"{message.role} message", message.content
    for mark in row.marks:
        yield "mark", mark.label
    for call in row.tool_calls:
        yield from ((f"{call.id} arguments", text) for text in _strings(msgspec.to_builtins(call.arguments)))
        yield from ((f"{call.id} request", request.url) for request in call.observation.requests)
    yield from (("provenance", text) for text in _strings(msgspec.to_builtins(row.provenance)))


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
