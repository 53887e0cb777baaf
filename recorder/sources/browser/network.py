"""What a browser tells of its own network (`network.ts`, by Chromium's debugger), as the flows that a proxy would tell.

Everything passes the session's redactor for networks here. Bodies come decoded; they get the codings again that their
heads name, for the bytes of a trace are those of the wire.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from recorder.network.bodies import NO_BODY, BodySink, Pace
from recorder.network.redactor import Redactor
from recorder.redact.coded import NotDecoded, encode
from recorder.trace.blobs import BlobStore
from recorder.trace.event import Event
from recorder.trace.events import (
    Body,
    Cause,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    escape_path,
)

MOST_OPEN = 10_000
MOST_BODY = 64 << 20
_MS = 1_000_000
Headers = list[tuple[str, str]]


class Flow:
    """A request while it is open: what came of its bodies, and when."""

    __slots__ = ("answered", "number", "pace", "request", "response", "size", "t")

    def __init__(self, number: int, t: int, headers: Headers) -> None:
        self.number = number
        self.t = t
        self.request: tuple[Headers, list[bytes]] = (headers, [])
        self.response: list[bytes] = []
        self.size = 0
        self.pace = Pace()
        self.answered = False


class Network:
    """`at` gives the session's time (ns) of a Unix time in ms."""

    def __init__(self, source: str, at: Callable[[float], int], store: BlobStore, redactor: Redactor) -> None:
        self._source = source
        self._at = at
        self._store = store
        self._redactor = redactor
        self._open: dict[str, Flow] = {}
        self._count = 0

    def take(self, item: dict[str, Any], t: int, tab: int | None) -> list[Event]:
        """What an item states. Raises ValueError, TypeError or KeyError for what the extension never says."""
        name = str(item["id"])[:256]
        if item["k"] == "flow.requested":
            return [self._requested(name, item, t, tab)]
        flow = self._open.get(name)
        if flow is None:
            return []  # it began before the recording, or its beginning was lost, which the numbers tell
        match item["k"]:
            case "flow.body":
                self._portion(flow, item, t)
                return []
            case "flow.answered":
                if flow.answered:
                    raise ValueError("answered twice")
                return [self._answered(name, flow, item, t)]
            case "flow.message":
                return [self._message(flow, item, t)]
            case "flow.closed":
                del self._open[name]
                code, reason = item.get("code"), self._redactor.text(str(item.get("reason", "")))
                closed = FlowClosed(
                    t=t, source=self._source, flow=flow.number, sent=bool(item["sent"]),
                    code=None if code is None else int(code), reason=reason,
                )  # fmt: skip
                return [closed]
        raise ValueError(f"unknown kind {item['k']!r}")

    def end(self, t: int) -> list[Event]:
        """The answers that were still to come: as far as they came."""
        events: list[Event] = []
        for name, flow in list(self._open.items()):
            if not flow.answered:
                events.append(self._answered(name, flow, {"error": "the recording ended"}, t))
        self._open.clear()
        return events

    def _requested(self, name: str, item: dict[str, Any], t: int, tab: int | None) -> FlowRequested:
        if len(self._open) >= MOST_OPEN:
            raise ValueError("too many open requests")
        self._count += 1
        headers = _headers(item["headers"])
        self._open[name] = Flow(self._count, t, headers)
        return FlowRequested(
            t=t, source=self._source, flow=self._count, connection=self._count, method=str(item["method"])[:32],
            url=self._redactor.url(str(item["url"])), version=_version(item.get("version")),
            headers=self._redactor.headers(headers), cause=Cause(command=None, how="browser", process="", tab=tab),
        )  # fmt: skip

    def _portion(self, flow: Flow, item: dict[str, Any], t: int) -> None:
        data = binascii.a2b_base64(str(item["data"]))
        flow.size += len(data)
        if flow.size > 2 * MOST_BODY:
            raise ValueError("a body is too long")
        if item["of"] == "request":
            flow.request[1].append(data)
        else:
            flow.pace.add(max(0, t - flow.t), len(data))
            flow.response.append(data)

    def _answered(self, name: str, flow: Flow, item: dict[str, Any], t: int) -> FlowAnswered:
        flow.answered = True
        headers = _headers(item.get("headers", []))
        status = item.get("status")
        error = item.get("error")
        response, kept = item.get("response", {}), item.get("request", {})
        partial = bool(response.get("partial", False)) or error is not None
        first = item.get("first")
        upgraded = status == 101
        if not upgraded:
            del self._open[name]
        body, headers = self._body(
            headers, flow.response, response.get("skipped"), partial=partial, coded=True
        )
        requested, _ = self._body(
            flow.request[0], flow.request[1], kept.get("skipped"), partial=False, coded=False
        )
        flow.response = []
        return FlowAnswered(
            t=t, source=self._source, flow=flow.number, status=None if status is None else int(status),
            reason=self._redactor.text(str(item.get("reason", ""))),
            version="" if status is None else _version(item.get("version")),
            headers=self._redactor.headers(headers), trailers=[], request=requested, response=body,
            first_byte=None if first is None or status is None else max(0, self._at(float(first)) - flow.t),
            pace=flow.pace.told(partial=body.partial),
            error=None if error is None else self._redactor.text(str(error)[:1024]),
            server=str(item["server"])[:64] if item.get("server") else None,
        )  # fmt: skip

    def _message(self, flow: Flow, item: dict[str, Any], t: int) -> FlowMessage:
        text = bool(item["text"])
        content = binascii.a2b_base64(str(item["data"]))
        sink = BodySink(self._store, self._redactor.body_filter("text/plain" if text else "", ""))
        sink.write(content)
        sink.end()
        sent = bool(item["sent"])
        return FlowMessage(
            t=t, source=self._source, flow=flow.number, sent=sent, text=text, body=sink.seal()()
        )

    def _body(
        self, headers: Headers, pieces: list[bytes], skipped: object, *, partial: bool, coded: bool
    ) -> tuple[Body, Headers]:
        """The body, kept; and the head that fits it."""
        if skipped is not None:
            return Body(size=0, skipped=self._redactor.text(str(skipped)[:200]), partial=partial), headers
        if not pieces:
            return (Body(size=0, partial=True) if partial else NO_BODY), headers
        if coded and (codings := _value(headers, "content-encoding")):
            headers, pieces = _recoded(headers, pieces, codings, partial)
        kind, coding = _value(headers, "content-type"), _value(headers, "content-encoding")
        sink = BodySink(self._store, self._redactor.body_filter(kind, coding))
        for piece in pieces:
            sink.write(piece)
        if not partial:
            sink.end()
        return sink.seal()(), headers


def _recoded(
    headers: Headers, pieces: list[bytes], codings: str, partial: bool
) -> tuple[Headers, list[bytes]]:
    """With the codings that the head names; where they cannot be put on again the head loses them."""
    try:
        if partial:
            raise NotDecoded
        data = b"".join(pieces)
        for coding in codings.lower().split(",")[:4]:
            if coding.strip() not in ("", "identity"):
                data = encode(data, coding.strip())
    except NotDecoded:
        data = b"".join(pieces)
        headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
    length = str(len(data))
    return [(n, length if n.lower() == "content-length" else v) for n, v in headers], [data]


def _headers(said: Any) -> Headers:
    return [(_text(name), _text(value)) for name, value in said]


def _text(said: object) -> str:
    return escape_path(str(said).encode("utf-8", "replace"))


def _value(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _version(said: object) -> str:
    return str(said) if said in ("1.0", "1.1", "2", "3") else "1.1"
