"""What the events of a browser say about its tabs, frames, documents and states, to be asked by the exports. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    BrowserStarted,
    DocumentStarted,
    FrameSeen,
    Navigated,
    PageEvent,
    PageState,
    PageTarget,
    Screenshot,
    TabOpened,
)
from replay.export.locators import UNROLED

_MOST_DEPTH = 64
_NEVER = 1 << 63


@dataclass(slots=True)
class Pages:
    """What the events of a browser say about its tabs, frames and states."""

    started: BrowserStarted | None = None
    tabs: dict[int, TabOpened] = field(default_factory=dict)
    frames: dict[int, FrameSeen] = field(default_factory=dict)
    documents: dict[int, DocumentStarted] = field(default_factory=dict)
    states: dict[int, list[PageState]] = field(default_factory=dict)
    told: dict[int, list[PageState]] = field(default_factory=dict)
    navigated: dict[int, list[Navigated]] = field(default_factory=dict)
    screenshots: list[Screenshot] = field(default_factory=list)
    inputs: dict[int, list[PageEvent]] = field(default_factory=dict)
    """By document, the events that the browser made of what a person did, by their numbers."""
    targets: dict[tuple[int, int], PageTarget] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Any]) -> Pages:
        """`states` and `navigated` are those of tabs' own frames, by tab, `told` all states by document, in order of
        time. Each state has its snapshot, also where it is that of the state before."""
        pages = cls()
        trees: dict[int, str | None] = {}
        for event in events:
            match event:
                case BrowserStarted():
                    pages.started = pages.started or event
                case TabOpened():
                    pages.tabs.setdefault(event.tab, event)
                case FrameSeen():
                    pages.frames[event.frame] = event  # the last told knows most
                case DocumentStarted():
                    pages.documents.setdefault(event.doc, event)
                case PageState():
                    aria = trees[event.doc] = event.aria or trees.get(event.doc)
                    state = structs.replace(event, aria=aria)
                    pages.told.setdefault(event.doc, []).append(state)
                    if pages.is_top(event.frame):
                        pages.states.setdefault(event.tab, []).append(state)
                case Navigated() if pages.is_top(event.frame):
                    pages.navigated.setdefault(event.tab, []).append(event)
                case PageTarget():
                    pages.targets[event.doc, event.n] = event
                case PageEvent(trusted=True):
                    pages.inputs.setdefault(event.doc, []).append(event)
                case Screenshot():
                    pages.screenshots.append(event)
                case _:
                    pass
        for events_of in pages.inputs.values():
            events_of.sort(key=lambda event: event.seq)
        return pages

    def raw(self, gesture: Gesture) -> list[PageEvent]:
        """The raw events that a gesture is made of."""
        found: list[PageEvent] = []
        for span in gesture.spans:
            events = self.inputs.get(span.doc, [])
            first = bisect_left(events, span.first, key=lambda event: event.seq)
            found += events[first : bisect_right(events, span.last, key=lambda event: event.seq)]
        return found

    def passed(self, doc: int, since: int, until: int) -> list[tuple[int, PageTarget]]:
        """What controls the pointer was moved over in that time, and when, in its order."""
        moves = [e for e in self.inputs.get(doc, []) if e.type == "pointermove" and since <= e.t < until]
        found = [(event.t, self.targets.get((doc, event.target or 0))) for event in moves]
        return [
            (t, self.targets.get((doc, target.control or 0), target))
            for t, target in found
            if target is not None
        ]

    def rich_text(self) -> frozenset[str]:
        """The names of what was edited as a document is, and is no field."""
        edited = (t for t in self.targets.values() if t.editable and t.tag not in ("input", "textarea"))
        return frozenset(one.name for one in edited)

    def unseen(self) -> frozenset[tuple[str, str]]:
        """Role and name of what other tools do not see so: it stands in closed shadow roots, or has another role."""
        told = self.targets.values()
        return frozenset((one.role, one.name) for one in told if one.closed or one.tag in UNROLED)

    def is_top(self, frame: int) -> bool:
        """Whether it is a tab's own frame."""
        found = self.frames.get(frame)
        return found is not None and found.parent is None

    def chain(self, frame: int | None) -> list[FrameSeen]:
        """The frames within the tab's own that lead to `frame`, outermost first."""
        found: list[FrameSeen] = []
        while frame is not None and len(found) < _MOST_DEPTH:
            seen = self.frames.get(frame)
            if seen is None or seen.parent is None:
                break
            found.append(seen)
            frame = seen.parent
        return found[::-1]

    def first_url(self, tab: int, since: int) -> str | None:
        """Where the tab's own frame was first, from the time `since`, on the network."""
        for document in self.documents.values():
            of_tab = document.tab == tab and document.t >= since and self.is_top(document.frame)
            if of_tab and document.url.startswith(("http:", "https:", "file:")):
                return document.url
        return None

    def tree(self, doc: int, at: int) -> str | None:
        """The snapshot of a document as it was then, or first was."""
        states = self.told.get(doc, [])
        place = bisect_right(states, at, key=lambda state: state.t)
        return states[max(place - 1, 0)].aria if states else None

    def shown(self, tab: int, until: int | None, since: int = 0) -> PageState | None:
        """The last state of the tab's own document before `until`, if it is not older than `since`."""
        states = self.states.get(tab, [])
        at = len(states) if until is None else bisect_right(states, until, key=lambda state: state.t)
        return states[at - 1] if at and states[at - 1].t >= since else None

    def url(self, tab: int, until: int | None) -> str:
        """Where the tab's own frame was before `until`: what the browser last said of it, or a state of its document,
        since pages write addresses also long after they came to rest. Empty where nothing is told."""
        end = until if until is not None else _NEVER
        went = [(event.t, event.url) for event in self.navigated.get(tab, []) if event.t < end]
        state = self.shown(tab, end - 1)
        if state is not None:
            went.append((state.t, state.url))
        if not went:
            went = [
                (d.t, d.url)
                for d in self.documents.values()
                if d.tab == tab and d.t < end and self.is_top(d.frame)
            ]
        return max(went, key=lambda told: told[0], default=(0, ""))[1]

    def held(self, gesture: Gesture) -> str:
        """The longest that a field held which the gesture left empty."""
        if gesture.verb != "fill" or gesture.value or gesture.doc is None:
            return ""
        told = [e.value for e in self.raw(gesture) if e.type == "input" and e.value and not e.masked]
        return max(told, key=len, default="")

    def left(self, tab: int, since: int, until: int | None) -> bool:
        """Whether the tab's own frame went to another document in that time. A reload is none: who did it, the page or
        the person, is not known where it came soon after something that was done."""
        return any(
            not event.within
            and event.how != "reload"
            and since <= event.t
            and (until is None or event.t < until)
            for event in self.navigated.get(tab, [])
        )
