"""What each document's scripts read of the clock, as the replay's clock (`browser_ext/src/replay`) takes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from recorder.trace.event import Event
from recorder.trace.pages import ClockRead, DocumentStarted, FrameSeen

_MOST_READINGS = 2_000_000
"""Of all documents: more is a hostile trace, or one that nobody replays."""


class Tape(Struct, frozen=True):
    """One document's: its address, its frame's place in the tab (null: not known), ns of the session when it began, its
    time origin (Unix ms), and of each kind of reading, with its source of tasks after a blank, the values, and how
    often in a row each was read (empty: once).
    """

    url: str
    place: str | None
    began: int
    base: float
    read: dict[str, tuple[list[float], list[int]]]


def tapes(events: Iterable[Event], frames: Mapping[int, FrameSeen]) -> tuple[Tape, ...]:
    """The tapes of a browser's documents, in order; those that do not fit are left out."""
    documents: dict[int, DocumentStarted] = {}
    portions: dict[int, list[ClockRead]] = {}
    left = _MOST_READINGS
    for event in events:
        if isinstance(event, DocumentStarted):
            documents[event.doc] = event
        elif isinstance(event, ClockRead) and len(event.values) <= left:
            left -= len(event.values)
            portions.setdefault(event.doc, []).append(event)
    found = []
    for doc, parts in portions.items():
        if (document := documents.get(doc)) is None:
            continue
        read: dict[str, tuple[list[float], list[int]]] = {}
        for part in sorted(parts, key=lambda part: part.seq):
            values, times = read.setdefault(f"{part.read} {part.by}".rstrip(), ([], []))
            values += part.values
            # One for each value, also where the trace says otherwise.
            times += [*part.times, *[1] * len(part.values)][: len(part.values)]
        read = {
            kind: (values, times if any(n != 1 for n in times) else [])
            for kind, (values, times) in read.items()
        }
        url = document.url.partition("#")[0]
        found.append(Tape(url, _place(document.frame, frames), document.t, parts[0].base, read))
    return tuple(found)


def _place(frame: int, frames: Mapping[int, FrameSeen]) -> str | None:
    places: list[int] = []
    for _ in range(len(frames) + 1):
        seen = frames.get(frame)
        if seen is None or seen.parent is None:
            return ".".join(map(str, reversed(places)))
        if seen.index is None:
            return None
        places.append(seen.index)
        frame = seen.parent
    return None
