"""File contents on their way into the trace: secrets in text become placeholders, what else holds one is not kept."""

from __future__ import annotations

import os
import zlib

from recorder.redact import SharedRedactor
from recorder.trace.blobs import BlobStore
from recorder.trace.content import Withheld

CLOSELY = 256 << 10
"""A text of up to this many bytes is looked at with all rules, a longer one for known secrets and by shape."""
MOST_CLOSELY = 64 << 20
"""So many bytes are looked at with all rules; then the rest by shape too, for a large tree must not take minutes."""
MOST_INFLATED = 4 << 20
_SAMPLE = 8192
_GIT_OBJECT = (b"blob ", b"tree ", b"commit ", b"tag ")


class RedactedBlobs:
    """Keeps contents in `store` with placeholders for secrets, as long as they were.

    Raises `Withheld` where a content that is no text holds a secret that is known: a file in which bytes were
    exchanged would be broken, and kept as it is it would give the secret away.
    """

    def __init__(self, store: BlobStore, redactor: SharedRedactor) -> None:
        self._store = store
        self._redactor = redactor
        self._closely = 0

    def put(self, content: bytes, /) -> str:
        self._redactor.refresh()
        if is_text(content[:_SAMPLE]):
            return self._store.put(self._text(content))
        self._check(content)
        return self._store.put(content)

    def put_fd(self, fd: int, most: int, /) -> tuple[str, int]:
        self._redactor.refresh()
        if is_text(os.pread(fd, _SAMPLE, 0)):
            content = _whole(fd, most)
            return self._store.put(self._text(content)), len(content)
        stream = self._redactor.stream("file", rules=False)
        at = 0
        while data := os.pread(fd, 1 << 20, at):
            at += len(data)
            before = len(self._redactor.findings), sum(f.times for f in self._redactor.findings)
            stream.feed(data)
            if before != (len(self._redactor.findings), sum(f.times for f in self._redactor.findings)):
                raise Withheld("no text, and it holds a secret")
        return self._store.put_fd(fd, most)

    def _text(self, content: bytes) -> bytes:
        self._closely += len(content)
        if len(content) <= CLOSELY and self._closely <= MOST_CLOSELY:
            return self._redactor.redact(content, "file")
        stream = self._redactor.stream("file")
        stream.hurried = True
        return stream.feed(content) + stream.flush()

    def _check(self, content: bytes) -> None:
        said = _inflated(content)
        held = said is not None and is_text(said[:_SAMPLE]) and self._redactor.redact(said, "file") != said
        if held or self._redactor.known_only(content, "file") != content:
            raise Withheld("a git object that holds a secret" if held else "no text, and it holds a secret")


def is_text(sample: bytes) -> bool:
    """Whether a file that begins like this is text, in UTF-8 or what comes near it."""
    if b"\0" in sample:
        return False
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(sample) - 3 and bool(sample)  # cut within a character
    return True


def _inflated(content: bytes) -> bytes | None:
    """What a git object says; None where it is none."""
    if content[:1] != b"\x78":
        return None
    try:
        said = zlib.decompressobj().decompress(content, MOST_INFLATED)
    except zlib.error:
        return None
    return said.partition(b"\0")[2] if said.startswith(_GIT_OBJECT) else None


def _whole(fd: int, most: int) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at <= most and (data := os.pread(fd, 1 << 20, at)):
        at += len(data)
        parts.append(data)
    return b"".join(parts)
