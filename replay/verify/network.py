"""What a step asked of the network, held against what it had asked when it was recorded. Pure."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from replay.verify.verdict import Facet, FacetVerdict, NearestMiss, Verdict

_NAMED = 3
_CLIP = 160


class Unanswered(Struct, frozen=True, kw_only=True):
    """Something that nothing recorded answers. `nearest` is the nearest recorded request, `where` they part."""

    asked: str
    nearest: str | None
    where: str
    expected: str
    observed: str


class StepNetwork(Struct, kw_only=True):
    """A step's requests: how many had the recorded answer, of these `otherwise` only for a named reason; what had
    none; recorded ones that were not made again; how many of its recorded connections were not looked into."""

    answered: int = 0
    otherwise: Counter[str]
    unanswered: list[Unanswered]
    unasked: list[str]
    unseen: int = 0


def network_facet(step: StepNetwork) -> FacetVerdict:
    """A request without an answer diverges. Values of chance, and recorded requests that were not made again, make
    it equivalent, by these causes."""
    if step.unanswered:
        first = step.unanswered[0]
        rest = [f"+{one.asked}" for one in step.unanswered]
        miss = NearestMiss(
            facet=Facet.NETWORK,
            expected=_clip(first.expected),
            observed=_clip(first.observed),
            at=f"{first.where} of {_clip(first.asked)}",
            excerpt=tuple([f"-{first.nearest}"] if first.nearest else []) + tuple(map(_clip, rest[:8])),
            hint=_hint(len(rest), step.unseen),
        )
        return FacetVerdict(facet=Facet.NETWORK, verdict=Verdict.DIVERGED, how="unanswered", miss=miss)
    causes = [f"network: {cause}" for cause in step.otherwise]
    if step.unasked:
        named = ", ".join(map(_clip, step.unasked[:_NAMED]))
        more = f" and {len(step.unasked) - _NAMED} more" if len(step.unasked) > _NAMED else ""
        causes.append(f"network: not asked for again: {named}{more}")
    if causes:
        return FacetVerdict(
            facet=Facet.NETWORK, verdict=Verdict.EQUIVALENT, how="answered", causes=tuple(causes)
        )
    return FacetVerdict(facet=Facet.NETWORK, verdict=Verdict.EXACT, how="same")


def _hint(unanswered: int, unseen: int) -> str:
    told = f"{unanswered} requests had no recorded answer" if unanswered > 1 else "no recorded answer"
    if unseen:
        told += (
            "; the command went past the proxy when it was recorded, what --isolated --proxy would not let it"
        )
    return told


def _clip(text: str) -> str:
    return text if len(text) <= _CLIP else text[: _CLIP - 1] + "…"
