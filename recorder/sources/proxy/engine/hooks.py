"""mitmproxy's events, translated to what capture is told."""

from __future__ import annotations

from typing import Any

from recorder.sources.proxy.capture import Capture, Connection, Flow
from recorder.sources.proxy.engine import http1
from recorder.sources.proxy.engine.handler import Hook
from recorder.sources.proxy.engine.interception import Certificates, Pins, RefusedPorts, Routes

_FLOW = "reenact"
_NEXT_TIME = "; the next connection of this program to it is passed through untouched"


class Hooks:
    """One per engine; `table` is what a handler needs."""

    def __init__(
        self, capture: Capture, certificates: Certificates, routes: Routes, ports: RefusedPorts
    ) -> None:
        self._capture = capture
        self._certificates = certificates
        self._routes = routes
        self._ports = ports
        self._pins = Pins()

    def table(self) -> dict[str, Hook]:
        return {
            "next_layer": self._routes.next_layer,
            "client_disconnected": self._client_disconnected,
            "server_connect": self._server_connect,
            "server_connect_error": self._server_connect_error,
            "http_connect": self._http_connect,
            "http_connect_error": self._http_connect_error,
            "http_connect_upstream": lambda _, flow: self._routes.authorize_connect(flow),
            "tls_clienthello": self._tls_clienthello,
            "tls_start_client": lambda _, data: self._certificates.tls_start_client(data),
            "tls_start_server": lambda _, data: self._certificates.tls_start_server(data),
            "tls_established_client": self._tls_established_client,
            "tls_established_server": self._tls_established_server,
            "tls_failed_client": self._tls_failed_client,
            "tls_failed_server": self._tls_failed_server,
            "requestheaders": self._request_head,
            "request": self._request_end,
            "responseheaders": self._response_head,
            "response": self._response_end,
            "error": self._flow_error,
            "websocket_message": self._websocket_message,
            "websocket_end": self._websocket_end,
            "tcp_message": self._tcp_message,
        }

    # -- connections ----------------------------------------------------------------------------

    def _client_disconnected(self, record: Connection, client: Any) -> None:
        self._capture.closed(record)

    def _http_connect(self, record: Connection, flow: Any) -> None:
        record.target = target(flow.request.host, flow.request.port)

    def _http_connect_error(self, record: Connection, flow: Any) -> None:
        record.failed(record.error or "there was no connection")

    def _server_connect(self, record: Connection, data: Any) -> None:
        host, port = data.server.address[:2]
        if self._ports.refuses(host, port):
            data.server.error = "a control port of the recorder is not for programs"

    def _server_connect_error(self, record: Connection, data: Any) -> None:
        record.error = data.server.error
        if record.arrival.destination is not None and not record.captured:
            record.failed(f"there was no connection: {data.server.error}")

    # -- TLS ------------------------------------------------------------------------------------

    def _tls_clienthello(self, record: Connection, data: Any) -> None:
        key = _pin(record, data.context)
        if key in self._pins:
            data.ignore_connection = True
            record.passed(f"{key[0] or 'the program'} refused our certificate for {key[1]} before")
            return
        self._certificates.tls_clienthello(data)

    def _tls_established_client(self, record: Connection, data: Any) -> None:
        record.tls = data.conn.tls_version
        record.alpn = (data.conn.alpn or b"").decode(errors="replace")

    def _tls_established_server(self, record: Connection, data: Any) -> None:
        wrong = self._certificates.verified(data)
        if wrong is not None:
            record.error = f"the origin's certificate does not verify: {wrong}"

    def _tls_failed_client(self, record: Connection, data: Any) -> None:
        error = data.conn.error or "the handshake failed"
        if record.error is not None:
            # Ours only mirrored what is wrong with the origin's.
            record.failed(record.error)
            return
        key = _pin(record, data.context)
        again = self._pins.refused(*key, error)
        record.failed(f"the program refused our certificate: {error}" + (_NEXT_TIME if again else ""))

    def _tls_failed_server(self, record: Connection, data: Any) -> None:
        # It may want the program's own certificate, which only the program can show.
        error = data.conn.error or "the handshake failed"
        self._pins.refused(*_pin(record, data.context), "alert")
        record.error = f"no TLS with the origin: {error}{_NEXT_TIME}"

    # -- flows ----------------------------------------------------------------------------------

    def _request_head(self, record: Connection, flow: Any) -> None:
        request = flow.request
        if record.target is None:
            record.target = target(request.host, request.port)
        headers = request.headers
        told = self._capture.requested(
            record,
            method=request.data.method.decode(errors="replace"),
            url=_url(record, request),
            version=_version(request.data.http_version),
            headers=headers.fields,
            body=b"content-length" in (names := {name.lower() for name, _ in headers.fields})
            or b"transfer-encoding" in names
            or request.is_http2,
            content=_content(headers),
        )
        flow.metadata[_FLOW] = told
        self._routes.authorize_request(flow)

        def piece(data: bytes) -> bytes:
            told.request_piece(data)
            return data

        request.stream = piece

    def _request_end(self, record: Connection, flow: Any) -> None:
        told = _told(flow)
        if told is not None:
            told.request_end(flow.request.trailers.fields if flow.request.trailers else ())

    def _response_head(self, record: Connection, flow: Any) -> None:
        told, response = _told(flow), flow.response
        if told is None:
            return
        told.response(
            response.status_code,
            response.reason or "",
            _version(response.data.http_version),
            response.headers.fields,
            content=_content(response.headers),
            server=_server(flow.server_conn),
            interim=vars(flow.server_conn).pop(http1.INTERIM, ()),
        )
        if response.status_code == 101:
            return

        def piece(data: bytes) -> bytes:
            told.response_piece(data)
            return data

        response.stream = piece

    def _response_end(self, record: Connection, flow: Any) -> None:
        told, response = _told(flow), flow.response
        if told is None:
            return
        if response.status_code == 101 and flow.websocket is None:
            told.upgraded(response.headers.get("upgrade", "another protocol"))
        told.response_end(response.trailers.fields if response.trailers else ())

    def _flow_error(self, record: Connection, flow: Any) -> None:
        told = _told(flow)
        if told is not None:
            told.failed(flow.error.msg)
        # A page that tells of it would come from an origin, as far as the program knows.
        record.silent = record.arrival.destination is not None and not flow.request.is_http2

    def _websocket_message(self, record: Connection, flow: Any) -> None:
        told, message = _told(flow), flow.websocket.messages[-1]
        flow.websocket.messages.clear()
        if told is not None:
            told.message(message.content, sent=message.from_client, text=message.is_text)

    def _websocket_end(self, record: Connection, flow: Any) -> None:
        told, end = _told(flow), flow.websocket
        if told is not None:
            told.closed(sent=bool(end.closed_by_client), code=end.close_code, reason=end.close_reason or "")

    def _tcp_message(self, record: Connection, flow: Any) -> None:
        flow.messages.clear()


def _url(record: Connection, request: Any) -> str:
    """The URL as the program named it."""
    if record.arrival.destination is None:
        return str(request.url)
    if request.host_header:
        return str(request.pretty_url)
    return f"{request.scheme}://{record.target}{request.path}"


def _told(flow: Any) -> Flow | None:
    told: Flow | None = flow.metadata.get(_FLOW)
    return told


def target(host: str, port: int) -> str:
    """host:port, as events have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(server: Any) -> str | None:
    """The address of the origin, unless only another proxy knows it."""
    return None if server.via or not server.peername else str(server.peername[0])[:64]


def _pin(record: Connection, context: Any) -> tuple[str, str]:
    host = context.client.sni or (context.server.address[0] if context.server.address else "")
    return record.arrival.cause.process, host


def _version(version: bytes) -> str:
    return {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0", b"HTTP/2.0": "2", b"HTTP/2": "2"}.get(
        version, version.decode(errors="replace").removeprefix("HTTP/")
    )


def _content(headers: Any) -> tuple[str, str]:
    return headers.get("content-type", ""), headers.get("content-encoding", "")
