"""A small site that keeps a list: a page, its style and script (compressed), a form's answer, a redirect, events."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PAGE = """<!doctype html><title>Purchases</title><link rel=stylesheet href=/style.css>
<script src=/script.js defer></script>
<h1>Purchases</h1><label>What <input id=what></label> <button id=add>Add</button><ul id=list></ul>
<a href=/about target=_blank>About</a>"""
_ME = b"""<!doctype html><script>document.title = `${localStorage.name}: ${document.cookie}`</script><p>Me"""
_FRAMED = """<!doctype html><title>Framed</title><button>Tick</button><iframe src="THERE"></iframe>
<script>document.querySelector("button").onclick = () => { document.title += "!"; };</script>"""
_SCRIPT = """
add.onclick = async () => {
  const answer = await fetch("/items?by=form", {method: "POST", body: new URLSearchParams({what: what.value})});
  const entry = (item) => Object.assign(document.createElement("li"), {textContent: item});
  list.replaceChildren(...(await answer.json()).map(entry));
  what.value = "";
};
new EventSource("/news").onmessage = (event) => { document.title = `Purchases (${event.data})`; };
"""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/":
                self._answer(
                    _PAGE.encode(), "text/html", [("set-cookie", "seen=1"), ("set-cookie", "kind=list")]
                )
            case "/me":
                self._answer(_ME, "text/html")
            case "/framed":
                there = f"http://localhost:{self.server.server_port}/about/us"  # another site than 127.0.0.1
                self._answer(_FRAMED.replace("THERE", there).encode(), "text/html")
            case "/style.css":
                self._answer(b"li { color: green }", "text/css")
            case "/script.js":
                self._answer(
                    gzip.compress(_SCRIPT.encode()), "text/javascript", [("content-encoding", "gzip")]
                )
            case "/news":
                self._answer(b"data: one\n\ndata: two\n\nretry: 3600000\n\n", "text/event-stream")
            case "/about":
                self._answer(b"", "text/plain", [("location", "/about/us")], 302)
            case "/about/us":
                self._answer(b"<!doctype html><title>About</title><p>All about us", "text/html")
            case _:
                self._answer(b"no such page", "text/plain", status=404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.items.append(body.partition("=")[2])
        listed = ",".join(f'"{item}"' for item in self.server.items)
        self._answer(f"[{listed}]".encode(), "application/json")

    def _answer(
        self, body: bytes, kind: str, more: Iterable[tuple[str, str]] = (), status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in [("content-type", kind), ("content-length", str(len(body))), *more]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.items: list[str] = []


class Site:
    """Serves until `close`; `url` is its page, `items` what was added."""

    def __init__(self) -> None:
        self._server = _Server()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def items(self) -> list[str]:
        return self._server.items

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
