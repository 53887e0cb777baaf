"""HAR 1.1 and 1.2 as tools really write it: read leniently, each entry for itself, and told what was mended.

Pure: it is given the file's bytes (a map of them, so that a large file needs no memory) and a way to attachments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from recorder.imports.exchange import (
    MOST_EXCHANGES,
    MOST_HEAD,
    MOST_MESSAGES,
    MOST_MOMENT,
    Answer,
    Closing,
    Exchange,
    Findings,
    Headers,
    ImportRejected,
    Message,
)
from recorder.imports.har_body import Attachments, request_content, response_content, unbased
from recorder.imports.har_values import first, listed, mapped, number, told

MOST_ENTRY = 96 << 20
"""Bytes of one entry's JSON, its body within."""
_MOST_MENDED = 512 << 20
"""Bytes of a file that is mended as a whole, which takes as much memory."""
_MOST_HEADERS = 4000
_ESCAPE = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2})(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|(u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}\Z")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}\Z")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_LONGEST_MS = 10.0**10

_NO_NETWORK = frozenset(
    (
        "about",
        "blob",
        "chrome",
        "chrome-extension",
        "data",
        "devtools",
        "file",
        "javascript",
        "moz-extension",
        "resource",
    )
)
_PLAIN_SCHEME = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_UPGRADE = (
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Accept", b"not recorded"),
)
_PHASES = ("blocked", "dns", "connect", "send", "wait")


class _Log(Struct):
    entries: list[msgspec.Raw] = []
    version: Any = None
    creator: Any = None


class _Har(Struct):
    log: _Log


_NAMES = {
    "web_socket_messages": "_webSocketMessages",
    "reenact": "_reenact",
    "connection_id": "_connectionId",
    "from_cache": "_fromCache",
}


class _Entry(Struct, rename=_NAMES):
    """What is read of an entry; all else is passed over undecoded."""

    request: Any = None
    response: Any = None
    time: Any = None
    timings: Any = None
    connection: Any = None
    connection_id: Any = None
    from_cache: Any = None
    startedDateTime: Any = None  # noqa: N815 - HAR's name
    serverIPAddress: Any = None  # noqa: N815
    web_socket_messages: Any = None
    reenact: Any = None


class HarReader:
    """Reads one HAR. `exchanges` goes through it once; `findings` are whole afterwards."""

    def __init__(self, data: bytes | memoryview, place: str, attachments: Attachments) -> None:
        """Raises ImportRejected where `data` is no HAR at all, or has no entries."""
        self.findings = Findings()
        self._attachments = attachments
        self._messages = 0
        if bytes(data[:3]) == b"\xef\xbb\xbf":
            data = data[3:]
        if bytes(data[:2]) in (b"\xff\xfe", b"\xfe\xff"):
            raise ImportRejected(f"{place}: is in UTF-16; save it as UTF-8")
        log = self._log(data, place)
        if not log.entries:
            raise ImportRejected(f"{place}: holds no entries, so nothing of a network")
        if len(log.entries) > MOST_EXCHANGES:
            raise ImportRejected(f"{place}: {len(log.entries)} entries; the most is {MOST_EXCHANGES}")
        self._entries = log.entries
        creator = mapped(log.creator)
        self.findings.made_by = f"{told(creator.get('name'))} {told(creator.get('version'))}".strip()[:200]
        if not isinstance(log.version, str):
            self.findings.mended["no version of the format"] += 1

    def __len__(self) -> int:
        return len(self._entries)

    def _log(self, data: bytes | memoryview, place: str) -> _Log:
        try:
            try:
                return msgspec.json.decode(data, type=_Har).log
            except msgspec.DecodeError as error:
                if "escape" not in str(error) or len(data) > _MOST_MENDED:
                    raise
            log = msgspec.json.decode(_ESCAPE.sub(_paired, data), type=_Har).log
        except RecursionError:
            raise ImportRejected(f"{place}: its JSON is nested too deeply") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise ImportRejected(f"{place}: no HAR: {error}") from None
        self.findings.mended["a file with halves of characters (lone surrogates), taken as U+FFFD"] += 1
        return log

    def exchanges(self) -> Iterator[Exchange]:
        """In the order of the file, one in memory at a time."""
        for raw in self._entries:
            exchange = self._exchange(raw)
            if exchange is not None:
                yield exchange

    def _exchange(self, raw: msgspec.Raw) -> Exchange | None:
        findings = self.findings
        if len(raw) > MOST_ENTRY:
            findings.left_out[f"an entry of more than {MOST_ENTRY} bytes"] += 1
            return None
        entry = self._decoded(raw)
        if entry is None or not isinstance(entry.request, dict):
            findings.left_out["an entry that cannot be read, or has no request"] += 1
            return None
        request, response = entry.request, mapped(entry.response)
        method, url = told(request.get("method")) or "GET", told(request.get("url"))
        if self._unfit(method, url):
            return None
        scheme, _, rest = url.partition("://")
        url = self._url(f"{_PLAIN_SCHEME[scheme.lower()]}://{rest}", request)
        headers = self._headers(request.get("headers"))
        answered = self._headers(response.get("headers"))
        size = len(url) + sum(len(a) + len(b) for a, b in [*headers, *answered])
        if size > MOST_HEAD:
            findings.left_out[f"an entry whose URL and headers have more than {MOST_HEAD} bytes"] += 1
            return None
        ours, status = mapped(entry.reenact), number(response.get("status"))
        if status == 101 and listed(entry.web_socket_messages):
            self._complete(answered)
        if entry.from_cache:
            findings.mended["answers out of a browser's cache, taken as if they had been sent"] += 1
        total, first_byte = self._times(entry)
        start = self._moment(entry.startedDateTime)
        server = told(entry.serverIPAddress).strip("[]")
        return Exchange(
            start=start,
            first_byte=first_byte,
            total=total,
            connection=_connection(entry, url),
            method=method,
            url=url,
            version=_version(request.get("httpVersion")),
            headers=headers,
            content=request_content(request, headers, self._attachments, findings),
            answer=self._answer(method, response, answered, status, ours, server),
            trailers=self._headers(request.get("_trailers")),
            messages=self._said(entry.web_socket_messages, start),
            closing=_closing(ours.get("closed")),
        )

    def _unfit(self, method: str, url: str) -> bool:
        """Whether it is no request that a network sees, or none at all; counted then."""
        findings, scheme = self.findings, url.partition(":")[0].lower()
        if scheme in _NO_NETWORK:
            findings.passed_over[f"{scheme}: URLs"] += 1
        elif method == "CONNECT":
            findings.passed_over["tunnels (CONNECT)"] += 1
        elif scheme not in _PLAIN_SCHEME or not url[len(scheme) :].startswith("://"):
            findings.left_out["an entry without an absolute URL of HTTP"] += 1
        elif not _METHOD.match(method):
            findings.left_out["an entry whose method is none"] += 1
        else:
            return False
        return True

    def _decoded(self, raw: msgspec.Raw) -> _Entry | None:
        try:
            return msgspec.json.decode(raw, type=_Entry)
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass
        try:  # bytes outside UTF-8, lone surrogates, numbers without bounds: slower, and more patient
            loaded = json.loads(bytes(memoryview(raw)).decode("utf-8", "replace"))
            found = msgspec.convert(loaded, _Entry)
        except (ValueError, RecursionError, MemoryError):
            return None
        self.findings.mended["entries with characters or numbers that are none in JSON"] += 1
        return found

    def _answer(
        self,
        method: str,
        response: dict[str, Any],
        headers: Headers,
        status: float | None,
        ours: dict[str, Any],
        server: str,
    ) -> Answer:
        error = response.get("_error")
        if status is None or not 100 <= status <= 999:
            why = told(error) or told(response.get("statusText")) or "the HAR has no answer"
            return Answer(status=None, error=why[:1000], server=server[:64] or None)
        content = response_content(method, response, headers, int(status), self._attachments, self.findings)
        content.partial = bool(ours.get("partial")) if ours else bool(error)
        trailers = self._headers(response.get("_trailers"))
        return Answer(
            status=int(status),
            reason=told(response.get("statusText"))[:1000],
            version=_version(response.get("httpVersion")),
            headers=headers,
            trailers=trailers,
            content=content,
            error=told(error)[:1000] or None,
            server=server[:64] or None,
            interim=[n for n in listed(ours.get("interim"))[:16] if type(n) is int and 100 <= n < 200],
        )

    def _url(self, url: str, request: dict[str, Any]) -> str:
        if _NOT_IN_URL.search(url):
            self.findings.mended["URLs with characters that no URL has"] += 1
            url = _NOT_IN_URL.sub(lambda found: f"%{ord(found.group()):02X}", url)
        query = [q for q in listed(request.get("queryString")) if isinstance(q, dict)]
        if query and "?" not in url:
            from urllib.parse import urlencode

            self.findings.mended["queries that only queryString had"] += 1
            url += "?" + urlencode(
                [(told(q.get("name")), told(q.get("value"))) for q in query[:_MOST_HEADERS]]
            )
        return url

    def _headers(self, value: object) -> Headers:
        """Pseudo-headers of HTTP/2 repeat the request line; several values of one name may stand in lines of one."""
        findings = self.findings
        if isinstance(value, dict):
            findings.mended["headers that were an object, not a list"] += 1
            value = [{"name": name, "value": content} for name, content in value.items()]
        found: Headers = []
        for item in listed(value)[:_MOST_HEADERS]:
            name = told(mapped(item).get("name"))
            if name.startswith(":"):
                findings.passed_over["pseudo-headers of HTTP/2"] += 1
                continue
            if not _TOKEN.match(name):
                findings.mended["headers without a proper name, left out"] += 1
                continue
            lines = told(mapped(item).get("value")).replace("\r", "").replace("\0", "").split("\n")
            if len(lines) > 1:
                findings.mended["headers of several lines, taken apart"] += 1
            found += [(name.encode(), line.encode()) for line in lines[:_MOST_HEADERS]]
        return found[:_MOST_HEADERS]

    def _complete(self, headers: Headers) -> None:
        """The head of an upgrade to a WebSocket, of which browsers may write nothing; a server needs it."""
        missing = [(name, value) for name, value in _UPGRADE if not first(headers, name.lower())]
        headers += missing
        if missing:
            self.findings.mended["heads of WebSockets completed"] += 1

    def _times(self, entry: _Entry) -> tuple[int, int | None]:
        """(total, first byte) in ns."""
        timings = mapped(entry.timings)
        phases = [max(0.0, number(timings.get(name)) or 0.0) for name in _PHASES]
        total = number(entry.time)
        if total is None or not 0 <= total <= _LONGEST_MS:
            self.findings.mended["entries whose time was no time"] += 1
            total = min(_LONGEST_MS, sum(phases) + max(0.0, number(timings.get("receive")) or 0.0))
        return int(total * 1e6), int(min(total, sum(phases)) * 1e6) if timings else None

    def _moment(self, value: object) -> int | None:
        text = told(value)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                self.findings.mended["times without a zone, taken as UTC"] += 1
                moment = moment.replace(tzinfo=UTC)
            span = moment - _EPOCH
        except (ValueError, OverflowError):
            self.findings.mended["entries without a proper startedDateTime"] += 1
            return None
        nanos = (span.days * 86_400 + span.seconds) * 10**9 + span.microseconds * 1000
        if not 0 <= nanos <= MOST_MOMENT:
            self.findings.mended["entries without a proper startedDateTime"] += 1
            return None
        return nanos

    def _said(self, value: object, start: int | None) -> list[Message]:
        found = []
        for item in listed(value):
            message = mapped(item)
            opcode = number(message.get("opcode"))
            if opcode not in (1, 2):
                self.findings.passed_over["control frames of WebSockets"] += 1
                continue
            self._messages += 1
            if self._messages > MOST_MESSAGES:
                self.findings.left_out[f"WebSocket messages after the first {MOST_MESSAGES}"] += 1
                continue
            data: bytes | None = told(message.get("data")).encode()
            if opcode == 2 and data is not None:
                data = unbased(data)
            if "_skipped" in message:
                data = None
            if data is None:
                self.findings.mended["WebSocket messages whose content is not there"] += 1
            seconds = number(message.get("time"))
            known = seconds is not None and 0 <= seconds * 1e9 <= MOST_MOMENT
            at = round((seconds or 0) * 1e6) * 1000 if known else start or 0
            found.append(Message(at=at, sent=message.get("type") == "send", text=opcode == 1, data=data))
        return found


def _paired(escape: re.Match[bytes]) -> bytes:
    """A half of a character, as JavaScript writes it, becomes one that says so; all other escapes stay."""
    first, second, last = escape.groups()
    return b"\\ufffd" if last or (first and not second) else escape.group()


def _connection(entry: _Entry, url: str) -> str | None:
    """Its name, where the HAR has one: browsers write the server's port in its place."""
    if name := told(entry.connection_id)[:200]:
        return f"id {name}"
    name = told(entry.connection)[:200]
    authority = url.partition("://")[2].partition("/")[0]
    return None if name in ("", "80", "443", authority.rpartition(":")[2]) else name


def _closing(value: object) -> Closing | None:
    """As our own export has it; no other tool tells."""
    if not isinstance(value, dict):
        return None
    code = number(value.get("code"))
    return Closing(
        sent=bool(value.get("sent")),
        code=int(code) if code is not None and 0 <= code < 65536 else None,
        reason=told(value.get("reason"))[:200],
    )


def _version(value: object) -> str:
    """1.0, 1.1, 2 or 3 of the many ways to write it; empty where it says nothing."""
    text = told(value).lower().strip()[:64]
    if text.startswith(("h3", "http/3", "quic")) or "quic" in text:
        return "3"
    if text in ("h2", "h2c", "spdy") or text.startswith(("http/2", "spdy/")):
        return "2"
    if text.startswith("http/1.0"):
        return "1.0"
    return "1.1" if text.startswith("http/1") else ""
