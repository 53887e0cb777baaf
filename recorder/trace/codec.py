"""Events to JSON lines and back. What this version does not understand survives: the line itself is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from recorder.trace import jsonscan, limits
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import (
    AnyEvent,
    Nanos,
    Source,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
)
from recorder.trace.frames import MAX_PAYLOAD

Kind = Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z_]+)*\Z", max_length=64)]
type Decoded = AnyEvent | Unknown

KINDS: dict[str, type] = {str(t.__struct_config__.tag): t for t in get_args(AnyEvent)}
"""Every kind of this version, by its tag."""


class _Head(Struct, frozen=True):
    kind: Kind
    t: Nanos
    source: Source


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)
_head_decoder = msgspec.json.Decoder(_Head)


class Recorded(NamedTuple):
    """An event as it stands in a trace: decoded, and the very line, which is what a rewrite must keep."""

    event: Decoded
    line: bytes


def encode_event(event: AnyEvent) -> bytes:
    """The event's line, without a line end. Raises ValueError where it cannot be one (see `limits.MAX_LINE`)."""
    try:
        line = _encoder.encode(event)
    except UnicodeEncodeError as error:
        raise ValueError(f"{type(event).__name__}: text with a lone surrogate: {error}") from None
    if len(line) > limits.MAX_LINE:
        raise ValueError(f"{type(event).__name__} of {len(line)} bytes; the most is {limits.MAX_LINE}")
    return line


def decode_event(line: bytes, place: str) -> Decoded:
    """The event of one line (no line end). Unknown fields are passed over; an unknown kind gives `Unknown`.

    Raises `TraceRejected` at `place` ("events.jsonl line 7"), and nothing else, whatever the bytes are.
    """
    jsonscan.check(line, place)
    return decode_checked(line, place)


def decode_checked(line: bytes, place: str) -> Decoded:
    """`decode_event` for a line that `jsonscan.check` has passed."""
    try:
        event: AnyEvent = _decoder.decode(line)
        return event
    except msgspec.ValidationError as error:
        unknown = _unknown(line, place)
        if unknown is not None:
            return unknown
        raise TraceRejected(Code.SCHEMA, place, str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TraceRejected(Code.SYNTAX, place, str(error)) from None


def _unknown(line: bytes, place: str) -> Unknown | None:
    try:
        head = _head_decoder.decode(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise TraceRejected(Code.SCHEMA, place, str(error)) from None
    return None if head.kind in KINDS else Unknown(kind=head.kind, t=head.t, source=head.source)


def with_time(line: bytes, t: int, place: str = "event") -> bytes:
    """The same line with another `t`, every other byte kept: what sealing does to a journal's absolute times."""
    span = jsonscan.find(line, ("t",), place).get("t")
    if span is None:
        raise TraceRejected(Code.SCHEMA, place, "an event without a time")
    return line[: span.start] + b"%d" % t + line[span.end :]


def rebase(line: bytes, origin: int, place: str = "event") -> bytes:
    """The same line with its times counted from `origin` (not below 0), every other byte kept: what sealing does to
    a journal's absolute times. Times are `t` and a gap's `until`.
    """
    names = ("t", "until") if b'"kind":"gap"' in line else ("t",)
    out = []
    at = 0
    for span in sorted(jsonscan.find(line, names, place).values(), key=lambda s: s.start):
        out += [line[at : span.start], b"%d" % max(0, int(line[span.start : span.end]) - origin)]
        at = span.end
    out.append(line[at:])
    return b"".join(out)


def split_event(event: AnyEvent, most: int = MAX_PAYLOAD) -> Iterator[AnyEvent]:
    """The event, or, where it lists more changes than a line of `most` bytes takes, several that together say
    the same: equal in all but `changes`, in order. Raises ValueError where a single change is too long.
    """
    size = len(_encoder.encode(event))
    if size <= most or not isinstance(event, WorkspaceChanged | WorkspaceEdited):
        yield event
        return
    frame = size - sum(len(_encoder.encode(change)) + 1 for change in event.changes) + 1
    part: list[msgspec.Struct] = []
    length = frame
    for change in event.changes:
        cost = len(_encoder.encode(change)) + 1
        if frame + cost > most:
            raise ValueError(f"a change of {cost} bytes; the most is {most - frame}")
        if length + cost > most:
            yield msgspec.structs.replace(event, changes=part)
            part, length = [], frame
        part.append(change)
        length += cost
    yield msgspec.structs.replace(event, changes=part)
