"""Bodies in a content coding: decoded within bounds, and coded again."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import zstandard

MOST = 64 << 20
"""A body is decoded up to this many bytes."""
RATIO = 1200
"""And up to this many times its size: more is a bomb, not content."""
_PORTION = 1 << 16


class NotDecoded(Exception):
    """A coding that is unknown, damaged, or decodes to too much."""


class TooDense(NotDecoded):
    """Text made to be costly to look into."""

    def __init__(self) -> None:
        super().__init__("it has more places where a secret may stand than any real text")


def redact_coded(body: bytes, coding: str, redact: Callable[[bytes], bytes], *, most: int = MOST) -> bytes:
    """`body` with what it decodes to put through `redact`.

    Where `redact` changes nothing, the very bytes of `body` come back. Raises NotDecoded where its content cannot be
    looked at: the caller decides what becomes of such a body.
    """
    codings = [
        name.strip().lower() for name in coding.split(",") if name.strip().lower() not in ("", "identity")
    ]
    plain = body
    for name in reversed(codings):
        plain = decode(plain, name, most)
    redacted = redact(plain)
    if redacted == plain:
        return body
    for name in codings:
        redacted = encode(redacted, name)
    return redacted


def decode(body: bytes, coding: str, most: int = MOST) -> bytes:
    """The content of `body`, at most `most` bytes and RATIO times its size. Raises NotDecoded."""
    limit = min(most, RATIO * len(body) + _PORTION)
    try:
        if coding in ("gzip", "x-gzip"):
            return _gunzip(body, limit)
        if coding == "deflate":
            try:
                return _inflate(body, zlib.MAX_WBITS, limit)[0]
            except zlib.error:  # some servers send it without the zlib header
                return _inflate(body, -zlib.MAX_WBITS, limit)[0]
        if coding == "br":
            return _unbrotli(body, limit)
        if coding == "zstd":
            return _unzstd(body, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError) as error:
        raise NotDecoded(f"damaged {coding}: {error}") from None
    raise NotDecoded(f"an unknown coding: {coding[:40]}")


def encode(content: bytes, coding: str) -> bytes:
    """The inverse of `decode`, not to the byte. Raises NotDecoded for a coding that is not known."""
    if coding in ("gzip", "x-gzip"):
        return gzip.compress(content, 6, mtime=0)
    if coding == "deflate":
        return zlib.compress(content, 6)
    if coding == "br":
        encoded: bytes = brotli.compress(content, quality=5)
        return encoded
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(content)
    raise NotDecoded(f"an unknown coding: {coding[:40]}")


def _inflate(body: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    """One stream's content, and what follows it."""
    inflater = zlib.decompressobj(window)
    content = inflater.decompress(body, limit + 1)
    if len(content) > limit:
        raise NotDecoded("decodes to too much")
    if not inflater.eof:
        raise NotDecoded("ends early")
    return content, inflater.unused_data


def _gunzip(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    while body:
        content, body = _inflate(body, 16 + zlib.MAX_WBITS, limit)
        parts.append(content)
        limit -= len(content)
        if not body.startswith(b"\x1f\x8b"):
            break
    return b"".join(parts)


def _unbrotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    content: bytes = decoder.process(body, output_buffer_limit=limit + 1)
    parts = [content]
    size = len(content)
    while size <= limit and not decoder.can_accept_more_data():
        content = decoder.process(b"", output_buffer_limit=limit + 1 - size)
        parts.append(content)
        size += len(content)
    if size > limit:
        raise NotDecoded("decodes to too much")
    if not decoder.is_finished():
        raise NotDecoded("ends early")
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    while body:
        size = 0
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body) as reader:
            while part := reader.read(_PORTION):
                size += len(part)
                if size > limit:
                    raise NotDecoded("decodes to too much")
        # now that its size is bounded: where the frame ends, and whether it does
        whole = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        parts.append(whole.decompress(body))
        if not whole.eof:
            raise NotDecoded("ends early")
        body, limit = whole.unused_data, limit - size
    return b"".join(parts)
