"""A site of real pages on loopback: HTTP/1.1 or, by TLS, HTTP/2; with all that pages ask of a server."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import h2.config
import h2.connection
import h2.events
import wsproto
from cryptography.hazmat.primitives import serialization
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from recorder.sources.proxy.authority import Authority

HERE = Path(__file__).parent
PAGES = HERE / "pages"
HOST = "host.reenact.internal"
"""This machine, as an isolated session calls it."""
PLAYWRIGHT = HERE / "node_modules/playwright-core"
TODOS = HERE / "node_modules/mithril"
FONTS = Path("/usr/share/fonts/truetype/dejavu")
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".ttf": "font/ttf",
}
_EVENTS = b"".join(b"id: %d\nevent: tick\ndata: tick %d\n\n" % (n, n) for n in (1, 2, 3))


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Site:
    """A server on 127.0.0.1. With `authority` it speaks TLS, and HTTP/2 to those who know it. `folders` are shown
    by their first path segment; `asked` counts requests by path. What is posted to /api/todos is kept."""

    def __init__(
        self, folder: Path, authority: Authority | None = None, folders: Mapping[str, Path] = {}
    ) -> None:
        self.asked: list[str] = []
        self._folders = {"": PAGES, **folders}
        self._todos: list[Any] = []
        self._context: ssl.SSLContext | None = None
        if authority is not None:
            leaf = authority.leaf(["localhost", "127.0.0.1", HOST])
            key = leaf.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            path = folder / f"site-{id(self)}.pem"
            path.write_bytes(
                key + leaf.certificate.public_bytes(serialization.Encoding.PEM) + authority.pem()
            )
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(path)
            self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    # -- what is answered -----------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path, _, query = target.partition("?")
        self.asked.append(f"{method} {path}")
        if path == "/events":
            return Answer(
                200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")], _EVENTS
            )
        if path == "/api/count":
            return _json({"count": self.asked.count("GET /api/count")})
        if path == "/api/echo":
            return _json({"asked": query, "sent": body.decode()})
        if path == "/api/todos" and method == "POST":
            self._todos = json.loads(body)["todos"]
            return _json({"kept": len(self._todos), "id": json.loads(body)["id"]})
        if path == "/api/todos":
            return _json({"todos": self._todos})
        if path == "/cors":
            origin = headers.get("origin", "")
            allowed = [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Headers", "x-asked")]
            if method == "OPTIONS":
                return Answer(204, [*allowed, ("Access-Control-Allow-Methods", "GET, PUT")], b"")
            return _json({"from": origin, "method": method}, *allowed)
        if path == "/old":
            return Answer(302, [("Location", "/plain.html")], b"")
        if path == "/picture.png":
            return Answer(200, [("Content-Type", "image/png"), ("Cache-Control", "no-store")], _picture())
        return self._file(path, headers)

    def _file(self, path: str, headers: Mapping[str, str]) -> Answer:
        room, _, name = path.lstrip("/").rpartition("/")
        folder = self._folders.get(room)
        file = folder / name if folder and name else None
        if file is None or not file.is_file():
            return Answer(404, [("Content-Type", "text/plain")], b"not here\n")
        content = file.read_bytes()
        tag = f'"{zlib.crc32(content):08x}"'
        cached = [("ETag", tag), ("Cache-Control", "no-cache")]
        if headers.get("if-none-match") == tag:
            return Answer(304, cached, b"")
        kind = [("Content-Type", _KINDS.get(file.suffix, "application/octet-stream")), *cached]
        wanted = headers.get("accept-encoding", "")
        if file.suffix in (".mjs", ".js") and "br" in wanted:
            return Answer(200, [*kind, ("Content-Encoding", "br")], brotli.compress(content))
        if file.suffix in (".css", ".html") and "gzip" in wanted:
            return Answer(200, [*kind, ("Content-Encoding", "gzip")], gzip.compress(content, mtime=0))
        return Answer(200, kind, content)

    # -- HTTP/1.1 -------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError, IndexError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                self._serve_h1(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as stream:
                if stream.selected_alpn_protocol() == "h2":
                    self._serve_h2(stream)
                else:
                    self._serve_h1(stream)

    def _serve_h1(self, stream: socket.socket) -> None:
        file = stream.makefile("rb")
        while line := file.readline():
            method, target, _ = line.decode().split(" ", 2)
            raw, headers = line, {}
            while (line := file.readline()) not in (b"\r\n", b""):
                raw += line
                name, _, value = line.decode().partition(":")
                headers[name.strip().lower()] = value.strip()
            body = file.read(int(headers.get("content-length", 0)))
            if target == "/ws":
                self.asked.append("GET /ws")
                _talk(stream, file, raw + b"\r\n")
                return
            status, said, content = self.answer(method, target, headers, body)
            lines = [f"{name}: {value}" for name, value in said]
            if target == "/events":
                lines.append("Connection: close")
            elif status not in (204, 304):
                lines.append(f"Content-Length: {len(content)}")
            head = "\r\n".join([f"HTTP/1.1 {status} Fine", *lines, "", ""])
            stream.sendall(head.encode() + content)
            if target == "/events":
                return

    # -- HTTP/2 ---------------------------------------------------------------------------------

    def _serve_h2(self, stream: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        stream.sendall(connection.data_to_send())
        asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        left: dict[int, bytes] = {}
        while data := stream.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    asked[event.stream_id] = ({k.decode(): v.decode() for k, v in event.headers}, bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    asked[event.stream_id][1].extend(event.data)
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamReset):
                    left.pop(event.stream_id, None)
                elif isinstance(event, h2.events.StreamEnded):
                    head, body = asked.pop(event.stream_id)
                    status, said, content = self.answer(head[":method"], head[":path"], head, bytes(body))
                    lines = [(":status", str(status)), *((n.lower(), v) for n, v in said)]
                    connection.send_headers(event.stream_id, lines, end_stream=not content)
                    if content:
                        left[event.stream_id] = content
            for number in list(left):
                while content := left.get(number, b""):
                    room = min(
                        connection.local_flow_control_window(number), connection.max_outbound_frame_size
                    )
                    if room <= 0:
                        break
                    left[number] = content[room:]
                    connection.send_data(number, content[:room], end_stream=len(content) <= room)
                if not left[number]:
                    del left[number]
            stream.sendall(connection.data_to_send())


class Sites(NamedTuple):
    """`env` is what the expert's environment needs to trust the secure one."""

    plain: Site
    secure: Site
    env: dict[str, str]

    @property
    def ports(self) -> list[int]:
        return [self.plain.port, self.secure.port]

    def close(self) -> None:
        """Nobody answers any more."""
        self.plain.close()
        self.secure.close()


def _json(value: object, *headers: tuple[str, str]) -> Answer:
    head = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers]
    return Answer(200, head, json.dumps(value).encode())


def _talk(stream: socket.socket, file: Any, raw: bytes) -> None:
    """A WebSocket that greets, and says back what it hears in capitals."""
    ws = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    ws.receive_data(raw)
    while True:
        for event in ws.events():
            if isinstance(event, Request):
                stream.sendall(ws.send(AcceptConnection()) + ws.send(TextMessage(data="welcome")))
            elif isinstance(event, TextMessage):
                stream.sendall(ws.send(TextMessage(data=event.data.upper())))
            elif isinstance(event, CloseConnection):
                stream.sendall(ws.send(event.response()))
                return
        data = file.read1(65536)
        if not data:
            return
        ws.receive_data(data)


def _picture() -> bytes:
    """A PNG of 16 by 16 pixels, in two colours."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    row = b"\0" + b"\x20\x60\xa0" * 8 + b"\xe0\xa0\x20" * 8
    head = struct.pack("!IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(row * 16))
        + chunk(b"IEND", b"")
    )
