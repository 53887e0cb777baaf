"""What to do again in a browser: recorded events as actions, in the order in which they were recorded. Pure.

Of what the document's listeners saw only what a person caused is done; the rest (a click after its press and release,
an input after its key) follows from it by itself. What a page cannot see of a person (the list of a select, a
date's picker, a file's) is told by what it gave, and done by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from recorder.trace.event import Event
from recorder.trace.pagelog import Numbers, numbers_of
from recorder.trace.pages import (
    BrowserEnded,
    BrowserStarted,
    Clip,
    DialogAnswered,
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
from recorder.trace.tabstrip import asked_for
from replay.players.browser.tapes import Tape, tapes

_BY_A_PERSON = frozenset(
    ("typed", "reload", "back_forward", "auto_bookmark", "generated", "keyword", "start_page")
)
_INNER = ("chrome://", "chrome-extension://", "devtools://", "about:")
_MODIFIERS = frozenset(("Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "NumLock", "ScrollLock"))


class Kind(StrEnum):
    """What is dispatched."""

    MOVE = "move"
    PRESS = "press"
    RELEASE = "release"
    WHEEL = "wheel"
    TOUCH = "touch"
    KEY_DOWN = "key down"
    KEY_UP = "key up"
    TEXT = "text"
    COMPOSE = "compose"
    PASTE = "paste"
    SCROLL = "scroll"
    RESIZE = "resize"
    CHOOSE_FILES = "choose files"
    SET = "set"
    DRAG_OVER = "drag over"
    DROP = "drop"
    DRAG_END = "drag end"


class Action(Struct, frozen=True, kw_only=True):
    """`t` is the recorded time, ns since the session's start."""

    t: int


class Open(Action, frozen=True, kw_only=True):
    """A tab is opened; one with an opener is opened by that tab's page."""

    tab: int
    opener: int | None


class Close(Action, frozen=True, kw_only=True):
    tab: int


class Front(Action, frozen=True, kw_only=True):
    tab: int


class Go(Action, frozen=True, kw_only=True):
    """A tab goes to `url`, as a person had it do; `first`: nothing was there before."""

    tab: int
    url: str
    how: str
    first: bool = False


class Do(Action, frozen=True, kw_only=True):
    """One input. `dom` is what the document was when it came, null where that was not known.

    `clicks` counts presses in a row; `clips` are what a paste or a drag brings; `also` is what came with it: the mouse
    event of a pointer event.
    """

    kind: Kind
    event: PageEvent
    target: PageTarget | None
    dom: str | None
    clicks: int = 0
    clips: Sequence[Clip] = ()
    files: Sequence[FileChosen] = ()


class Look(Action, frozen=True, kw_only=True):
    """The document was this at a quiet moment."""

    state: PageState


class Plan(Struct, frozen=True, kw_only=True):
    """`documents`, `dialogs` and `downloads` are in order; `frames` gives each frame's place, `end` the last time (but
    for that of the browser's own end), `after` the numbers that the browsers before this one had taken; `tapes` are
    what documents read of the clock."""

    started: BrowserStarted
    actions: tuple[Action, ...]
    documents: tuple[DocumentStarted, ...]
    frames: dict[int, FrameSeen]
    dialogs: tuple[DialogAnswered, ...]
    downloads: tuple[Downloaded, ...]
    end: int
    after: Numbers = Numbers()
    tapes: tuple[Tape, ...] = ()


def plan(events: Iterable[Event], started: BrowserStarted) -> Plan:
    """The plan of the browser that `started`: of what its source told until the next one did."""
    told = sorted((e for e in events if e.source == started.source), key=lambda event: event.t)
    others = [e.t for e in told if isinstance(e, BrowserStarted) and e.t > started.t]
    until = min(others, default=told[-1].t + 1 if told else 0)
    first = next((e for e in told if isinstance(e, BrowserStarted)), started)
    begin = started.t if started.t > first.t else 0
    mine = [e for e in told if begin <= e.t < until]
    frames = {e.frame: e for e in mine if isinstance(e, FrameSeen)}
    return Plan(
        started=started,
        actions=tuple(sorted(_actions(mine), key=lambda action: action.t)),
        documents=tuple(e for e in mine if isinstance(e, DocumentStarted)),
        frames=frames,
        dialogs=tuple(e for e in mine if isinstance(e, DialogAnswered)),
        downloads=tuple(e for e in mine if isinstance(e, Downloaded)),
        end=max((e.t for e in mine if not isinstance(e, BrowserEnded)), default=0),
        tapes=tapes(mine, frames),
        after=numbers_of(e for e in told if e.t < begin),
    )


def _actions(events: Sequence[Event]) -> Iterable[Action]:
    targets = {(e.doc, e.n): e for e in events if isinstance(e, PageTarget)}
    states = {(e.doc, e.n): e for e in events if isinstance(e, PageState)}
    inputs = _Inputs([e for e in events if isinstance(e, PageEvent)], targets, states)
    inner = {e.frame for e in events if isinstance(e, FrameSeen) and e.parent is not None}
    by_pages = {e.tab for e in events if isinstance(e, TabOpened) and e.opener is not None}
    gone: set[int] = set()
    asked: dict[int, list[PageRequest]] = {}
    for event in events:
        match event:
            case TabOpened():
                yield Open(t=event.t, tab=event.tab, opener=event.opener)
            case TabClosed():
                yield Close(t=event.t, tab=event.tab)
            case TabActivated():
                yield Front(t=event.t, tab=event.tab)
            case PageRequest(type="main_frame", ended=False, tab=int()):
                asked.setdefault(event.tab or 0, []).append(event)
            case Navigated():
                first = event.tab not in gone
                main = event.frame not in inner
                # It is told when its page has come; it began when the page was asked for.
                began, url = asked_for(event, asked.pop(event.tab, []) if main else [])
                if main and not event.within and not event.url.startswith(_INNER):
                    gone.add(event.tab)
                    if event.how in _BY_A_PERSON or (first and event.tab not in by_pages):
                        yield Go(t=began, tab=event.tab, url=url, how=event.how, first=first)
                elif main and event.how == "back_forward":
                    yield Go(t=began, tab=event.tab, url=url, how=event.how)
            case PageState():
                yield Look(t=event.t, state=event)
            case PageEvent():
                yield from inputs.of(event)


class _Inputs:
    """Which events of documents are done again, and as what."""

    def __init__(
        self,
        events: Sequence[PageEvent],
        targets: dict[tuple[int, int], PageTarget],
        states: dict[tuple[int, int], PageState],
    ) -> None:
        self._targets = targets
        self._states = states
        by_doc: dict[int, list[PageEvent]] = {}
        for event in events:
            by_doc.setdefault(event.doc, []).append(event)
        self._found: dict[tuple[int, int], list[Do]] = {}
        for of_doc in by_doc.values():
            self._document(sorted(of_doc, key=lambda event: event.seq))

    def of(self, event: PageEvent) -> Sequence[Do]:
        return self._found.get((event.doc, event.seq), ())

    def _document(self, events: Sequence[PageEvent]) -> None:
        kinds = {event.type for event in events}
        moved = "pointermove" if "pointermove" in kinds else "mousemove"
        pressed, released = (
            ("pointerdown", "pointerup") if "pointerdown" in kinds else ("mousedown", "mouseup")
        )
        key: PageEvent | None = None
        composing = dragging = touching = False
        caused = False
        for index, event in enumerate(events):
            # A debugger's compositions and choices of files are a script's to the page.
            of_debugger = event.type.startswith("composition") or (event.type == "change" and event.files)
            if not event.trusted and not of_debugger:
                continue
            kind = event.type
            if kind in (moved, pressed, released) and event.pointer == "touch":
                self._add(event, Kind.TOUCH)
                touching = kind != released
            elif kind in (moved, pressed, released) and not dragging:
                if touching:
                    continue
                of = {moved: Kind.MOVE, pressed: Kind.PRESS, released: Kind.RELEASE}[kind]
                if of is Kind.MOVE and event.x is None:
                    continue
                self._add(event, of, clicks=_clicks(events, index, of))
            elif kind == "wheel":
                self._add(event, Kind.WHEEL)
            elif kind == "keydown":
                if event.key == "Process" or event.composing:
                    continue
                key = None if event.key in _MODIFIERS else event
                caused = key is not None
                pasted = _next(events, index, "paste", ("keyup", "keydown"))
                self._add(event, Kind.KEY_DOWN, clips=pasted.clips if pasted else ())
            elif kind == "keyup":
                if event.key != "Process" and not event.composing:
                    self._add(event, Kind.KEY_UP)
            elif kind == "compositionstart":
                composing = True
            elif kind == "compositionupdate":
                self._add(event, Kind.COMPOSE)
                caused = True
            elif kind == "compositionend":
                composing = False
                if self._committed(events, index):
                    self._add(event, Kind.TEXT)
                caused = True
            elif kind == "paste":
                if not caused or key is None:
                    self._add(event, Kind.PASTE, clips=event.clips)
                caused = True
            elif kind in ("cut", "copy"):
                if not caused or key is None:
                    self._add(event, Kind.PASTE)
                caused = True
            elif kind == "dragstart":
                dragging = True
            elif kind in ("dragenter", "dragover"):
                # What comes from outside is told with its drop.
                drop = event if dragging else _next(events, index, "drop", ("pointerdown", "keydown"), 2000)
                brought = drop or event
                self._add(event, Kind.DRAG_OVER, clips=brought.clips, files=brought.files)
            elif kind == "drop":
                self._forget_last(events, index, event)
                self._add(event, Kind.DROP, clips=event.clips, files=event.files)
                caused = True
            elif kind == "dragend":
                dragging = False
                self._add(event, Kind.DRAG_END)
            elif kind == "input":
                if event.input_type.startswith("insert") and not caused and not composing and event.text:
                    self._add(event, Kind.TEXT)
                caused = False
            elif kind == "change":
                if event.files:
                    self._add(event, Kind.CHOOSE_FILES, files=event.files)
                elif event.selected is not None or self._picked(event):
                    self._add(event, Kind.SET)
            elif kind in ("scroll", "scrollend") and event.scroll is not None:
                if _last_of_run(events, index):
                    self._add(event, Kind.SCROLL)
            elif kind == "resize" and event.size is not None:
                self._add(event, Kind.RESIZE)

    def _forget_last(self, events: Sequence[PageEvent], index: int, drop: PageEvent) -> None:
        """A drop brings the dragover just before it at the same place."""
        for before in reversed(events[max(0, index - 4) : index]):
            if before.type == "dragover":
                if (before.x, before.y) == (drop.x, drop.y):
                    self._found.pop((before.doc, before.seq), None)
                return

    def _committed(self, events: Sequence[PageEvent], index: int) -> bool:
        """Whether a text ended a composition: that brings the update just before it, too. Without one it ended by
        itself, as when the field was left."""
        end = events[index]
        for before in reversed(events[max(0, index - 4) : index]):
            if before.type == "compositionupdate":
                if not end.text or before.text != end.text:
                    return False
                self._found.pop((before.doc, before.seq), None)
                return True
            if before.type not in ("beforeinput", "input"):
                return False
        return False

    def _picked(self, event: PageEvent) -> bool:
        """Whether it is a control that browsers bring a window of their own for."""
        target = self._target(event)
        return target is not None and target.type in (
            "date",
            "time",
            "month",
            "week",
            "datetime-local",
            "color",
            "range",
        )

    def _target(self, event: PageEvent) -> PageTarget | None:
        return None if event.target is None else self._targets.get((event.doc, event.target))

    def _add(
        self,
        event: PageEvent,
        kind: Kind,
        *,
        clicks: int = 0,
        clips: Sequence[Clip] = (),
        files: Sequence[FileChosen] = (),
    ) -> None:
        state = None if event.state is None else self._states.get((event.doc, event.state))
        done = Do(
            t=event.t, kind=kind, event=event, target=self._target(event), dom=state.dom if state else None,
            clicks=clicks, clips=clips, files=files,
        )  # fmt: skip
        self._found.setdefault((event.doc, event.seq), []).append(done)


def _clicks(events: Sequence[PageEvent], index: int, kind: Kind) -> int:
    """How many presses in a row this one makes, as the mouse event or the click that came of it says."""
    if kind is Kind.MOVE:
        return 0
    event = events[index]
    if event.detail:
        return event.detail
    mouse = "mousedown" if kind is Kind.PRESS else "mouseup"
    for later in events[index + 1 : index + 64]:
        if later.type == event.type:
            break
        if later.type in (mouse, "click", "auxclick", "dblclick") and later.detail and later.trusted:
            return later.detail
    return 1


def _next(
    events: Sequence[PageEvent], index: int, kind: str, until: Sequence[str], most: int = 64
) -> PageEvent | None:
    for later in events[index + 1 : index + most]:
        if later.type == kind:
            return later
        if later.type in until:
            return None
    return None


def _last_of_run(events: Sequence[PageEvent], index: int) -> bool:
    """Whether the same thing is not scrolled again before a person does anything else."""
    event = events[index]
    for later in events[index + 1 : index + 256]:
        if later.type in ("scroll", "scrollend"):
            if later.target == event.target and later.scroll is not None:
                return False
        elif later.type in ("pointerdown", "keydown", "mousedown", "wheel"):
            return True
    return True
