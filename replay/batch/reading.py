"""Reads a trace's file as a row, its integrity checked first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from recorder.trace.codec import Decoded
from recorder.trace.errors import TraceRejected
from recorder.trace.events import SecretReplaced
from recorder.trace.reader import Trace, open_trace
from replay import verdicts
from replay.batch import shelf
from replay.batch.leaks import Leak, leaks
from replay.dataset.flags import verified
from replay.dataset.row import Row
from replay.dataset.trajectory import Recording, trajectory
from replay.export.losses import Loss

_PORTION = 1 << 20
_MOST_BLOB = 16 << 20


class Read(NamedTuple):
    """A trace's row with the verdict that counts, what of the trace it does not hold, what looks like a secret in it,
    and why its verdict does not count (empty: it does)."""

    row: Row
    losses: tuple[Loss, ...]
    leaks: tuple[Leak, ...]
    unverified: str


def read(path: Path, sha256: str, trusted: Collection[str], longest: int) -> Read:
    """The row of the trace at `path`, whose file has that SHA-256: kept from before, or made and kept.

    Raises TraceRejected for a trace that breaks the format or its own integrity, OSError where the file cannot be read.
    """
    kept = shelf.take(sha256, longest)
    if kept is None:
        kept = _made(path, sha256, longest)
        shelf.keep(sha256, longest, kept)
    found = verdicts.find(path, sha256, trusted)
    return Read(verified(kept.row, found.verification), kept.losses, kept.leaks, found.why)


def _made(path: Path, sha256: str, longest: int) -> shelf.Kept:
    with open_trace(path) as trace:
        events: list[Decoded] = []
        report = trace.verify(events.append)
        if report.problems:
            first = report.problems[0]
            raise TraceRejected(first.code, first.place, first.reason)
        row, losses = trajectory(
            Recording(
                manifest=trace.manifest,
                events=events,
                output=lambda number, begin, end: _output(trace, number, begin, end),
                blob=lambda digest: _blob(trace, digest),
                sha256=sha256,
                public_key=report.public_key if report.signature == "valid" else None,
                longest=longest,
            )
        )
    placeholders = [event.placeholder for event in events if isinstance(event, SecretReplaced)]
    return shelf.Kept(row=row, losses=tuple(losses), leaks=tuple(leaks(row, placeholders)))


def _output(trace: Trace, number: int, begin: int, end: int) -> Iterator[bytes]:
    while begin < end and (data := trace.terminal_output(number, begin, min(begin + _PORTION, end))):
        begin += len(data)
        yield data


def _blob(trace: Trace, digest: str) -> bytes | None:
    if not trace.has_blob(digest) or trace.blob_size(digest) > _MOST_BLOB:
        return None
    return trace.blob(digest)
