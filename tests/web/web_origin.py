"""An origin on loopback: pages, packages' files, and what pages ask of a server, with state that tests look at."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import re
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from hypercorn.asyncio import serve
from hypercorn.config import Config

HERE = Path(__file__).resolve().parent
FOLDERS = {"npm": HERE / "node_modules", "built": HERE / "built"}
PAGES = HERE / "pages"
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Rows = list[dict[str, Any]]


class Origin:
    """Serves `pages/` at /, packages at /npm/, bundles at /built/, and collections of rows at /api/NAME[/ID] in the
    manner of json-server. /upload keeps files, /export/NAME.csv gives a collection as a download, /chat is a
    WebSocket that answers, /prices tells of server-sent events, /slow answers late, /tiles draws a map's."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}
        self.files: dict[str, bytes] = {}
        self.said: list[str] = []
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._runner = asyncio.Runner()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        """Nobody answers there any more."""
        self._runner.get_loop().call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self._runner.close()
        self._listener.close()

    def _run(self) -> None:
        config = Config()
        config.bind = [f"fd://{self._listener.detach()}"]
        config.graceful_timeout = 0.2
        config.errorlog = None
        self._runner.run(serve(self, config, shutdown_trigger=self._ended.wait))  # type: ignore[arg-type]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for reply in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": reply})
        elif scope["type"] == "websocket":
            await self._chat(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        method, path = scope["method"], unquote(scope["path"])
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part["body"]
            if not part.get("more_body"):
                break
        self.asked.append(f"{method} {path}")
        first, _, rest = path.lstrip("/").partition("/")
        if first == "prices":
            await self._prices(send)
        elif first == "api":
            query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
            await _send(send, *self._collection(method, rest, query, body))
        elif first == "upload":
            kept = self._keep(dict(scope["headers"])[b"content-type"].decode(), body)
            await _send(send, 200, "application/json", json.dumps({"kept": kept}).encode())
        elif first == "export":
            await _send(
                send,
                200,
                "text/csv",
                self._csv(rest),
                {"content-disposition": f"attachment; filename={rest}"},
            )
        elif first == "tiles":
            await _send(send, 200, "image/svg+xml", _tile(rest))
        else:
            await self._file(
                FOLDERS.get(first, PAGES) / (rest if first in FOLDERS else path.lstrip("/")), send
            )

    async def _file(self, file: Path, send: Send) -> None:
        if not file.is_file():
            await _send(send, 404, "text/plain", b"not here\n")
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind = "text/javascript" if file.suffix == ".mjs" else kind
        text = "; charset=utf-8" if kind.startswith("text/") else ""
        await _send(send, 200, kind + text, file.read_bytes())

    # -- rows -----------------------------------------------------------------------------------

    def _collection(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes, dict[str, str]]:
        name, _, ident = path.partition("/")
        rows = self.rows.setdefault(name, [])
        found = next((row for row in rows if str(row["id"]) == ident), None)
        answer: Any
        if method == "POST":
            answer = {"id": max((row["id"] for row in rows), default=0) + 1} | json.loads(body)
            rows.append(answer)
        elif not ident:
            answer = _chosen(rows, query)
            total = {"x-total-count": str(len(_filtered(rows, query)))}
            return 200, "application/json", json.dumps(answer).encode(), total
        elif found is None:
            return 404, "application/json", b"{}", {}
        elif method in ("PUT", "PATCH"):
            found.update(json.loads(body))
            answer = found
        elif method == "DELETE":
            rows.remove(found)
            answer = {}
        else:
            answer = found
        return (201 if method == "POST" else 200), "application/json", json.dumps(answer).encode(), {}

    def _csv(self, file: str) -> bytes:
        rows = self.rows.get(file.removesuffix(".csv"), [])
        lines = [list(rows[0])] if rows else []
        lines += [[str(value) for value in row.values()] for row in rows]
        return "".join(",".join(line) + "\n" for line in lines).encode()

    def _keep(self, kind: str, body: bytes) -> list[str]:
        edge = kind.partition("boundary=")[2].encode()
        kept = []
        for part in body.split(b"--" + edge)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            if (name := re.search(rb'filename="([^"]*)"', head)) is not None:
                kept.append(name[1].decode())
                self.files[kept[-1]] = content[:-2]
        return kept

    # -- what goes on -----------------------------------------------------------------------------

    async def _chat(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "Ada: anybody here?"})
        while (message := await receive())["type"] == "websocket.receive":
            said = message["text"]
            self.said.append(said)
            await send({"type": "websocket.send", "text": f"You: {said}"})
            await send({"type": "websocket.send", "text": f"Ada: what do you mean by “{said}”?"})

    async def _prices(self, send: Send) -> None:
        head = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for number in range(1, 6):
            price = json.dumps({"name": "ACME", "price": 100 + number * number})
            event = f"id: {number}\ndata: {price}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.sleep(0.1)  # as a dashboard's figures come: one after another
        await self._ended.wait()


def _filtered(rows: Rows, query: dict[str, str]) -> Rows:
    wanted = {
        name: value for name, value in query.items() if not name.startswith("_") and name not in ("q", "id")
    }
    text = query.get("q", "").lower()
    return [
        row
        for row in rows
        if all(str(row.get(name)) == value for name, value in wanted.items())
        and (not text or text in json.dumps(row).lower())
    ]


def _chosen(rows: Rows, query: dict[str, str]) -> Rows:
    """A page of the rows, sorted as asked for."""
    found = _filtered(rows, query)
    if "_sort" in query:
        found = sorted(
            found, key=lambda row: row.get(query["_sort"], ""), reverse=query.get("_order") == "DESC"
        )
    return found[int(query.get("_start", 0)) : int(query.get("_end", len(found)))]


def _tile(name: str) -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" '
        f'fill="#cde" stroke="#89a"/><text x="20" y="130" font-size="24">{name}</text></svg>'
    ).encode()


async def _send(send: Send, status: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
    headers = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-cache"} | (
        more or {}
    )
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
