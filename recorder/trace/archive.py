"""Reading the ZIP file that a trace is, from an untrusted hand. Nothing is written, nothing declared is believed."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Iterator

from recorder.trace import compression, limits, ziplayout
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.ziplayout import Entry

_PLACE = "container"
_COMPACT = struct.Struct("<QQQI")


class Archive:
    """An open archive whose every header has been checked against the one layout (see `ziplayout`).

    `entries` are the members but the blobs, by name; blobs are kept compactly: a trace may have many.
    Raises TraceRejected; after that it is closed.
    """

    def __init__(self, fd: int) -> None:
        """Takes over `fd`, open for reading."""
        self._fd = fd
        self.entries: dict[str, Entry] = {}
        self._blobs: dict[bytes, bytes] = {}
        try:
            info = os.fstat(fd)
            if not stat.S_ISREG(info.st_mode):
                raise TraceRejected(Code.NOT_A_TRACE, _PLACE, "not a regular file")
            self.size = info.st_size
            self._walk()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # -- members ------------------------------------------------------------------------------------

    def has_blob(self, digest: str) -> bool:
        try:
            key = bytes.fromhex(digest)
        except ValueError:
            return False
        return key in self._blobs and key.hex() == digest

    def blobs(self) -> Iterator[tuple[str, int]]:
        """(digest, declared content size) of every blob, sorted."""
        for key in sorted(self._blobs):
            yield key.hex(), _COMPACT.unpack(self._blobs[key])[2]

    def blob_size(self, digest: str) -> int:
        """The declared content size. Raises TraceRejected where there is no such blob."""
        return int(_COMPACT.unpack(self._blob(digest))[2])

    def blob_entry(self, digest: str) -> Entry:
        offset, packed, _, crc = _COMPACT.unpack(self._blob(digest))
        return Entry(ziplayout.blob_name(digest), crc, packed, packed, offset)

    def _blob(self, digest: str) -> bytes:
        try:
            return self._blobs[bytes.fromhex(digest)]
        except (KeyError, ValueError):
            raise TraceRejected(Code.MISSING, f"blobs/{digest[:80]}.zst", "not in the trace") from None

    def entry(self, name: str) -> Entry:
        try:
            return self.entries[name]
        except KeyError:
            raise TraceRejected(Code.MISSING, name, "not in the trace") from None

    # -- bytes --------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes at `offset` of the file. Raises TraceRejected where they are not there."""
        parts = []
        while size > 0:
            try:
                data = os.pread(self._fd, min(size, limits.IO), offset)
            except OSError as error:
                raise TraceRejected(
                    Code.TRUNCATED, f"{_PLACE} byte {offset}", f"cannot be read: {error}"
                ) from None
            if not data:
                raise TraceRejected(Code.TRUNCATED, f"{_PLACE} byte {offset}", "the file ends early")
            parts.append(data)
            offset += len(data)
            size -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def source(self, entry: Entry) -> compression.Source:
        """Random access to a member's packed bytes."""
        start, packed = entry.data, entry.packed

        def read(offset: int, size: int) -> bytes:
            return self.read(start + offset, max(0, min(size, packed - offset)))

        return read

    def packed(self, entry: Entry) -> Iterator[bytes]:
        """A member's bytes as they stand in the file, in portions. CRCs are checked at the end where stored."""
        crc = 0
        stored = ziplayout.method(entry.name) == ziplayout.STORED
        for at in range(0, entry.packed, limits.IO):
            data = self.read(entry.data + at, min(limits.IO, entry.packed - at))
            if stored:
                crc = zlib.crc32(data, crc)
            yield data
        if stored and crc != entry.crc:
            raise TraceRejected(Code.HASH, entry.name, "its CRC-32 does not match")

    def content(self, entry: Entry, *, most: int, sha256: str | None = None) -> Iterator[bytes]:
        """A member's content in portions, at most `most` bytes; sizes, CRC and, where given, the SHA-256 of the packed
        bytes are checked by the end. Raises TraceRejected.
        """
        if entry.size > most:
            raise TraceRejected(Code.TOO_LARGE, entry.name, f"{entry.size} bytes; the most is {most}")
        hasher = hashlib.sha256()
        if ziplayout.method(entry.name) == ziplayout.STORED:
            for data in self.packed(entry):
                hasher.update(data)
                yield data
        else:
            yield from self._inflated(entry, hasher)
        if sha256 is not None and hasher.hexdigest() != sha256:
            raise TraceRejected(Code.HASH, entry.name, "its SHA-256 is not the one in the manifest")

    def _inflated(self, entry: Entry, hasher: hashlib._Hash) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-15)
        done = crc = 0
        for data in self.packed(entry):
            hasher.update(data)
            out = b""
            while data or len(out) == limits.IO:  # a full portion: the inflater may hold back more
                if inflater.eof:
                    raise TraceRejected(Code.SYNTAX, entry.name, "bytes after its deflate data")
                try:
                    out = inflater.decompress(data, limits.IO)
                except zlib.error as error:
                    raise TraceRejected(Code.SYNTAX, entry.name, f"damaged deflate data: {error}") from None
                data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                done += len(out)
                crc = zlib.crc32(out, crc)
                if done > entry.size:
                    raise TraceRejected(
                        Code.TOO_LARGE, entry.name, f"more than its {entry.size} bytes come out"
                    )
                if inflater.eof and not data:
                    yield out
                    break
                if out:
                    yield out
        if not inflater.eof:
            raise TraceRejected(Code.TRUNCATED, entry.name, "its deflate data ends early")
        if done != entry.size or crc != entry.crc:
            raise TraceRejected(Code.HASH, entry.name, "its size or CRC-32 does not match")

    # -- the walk -----------------------------------------------------------------------------------

    def _walk(self) -> None:
        if self.size > limits.MAX_ARCHIVE:
            raise TraceRejected(
                Code.TOO_LARGE, _PLACE, f"{self.size} bytes; the most is {limits.MAX_ARCHIVE}"
            )
        tail = min(self.size, ziplayout.END_SIZE + ziplayout.END64_SIZE)
        last = self.read(self.size - tail, tail)
        found = ziplayout.parse_end(last)
        if found is None:
            raise self._no_end(last)
        count, size, offset = found
        if count > limits.MAX_MEMBERS:
            raise TraceRejected(Code.TOO_LARGE, _PLACE, f"{count} members; the most is {limits.MAX_MEMBERS}")
        if offset + size > self.size or size > count * (ziplayout.CENTRAL_SIZE + ziplayout.LONGEST_NAME + 28):
            raise TraceRejected(Code.SYNTAX, _PLACE, "a central directory that does not fit")
        end = ziplayout.end(count, size, offset)
        if offset + size + len(end) != self.size or not last.endswith(end):
            raise TraceRejected(
                Code.SYNTAX, f"{_PLACE} byte {offset + size}", "not the end that the archive must have"
            )
        self._central(count, size, offset)

    def _no_end(self, last: bytes) -> TraceRejected:
        head = self.read(0, min(4, self.size))
        if b"PK\5\6" in last:
            return TraceRejected(Code.SYNTAX, _PLACE, "bytes after the end of the archive, or a comment")
        if head == b"PK\3\4" or (head and b"PK\3\4".startswith(head)):
            return TraceRejected(Code.TRUNCATED, _PLACE, "the file ends early")
        return TraceRejected(Code.NOT_A_TRACE, _PLACE, "not a trace file")

    def _central(self, count: int, size: int, offset: int) -> None:
        window = _Window(self, offset, size)
        following = 0
        for number in range(count):
            place = f"{_PLACE} member {number}"
            head = ziplayout.parse_central(window.peek(ziplayout.CENTRAL_SIZE))
            if head is None:
                raise TraceRejected(Code.SYNTAX, place, "no entry in the central directory")
            length = ziplayout.CENTRAL_SIZE + head.name_length + head.extra_length
            if head.name_length > ziplayout.LONGEST_NAME or head.extra_length > 28:
                raise TraceRejected(Code.NAME, place, "a name or an extra field that no member has")
            raw = window.peek(length)
            name = raw[ziplayout.CENTRAL_SIZE :][: head.name_length].decode("latin-1")
            if not name.isascii() or not ziplayout.is_allowed(name):
                raise TraceRejected(Code.NAME, place, f"{name!r} is no member of a trace")
            numbers = ziplayout.parse_extra(head, raw[ziplayout.CENTRAL_SIZE + head.name_length :])
            if numbers is None:
                raise TraceRejected(Code.SYNTAX, place, "an extra field that no member has")
            entry = Entry(name, head.crc, numbers[1], numbers[0], numbers[2])
            following = self._member(entry, raw, following, offset, place)
            window.skip(length)
        if not window.at_end or following != offset:
            raise TraceRejected(Code.SYNTAX, _PLACE, "bytes between the members and the central directory")

    def _member(self, entry: Entry, raw: bytes, following: int, most: int, place: str) -> int:
        if ziplayout.central(entry) != raw:
            raise TraceRejected(Code.SYNTAX, place, _difference(raw))
        if entry.offset != following or entry.end > most:
            raise TraceRejected(Code.SYNTAX, place, "members that overlap, or bytes between them")
        digest = ziplayout.blob_digest(entry.name)
        length = ziplayout.local_size(entry.name)
        peek = min(length + compression.HEADER, entry.end - entry.offset)
        head = self.read(entry.offset, peek)
        try:
            local = ziplayout.local(entry)
        except ValueError as error:
            raise TraceRejected(Code.TOO_LARGE, place, str(error)) from None
        if head[:length] != local:
            raise TraceRejected(Code.SYNTAX, place, "its local header says other than the central directory")
        if ziplayout.method(entry.name) == ziplayout.STORED and entry.size != entry.packed:
            raise TraceRejected(Code.SYNTAX, place, "stored, yet of two sizes")
        if digest is None:
            if entry.name in self.entries:
                raise TraceRejected(Code.DUPLICATE, place, f"{entry.name} twice")
            self.entries[entry.name] = entry
        else:
            key = bytes.fromhex(digest)
            if key in self._blobs:
                raise TraceRejected(Code.DUPLICATE, place, f"{entry.name} twice")
            content = compression.header(head[length:], entry.name).content
            if content > limits.MAX_BLOB:
                raise TraceRejected(
                    Code.TOO_LARGE, entry.name, f"{content} bytes; the most is {limits.MAX_BLOB}"
                )
            self._blobs[key] = _COMPACT.pack(entry.offset, entry.packed, content, entry.crc)
        return entry.end


class _Window:
    """The central directory, seen through a small buffer."""

    def __init__(self, archive: Archive, offset: int, size: int) -> None:
        self._archive = archive
        self._next = offset
        self._end = offset + size
        self._buffer = b""
        self._at = 0

    def peek(self, size: int) -> bytes:
        if len(self._buffer) - self._at < size:
            more = self._archive.read(self._next, min(limits.IO, self._end - self._next))
            self._next += len(more)
            self._buffer = self._buffer[self._at :] + more
            self._at = 0
        return self._buffer[self._at : self._at + size]

    def skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._buffer):
            raise TraceRejected(Code.TRUNCATED, _PLACE, "the central directory ends early")

    @property
    def at_end(self) -> bool:
        return self._next == self._end and self._at == len(self._buffer)


def _difference(raw: bytes) -> str:
    flags, method = struct.unpack_from("<HH", raw, 8)
    if flags & 1:
        return "encrypted"
    if method not in (ziplayout.STORED, ziplayout.DEFLATED):
        return f"compressed by method {method}"
    return "an entry unlike any that a trace has (flags, method, dates, attributes, disks or comments)"
