"""What another format could not hold, counted. Pure."""

from __future__ import annotations

from msgspec import Struct

_MOST_PLACES = 100


class Loss(Struct, frozen=True):
    """`what` could not be kept as it is, `count` times; `at` are the numbers of the first flows, or of the first steps
    of a browser, that it happened to."""

    what: str
    count: int
    at: list[int]


class Losses:
    """Takes losses as they happen."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[int]]] = {}

    def add(self, what: str, at: int | None = None, count: int = 1) -> None:
        before, places = self._found.get(what, (0, []))
        if at is not None and len(places) < _MOST_PLACES and at not in places[-1:]:
            places.append(at)
        self._found[what] = (before + count, places)

    def told(self) -> list[Loss]:
        """In the order in which they were first met."""
        return [Loss(what, count, places) for what, (count, places) in self._found.items()]
