"""HTTP/1.0 and 1.1 on one connection: parsed by httptools, answered in order, upgraded to a WebSocket tape."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from typing import Any, NamedTuple

import httptools

from recorder.trace.errors import ReenactError
from replay.players.network import answers
from replay.players.network.answers import Answer, Framed
from replay.players.network.connection import Connection, closes_hard
from replay.players.network.desk import Desk
from replay.players.network.fields import header
from replay.players.network.matching import Asked, Match
from replay.players.network.origin import Origin
from replay.players.network.recording import MOST_PARSED
from replay.players.network.websocket import WebSocketTape, accept_key

_MOST_HEAD = 256 << 10
_MOST_WAITING = 32
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Request(NamedTuple):
    asked: Asked
    version: str
    keep: bool
    upgrade: bool


class Http1(Connection):
    """The protocol of one connection; requests that come early wait for their turn."""

    def __init__(self, desk: Desk, origin: Origin) -> None:
        super().__init__(desk)
        self._origin = origin
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[_Request] = deque()
        self._tape: WebSocketTape | None = None
        self._task: asyncio.Task[None] | None = None
        self._done = self._asked = False
        self._base: tuple[bytes | None, str] = (None, "")
        """The last host that was named, and what stands before a path then."""
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head = 0
        self._body: list[bytes] = []
        self._size = 0
        self._hash: Any = None

    # -- what comes in ------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._tape is not None:
            self._hear(self._tape, data)
            return
        try:
            while data and not self._done:
                data = self._feed(data)
        except httptools.HttpParserError:
            if not self._asked:
                place = self._origin.tunnel or self._origin.destination
                self.desk.refuse(f"connection to {place}", "connection", "HTTP")
            self._done = True
            if self._task is None:
                self.close()

    def _feed(self, data: bytes) -> bytes:
        """Parses; returns what is left to parse anew after a request for an upgrade that was not recorded."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._parser = httptools.HttpRequestParser(self)
            if self._tape is not None:
                self._hear(self._tape, rest)
                return b""
            return rest
        return b""

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._head = 0
        self._body = []
        self._size = 0
        self._hash = None

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        self._grow(len(name) + len(value) + 4)

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > _MOST_HEAD:
            raise httptools.HttpParserError("the request's head is too large")

    def on_headers_complete(self) -> None:
        if len(self._headers) > 1 and (header(self._headers, b"expect") or b"").lower() == b"100-continue":
            self.write(_CONTINUE)

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._hash is None:
            self._hash = hashlib.sha256()
        self._hash.update(data)
        if self._size <= MOST_PARSED:
            self._body.append(data)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        self._asked = True
        content = b"".join(self._body) if self._size <= MOST_PARSED else None
        digest = self._hash.hexdigest() if self._hash is not None else _EMPTY_HASH
        parser = self._parser
        method = parser.get_method().decode("latin-1")
        asked = Asked(method, self._full_url(), self._headers, content, digest, self.desk.scope())
        upgrade = parser.should_upgrade()
        request = _Request(asked, parser.get_http_version(), parser.should_keep_alive() or upgrade, upgrade)
        if self._task is not None or self._waiting:
            self._waiting.append(request)
            if len(self._waiting) >= _MOST_WAITING:
                self.transport.pause_reading()
        elif not self._done:
            self._serve(request)

    def _full_url(self) -> str:
        url = self._url.decode("utf-8", "surrogateescape")
        if not url.startswith("/") and "://" in url:
            return url  # to a proxy
        host = header(self._headers, b"host") or b""
        if self._base[0] != host:
            origin = self._origin
            candidates = (host.decode("latin-1"), origin.tunnel or "", origin.destination)
            self._base = host, self.desk.base(origin.scheme, candidates)
        return self._base[1] + url

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._done = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    # -- what goes out ------------------------------------------------------------------------------

    def _serve(self, request: _Request) -> None:
        """Answers at once where that needs no waiting, else in a task of its own."""
        if request.asked.method == "CONNECT":
            self.end()  # one more tunnel on a connection that served other requests: clients open another
            return
        answer, match = self.desk.ask(request.asked)
        if match is not None and self.desk.waits(match):
            self._task = asyncio.get_running_loop().create_task(self._later(request, answer, match))
        else:
            self._give(request, answer, match)

    async def _later(self, request: _Request, answer: Answer | None, match: Match) -> None:
        await self.desk.until(match.flow)
        self._task = None
        self._give(request, answer, match)
        self._go_on()

    def _give(self, request: _Request, answer: Answer | None, match: Match | None) -> None:
        if answer is None:
            self._done = True
            flow = match.flow if match else None
            if (
                flow is None or not flow.abandoned
            ):  # else the client gave up, and nobody ends it but the client
                self.close(hard=closes_hard(flow.error if flow else None))
            return
        if answer.status == 101 and match is not None:
            self._upgrade(request, answer, match)
            return
        framed = answers.framed(answer, request.asked.method, request.version, request.keep)
        body = answer.body
        if framed.bodyless:
            self.write(framed.head)
        elif body is not None and not answer.pace and (not self.desk.paced or self.desk.timeline):
            self.write(_whole(framed, answer, body))
        else:
            self._task = asyncio.get_running_loop().create_task(self._send(framed, answer, match))
            return
        self._after(framed, answer)

    async def _send(self, framed: Framed, answer: Answer, match: Match | None) -> None:
        desk = self.desk
        began = time.monotonic_ns()
        self.write(framed.head)
        try:
            for t, data in answer.portions(desk.bodies, desk.paced or desk.timeline is not None):
                if desk.timeline is not None:
                    if match is not None:
                        await desk.until(match.flow, t, stream=answer.endless)
                elif (left := began + t - time.monotonic_ns()) > 0:
                    await asyncio.sleep(left / 1e9)
                self.write(answers.chunk(data) if framed.chunked else data)
                await self.drained()
        except ReenactError as error:
            desk.fault(str(error))
            self.close(hard=True)
            return
        if framed.chunked and not answer.cut:
            self.write(answers.last_chunk(answer.trailers))
        self._task = None
        self._after(framed, answer)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._task is None and not self._done:
            self._serve(self._waiting.popleft())
        if len(self._waiting) < _MOST_WAITING and not self.closed:
            self.transport.resume_reading()

    def _after(self, framed: Framed, answer: Answer) -> None:
        if answer.held:
            self._done = True  # it ended with the client, who waits for more
        elif framed.close:
            self.end()

    def end(self) -> None:
        """No further request is answered; what was written still goes out."""
        self._done = True
        self.close()

    def _upgrade(self, request: _Request, answer: Answer, match: Match) -> None:
        key = header(request.asked.headers, b"sec-websocket-key")
        if key is None:
            self.end()
            return
        lines = [b"HTTP/1.1 101 %s\r\n" % answer.reason]
        for name, value in answer.headers:
            lowered = name.lower()
            if lowered == b"sec-websocket-accept":
                value = accept_key(key)
            if lowered != b"sec-websocket-extensions":  # messages were kept as they were before compression
                lines.append(b"%s: %s\r\n" % (name, value))
        lines.append(b"\r\n")
        place = str(match.flow)

        def log(expected: str, observed: str) -> None:
            self.desk.refuse(observed, "WebSocket message", expected, place)

        self._tape = WebSocketTape(match.flow, match.echo, log, self._ripe)
        self._play(b"".join(lines) + self._tape.start())

    def _hear(self, tape: WebSocketTape, data: bytes) -> None:
        before = tape.heard
        self._play(tape.receive(data))
        if self.desk.timeline is not None and tape.heard > before:
            # After what begins to wait now.
            asyncio.get_running_loop().call_soon(self.desk.timeline.hear, tape.heard - before)

    def _ripe(self, t: int) -> bool:
        """Whether what came at `t` may go out; if not, it will be asked for again when it may."""
        timeline = self.desk.timeline
        if timeline is None or not timeline.waits(t):
            return True
        if self._task is None and not self._done:
            self._task = asyncio.get_running_loop().create_task(self._message_later(t))
        return False

    async def _message_later(self, t: int) -> None:
        if self.desk.timeline is not None:
            await self.desk.timeline.until(t, stream=True)
        self._task = None
        if self._tape is not None:
            self._play(self._tape.start())

    def _play(self, data: bytes) -> None:
        self.write(data)
        if self._tape is not None and self._tape.ended:
            self.close()


def _whole(framed: Framed, answer: Answer, body: bytes) -> bytes:
    if not framed.chunked:
        return framed.head + body
    end = b"" if answer.cut else answers.last_chunk(answer.trailers)
    return framed.head + (answers.chunk(body) if body else b"") + end
