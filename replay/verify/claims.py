"""What a trace says of a step besides what the step showed: the folder it began in, the line as it was typed, its
outcome check, its notes and marks. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from msgspec import structs

from recorder.trace.events import Checked
from recorder.trace.screen import Screen
from recorder.trace.steps import Step
from replay.verify.compare import compare
from replay.verify.nearest import screen_miss, value_miss
from replay.verify.outputs import Judge
from replay.verify.verdict import Context, Facet, FacetVerdict, Observation, StepVerdict, Verdict, judged


def with_claims(
    verdict: StepVerdict,
    recorded: Step,
    observed: Step,
    context: Context,
    lines: tuple[bytes, bytes] = (b"", b""),
    notes: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
) -> StepVerdict:
    """`verdict` on what was observed, lowered where the two steps do not say the same about themselves.

    `lines` is what each side showed from the prompt until the command began, `notes` the notes and marks that it wrote.
    """
    claims = [
        *_began(recorded, observed, context),
        *(_line(*lines, observed.text, context) if recorded.text == observed.text else ()),
        *_check(recorded.check, observed.check, context),
        *_notes(*notes, context),
    ]
    if not claims:
        return verdict
    facets = {facet.facet: facet for facet in verdict.facets}
    for claim in claims:
        known = facets.get(claim.facet)
        if known is None or claim.verdict > known.verdict:
            facets[claim.facet] = claim
    order = list(Facet)
    return judged(sorted(facets.values(), key=lambda facet: order.index(facet.facet)))


def _began(recorded: Step, observed: Step, context: Context) -> list[FacetVerdict]:
    """The folder that the command began in, where the two differ."""
    if recorded.cwd_before is None or recorded.cwd_before == observed.cwd_before:
        return []
    sides = (Observation(cwd=recorded.cwd_before), Observation(cwd=observed.cwd_before))
    facets = compare(*sides, context).facets
    return [
        structs.replace(facet, miss=structs.replace(facet.miss, hint="the folder that the command began in"))
        if facet.miss
        else facet
        for facet in facets
    ]


def _line(recorded: bytes, observed: bytes, text: str, context: Context) -> list[FacetVerdict]:
    """The typed line, where the replay's terminal shows the command and the recorded one does not.

    Prompts are nobody's observation: they tell the time, durations, what goes on in the background. But what was
    typed stands there on both sides, however it was edited, wherever it wraps.
    """
    if not recorded or recorded == observed or not text.strip() or context.gaps:
        return []
    wanted = "".join(text.split())
    seen = _rows(observed, context)
    if wanted not in "".join("".join(seen).split()):
        return []
    said = _rows(recorded, context)
    if wanted in "".join("".join(said).split()):
        return []
    miss = structs.replace(screen_miss(said, seen), hint="the line typed at the prompt")
    return [FacetVerdict(facet=Facet.SCREEN, verdict=Verdict.DIVERGED, miss=miss)]


def _rows(data: bytes, context: Context) -> list[str]:
    screen = Screen(context.cols, context.rows)
    screen.feed(data)
    rows = [row.rstrip() for row in screen.lines()]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _check(recorded: Checked | None, observed: Checked | None, context: Context) -> list[FacetVerdict]:
    """What was checked and how it ended; the reward itself is compared as observed."""
    if observed is None or (recorded is None and context.gaps):
        return []
    if recorded is not None and recorded.exit == observed.exit:
        same = Judge(context).explain_text(recorded.line.encode(), observed.line.encode())
        if same is not None:
            return []
    a, b = ("no outcome check" if check is None else _told(check) for check in (recorded, observed))
    miss = value_miss(Facet.REWARD, a, b)
    return [FacetVerdict(facet=Facet.REWARD, verdict=Verdict.DIVERGED, miss=miss)]


def _notes(recorded: tuple[str, ...], observed: tuple[str, ...], context: Context) -> list[FacetVerdict]:
    """What was noted and marked, where the two differ: a note is typed, so it comes again."""
    if recorded == observed or (context.gaps and set(recorded) <= set(observed)):
        return []
    causes: list[str] = []
    for a, b in zip_longest(recorded, observed):
        same: Sequence[str] | None = None
        if a is not None and b is not None:
            same = () if a == b else Judge(context).explain_text(a.encode(), b.encode())
        if same is None:
            miss = value_miss(Facet.NOTES, a or "neither note nor mark", b or "neither note nor mark")
            return [FacetVerdict(facet=Facet.NOTES, verdict=Verdict.DIVERGED, miss=miss)]
        causes += same
    unique = tuple(dict.fromkeys(causes))
    return [FacetVerdict(facet=Facet.NOTES, verdict=Verdict.EQUIVALENT, how="normalised", causes=unique)]


def _told(check: Checked) -> str:
    return f"reward {check.reward:g}, exit {check.exit}, of {check.line}"
