"""The one shape of zstd that a trace takes: a frame that declares its content size, names no dictionary and needs a
bounded window. Its length is found by walking its block headers, so that nothing can hide behind it, and what comes
out is counted, never believed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import zstandard

from recorder.trace.errors import Code, TraceRejected
from recorder.trace.limits import IO, MAX_WINDOW

LEVEL = 3
_MAGIC = b"\x28\xb5\x2f\xfd"
HEADER = 18
"""A frame header is at most this long."""


class Source(Protocol):
    """Random access to a member's bytes: at most `size` bytes from `offset`, fewer only at the member's end."""

    def __call__(self, offset: int, size: int, /) -> bytes: ...


class Header(NamedTuple):
    """What a frame says of itself: where its blocks begin and how many bytes come out."""

    length: int
    content: int


_own = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    """This thread's compressor: making one costs more than compressing a small file."""
    made: zstandard.ZstdCompressor | None = getattr(_own, "compressor", None)
    if made is None:
        made = _own.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)
    return made


def compress(content: bytes) -> bytes:
    """One frame with all of `content`."""
    return _compressor().compress(content)


def compress_stream(read: Callable[[int], bytes], size: int, write: Callable[[bytes], object]) -> None:
    """One frame with exactly `size` bytes of `read`. Raises ValueError where `read` ends early."""
    packer = _compressor().compressobj(size=size)
    left = size
    while left:
        data = read(min(left, IO))
        if not data:
            raise ValueError(f"ended {left} bytes early")
        left -= len(data)
        write(packer.compress(data))
    write(packer.flush())


def header(data: bytes, place: str) -> Header:
    """Reads a frame header at the start of `data`. Raises TraceRejected unless it is of the trace's one shape."""
    if not data.startswith(_MAGIC) or len(data) < 6:
        raise TraceRejected(Code.SYNTAX, place, "not a zstd frame")
    descriptor = data[4]
    single, fcs_flag = descriptor & 0x20, descriptor >> 6
    if descriptor & 0x1F:
        raise TraceRejected(Code.SYNTAX, place, "a zstd frame with a checksum, a dictionary or reserved bits")
    if not single and not fcs_flag:
        raise TraceRejected(Code.SYNTAX, place, "a zstd frame that does not declare its content size")
    at = 5 if single else 6
    width = 1 << fcs_flag
    field = data[at : at + width]
    if len(field) < width:
        raise TraceRejected(Code.TRUNCATED, place, "a zstd frame header ends early")
    content = int.from_bytes(field, "little") + (256 if width == 2 else 0)
    if single:
        window = content
    else:
        window = (1 << (10 + (data[5] >> 3))) * (8 + (data[5] & 7)) // 8
    if window > MAX_WINDOW:
        raise TraceRejected(
            Code.TOO_LARGE, place, f"a zstd window of {window} bytes; the most is {MAX_WINDOW}"
        )
    return Header(at + width, content)


def frame_length(read: Source, start: int, limit: int, place: str) -> tuple[int, int]:
    """Walks the frame at `start` of a member of `limit` bytes: (length of the frame, its declared content size)."""
    length, content = header(read(start, HEADER), place)
    at = start + length
    last = False
    blocks = (
        16 + content // 512
    )  # no encoder needs more; a walk over millions of empty blocks would take hours
    while not last:
        blocks -= 1
        if not blocks:
            raise TraceRejected(Code.TOO_LARGE, place, f"too many zstd blocks for {content} bytes")
        block = int.from_bytes(read(at, 3), "little")
        if at + 3 > limit:
            raise TraceRejected(Code.TRUNCATED, place, "a zstd frame ends early")
        last, shape, size = bool(block & 1), block >> 1 & 3, block >> 3
        if shape == 3 or size > 1 << 17:
            raise TraceRejected(Code.SYNTAX, place, "a zstd block of a reserved kind or size")
        at += 3 + (1 if shape == 1 else size)
    if at > limit:
        raise TraceRejected(Code.TRUNCATED, place, "a zstd frame ends early")
    return at - start, content


def decompress(frame: bytes, content: int, place: str) -> bytes:
    """The content of one whole frame whose declared size the caller has bounded."""
    try:
        data = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompress(
            frame, max_output_size=content
        )
    except (zstandard.ZstdError, MemoryError) as error:
        raise TraceRejected(Code.SYNTAX, place, f"damaged zstd data: {error}") from None
    if len(data) != content:
        raise TraceRejected(Code.SYNTAX, place, f"{len(data)} bytes came out; {content} were declared")
    return data


def stream(read: Source, size: int, place: str, *, most: int) -> Iterator[bytes]:
    """The content of a member of `size` bytes that is one frame, in portions; at most `most` bytes in all."""
    length, content = frame_length(read, 0, size, place)
    if length != size:
        raise TraceRejected(Code.SYNTAX, place, f"{size - length} bytes after the zstd frame")
    if content > most:
        raise TraceRejected(Code.TOO_LARGE, place, f"a content of {content} bytes; the most is {most}")
    file: Any = _File(read)
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(file, read_size=IO)
    done = 0
    try:
        while data := reader.read(IO):
            done += len(data)
            if done > content:
                raise TraceRejected(Code.SYNTAX, place, f"more than the declared {content} bytes come out")
            yield data
    except (zstandard.ZstdError, MemoryError) as error:
        raise TraceRejected(Code.SYNTAX, place, f"damaged zstd data: {error}") from None
    if done != content:
        raise TraceRejected(Code.TRUNCATED, place, f"{done} bytes came out; {content} were declared")


class _File:
    """A member as the file object that the zstd reader wants."""

    def __init__(self, read: Source) -> None:
        self._read = read
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self._read(self._at, size)
        self._at += len(data)
        return data
