"""What goes back for a request, before it takes the form of one protocol. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from replay.players.network.matching import Match, Miss
from replay.players.network.recording import Flow

IN_MEMORY = 4 << 20
"""Bytes up to which a body is held whole; a larger one is read portion by portion while it is sent."""
_APART, _LONGEST = 30_000_000, 2_000_000_000
"""Nanoseconds between the pieces of an answer that its client left, and for all of it."""
_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"te")
)
"""Header names that belong to one HTTP/1 connection, not to the answer."""
_OF_A_CACHE = frozenset((b"etag", b"last-modified", b"cache-control", b"expires", b"vary", b"date"))
"""What a server says again of an answer that still holds."""
Headers = tuple[tuple[bytes, bytes], ...]


class Bodies(Protocol):
    """Where bodies are read from. A trace is one."""

    def blob(self, digest: str) -> bytes: ...

    def stream_blob(self, digest: str) -> Iterator[bytes]: ...


@dataclass(slots=True)  # not frozen: made for each request, and that makes it three times as slow
class Answer:
    """`body` is null where it is to be read from `digest`, portion by portion; `size` is what comes then.

    `cut`: it ends before it is complete, by the server's doing, or (`held`) by the client's: then nobody ends it.
    """

    status: int
    reason: bytes
    version: str
    headers: Headers
    trailers: Headers
    body: bytes | None
    digest: str | None
    size: int
    pace: tuple[tuple[int, int], ...] = ()
    cut: bool = False
    held: bool = False
    first_byte: int = 0

    @property
    def endless(self) -> bool:
        """A stream of events: nobody waits for its end."""
        return (self.header(b"content-type") or b"").startswith(b"text/event-stream")

    def header(self, name: bytes) -> bytes | None:
        """The first value under this lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def portions(self, bodies: Bodies, paced: bool) -> Iterator[tuple[int, bytes]]:
        """(ns after the request, bytes) of the body in order, in the recorded pieces where it was paced.

        Not `paced`, an answer that its client left comes in pieces a little apart all the same: so the client can leave
        after the same one.
        """
        content = iter((self.body,)) if self.body is not None else bodies.stream_blob(self.digest or "")
        if not self.pace:
            yield from ((self.first_byte if paced else 0, data) for data in content if data)
            return
        held = b""
        apart = min(_APART, _LONGEST // len(self.pace)) if self.held else 0
        for number, (t, length) in enumerate(self.pace):
            while len(held) < length and (more := next(content, None)) is not None:
                held += more
            yield t if paced else number * apart, held[:length]
            held = held[length:]
        yield from ((0, data) for data in (held, *content) if data)


def recorded(flow: Flow, match: Match, body: bytes | None) -> Answer | None:
    """The flow's answer with what the match puts in its place; null where there was none, or it was not kept.

    `body` is its content, null where it is larger than `IN_MEMORY`.
    """
    said = flow.response
    if said is None or said.body.skipped is not None:
        return None
    headers = said.headers
    if match.held:
        kept = tuple((name, value) for name, value in headers if name.lower() in _OF_A_CACHE)
        return Answer(304, b"Not Modified", said.version, kept, (), b"", None, 0)
    if match.echo is not None:
        if body is not None:
            body = match.echo.body(headers, body)
        headers = match.echo.headers(headers)
    size = said.body.size if body is None else len(body)
    pace = said.pace if size == said.body.size else ()
    cut = said.body.partial
    return Answer(
        said.status,
        _reason(said.reason),
        said.version,
        headers,
        said.trailers,
        body,
        said.body.blob,
        size,
        pace,
        cut,
        cut and flow.abandoned,
        said.first_byte,
    )


@lru_cache(maxsize=256)
def _reason(text: str) -> bytes:
    return text.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b" ")


def missed(miss: Miss) -> Answer:
    """For a request that nothing recorded answers: an error that no client takes for the page."""
    near = f"; nearest: {miss.flow}\n  {miss.parting}" if miss.flow else ""
    return failure(f"no recorded answer to {miss.asked}{near}")


def failure(text: str) -> Answer:
    """502, with the reason for whoever reads the body."""
    body = f"reenact: {text}\n".encode("utf-8", "backslashreplace")[:4096]
    headers = (
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", b"%d" % len(body)),
        (b"X-Reenact", b"no recorded answer"),
        (b"Connection", b"close"),
    )
    return Answer(502, b"Bad Gateway", "1.1", headers, (), body, None, len(body))


def gateway_error(engine: str, error: str) -> Answer:
    """What the recording proxy told its client where the origin gave no answer; its own page is in no recording."""
    page = (
        "<html>\n<head>\n    <title>502 Bad Gateway</title>\n</head>\n<body>\n    <h1>502 Bad Gateway</h1>\n"
        f"    <p>{html.escape(error)}</p>\n</body>\n</html>"
    )
    body = page.encode("utf-8", "replace")
    headers = (
        (b"Server", engine.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")),
        (b"Connection", b"close"),
        (b"Content-Type", b"text/html"),
        (b"content-length", b"%d" % len(body)),
    )
    return Answer(502, b"Bad Gateway", "1.1", headers, (), body, None, len(body))


@dataclass(frozen=True, slots=True)
class Framed:
    """An answer as HTTP/1 carries it. `chunked`: portions go as chunks. `close`: the connection ends after it."""

    head: bytes
    bodyless: bool
    chunked: bool
    close: bool


def framed(answer: Answer, method: str, version: str, keep: bool) -> Framed:
    """The answer's head for an HTTP/1 client that speaks `version` and would `keep` the connection.

    Names, case and order are the recorded ones. What says where the body ends is recorded too, unless that would
    be wrong here: another length after a substitution, chunks to a client of HTTP/1.0, an answer that came by HTTP/2.
    """
    status = answer.status
    bodyless = method == "HEAD" or status < 200 or status in (204, 304)
    return _framed(
        status,
        answer.reason,
        answer.version,
        answer.headers,
        answer.size,
        answer.cut,
        bodyless,
        version == "1.0",
        keep,
    )


@lru_cache(maxsize=4096)
def _framed(
    status: int, reason: bytes, recorded: str, headers: Headers, size: int, cut: bool, bodyless: bool, old: bool,
    keep: bool,
) -> Framed:  # fmt: skip
    from_h1 = recorded.startswith("1")
    length = chunked = False
    close = not keep or cut
    lines = [b"HTTP/%s %d %s\r\n" % (recorded.encode() if from_h1 else b"1.1", status, reason)]
    coded = any(n.lower() == b"transfer-encoding" and b"chunked" in v.lower() for n, v in headers)
    persistent = recorded != "1.0"
    for name, value in headers:
        key = name.lower()
        if key == b"content-length":
            if coded or length:
                continue
            length = True
            if not bodyless and not cut and value.strip() != b"%d" % size:
                value = b"%d" % size
        elif key == b"transfer-encoding":
            if old or not from_h1:
                continue
            chunked = coded
        elif key == b"connection":
            lowered = value.lower()
            close = close or b"close" in lowered
            persistent = persistent or b"keep-alive" in lowered
        lines.append(b"%s: %s\r\n" % (name, value))
    if not bodyless and not length and not chunked:
        if from_h1 or old:
            close = True  # its end was the connection's
        else:
            chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
    lines.append(b"\r\n")
    return Framed(b"".join(lines), bodyless, chunked and not bodyless, close or not persistent)


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def last_chunk(trailers: Headers) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + b"".join(b"%s: %s\r\n" % pair for pair in trailers) + b"\r\n"


@lru_cache(maxsize=4096)
def for_http2(headers: Headers) -> Headers:
    """Headers without those that HTTP/2 forbids, in lower case."""
    return tuple(
        [(name.lower(), value.strip()) for name, value in headers if name.lower() not in _CONNECTION]
    )
