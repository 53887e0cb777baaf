"""Does a trace hold what was sealed? One pass over everything; whatever is wrong becomes a problem in the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from recorder.trace import integrity, limits, manifest, ziplayout
from recorder.trace.codec import Decoded
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.integrity import Salt
from recorder.trace.reader import IntegrityReport, Problem, RedactionReport, SignatureState

if TYPE_CHECKING:
    from recorder.trace.reader import Trace


def verify(trace: Trace, seen: Callable[[Decoded], object] | None = None) -> IntegrityReport:
    """See `Trace.verify`."""
    problems: list[Problem] = []

    def attempt(part: Callable[[], object]) -> None:
        try:
            part()
        except TraceRejected as error:
            problems.append(Problem(error.code, error.place, error.reason))

    chain = _Chain(trace)
    attempt(lambda: chain.run(seen))
    for terminal in trace.manifest.terminals:
        attempt(lambda number=terminal.number: _drain(trace.terminal_frames(number)))  # type: ignore[misc]
        attempt(lambda number=terminal.number: _container_crc(trace, ziplayout.frames_name(number)))  # type: ignore[misc]
        if ziplayout.cast_name(terminal.number) in trace._archive.entries:
            attempt(lambda number=terminal.number: _drain(trace.cast(number)))  # type: ignore[misc]
    for digest in trace.blob_digests():
        attempt(lambda digest=digest: _blob(trace, digest))  # type: ignore[misc]
    state = _signature(trace, problems)
    redactions = _redactions(trace, problems, chain)
    return IntegrityReport(
        problems=tuple(problems),
        signature=state,
        public_key=trace.manifest.seal.public_key if trace.manifest.seal else None,
        events=chain.events,
        commitments=chain.commitments,
        redacted=len(chain.redacted),
        redactions=redactions,
    )


def _drain(portions: Iterator[object]) -> None:
    for _ in portions:
        pass


def _container_crc(trace: Trace, name: str) -> None:
    _drain(trace._archive.packed(trace._archive.entry(name)))


def _blob(trace: Trace, digest: str) -> None:
    _drain(trace.stream_blob(digest))
    _drain(trace._archive.packed(trace._archive.blob_entry(digest)))


class _Chain:
    """Events and salts, read side by side."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._salts = iter(())  # type: Iterator[Salt]
        self._next: Salt | None = None
        self._chain = integrity.Chain(trace.manifest.trace_id)
        self.events = 0
        self.commitments = 0
        self.redacted: set[tuple[int, str]] = set()

    def run(self, seen: Callable[[Decoded], object] | None) -> None:
        self._salts = self._trace._salts()
        self._next = next(self._salts, None)
        for recorded in self._trace._lines(self._event):
            if seen is not None:
                seen(recorded.event)
        if self._next is not None:
            raise TraceRejected(
                Code.CHAIN, ziplayout.SALTS, "salts for events that are not there, or out of order"
            )
        self.events = self._chain.events
        said = self._trace.manifest.integrity
        if self._chain.root != said.root:
            raise TraceRejected(
                Code.CHAIN, ziplayout.EVENTS, "the hash chain does not end at the manifest's root"
            )
        if self.commitments != said.commitments:
            raise TraceRejected(Code.CHAIN, ziplayout.SALTS, "not as many commitments as the manifest says")

    def _event(self, number: int, line: bytes) -> None:
        salts = []
        while self._next is not None and self._next.event == number:
            salts.append(self._next)
            if self._next.salt is None:
                self._redact(number, self._next.field)
            if len(salts) > limits.MAX_SALTS_PER_EVENT:
                raise TraceRejected(Code.TOO_LARGE, ziplayout.SALTS, f"too many salts for event {number}")
            self._next = next(self._salts, None)
        self.commitments += len(salts)
        self._chain.add(integrity.chained(line, salts, f"{ziplayout.EVENTS} line {number + 1}"))

    def _redact(self, number: int, field: str) -> None:
        if len(self.redacted) >= limits.MAX_REDACTED:
            raise TraceRejected(
                Code.TOO_LARGE, ziplayout.SALTS, f"more than {limits.MAX_REDACTED} redacted values"
            )
        self.redacted.add((number, field))


def _signature(trace: Trace, problems: list[Problem]) -> SignatureState:
    seal = trace.manifest.seal
    if seal is None:
        return "absent"
    try:
        part = manifest.sealed_part(trace.raw_manifest)
    except TraceRejected as error:
        problems.append(Problem(error.code, error.place, error.reason))
        return "invalid"
    if integrity.seal_holds(seal.public_key, seal.signature, part):
        return "valid"
    problems.append(Problem(Code.SIGNATURE, manifest.PLACE, "the signature does not fit the manifest"))
    return "invalid"


def _redactions(trace: Trace, problems: list[Problem], chain: _Chain) -> tuple[RedactionReport, ...]:
    """Each one must be signed, and together they must list exactly what is gone."""
    reports = []
    listed: set[tuple[int, str]] = set()
    for index, redaction in enumerate(trace.manifest.redactions):
        try:
            part = manifest.redaction_part(trace.raw_manifest, index)
            valid = integrity.redaction_holds(redaction.public_key, redaction.signature, part)
        except TraceRejected:
            valid = False
        if not valid:
            problems.append(
                Problem(Code.SIGNATURE, f"{manifest.PLACE} redaction {index}", "its signature does not fit")
            )
        listed.update((f.event, f.field) for f in redaction.fields)
        names = tuple(m.name for m in redaction.members)
        reports.append(
            RedactionReport(redaction.reason, len(redaction.fields), names, redaction.public_key, valid)
        )
    if listed != chain.redacted:
        problems.append(
            Problem(Code.CHAIN, ziplayout.SALTS, "values are gone that no redaction lists, or the reverse")
        )
    return tuple(reports)
