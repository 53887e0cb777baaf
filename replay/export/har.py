"""A trace's network as HAR 1.2, in the form in which browsers write it. Pure.

What a trace knows and HAR has no word for stands in custom fields (`_reenact`, `_trailers`, `_codingKept`); what fits
nowhere is counted in `HarExport.losses`. docs/interop.md lists both.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import msgspec

from recorder.redact.coded import MOST as MOST_DECODED
from recorder.redact.coded import NotDecoded, decode
from recorder.trace.events import Body, FlowAnswered, FlowMessage, FlowRequested, unescape_path
from recorder.trace.steps import Step
from replay.export import cookies, forms
from replay.export.exchanges import Exchange, RecordedNetwork
from replay.export.losses import Loss, Losses
from replay.players.network.target import pairs, parse, split_authority

EMBEDDED = 16 << 20
"""Bytes of a body, as stored, up to which it stands in the HAR itself; a longer one needs an attachment."""
HAR_NAME = "har.har"
"""The HAR's name in an archive with attachments, as Playwright has it."""
_MS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(
    r"text/|image/svg\+xml|multipart/|application/(?:[\w.+-]*\+)?"
    r"(?:json|xml|javascript|x-javascript|ecmascript|x-www-form-urlencoded|graphql|x-ndjson|yaml)\b"
)
_VERSIONS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2", "3": "HTTP/3"}
_DESTINATIONS = {
    "document": "document", "iframe": "document", "frame": "document", "style": "stylesheet", "script": "script",
    "worker": "script", "sharedworker": "script", "serviceworker": "script", "image": "image", "font": "font",
    "audio": "media", "video": "media", "track": "texttrack", "manifest": "manifest", "empty": "fetch",
}  # fmt: skip
_KINDS = (
    (re.compile(r"text/html|application/xhtml"), "document"),
    (re.compile(r"text/css"), "stylesheet"),
    (re.compile(r"(?:text|application)/(?:x-)?(?:java|ecma)script"), "script"),
    (re.compile(r"image/"), "image"),
    (re.compile(r"(?:application/)?font"), "font"),
    (re.compile(r"audio/|video/"), "media"),
    (re.compile(r"text/event-stream"), "eventsource"),
)
_EXTENSIONS = (
    ("json", "json"), ("html", "html"), ("css", "css"), ("javascript", "js"), ("png", "png"), ("jpeg", "jpg"),
    ("svg", "svg"), ("gif", "gif"), ("webp", "webp"), ("xml", "xml"), ("text/", "txt"),
)  # fmt: skip


class Bodies(Protocol):
    """Where bodies are read from. A trace is one."""

    def stream_blob(self, digest: str) -> Iterator[bytes]: ...


Attach = Callable[[str, Iterable[bytes]], None]
"""Puts content under a name beside the HAR."""


class Origin(NamedTuple):
    """The trace that is exported, and by which version of this program."""

    trace_id: str
    started_unix_ns: int
    version: str


class HarExport:
    """One export. Take all `portions`, then ask for `losses`. Memory holds one body (`EMBEDDED`) and all heads.

    With `attach`, bodies go there and not into the HAR, whatever their size; Playwright calls that an attached HAR.
    """

    def __init__(
        self,
        network: RecordedNetwork,
        steps: Sequence[Step],
        origin: Origin,
        bodies: Bodies,
        attach: Attach | None = None,
    ) -> None:
        self._network = network
        self._origin = origin
        self._bodies = bodies
        self._attach = attach
        self._attached: set[str] = set()
        self._losses = Losses()
        self._step_of = {flow: step for step in steps for flow in step.flows}

    @property
    def losses(self) -> list[Loss]:
        return self._losses.told()

    def portions(self) -> Iterator[bytes]:
        """The HAR, an entry at a time. Raises what `bodies` and `attach` raise."""
        origin = self._origin
        flows = {exchange.requested.flow for exchange in self._network.exchanges}
        with_flows = {step.n: step for flow, step in self._step_of.items() if flow in flows}
        pages = [self._page(step) for _, step in sorted(with_flows.items())]
        creator = {"name": "Reenact", "version": origin.version}
        yield b'{"log":{"version":"1.2","creator":' + msgspec.json.encode(creator)
        yield b',"pages":' + msgspec.json.encode(pages) + b',"entries":['
        for count, (_, entry) in enumerate(self.entries()):
            yield (b",\n" if count else b"\n") + msgspec.json.encode(entry)
        told = {"trace": origin.trace_id, "losses": self.losses}
        yield b'\n],"_reenact":' + msgspec.json.encode(told) + b"}}\n"

    def entries(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The HAR's entries as JSON values, each with its time in the session."""
        for exchange in self._network.exchanges:
            yield exchange.requested.t, self._entry(exchange)
        for what, count in self._network.unseen.items():
            self._losses.add(what, count=count)
        for reason in self._network.gaps:
            self._losses.add(f"lost when it was recorded: {reason}")

    def _page(self, step: Step) -> dict[str, Any]:
        timings = {"onContentLoad": -1, "onLoad": -1}
        title = step.text or f"step {step.n}"
        return {
            "startedDateTime": self._time(step.t_start), "id": _page_id(step), "title": title, "pageTimings": timings,
        }  # fmt: skip

    def _entry(self, exchange: Exchange) -> dict[str, Any]:
        requested, answered = exchange.requested, exchange.answered
        flow, step = requested.flow, self._step_of.get(requested.flow)
        last = [event.t for event in (answered, *exchange.messages, exchange.closed) if event is not None]
        total = max(0, max(last, default=requested.t) - requested.t)
        first = min(answered.first_byte or 0, total) if answered is not None else total
        ours: dict[str, Any] = {"flow": flow, "step": step.n if step else None, "cause": requested.cause}
        headers = self._headers(requested.headers, flow)
        url = self._url(exchange)
        entry: dict[str, Any] = {
            "_resourceType": self._kind(exchange, headers),
            "cache": {},
            "connection": str(parse(requested.url).port or ""),
            "_connectionId": str(requested.connection),
            "request": self._request(requested, answered, headers, url),
            "response": self._response(exchange, ours),
            "startedDateTime": self._time(requested.t),
            "time": total / _MS,
            "timings": {
                "blocked": -1, "dns": -1, "ssl": -1, "connect": -1, "send": 0,
                "wait": first / _MS, "receive": (total - first) / _MS,
            },
        }  # fmt: skip
        if step is not None:
            entry["pageref"] = _page_id(step)
        if address := self._address(requested, answered):
            entry["serverIPAddress"] = address
        if exchange.messages or exchange.closed is not None:
            entry["_webSocketMessages"] = [self._message(message) for message in exchange.messages]
        if exchange.closed is not None:
            closed = exchange.closed
            ours["closed"] = {"sent": closed.sent, "code": closed.code, "reason": closed.reason}
            self._losses.add("how a WebSocket was closed: only in _reenact.closed", flow)
        entry["_reenact"] = ours
        return entry

    # -- the request --------------------------------------------------------------------------------

    def _request(
        self, event: FlowRequested, answered: FlowAnswered | None, headers: list[_Field], url: str
    ) -> dict[str, Any]:
        body = answered.request if answered is not None else Body(size=0)
        _, mark, query = url.partition("?")
        path = "/" + url.partition("://")[2].partition("/")[2]
        request: dict[str, Any] = {
            "method": event.method,
            "url": url,
            "httpVersion": _version(event.version),
            "headers": [field._asdict() for field in headers],
            "queryString": [_pair(*pair) for pair in pairs(query.partition("#")[0])] if mark else [],
            "cookies": cookies.sent(_values(headers, "cookie")),
            "headersSize": _head_size(f"{event.method} {path} HTTP/1.1", event.version, headers),
            "bodySize": body.size,
        }
        if answered is not None and answered.request_trailers:
            request["_trailers"] = [f._asdict() for f in self._headers(answered.request_trailers, event.flow)]
            self._losses.add("trailers of a request: only in request._trailers", event.flow)
        if body.size or body.skipped is not None:
            request["postData"] = self._sent(body, headers, event.flow)
        return request

    def _sent(self, body: Body, headers: list[_Field], flow: int) -> dict[str, Any]:
        """What was sent, with the coding it was sent in: servers want it so."""
        mime = _first(headers, "content-type")
        told: dict[str, Any] = {"mimeType": mime}
        if body.partial:
            self._losses.add("that a request's body ended before it was complete", flow)
        if body.skipped is not None:
            self._losses.add(f"a request's body: the trace does not have it ({body.skipped})", flow)
            return told | {"text": "", "comment": f"not kept: {body.skipped}"}
        if self._attach is not None:
            return told | {"_file": self._attached_as(body, "", mime)}
        if body.size > EMBEDDED:
            self._losses.add(f"a request's body of more than {EMBEDDED} bytes; --attach keeps it", flow)
            return told | {"text": "", "comment": f"not embedded: {body.size} bytes"}
        content = self._content(body)
        try:
            told["text"] = content.decode()
        except UnicodeDecodeError:
            self._losses.add(
                "that a request's body is base64: postData.encoding is no field of HAR 1.2", flow
            )
            told |= {"text": base64.b64encode(content).decode(), "encoding": "base64"}
        if params := forms.params(mime, content):
            told["params"] = params
        return told

    # -- the response -------------------------------------------------------------------------------

    def _response(self, exchange: Exchange, ours: dict[str, Any]) -> dict[str, Any]:
        flow, event = exchange.requested.flow, exchange.answered
        if event is None or event.status is None:
            why = event.error if event is not None else None
            self._losses.add("why there was no answer: only in response._error", flow)
            return _NO_RESPONSE | {"_error": why or "no answer was recorded"}
        headers = self._headers(event.headers, flow)
        content = self._answer(event, headers, flow)
        head = _head_size(f"HTTP/1.1 {event.status} {event.reason}", event.version, headers)
        size = 0 if event.status == 304 else event.response.size
        response: dict[str, Any] = {
            "status": event.status,
            "statusText": event.reason,
            "httpVersion": _version(event.version),
            "headers": [field._asdict() for field in headers],
            "cookies": cookies.received(_values(headers, "set-cookie")),
            "content": content,
            "redirectURL": _first(headers, "location"),
            "headersSize": head,
            "bodySize": size,
            "_transferSize": max(0, head) + size,
        }
        if event.trailers:
            response["_trailers"] = [f._asdict() for f in self._headers(event.trailers, flow)]
            self._losses.add("trailers: only in response._trailers", flow)
        if event.response.partial:
            ours["partial"] = True
            self._losses.add("that an answer ended before it was complete: only in _reenact.partial", flow)
        if event.interim:
            ours["interim"] = event.interim
            self._losses.add("interim responses (1xx): their status only, in _reenact.interim", flow)
        if event.error is not None:
            response["_error"] = event.error
        if event.pace:
            self._losses.add("when each piece of a body came", flow)
        return response

    def _answer(self, event: FlowAnswered, headers: list[_Field], flow: int) -> dict[str, Any]:
        body, mime = event.response, _first(headers, "content-type") or "x-unknown"
        told: dict[str, Any] = {"size": body.size, "mimeType": mime}
        if body.skipped is not None:
            self._losses.add(f"a body: the trace does not have it ({body.skipped})", flow)
            return told | {"comment": f"not kept: {body.skipped}"}
        if body.blob is None:
            return told
        codings = _codings(headers)
        held = None
        if codings:
            held = self._decoded(body, codings)
            if held is None:
                told["_codingKept"] = True
                self._losses.add("a body without its content coding: it is there as it was sent", flow)
            else:
                told |= {"size": len(held), "compression": len(held) - body.size}
        if self._attach is not None:
            coding = "-".join(codings) if held is not None else ""
            return told | {"_file": self._attached_as(body, coding, mime, held)}
        if (body.size if held is None else len(held)) > EMBEDDED:
            self._losses.add(f"a body of more than {EMBEDDED} bytes; --attach keeps it", flow)
            return told | {"comment": f"not embedded: {told['size']} bytes"}
        content = self._content(body) if held is None else held
        if _TEXT.match(mime.lower()) and "_codingKept" not in told:
            try:
                return told | {"text": content.decode()}
            except UnicodeDecodeError:
                pass
        return told | {"text": base64.b64encode(content).decode(), "encoding": "base64"}

    def _decoded(self, body: Body, codings: list[str]) -> bytes | None:
        """Without its codings; null where that cannot be done, or only in too much memory."""
        most = EMBEDDED if self._attach is None else MOST_DECODED
        if body.partial or body.size > most:
            return None
        content = self._content(body)
        try:
            for coding in reversed(codings):
                content = decode(content, coding, most)
        except NotDecoded:
            return None
        return content

    # -- parts --------------------------------------------------------------------------------------

    def _content(self, body: Body) -> bytes:
        return b"".join(self._bodies.stream_blob(body.blob)) if body.blob is not None else b""

    def _attached_as(self, body: Body, coding: str, mime: str, held: bytes | None = None) -> str:
        """The name of the attachment with this body, put there once; `held` is what came out of `coding`."""
        extension = next((end for word, end in _EXTENSIONS if word in mime.lower()), "dat")
        name = f"{body.blob or 'empty'}{'-' + coding if coding else ''}.{extension}"
        if name not in self._attached and self._attach is not None:
            self._attached.add(name)
            blob = self._bodies.stream_blob(body.blob) if body.blob is not None else ()
            self._attach(name, blob if held is None else (held,))
        return name

    def _message(self, event: FlowMessage) -> dict[str, Any]:
        told: dict[str, Any] = {
            "type": "send" if event.sent else "receive",
            "time": (self._origin.started_unix_ns + event.t) / 1e9,
            "opcode": 1 if event.text else 2,
            "data": "",
        }
        if event.body.skipped is not None or event.body.size > EMBEDDED:
            self._losses.add("a WebSocket message that the trace does not have, or is too long", event.flow)
            return told | {"_skipped": event.body.skipped or f"{event.body.size} bytes"}
        content = self._content(event.body)
        if event.text:
            return told | {"data": content.decode("utf-8", "replace")}
        return told | {"data": base64.b64encode(content).decode()}

    def _headers(self, headers: Sequence[tuple[str, str]], flow: int) -> list[_Field]:
        return [_Field(self._text(name, flow), self._text(value, flow)) for name, value in headers]

    def _text(self, text: str, flow: int) -> str:
        if "\\" not in text:
            return text
        try:
            data = unescape_path(text)
            return data.decode()
        except UnicodeDecodeError:
            self._losses.add("bytes outside UTF-8 in a header: told as Latin-1", flow)
            return data.decode("latin-1")
        except ValueError:
            return text

    def _url(self, exchange: Exchange) -> str:
        url = exchange.requested.url
        if not _is_websocket(exchange):
            return url
        scheme, mark, rest = url.partition("://")
        return {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme) + mark + rest

    def _kind(self, exchange: Exchange, headers: list[_Field]) -> str:
        if _is_websocket(exchange):
            return "websocket"
        if destination := _DESTINATIONS.get(_first(headers, "sec-fetch-dest")):
            return destination
        answered = exchange.answered.headers if exchange.answered is not None else []
        mime = next((value for name, value in answered if name.lower() == "content-type"), "").lower()
        return next((kind for pattern, kind in _KINDS if pattern.match(mime)), "other")

    def _address(self, requested: FlowRequested, answered: FlowAnswered | None) -> str | None:
        if answered is not None and answered.server is not None:
            return answered.server
        host = split_authority(requested.url.partition("://")[2].partition("/")[0])[0]
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            return None

    def _time(self, t: int) -> str:
        moment = _EPOCH + timedelta(microseconds=(self._origin.started_unix_ns + t) // 1000)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Field(NamedTuple):
    name: str
    value: str


_NO_RESPONSE: dict[str, Any] = {
    "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [],
    "content": {"size": 0, "mimeType": "x-unknown"}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
    "_transferSize": 0,
}  # fmt: skip


def _is_websocket(exchange: Exchange) -> bool:
    upgraded = exchange.answered is not None and exchange.answered.status == 101
    asked = any(n.lower() == "upgrade" and v.lower() == "websocket" for n, v in exchange.requested.headers)
    return bool(exchange.messages) or exchange.closed is not None or (upgraded and asked)


def _page_id(step: Step) -> str:
    return f"step_{step.n}"


def _version(version: str) -> str:
    return _VERSIONS.get(version, f"HTTP/{version}" if version else "")


def _pair(name: str, value: str) -> dict[str, str]:
    told = (text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for text in (name, value))
    return dict(zip(("name", "value"), told, strict=True))


def _values(headers: list[_Field], name: str) -> list[str]:
    return [field.value for field in headers if field.name.lower() == name]


def _first(headers: list[_Field], name: str) -> str:
    return next(iter(_values(headers, name)), "")


def _codings(headers: list[_Field]) -> list[str]:
    named = ",".join(_values(headers, "content-encoding")).lower().split(",")
    return [name.strip() for name in named if name.strip() not in ("", "identity")]


def _head_size(line: str, version: str, headers: list[_Field]) -> int:
    """Bytes of a head as HTTP/1 carries it, -1 (HAR's word for unknown) for compressed ones."""
    if not version.startswith("1"):
        return -1
    fields = sum(len(f.name.encode()) + len(f.value.encode()) + 4 for f in headers)
    return len(line.encode()) + 2 + fields + 2
