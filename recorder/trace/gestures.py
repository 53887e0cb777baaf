"""What a person did in a browser, gesture by gesture, derived from the raw log of its pages. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from recorder.trace.event import Event
from recorder.trace.pages import (
    BrowserStarted,
    Clip,
    DialogAnswered,
    DocumentShown,
    DocumentStarted,
    Downloaded,
    FileChosen,
    FrameSeen,
    Navigated,
    PageEvent,
    PageRequest,
    PageState,
    PageTarget,
    TabActivated,
    TabClosed,
    TabOpened,
)
from recorder.trace.strokes import Elements, Hands, Stroke, by_time
from recorder.trace.tabstrip import TabStrip, asked_for
from recorder.trace.verbs import Draft, Verb, drafts

__all__ = ["Gesture", "Reading", "Span", "Verb", "gestures", "read"]

_MOST_FRAMES = 16
_LEAST_DEPTH = 4  # "", html, body, and something that is not the whole page
_RESTED_NS = 100_000_000
"""A state is stated this long after the page's last change, at the earliest."""


class Span(Struct, frozen=True):
    """A run of document `doc`: of its raw events, all whose `seq` is in `first` to `last` are meant."""

    doc: int
    first: int
    last: int


class Gesture(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a person did to a page or to the browser, from `t_start` to `t_end` (ns of the session).

    `target` is what it was done to, null where that is the page or the tab itself; a drag ends on `onto`. `frame` is
    the target's, null where the browser's own buttons were used. `value` is the text that a field holds after a fill,
    the text typed, copied or pasted, the URL gone to, or the keys of a press, such as `Control+Shift+K`; `values` are
    the options selected. `masked`: one character stands for each of `value`. `modifiers` are those of PageEvent, held
    while clicking or dragging; `button` is the mouse's: 0 main, 1 middle, 2 secondary. `offset` is from the upper left
    corner of the target, `onto_offset` from that of `onto`; `scroll` is where what was scrolled came to stand, `size`
    what a window was resized to (CSS pixels).

    Its raw events are those of document `doc` from `first` to `last` (null: it had none). `before` and `after` are
    the states of that document around it, where they are known; what a navigation shows is its own document's. What
    came of it until the next gesture: `dialogs` that were answered, `downloads`, the tabs that it `opened`, the
    numbers of the `requests` (PageRequest) that it caused.

    `frames` are what the frames around the target are called, outermost first; none: it is in the tab's own.
    `spans` are all its raw events, exactly; they may be of several documents (a drag), with others' between them.
    """

    verb: Verb
    tab: int
    t_start: int
    t_end: int
    frame: int | None = None
    target: PageTarget | None = None
    onto: PageTarget | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    masked: bool = False
    modifiers: int = 0
    button: int = 0
    offset: tuple[float, float] | None = None
    onto_offset: tuple[float, float] | None = None
    scroll: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    clips: tuple[Clip, ...] = ()
    files: tuple[FileChosen, ...] = ()
    doc: int | None = None
    first: int | None = None
    last: int | None = None
    before: PageState | None = None
    after: PageState | None = None
    dialogs: tuple[DialogAnswered, ...] = ()
    downloads: tuple[Downloaded, ...] = ()
    opened: tuple[int, ...] = ()
    requests: tuple[int, ...] = ()
    source: str = "browser/1"
    frames: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


class Reading(Struct, frozen=True, kw_only=True):
    """What a browser's log says: gestures by their start; trusted raw events that are no gesture's, by the reason
    (movement, modifiers of keys that the page was not given, or the event's type: focus, scroll of the page's own …);
    the number of events that scripts made."""

    gestures: tuple[Gesture, ...]
    rest: Mapping[str, tuple[PageEvent, ...]]
    synthetic: int


def gestures(events: Iterable[Event], hovers: Sequence[PageEvent] | None = None) -> list[Gesture]:
    """The gestures of all browsers in `events`, by start. Never raises on events of the vocabulary.

    `hovers`: where `events` are those of a replay, the movements (see `hovered`) that its recording has as hovers; they
    are the replay's, too. When a page changed under the pointer decides about them, and that differs by chance.
    """
    return list(read(events, hovers).gestures)


def hovered(events: Iterable[object], made: Iterable[Gesture]) -> list[PageEvent]:
    """The events by which the pointer came to what was hovered over."""
    wanted = {(gesture.doc, gesture.first) for gesture in made if gesture.verb == "hover"}
    return [event for event in events if isinstance(event, PageEvent) and (event.doc, event.seq) in wanted]


def read(events: Iterable[Event], hovers: Sequence[PageEvent] | None = None) -> Reading:
    """Gestures, and what is none. In whatever order the documents' events are brought, the same. `hovers` as in
    `gestures`."""
    sources: dict[str, list[Event]] = {}
    for event in events:
        if event.source.startswith("browser"):
            sources.setdefault(event.source, []).append(event)
    made: list[Gesture] = []
    rest: dict[str, tuple[PageEvent, ...]] = {}
    synthetic = 0
    for source, stated in sources.items():
        browser = _Browser(source, by_time(stated), hovers)
        made += browser.gestures()
        for reason, events_of in browser.rest.items():
            rest[reason] = rest.get(reason, ()) + tuple(events_of)
        synthetic += browser.hands.synthetic
    made.sort(key=lambda gesture: gesture.t_start)
    return Reading(gestures=tuple(made), rest=rest, synthetic=synthetic)


class _Browser:
    def __init__(self, source: str, events: Sequence[Event], hovers: Sequence[PageEvent] | None) -> None:
        self.source = source
        self.events = events
        self.strip = TabStrip()
        self.elements = Elements()
        self.hands = Hands(self.elements)
        self.states: dict[int, list[PageState]] = {}
        self.frame_docs: dict[int, list[tuple[int, int]]] = {}
        self.frames: dict[int, FrameSeen] = {}
        self.urls: dict[int, str] = {}
        self.tops: dict[int, int] = {}
        self.did: dict[int, Verb] = {}
        self.asked: dict[int, list[PageRequest]] = {}
        self.shown: dict[int, int] = {}
        self.returned: set[int] = set()
        """Frames whose kept page was shown before their return to it was told, and when; those that wait for theirs."""
        for event in events:
            self._take(event)
        self.drafts = self._drafts()
        moves = [stroke for stroke in self.hands.strokes if stroke.kind == "move"]
        if hovers is None:
            self.drafts += _hovers(moves, self.drafts, self.states, self.elements)
        else:
            self.drafts += [draft for event in hovers for draft in _again(event, moves)]
        # The pointer comes before what is pressed at the same time.
        self.drafts.sort(key=lambda draft: (draft.t_start, draft.verb != "hover"))
        pointed = {id(event) for draft in self.drafts if draft.verb == "hover" for event in draft.events}
        movement = [e for stroke in moves for e in stroke.events if id(e) not in pointed]
        taken = {id(event) for draft in self.drafts for event in draft.events}
        keys = [e for s in self.hands.strokes if s.kind == "key" for e in s.events if id(e) not in taken]
        more = {"movement": movement, "modifiers": keys}
        self.rest = self.hands.rest | {reason: events for reason, events in more.items() if events}

    def _take(self, event: Event) -> None:
        match event:
            case PageEvent():
                self.hands.take(event)
            case PageTarget():
                self.elements.add(event)
            case PageState():
                self.states.setdefault(event.doc, []).append(event)
            case FrameSeen():
                self.hands.frame(event)
                self.frames[event.frame] = event
                if event.parent is None:
                    self.tops.setdefault(event.tab, event.frame)
            case DocumentStarted():
                self.hands.frame(event)
                self.frame_docs.setdefault(event.frame, []).append((event.t, event.doc))
                self.urls[event.frame] = event.url
                self.returned.discard(event.frame)
            case DocumentShown():
                self.frame_docs.setdefault(event.frame, []).append((event.t, event.doc))
                if event.frame in self.returned:
                    self.returned.discard(event.frame)
                else:
                    self.shown[event.frame] = event.t
            case PageRequest(type="main_frame", ended=False, tab=int()):
                self.asked.setdefault(event.tab or 0, []).append(event)
            case BrowserStarted():
                self.strip.take(event, event.t, None)
                self.hands.started(event)
            case TabOpened() | TabActivated() | TabClosed() | Navigated():
                if isinstance(event, TabOpened):
                    self.hands.opened(event)
                # A navigation is told when its page has come; it began when the page was asked for.
                top = isinstance(event, Navigated) and event.frame == self.tops.get(event.tab, event.frame)
                began = event.t
                if isinstance(event, Navigated) and top:
                    began, _ = asked_for(event, self.asked.pop(event.tab, ()))
                if isinstance(event, Navigated) and not event.within:
                    began = min(began, self._shown(event))
                latest = self.hands.latest.get(event.tab)
                if latest is not None and isinstance(event, Navigated) and self._rested(event, latest, began):
                    latest = None
                verb = self.strip.take(event, began, latest)
                if verb is not None:
                    stroke = self.hands.browser(event, event.tab)
                    stroke.t_start = began
                    self.did[id(stroke)] = verb
            case DialogAnswered():
                self.did[id(self.hands.browser(event, event.tab))] = "dialog"
            case _:
                pass

    def _shown(self, navigated: Navigated) -> int:
        """When a page that is returned to was shown, where the browser had kept it; else when that was told."""
        self.returned.discard(navigated.frame)
        shown = self.shown.pop(navigated.frame, None)
        if navigated.how != "back_forward":
            return navigated.t
        if shown is None:
            self.returned.add(navigated.frame)
        return navigated.t if shown is None else shown

    def _rested(self, navigated: Navigated, latest: Stroke, until: int) -> bool:
        """Whether another page of the frame began after the `latest` stroke and had come to rest before `until`: what
        led to that page is not what then leads away from it in history."""
        if navigated.how not in ("reload", "back_forward"):
            return False
        docs = self.frame_docs.get(navigated.frame, [])
        place = bisect.bisect_left(docs, until, key=lambda doc: doc[0])
        began, doc = docs[place - 1] if place else (0, 0)
        first = next((state for state in self.states.get(doc, ()) if state.t >= began), None)
        return began > latest.t_start and first is not None and first.settled and first.t < until

    def _drafts(self) -> list[Draft]:
        made = drafts(self.hands.strokes, self.elements)
        facts = {id(s.fact): self.did[id(s)] for s in self.hands.strokes if s.fact is not None}
        for draft in made:
            if draft.fact is None:
                continue
            draft.verb = facts[id(draft.fact)]
            if isinstance(draft.fact, Navigated):
                draft.value = draft.fact.url
            elif isinstance(draft.fact, DialogAnswered):
                draft.value = draft.fact.answer
        return made

    def gestures(self) -> Iterator[Gesture]:
        starts = [draft.t_start for draft in self.drafts]
        consequences = self._consequences(starts)
        ends = [*starts[1:], max((e.t for e in self.events), default=0) + 1]
        for index, draft in enumerate(self.drafts):
            yield self._gesture(draft, ends[index], consequences.get(index, []))

    def _gesture(self, draft: Draft, until: int, came: Sequence[Event]) -> Gesture:
        main, onto = draft.main, draft.onto
        frame = main.frame if main else getattr(draft.fact, "frame", None)
        if frame is None:
            frame = self.tops.get(draft.tab)
        doc = main.doc if main else (draft.events[0].doc if draft.events else None)
        seqs = [event.seq for event in draft.events if event.doc == doc]
        dialogs = (draft.fact,) if isinstance(draft.fact, DialogAnswered) else ()
        return Gesture(
            verb=draft.verb,
            tab=draft.tab,
            t_start=draft.t_start,
            t_end=draft.t_end,
            frame=main.frame if main else None,
            target=self.elements.control(main),
            onto=self.elements.control(onto),
            value=draft.value,
            values=draft.values,
            masked=draft.masked,
            modifiers=main.modifiers if main and draft.verb in _POINTED else 0,
            button=max(main.button or 0, 0) if main and draft.verb in _POINTED else 0,
            offset=self._offset(main),
            onto_offset=self._offset(onto),
            scroll=draft.scroll,
            size=draft.size,
            clips=draft.clips,
            files=draft.files,
            doc=doc,
            first=min(seqs, default=None),
            last=max(seqs, default=None),
            before=self._state(frame, draft.t_start),
            after=self._state(frame, until),
            dialogs=dialogs,
            downloads=tuple(event for event in came if isinstance(event, Downloaded)),
            opened=tuple(event.tab for event in came if isinstance(event, TabOpened)),
            requests=tuple(event.n for event in came if isinstance(event, PageRequest)),
            source=self.source,
            frames=self._frame_names(main.frame) if main else (),
            spans=_spans(draft.events),
        )

    def _offset(self, event: PageEvent | None) -> tuple[float, float] | None:
        """From the corner of the control, where the event is at a part of it."""
        target, control = self.elements.target(event), self.elements.control(event)
        if event is None or event.offset is None or target is None or control is None:
            return event.offset if event else None
        if target is control or target.rect is None or control.rect is None:
            return event.offset
        return (
            event.offset[0] + target.rect[0] - control.rect[0],
            event.offset[1] + target.rect[1] - control.rect[1],
        )

    def _frame_names(self, frame: int) -> tuple[str, ...]:
        names: list[str] = []
        while (seen := self.frames.get(frame)) and seen.parent is not None and len(names) < _MOST_FRAMES:
            tail = self.urls.get(frame, "").partition("?")[0].rstrip("/").rpartition("/")[2]
            names.insert(0, seen.name or tail or f"frame {frame}")
            frame = seen.parent
        return tuple(names)

    def _state(self, frame: int | None, t: int) -> PageState | None:
        """What the frame last said of itself before `t`."""
        docs = self.frame_docs.get(frame or 0, [])
        place = bisect.bisect_left(docs, t, key=lambda doc: doc[0])
        return self._last(docs[place - 1][1], t) if place else None

    def _last(self, doc: int, t: int) -> PageState | None:
        states = self.states.get(doc, [])
        place = bisect.bisect_left(states, t, key=lambda state: state.t)
        return states[place - 1] if place else None

    def _consequences(self, starts: Sequence[int]) -> dict[int, list[Event]]:
        """By the draft's place what came of it: of its tab's last gesture, or of the one that opened the tab."""
        found: dict[int, list[Event]] = {}
        by_tab: dict[int, list[int]] = {}
        for place, draft in enumerate(self.drafts):
            by_tab.setdefault(draft.tab, []).append(place)
        asked: dict[str, int] = {}
        for event in self.events:
            match event:
                case PageRequest(ended=False):
                    asked[event.url] = event.t
                    index = self._cause(by_tab, starts, event.tab, event.t)
                case Downloaded():
                    index = self._cause(by_tab, starts, event.tab, asked.get(event.url, event.t))
                case TabOpened(opener=int()):
                    index = self._cause(by_tab, starts, event.opener, event.t)
                case _:
                    continue
            if index is not None:
                found.setdefault(index, []).append(event)
        return found

    def _cause(
        self, by_tab: Mapping[int, list[int]], starts: Sequence[int], tab: int | None, t: int
    ) -> int | None:
        for _ in range(8):  # as many openers as are looked back
            if tab is None:
                break
            mine = by_tab.get(tab, [])
            place = bisect.bisect_right(mine, t, key=lambda index: starts[index])
            if place:
                return mine[place - 1]
            tab = self.strip.opener.get(tab)
        place = bisect.bisect_right(starts, t)
        return place - 1 if place else None


_OPENING = frozenset((
    "article", "button", "cell", "gridcell", "link", "listitem", "menuitem", "menuitemcheckbox", "menuitemradio", "row",
    "tab", "treeitem",
))  # fmt: skip
"""Roles of what shows more of itself, or opens a menu, when the pointer comes."""
_POINTED: tuple[Verb, ...] = ("click", "double_click", "right_click", "drag", "check", "uncheck")


def _hovers(
    moves: Sequence[Stroke],
    made: Sequence[Draft],
    states: Mapping[int, Sequence[PageState]],
    elements: Elements,
) -> Iterator[Draft]:
    """Movements that mattered: while the pointer was on an element a page that had been at rest changed, and what was
    pressed next was something else around it."""
    starts = [draft.t_start for draft in made]
    chosen: dict[tuple[int, int], Stroke] = {}
    for stroke in moves:
        first = stroke.events[0]
        place = bisect.bisect_right(starts, first.t)
        if first.target is None or place == len(made) or first.buttons:
            continue
        then = made[place]
        pressed = then.verb in _POINTED and then.main is not None and then.main.doc == first.doc
        if (
            not pressed
            or then.main is None
            or not _within(elements.target(then.main), elements.control(first))
        ):
            continue
        since = made[place - 1].t_end if place else 0
        for before, after in pairwise(states.get(first.doc, ())):
            if (
                since < before.t <= first.t < after.t - _RESTED_NS < then.t_start
                and before.settled
                and before.dom != after.dom
            ):
                chosen[place, after.n] = stroke  # the last before the change
    for stroke in dict.fromkeys(chosen.values()):
        draft = Draft("hover", stroke.tab, stroke.t_start, stroke.t_end, list(stroke.events))
        draft.main = stroke.events[0]
        yield draft


def _again(hover: PageEvent, moves: Sequence[Stroke]) -> Iterator[Draft]:
    """The hover of a replay that answers one of its recording: the pointer came to the same point of the same frame,
    nearest to the same time."""
    there = [
        (abs(event.t - hover.t), number, stroke, event)
        for number, stroke in enumerate(moves)
        for event in stroke.events
        if (event.tab, event.frame, event.x, event.y) == (hover.tab, hover.frame, hover.x, hover.y)
    ]
    if there:
        _, _, stroke, event = min(there, key=lambda found: found[:2])
        draft = Draft("hover", stroke.tab, event.t, max(event.t, stroke.t_end), list(stroke.events))
        draft.main = event
        yield draft


def _within(pressed: PageTarget | None, hovered: PageTarget | None) -> bool:
    """Whether what was pressed is part of what is around the hovered control: its menu, its row, its item."""
    if pressed is None or hovered is None or not pressed.xpath or not hovered.xpath:
        return False
    if hovered.role not in _OPENING or pressed.xpath == hovered.xpath:
        return False
    parts = hovered.xpath.split("/")
    rows = [place for place, part in enumerate(parts) if part.partition("[")[0] in ("li", "tr")]
    around = "/".join(parts[: rows[-1] + 1] if rows else parts[:-1])
    return len(parts) > _LEAST_DEPTH and pressed.xpath.startswith(around + "/")


def _spans(events: Sequence[PageEvent]) -> tuple[Span, ...]:
    """Runs without holes; numbers between a run's events are targets and states, or another gesture's."""
    spans: list[Span] = []
    for event in sorted(events, key=lambda event: (event.doc, event.seq)):
        if spans and spans[-1].doc == event.doc and spans[-1].last + 1 == event.seq:
            spans[-1] = Span(event.doc, spans[-1].first, event.seq)
        else:
            spans.append(Span(event.doc, event.seq, event.seq))
    return tuple(spans)
