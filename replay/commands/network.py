"""What a trace recorded of the network, for listings: requests, and connections that were not looked into. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from recorder.trace.codec import Decoded
from recorder.trace.events import Connected, FlowAnswered, FlowRequested, NetworkStarted, PageRequest

_MOST_SHOWN = 5


class Unseen(Struct, frozen=True, kw_only=True):
    """Connections of a kind whose content is not in the trace. `command` is null where the cause is unknown."""

    target: str | None
    handling: str
    reason: str | None
    command: int | None
    times: int


class Captured(Struct, frozen=True, kw_only=True):
    """How complete the record of the network is. `connections` are counted by how they were handled."""

    requests: int
    connections: dict[str, int]
    unseen: list[Unseen]

    def lines(self) -> list[tuple[str, str]]:
        """Labels and texts; recorded words in them are as recorded."""
        handled = ", ".join(f"{n} {name}" for name, n in self.connections.items() if n)
        told = [("network", f"{_many(self.requests, 'request')}; {_many(self._all, 'connection')}")]
        if handled:
            told = [("network", f"{told[0][1]}: {handled}")]
        for unseen in self.unseen[:_MOST_SHOWN]:
            where = unseen.target or "an unknown place"
            times = f" ({unseen.times} times)" if unseen.times > 1 else ""
            by = "" if unseen.command is None else f", command {unseen.command}"
            why = "" if unseen.reason is None else f": {unseen.reason}"
            told.append((unseen.handling, f"{where}{times}{by}{why}"))
        if len(self.unseen) > _MOST_SHOWN:
            told.append(("", f"and {len(self.unseen) - _MOST_SHOWN} more places; --json lists them"))
        return told

    @property
    def _all(self) -> int:
        return sum(self.connections.values())


def captured(events: Iterable[Decoded]) -> Captured | None:
    """What `events` tell of the network; None where it was not recorded."""
    recorded, requests = False, 0
    handled = dict.fromkeys(("captured", "passed", "failed", "bypassed"), 0)
    unseen: Counter[tuple[str | None, str, str | None, int | None]] = Counter()
    for event in events:
        match event:
            case NetworkStarted():
                recorded = True
            case FlowRequested():
                requests += 1
            case Connected():
                handled[event.handling] += 1
                if event.handling != "captured":
                    unseen[event.target, event.handling, event.reason, event.cause.command] += 1
    if not (recorded or requests or any(handled.values())):
        return None
    rows = [
        Unseen(target=target, handling=handling, reason=reason, command=command, times=times)
        for (target, handling, reason, command), times in unseen.items()
    ]
    return Captured(requests=requests, connections=handled, unseen=rows)


def requests(events: Iterable[Decoded]) -> dict[int, dict[str, object]]:
    """What was asked, by the flow's number. A status is null where no answer came."""
    found: dict[int, dict[str, object]] = {}
    for event in events:
        if isinstance(event, FlowRequested):
            found[event.flow] = {"method": event.method, "url": event.url, "status": None}
        elif isinstance(event, FlowAnswered) and event.flow in found:
            found[event.flow]["status"] = event.status
    return found


def page_requests(events: Iterable[Decoded]) -> dict[tuple[str, int], dict[str, object]]:
    """What pages asked for, as their browser told it, by its source and the request's number."""
    found: dict[tuple[str, int], dict[str, object]] = {}
    for event in events:
        if isinstance(event, PageRequest) and not event.ended:
            found[event.source, event.n] = {"method": event.method, "url": event.url, "status": None}
        elif isinstance(event, PageRequest) and (event.source, event.n) in found:
            found[event.source, event.n]["status"] = event.status
    return found


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
