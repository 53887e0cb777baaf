"""The redactor of a session's network: headers, URLs and bodies pass it before anything is written."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from recorder.redact import Redactor, SharedRedactor, StreamRedactor
from recorder.redact.coded import NotDecoded, TooDense
from recorder.redact.detector import too_dense

WHOLE = 256 << 10
"""Up to this many bytes a body is looked at as a whole; what is longer as it streams."""
MOST_CODED = 32 << 20
"""A body in a content coding must be whole to be decoded."""
_PORTION = 64 << 10
_MOST_CLEAN = 2048
_LONGEST_CLEAN = 1024
FACTORY = f"{__name__}:network_redactor"


class RedactionSettings(Struct, frozen=True):
    """`vault` is the session's vault file; what it holds is known from the start."""

    vault: str


def network_redactor(settings: bytes) -> NetworkRedactor:
    """What the proxy's process works with. Raises OSError or ValueError where the vault cannot be read."""
    return NetworkRedactor(Path(msgspec.json.decode(settings, type=RedactionSettings).vault))


class NetworkRedactor:
    """Shares what it finds through the vault's file: with the terminal, and with an engine that is started again."""

    def __init__(self, vault: Path) -> None:
        self._redactor = SharedRedactor(vault)
        self._clean: set[tuple[str, str]] = set()
        """Fields of heads in which nothing was found while `_known` secrets were known: most come again and again."""
        self._clean_texts: set[str] = set()
        """The same of URLs and reasons."""
        self._known = 0

    def url(self, url: str) -> str:
        self._refresh()
        if url in self._clean_texts:
            return url
        return self._noted(url, self._redactor.url(url))

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        self._refresh()
        clean = self._clean
        rest = [field for field in headers if field not in clean]
        if not rest:
            return headers
        done = self._redactor.headers(rest)
        if self._known != len(self._redactor.vault):
            return self._redactor.headers(headers)  # what it found may stand in the others, too
        new = dict(zip(rest, done, strict=True))
        clean.update(a for a, b in new.items() if a == b and len(a[1]) <= _LONGEST_CLEAN)
        return [new.get(field, field) for field in headers]

    def text(self, text: str) -> str:
        if text in self._clean_texts and self._known == len(self._redactor.vault):
            return text
        return self._noted(text, self._redactor.text(text))

    def _refresh(self) -> None:
        self._redactor.refresh()
        if self._known != len(self._redactor.vault):
            self._known = len(self._redactor.vault)
            self._clean.clear()
            self._clean_texts.clear()
        for clean in (self._clean, self._clean_texts):
            if len(clean) > _MOST_CLEAN:
                clean.clear()

    def _noted(self, text: str, done: str) -> str:
        if done == text and len(text) <= _LONGEST_CLEAN and self._known == len(self._redactor.vault):
            self._clean_texts.add(text)
        return done

    def body_filter(self, content_type: str, content_coding: str) -> RedactedBody:
        self._redactor.refresh()
        return RedactedBody(self._redactor, content_type, content_coding)


class RedactedBody:
    """A body on its way. Short ones are looked at whole, when they end; long ones stream through."""

    def __init__(self, redactor: Redactor, content_type: str, content_coding: str) -> None:
        self._redactor = redactor
        self._type = content_type
        self._coding = content_coding
        self._coded = content_coding.strip().lower() not in ("", "identity")
        self._pieces: list[bytes] = []
        self._stream: StreamRedactor | None = None
        self._size = 0
        self.held = 0
        self.refused: str | None = None

    def feed(self, data: bytes) -> bytes:
        if self.refused is not None:
            return b""
        if self._stream is not None:
            return self._fed(self._stream, data)
        self._pieces.append(data)
        self.held += len(data)
        if self._coded:
            if self.held > MOST_CODED:
                self._refuse(f"more than {MOST_CODED} bytes in the coding {self._coding[:40]}")
            return b""
        if self.held <= WHOLE:
            return b""
        body = self._take()
        self._stream = self._redactor.body_stream(body, self._type)
        return self._fed(self._stream, body)

    def _fed(self, stream: StreamRedactor, data: bytes) -> bytes:
        out = []
        for at in range(0, len(data), _PORTION):
            piece = data[at : at + _PORTION]
            out.append(stream.feed(piece))
            self._size += len(piece)
            if too_dense(stream.tries, self._size):
                self._refuse(str(TooDense()))
                return b""
        return b"".join(out)

    def end(self) -> bytes:
        if self.refused is not None:
            return b""
        if self._stream is not None:
            return self._stream.flush()
        body = self._take()
        if not body:
            return b""
        try:
            return self._redactor.body(body, self._type, self._coding if self._coded else "", patient=False)
        except NotDecoded as error:
            self._refuse(str(error))
            return b""

    def _take(self) -> bytes:
        body = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return body

    def _refuse(self, why: str) -> None:
        self._take()
        self.refused = f"it cannot be looked into for secrets: {why}"
