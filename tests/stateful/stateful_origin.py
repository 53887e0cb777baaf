"""One server that remembers: counts, logs people in, gives out tokens once, resumes, breaks off, keeps silent."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BIG = bytes(range(256)) * 256
TAG = f'"{hashlib.sha256(BIG).hexdigest()[:12]}"'
_PART = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)")?')


class Origin:
    """Serves on 127.0.0.1 until `close`."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sessions: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.things: dict[str, str] = {}
        self.lock = threading.Lock()
        self.over = threading.Event()

        class Bound(Handler):
            origin = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Nobody answers any more."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin: Origin

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._route()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - what the library calls

    def _route(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.body = self._read()
        first, _, self.rest = parts.path.strip("/").partition("/")
        getattr(self, f"at_{first}", self.at_nothing)()

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def say(self, body: bytes | str, status: int = 200, *headers: tuple[str, str]) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    def json(self, value: object, *headers: tuple[str, str], status: int = 200) -> None:
        body = json.dumps(value).encode() + b"\n"
        extra = [("Content-Type", "application/json"), *headers]
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            extra.append(("Content-Encoding", "gzip"))
        self.say(body, status, *extra)

    @property
    def cookies(self) -> dict[str, str]:
        found = (one.strip().partition("=") for one in self.headers.get("Cookie", "").split(";"))
        return {name: value for name, _, value in found if name}

    # -- what there is --------------------------------------------------------------------------

    def at_nothing(self) -> None:
        self.say("not here\n", 404)

    def at_count(self) -> None:
        """How often this path was asked for."""
        with self.origin.lock:
            number = self.origin.counts[self.path] = self.origin.counts.get(self.path, 0) + 1
        self.say(f"{self.rest or 'count'} {number}\n")

    def at_data(self) -> None:
        """The same whatever the query."""
        with self.origin.lock:
            number = self.origin.counts["data"] = self.origin.counts.get("data", 0) + 1
        self.say(f"data {number}\n")

    def at_order(self) -> None:
        """A POST with a nonce and a time; said back in JSON, and the thing that was made has the nonce for a name."""
        sent = json.loads(self.body)
        self.origin.things[sent["nonce"]] = sent["what"]
        self.json(
            {"made": sent["what"], "nonce": sent["nonce"], "at": sent["at"]},
            ("Location", f"/thing/{sent['nonce']}"),
            status=201,
        )

    def at_thing(self) -> None:
        self.json({"thing": self.origin.things[self.rest], "id": self.rest})

    def at_rpc(self) -> None:
        call = json.loads(self.body)
        self.json({"jsonrpc": "2.0", "id": call["id"], "result": call["params"]["n"] * 2})

    def at_jsonp(self) -> None:
        self.say(f"{self.query['callback']}({{}});\n")

    def at_login(self) -> None:
        if self.command == "GET":
            token = secrets.token_urlsafe(24)
            self.origin.tokens.add(token)
            form = f'<form><input name="csrf_token" value="{html.escape(token)}"><input name="password"></form>\n'
            self.say(form, 200, ("Set-Cookie", f"visit={secrets.token_hex(16)}; Path=/; HttpOnly"))
            return
        sent = {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}
        if sent.get("csrf_token") not in self.origin.tokens or "visit" not in self.cookies:
            self.say("no such form\n", 403)
            return
        self.origin.tokens.discard(sent["csrf_token"])
        session = secrets.token_hex(20)
        self.origin.sessions[session] = sent["user"]
        self.say("", 303, ("Location", "/home"), ("Set-Cookie", f"session={session}; Path=/; HttpOnly"))

    def at_home(self) -> None:
        name = self.origin.sessions.get(self.cookies.get("session", ""))
        if name is None:
            self.say("log in first\n", 401)
        else:
            with self.origin.lock:
                number = self.origin.counts[name] = self.origin.counts.get(name, 0) + 1
            self.say(f"welcome {name}, visit {number}\n")

    def at_basic(self) -> None:
        if self.headers.get("Authorization", "").startswith("Basic "):
            self.say("let in\n")
        else:
            self.say("who are you\n", 401, ("WWW-Authenticate", 'Basic realm="here"'))

    def at_digest(self) -> None:
        if self.headers.get("Authorization", "").startswith("Digest "):
            self.say("let in by digest\n")
        else:
            ask = f'Digest realm="here", qop="auth", algorithm=MD5, nonce="{secrets.token_hex(16)}"'
            self.say("who are you\n", 401, ("WWW-Authenticate", ask))

    def at_file(self) -> None:
        """A file that can be asked for in parts, and whether it has changed."""
        head = [("ETag", TAG), ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"), ("Accept-Ranges", "bytes")]
        if self.headers.get("If-None-Match") == TAG or "If-Modified-Since" in self.headers:
            self.say("", 304, *head)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None or self.headers.get("If-Range", TAG) != TAG:
            self.say(BIG, 200, *head)
            return
        first, last = int(wanted[1]), int(wanted[2] or len(BIG) - 1)
        if first >= len(BIG):
            self.say("", 416, *head, ("Content-Range", f"bytes */{len(BIG)}"))
            return
        self.say(BIG[first : last + 1], 206, *head, ("Content-Range", f"bytes {first}-{last}/{len(BIG)}"))

    def at_hop(self) -> None:
        """A chain of redirects, each of another kind; on the way a cookie is given that the end wants to see."""
        left = int(self.rest)
        if left == 0:
            self.say(f"arrived by {self.command} with {self.cookies.get('way', 'nothing')}\n")
            return
        status = (301, 302, 303, 307, 308)[left % 5]
        cookie = [("Set-Cookie", "way=marked; Path=/")] if left == 3 else []
        self.say("", status, ("Location", f"/hop/{left - 1}"), *cookie)

    def at_upload(self) -> None:
        """What came, part by part."""
        kind = self.headers.get("Content-Type", "")
        if "boundary=" not in kind:
            self.say(
                f"{self.command} of {len(self.body)} bytes, {hashlib.sha256(self.body).hexdigest()[:12]}\n"
            )
            return
        boundary = b"--" + kind.partition("boundary=")[2].encode()
        lines = []
        for part in self.body.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = _PART.search(head)
            assert name is not None
            said = b" as ".join(word for word in name.groups() if word).decode()
            lines.append(f"{said}: {len(content) - 2} bytes")
        self.say("\n".join(lines) + "\n")

    def at_empty(self) -> None:
        self.say("", 204, ("X-Was", self.command))

    def at_put(self) -> None:
        """If-Match as editors of documents use it."""
        known = self.origin.things.get("document", "one")
        if self.command == "PUT":
            if self.headers.get("If-Match") != f'"{known}"':
                self.say("it has changed\n", 412)
                return
            known = self.origin.things["document"] = self.body.decode()
        self.say(f"document {known}\n", 200, ("ETag", f'"{known}"'))

    def at_busy(self) -> None:
        """Twice too busy."""
        with self.origin.lock:
            number = self.origin.counts["busy"] = self.origin.counts.get("busy", 0) + 1
        if number % 3:
            self.say("later\n", 503, ("Retry-After", "0"))
        else:
            self.say("now\n")

    def at_pages(self) -> None:
        """Page by page, each naming the next by a cursor that nobody can guess."""
        number = int(self.origin.things.get(self.query.get("cursor", ""), "1"))
        cursor = secrets.token_urlsafe(18)
        self.origin.things[cursor] = str(number + 1)
        self.json({"page": number, "next": cursor if number < 4 else None})

    def at_cut(self) -> None:
        """Ends before it is complete."""
        self.send_response(200)
        if self.rest == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nhalf o\r\n20\r\nf it")
        else:
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half of it\n")
        self.close_connection = True

    def at_gone(self) -> None:
        """Hangs up without a word."""
        self.close_connection = True

    def at_silent(self) -> None:
        """Says nothing (more), and keeps the connection."""
        if self.rest == "then":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"so far\n")
            self.wfile.flush()
        self.origin.over.wait(60)
        self.close_connection = True
