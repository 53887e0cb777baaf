"""Real servers on loopback, HTTP/1.1 written by hand so that every odd thing on the wire is as a test wants it."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.events
import wsproto
from cryptography.hazmat.primitives import serialization
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

from recorder.sources.proxy.authority import Authority

Headers = dict[str, str]


class Origin:
    """A server on 127.0.0.1. With `authority` it speaks TLS as `names`; `alpn` is what it offers then."""

    def __init__(
        self,
        folder: Path | None = None,
        authority: Authority | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
        names: tuple[str, ...] = ("localhost",),
    ) -> None:
        self.seen: list[tuple[str, str, Headers, bytes]] = []
        self.go_on = threading.Event()
        self.h2c = False
        self._context: ssl.SSLContext | None = None
        if authority is not None:
            assert folder is not None
            leaf = authority.leaf(names)
            path = folder / f"origin-{id(self)}.pem"
            path.write_bytes(
                leaf.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + leaf.certificate.public_bytes(serialization.Encoding.PEM)
                + authority.pem()
            )
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(path)
            self._context.set_alpn_protocols(list(alpn))
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def url(self, path: str = "/hello", scheme: str | None = None) -> str:
        scheme = scheme or ("https" if self._context else "http")
        return f"{scheme}://{'localhost' if self._context else '127.0.0.1'}:{self.port}{path}"

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError, ValueError), ExitStack() as stack:
            stack.enter_context(connection)
            stream: socket.socket = connection
            if self._context is not None:
                stream = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
                if stream.selected_alpn_protocol() == "h2":  # type: ignore[attr-defined]
                    self._serve_h2(stream)
                    return
            elif self.h2c:
                self._serve_h2(stream)
                return
            file = stack.enter_context(stream.makefile("rb"))
            while self._one(stream, file):
                pass
            stream.shutdown(socket.SHUT_WR)

    # -- HTTP/1.1 -------------------------------------------------------------------------------

    def _one(self, stream: socket.socket, file) -> bool:  # type: ignore[no-untyped-def]
        line = file.readline()
        if not line:
            return False
        method, target, _ = line.decode().split(" ", 2)
        headers: Headers = {}
        raw = line
        while (line := file.readline()) not in (b"\r\n", b""):
            raw += line
            name, _, value = line.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(file.readline(), 16):
                body += file.read(size)
                file.readline()
            while file.readline() not in (b"\r\n", b""):
                pass
        else:
            left = int(headers.get("content-length", 0))
            while left and (data := file.read(min(left, 65536))):
                left -= len(data)
                if len(body) < 1 << 20:
                    body += data
        path = urlsplit(target).path
        self.seen.append((method, target, headers, body))
        query = {k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}
        route: Callable[..., bool] | None = getattr(self, "_at_" + path.strip("/").replace("/", "_"), None)
        if route is not None:
            return route(stream, file, headers, query, raw + b"\r\n", body)
        stream.sendall(_head(200, {"Content-Length": str(len(body or b"hello"))}) + (body or b"hello"))
        return True

    def _at_chunked(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(_head(200, {"Transfer-Encoding": "chunked"}) + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        return True

    def _at_trailers(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(
            _head(200, {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
            + b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n"
        )
        return True

    def _at_gzip(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        body = gzip.compress(b"squeezed " * 100, mtime=0)
        stream.sendall(_head(200, {"Content-Encoding": "gzip", "Content-Length": str(len(body))}) + body)
        return True

    def _at_sse(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(_head(200, {"Content-Type": "text/event-stream"}) + b"data: one\n\n")
        self.go_on.wait(30)
        stream.sendall(b"data: two\n\n")
        return False

    def _at_abort(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(_head(200, {"Content-Length": "1000"}) + b"x" * 500)
        return False

    def _at_abortchunked(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(_head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n10\r\nhal")
        return False

    def _at_interim(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
            + _head(200, {"Content-Length": "2"})
            + b"ok"
        )
        return True

    def _at_big(self, stream, file, headers, query, *_) -> bool:  # type: ignore[no-untyped-def]
        size = int(query["n"])
        stream.sendall(_head(200, {"Content-Length": str(size)}))
        block = bytes(range(256)) * 1024
        while size:
            stream.sendall(block[:size])
            size -= min(size, len(block))
        return True

    def _at_slow(self, stream, *_) -> bool:  # type: ignore[no-untyped-def]
        self.go_on.wait(30)
        stream.sendall(_head(200, {"Content-Length": "4"}) + b"late")
        return True

    def _at_pipe(self, stream, file, headers, *_) -> bool:  # type: ignore[no-untyped-def]
        stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: pipe\r\n\r\n")
        while data := file.readline():
            stream.sendall(data.upper())
        return False

    def _at_ws(self, stream, file, headers, query, raw, _) -> bool:  # type: ignore[no-untyped-def]
        ws = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        ws.receive_data(raw)
        while True:
            for event in ws.events():
                if isinstance(event, Request):
                    packing = [PerMessageDeflate()] if "deflate" in query else []
                    stream.sendall(ws.send(AcceptConnection(extensions=packing)))
                elif isinstance(event, TextMessage):
                    if event.data == "drop":
                        return False
                    stream.sendall(ws.send(TextMessage(data=event.data.upper())))
                elif isinstance(event, BytesMessage):
                    stream.sendall(ws.send(BytesMessage(data=bytes(event.data)[::-1])))
                elif isinstance(event, CloseConnection):
                    stream.sendall(ws.send(event.response()))
                    return False
            data = file.read1(65536)
            if not data:
                return False
            ws.receive_data(data)

    # -- HTTP/2 ---------------------------------------------------------------------------------

    def _serve_h2(self, stream: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        stream.sendall(connection.data_to_send())
        requests: dict[int, tuple[dict[str, str], bytearray]] = {}
        while data := stream.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    head = {k.decode(): v.decode() for k, v in event.headers}
                    requests[event.stream_id] = (head, bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    requests[event.stream_id][1].extend(event.data)
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    head, body = requests.pop(event.stream_id)
                    self.seen.append((head[":method"], head[":path"], head, bytes(body)))
                    answer = bytes(body) or b"hello"
                    trailers = head[":path"] == "/trailers"
                    if head[":path"] == "/interim":
                        connection.send_headers(event.stream_id, [(":status", "103"), ("link", "</a.css>")])
                    connection.send_headers(event.stream_id, [(":status", "200"), ("x-origin", "h2")])
                    connection.send_data(event.stream_id, answer, end_stream=not trailers)
                    if trailers:
                        connection.send_headers(event.stream_id, [("x-sum", "42")], end_stream=True)
            stream.sendall(connection.data_to_send())


def _head(status: int, headers: Headers) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Fine\r\n{lines}\r\n".encode()
