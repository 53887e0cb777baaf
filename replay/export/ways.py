"""The way of a drag, in as few points as show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.trace.pages import PageEvent

Point = tuple[float, float]
_MOST = 24
"""Points that are kept."""


def way(raw: Sequence[PageEvent]) -> tuple[Point, ...]:
    """The points that the mouse went by after it was pressed, counted from there, without those that lie in a line with
    others; in the document where it was pressed. Empty where nothing was pressed or moved."""
    placed = [event for event in raw if event.x is not None and event.y is not None]
    taken = next((event for event in placed if event.type in ("pointerdown", "mousedown")), None)
    if taken is None:
        return ()
    points = [(0.0, 0.0)]
    for event in placed:
        if event.doc == taken.doc and event.type in ("pointermove", "dragover", "drop", "pointerup"):
            point = ((event.x or 0.0) - (taken.x or 0.0), (event.y or 0.0) - (taken.y or 0.0))
            points += [point] if point != points[-1] else []
    off = 1.0
    while len(kept := _straightened(points, off)) > _MOST:
        off *= 2
    return tuple(kept[1:])


def _straightened(points: Sequence[Point], off: float) -> list[Point]:
    """Without the points that lie no further than `off` from the line between those that are kept (by Douglas and
    Peucker)."""
    keep = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        away = {index: _away(points[index], points[first], points[last]) for index in range(first + 1, last)}
        far = max(away, key=lambda index: away[index], default=None)
        if far is not None and away[far] > off:
            keep.add(far)
            spans += [(first, far), (far, last)]
    return [points[index] for index in sorted(keep)]


def _away(point: Point, one: Point, other: Point) -> float:
    """How far a point is from the line through two others."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    x, y = point[0] - one[0], point[1] - one[1]
    length = float((dx * dx + dy * dy) ** 0.5)
    return float((x * x + y * y) ** 0.5) if not length else abs(dx * y - dy * x) / length
