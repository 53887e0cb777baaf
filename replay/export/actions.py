"""A browser's gestures with all that another tool needs to do them: where, by which locator, and what follows. Pure.

One list of actions drives every format (Playwright's script, its trace, DevTools' recording), so that they agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    BrowserStarted,
    DialogAnswered,
    DocumentStarted,
    Downloaded,
    FrameSeen,
    Navigated,
    PageEvent,
    PageState,
    PageTarget,
    Screenshot,
    TabOpened,
)
from replay.export.aria import parse, walk
from replay.export.locators import ROLES, Locator, Part, locator

_MOST_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Action:
    """A gesture made ready for another tool. `n` is the number of its step, `text` its sentence. `target` and `onto`
    are null where the gesture has none, or where no locator reaches it (`unreachable`).

    `frames` are the indices of the frames from the tab's own down to the target's, null where one is unknown. Its
    `dialogs`, `downloads` and `opened` tabs are what came of it. `url` is that of the tab's own document when it began,
    empty where nobody knows. `shown` is the last state of the tab's own document after it and before the next action,
    null where the next came before the page had rested, `went`: a document of the tab's own frame was left for another
    meanwhile. `held` is what a field that was cleared held before that, of the same gesture: a page may heed it.
    """

    n: int
    text: str
    gesture: Gesture
    target: Locator | None = None
    onto: Locator | None = None
    unreachable: bool = False
    frames: tuple[int, ...] | None = ()
    dialogs: tuple[DialogAnswered, ...] = ()
    downloads: tuple[Downloaded, ...] = ()
    opened: tuple[int, ...] = ()
    url: str = ""
    shown: PageState | None = None
    went: bool = False
    held: str = ""


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
    moves: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """By document, when the pointer was moved on which target."""
    targets: dict[tuple[int, int], PageTarget] = field(default_factory=dict)
    entered: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """By document, the number of each input and what its field then held."""

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
                case PageEvent(type="input", trusted=True, masked=False, value=str(value)):
                    pages.entered.setdefault(event.doc, []).append((event.seq, value))
                case PageEvent(type="pointermove", trusted=True, target=int(n)):
                    pages.moves.setdefault(event.doc, []).append((event.t, n))
                case Screenshot():
                    pages.screenshots.append(event)
                case _:
                    pass
        return pages

    def rich_text(self) -> frozenset[str]:
        """The names of what was edited as a document is, and is no field."""
        edited = (t for t in self.targets.values() if t.editable and t.tag not in ("input", "textarea"))
        return frozenset(one.name for one in edited)

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

    def url(self, tab: int, at: int) -> str:
        """Where the tab's own frame was then."""
        here = [d for d in self.documents.values() if d.tab == tab and d.t <= at and self.is_top(d.frame)]
        state = self.shown(tab, at)
        if state is not None and (not here or state.doc == here[-1].doc):
            return state.url
        return here[-1].url if here else ""

    def held(self, gesture: Gesture) -> str:
        """The longest that a field held which the gesture left empty."""
        if gesture.verb != "fill" or gesture.value or gesture.doc is None:
            return ""
        entered = self.entered.get(gesture.doc, [])
        first, last = gesture.first or 0, gesture.last or 0
        return max((value for seq, value in entered if first <= seq <= last), key=len, default="")

    def left(self, tab: int, since: int, until: int | None) -> bool:
        """Whether the tab's own frame went to another document in that time."""
        return any(
            not event.within and since <= event.t and (until is None or event.t < until)
            for event in self.navigated.get(tab, [])
        )


def actions(
    gestures: Sequence[tuple[int, str, Gesture]], pages: Pages, read_aria: Callable[[str], str]
) -> list[Action]:
    """The actions of gestures (each with its step's number and sentence), in their order. `read_aria` gives the
    accessibility snapshot of a blob.

    A tab that a page did not open, and nobody was seen to lead anywhere, gets a navigation to where it first was.
    A dialog answered and a download that are gestures of their own belong to the action that they follow.
    """
    led = _led(gestures, pages)
    told: list[Action] = []
    for index, (n, text, gesture) in enumerate(led):
        later = next((g.t_start for _, _, g in led[index + 1 :] if g.verb not in _FOLLOWING), None)
        if gesture.verb in _FOLLOWING and told:
            told[-1] = _joined(told[-1], gesture, pages, later)
            continue
        since = led[index - 1][2].t_end if index else 0
        if (hovered := _uncovering(gesture, pages, since, read_aria)) is not None:
            over = structs.replace(
                gesture, verb="hover", target=hovered, offset=None, t_end=gesture.t_start, opened=()
            )
            sentence = (
                f"point at “{hovered.name or hovered.text or hovered.tag}”, which shows what is clicked next"
            )
            told.append(_action(n, sentence, over, pages, gesture.t_start, read_aria))
        told.append(_action(n, text, gesture, pages, later, read_aria))
    return told


_POINTED = ("click", "double_click", "right_click", "check", "uncheck")


def _uncovering(
    gesture: Gesture, pages: Pages, since: int, read_aria: Callable[[str], str]
) -> PageTarget | None:
    """What the pointer was on before a click on something that the page had not shown until then: style sheets can
    show things under the pointer, and no state tells of that."""
    on = gesture.target
    if gesture.verb not in _POINTED or on is None or on.role not in ROLES or not on.name:
        return None
    snapshot = pages.tree(on.doc, gesture.t_start)
    if snapshot is None or any(
        (n.role, n.name) == (on.role, on.name) for n in walk(parse(read_aria(snapshot)))
    ):
        return None
    moves = pages.moves.get(on.doc, [])
    first = bisect_right(moves, since, key=lambda move: move[0])
    past = [pages.targets.get((on.doc, n)) for t, n in moves[first:] if t < gesture.t_start]
    others = [target for target in past if target is not None and target.css != on.css]
    return next((target for target in reversed(others) if target.tag not in ("body", "html")), None)


_FOLLOWING = ("dialog", "download")


def _led(gestures: Sequence[tuple[int, str, Gesture]], pages: Pages) -> list[tuple[int, str, Gesture]]:
    """With navigations for tabs that nobody led anywhere, and each tab that a page opened told by what opened it."""
    led: list[tuple[int, str, Gesture]] = []
    known: set[int] = set()
    opened = {tab for _, _, gesture in gestures for tab in gesture.opened}
    untold = [tab for tab in pages.tabs.values() if tab.opener is not None and tab.tab not in opened]
    for seen in untold:
        before = [at for at, (_, _, g) in enumerate(gestures) if g.tab == seen.opener and g.t_start <= seen.t]
        if before:
            n, text, gesture = gestures[before[-1]]
            gesture = structs.replace(gesture, opened=(*gesture.opened, seen.tab))
            gestures = [*gestures[: before[-1]], (n, text, gesture), *gestures[before[-1] + 1 :]]
            opened.add(seen.tab)
    for n, text, gesture in gestures:
        tab = gesture.tab
        if tab not in known:
            known.add(tab)
            start = pages.tabs.get(tab)
            url = pages.first_url(tab, start.t if start else 0)
            if tab not in opened and gesture.verb not in ("navigate", "new_tab", "close_tab") and url:
                t = start.t if start else gesture.t_start
                led.append(
                    (n, f"go to {url}", Gesture(verb="navigate", tab=tab, t_start=t, t_end=t, value=url))
                )
        led.append((n, text, gesture))
    return led


def _action(
    n: int, text: str, gesture: Gesture, pages: Pages, later: int | None, read_aria: Callable[[str], str]
) -> Action:
    chain = pages.chain(gesture.frame)
    frames = [_frame(seen) for seen in chain]
    known = all(seen.index is not None for seen in chain)

    def found(of: PageTarget | None) -> Locator | None:
        if of is None:
            return None
        snapshot = pages.tree(of.doc, gesture.t_start)
        return locator(of, frames, parse(read_aria(snapshot)) if snapshot is not None else ())

    target, onto = found(gesture.target), found(gesture.onto)
    return Action(
        n=n,
        text=text,
        gesture=gesture,
        target=target,
        onto=onto,
        unreachable=(gesture.target is not None and target is None)
        or (gesture.onto is not None and onto is None),
        frames=tuple(seen.index or 0 for seen in chain) if known else None,
        dialogs=gesture.dialogs,
        downloads=gesture.downloads,
        opened=gesture.opened,
        url=pages.url(gesture.tab, gesture.t_start),
        shown=pages.shown(gesture.tab, later, gesture.t_end),
        went=pages.left(gesture.tab, gesture.t_start, later),
        held=pages.held(gesture),
    )


def _joined(action: Action, gesture: Gesture, pages: Pages, later: int | None) -> Action:
    return replace(
        action,
        dialogs=tuple(dict.fromkeys((*action.dialogs, *gesture.dialogs))),
        downloads=tuple(dict.fromkeys((*action.downloads, *gesture.downloads))),
        shown=pages.shown(action.gesture.tab, later, action.gesture.t_end),
        went=pages.left(action.gesture.tab, action.gesture.t_start, later),
    )


def _frame(seen: FrameSeen) -> Part:
    if seen.name and '"' not in seen.name and "\\" not in seen.name and seen.name.isprintable():
        return Part("frame", f'iframe[name="{seen.name}"], frame[name="{seen.name}"]')
    return Part("frame", "iframe, frame", nth=seen.index or 0)
