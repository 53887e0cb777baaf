"""HTTP/2 on one connection: many requests at once, each stream sent as far as the client's windows allow."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hpack import Decoder, HPACKError

from recorder.trace.errors import ReenactError
from replay.players.network import answers, frames
from replay.players.network.answers import Answer
from replay.players.network.connection import Connection
from replay.players.network.desk import Desk
from replay.players.network.frames import END_STREAM, Code, ConnectionFault, Frame, Kind, Setting
from replay.players.network.matching import Asked, Match
from replay.players.network.origin import Origin
from replay.players.network.recording import MOST_PARSED

_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_MOST_HELD = 16 << 20
"""Bytes of unfinished request bodies on one connection."""
_WINDOW = 1 << 20
_MOST_STREAMS = 128
_HELLO = frames.told_settings(
    {
        Setting.CONCURRENT_STREAMS: _MOST_STREAMS,
        Setting.INITIAL_WINDOW: _WINDOW,
        Setting.HEADER_LIST: frames.MOST_BLOCK,
    }
) + frames.number(Kind.WINDOW_UPDATE, 0, _MOST_HELD)
_ACK = frames.frame(Kind.SETTINGS, frames.ACK, 0)


@dataclass(slots=True)
class _Stream:
    """A request that is on its way in, or whose answer is on its way out. `window` is what the client takes."""

    headers: list[tuple[bytes, bytes]]
    window: int
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    hash: Any = None
    task: asyncio.Task[None] | None = None


class Http2(Connection):
    """The protocol of one connection. Of requests to come its own state is all that a client can make grow."""

    def __init__(self, desk: Desk, origin: Origin) -> None:
        super().__init__(desk)
        self._origin = origin
        self._decoder = Decoder(frames.MOST_BLOCK)
        self._rest = b""
        self._greeted = False
        self._out: list[bytes] = []
        self._streams: dict[int, _Stream] = {}
        self._last = 0
        self._block: tuple[Frame, list[bytes]] | None = None
        """A header block of which more frames are to come."""
        self._held = 0
        self._initial = self._window = 65_535
        self._frame = frames.FRAME
        self._wider = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(_HELLO)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        for stream in self._streams.values():
            if stream.task is not None:
                stream.task.cancel()
        self._streams.clear()

    def pause_writing(self) -> None:
        # Who takes no answers gets none to further questions, or memory would grow with them.
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.transport.resume_reading()

    # -- what comes in ------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        try:
            self._receive(self._rest + data if self._rest else data)
        except ConnectionFault as fault:
            self._out.append(frames.goaway(self._last, fault.code))
            self._flush()
            self.close()
        else:
            self._flush()

    def _receive(self, data: bytes) -> None:
        if not self._greeted:
            start = frames.PREFACE[: len(data)]
            if not data.startswith(start):
                raise ConnectionFault(Code.PROTOCOL)
            if len(start) < len(frames.PREFACE):
                self._rest = data
                return
            self._greeted = True
            data = data[len(start) :]
        found, end = frames.split(data)
        self._rest = data[end:]
        for one in found:
            self._take(one)

    def _take(self, one: Frame) -> None:
        kind, number = one.kind, one.stream
        if self._block is not None:
            self._continue(one)
        elif kind == Kind.HEADERS:
            if not number & 1:
                raise ConnectionFault(Code.PROTOCOL)
            if one.flags & frames.END_HEADERS:
                self._headers(number, one.payload, bool(one.flags & END_STREAM))
            else:
                self._block = one, [one.payload]
        elif kind == Kind.DATA:
            self._data(one)
        elif kind == Kind.WINDOW_UPDATE:
            self._widen(number, int.from_bytes(one.payload) & frames.MOST_WINDOW)
        elif kind == Kind.SETTINGS:
            if not one.flags & frames.ACK:
                self._settings(one.payload)
        elif kind == Kind.PING:
            if not one.flags & frames.ACK:
                self._out.append(frames.frame(Kind.PING, frames.ACK, 0, one.payload))
        elif kind == Kind.RESET:
            self._forget(number)
        elif kind == Kind.CONTINUATION:
            raise ConnectionFault(Code.PROTOCOL)
        # A client that says goodbye still wants its answers; priorities and what nobody knows change nothing.

    def _continue(self, one: Frame) -> None:
        assert self._block is not None
        first, pieces = self._block
        if one.kind != Kind.CONTINUATION or one.stream != first.stream:
            raise ConnectionFault(Code.PROTOCOL)
        pieces.append(one.payload)
        if sum(map(len, pieces)) > frames.MOST_BLOCK or len(pieces) > 64:
            raise ConnectionFault(Code.TOO_MUCH)
        if one.flags & frames.END_HEADERS:
            self._block = None
            self._headers(first.stream, b"".join(pieces), bool(first.flags & END_STREAM))

    def _headers(self, number: int, block: bytes, ended: bool) -> None:
        try:
            headers: Any = self._decoder.decode(block, raw=True)
        except (HPACKError, ValueError, IndexError) as error:
            raise ConnectionFault(Code.COMPRESSION) from error
        stream = self._streams.get(number)
        if number > self._last:
            self._last = number
            if len(self._streams) >= _MOST_STREAMS:
                self._reset(number, Code.REFUSED)
                return
            stream = self._streams[number] = _Stream(headers, self._initial)
        elif stream is None:
            return  # of one that we have reset; what it says is only for the table
        if ended:
            self._ended(number, stream)

    def _data(self, one: Frame) -> None:
        number, data = one.stream, one.payload
        if number > self._last:
            raise ConnectionFault(Code.PROTOCOL)
        if one.size:
            self._out.append(frames.number(Kind.WINDOW_UPDATE, 0, one.size))
        stream = self._streams.get(number)
        if stream is None or stream.task is not None:
            return
        if data:
            stream.size += len(data)
            if stream.hash is None:
                stream.hash = hashlib.sha256()
            stream.hash.update(data)
            if stream.size <= MOST_PARSED and self._held <= _MOST_HELD:
                stream.body += data
                self._held += len(data)
            else:
                self._held -= len(stream.body)
                stream.body.clear()
        if one.flags & END_STREAM:
            self._ended(number, stream)
        elif one.size:
            self._out.append(frames.number(Kind.WINDOW_UPDATE, number, one.size))

    def _ended(self, number: int, stream: _Stream) -> None:
        if stream.task is not None:
            return
        self._held -= len(stream.body)
        self._serve(number, stream)
        if stream.task is None:
            del self._streams[number]

    def _settings(self, payload: bytes) -> None:
        for setting, value in frames.settings(payload):
            if setting == Setting.INITIAL_WINDOW:
                for stream in self._streams.values():
                    stream.window += value - self._initial
                self._initial = value
            elif setting == Setting.FRAME_SIZE:
                self._frame = min(value, _WINDOW)
        self._out.append(_ACK)
        self._wake()

    def _widen(self, number: int, growth: int) -> None:
        if not number:
            self._window += growth
            if self._window > frames.MOST_WINDOW:
                raise ConnectionFault(Code.FLOW_CONTROL)
        elif (stream := self._streams.get(number)) is not None:
            stream.window += growth
            if stream.window > frames.MOST_WINDOW:
                raise ConnectionFault(Code.FLOW_CONTROL)
        self._wake()

    def _wake(self) -> None:
        self._wider.set()
        self._wider = asyncio.Event()

    def _forget(self, number: int) -> None:
        gone = self._streams.pop(number, None)
        if gone is None:
            return
        if gone.task is not None:
            gone.task.cancel()
        else:
            self._held -= len(gone.body)

    # -- what goes out ------------------------------------------------------------------------------

    def _serve(self, number: int, stream: _Stream) -> None:
        asked = self._asked(stream)
        answer, match = self.desk.ask(asked)
        if match is not None and self.desk.waits(match):
            stream.task = asyncio.get_running_loop().create_task(
                self._later(number, stream, asked, answer, match)
            )
        else:
            self._give(number, stream, asked, answer, match)

    async def _later(
        self, number: int, stream: _Stream, asked: Asked, answer: Answer | None, match: Match
    ) -> None:
        await self.desk.until(match.flow)
        stream.task = None
        self._give(number, stream, asked, answer, match)
        if stream.task is None:
            self._streams.pop(number, None)
        self._flush()

    def _give(
        self, number: int, stream: _Stream, asked: Asked, answer: Answer | None, match: Match | None
    ) -> None:
        if answer is None and match is not None and match.flow.abandoned:
            return  # the client gave up, and nobody ends it but the client
        if answer is None or answer.status == 101:
            self._reset(number, Code.INTERNAL)
            return
        said = ((b":status", b"%d" % answer.status), *answers.for_http2(self._lengths(answer, asked.method)))
        block = frames.block(said)
        empty = asked.method == "HEAD" or answer.status in (204, 304) or answer.size == 0
        if empty and not answer.cut and not answer.trailers:
            self._out.append(frames.headers(number, block, END_STREAM))
            return
        self._out.append(frames.headers(number, block, 0))
        body = answer.body
        if (
            body is not None
            and len(body) <= min(stream.window, self._window)
            and not (answer.cut or answer.trailers or self.desk.paced)
            and not (answer.pace and self.desk.timeline is not None)
        ):
            self._window -= len(body)
            self._put(number, body, END_STREAM)
        else:
            stream.task = asyncio.get_running_loop().create_task(self._send(number, stream, answer, match))

    def _asked(self, stream: _Stream) -> Asked:
        pseudo: dict[bytes, str] = {}
        headers = []
        for field_ in stream.headers:
            if field_[0][:1] == b":":
                pseudo[field_[0]] = field_[1].decode("latin-1")
            else:
                headers.append(field_)
        origin = self._origin
        candidates = (pseudo.get(b":authority", ""), origin.tunnel or "", origin.destination)
        scheme = pseudo.get(b":scheme", origin.scheme)
        url = self.desk.base(scheme, candidates) + pseudo.get(b":path", "/")
        content = bytes(stream.body) if stream.size == len(stream.body) else None
        digest = stream.hash.hexdigest() if stream.hash is not None else _EMPTY_HASH
        return Asked(pseudo.get(b":method", "GET"), url, headers, content, digest, self.desk.scope())

    def _lengths(self, answer: Answer, method: str) -> answers.Headers:
        """The headers, with the length that the body has now."""
        if answer.cut or method == "HEAD" or answer.status in (204, 304):
            return answer.headers
        return _with_length(answer.headers, answer.size)

    async def _send(self, number: int, stream: _Stream, answer: Answer, match: Match | None) -> None:
        desk = self.desk
        began = time.monotonic_ns()
        try:
            for t, data in answer.portions(desk.bodies, desk.paced or desk.timeline is not None):
                if desk.timeline is not None:
                    if match is not None:
                        await desk.until(match.flow, t, stream=answer.endless)
                elif (left := began + t - time.monotonic_ns()) > 0:
                    await asyncio.sleep(left / 1e9)
                await self._portion(number, stream, data)
        except ReenactError as error:
            desk.fault(str(error))
            self.close(hard=True)
            return
        if answer.held:
            return
        if answer.cut:
            self._reset(number, Code.INTERNAL)
        elif answer.trailers:
            trailers = frames.block(answers.for_http2(answer.trailers))
            self._out.append(frames.headers(number, trailers, END_STREAM))
        else:
            self._put(number, b"", END_STREAM)
        self._streams.pop(number, None)
        self._flush()

    async def _portion(self, number: int, stream: _Stream, data: bytes) -> None:
        at = 0
        while at < len(data):
            room = min(stream.window, self._window, _WINDOW)
            if room <= 0:
                await self._wider.wait()
                continue
            piece = data[at : at + room]
            at += len(piece)
            stream.window -= len(piece)
            self._window -= len(piece)
            self._put(number, piece, 0)
            self._flush()
            await self.drained()

    def _put(self, number: int, data: bytes, flags: int) -> None:
        """Data that the windows have room for, in as many frames as it needs."""
        most = self._frame
        for at in range(0, len(data) - most, most):
            self._out.append(frames.frame(Kind.DATA, 0, number, data[at : at + most]))
        tail = len(data) - (len(data) - 1) % most - 1 if data else 0
        self._out.append(frames.frame(Kind.DATA, flags, number, data[tail:] if tail else data))

    def _reset(self, number: int, code: Code) -> None:
        self._out.append(frames.number(Kind.RESET, number, code))

    def _flush(self) -> None:
        if self._out:
            self.write(b"".join(self._out))
            self._out.clear()


@lru_cache(maxsize=4096)
def _with_length(headers: answers.Headers, size: int) -> answers.Headers:
    return tuple((n, b"%d" % size if n.lower() == b"content-length" else v) for n, v in headers)
