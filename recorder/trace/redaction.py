"""Taking values out of a sealed trace without breaking its chain or its recorder's signature."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from recorder.trace import integrity, jsonscan, limits, manifest, ziplayout
from recorder.trace.errors import UsageError
from recorder.trace.integrity import Salt
from recorder.trace.manifest import Manifest, Member, RedactedField, Redaction
from recorder.trace.reader import Trace
from recorder.trace.zipwriter import ArchiveWriter

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def redact(
    trace: Trace,
    out: Path | str,
    fields: Collection[tuple[int, str]],
    *,
    reason: str,
    at_unix_ns: int,
    key: Ed25519PrivateKey,
    casts: Mapping[int, Iterable[bytes]] | None = None,
) -> Manifest:
    """Writes to `out` the trace without the values at `fields`: (line of events.jsonl from 0, JSON Pointer).

    Each value becomes `""` or `[]`, its salt is dropped, its commitment stays: chain and seal still hold. The
    redaction is listed and signed by `key`. What the terminal showed is not touched, echoes of a redacted command
    included; `casts` replaces asciicasts, which repeat typed input. Raises UsageError for a field that has no salt,
    TraceRejected, RecordingFailed.
    """
    if trace._migrator.changes:
        raise UsageError("a trace of an older schema version cannot be redacted; seal it anew first")
    wanted: dict[int, set[str]] = {}
    for event, field in fields:
        wanted.setdefault(event, set()).add(field)
    changed: list[Member] = []
    replaced = {ziplayout.cast_name(n): portions for n, portions in (casts or {}).items()}
    with ArchiveWriter(out) as archive:
        for entry in _in_file_order(trace):
            if entry.name in (ziplayout.EVENTS, ziplayout.SALTS, ziplayout.MANIFEST):
                continue
            if entry.name in replaced:
                with archive.member(entry.name) as (write, member):
                    for data in replaced[entry.name]:
                        write(data)
                changed.append(member())
            else:
                archive.copy(entry, trace._archive.packed(entry))
        made: list[Salt] = []
        with archive.member(ziplayout.EVENTS) as (write, member):
            commitments = _commitments(trace, wanted)
            for number, recorded in enumerate(trace.events.lines()):
                line = recorded.line
                if number in wanted:
                    line = _emptied(line, wanted[number])
                write(line + b"\n")
        changed.append(member())
        with archive.member(ziplayout.SALTS) as (write, member):
            for salt in trace._salts():
                mark = commitments.get((salt.event, salt.field))
                if mark is not None:
                    salt = Salt(event=salt.event, field=salt.field, commitment=mark)
                    made.append(salt)
                write(msgspec.json.encode(salt) + b"\n")
        changed.append(member())
        sealed = _signed(trace, sorted(changed, key=lambda m: m.name), made, reason, at_unix_ns, key)
        with archive.member(ziplayout.MANIFEST) as (write, _):
            write(sealed)
        archive.publish()
    return manifest.decode(sealed)


def _in_file_order(trace: Trace) -> list[ziplayout.Entry]:
    entries = list(trace._archive.entries.values())
    for digest in trace.blob_digests():
        bisect.insort(entries, trace._archive.blob_entry(digest), key=lambda e: e.offset)
    return sorted(entries, key=lambda e: e.offset)


def _commitments(trace: Trace, wanted: Mapping[int, set[str]]) -> dict[tuple[int, str], str]:
    """The commitment of every wanted value, which its salt and value still prove."""
    salts = {
        (salt.event, salt.field): salt
        for salt in trace._salts()
        if salt.field in wanted.get(salt.event, ()) and salt.salt is not None
    }
    found = {}
    for number, recorded in enumerate(trace.events.lines()):
        for span in jsonscan.spans(recorded.line, "event") if number in wanted else ():
            salt = salts.get((number, integrity.pointer_text(span.pointer)))
            if salt is not None and salt.salt is not None:
                value = recorded.line[span.start : span.end]
                found[number, salt.field] = integrity.commitment(bytes.fromhex(salt.salt), value)
    for event, fields in wanted.items():
        for field in fields:
            if (event, field) not in found:
                raise UsageError(
                    f"event {event} has no value {field!r} that can be taken out; see SENSITIVE fields"
                )
    return found


def _emptied(line: bytes, fields: set[str]) -> bytes:
    spans = [s for s in jsonscan.spans(line, "event") if integrity.pointer_text(s.pointer) in fields]
    for span in sorted(spans, key=lambda s: -s.start):
        empty = b"[]" if line[span.start : span.start + 1] == b"[" else b'""'
        line = line[: span.start] + empty + line[span.end :]
    return line


def _signed(
    trace: Trace,
    members: list[Member],
    gone: list[Salt],
    reason: str,
    at_unix_ns: int,
    key: Ed25519PrivateKey,
) -> bytes:
    """The old manifest's very bytes with one more redaction at their end."""
    record = Redaction(
        at_unix_ns=at_unix_ns,
        reason=reason,
        fields=[RedactedField(event=s.event, field=s.field) for s in gone],
        members=members,
        public_key=integrity.public_key(key),
        signature="0" * 128,
    )
    old = trace.raw_manifest[:-2]  # without `]}`
    comma = b"," if trace.manifest.redactions else b""
    unsigned = old + comma + msgspec.json.encode(record) + b"]}"
    part = manifest.redaction_part(unsigned, len(trace.manifest.redactions))
    record = msgspec.structs.replace(record, signature=integrity.sign_redaction(key, part))
    raw = old + comma + msgspec.json.encode(record) + b"]}"
    if len(raw) > limits.MAX_MANIFEST:
        raise UsageError(
            f"the manifest would be {len(raw)} bytes; the most is {limits.MAX_MANIFEST}: redact less at once"
        )
    return raw
