"""The frame: how bytes stand in a journal, in the ring and in a trace's terminal stream.

    u32 length of body | u32 CRC-32 of body | body = u64 sequence | u64 time | u8 kind | payload

Little-endian. Time is CLOCK_BOOTTIME in ns. Sequences rise by one from 0 within a journal, over restarts of
its writer too, so a reader drops repeats and sees gaps. Pure: no file is opened here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"RJRNL\x00\x01\n"
"""First bytes of every journal file; the seventh is the frame layout's version."""

MAX_PAYLOAD = 1 << 20
_OUTER = struct.Struct("<II")
_INNER = struct.Struct("<QQB")
OVERHEAD = _OUTER.size + _INNER.size


class Kind(IntEnum):
    OUTPUT = 1
    """Payload: bytes that the terminal showed, exactly as they came."""
    EVENT = 2
    """Payload: one event as JSON (see `events`), its `t` absolute CLOCK_BOOTTIME until the trace is sealed."""


class Frame(NamedTuple):
    sequence: int
    t: int
    kind: int
    payload: bytes


class Torn(NamedTuple):
    """Where decoding had to stop: `offset` is the end of the last whole frame, `reason` says what came next."""

    offset: int
    reason: str


def encode(sequence: int, t: int, kind: int, payload: bytes | memoryview) -> bytes:
    """One frame. Raises ValueError where payload is over `MAX_PAYLOAD` bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"frame payload of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
    inner = _INNER.pack(sequence, t, kind)
    return _OUTER.pack(_INNER.size + len(payload), zlib.crc32(payload, zlib.crc32(inner))) + inner + payload


class FrameDecoder:
    """Feed bytes in any portions, take whole frames out.

    After the last byte call `torn()`: None where the input ended on a frame boundary. A damaged frame stops
    decoding for good; frames before it stand.
    """

    def __init__(self, offset: int = 0) -> None:
        self._buffer = bytearray()
        self._offset = offset
        self._damage: str | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        if self._damage is not None:
            return
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while self._damage is None and len(buffer) - at >= _OUTER.size:
                length, crc = _OUTER.unpack_from(buffer, at)
                if not _INNER.size <= length <= _INNER.size + MAX_PAYLOAD:
                    self._damage = f"impossible frame length {length}"
                    break
                end = at + _OUTER.size + length
                if len(buffer) < end:
                    break
                body = bytes(memoryview(buffer)[at + _OUTER.size : end])
                if zlib.crc32(body) != crc:
                    self._damage = "CRC mismatch"
                    break
                at = end
                sequence, t, kind = _INNER.unpack_from(body)
                yield Frame(sequence, t, kind, body[_INNER.size :])
        finally:
            del buffer[:at]
            self._offset += at

    @property
    def damaged(self) -> bool:
        """Whether decoding has stopped for good; more bytes change nothing."""
        return self._damage is not None

    def torn(self) -> Torn | None:
        if self._damage is not None:
            return Torn(self._offset, self._damage)
        if self._buffer:
            return Torn(self._offset, f"{len(self._buffer)} bytes of an unfinished frame")
        return None
