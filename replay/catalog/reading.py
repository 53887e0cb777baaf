"""Opening traces for the catalog, and the verdicts beside them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from recorder.trace.errors import TraceRejected
from recorder.trace.reader import Trace, open_trace
from replay import verdicts
from replay.catalog.entry import Judged, Looked, Told, Wanted
from replay.dataset.flags import policy_flags


def look(wanted: list[Wanted]) -> list[Looked]:
    """Opens traces, each for as long as its manifest takes, and the verdicts beside them. Never raises for what is in a
    file."""
    return [_look(one) for one in wanted]


def _look(wanted: Wanted) -> Looked:
    path, seen = Path(os.fsdecode(wanted.path)), wanted.seen
    told, sha256, judged = None, wanted.sha256, Judged()
    if wanted.told:
        sha256 = None
        try:
            told = _told(path)
        except TraceRejected as error:
            told = Told(rejected=str(error.code))
        except OSError as error:  # may be over before the file changes
            told, seen = Told(rejected=error.strerror or str(error)), seen._replace(stamp="")
    if seen.verdict is not None:
        try:
            sha256 = sha256 or bytes.fromhex(verdicts.sha256_of(path))
        except OSError:
            seen = seen._replace(stamp="")
        else:
            judged = _judged(path, sha256.hex())
    return Looked(wanted.name, seen, told, sha256, judged)


def _told(path: Path) -> Told:
    with open_trace(path) as trace:
        said = trace.manifest
        kinds, given = said.counts.kinds, said.provenance
        flags = {flag.flag for flag in policy_flags(said, (), (), 0)} - {"unverified"}
        if kinds.get("secret.replaced"):
            flags.add("secrets-redacted")
        return Told(
            rejected="",
            trace_id=said.trace_id,
            started_unix_ns=said.started_unix_ns,
            duration_ns=said.duration_ns,
            commands=kinds.get("command.started", 0),
            pages=kinds.get("page.document", 0),
            state=said.completeness.state,
            reward=said.outcome.reward,
            task=said.task.instruction,
            annotator=given.annotator,
            project=given.project,
            licence=given.source_licence,
            actor=said.actor.kind,
            tags=msgspec.json.encode(_labels(trace) if kinds.get("mark") else []).decode(),
            flags=" ".join(sorted(flags)),
        )


def _labels(trace: Trace) -> list[str]:
    try:
        return trace.labels()
    except TraceRejected:  # the manifest is whole, which is all that a listing asks
        return []


def _judged(path: Path, sha256: str) -> Judged:
    key = verdicts.find(path, sha256, ()).key  # whose it is; whether he is trusted is asked when it is shown
    stored = verdicts.find(path, sha256, (key,)).stored
    return Judged(str(stored.verdict), stored.steady, key) if stored else Judged()
