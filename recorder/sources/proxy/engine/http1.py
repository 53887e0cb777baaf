"""What mitmproxy's HTTP/1 lacks: trailers (it gives up on the connection) and interim responses (taken for the answer).
The latter are not handed on, but noted on the server's connection.

Both are mended in its own classes: they are made deep inside its layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h11
from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import _http1 as original
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestEndOfMessage,
    RequestTrailers,
    ResponseEndOfMessage,
    ResponseTrailers,
)

MOST_INTERIM = 16
INTERIM = "reenact_interim"
"""Of a server's connection: the statuses of interim responses since the last answer."""


def mend() -> None:
    """Puts our versions in place; further calls do nothing."""
    connection: Any = original.Http1Connection
    if getattr(connection, "reenact", False):
        return
    connection.reenact = True
    connection.read_body = _read_body
    for side, trailers, end in (
        (original.Http1Server, ResponseTrailers, ResponseEndOfMessage),
        (original.Http1Client, RequestTrailers, RequestEndOfMessage),
    ):
        _send_trailers(side, trailers, end)
    _skip_interim(original.Http1Client)


def _read_body(self: Any, event: Any) -> Iterator[Any]:
    """As the original, but a chunked body's trailers are handed on."""
    while True:
        try:
            if isinstance(event, events.DataReceived):
                found = self.body_reader(self.buf)
            else:
                found = self.body_reader.read_eof()
        except h11.ProtocolError as error:
            yield commands.CloseConnection(self.conn)
            yield ReceiveHttp(
                self.ReceiveProtocolError(
                    self.stream_id, f"HTTP/1 protocol error: {error}", code=self.ReceiveProtocolError.code
                )
            )
            return
        if found is None:
            return
        if isinstance(found, h11.Data):
            if found.data:
                yield ReceiveHttp(self.ReceiveData(self.stream_id, bytes(found.data)))
            continue
        is_request = isinstance(self, original.Http1Server)
        if found.headers:
            kind = RequestTrailers if is_request else ResponseTrailers
            yield ReceiveHttp(kind(self.stream_id, http.Headers(_raw(found.headers))))
        if self.request.data.method.upper() != b"CONNECT":
            yield ReceiveHttp(self.ReceiveEndOfMessage(self.stream_id))
        yield from self.mark_done(request=is_request, response=not is_request)
        return


def _raw(headers: Any) -> list[tuple[bytes, bytes]]:
    raw_items = getattr(headers, "raw_items", None)
    return list(raw_items()) if raw_items else [(bytes(name), bytes(value)) for name, value in headers]


def _send_trailers(side: Any, trailers: type, end: type) -> None:
    send = side.send

    def with_trailers(self: Any, event: Any) -> Iterator[Any]:
        if isinstance(event, trailers):
            self.reenact_trailers = event.trailers  # type: ignore[attr-defined]
            return
        waiting = self.__dict__.pop("reenact_trailers", None) if isinstance(event, end) else None
        message = self.response if side is original.Http1Server else self.request
        for command in send(self, event):
            if (
                waiting is not None
                and isinstance(command, commands.SendData)
                and command.data == b"0\r\n\r\n"
                and message is not None
            ):
                lines = b"".join(b"%s: %s\r\n" % field for field in waiting.fields)
                command = commands.SendData(command.connection, b"0\r\n" + lines + b"\r\n")
            yield command

    side.send = with_trailers


def _skip_interim(side: Any) -> None:
    read_headers = side.read_headers

    def skipping(self: Any, event: Any) -> Iterator[Any]:
        while isinstance(event, events.DataReceived) and self.request is not None:
            head = bytes(self.buf)[:16]
            if not (head[:7] == b"HTTP/1." and head[9:10] == b"1" and head[9:12] != b"101"):
                break
            lines = self.buf.maybe_extract_lines()
            if not lines:
                return
            interim = http1.read_response_head([bytes(line) for line in lines])
            before = getattr(self.conn, INTERIM, ())
            setattr(self.conn, INTERIM, (*before, interim.status_code)[-MOST_INTERIM:])
        yield from read_headers(self, event)

    side.read_headers = skipping
