"""A web service on this machine, for sessions that talk to one: up while they are recorded, gone afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """A request: path without query, the query's fields, headers by lower-case name, body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """A response. A body that is an iterator is sent in chunks, as they come."""

    body: bytes | Iterator[bytes]
    status: int = 200
    headers: Mapping[str, str] = {}


Service = Callable[[Asked], Answer]
"""Called in a thread of its own for each request; may block, and count."""


@contextmanager
def origin(variable: str, service: Callable[[], Service]) -> Iterator[dict[str, str]]:
    """A new service on a free port of loopback. Gives the environment in which `variable` is its address."""
    answer = service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            split = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            asked = Asked(self.command, split.path, dict(parse_qsl(split.query)), headers, body)
            found = answer(asked)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            if isinstance(found.body, bytes):
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(found.body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in found.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that went away

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield {variable: f"http://127.0.0.1:{server.server_port}"}
        finally:
            server.shutdown()
            thread.join()
