"""What a trace says of a step besides what the step showed: the folder it began in, its outcome check. Pure."""

from __future__ import annotations

from msgspec import structs

from recorder.trace.events import Checked
from recorder.trace.steps import Step
from replay.verify.compare import compare
from replay.verify.nearest import value_miss
from replay.verify.outputs import Judge
from replay.verify.verdict import Context, Facet, FacetVerdict, Observation, StepVerdict, Verdict, judged


def with_claims(verdict: StepVerdict, recorded: Step, observed: Step, context: Context) -> StepVerdict:
    """`verdict` on what was observed, lowered where the two steps do not say the same about themselves."""
    claims = [*_began(recorded, observed, context), *_check(recorded.check, observed.check, context)]
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


def _told(check: Checked) -> str:
    return f"reward {check.reward:g}, exit {check.exit}, of {check.line}"
