"""Whether a browser's gestures stand in the order that their documents numbered them in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.trace.gestures import Gesture
from replay.verify.verdict import Facet, FacetVerdict, NearestMiss, Verdict


def out_of_order(gestures: Sequence[tuple[int, Gesture]]) -> dict[int, FacetVerdict]:
    """By step number a verdict on each gesture that the trace says was done before another, where their document
    counted it after that. `gestures` are by start, with their steps' numbers. A page numbers what it tells as it
    happens, so such a trace tells of what never was."""
    found: dict[int, FacetVerdict] = {}
    least: dict[int, tuple[int, int]] = {}
    for n, gesture in reversed(gestures):
        if gesture.doc is None or gesture.first is None:
            continue
        first, then = least.get(gesture.doc, (gesture.first, n))
        if first < gesture.first:
            miss = NearestMiss(
                facet=Facet.VALUE,
                expected=f"after step {then}, as its document numbered the two",
                observed=f"before step {then}, as the trace tells their times",
                at="order of the gestures",
                hint="the trace contradicts itself",
            )
            found[n] = FacetVerdict(facet=Facet.VALUE, verdict=Verdict.DIVERGED, miss=miss)
        else:
            least[gesture.doc] = (gesture.first, n)
    return found
