"""Replays one trace, once or several times, and holds each replay against the recording."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from recorder.trace.codec import Decoded
from recorder.trace.errors import RecordingFailed, TraceRejected, Unsupported
from recorder.trace.events import Unknown
from recorder.trace.reader import IntegrityReport, Trace, open_trace
from recorder.trace.steps import steps
from replay.browsing import by_gesture
from replay.judge import Judged, Reach, Side, Times, judge
from replay.network import by_step, counts, remarks
from replay.plan import at_their_prompts
from replay.players.network.desk import NetworkReport
from replay.report.result import Integrity, ReplayResult, replay_result, step_result
from replay.session import Options, Replayed, run
from replay.verify import digest
from replay.verify.noise import Mask, learn
from replay.verify.outputs import Judge
from replay.verify.verdict import Observation

TERMINAL = 1
_PORTION = 1 << 20
_MOST_COMPARED = 16 << 20

Progress = Callable[[int, int], None]
"""(run from 1, command number) while a replay goes on."""


def replay_trace(
    path: Path, options: Options, *, runs: int = 1, progress: Progress | None = None
) -> ReplayResult:
    """Replays the trace at `path` `runs` times.

    With several runs, what differs between them is learned as noise, and each must come to the same digest.
    Raises TraceRejected for a trace that breaks the format or its own integrity, Unsupported where this machine
    can't replay it, OSError where the file can't be opened.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        trace = stack.enter_context(open_trace(path))
        events: list[Decoded] = []
        report = _checked(trace, events)
        placed = at_their_prompts(event for event in events if not isinstance(event, Unknown))
        recorded = Side(
            events=placed, output=lambda a, b: _recorded_output(trace, a, b), blob=_recorded_blob(trace)
        )
        passes: list[tuple[Replayed, Times, list[Judged]]] = []
        for number in range(1, runs + 1):
            said = partial(progress, number) if progress else None
            start = time.time()
            back = _run(trace, events, options, stack, said)
            times = Times(
                recorded=trace.manifest.started_unix_ns / 1e9,
                replayed=(start, time.time()),
                controlled=back.controlled,
            )
            passes.append((back, times, _judged(recorded, back, times, options, None)))
        if runs > 1:
            masks = _masks([judged for _, _, judged in passes])
            passes = [
                (back, times, _judged(recorded, back, times, options, masks)) for back, times, _ in passes
            ]
        digests = [_digest(judged) for _, _, judged in passes]
        worst_pass = max(
            range(runs), key=lambda i: max((j.verdict.verdict.rank for j in passes[i][2]), default=0)
        )
        back, _, judged = passes[worst_pass]
        notes = back.remarks
        for network in back.networks:
            notes += remarks(network)
        notes += _partings([judged for _, _, judged in passes])
        return replay_result(
            trace.manifest.trace_id,
            [step_result(j.step.n, j.step.kind, j.step.text, j.verdict) for j in judged],
            digest=digests[worst_pass],
            clock=back.clock,
            sandbox=back.boundary,
            integrity=_integrity(trace, report),
            rewards=_rewards(trace, judged, options),
            network=_counted(back.networks),
            notes=notes,
            duration_ms=round((time.monotonic() - began) * 1000, 1),
            runs=digests if runs > 1 else (),
        )


def _run(
    trace: Trace,
    events: list[Decoded],
    options: Options,
    stack: ExitStack,
    progress: Callable[[int], None] | None,
) -> Replayed:
    try:
        return run(trace, events, options, stack, progress)
    except (OSError, RecursionError) as error:  # a full disk, folders too deep: not the caller's fault
        raise Unsupported(f"this machine could not go through with the replay: {error}") from error


def _checked(trace: Trace, events: list[Decoded]) -> IntegrityReport:
    """What the trace's integrity is; its events on the way."""
    report = trace.verify(events.append)
    if report.problems:
        first = report.problems[0]
        raise TraceRejected(first.code, first.place, first.reason)
    return report


def _integrity(trace: Trace, report: IntegrityReport) -> Integrity:
    return Integrity(ok=report.ok, signature=report.signature, recording=trace.manifest.completeness.state)


def _judged(
    recorded: Side, back: Replayed, times: Times, options: Options, masks: dict[int, Mask] | None
) -> list[Judged]:
    def blob(digest: str) -> bytes | None:
        try:
            return back.blobs.get(digest, _MOST_COMPARED)
        except (KeyError, RecordingFailed):  # not there, or too large to compare by content
            return None

    observed = Side(events=back.events, output=back.output, blob=blob)
    asked = by_step(back.network, recorded.events) if back.network else None
    browsed = back.browsed.network if back.browsed else None
    pages = by_gesture(browsed, steps(recorded.events), recorded.events) if browsed else None
    reach = Reach(
        missed=back.reached.missed if back.reached else (),
        fatal=back.reached.fatal if back.reached else None,
        lapses=back.browsed.lapses if back.browsed else (),
    )
    return judge(
        recorded, observed, reach, times, until=options.until, masks=masks, network=asked, pages=pages
    )


def _masks(passes: Sequence[list[Judged]]) -> dict[int, Mask]:
    """Noise by step number, from steps that every run reached."""
    common = [
        group for group in zip(*passes, strict=True) if all(judged.observed is not None for judged in group)
    ]
    runs: list[list[Observation]] = [[] for _ in passes]
    for group in common:
        for observations, judged in zip(runs, group, strict=True):
            if judged.observed is not None:
                observations.append(judged.observed)
    judge = Judge(common[0][0].context) if common else None
    learned = learn(runs, (lambda data: judge.canonical(data, 1)) if judge else (lambda data: data))
    return {group[0].step.n: mask for group, mask in zip(common, learned, strict=True) if mask}


def _digest(judged: list[Judged]) -> str:
    return digest.digest(_digested(judged))


def _partings(passes: Sequence[list[Judged]]) -> list[str]:
    """In what later replays are not as the first."""
    notes = []
    for number, judged in enumerate(passes[1:], 2):
        found = digest.parting(_digested(passes[0]), _digested(judged))
        if found is not None:
            notes.append(f"replay {number} is not as the first, from step {found[0]} on: {found[1]}")
    return notes


def _digested(judged: list[Judged]) -> list[digest.Judged]:
    return [digest.Judged(j.step.n, j.recorded, j.observed, j.context, j.verdict) for j in judged]


def _counted(networks: Sequence[NetworkReport]) -> dict[str, int] | None:
    """All requests by how they were answered; null where no network was recorded."""
    total: Counter[str] = Counter()
    for network in networks:
        total.update(counts(network))
    return dict(total) if networks else None


def _rewards(
    trace: Trace, judged: list[Judged], options: Options
) -> tuple[float | None, float | None] | None:
    """The last outcome check's reward, recorded and earned again; None where none was run (or it was left out)."""
    recorded = trace.manifest.outcome.reward
    checks = [j for j in judged if j.recorded.reward is not None]
    if recorded is None or (options.until is not None and (not checks or checks[-1].step.n > options.until)):
        return None
    last = checks[-1].observed if checks else None  # a check that belongs to no step was earned by none
    return recorded, last.reward if last else None


def _recorded_output(trace: Trace, begin: int, end: int) -> Iterator[bytes]:
    while begin < end and (data := trace.terminal_output(TERMINAL, begin, min(begin + _PORTION, end))):
        begin += len(data)
        yield data


def _recorded_blob(trace: Trace) -> Callable[[str], bytes | None]:
    def blob(digest: str) -> bytes | None:
        if not trace.has_blob(digest) or trace.blob_size(digest) > _MOST_COMPARED:
            return None
        return trace.blob(digest)

    return blob
