"""Content codings undone and done again, within bounds. Pure."""

from __future__ import annotations

import gzip
import zlib
from importlib import import_module
from typing import Any

import zstandard

try:
    brotli: Any = import_module("brotli")
except ImportError:  # pages in it are then served as recorded, without substitution
    brotli = None

MOST = 16 << 20
"""Bytes that may come out of a body."""


def decoded(data: bytes, coding: bytes) -> bytes | None:
    """The content; null where its coding is not known here, it is damaged, or more than `MOST` bytes come out."""
    try:
        match coding.strip().lower():
            case b"" | b"identity":
                return data if len(data) <= MOST else None
            case b"gzip" | b"x-gzip":
                return _inflated(data, 31)
            case b"deflate":
                return _inflated(data, 15 if data[:1] and data[0] & 15 == 8 else -15)
            case b"zstd":
                with zstandard.ZstdDecompressor(max_window_size=MOST).stream_reader(data) as reader:
                    content = reader.read(MOST + 1)
                return content if len(content) <= MOST else None
            case b"br" if brotli is not None:
                return _unbrotlied(data)
    except (zlib.error, zstandard.ZstdError, ValueError, EOFError):
        pass
    return None


def coded(content: bytes, coding: bytes) -> bytes:
    """The inverse. Only for codings that `decoded` knew."""
    match coding.strip().lower():
        case b"gzip" | b"x-gzip":
            return gzip.compress(content, 6, mtime=0)
        case b"deflate":
            return zlib.compress(content)
        case b"zstd":
            return zstandard.ZstdCompressor(level=3).compress(content)
        case b"br":
            return bytes(brotli.compress(content, quality=4))
    return content


def _inflated(data: bytes, window: int) -> bytes | None:
    out = bytearray()
    while data:  # gzip allows several members one after another
        inflater = zlib.decompressobj(window)
        out += inflater.decompress(data, MOST + 1 - len(out))
        if len(out) > MOST or not inflater.eof:
            return None
        data = inflater.unused_data if window == 31 else b""
    return bytes(out)


def _unbrotlied(data: bytes) -> bytes | None:
    decoder = brotli.Decompressor()
    out = bytearray()
    for at in range(0, len(data), 4096):
        try:
            out += decoder.process(data[at : at + 4096])
        except brotli.error:
            return None
        if len(out) > MOST:
            return None
    return bytes(out) if decoder.is_finished() else None
