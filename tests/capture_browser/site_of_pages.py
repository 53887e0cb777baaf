"""A web site on loopback that serves what a test gives it, under any host name that ends in `.test`."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """`pages` are bodies by path, `headers` what else is answered with one. Close it at the end."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = site.pages.get(self.path.partition("?")[0])
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body or b"")))
                for name, value in site.headers.get(self.path, {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str = "/", host: str = "site.test") -> str:
        return f"http://{host}:{self._server.server_port}{path}"

    def show(self, html: str, path: str = "/") -> str:
        """Serves a page from now on. Returns its URL."""
        self.pages[path] = html.encode()
        return self.url(path)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
