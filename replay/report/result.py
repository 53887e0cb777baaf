"""What a replay found, as data: the JSON that `reenact replay --json` prints, with its schema. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from recorder.trace.steps import StepKind
from replay.verify.verdict import Facet, NearestMiss, StepVerdict, Verdict, worst

RESULT_VERSION = 1


class FacetResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    facet: Facet
    verdict: Verdict
    how: str = ""
    causes: tuple[str, ...] = ()


class StepResult(Struct, frozen=True, kw_only=True):
    """`miss` is the nearest miss that explains the most; `further` are those of other facets."""

    n: int
    kind: StepKind
    text: str
    verdict: Verdict
    how: str
    causes: tuple[str, ...]
    facets: tuple[FacetResult, ...]
    miss: NearestMiss | None
    further: tuple[NearestMiss, ...]
    waited_ms: float | None
    duration_ms: float | None


class Reward(Struct, frozen=True, kw_only=True):
    """The outcome check: the recorded reward, the one earned again, and whether they are the same."""

    recorded: float | None
    replayed: float | None
    verdict: Verdict


class Integrity(Struct, frozen=True, kw_only=True):
    """What the trace itself says before anything was replayed. `recording`: complete, recovered or incomplete."""

    ok: bool
    signature: str
    recording: str
    problems: tuple[str, ...] = ()


class ReplayResult(Struct, frozen=True, kw_only=True):
    """One replay of one trace. Recorded text inside is as recorded: print it only filtered."""

    version: int = RESULT_VERSION
    trace_id: str
    verdict: Verdict
    counts: dict[str, int]
    """Steps per verdict; every verdict is listed."""
    steps: tuple[StepResult, ...]
    digest: str
    reward: Reward | None
    clock: str
    """How far clocks and randomness were under control."""
    sandbox: str
    integrity: Integrity
    network: dict[str, int] | None = None
    """Requests to a recorded network by how they were answered, with those that were "refused" and recorded ones that
    were "not asked for again"; None where no network was recorded."""
    notes: tuple[str, ...] = ()
    duration_ms: float | None = None
    runs: tuple[str, ...] = ()
    """With several runs, the digest of each."""

    @property
    def steady(self) -> bool:
        """All runs came to one digest."""
        return len(set(self.runs)) <= 1

    @property
    def exit_code(self) -> int:
        """0 where every step is verified (and every run alike), 4 where this machine cannot replay some, else 1.

        Steps left out on purpose (`--until`) do not count against a replay whose other steps are verified.
        """
        reached = [step.verdict for step in self.steps if step.verdict is not Verdict.NOT_REACHED]
        if self.verdict is Verdict.DIVERGED or not self.steady or not reached:
            return 1
        if self.reward is not None and not self.reward.verdict.verified:
            return 1
        if self.verdict is Verdict.UNSUPPORTED:
            return 4
        return 0


def step_result(
    n: int,
    kind: StepKind,
    text: str,
    verdict: StepVerdict,
    *,
    waited_ms: float | None = None,
    duration_ms: float | None = None,
) -> StepResult:
    """A step and its verdict, flattened for people and JSON."""
    misses = verdict.misses
    return StepResult(
        n=n,
        kind=kind,
        text=text,
        verdict=verdict.verdict,
        how=verdict.how,
        causes=verdict.causes,
        facets=tuple(
            FacetResult(facet=f.facet, verdict=f.verdict, how=f.how, causes=f.causes) for f in verdict.facets
        ),
        miss=misses[0] if misses else None,
        further=misses[1:],
        waited_ms=waited_ms,
        duration_ms=duration_ms,
    )


def replay_result(
    trace_id: str,
    steps: Iterable[StepResult],
    *,
    digest: str,
    clock: str,
    sandbox: str,
    integrity: Integrity,
    rewards: tuple[float | None, float | None] | None = None,
    network: dict[str, int] | None = None,
    notes: Sequence[str] = (),
    duration_ms: float | None = None,
    runs: Sequence[str] = (),
) -> ReplayResult:
    """The result of a whole replay. `rewards` are (recorded, replayed), or None where nothing was checked."""
    steps = tuple(steps)
    reward = None
    verdicts = [step.verdict for step in steps]
    if rewards is not None:
        same = Verdict.EXACT if rewards[0] == rewards[1] else Verdict.DIVERGED
        if rewards[1] is None:
            same = Verdict.NOT_REACHED
        reward = Reward(recorded=rewards[0], replayed=rewards[1], verdict=same)
        verdicts.append(same)
    counts = Counter(step.verdict for step in steps)
    return ReplayResult(
        trace_id=trace_id,
        verdict=worst(verdicts),
        counts={str(verdict): counts[verdict] for verdict in Verdict},
        steps=steps,
        digest=digest,
        reward=reward,
        clock=clock,
        sandbox=sandbox,
        integrity=integrity,
        network=network,
        notes=tuple(notes),
        duration_ms=duration_ms,
        runs=tuple(runs),
    )


_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def encode(result: ReplayResult | Sequence[ReplayResult], *, indent: int = 2) -> bytes:
    """The JSON form. Control and direction characters are escaped, so that it may go to a terminal."""
    raw = msgspec.json.encode(result)
    text = (msgspec.json.format(raw, indent=indent) if indent else raw).decode()
    return _UNSAFE.sub(_escaped, text).encode()


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def decode(data: bytes) -> ReplayResult:
    """The inverse of `encode` for one result. Raises msgspec.ValidationError or DecodeError."""
    return msgspec.json.decode(data, type=ReplayResult)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the JSON form."""
    return msgspec.json.schema(ReplayResult)
