"""From what goes through the proxy to events. Knows nothing of the engine: it is told plain values.

Everything passes the session's redactor here, before it is written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from recorder.network.bodies import NO_BODY, BodySink, Pace
from recorder.network.redactor import Redactor
from recorder.sources.own_process import boottime
from recorder.sources.proxy.ledger import Ledger
from recorder.sources.proxy.orders import SOURCE, Arrival, Bypass, Serving
from recorder.sources.proxy.slate import Slate
from recorder.trace.blobs import BlobStore
from recorder.trace.events import (
    Body,
    Connected,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    NameAsked,
    ServerSeen,
    escape_path,
)

Headers = Iterable[tuple[bytes, bytes]]
_ABNORMAL = 1006
"""The code that stands for a WebSocket's end without a close frame."""


class Connection:
    """A program's connection while it is open. The engine sets what it learns of it."""

    __slots__ = (
        "alpn", "arrival", "captured", "error", "flows", "handling", "open", "reason", "received", "sent", "silent",
        "target", "tls", "tunnel_received", "tunnel_sent",
    )  # fmt: skip

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.target: str | None = None
        self.handling: Literal["captured", "passed", "failed"] | None = None
        self.reason: str | None = None
        self.error: str | None = None
        self.tls: str | None = None
        self.alpn: str | None = None
        self.sent = self.received = 0
        self.tunnel_sent = self.tunnel_received = 0
        self.captured = False
        self.silent = False
        """Nothing more is said to the program."""
        self.open = True
        self.flows: set[Flow] = set()

    def passed(self, reason: str) -> None:
        self.handling, self.reason = "passed", reason

    def failed(self, reason: str) -> None:
        if self.handling is None:
            self.handling, self.reason = "failed", reason


class Flow:
    """A request and its answer while they go through."""

    __slots__ = (
        "_answered", "_capture", "_connection", "_error", "_first_byte", "_head", "_interim", "_number", "_pace",
        "_request", "_request_trailers", "_response", "_server", "_t", "_trailers", "request_done", "response_done",
    )  # fmt: skip

    def __init__(
        self,
        capture: Capture,
        connection: Connection,
        number: int,
        t: int,
        request: BodySink | None,
    ) -> None:
        self._capture = capture
        self._connection = connection
        self._number = number
        self._t = t
        self._request = request
        self._response: BodySink | None = None
        self._head: tuple[int | None, str, str, list[tuple[str, str]]] = (None, "", "", [])
        self._trailers: list[tuple[str, str]] = []
        self._request_trailers: list[tuple[str, str]] = []
        self._server: str | None = None
        self._interim: list[int] = []
        self._first_byte: int | None = None
        self._pace = Pace()
        self._error: str | None = None
        self.request_done = self.response_done = self._answered = False
        connection.flows.add(self)

    def request_piece(self, data: bytes) -> None:
        if self._request is not None:
            self._request.write(data)

    def request_end(self, trailers: Headers = ()) -> None:
        if trailers:
            self._request_trailers = self._capture.headers(trailers)
        if self._request is not None:
            self._request.end()
        self.request_done = True
        self._settle()

    def response(
        self,
        status: int,
        reason: str,
        version: str,
        headers: Headers,
        *,
        content: tuple[str, str],
        server: str | None,
        interim: Iterable[int],
    ) -> None:
        """The response's head is there. `content` is its type and its coding, for the redactor; `server` the address
        that it came from, `interim` the statuses that came before it and were not handed on."""
        self._server, self._interim = server, list(interim)
        self._first_byte = boottime() - self._t
        self._head = (status, self._capture.redactor.text(reason), version, self._capture.headers(headers))
        self._response = self._capture.sink(*content)

    def response_piece(self, data: bytes) -> None:
        if data and self._response is not None:
            self._pace.add(boottime() - self._t, len(data))
            self._response.write(data)

    def response_end(self, trailers: Headers = ()) -> None:
        self._trailers = self._capture.headers(trailers)
        if self._response is not None:
            self._response.end()
        self.response_done = True
        self._settle()

    def failed(self, error: str) -> None:
        """No (more) response will come. What came of it is kept as partial."""
        self._error = self._capture.redactor.text(error)
        self._answer()

    def upgraded(self, what: str) -> None:
        """The connection goes on in a protocol that is passed on unseen."""
        self._error = f"upgraded to {what}: what followed was passed on unseen"

    def message(self, content: bytes, *, sent: bool, text: bool) -> None:
        sink = self._capture.sink("text/plain" if text else "application/octet-stream", "")
        sink.write(content)
        sink.end()
        t, keep = boottime(), sink.seal()
        self._capture.ledger.put(
            lambda: FlowMessage(t=t, source=SOURCE, flow=self._number, sent=sent, text=text, body=keep()),
            len(content),
        )

    def closed(self, *, sent: bool, code: int | None, reason: str) -> None:
        self._capture.ledger.event(
            FlowClosed(
                t=boottime(),
                source=SOURCE,
                flow=self._number,
                sent=sent,
                code=None if code == _ABNORMAL else code,
                reason=self._capture.redactor.text(reason),
            )
        )

    def _settle(self) -> None:
        if self.request_done and self.response_done:
            self._answer()

    def _answer(self) -> None:
        if self._answered:
            return
        self._answered = True
        self._connection.flows.discard(self)
        self._capture.answered(self)

    def answer_event(self, t: int, request: Body, response: Body) -> FlowAnswered:
        status, reason, version, headers = self._head
        return FlowAnswered(
            t=t,
            source=SOURCE,
            flow=self._number,
            status=status,
            reason=reason,
            version=version,
            headers=headers,
            trailers=self._trailers,
            request=request,
            response=response,
            first_byte=self._first_byte,
            pace=self._pace.told(partial=response.partial),
            error=self._error,
            server=self._server,
            request_trailers=self._request_trailers,
            interim=self._interim,
        )

    @property
    def sinks(self) -> tuple[BodySink | None, BodySink | None]:
        return self._request, self._response


class Capture:
    """Counts flows and writes what became of them."""

    def __init__(self, ledger: Ledger, blobs: BlobStore, redactor: Redactor, slate: Slate) -> None:
        self.ledger = ledger
        self.redactor = redactor
        self._blobs = blobs
        self._slate = slate
        self._connections: set[Connection] = set()
        # A long body takes seconds to compress; events behind it must not wait for that.
        self._slow = ThreadPoolExecutor(1, "blobs")

    def opened(self, arrival: Arrival) -> Connection:
        connection = Connection(arrival)
        self._connections.add(connection)
        self._slate.add(Slate.OPENED)
        return connection

    def name_asked(self, name: str, kind: str, addresses: list[str], code: int) -> None:
        """A program was told the addresses of a name."""
        text = self.redactor.text(name)
        event = NameAsked(t=boottime(), source=SOURCE, name=text, type=kind, addresses=addresses, code=code)
        self.ledger.event(event)

    def requested(
        self,
        connection: Connection,
        *,
        method: str,
        url: str,
        version: str,
        headers: Headers,
        body: bool,
        content: tuple[str, str],
    ) -> Flow:
        """A request's head is there. `content` is its body's type and coding, for the redactor."""
        number = self._slate.add(Slate.FLOWS)
        t = boottime()
        connection.captured = True
        self.ledger.event(
            FlowRequested(
                t=t,
                source=SOURCE,
                flow=number,
                connection=connection.arrival.n,
                method=method,
                url=self.redactor.url(url),
                version=version,
                headers=self.headers(headers),
                cause=connection.arrival.cause,
            )
        )
        return Flow(self, connection, number, t, self.sink(*content) if body else None)

    def answered(self, flow: Flow) -> None:
        t = boottime()
        request, response = flow.sinks
        slow = any(sink is not None and sink.in_file for sink in (request, response))
        held = sum(sink.held for sink in (request, response) if sink is not None)
        keep_request = request.seal() if request is not None else lambda: NO_BODY
        keep_response = response.seal() if response is not None else lambda: NO_BODY

        def entry() -> FlowAnswered:
            return flow.answer_event(t, keep_request(), keep_response())

        def slowly() -> None:
            bodies = keep_request(), keep_response()
            self.ledger.put(lambda: flow.answer_event(t, *bodies))

        if slow:
            self._slow.submit(slowly)
        else:
            self.ledger.put(entry, held)

    def closed(self, connection: Connection, why: str = "the connection ended") -> None:
        """A connection is over; flows that it still had end with it."""
        if not connection.open:
            return
        connection.open = False
        self._connections.discard(connection)
        self._slate.add(Slate.CLOSED)
        for flow in list(connection.flows):
            flow.failed(why)
        handling = connection.handling or ("captured" if connection.captured else "failed")
        reason = connection.reason
        if reason is None and handling == "failed":
            reason = connection.error or "it was closed before anything was asked"
        passed = handling == "passed"
        arrival = connection.arrival
        self.ledger.event(
            Connected(
                t=arrival.t,
                source=SOURCE,
                n=arrival.n,
                duration=max(0, boottime() - arrival.t),
                target=connection.target,
                handling=handling,
                reason=None if reason is None else self.redactor.text(reason),
                tls=connection.tls,
                alpn=connection.alpn,
                sent=connection.tunnel_sent if passed else connection.sent,
                received=connection.tunnel_received if passed else connection.received,
                cause=arrival.cause,
            )
        )

    def bypassed(self, bypass: Bypass) -> None:
        """A connection went past the proxy."""
        self.ledger.event(
            Connected(
                t=bypass.t,
                source=SOURCE,
                n=bypass.n,
                duration=bypass.duration,
                target=bypass.target,
                handling="bypassed",
                reason="it did not go through the proxy",
                tls=None,
                alpn=None,
                sent=bypass.sent,
                received=bypass.received,
                cause=bypass.cause,
            )
        )

    def serving(self, serving: Serving) -> None:
        """A program of the session's is a server."""
        self.ledger.event(ServerSeen(t=serving.t, source=SOURCE, port=serving.port, cause=serving.cause))

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come, or a connection has not said yet what it is for."""
        return any(c.flows or not (c.captured or c.handling) for c in self._connections)

    def close(self, why: str) -> bool:
        """Ends what is open and returns when all is on disk; False where something was lost."""
        for connection in list(self._connections):
            self.closed(connection, why)
        self._slow.shutdown(wait=True)
        return self.ledger.close()

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        return self.redactor.headers([(_text(name), _text(value)) for name, value in headers])

    def sink(self, content_type: str, coding: str) -> BodySink:
        return BodySink(self._blobs, self.redactor.body_filter(content_type, coding))


def _text(data: bytes) -> str:
    # Most are plain; the careful way costs ten times as much.
    return data.decode() if data.isascii() and b"\\" not in data else escape_path(data)
