"""The ZIP file that a trace is, byte by byte. Pure.

Every header is a function of the member's name, sizes, CRC and offset. The reader rebuilds each header from what it
read and compares: a trace's headers have no bit to hide anything in, and no two readers see different archives.

Members stand one after the other from byte 0, then the central directory, then its end, then nothing. Dates are
1980-01-01, flags 0, no comments, mode 0600. ZIP64 records stand exactly where a number needs one; streams that
may grow past 4 GiB always carry a ZIP64 field in their local header, which is written before their size is known.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

STORED, DEFLATED = 0, 8

MANIFEST = "manifest.json"
EVENTS = "events.jsonl"
SALTS = "salts.jsonl"
_TERMINAL = re.compile(r"terminal/([1-9][0-9]{0,3})\.(cast|frames\.zst)\Z")
_BLOB = re.compile(r"blobs/([0-9a-f]{64})\.zst\Z")

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
LOCAL_SIZE = _LOCAL.size
CENTRAL_SIZE = _CENTRAL.size
END_SIZE = _END.size
END64_SIZE = _END64.size + _LOCATOR.size
LONGEST_NAME = 100
LOCAL_MOST = LOCAL_SIZE + LONGEST_NAME + 20

_DATE, _TIME = (1 << 5) | 1, 0
_MODE = 0o100600 << 16
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


class Entry(NamedTuple):
    """A member as the central directory lists it. `offset` is where its local header begins."""

    name: str
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def data(self) -> int:
        """Where its bytes begin."""
        return self.offset + local_size(self.name)

    @property
    def end(self) -> int:
        return self.data + self.packed


def is_allowed(name: str) -> bool:
    """Whether a trace may have a member of this name; there are no others."""
    return (
        name in (MANIFEST, EVENTS, SALTS)
        or _TERMINAL.match(name) is not None
        or _BLOB.match(name) is not None
    )


def blob_name(digest: str) -> str:
    return f"blobs/{digest}.zst"


def blob_digest(name: str) -> str | None:
    found = _BLOB.match(name)
    return found[1] if found else None


def frames_name(number: int) -> str:
    return f"terminal/{number}.frames.zst"


def cast_name(number: int) -> str:
    return f"terminal/{number}.cast"


def method(name: str) -> int:
    """The manifest and what is compressed already are stored; the rest is deflated."""
    return STORED if name == MANIFEST or name.endswith(".zst") else DEFLATED


def _streamed(name: str) -> bool:
    return name in (EVENTS, SALTS) or _TERMINAL.match(name) is not None


def local_size(name: str) -> int:
    return LOCAL_SIZE + len(name) + (20 if _streamed(name) else 0)


def local(entry: Entry) -> bytes:
    """The local header; ValueError where a member that may not grow past 4 GiB did."""
    name = entry.name.encode("ascii")
    if _streamed(entry.name):
        sizes = (_FULL32, _FULL32)
        extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.packed)
    elif max(entry.size, entry.packed) >= _FULL32:
        raise ValueError(f"{entry.name} of {entry.size} bytes")
    else:
        sizes = (entry.packed, entry.size)
        extra = b""
    version = 45 if extra else 20
    kind = method(entry.name)
    head = _LOCAL.pack(b"PK\3\4", version, 0, kind, _TIME, _DATE, entry.crc, *sizes, len(name), len(extra))
    return head + name + extra


def central(entry: Entry) -> bytes:
    """The entry in the central directory."""
    name = entry.name.encode("ascii")
    big = [n for n in (entry.size, entry.packed, entry.offset) if n >= _FULL32]
    extra = struct.pack(f"<HH{len(big)}Q", 1, 8 * len(big), *big) if big else b""
    version = 45 if extra or _streamed(entry.name) else 20
    head = _CENTRAL.pack(
        b"PK\1\2", version, 3, version, 0, method(entry.name), _TIME, _DATE, entry.crc,
        min(entry.packed, _FULL32), min(entry.size, _FULL32), len(name), len(extra), 0, 0, 0, _MODE,
        min(entry.offset, _FULL32),
    )  # fmt: skip
    return head + name + extra


class CentralHead(NamedTuple):
    """The numbers of a central entry before they are trusted."""

    crc: int
    packed: int
    size: int
    name_length: int
    extra_length: int
    offset: int


def parse_central(fixed: bytes) -> CentralHead | None:
    """Reads the fixed part of a central entry; None where there is none."""
    if len(fixed) < CENTRAL_SIZE or fixed[:4] != b"PK\1\2":
        return None
    *_, crc, packed, size, name_length, extra_length, _, _, _, _, offset = _CENTRAL.unpack_from(fixed)
    return CentralHead(crc, packed, size, name_length, extra_length, offset)


def parse_extra(head: CentralHead, extra: bytes) -> tuple[int, int, int] | None:
    """(size, packed, offset) with ZIP64 numbers filled in; None where the extra field is not what it must be."""
    numbers = [head.size, head.packed, head.offset]
    big = [i for i, n in enumerate(numbers) if n == _FULL32]
    if len(extra) != (4 + 8 * len(big) if big else 0):
        return None
    for i, value in zip(big, struct.iter_unpack("<Q", extra[4:]), strict=True):
        numbers[i] = value[0]
    return numbers[0], numbers[1], numbers[2]


def end(count: int, size: int, offset: int) -> bytes:
    """What follows the central directory: its end, before it the ZIP64 end where a number needs it."""
    big = count >= _FULL16 or size >= _FULL32 or offset >= _FULL32
    tail = b""
    if big:
        where = offset + size
        tail = _END64.pack(b"PK\6\6", _END64.size - 12, 45 | 3 << 8, 45, 0, 0, count, count, size, offset)
        tail += _LOCATOR.pack(b"PK\6\7", 0, where, 1)
    few = min(count, _FULL16)
    return tail + _END.pack(b"PK\5\6", 0, 0, few, few, min(size, _FULL32), min(offset, _FULL32), 0)


def parse_end(tail: bytes) -> tuple[int, int, int] | None:
    """(members, size, offset of the central directory) from the last bytes of a file; None where there are none.

    `tail` is the last `END_SIZE + END64_SIZE` bytes, or the whole file where it is shorter.
    """
    if len(tail) < END_SIZE or tail[-END_SIZE:][:4] != b"PK\5\6":
        return None
    _, _, _, _, count, size, offset, _ = _END.unpack(tail[-END_SIZE:])
    if (count == _FULL16 or size == _FULL32 or offset == _FULL32) and len(tail) == END_SIZE + END64_SIZE:
        head = _END64.unpack_from(tail)
        if head[0] == b"PK\6\6":
            return head[7], head[8], head[9]
    return count, size, offset
