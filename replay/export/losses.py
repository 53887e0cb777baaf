"""What another format could not hold, counted. Pure."""

from __future__ import annotations

from msgspec import Struct

_MOST_FLOWS = 100


class Loss(Struct, frozen=True):
    """`what` could not be kept as it is, `count` times; `flows` are the numbers of the first it happened to."""

    what: str
    count: int
    flows: list[int]


class Losses:
    """Takes losses as they happen."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[int]]] = {}

    def add(self, what: str, flow: int | None = None, count: int = 1) -> None:
        before, flows = self._found.get(what, (0, []))
        if flow is not None and len(flows) < _MOST_FLOWS:
            flows.append(flow)
        self._found[what] = (before + count, flows)

    def told(self) -> list[Loss]:
        """In the order in which they were first met."""
        return [Loss(what, count, flows) for what, (count, flows) in self._found.items()]
