"""Sealing: blobs, terminals and events streamed into a trace, with the chain, the commitments and the manifest."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import msgspec
import zstandard

from recorder.trace import compression, frames, integrity, limits, manifest, ziplayout
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import Decoded, Recorded, decode_event, encode_event
from recorder.trace.errors import RecordingFailed, TraceRejected
from recorder.trace.events import AnyEvent, Unknown
from recorder.trace.frames import Kind
from recorder.trace.manifest import BlobSet, Draft, Integrity, Manifest, Member, Seal, Terminal
from recorder.trace.rules import EventRules
from recorder.trace.ziplayout import Entry
from recorder.trace.zipwriter import ArchiveWriter, Sink

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class TraceWriter:
    """Seals one trace into `out`: blobs, terminals, then events in order of time, then `finish`.

    Memory stays flat: every stream goes through in portions. Given equal input (also salts and key) and equal versions
    of zlib and zstd, the bytes are equal. A context manager: left without `finish`, it leaves no file.
    Raises RecordingFailed where it cannot be written, ValueError for input that would not be read back.
    """

    def __init__(
        self,
        out: Path | str,
        draft: Draft,
        *,
        replace: bool = False,
        salt: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._archive = ArchiveWriter(out, replace=replace)
        self._draft = draft
        self._salt = salt
        self._blobs: dict[str, int] = {}
        self._terminals: dict[int, Terminal] = {}
        self._members: list[Member] = []
        self._chain = integrity.Chain(draft.trace_id)
        self._commitments = 0
        self._rules: EventRules | None = None
        self._salts: BinaryIO | None = None

    def blob(self, store: BlobStore, digest: str) -> None:
        """Takes a blob over from `store`, once. Raises KeyError where it isn't there, RecordingFailed where damaged."""
        if digest in self._blobs:
            return
        with store.open(digest) as file:
            packed = os.fstat(file.fileno()).st_size
            crc = content = 0
            hasher = hashlib.sha256()

            held = os.pread(file.fileno(), packed, 0) if packed <= limits.IO else b""

            def read(offset: int, count: int) -> bytes:
                return held[offset : offset + count] if held else os.pread(file.fileno(), count, offset)

            place = f"{store.folder}/{digest}.zst"
            try:
                for data in compression.stream(read, packed, place, most=limits.MAX_BLOB):
                    content += len(data)
                    hasher.update(data)
            except TraceRejected as error:
                raise RecordingFailed(f"blob {error}; it cannot be sealed") from error
            if hasher.hexdigest() != digest:
                raise RecordingFailed(f"blob {store.path(digest)} does not hold what its name says")
            for at in range(0, packed, limits.IO):
                crc = zlib.crc32(read(at, limits.IO), crc)
            entry = Entry(ziplayout.blob_name(digest), crc, packed, packed, 0)
            self._archive.copy(entry, (read(at, limits.IO) for at in range(0, packed, limits.IO)))
        self._blobs[digest] = content

    def blobs(self, store: BlobStore) -> None:
        """Takes every blob of `store` over."""
        for digest in store:
            self.blob(store, digest)

    @contextmanager
    def terminal(self, number: int) -> Iterator[TerminalSink]:
        """The raw output of terminal `number`, frame by frame, in order of time."""
        if (
            number in self._terminals
            or self._rules is not None
            or len(self._terminals) >= limits.MAX_TERMINALS
        ):
            raise ValueError(f"terminal {number}: there already, after the events, or one too many")
        with self._archive.member(ziplayout.frames_name(number)) as (write, member):
            sink = TerminalSink(write)
            yield sink
            sink.close()
        self._members.append(member())
        self._terminals[number] = Terminal(
            number=number, frames=sink.frames, output=sink.output_bytes, content=sink.content_bytes
        )

    @contextmanager
    def cast(self, number: int) -> Iterator[Sink]:
        """The asciicast of terminal `number`, in portions."""
        with self._archive.member(ziplayout.cast_name(number)) as (write, member):
            yield write
        self._members.append(member())

    @contextmanager
    def events(self) -> Iterator[Callable[[AnyEvent | Recorded | bytes], Decoded]]:
        """Takes events, times relative to the session's start, in order: as types, or as lines that are kept as they
        are.

        An event that breaks a rule between events raises ValueError, and the trace is not sealed.
        """
        terminals = {n: t.output for n, t in self._terminals.items()}
        self._rules = rules = EventRules(terminals, self._blobs.__contains__)
        with self._archive.spool() as salts:
            with self._archive.member(ziplayout.EVENTS) as (write, member):

                def add(event: AnyEvent | Recorded | bytes) -> Decoded:
                    number = self._chain.events
                    place = f"event {number}"
                    if number >= limits.MAX_EVENTS:
                        raise ValueError(f"more than {limits.MAX_EVENTS} events")
                    try:
                        if isinstance(event, bytes):
                            event = Recorded(decode_event(event, place), event)
                        elif not isinstance(event, Recorded):
                            line = encode_event(event)
                            event = Recorded(decode_event(line, place), line)
                        rules.add(event.event, place)
                        committed = self._commit(event, number, salts)
                    except TraceRejected as error:
                        raise ValueError(f"cannot be sealed: {error}") from error
                    self._chain.add(committed)
                    write(event.line + b"\n")
                    return event.event

                yield add
            self._members.append(member())
            with self._archive.member(ziplayout.SALTS) as (write, member):
                salts.seek(0)
                while data := salts.read(limits.IO):
                    write(data)
            self._members.append(member())

    def _commit(self, event: Recorded, number: int, salts: BinaryIO) -> bytes:
        if isinstance(event.event, Unknown):
            return event.line
        made = [
            integrity.Salt(event=number, field=field, salt=self._salt(integrity.SALT_BYTES).hex())
            for field in integrity.sensitive(event.event, event.line)
        ]
        if len(made) > limits.MAX_SALTS_PER_EVENT:
            raise ValueError(f"event {number} has {len(made)} sensitive values")
        self._commitments += len(made)
        salts.write(b"".join(msgspec.json.encode(salt) + b"\n" for salt in made))
        return integrity.chained(event.line, made, f"event {number}")

    def finish(self, duration_ns: int, key: Ed25519PrivateKey | None = None) -> Manifest:
        """Writes the manifest, signed where there is a key, and puts the trace in its place."""
        if self._rules is None:
            raise ValueError("a trace needs its events")
        self._check_expansion()
        blobs = "".join(f"{digest} {size}\n" for digest, size in sorted(self._blobs.items()))
        sealed = Manifest(
            **{name: getattr(self._draft, name) for name in Draft.__struct_fields__},
            duration_ns=duration_ns,
            completeness=self._rules.completeness(),
            counts=self._rules.counts(),
            outcome=self._rules.outcome(),
            terminals=[t for _, t in sorted(self._terminals.items())],
            members=sorted(self._members, key=lambda m: m.name),
            blobs=BlobSet(
                count=len(self._blobs),
                size=sum(self._blobs.values()),
                sha256=hashlib.sha256(blobs.encode()).hexdigest(),
            ),
            integrity=Integrity(
                events=self._chain.events, root=self._chain.root, commitments=self._commitments
            ),
            seal=None,
            redactions=[],
        )
        sealed = seal(sealed, key)
        with self._archive.member(ziplayout.MANIFEST) as (write, _):
            write(manifest.encode(sealed))
        self._archive.publish()
        return sealed

    def _check_expansion(self) -> None:
        """What a reader would refuse to expand is refused here, while the recording still stands."""
        content = sum(self._blobs.values()) + sum(t.content for t in self._terminals.values())
        total = content + sum(m.size for m in self._members)
        if total > min(limits.MAX_CONTENT, limits.FREE_EXPANSION + limits.MAX_RATIO * self._archive.size):
            raise RecordingFailed(
                f"{self._archive.out}: {total} bytes of content are too many; leave large files out"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.discard()


class TerminalSink:
    """Raw output of one terminal, in zstd chunks of whole frames. `frames` and the byte counts grow as it takes."""

    def __init__(self, write: Sink) -> None:
        self._write = write
        self._packer = zstandard.ZstdCompressor(level=compression.LEVEL, write_checksum=False)
        self._chunk = bytearray()
        self._t = 0
        self.frames = 0
        self.output_bytes = 0
        self.content_bytes = 0

    def output(self, t: int, data: bytes) -> None:
        """Takes what the terminal showed at `t` (relative to the session's start, not before the last one)."""
        if not self._t <= t < 2**62:
            raise ValueError(f"output at t {t} after t {self._t}")
        self._t = t
        for at in range(0, len(data), frames.MAX_PAYLOAD):
            self._chunk += frames.encode(self.frames, t, Kind.OUTPUT, data[at : at + frames.MAX_PAYLOAD])
            self.frames += 1
            if len(self._chunk) >= limits.CHUNK:
                self._flush()
        self.output_bytes += len(data)

    def close(self) -> None:
        if self._chunk:
            self._flush()

    def _flush(self) -> None:
        self.content_bytes += len(self._chunk)
        self._write(self._packer.compress(bytes(self._chunk)))
        self._chunk.clear()


def seal(unsigned: Manifest, key: Ed25519PrivateKey | None) -> Manifest:
    """The manifest with the key's signature in it; as it is without a key."""
    if key is None:
        return unsigned
    part = manifest.sealed_part(manifest.encode(unsigned))
    made = Seal(public_key=integrity.public_key(key), signature=integrity.sign_seal(key, part))
    return msgspec.structs.replace(unsigned, seal=made)
