"""The judge: what was recorded against what a replay saw, facet by facet. Pure.

Order: command text, exit code, working folder, files, output (with screens where programs draw), reward, pages. A
facet that the recording does not know is not judged; a step of which nothing is known is not verified.
"""

from __future__ import annotations

from replay.verify.files import compare_files
from replay.verify.nearest import exit_miss, value_miss
from replay.verify.outputs import Judge, compare_output
from replay.verify.pages import compare_page
from replay.verify.verdict import (
    PAGE_FACETS,
    Context,
    Facet,
    FacetVerdict,
    Observation,
    StepVerdict,
    Verdict,
    judged,
)


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
        *(compare_page(recorded.page, observed.page, judge) if recorded.page else ()),
    ]
    return judged(_excuse(facet, judge.context) for facet in facets)


_LOSSY = (Facet.OUTPUT, Facet.SCREEN, Facet.FILES, *PAGE_FACETS)


def _excuse(facet: FacetVerdict, context: Context) -> FacetVerdict:
    """What the recording lost cannot count as diverged, nor as verified."""
    if not (context.gaps and facet.facet in _LOSSY and facet.verdict is Verdict.DIVERGED):
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
    return [compare_files(recorded.changes, observed.changes or (), judge.context, judge.explain_content)]


def _reward(recorded: Observation, observed: Observation) -> list[FacetVerdict]:
    if recorded.reward is None:
        return []
    if recorded.reward == observed.reward:
        return [_exact(Facet.REWARD)]
    miss = value_miss(Facet.REWARD, recorded.reward, observed.reward)
    return [FacetVerdict(facet=Facet.REWARD, verdict=Verdict.DIVERGED, miss=miss)]
