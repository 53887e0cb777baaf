"""Names in a git index: which files a repository tracks. Pure; reads any bytes without harm."""

from __future__ import annotations

import struct

MAX_ENTRIES = 1_000_000


def tracked(data: bytes, *, hash_size: int = 20) -> set[bytes]:
    """Paths of an index file's entries, relative to the repository's top folder.

    Versions 2 to 4. What is no index, or one cut short, gives the names before the damage: this only decides
    what a snapshot holds beyond the ignore rules, so a guess would be worse than a gap.
    """
    names: set[bytes] = set()
    if len(data) < 12:
        return names
    magic, version, count = struct.unpack_from(">4sII", data)
    if magic != b"DIRC" or version not in (2, 3, 4) or count > MAX_ENTRIES:
        return names
    at = 12
    previous = b""
    for _ in range(count):
        start = at
        at += 40 + hash_size
        if at + 2 > len(data):
            break
        (flags,) = struct.unpack_from(">H", data, at)
        at += 2
        if flags & 0x4000 and version >= 3:
            at += 2
        if version == 4:
            strip, at = _varint(data, at)
            if strip > len(previous):
                break
        end = data.find(b"\0", at, at + 8192)
        if end < 0:
            break
        if version == 4:
            previous = previous[: len(previous) - strip] + data[at:end]
            at = end + 1
        else:
            previous = data[at:end]
            at = start + ((end - start + 8) // 8) * 8
        if len(previous) > 4096:
            break
        names.add(previous)
    return names


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Git's offset encoding: each continuation adds one."""
    if at >= len(data):
        return 1 << 60, at
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        if at >= len(data) or value > 1 << 32:
            return 1 << 60, at
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1
