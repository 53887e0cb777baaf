"""HTTP/2 on one connection: many requests at once, each stream sent as far as the client's windows allow."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error

from recorder.trace.errors import ReenactError
from replay.players.network import answers
from replay.players.network.answers import Answer
from replay.players.network.connection import Connection
from replay.players.network.desk import Desk
from replay.players.network.matching import Asked
from replay.players.network.origin import Origin
from replay.players.network.recording import MOST_PARSED

_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_MOST_HELD = 16 << 20
"""Bytes of unfinished request bodies on one connection."""


@dataclass(slots=True)
class _Stream:
    headers: list[tuple[bytes, bytes]]
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    hash: Any = None


class Http2(Connection):
    def __init__(self, desk: Desk, origin: Origin) -> None:
        super().__init__(desk)
        self._origin = origin
        self._h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_inbound_headers=False,  # what the client sends is matched, not judged
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._streams: dict[int, _Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._held = 0
        self._window = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        for task in self._tasks.values():
            task.cancel()

    # -- what comes in ------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except (H2Error, ValueError, KeyError):  # whatever it sent, it is no HTTP/2
            self._flush()
            self.close()
            return
        self._flush()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._streams[event.stream_id or 0] = _Stream(
                    [(bytes(k), bytes(v)) for k, v in event.headers]
                )
            case DataReceived():
                self._data(event)
            case StreamEnded():
                stream = self._streams.pop(event.stream_id or 0, None)
                if stream is not None:
                    self._held -= len(stream.body)
                    self._serve(event.stream_id or 0, stream)
            case StreamReset():
                gone = self._streams.pop(event.stream_id or 0, None)
                self._held -= len(gone.body) if gone else 0
                if (task := self._tasks.pop(event.stream_id or 0, None)) is not None:
                    task.cancel()
            case WindowUpdated():
                self._wake()
            case ConnectionTerminated():
                self.close()
            case _:
                if type(event).__name__ == "RemoteSettingsChanged":
                    self._wake()

    def _data(self, event: DataReceived) -> None:
        number, data = event.stream_id or 0, event.data or b""
        self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
        stream = self._streams.get(number)
        if stream is None:
            return
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

    def _wake(self) -> None:
        self._window.set()
        self._window = asyncio.Event()

    # -- what goes out ------------------------------------------------------------------------------

    def _serve(self, number: int, stream: _Stream) -> None:
        pseudo = {k: v.decode("latin-1") for k, v in stream.headers if k[:1] == b":"}
        headers = [(k, v) for k, v in stream.headers if k[:1] != b":"]
        origin = self._origin
        candidates = (pseudo.get(b":authority", ""), origin.tunnel or "", origin.destination)
        scheme = pseudo.get(b":scheme", origin.scheme)
        url = self.desk.base(scheme, candidates) + pseudo.get(b":path", "/")
        content = bytes(stream.body) if stream.size == len(stream.body) else None
        digest = stream.hash.hexdigest() if stream.hash is not None else _EMPTY_HASH
        method = pseudo.get(b":method", "GET")
        answer, _ = self.desk.ask(Asked(method, url, headers, content, digest, self.desk.scope()))
        if answer is None or answer.status == 101:
            self._h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
            return
        said = [(b":status", b"%d" % answer.status), *answers.for_http2(self._lengths(answer, method))]
        empty = method == "HEAD" or answer.status in (204, 304) or answer.size == 0
        ends = empty and not answer.cut and not answer.trailers
        self._h2.send_headers(number, said, end_stream=ends)
        if ends:
            return
        body = answer.body
        room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        if body is not None and len(body) <= room and not (answer.cut or answer.trailers or self.desk.paced):
            self._h2.send_data(number, body, end_stream=True)
        else:
            task = asyncio.get_running_loop().create_task(self._send(number, answer))
            self._tasks[number] = task
            task.add_done_callback(lambda _: self._tasks.pop(number, None))

    def _lengths(self, answer: Answer, method: str) -> answers.Headers:
        """The headers, with the length that the body has now."""
        if answer.cut or method == "HEAD" or answer.status in (204, 304):
            return answer.headers
        size = b"%d" % answer.size
        return tuple((n, size if n.lower() == b"content-length" else v) for n, v in answer.headers)

    async def _send(self, number: int, answer: Answer) -> None:
        desk = self.desk
        began = time.monotonic_ns()
        try:
            for t, data in answer.portions(desk.bodies, desk.paced):
                if desk.paced and (left := began + t - time.monotonic_ns()) > 0:
                    await asyncio.sleep(left / 1e9)
                await self._portion(number, data)
            if answer.held:
                return
            if answer.cut:
                self._h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
            elif answer.trailers:
                self._h2.send_headers(number, answers.for_http2(answer.trailers), end_stream=True)
            else:
                self._h2.end_stream(number)
            self._flush()
        except H2Error:  # the client closed the stream meanwhile
            pass
        except ReenactError as error:
            desk.fault(str(error))
            self.close(hard=True)

    async def _portion(self, number: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                await self._window.wait()
                continue
            self._h2.send_data(number, bytes(view[:room]))
            view = view[room:]
            self._flush()
            await self.drained()

    def _flush(self) -> None:
        self.write(self._h2.data_to_send())
