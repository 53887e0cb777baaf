"""A browser's gestures with all that another tool needs to do them: where, by which locator, and what follows. Pure.

One list of actions drives every format (Playwright's script, its trace, DevTools' recording), so that they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from msgspec import structs

from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    DialogAnswered,
    Downloaded,
    FrameSeen,
    PageEvent,
    PageState,
    PageTarget,
)
from recorder.trace.verbs import chord
from replay.export.aria import Node, parse, walk
from replay.export.locators import ROLES, Locator, Part, locator
from replay.export.pages import Pages
from replay.export.ways import way


@dataclass(frozen=True, slots=True)
class Action:
    """A gesture made ready for another tool. `n` is the number of its step, `text` its sentence. `target` and `onto`
    are null where the gesture has none, or where no locator reaches it (`unreachable`).

    `frames` are the indices of the frames from the tab's own down to the target's, null where one is unknown. Its
    `dialogs`, `downloads` and `opened` tabs are what came of it. `url` is that of the tab's own document when it began,
    empty where nobody knows. `shown` is the last state of the tab's own document after it and before the next action,
    null where the next came before the page had rested, or another document was there by then (`rested` is also that of
    a field that was filled, before it was left), `went`: a document of the tab's own frame was left for another
    meanwhile, `landed` the address that it had last by then, empty where the page neither rested nor went. `held` is
    what a field that was cleared held before that, of the same gesture: a page may heed it.

    `clicks` are the presses of the mouse in a row. `pressed` is what was under the pointer where that is another
    element than the target (the drawn part of a checkbox, its label), or what a key pressed (Enter in a field its
    form's button), `under` its locator. `way` are the points of a
    drag, from where it was taken. `pieces` are what was typed, and the keys between and after that moved the caret or
    selected, where there are such; of a field that was filled those alone that came last. `own`: nothing that a person
    did is in it, the page did it by itself. `guessed`: no step says it, it may have shown what was clicked next.
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
    rested: PageState | None = None
    went: bool = False
    landed: str = ""
    held: str = ""
    clicks: int = 1
    pressed: PageTarget | None = None
    under: Locator | None = None
    way: tuple[tuple[float, float], ...] = ()
    pieces: tuple[tuple[Literal["type", "press"], str], ...] = ()
    own: bool = False
    guessed: bool = False


def actions(
    gestures: Sequence[tuple[int, str, Gesture]], pages: Pages, read_aria: Callable[[str], str]
) -> list[Action]:
    """The actions of gestures (each with its step's number and sentence), in their order. `read_aria` gives the
    accessibility snapshot of a blob.

    A tab that a page did not open, and nobody was seen to lead anywhere, gets a navigation to where it first was.
    A dialog answered and a download that are gestures of their own belong to the action that they follow.
    """
    stepped = _led(gestures, pages)
    known = {id(gesture) for _, _, gesture in stepped}
    led = _hovered(stepped, pages, read_aria)
    told: list[Action] = []
    for index, (n, text, gesture) in enumerate(led):
        later = next((g.t_start for _, _, g in led[index + 1 :] if g.verb not in _FOLLOWING), None)
        if gesture.verb in _FOLLOWING and told:
            told[-1] = _joined(told[-1], gesture, pages, later)
        else:
            made = _action(n, text, gesture, pages, later, read_aria)
            told.append(replace(made, guessed=id(gesture) not in known))
    return told


def _hovered(
    led: Sequence[tuple[int, str, Gesture]], pages: Pages, read_aria: Callable[[str], str]
) -> list[tuple[int, str, Gesture]]:
    """With what was pointed at before a click on what it showed."""
    told: list[tuple[int, str, Gesture]] = []
    for n, text, gesture in led:
        since = told[-1][2].t_end if told else 0
        if (found := _uncovering(gesture, pages, since, read_aria)) is not None:
            t, target = found
            over = Gesture(
                verb="hover",
                tab=gesture.tab,
                t_start=t,
                t_end=t,
                frame=gesture.frame,
                target=target,
                doc=target.doc,
            )
            what = target.name or target.text or target.tag
            told.append((n, f"point at “{what}”, which shows what is clicked next", over))
        told.append((n, text, gesture))
    return told


_LEAST_DEPTH = 5  # "", html, body, and a box that is not the whole page
_MOST_WITHIN = 3
_POINTED = ("click", "double_click", "right_click", "check", "uncheck")


def _uncovering(
    gesture: Gesture, pages: Pages, since: int, read_aria: Callable[[str], str]
) -> tuple[int, PageTarget] | None:
    """What the pointer came to, and when, before a click on something that the page showed only then: style sheets can
    show things under the pointer, and the content of a page says nothing of that."""
    on = gesture.target
    if gesture.verb not in _POINTED or on is None or on.role not in ROLES or not on.name:
        return None

    @cache
    def tree(snapshot: str) -> list[Node]:
        return list(walk(parse(read_aria(snapshot))))

    past: list[tuple[int, PageTarget]] = []
    for t, target in pages.passed(on.doc, since, gesture.t_start):
        if not _around(target, on):
            continue
        snapshot = pages.tree(on.doc, t)
        if snapshot is None or any((n.role, n.name) == (on.role, on.name) for n in tree(snapshot)):
            break
        said = " ".join((target.name or target.text).split())
        if not said or any(words in said for n in tree(snapshot) for words in (n.name, n.text) if words):
            past.append((t, target))
    return past[-1] if past else None


def _around(pointed: PageTarget, on: PageTarget) -> bool:
    """Whether an element stands in the row or item of what was pointed at, else beside it in its box, or not far within
    it."""
    parts = pointed.xpath.split("/")
    rows = [place for place, part in enumerate(parts) if part.partition("[")[0] in ("li", "tr")]
    around = "/".join(parts[: rows[-1] + 1] if rows else parts[:-1])
    if not rows and on.xpath.startswith(pointed.xpath + "/"):
        return len(parts) >= _LEAST_DEPTH and on.xpath.count("/") - pointed.xpath.count("/") <= _MOST_WITHIN
    return pointed.xpath != on.xpath and len(parts) >= _LEAST_DEPTH and on.xpath.startswith(around + "/")


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
    raw = pages.raw(gesture)
    pressed = _pressed(gesture, raw, pages)
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
        shown=(shown := _shown(pages, gesture.tab, gesture.t_end, later)),
        rested=_shown(pages, gesture.tab, _last(gesture, raw), later),
        went=(went := pages.left(gesture.tab, gesture.t_start, later)),
        landed=pages.url(gesture.tab, later) if shown or went else "",
        held=pages.held(gesture),
        clicks=max((event.detail for event in raw if event.type in ("click", "mousedown")), default=1) or 1,
        pressed=pressed,
        under=found(pressed),
        way=way(raw) if gesture.verb == "drag" else (),
        pieces=_pieces(gesture, raw),
        own=gesture.verb in ("copy", "cut") and bool(raw) and not any(e.type == "keydown" for e in raw),
    )


def _last(gesture: Gesture, raw: Sequence[PageEvent]) -> int:
    """When the last was done of a gesture. That a filled field changed is said when it is left: by then the next has
    begun, and what the page showed of it is long there."""
    if gesture.verb != "fill":
        return gesture.t_end
    return max((event.t for event in raw if event.type != "change"), default=gesture.t_end)


_CARET = {"ArrowLeft", "ArrowRight", "Home", "End"}


def _pieces(gesture: Gesture, raw: Sequence[PageEvent]) -> tuple[tuple[Literal["type", "press"], str], ...]:
    """What a gesture of typing is made of; nothing where the caret was not moved."""
    if gesture.verb not in ("fill", "type") or not any(event.key in _CARET for event in raw):
        return ()
    told: list[tuple[Literal["type", "press"], str]] = []
    events = sorted(raw, key=lambda event: (event.doc, event.seq))
    if gesture.verb == "fill":
        entered = [place for place, event in enumerate(events, 1) if event.type == "input"]
        events = events[max(entered, default=0) :]
    for event in events:
        keys, text = "", event.text or ""
        if event.type == "keydown" and event.key in _CARET:
            keys = chord(event)
        elif event.type == "input" and event.input_type.startswith("delete"):
            keys = "Delete" if event.input_type.endswith("Forward") else "Backspace"
        elif event.type == "input" and event.input_type in ("insertLineBreak", "insertParagraph"):
            text = "\n"
        elif event.type not in ("input", "compositionend") or event.composing:
            continue
        if keys:
            told.append(("press", keys))
        elif text and told and told[-1][0] == "type":
            told[-1] = ("type", told[-1][1] + text)
        elif text:
            told.append(("type", text))
    return tuple(told)


def _pressed(gesture: Gesture, raw: Sequence[PageEvent], pages: Pages) -> PageTarget | None:
    kinds = ("click",) if gesture.verb == "press" else ("pointerdown", "mousedown")
    down = next((event for event in raw if event.type in kinds), None)
    if down is None or down.target is None or gesture.target is None:
        return None
    found = pages.targets.get((down.doc, down.target))
    if gesture.verb == "press":
        return found
    same = found is None or (found.doc, found.n) == (gesture.target.doc, gesture.target.n)
    return None if same else found


def _joined(action: Action, gesture: Gesture, pages: Pages, later: int | None) -> Action:
    return replace(
        action,
        dialogs=tuple(dict.fromkeys((*action.dialogs, *gesture.dialogs))),
        downloads=tuple(dict.fromkeys((*action.downloads, *gesture.downloads))),
        shown=(shown := _shown(pages, action.gesture.tab, action.gesture.t_end, later)),
        rested=shown,
        went=(went := pages.left(action.gesture.tab, action.gesture.t_start, later)),
        landed=pages.url(action.gesture.tab, later) if shown or went else "",
    )


def _shown(pages: Pages, tab: int, since: int, later: int | None) -> PageState | None:
    """What a document showed that was then left may be gone before another tool looks."""
    state = pages.shown(tab, later, since)
    return None if state is not None and pages.left(tab, state.t, later) else state


def _frame(seen: FrameSeen) -> Part:
    if seen.name and '"' not in seen.name and "\\" not in seen.name and seen.name.isprintable():
        return Part("frame", f'iframe[name="{seen.name}"], frame[name="{seen.name}"]')
    return Part("frame", "iframe, frame", nth=seen.index or 0)
