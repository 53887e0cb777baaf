"""Reading a sealed trace, from anybody's hand: bounded memory, nothing written to disk, one kind of exception."""

from __future__ import annotations

import bisect
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from recorder.trace import compression, integrity, limits, manifest, ziplayout
from recorder.trace.archive import Archive
from recorder.trace.codec import Decoded, Recorded, decode_checked
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import Marked
from recorder.trace.frames import Frame, FrameDecoder, Kind
from recorder.trace.integrity import Salt
from recorder.trace.jsonscan import check
from recorder.trace.manifest import Manifest, Terminal
from recorder.trace.migrations import Migrator
from recorder.trace.rules import EventRules
from recorder.trace.ziplayout import Entry

SignatureState = Literal["valid", "absent", "invalid"]


class Problem(NamedTuple):
    """One thing that verification found wrong."""

    code: Code
    place: str
    reason: str


class RedactionReport(NamedTuple):
    """What one redaction took out, and whether its signature holds."""

    reason: str
    fields: int
    members: tuple[str, ...]
    public_key: str
    valid: bool


class IntegrityReport(NamedTuple):
    """What `Trace.verify` found. `ok` says that nothing was: an absent signature is no problem, but no proof either.

    The recording user holds the key: a valid signature proves that nobody else changed the trace since, not that
    its recorder did not make it up.
    """

    problems: tuple[Problem, ...]
    signature: SignatureState
    public_key: str | None
    events: int
    commitments: int
    redacted: int
    redactions: tuple[RedactionReport, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class _Chunk(NamedTuple):
    """A chunk of a terminal's stream: where it stands in its member, and what comes before it."""

    at: int
    length: int
    content: int
    output: int
    frames: int


class Events:
    """The events of a trace, in order. Iterate as often as you like: each time they are read and checked anew,
    so that a long trace needs no more memory than a short one. `lines()` gives them with their lines.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __len__(self) -> int:
        return self._trace.manifest.integrity.events

    def __iter__(self) -> Iterator[Decoded]:
        return (recorded.event for recorded in self._trace._lines())

    def lines(self) -> Iterator[Recorded]:
        """Each event with the line it was read from, which is what a rewrite must keep."""
        return self._trace._lines()


class Trace:
    """An open trace. Made by `open_trace`; a context manager.

    Every method raises TraceRejected where the trace breaks the format, and nothing else because of what is in it.
    """

    def __init__(self, fd: int) -> None:
        """Takes over `fd`."""
        self._archive = archive = Archive(fd)
        try:
            entry = archive.entry(ziplayout.MANIFEST)
            self.raw_manifest = b"".join(archive.content(entry, most=limits.MAX_MANIFEST))
            self._migrator = Migrator(manifest.version_of(self.raw_manifest))
            self.manifest: Manifest = manifest.decode(self._migrator.manifest(self.raw_manifest))
            self._members = self.manifest.current_members()
            self._terminals = {t.number: t for t in self.manifest.terminals}
            self._chunks: dict[int, list[_Chunk]] = {}
            self._last_chunk: tuple[int, int, bytes] | None = None
            self._check_members()
        except BaseException:
            archive.close()
            raise
        self.events = Events(self)

    def close(self) -> None:
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- blobs --------------------------------------------------------------------------------------

    def has_blob(self, digest: str) -> bool:
        return self._archive.has_blob(digest)

    def blob_digests(self) -> Iterator[str]:
        return (digest for digest, _ in self._archive.blobs())

    def blob_size(self, digest: str) -> int:
        """Content bytes, as declared."""
        return self._archive.blob_size(digest)

    def blob(self, digest: str, most: int = limits.MAX_BLOB_IN_MEMORY) -> bytes:
        """A blob's content, at most `most` bytes."""
        return b"".join(self.stream_blob(digest, most))

    def stream_blob(self, digest: str, most: int = limits.MAX_BLOB) -> Iterator[bytes]:
        """A blob's content in portions. They are proven only when the last has come without an exception."""
        entry = self._archive.blob_entry(digest)
        hasher = hashlib.sha256()
        for data in compression.stream(self._archive.source(entry), entry.packed, entry.name, most=most):
            hasher.update(data)
            yield data
        if hasher.hexdigest() != digest:
            raise TraceRejected(Code.HASH, entry.name, "its content is not what its name says")

    def copy_blob(self, digest: str, fd: int, most: int = limits.MAX_BLOB) -> int:
        """Writes a blob's content to `fd`, in portions; returns its size. OSError from the write is the caller's."""
        size = 0
        for data in self.stream_blob(digest, most):
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            size += len(data)
        return size

    # -- terminals ----------------------------------------------------------------------------------

    def terminal_frames(self, number: int) -> Iterator[Frame]:
        """The raw output of a terminal, frame by frame, streaming; sequence and time checked, hash at the end."""
        terminal, entry = self._terminal(number)
        chunks: list[_Chunk] = []
        sequence = t = output = content = 0
        for chunk, data in self._walk_chunks(entry, self._members[entry.name].sha256):
            chunks.append(_Chunk(chunk.at, chunk.length, chunk.content, output, sequence))
            content += chunk.content
            if content > terminal.content:
                raise TraceRejected(
                    Code.TOO_LARGE, entry.name, f"more than its {terminal.content} bytes come out"
                )
            for frame in _frames(data, entry.name):
                if frame.sequence != sequence or frame.kind != Kind.OUTPUT or not t <= frame.t < 2**62:
                    raise TraceRejected(
                        Code.ORDER, entry.name, f"frame {sequence} is out of order or of another kind"
                    )
                sequence, t = sequence + 1, frame.t
                output += len(frame.payload)
                yield frame
        if (sequence, output, content) != (terminal.frames, terminal.output, terminal.content):
            raise TraceRejected(Code.HASH, entry.name, "its sizes are not those in the manifest")
        self._chunks[number] = chunks

    def terminal_output(self, number: int, start: int, end: int) -> bytes:
        """Raw output from byte `start` to `end` (clipped to what there is), at most `limits.MAX_OUTPUT_SLICE` bytes.

        The first call checks the whole stream once; each one after costs about what it returns.
        """
        terminal, entry = self._terminal(number)
        start, end = max(0, start), min(end, terminal.output)
        if end - start > limits.MAX_OUTPUT_SLICE:
            raise TraceRejected(
                Code.TOO_LARGE,
                entry.name,
                f"{end - start} bytes of output at once; the most is {limits.MAX_OUTPUT_SLICE}",
            )
        if number not in self._chunks:
            for _ in self.terminal_frames(number):
                pass
        chunks = self._chunks[number]
        index = max(0, bisect.bisect_right(chunks, start, key=lambda c: c.output) - 1)
        parts = []
        at = start
        while at < end:
            chunk = chunks[index]
            data = self._chunk_output(number, entry, index, chunk)
            part = data[at - chunk.output : end - chunk.output]
            parts.append(part)
            at += len(part)
            index += 1
        return b"".join(parts)

    def _chunk_output(self, number: int, entry: Entry, index: int, chunk: _Chunk) -> bytes:
        last = self._last_chunk
        if last is None or last[:2] != (number, index):
            packed = self._archive.source(entry)(chunk.at, chunk.length)
            data = compression.decompress(packed, chunk.content, entry.name)
            last = (number, index, b"".join(frame.payload for frame in _frames(data, entry.name)))
            self._last_chunk = last
        return last[2]

    def _terminal(self, number: int) -> tuple[Terminal, Entry]:
        terminal = self._terminals.get(number)
        if terminal is None:
            raise TraceRejected(Code.MISSING, f"terminal/{number}", "not in the trace")
        return terminal, self._archive.entry(ziplayout.frames_name(number))

    def _walk_chunks(self, entry: Entry, sha256: str) -> Iterator[tuple[_Chunk, bytes]]:
        source = self._archive.source(entry)
        hasher = hashlib.sha256()
        at = 0
        last = limits.CHUNK
        while at < entry.packed:
            if last < limits.CHUNK:
                raise TraceRejected(Code.SYNTAX, entry.name, f"a chunk of {last} bytes before the last one")
            length, content = compression.frame_length(source, at, entry.packed, entry.name)
            if not 0 < content <= limits.MAX_CHUNK or length > limits.MAX_CHUNK + 65536:
                raise TraceRejected(Code.TOO_LARGE, entry.name, f"a chunk of {content} bytes in {length}")
            last = content
            packed = source(at, length)
            hasher.update(packed)
            yield _Chunk(at, length, content, 0, 0), compression.decompress(packed, content, entry.name)
            at += length
        if hasher.hexdigest() != sha256:
            raise TraceRejected(Code.HASH, entry.name, "its SHA-256 is not the one in the manifest")

    def cast(self, number: int) -> Iterator[bytes]:
        """The asciicast of a terminal in portions; TraceRejected where there is none."""
        name = ziplayout.cast_name(number)
        return self._content(name, limits.MAX_CONTENT)

    # -- events -------------------------------------------------------------------------------------

    def _content(self, name: str, most: int) -> Iterator[bytes]:
        entry = self._archive.entry(name)
        return self._archive.content(entry, most=most, sha256=self._members[name].sha256)

    def _lines(self, seen: Callable[[int, bytes], object] | None = None) -> Iterator[Recorded]:
        """Checks all that one pass over the events can: each line, the rules between them, the manifest's sums."""
        rules = EventRules({n: t.output for n, t in self._terminals.items()}, self._archive.has_blob)
        number = 0
        content = self._content(ziplayout.EVENTS, limits.MAX_EVENTS_BYTES)
        for line in _split(content, ziplayout.EVENTS, limits.MAX_LINE):
            place = f"{ziplayout.EVENTS} line {number + 1}"
            if number >= limits.MAX_EVENTS:
                raise TraceRejected(Code.TOO_LARGE, place, f"more than {limits.MAX_EVENTS} events")
            check(line, place)
            ours = self._migrator.event(line, place)
            if seen is not None:
                seen(number, line)
            if ours is not None:
                event = decode_checked(ours, place)
                rules.add(event, place)
                yield Recorded(event, ours)
            number += 1
        said = self.manifest
        if number != said.integrity.events:
            raise TraceRejected(
                Code.CHAIN, ziplayout.EVENTS, f"{number} events; the manifest has {said.integrity.events}"
            )
        if self._migrator.changes:
            return  # an older version's sums may count what this one tells otherwise
        if (rules.counts(), rules.completeness(), rules.outcome()) != (
            said.counts,
            said.completeness,
            said.outcome,
        ):
            raise TraceRejected(
                Code.SCHEMA, manifest.PLACE, "counts, completeness or outcome are not what the events say"
            )

    def labels(self) -> list[str]:
        """Of its marks, each once, in their order. Of the events only these are decoded: enough for who lists many
        traces, and proof of nothing."""
        found: dict[str, None] = {}
        content = self._content(ziplayout.EVENTS, limits.MAX_EVENTS_BYTES)
        for number, line in enumerate(_split(content, ziplayout.EVENTS, limits.MAX_LINE), 1):
            if b'"mark"' in line:
                place = f"{ziplayout.EVENTS} line {number}"
                check(line, place)
                ours = self._migrator.event(line, place)
                event = None if ours is None else decode_checked(ours, place)
                if isinstance(event, Marked):
                    found[event.label] = None
        return list(found)

    def _salts(self) -> Iterator[Salt]:
        content = self._content(ziplayout.SALTS, limits.MAX_SALTS_BYTES)
        for number, line in enumerate(_split(content, ziplayout.SALTS, limits.MAX_SALT_LINE)):
            if number >= limits.MAX_SALTS:
                raise TraceRejected(Code.TOO_LARGE, ziplayout.SALTS, f"more than {limits.MAX_SALTS} lines")
            yield integrity.decode_salt(line, f"{ziplayout.SALTS} line {number + 1}")

    # -- integrity ----------------------------------------------------------------------------------

    def verify(self, seen: Callable[[Decoded], object] | None = None) -> IntegrityReport:
        """Reads everything and says whether all of it is what was sealed. Never raises for what is in the trace.

        `seen` gets every event on the way, so that who needs them too reads them once; only the report proves them.
        """
        from recorder.trace.verification import verify

        return verify(self, seen)

    def _check_members(self) -> None:
        """What the manifest lists and what is there must be the same, and must not expand beyond reason."""
        said = self.manifest
        archive = self._archive
        listed = [ziplayout.EVENTS, ziplayout.SALTS]
        listed += [ziplayout.frames_name(t.number) for t in said.terminals]
        casts = {ziplayout.cast_name(t.number) for t in said.terminals}
        if len(self._terminals) != len(said.terminals) or len(said.terminals) > limits.MAX_TERMINALS:
            raise TraceRejected(Code.DUPLICATE, manifest.PLACE, "a terminal twice, or too many of them")
        if len({m.name for m in said.members}) != len(said.members):
            raise TraceRejected(Code.DUPLICATE, manifest.PLACE, "a member listed twice")
        for name in listed:
            if name not in self._members:
                raise TraceRejected(Code.MISSING, manifest.PLACE, f"{name} is not listed")
        for name, member in self._members.items():
            entry = archive.entry(name)
            if (name not in listed and name not in casts) or (entry.size, entry.packed) != (
                member.size,
                member.packed,
            ):
                raise TraceRejected(
                    Code.HASH, name, "not of the size that the manifest lists, or not to be listed"
                )
        if extra := archive.entries.keys() - self._members.keys() - {ziplayout.MANIFEST}:
            raise TraceRejected(Code.NAME, min(extra), "not listed in the manifest")
        hasher = hashlib.sha256()
        count = size = 0
        for digest, content in archive.blobs():
            hasher.update(f"{digest} {content}\n".encode())
            count += 1
            size += content
        if (count, size, hasher.hexdigest()) != (said.blobs.count, said.blobs.size, said.blobs.sha256):
            raise TraceRejected(Code.HASH, "blobs", "not the blobs that the manifest lists")
        total = size + sum(m.size for m in self._members.values()) + sum(t.content for t in said.terminals)
        if total > limits.MAX_CONTENT:
            raise TraceRejected(
                Code.TOO_LARGE, "container", f"{total} bytes of content; the most is {limits.MAX_CONTENT}"
            )
        if total > limits.FREE_EXPANSION + limits.MAX_RATIO * archive.size:
            raise TraceRejected(Code.RATIO, "container", f"{archive.size} bytes would expand to {total}")


def open_trace(path: Path | str) -> Trace:
    """Opens the trace at `path`, checking its container and manifest; the rest is checked as it is read.

    Raises TraceRejected for a file that is no good trace; OSError where the file itself cannot be opened.
    """
    return Trace(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY))


def _frames(data: bytes, place: str) -> Iterator[Frame]:
    decoder = FrameDecoder()
    yield from decoder.feed(data)
    torn = decoder.torn()
    if torn is not None:
        raise TraceRejected(Code.SYNTAX, place, f"a chunk that does not hold whole frames: {torn.reason}")


def _split(content: Iterator[bytes], place: str, most: int) -> Iterator[bytes]:
    """Lines, each of at most `most` bytes, the last one ended too."""
    rest: list[bytes] = []
    length = 0
    for data in content:
        first, *lines = data.split(b"\n")
        rest.append(first)
        length += len(first)
        if length > most:
            raise TraceRejected(Code.TOO_LARGE, place, f"a line of more than {most} bytes")
        if lines:
            yield b"".join(rest)
            yield from lines[:-1]
            rest, length = [lines[-1]], len(lines[-1])
    if length:
        raise TraceRejected(Code.TRUNCATED, place, "the last line does not end")
