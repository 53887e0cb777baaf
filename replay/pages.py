"""What each gesture met and led to, from the events of a browser: the same function for a recording and its replay."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from recorder.trace.events import AnyEvent, Unknown
from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    BrowserEnded,
    BrowserStarted,
    DocumentEnded,
    DocumentShown,
    DocumentStarted,
    FrameSeen,
    PageEvent,
    PageState,
    TabClosed,
    TabOpened,
)
from recorder.trace.steps import Step
from replay.verify.verdict import Look, PageObservation

QUIET = 1_500_000_000
"""Nanoseconds after which a page that changed has said so: its state is told a second after a change at the latest."""
_SOON = 1_000_000_000
"""Nanoseconds within which a window that a page opens or closes may have done so before what a person did meanwhile."""
_PRESSES = ("pointerdown", "mousedown")
_MOST_SNAPSHOT = 1 << 20
_MOST_AROUND = 32
_EVER = 1 << 62

Blob = Callable[[str], bytes | None]


def page_observations(
    steps: Sequence[Step], events: Iterable[AnyEvent | Unknown], blob: Blob
) -> dict[int, PageObservation]:
    """By step number what every gesture met. `blob` gives the content of a snapshot, or None."""
    gestures = [(step.n, step.gesture) for step in steps if step.gesture is not None]
    if not gestures:
        return {}
    found: dict[int, PageObservation] = {}
    for begin, end, told in _browsers(events):
        own = [(n, gesture) for n, gesture in gestures if begin <= gesture.t_start < end]
        if own:
            log = _Log(told, blob)
            following: list[Gesture | None] = [*(gesture for _, gesture in own[1:]), None]
            found |= {n: log.observation(one, then) for (n, one), then in zip(own, following, strict=True)}
    return found


def _browsers(events: Iterable[AnyEvent | Unknown]) -> Iterator[tuple[int, int, list[AnyEvent]]]:
    """From when until when each browser was open, and what was told of it."""
    known = [event for event in events if not isinstance(event, Unknown)]
    begun = sorted(event.t for event in known if isinstance(event, BrowserStarted))[1:]
    for begin, end in pairwise((0, *begun, _EVER)):
        yield begin, end, [event for event in known if begin <= event.t < end]


@dataclass
class _Document:
    started: DocumentStarted
    within: _Document | None = None
    """The one around its frame; what ends that ends it, too, and may not be told of it."""
    states: list[PageState] = field(default_factory=list)
    arias: list[str | None] = field(default_factory=list)
    """The snapshot that holds at each state, by its digest."""
    events: list[PageEvent] = field(default_factory=list)


@dataclass
class _Stay:
    """From when until when a frame showed a document; what the browser keeps stays more than once."""

    document: _Document
    began: int
    ended: int = _EVER


class _Log:
    """The events of a browser by document."""

    def __init__(self, events: Iterable[AnyEvent], blob: Blob) -> None:
        self._blob = blob
        self._texts: dict[str, str | None] = {}
        self._documents: dict[int, _Document] = {}
        self._stays: dict[int, list[_Stay]] = {}
        """By frame, in order."""
        self._frames: dict[int, FrameSeen] = {}
        self._tabs: dict[int, list[int]] = {}
        """Tab -> when it was opened and closed."""
        self._windows: set[int] = set()
        """Tabs that pages opened; these may close them, too."""
        self._end = 0
        for event in events:
            self._take(event)
        for document in self._documents.values():
            # By their own numbers, which no other order in the trace changes.
            document.states.sort(key=lambda state: state.seq)
            document.events.sort(key=lambda event: event.seq)
            for state in document.states:
                document.arias.append(state.aria or (document.arias[-1] if document.arias else None))

    def _take(self, event: AnyEvent) -> None:
        match event:
            case TabOpened():
                self._tabs.setdefault(event.tab, [event.t, _EVER])
                if event.opener is not None:
                    self._windows.add(event.tab)
            case TabClosed() if event.tab in self._tabs:
                self._tabs[event.tab][1] = event.t
            case FrameSeen():
                self._frames[event.frame] = event  # the last told knows most
            case DocumentStarted():
                around = self._stays.get(self._parent(event.frame), ())
                within = around[-1].document if around else None
                document = self._documents.setdefault(event.doc, _Document(event, within))
                self._stays.setdefault(event.frame, []).append(_Stay(document, event.t))
            case DocumentShown() if event.doc in self._documents:
                document = self._documents[event.doc]
                self._stays.setdefault(document.started.frame, []).append(_Stay(document, event.t))
            case DocumentEnded() if event.doc in self._documents:
                document = self._documents[event.doc]
                stays = self._stays[document.started.frame]
                next(stay for stay in reversed(stays) if stay.document is document).ended = event.t
            case PageState() if event.doc in self._documents:
                self._documents[event.doc].states.append(event)
            case PageEvent() if event.doc in self._documents:
                self._documents[event.doc].events.append(event)
            case BrowserEnded():
                self._end = event.t
            case _:
                pass
        if not isinstance(event, BrowserEnded) and event.source.startswith("browser/"):
            self._end = max(self._end, event.t)

    def observation(self, gesture: Gesture, then: Gesture | None) -> PageObservation:
        """What a gesture met, and what came of it before `then`, the next one (null: there was none)."""
        end = self._last_look(gesture) if then is None else then.t_start
        known_until = self._end if then is None else end
        # That the browser was closed at the end is no part of the last gesture.
        gone = gesture.t_end if then is None else end - 1
        tabs = tuple(
            sorted(n for n, (opened, closed) in self._tabs.items() if opened < end and closed > gone)
        )
        passing = frozenset(
            n
            for n, times in self._tabs.items()
            if then is not None and n in self._windows and any(end <= t < end + _SOON for t in times)
        )
        looks: list[Look] = []
        firm: set[str] = set()
        restless: list[str] = []
        for frame in sorted(self._stays):
            stay = self._live(frame, end, end if then is not None else end - 1)
            if stay is None or stay.document.started.tab not in tabs:
                continue
            document = stay.document
            place = self._place(frame)
            first, after = _span(document, gesture, end, then)
            if after:
                chosen = range(first, after) if first < after else (after - 1,)
                looks += [self._look(document, i, place) for i in chosen]
            state = document.states[after - 1] if after else None
            kept = state is not None and _said_after(document, state, end, then)
            if kept:
                firm.add(place)
            lasted = min(stay.ended, known_until) - gesture.t_end >= QUIET
            rested = state is not None and state.settled and (kept or lasted or first < after)
            if not rested or document.started.tab in passing:
                restless.append(place)
        here = f"tab {gesture.tab}"
        if gesture.tab in tabs and not any(
            place.split(",")[0] == here for place in (*_places(looks), *restless)
        ):
            restless.append(here)
        return PageObservation(
            verb=gesture.verb,
            target=gesture.target,
            onto=gesture.onto,
            point=self._point(gesture),
            value=gesture.value,
            values=gesture.values,
            looks=tuple(looks),
            firm=frozenset(firm),
            restless=tuple(restless),
            dialogs=gesture.dialogs,
            downloads=gesture.downloads,
            tabs=tabs,
            passing=passing,
        )

    def _point(self, gesture: Gesture) -> tuple[float, float] | None:
        """Where the gesture first pressed, in its frame."""
        document = self._documents.get(gesture.doc or 0)
        if document is None or gesture.first is None or gesture.last is None:
            return None
        events = document.events
        at = bisect.bisect_left(events, gesture.first, key=lambda event: event.seq)
        for event in events[at:]:
            if event.seq > gesture.last:
                break
            if event.type in _PRESSES and event.x is not None and event.y is not None:
                return event.x, event.y
        return None

    def _live(self, frame: int, at: int, still: int) -> _Stay | None:
        """The document that a frame showed then, and that had not been left by `still`: at a replay's end its last
        state and its end may be told at one moment."""
        live = stay = self._latest(frame, at)
        for _ in range(_MOST_AROUND):
            if stay is None or stay.ended < still:
                return None
            within = stay.document.within
            if within is None:
                break
            stay = self._latest(within.started.frame, at)
            if stay is not None and stay.document is not within:
                return None  # the document around it was left
        return live

    def _latest(self, frame: int, at: int) -> _Stay | None:
        """What a frame came to show last before that."""
        return next((stay for stay in reversed(self._stays.get(frame, ())) if stay.began < at), None)

    def _parent(self, frame: int) -> int:
        """The frame around this one; 0: none."""
        seen = self._frames.get(frame)
        return (seen.parent or 0) if seen is not None else 0

    def _last_look(self, gesture: Gesture) -> int:
        """Just after the last that a page was seen to be: how browsers are closed then is no part of what was done."""
        told = [gesture.t_end]
        for document in self._documents.values():
            if document.states:
                told += [document.started.t, document.states[-1].t]
        return max(told) + 1

    def _look(self, document: _Document, index: int, place: str) -> Look:
        state = document.states[index]
        return Look(
            place=place,
            url=state.url,
            title=state.title,
            dom=state.dom,
            aria=self._text(document.arias[index]),
            settled=state.settled,
        )

    def _text(self, digest: str | None) -> str | None:
        if digest is None:
            return None
        if digest not in self._texts:
            content = self._blob(digest)
            whole = content is not None and len(content) <= _MOST_SNAPSHOT
            self._texts[digest] = (
                content.decode("utf-8", "replace") if content is not None and whole else None
            )
        return self._texts[digest]

    def _place(self, frame: int) -> str:
        """Which tab and frame, told alike in a recording and its replay: frames by their index in their parents."""
        path: list[str] = []
        seen = self._frames.get(frame)
        tab = seen.tab if seen else 0
        while seen is not None and seen.parent is not None and len(path) < 32:
            index = seen.index
            if index is None:
                siblings = sorted(f.frame for f in self._frames.values() if f.parent == seen.parent)
                index = siblings.index(seen.frame)
            path.append(str(index + 1))
            seen = self._frames.get(seen.parent)
        return f"tab {tab}" + (f", frame {'.'.join(reversed(path))}" if path else "")


def _places(looks: Iterable[Look]) -> set[str]:
    return {look.place for look in looks}


def _span(document: _Document, gesture: Gesture, end: int, then: Gesture | None) -> tuple[int, int]:
    """Of a document's states the first told after a gesture's last event, and the first that the next one met. In their
    own document that is told by numbers, which no clock blurs."""
    doc, states = document.started.doc, document.states
    if gesture.doc == doc and gesture.last is not None:
        first = bisect.bisect_right(states, gesture.last, key=lambda state: state.seq)
    else:
        first = bisect.bisect_left(states, gesture.t_end, key=lambda state: state.t)
    if then is not None and then.doc == doc and then.first is not None:
        after = bisect.bisect_left(states, then.first, key=lambda state: state.seq)
    else:
        after = bisect.bisect_left(states, end, key=lambda state: state.t)
    return first, after


def _said_after(document: _Document, state: PageState, end: int, then: Gesture | None) -> bool:
    """Whether the first event of this document after the gesture was met in this state."""
    events = document.events
    if then is not None and then.doc == document.started.doc and then.first is not None:
        index = bisect.bisect_left(events, then.first, key=lambda event: event.seq)
    else:
        index = bisect.bisect_left(events, end, key=lambda event: event.t)
    return index < len(events) and events[index].state == state.n
