"""The judge: what was recorded against what a replay saw, facet by facet. Pure.

Order: command text, exit code, working folder, files, output (with screens where programs draw), reward. A
facet that the recording does not know is not judged; a step of which nothing is known is not verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from recorder.trace.events import Input
from replay.verify.files import compare_files
from replay.verify.nearest import exit_miss, value_miss
from replay.verify.outputs import Judge, compare_output
from replay.verify.verdict import Context, Facet, FacetVerdict, Observation, StepVerdict, Verdict, judged


def compare(recorded: Observation, observed: Observation, context: Context | None = None) -> StepVerdict:
    """The verdict on one step, with the causes of anything less than exact and the nearest misses."""
    judge = Judge(context or Context())
    facets = [
        *_text(recorded, observed),
        *_exit(recorded, observed),
        *_cwd(recorded, observed, judge),
        *_files(recorded, observed, judge),
        *compare_output(recorded, observed, judge),
        *_reward(recorded, observed),
    ]
    return judged(_excuse(facet, judge.context) for facet in facets)


class Typed(NamedTuple):
    """What the keys typed into a step's program say, as `Context` has it."""

    echoes: tuple[bytes, ...]
    unsure: bytes
    interrupted: bool
    keystrokes: bool


def typed(inputs: Iterable[Input]) -> Typed:
    """`inputs` of one step, in order."""
    every = list(inputs)
    keys = [event for event in every if not event.reply]
    shown = [event for event in keys if not event.hidden]
    echoes: list[bytes] = []
    for event in every:
        if event.echo and not event.hidden:
            if echoes and not echoes[-1].endswith(b"\n") and not event.reply:
                echoes[-1] += _echo(event.data)  # a line is echoed as one
            else:
                echoes.append(_echo(event.data))
    turns = any(a.foreground == b.foreground and a.echo != b.echo for a, b in pairwise(shown))
    unsure = shown if turns else [event for event in shown if event.echo]
    return Typed(
        echoes=tuple(piece for piece in echoes if piece),
        unsure=b"".join(_echo(event.data) for event in unsure),
        interrupted=any(key in event.data for event in keys for key in b"\x03\x1a\x1c"),
        keystrokes=any(not event.icanon for event in keys),
    )


def _echo(data: bytes) -> bytes:
    """What a terminal with ECHO and ECHOCTL shows for typed bytes. Erasing is left out: it is told otherwise."""
    out = bytearray()
    for byte in data:
        if byte in b"\r\n":
            out += b"\r\n"
        elif byte == 0x09 or (byte >= 0x20 and byte != 0x7F):
            out.append(byte)
        elif byte != 0x04 and byte != 0x7F:
            out += bytes((0x5E, byte + 0x40))
    return bytes(out)


def _excuse(facet: FacetVerdict, context: Context) -> FacetVerdict:
    """What the recording lost cannot count as diverged, nor as verified."""
    lossy = facet.facet in (Facet.OUTPUT, Facet.SCREEN, Facet.FILES)
    if not (context.gaps and lossy and facet.verdict is Verdict.DIVERGED):
        return facet
    causes = tuple(f"the recording has a gap: {reason}" for reason in context.gaps)
    return FacetVerdict(
        facet=facet.facet, verdict=Verdict.UNSUPPORTED, how="gap", causes=causes, miss=facet.miss
    )


def _exact(facet: Facet) -> FacetVerdict:
    return FacetVerdict(facet=facet, verdict=Verdict.EXACT, how="same")


def _text(recorded: Observation, observed: Observation) -> list[FacetVerdict]:
    if recorded.text is None:
        return []
    if recorded.text == observed.text:
        return [_exact(Facet.TEXT)]
    miss = value_miss(Facet.TEXT, recorded.text, observed.text)
    return [FacetVerdict(facet=Facet.TEXT, verdict=Verdict.DIVERGED, miss=miss)]


def _exit(recorded: Observation, observed: Observation) -> list[FacetVerdict]:
    if recorded.exit is None:
        return []
    if recorded.exit == observed.exit:
        return [_exact(Facet.EXIT)]
    if observed.exit is not None and recorded.exit < 0 and observed.exit == 128 - recorded.exit:
        return [_exact(Facet.EXIT)]  # a shell that a signal ended, as seen through a sandbox
    output = observed.output
    miss = exit_miss(recorded.exit, observed.exit, (output.tail or output.head[-65536:]) if output else b"")
    return [FacetVerdict(facet=Facet.EXIT, verdict=Verdict.DIVERGED, miss=miss)]


def _cwd(recorded: Observation, observed: Observation, judge: Judge) -> list[FacetVerdict]:
    a, b = recorded.cwd, observed.cwd
    if a is None:
        return []
    if a == b:
        return [_exact(Facet.CWD)]
    names = None if b is None else judge.explain(a.encode(), b.encode(), [["temporary-names"]])
    if names is not None:
        return [
            FacetVerdict(facet=Facet.CWD, verdict=Verdict.EQUIVALENT, how="normalised", causes=tuple(names))
        ]
    return [FacetVerdict(facet=Facet.CWD, verdict=Verdict.DIVERGED, miss=value_miss(Facet.CWD, a, b))]


def _files(recorded: Observation, observed: Observation, judge: Judge) -> list[FacetVerdict]:
    if recorded.changes is None:
        return []
    return [compare_files(recorded.changes, observed.changes or (), judge.context, judge.explain_text)]


def _reward(recorded: Observation, observed: Observation) -> list[FacetVerdict]:
    if recorded.reward is None:
        return []
    if recorded.reward == observed.reward:
        return [_exact(Facet.REWARD)]
    miss = value_miss(Facet.REWARD, recorded.reward, observed.reward)
    return [FacetVerdict(facet=Facet.REWARD, verdict=Verdict.DIVERGED, miss=miss)]
