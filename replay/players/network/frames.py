"""HTTP/2 as bytes (RFC 9113): frames taken apart and put together, header blocks as whoever sends them. Pure.

A server's answers need no compression state: their header blocks are literals, the same on every connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME = 16_384
"""Bytes that a frame of either side carries at most, unless the other one says more."""
MOST_WINDOW = (1 << 31) - 1
MOST_BLOCK = 256 << 10
"""Bytes of a request's header block."""


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    RESET = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    CONCURRENT_STREAMS = 3
    INITIAL_WINDOW = 4
    FRAME_SIZE = 5
    HEADER_LIST = 6


class Code(IntEnum):
    NO_ERROR = 0
    PROTOCOL = 1
    INTERNAL = 2
    FLOW_CONTROL = 3
    STREAM_CLOSED = 5
    FRAME_SIZE = 6
    REFUSED = 7
    COMPRESSION = 9
    TOO_MUCH = 11


END_STREAM = ACK = 0x1
END_HEADERS = 0x4
_PADDED = 0x8
_PRIORITY = 0x20
_HEAD = Struct(">IBI")
_SETTING = Struct(">HI")
_LENGTHS = {Kind.RESET: 4, Kind.PING: 8, Kind.WINDOW_UPDATE: 4}


class ConnectionFault(Exception):
    """What the client sent ends the connection, with this code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.name)
        self.code = code


class Frame(NamedTuple):
    """`payload` is without padding and priority; `size` is what it counts for flow control."""

    kind: int
    flags: int
    stream: int
    payload: bytes
    size: int


def split(data: bytes) -> tuple[list[Frame], int]:
    """The whole frames at the start of `data`, and how many bytes they take. Raises ConnectionFault."""
    frames: list[Frame] = []
    at, end = 0, len(data)
    while end - at >= 9:
        length = int.from_bytes(data[at : at + 3])
        if length > FRAME:
            raise ConnectionFault(Code.FRAME_SIZE)
        if end - at < 9 + length:
            break
        kind, flags = data[at + 3], data[at + 4]
        stream = int.from_bytes(data[at + 5 : at + 9]) & MOST_WINDOW
        at += 9
        payload = data[at : at + length]
        at += length
        if kind <= Kind.HEADERS:
            payload = _bare(kind, flags, payload)
        elif _LENGTHS.get(kind, length) != length:  # type: ignore[call-overload]
            raise ConnectionFault(Code.FRAME_SIZE)
        frames.append(Frame(kind, flags, stream, payload, length))
    return frames, at


def _bare(kind: int, flags: int, payload: bytes) -> bytes:
    padding = start = 0
    if flags & _PADDED:
        if not payload:
            raise ConnectionFault(Code.FRAME_SIZE)
        padding, start = payload[0], 1
    if kind == Kind.HEADERS and flags & _PRIORITY:
        start += 5
    if start + padding > len(payload):
        raise ConnectionFault(Code.PROTOCOL)
    return payload[start : len(payload) - padding] if start else payload


def settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """(setting, value) of a SETTINGS frame. Raises ConnectionFault."""
    if len(payload) % 6:
        raise ConnectionFault(Code.FRAME_SIZE)
    for setting, value in _SETTING.iter_unpack(payload):
        if setting == Setting.INITIAL_WINDOW and value > MOST_WINDOW:
            raise ConnectionFault(Code.FLOW_CONTROL)
        if setting == Setting.FRAME_SIZE and not FRAME <= value < 1 << 24:
            raise ConnectionFault(Code.PROTOCOL)
        yield setting, value


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return _HEAD.pack(len(payload) << 8 | kind, flags, stream) + payload


def number(kind: int, stream: int, value: int) -> bytes:
    """A frame that says one number: a reset's code, a window's growth."""
    return frame(kind, 0, stream, value.to_bytes(4))


def told_settings(values: dict[Setting, int]) -> bytes:
    return frame(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values.items()))


def goaway(last: int, code: Code) -> bytes:
    return frame(Kind.GOAWAY, 0, 0, last.to_bytes(4) + code.to_bytes(4))


def headers(stream: int, block: bytes, flags: int) -> bytes:
    """A header block in as many frames as it needs."""
    if len(block) <= FRAME:
        return frame(Kind.HEADERS, flags | END_HEADERS, stream, block)
    pieces = [block[at : at + FRAME] for at in range(0, len(block), FRAME)]
    first = frame(Kind.HEADERS, flags, stream, pieces[0])
    between = [frame(Kind.CONTINUATION, 0, stream, piece) for piece in pieces[1:-1]]
    return b"".join((first, *between, frame(Kind.CONTINUATION, END_HEADERS, stream, pieces[-1])))


@lru_cache(maxsize=4096)
def block(fields: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A header block of literals that enter no table (RFC 7541, 6.2.2), as they are."""
    parts: list[bytes] = []
    for name, value in fields:
        parts += (b"\x00", _length(len(name)), name, _length(len(value)), value)
    return b"".join(parts)


def _length(size: int) -> bytes:
    if size < 127:
        return bytes((size,))
    found, size = bytearray(b"\x7f"), size - 127
    while size >= 128:
        found.append(size & 127 | 128)
        size >>= 7
    found.append(size)
    return bytes(found)
