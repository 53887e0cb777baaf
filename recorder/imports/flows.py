"""mitmproxy's flow dumps, of every version that its own library still reads. The one module here that knows it.

A dump of an older version goes through that library's migrations. What it reads is checked again afterwards: a dump may
be a stranger's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from recorder.imports.exchange import (
    MOST_HEAD,
    MOST_MESSAGES,
    MOST_MOMENT,
    Answer,
    Closing,
    Content,
    Exchange,
    Findings,
    Headers,
    ImportRejected,
    Message,
)
from recorder.trace.errors import Unsupported
from recorder.trace.limits import MAX_BLOB

MOST_FLOW = 512 << 20
"""Bytes of one flow in the dump; it is held in memory whole, by the library."""
_SCHEMES = ("http://", "https://")
_STREAMED = "the dump does not hold it: it was streamed, or taken out"


class FlowsReader:
    """Reads one dump. `exchanges` goes through it once; `findings` are whole afterwards."""

    def __init__(self, file: BinaryIO, place: str) -> None:
        """Raises Unsupported without mitmproxy, ImportRejected for what is no dump."""
        try:
            from mitmproxy.io import FlowReader
            from mitmproxy.version import VERSION
        except ImportError as error:
            raise Unsupported(
                f"flow dumps need mitmproxy ({error.name} is missing): pip install 'reenact[proxy]'"
            ) from error
        if file.read(4).lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"["):
            raise ImportRejected(f"{place}: is JSON, no flow dump; try `reenact import har`")
        file.seek(0)
        self.findings = Findings(made_by=f"mitmproxy (read by {VERSION})")
        self._place = place
        self._flows = FlowReader(_Bounded(file))  # type: ignore[arg-type]
        self._messages = 0

    def exchanges(self) -> Iterator[Exchange]:
        """In the order of the dump, one in memory at a time. What follows damage is told as left out."""
        flows = iter(self._flows.stream())
        count = 0
        while True:
            try:
                flow = next(flows)
                found = self._exchange(flow)
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001 - a hostile dump raises anything at all in the library
                why = f"{error.__cause__ or error}"[:200] or type(error).__name__
                if not count:
                    raise ImportRejected(f"{self._place}: no flow dump that can be read: {why}") from None
                self.findings.left_out[f"what follows flow {count}: the dump is damaged there ({why})"] += 1
                return
            count += 1
            if found is not None:
                yield found

    def _exchange(self, flow: Any) -> Exchange | None:
        kind = str(getattr(flow, "type", ""))[:20]
        if kind != "http":
            self.findings.left_out[f"{kind} flows: a trace's network holds HTTP only"] += 1
            return None
        request = flow.request
        if request.method == "CONNECT":
            self.findings.passed_over["tunnels (CONNECT)"] += 1
            return None
        url = str(request.pretty_url)
        headers, size = _fields(request.headers), len(url)
        answered = _fields(flow.response.headers) if flow.response is not None else []
        size += sum(len(a) + len(b) for a, b in [*headers, *answered])
        if size > MOST_HEAD:
            self.findings.left_out[f"a flow whose URL and headers have more than {MOST_HEAD} bytes"] += 1
            return None
        if not url.startswith(_SCHEMES):
            self.findings.left_out["flows without an absolute URL"] += 1
            return None
        start = _nanos(request.timestamp_start)
        response = flow.response
        ends = [
            moment
            for moment in (
                _nanos(request.timestamp_end),
                _nanos(response.timestamp_start) if response is not None else None,
                _nanos(response.timestamp_end) if response is not None else None,
                _nanos(flow.error.timestamp) if flow.error is not None else None,
            )
            if moment is not None and start is not None and moment >= start
        ]
        begun = _nanos(response.timestamp_start) if response is not None else None
        return Exchange(
            start=start,
            first_byte=max(0, begun - start) if begun is not None and start is not None else None,
            total=max(ends) - start if ends and start is not None else 0,
            connection=str(flow.client_conn.id)[:200],
            method=str(request.method)[:32],
            url=url,
            version=_version(request.http_version),
            headers=headers,
            content=_content(request),
            answer=self._answer(flow),
            trailers=_fields(request.trailers) if request.trailers else [],
            messages=list(self._said(flow)),
            closing=_closing(flow.websocket),
        )

    def _answer(self, flow: Any) -> Answer:
        response = flow.response
        error = str(flow.error.msg)[:1000] if flow.error is not None else None
        address = flow.server_conn.peername
        server = str(address[0])[:64] if address else None
        if response is None or not 100 <= int(response.status_code) <= 999:
            return Answer(status=None, error=error or "the dump has no answer", server=server)
        content = _content(response)
        content.partial = error is not None
        return Answer(
            status=int(response.status_code),
            reason=str(response.reason or "")[:1000],
            version=_version(response.http_version),
            headers=_fields(response.headers),
            trailers=_fields(response.trailers) if response.trailers else [],
            content=content,
            error=error,
            server=server,
        )

    def _said(self, flow: Any) -> Iterator[Message]:
        for message in flow.websocket.messages if flow.websocket is not None else ():
            self._messages += 1
            if self._messages > MOST_MESSAGES:
                self.findings.left_out[f"WebSocket messages after the first {MOST_MESSAGES}"] += 1
                continue
            yield Message(
                at=_nanos(message.timestamp) or 0,
                sent=bool(message.from_client),
                text=bool(message.is_text),
                data=bytes(message.content),
            )


class _Bounded:
    """The dump as the library reads it. It believes lengths; here they end at a limit and at the file's end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        here = file.tell()
        self._size = file.seek(0, 2)
        file.seek(here)

    def read(self, count: int) -> bytes:
        if count > min(MOST_FLOW, self._size):
            raise ValueError(f"a flow of {count} bytes in a dump of {self._size}; the most is {MOST_FLOW}")
        return self._file.read(count)

    def peek(self, count: int) -> bytes:
        here = self._file.tell()
        data = self._file.read(count)
        self._file.seek(here)
        return data


def _fields(headers: Any) -> Headers:
    return [
        (bytes(name), bytes(value).replace(b"\r", b"").replace(b"\n", b" ")) for name, value in headers.fields
    ]


def _content(message: Any) -> Content:
    data = message.raw_content
    if data is None:
        return Content(data=None, skipped=_STREAMED)
    if len(data) > MAX_BLOB:
        return Content(data=None, size=len(data), skipped=f"more than {MAX_BLOB} bytes")
    return Content(data=bytes(data), size=len(data))


def _closing(websocket: Any) -> Closing | None:
    if websocket is None or not websocket.timestamp_end:
        return None
    code = websocket.close_code
    told = code if isinstance(code, int) and 0 <= code < 65536 and code != 1006 else None
    return Closing(
        sent=bool(websocket.closed_by_client), code=told, reason=str(websocket.close_reason or "")[:200]
    )


def _nanos(seconds: Any) -> int | None:
    if not isinstance(seconds, int | float) or not 0 < seconds * 1e9 <= MOST_MOMENT:
        return None
    return round(seconds * 1e6) * 1000


def _version(text: Any) -> str:
    version = str(text).upper().removeprefix("HTTP/")[:8]
    return {"2.0": "2", "3.0": "3"}.get(version, version)
