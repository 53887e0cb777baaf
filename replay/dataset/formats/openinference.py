"""OpenTelemetry spans with OpenInference's attributes, as OTLP in JSON. Pure.

A line is the `{"resourceSpans": …}` of a trace: a span of the agent, and below it one for each call. Ids are hashes of
the trace's id, so the same trace has the same spans; times are those of the recording. Words and marks are events of
the agent's span; evaluation, flags and provenance its metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from replay.dataset.format import Format
from replay.dataset.row import Row, ToolCall
from replay.dataset.tools import functions
from replay.export.losses import Losses

_JSON, _TEXT = "application/json", "text/plain"
_DESCRIPTIONS = {tool.name: tool.description for tool in functions()}


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    if row.rationale:
        losses.add("which words stand before which call, but by time", count=len(row.rationale))
    scope = {"name": "reenact", "version": row.provenance.recorder_version}
    resource = {"attributes": _attributes({"service.name": "reenact"})}
    answers = {message.tool_call_id: message.content for message in row.messages}
    spans = [_agent(row), *(_tool(row, call, answers.get(call.id, "")) for call in row.tool_calls)]
    yield {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def _agent(row: Row) -> dict[str, Any]:
    given = row.provenance
    last = row.messages[-1] if row.messages and row.messages[-1].role == "assistant" else None
    metadata = {
        "trace_id": row.trace_id,
        "evaluation": row.evaluation,
        "policy_flags": row.policy_flags,
        "provenance": given,
        "patch": row.patch,
    }
    attributes = {
        "openinference.span.kind": "AGENT",
        "agent.name": given.model or given.actor,
        "session.id": row.trace_id,
        "user.id": given.annotator,
        "input.value": row.instruction or None,
        "input.mime_type": _TEXT if row.instruction else None,
        "output.value": last.content if last is not None and not last.tool_calls else None,
        "output.mime_type": _TEXT if last is not None and not last.tool_calls else None,
        "metadata": _json(metadata),
    }
    events = [
        *((note.t, "rationale", {"text": note.text, "step": note.step}) for note in row.rationale),
        *((mark.t, "mark", {"label": mark.label, "step": mark.step}) for mark in row.marks),
    ]
    return {
        **_identity(row, "agent"),
        "name": "session",
        "kind": 1,
        **_times(row, 0, given.duration_ns),
        "attributes": _attributes(attributes),
        "events": [
            {"timeUnixNano": _nanos(row, t), "name": name, "attributes": _attributes(said)}
            for t, name, said in sorted(events, key=lambda event: event[0])
        ],
        "status": {},
    }


def _tool(row: Row, call: ToolCall, answer: str) -> dict[str, Any]:
    arguments = _json(call.arguments)
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.id": call.id,
        "tool.name": call.name,
        "tool.description": _DESCRIPTIONS[call.name],
        "tool.parameters": arguments,
        "input.value": arguments,
        "input.mime_type": _JSON,
        "output.value": answer,
        "output.mime_type": _TEXT,
        "metadata": _json({"step": call.step, "observation": call.observation}),
    }
    return {
        **_identity(row, call.id),
        "parentSpanId": _identity(row, "agent")["spanId"],
        "name": call.name,
        "kind": 1,
        **_times(row, call.t_start, call.t_end),
        "attributes": _attributes(attributes),
        "status": {},
    }


def _identity(row: Row, what: str) -> dict[str, str]:
    """Hashes: 16 bytes for the trace, 8 for a span of it, in hex as OTLP's JSON has them."""
    return {
        "traceId": hashlib.sha256(row.trace_id.encode()).hexdigest()[:32],
        "spanId": hashlib.sha256(f"{row.trace_id}/{what}".encode()).hexdigest()[:16],
    }


def _times(row: Row, begin: int, end: int) -> dict[str, str]:
    return {"startTimeUnixNano": _nanos(row, begin), "endTimeUnixNano": _nanos(row, max(begin, end))}


def _nanos(row: Row, t: int) -> str:
    """64-bit numbers are text in OTLP's JSON."""
    return str(row.provenance.recorded_unix_ns + t)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _attributes(given: Mapping[str, str | int | None]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
        for key, value in given.items()
        if value is not None
    ]


FORMAT = Format(
    name="openinference",
    title="OpenTelemetry spans with OpenInference attributes (OTLP JSON)",
    loader="OpenTelemetry collectors (`otlpjsonfile`), Phoenix and others that take OTLP",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
