"""Pictures as a film: WebP in, WebM out, in Python alone.

What a lossy WebP picture holds is a key frame of VP8, which WebM takes as it is. So the pictures that a sandboxed
browser made of strangers' pages are put into a file one after the other, and never decoded here.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_MOST_FRAME = 16 << 20
_MOST_FRAMES = 50_000
_MOST_BYTES = 4 << 30
_LAST_MS = 1000
"""How long the last picture stays."""
_KEY_FRAME = b"\x9d\x01\x2a"

_EBML, _SEGMENT, _SEEK_HEAD, _SEEK = b"\x1aE\xdf\xa3", b"\x18S\x80g", b"\x11M\x9bt", b"M\xbb"
_INFO, _TRACKS, _TRACK, _VIDEO = b"\x15I\xa9f", b"\x16T\xaek", b"\xae", b"\xe0"
_CLUSTER, _TIMESTAMP, _BLOCK = b"\x1fC\xb6u", b"\xe7", b"\xa3"
_CUES, _CUE, _CUE_PLACE = b"\x1cS\xbbk", b"\xbb", b"\xb7"


class NoFrame(ValueError):
    """What was given is no picture that a film can hold, or the film is full."""


class Webm:
    """A film in the making, written to `file` (seekable, empty), which stays the caller's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begin = 0
        self._cues: list[tuple[int, int]] = []
        self._first_ms = 0
        self._last: tuple[int, bytes] | None = None

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self._cues)

    def add(self, ms: int, webp: bytes) -> None:
        """Shows a picture from `ms` on, which counts from anywhere and does not go back. One that looks like the one
        before adds nothing. Raises NoFrame, OSError."""
        frame, width, height = _frame(webp)
        if self._last is None:
            self._first_ms = ms
            self._start(width, height)
        at = max(ms - self._first_ms, self._last[0] + 1 if self._last else 0)
        if self._last is not None and self._last[1] == frame:
            return
        if len(self._cues) >= _MOST_FRAMES or self._file.tell() > _MOST_BYTES:
            raise NoFrame("the film is as long as films may be")
        self._write(at, frame)
        self._last = (at, frame)

    def close(self, ms: int = 0) -> None:
        """Ends the film at `ms`, or a second after its last picture. Raises OSError."""
        if self._last is None:
            return
        end = max(self._last[0] + _LAST_MS, ms - self._first_ms)
        self._write(end, self._last[1])
        cues = self._file.tell() - self._begin
        points = (
            _element(
                _CUE,
                _element(b"\xb3", _uint(at))
                + _element(_CUE_PLACE, _element(b"\xf7", _uint(1)) + _element(b"\xf1", _uint(place))),
            )
            for at, place in self._cues
        )
        self._file.write(_element(_CUES, b"".join(points)))
        size = self._file.tell() - self._begin
        self._file.seek(0)
        self._file.write(self._head(*self._size, length=size, cues=cues, duration=end + 1))
        self._file.seek(0, 2)

    def _start(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._file.write(self._head(width, height))

    def _head(self, width: int, height: int, *, length: int = 0, cues: int = 0, duration: int = 0) -> bytes:
        """All before the first picture; as long whatever is in it."""
        kind = (
            (b"\x42\x86", _uint(1)), (b"\x42\xf7", _uint(1)), (b"\x42\xf2", _uint(4)), (b"\x42\xf3", _uint(8)),
            (b"\x42\x82", b"webm"), (b"\x42\x87", _uint(4)), (b"\x42\x85", _uint(2)),
        )  # fmt: skip
        seek = _element(_SEEK, _element(b"\x53\xab", _CUES) + _element(b"\x53\xac", struct.pack(">Q", cues)))
        info = (
            (b"\x2a\xd7\xb1", _uint(1_000_000)), (b"\x44\x89", struct.pack(">d", duration)),
            (b"\x4d\x80", b"reenact"), (b"\x57\x41", b"reenact"),
        )  # fmt: skip
        picture = _element(_VIDEO, _element(b"\xb0", _uint(width)) + _element(b"\xba", _uint(height)))
        track = (
            (b"\xd7", _uint(1)), (b"\x73\xc5", _uint(1)), (b"\x9c", _uint(0)), (b"\x86", b"V_VP8"), (b"\x83", _uint(1)),
        )  # fmt: skip
        before = _element(_EBML, _elements(kind)) + _SEGMENT + struct.pack(">Q", 1 << 56 | length)
        self._begin = len(before)
        tracks = _element(_TRACKS, _element(_TRACK, _elements(track) + picture))
        return before + _element(_SEEK_HEAD, seek) + _element(_INFO, _elements(info)) + tracks

    def _write(self, at: int, frame: bytes) -> None:
        """Each picture is a cluster of its own: all of them can be gone to."""
        self._cues.append((at, self._file.tell() - self._begin))
        block = _element(_BLOCK, b"\x81" + struct.pack(">hB", 0, 0x80) + frame)
        self._file.write(_element(_CLUSTER, _element(_TIMESTAMP, _uint(at)) + block))


def bare(webp: bytes) -> tuple[bytes, int, int]:
    """The picture with nothing in it but its key frame, as WebP again, its width and its height. Raises NoFrame."""
    frame, width, height = _frame(webp)
    body = b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame + bytes(len(frame) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body, width, height


def _frame(webp: bytes) -> tuple[bytes, int, int]:
    """The key frame in a picture, its width and its height."""
    if len(webp) > _MOST_FRAME or webp[:4] != b"RIFF" or webp[8:12] != b"WEBP":
        raise NoFrame("no WebP picture, or too large a one")
    place = 12
    while place + 8 <= len(webp):
        kind, size = webp[place : place + 4], int.from_bytes(webp[place + 4 : place + 8], "little")
        if kind == b"VP8 ":
            frame = webp[place + 8 : place + 8 + size]
            if len(frame) != size or size < 10 or frame[0] & 1 or frame[3:6] != _KEY_FRAME:
                break
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", frame[6:10]))
            if width and height:
                return frame, width, height
            break
        place += 8 + size + (size & 1)
    raise NoFrame("a WebP picture without a key frame of VP8")


def _element(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">Q", 1 << 56 | len(content)) + content


def _elements(told: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(_element(name, content) for name, content in told)


def _uint(value: int) -> bytes:
    return value.to_bytes(max((value.bit_length() + 7) // 8, 1), "big")
