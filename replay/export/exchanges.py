"""Requests with all that belongs to them, put together from a trace's events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from recorder.trace.codec import Decoded
from recorder.trace.events import (
    Connected,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    Gap,
)


@dataclass(slots=True)
class Exchange:
    """One request and what came of it; without `answered` the recording ended before any answer."""

    requested: FlowRequested
    answered: FlowAnswered | None = None
    messages: list[FlowMessage] = field(default_factory=list)
    closed: FlowClosed | None = None


@dataclass(frozen=True, slots=True)
class RecordedNetwork:
    """All exchanges in the order of their requests. `unseen` counts connections that gave none, by how they were
    handled and why; `gaps` are reasons of losses in the record of the network."""

    exchanges: tuple[Exchange, ...]
    unseen: Counter[str]
    gaps: tuple[str, ...]

    @classmethod
    def of(cls, events: Iterable[Decoded]) -> RecordedNetwork:
        exchanges: dict[int, Exchange] = {}
        unseen: Counter[str] = Counter()
        gaps: list[str] = []
        for event in events:
            match event:
                case FlowRequested() if event.flow not in exchanges:
                    exchanges[event.flow] = Exchange(event)
                case FlowAnswered() if event.flow in exchanges:
                    exchanges[event.flow].answered = event
                case FlowMessage() if event.flow in exchanges:
                    exchanges[event.flow].messages.append(event)
                case FlowClosed() if event.flow in exchanges:
                    exchanges[event.flow].closed = event
                case Connected(handling="passed"):
                    unseen["connections whose bytes were passed on unseen"] += 1
                case Connected(handling="failed"):
                    unseen["connections that failed before anything was asked"] += 1
                case Gap(source="proxy"):
                    gaps.append(event.reason)
                case _:
                    pass
        return cls(tuple(exchanges.values()), unseen, tuple(gaps))
