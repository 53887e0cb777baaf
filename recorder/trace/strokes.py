"""Strokes: the smallest things that a hand does, from the raw log of pages. Pure.

A press of a button until it is let go, a key until it is let go, a notch of the wheel, an input method's composition:
each with what the browser made of it (click, input, change, copy …). Every trusted event is taken by exactly one stroke
or by the named rest. What scripts made (untrusted) never makes a stroke, but for the files of a chooser that was just
asked for: a debugger's choice is told like a script's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from recorder.trace.event import Event
from recorder.trace.pages import (
    BrowserStarted,
    DocumentEnded,
    DocumentStarted,
    FrameSeen,
    PageEvent,
    PageTarget,
    TabOpened,
)

StrokeKind = Literal[
    "pointer", "key", "composition", "wheel", "input", "clipboard", "drop", "move", "resize", "browser"
]
MODIFIERS = {"Alt": 1, "AltGraph": 0, "Control": 2, "Meta": 4, "OS": 4, "Shift": 8}
"""Keys that are held while others are pressed, with their bit in PageEvent.modifiers."""

_MOVES = {
    "pointermove", "pointerrawupdate", "pointerover", "pointerout", "pointerenter", "pointerleave",
    "mousemove", "mouseover", "mouseout", "mouseenter", "mouseleave",
}  # fmt: skip
_DOWN = {"pointerdown", "mousedown", "touchstart"}
_UP = {"pointerup", "mouseup", "touchend", "touchcancel", "pointercancel"}
_HELD = {"touchmove", "gotpointercapture", "lostpointercapture", "selectstart"}
_CLICKS = {"click", "dblclick", "auxclick", "contextmenu"}
_DRAGS = {"dragstart", "drag", "dragenter", "dragover", "dragleave", "drop", "dragend"}
_CLIPBOARD = {"copy", "cut", "paste", "beforecopy", "beforecut", "beforepaste"}
_INPUT = {"beforeinput", "input", "textInput"}
_COMPOSITION = {"compositionstart", "compositionupdate", "compositionend"}
_OPENING_NS = 2_000_000_000
_BY_SCRIPT_TOO = {"", "insertReplacementText"}
"""Input types of what fills fields by itself: it is not what a click elsewhere caused."""


Place = tuple[int, int | None]
"""A document, and the number of an element in it: that of its first target."""


class Elements:
    """The elements of a browser's pages. One that has come to look different is stated as another target: it is the
    same as long as the same path leads to it, or it is called the same and stands in the same place: some pages give
    their elements other ids whenever they draw them."""

    def __init__(self) -> None:
        self._targets: dict[tuple[int, int], PageTarget] = {}
        self._first: dict[tuple[int, int], int] = {}
        self._paths: dict[tuple[object, ...], int] = {}

    def add(self, target: PageTarget) -> None:
        self._targets[target.doc, target.n] = target
        names = (
            target.type,
            target.role,
            target.name,
            target.label,
            target.placeholder,
            tuple(target.anchors),
        )
        ways: list[tuple[object, ...]] = []
        if target.css:
            ways.append((target.doc, target.tag, target.css, tuple(target.shadow)))
        if target.xpath:
            ways.append((target.doc, target.tag, target.xpath, names))
        first = next((self._paths[way] for way in ways if way in self._paths), target.n)
        for way in ways:
            self._paths.setdefault(way, first)
        self._first[target.doc, target.n] = first

    def target(self, event: PageEvent | None) -> PageTarget | None:
        """What is known of the element of `event`, as it was then."""
        return self._targets.get((event.doc, event.target)) if event and event.target is not None else None

    def around(self, outer: PageEvent, inner: PageEvent) -> bool:
        """Whether the element of `outer` is that of `inner` or holds it; the page holds all of its document."""
        held, box = self.target(inner), self.target(outer)
        if outer.doc != inner.doc or box is None or held is None:
            return outer.doc == inner.doc and outer.target is None
        within = bool(box.xpath) and (held.xpath + "/").startswith(box.xpath + "/")
        return within and held.shadow == box.shadow

    def control(self, event: PageEvent | None) -> PageTarget | None:
        """The control that the element of `event` is a part of, or the element: what people say that they acted on."""
        target = self.target(event)
        if target is None or target.control is None:
            return target
        return self._targets.get((target.doc, target.control), target)

    def place(self, event: PageEvent) -> Place:
        """The same for all events of one element, or of one control's parts."""
        if event.target is None:
            return (event.doc, None)
        control = self.control(event)
        n = control.n if control is not None else event.target
        return (event.doc, self._first.get((event.doc, n), n))


@dataclass(eq=False)
class Stroke:
    """`events` in order. A stroke of kind browser has none: `fact` is what the browser stated."""

    kind: StrokeKind
    tab: int
    t_start: int
    t_end: int
    events: list[PageEvent] = field(default_factory=list)
    fact: Event | None = None
    released: bool = False
    dragging: bool = False
    navigated: bool = False
    """A reload or a step in history came at once."""

    docs: set[int] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)
    """Where it was, of what could be entered into."""

    def take(self, event: PageEvent, place: Place | None = None) -> None:
        self.events.append(event)
        self.docs.add(event.doc)
        if place is not None:
            self.places.add(place)
        self.t_end = max(self.t_end, event.t)

    def has(self, *types: str) -> bool:
        return any(event.type in types for event in self.events)

    def last(self, *types: str) -> PageEvent | None:
        return next((event for event in reversed(self.events) if event.type in types), None)


class Hands:
    """Takes one browser's events in order of time. `strokes` are what came of them, in order of their start; `rest`
    are trusted events that are nobody's stroke, by the reason; `synthetic` counts untrusted ones."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self.strokes: list[Stroke] = []
        self.rest: dict[str, list[PageEvent]] = {}
        self.synthetic = 0
        self.latest: dict[int, Stroke] = {}
        """By tab, the last stroke that is no movement."""
        self._held: dict[tuple[int, str], Stroke] = {}
        self._entered: dict[Place, Stroke] = {}
        self._move: Stroke | None = None
        self._dragging: Stroke | None = None
        self._inner: set[int] = set()
        self._inner_docs: set[int] = set()
        self._opened: dict[int, int] = {}
        self._own = False

    def frame(self, event: FrameSeen | DocumentStarted) -> None:
        """Tells which documents are a tab's own: only their resizing is a person's."""
        if isinstance(event, FrameSeen):
            if event.parent is not None:
                self._inner.add(event.frame)
        elif event.frame in self._inner:
            self._inner_docs.add(event.doc)

    def started(self, event: BrowserStarted) -> None:
        """Tells whose browser it is: in a person's own, a bar comes above each tab's page that says who looks on."""
        self._own = event.mode != "opened"

    def opened(self, event: TabOpened) -> None:
        """Tells of a tab whose window gets its size when its page is there already: pages open such."""
        if event.opener is not None or self._own:
            self._opened[event.tab] = event.t

    def _opening(self, event: PageEvent) -> bool:
        opened, latest = self._opened.get(event.tab), self.latest.get(event.tab)
        untouched = latest is None or (self._own and latest.kind == "browser")
        return opened is not None and untouched and event.t - opened < _OPENING_NS

    def browser(self, fact: Event, tab: int) -> Stroke:
        """What a person did to the browser itself, as a stroke."""
        stroke = Stroke("browser", tab, fact.t, fact.t, fact=fact, released=True)
        self._add(stroke)
        return stroke

    def take(self, event: PageEvent) -> None:
        if not event.trusted and not self._chosen(event):
            self.synthetic += 1
            return
        kind = event.type
        if kind in _MOVES:
            self._moved(event)
        elif kind in _DOWN:
            self._down(event)
        elif kind in _UP or kind in _HELD:
            self._up(event)
        elif kind in _CLICKS:
            self._clicked(event)
        elif kind in ("keydown", "keypress"):
            self._key(event)
        elif kind == "keyup":
            self._keyup(event)
        elif kind in _INPUT or kind == "change":
            self._input(event)
        elif kind in _COMPOSITION:
            self._composed(event)
        elif kind in ("wheel", "mousewheel"):
            self._wheel(event)
        elif kind in ("scroll", "scrollend"):
            self._scrolled(event)
        elif kind in _CLIPBOARD:
            self._clipboard(event)
        elif kind in _DRAGS:
            self._dragged(event)
        elif kind == "resize" and event.doc not in self._inner_docs and not self._opening(event):
            latest = self.latest.get(event.tab)
            (latest if latest and latest.kind == "resize" else self._open("resize", event)).take(event)
        else:
            self._leave(event, kind)

    def _chosen(self, event: PageEvent) -> bool:
        """Whether it brings files that a person chose through a debugger, whose events are a script's: right after what
        was done to their field."""
        latest = self.latest.get(event.tab)
        brings = event.type in ("input", "change") and bool(event.files)
        return brings and latest is not None and self._causes(latest, event)

    # -- the pointer ----------------------------------------------------------------------------

    def _moved(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if latest and latest.kind == "pointer" and not latest.released and event.buttons:
            latest.take(event)
            return
        if latest and latest.kind == "pointer" and not event.buttons:
            latest.released = True  # its end happened where no page could see it
        move = self._move
        if (
            move is None
            or move.events[-1].doc != event.doc
            or (event.target is not None and self._place(event) != self._place(move.events[0]))
        ):
            move = self._move = Stroke("move", event.tab, event.t, event.t)
            self.strokes.append(move)
        move.take(event)

    def _down(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if latest and latest.kind == "pointer" and not latest.released:
            again = any(e.type == event.type and e.button == event.button for e in latest.events)
            if not again:
                latest.take(event, self._place(event))
                return
        elif latest and event.type == "mousedown" and _tapped(latest):
            latest.take(event, self._place(event))  # what a tap brings for pages that know of mice alone
            return
        self._open("pointer", event).take(event, self._place(event))

    def _up(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if latest and latest.kind == "pointer" and not (latest.released and latest.has(event.type)):
            latest.take(event)
            if event.type in ("pointerup", "mouseup", "touchend") and not event.buttons:
                latest.released = True
        else:
            self._leave(event, event.type)

    def _clicked(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if latest and latest.kind in ("pointer", "key") and not latest.dragging:
            latest.take(event, self._place(event))
        else:  # no pointer went down: assistive technology
            stroke = self._open("pointer", event)
            stroke.take(event, self._place(event))
            stroke.released = True

    def _dragged(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if event.type == "dragstart":
            if not (latest and latest.kind == "pointer" and not latest.dragging):
                latest = self._open("pointer", event)
            latest.dragging = True
            latest.take(event)
            self._dragging = latest
            return
        stroke = self._dragging
        if stroke is None and latest and latest.kind == "drop" and not latest.released:
            stroke = latest
        if stroke is None:
            if event.type == "dragend":
                self._leave(event, event.type)
                return
            stroke = self._open("drop", event)  # from outside the browser
        stroke.take(event)
        if event.type == "dragend" or (event.type == "drop" and stroke.kind == "drop"):
            stroke.released = True
            self._dragging = None

    def _wheel(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        same = latest and latest.kind == "wheel" and latest.events[-1].modifiers == event.modifiers
        (latest if latest and same else self._open("wheel", event)).take(event)

    def _scrolled(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if latest and (
            latest.kind in ("wheel", "key") or (latest.kind == "pointer" and not latest.released)
        ) and event.doc in {e.doc for e in latest.events[-2:]}:  # fmt: skip
            latest.take(event)
        else:
            self._leave(event, event.type)

    # -- keys and what they enter ---------------------------------------------------------------

    def _key(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if event.type == "keypress":
            if latest and latest.kind in ("key", "composition"):
                latest.take(event)
            else:
                self._open("key", event).take(event)
            return
        code = (event.tab, event.code or event.key or "")
        if event.composing or event.key in ("Process", "Dead"):
            if not (latest and latest.kind == "composition" and not latest.released):
                latest = self._open("composition", event)
            stroke = latest
        elif event.repeat and code in self._held and self._held[code] is latest:
            stroke = latest
        else:
            stroke = self._open("key", event)
        stroke.take(event)
        self._held[code] = stroke

    def _keyup(self, event: PageEvent) -> None:
        stroke = self._held.pop((event.tab, event.code or event.key or ""), None)
        if stroke is None:
            self._leave(event, event.type)
            return
        stroke.take(event)
        if stroke.kind == "key":
            stroke.released = True

    def _input(self, event: PageEvent) -> None:
        place = self._place(event)
        stroke: Stroke | None = None
        if event.type == "change":
            stroke = self._entered.pop(place, None)
        if stroke is None:
            latest = self.latest.get(event.tab)
            stroke = latest if latest and self._causes(latest, event) else self._open("input", event)
        stroke.take(event, place)
        if event.type == "input":
            self._entered[place] = stroke

    def _composed(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        if not (latest and latest.kind == "composition" and not latest.released):
            latest = self._open("composition", event)
        latest.take(event)
        if event.type == "compositionend":
            latest.released = True

    def _clipboard(self, event: PageEvent) -> None:
        latest = self.latest.get(event.tab)
        by_key = latest and latest.kind == "key" and not latest.released
        same = latest and latest.kind == "clipboard" and not latest.has(event.type)
        (latest if latest and (by_key or same) else self._open("clipboard", event)).take(event)

    def _causes(self, stroke: Stroke, event: PageEvent) -> bool:
        """Whether what `event` enters came of `stroke`, the last of its tab."""
        if stroke.kind in ("browser", "resize") or event.doc not in stroke.docs:
            return False
        if stroke.kind in ("pointer", "input"):
            return (
                self._place(event) in stroke.places
                or event.checked is not None
                or bool(event.files)
                or (stroke.kind == "pointer" and event.input_type not in _BY_SCRIPT_TOO)
            )
        by_itself = event.value is not None and event.input_type in _BY_SCRIPT_TOO and event.selected is None
        return not (stroke.kind == "key" and stroke.released and event.type == "input" and by_itself)

    def _place(self, event: PageEvent) -> Place:
        return self._elements.place(event)

    # -- the rest -------------------------------------------------------------------------------

    def _open(self, kind: StrokeKind, event: PageEvent) -> Stroke:
        stroke = Stroke(kind, event.tab, event.t, event.t)
        self._add(stroke)
        return stroke

    def _add(self, stroke: Stroke) -> None:
        self.strokes.append(stroke)
        self.latest[stroke.tab] = stroke
        self._move = None
        if stroke.kind != "browser":
            self._dragging = None if not stroke.dragging else stroke

    def _leave(self, event: PageEvent, reason: str) -> None:
        self.rest.setdefault(reason, []).append(event)


def by_time(events: Iterable[Event]) -> list[Event]:
    """`events` of one browser by time, each document's by their numbers, in whatever order they were brought."""
    documents: dict[int, list[tuple[int, int, Event]]] = {}
    keyed: list[tuple[tuple[int, int, int, int], Event]] = []
    for index, event in enumerate(events):
        doc = getattr(event, "doc", 0)
        if doc:
            seq = event.last if isinstance(event, DocumentEnded) else getattr(event, "seq", 0)
            documents.setdefault(doc, []).append((seq, index, event))
        else:
            # What a frame is, is known before its documents are.
            keyed.append(((event.t, -1 if isinstance(event, FrameSeen) else 1, 0, index), event))
    for doc, stated in documents.items():
        t = 0
        for place, (_, _, event) in enumerate(sorted(stated, key=lambda one: one[:2])):
            t = max(t, event.t)
            keyed.append(((t, 0, doc, place), event))
    keyed.sort(key=lambda pair: pair[0])
    return [event for _, event in keyed]


def _tapped(stroke: Stroke) -> bool:
    """Whether a finger touched and left, and no mouse event came of it yet."""
    touched = any(e.type == "pointerdown" and e.pointer == "touch" for e in stroke.events)
    return touched and stroke.released and not stroke.has("mousedown")
