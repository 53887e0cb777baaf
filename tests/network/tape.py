"""Recordings made by hand: the events that a proxy would have stated, with their blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from recorder.trace.events import (
    AnyEvent,
    Body,
    Cause,
    CommandStarted,
    Connected,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    NetworkStarted,
)
from replay.players.network.matching import Asked
from replay.players.network.recording import Recording

Headers = Iterable[tuple[str, str]]
_SECOND = 10**9


class Tape:
    """`command(n)` begins a step; `flow(...)` adds a request with its answer."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.blobs: dict[str, bytes] = {}
        self.step: int | None = None
        self.flows = 0

    @property
    def now(self) -> int:
        return (len(self.events) + 1) * _SECOND

    def recording(self) -> Recording:
        return Recording.of(self.events, self.blobs.__getitem__)

    def command(self, n: int) -> None:
        self.step = n
        event = CommandStarted(t=self.now, source="terminal/1", n=n, offset=0, text=f"command {n}", cwd="/")
        self.events.append(event)

    def proxy(self, engine: str) -> None:
        event = NetworkStarted(
            t=self.now, source="proxy", address="127.0.0.1:8080", engine=engine, certificate="0" * 64,
            trust="proxy/trust.pem", upstream=None,
        )  # fmt: skip
        self.events.append(event)

    def body(self, content: bytes, *, partial: bool = False) -> Body:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return Body(size=len(content), blob=digest if content else None, partial=partial)

    def request(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        version: str = "1.1",
        command: int | None = None,
        unknown: bool = False,
    ) -> int:
        """Only the request; `body` is told with the answer."""
        self.flows += 1
        cause = Cause(
            command=None if unknown else command if command is not None else self.step,
            how="unknown" if unknown else "cgroup",
            process="curl",
        )
        event = FlowRequested(
            t=self.now, source="network", flow=self.flows, connection=self.flows, method=method, url=url,
            version=version, headers=list(headers), cause=cause,
        )  # fmt: skip
        self.events.append(event)
        return self.flows

    def answer(
        self,
        flow: int,
        status: int | None = 200,
        body: bytes = b"",
        headers: Headers | None = None,
        *,
        sent: bytes = b"",
        reason: str = "OK",
        version: str = "1.1",
        trailers: Headers = (),
        pace: Iterable[tuple[int, int]] = (),
        partial: bool = False,
        error: str | None = None,
        **more: Any,
    ) -> None:
        said = [("Content-Length", str(len(body)))] if headers is None else list(headers)
        event = FlowAnswered(
            t=self.now, source="network", flow=flow, status=status, reason=reason, version=version,
            headers=said, trailers=list(trailers), request=self.body(sent),
            response=self.body(body, partial=partial), first_byte=1000, pace=list(pace), error=error, **more,
        )  # fmt: skip
        self.events.append(event)

    def get(self, url: str, body: bytes = b"", *, method: str = "GET", **answer: object) -> int:
        flow = self.request(method, url)
        self.answer(flow, body=body, **answer)  # type: ignore[arg-type]
        return flow

    def post(
        self, url: str, sent: bytes, body: bytes = b"", *, headers: Headers = (), **answer: object
    ) -> int:
        flow = self.request("POST", url, headers)
        self.answer(flow, body=body, sent=sent, **answer)  # type: ignore[arg-type]
        return flow

    def message(self, flow: int, content: bytes, *, sent: bool, text: bool = True) -> None:
        event = FlowMessage(
            t=self.now, source="network", flow=flow, sent=sent, text=text, body=self.body(content)
        )
        self.events.append(event)

    def closed(self, flow: int, code: int | None, *, sent: bool, reason: str = "") -> None:
        event = FlowClosed(t=self.now, source="network", flow=flow, sent=sent, code=code, reason=reason)
        self.events.append(event)

    def connection(self, target: str, handling: str, reason: str | None = None) -> None:
        event = Connected(
            t=self.now, source="network", n=len(self.events) + 1000, duration=1, target=target,
            handling=handling, reason=reason, tls=None, alpn=None, sent=0, received=0,  # type: ignore[arg-type]
            cause=Cause(command=self.step, how="unknown", process=""),
        )  # fmt: skip
        self.events.append(event)


def asked(url: str, *scope: int, method: str = "GET", headers: Headers = (), body: bytes = b"") -> Asked:
    """A request as a client would send it while command `scope[0]` runs."""
    return Asked(
        method,
        url,
        [(name.encode(), value.encode()) for name, value in headers],
        body,
        hashlib.sha256(body).hexdigest(),
        scope,
    )
