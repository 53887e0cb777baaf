"""What strokes are called and which of them are one gesture: a click, a field filled, a chord pressed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from recorder.trace.event import Event
from recorder.trace.pages import Clip, FileChosen, PageEvent
from recorder.trace.strokes import MODIFIERS, Elements, Stroke

Verb = Literal[
    "click", "double_click", "right_click", "hover", "fill", "type", "press", "select", "check", "uncheck", "upload",
    "drag", "scroll", "navigate", "back", "forward", "reload", "new_tab", "close_tab", "switch_tab", "dialog",
    "download", "copy", "cut", "paste", "resize",
]  # fmt: skip
_DRAG_PIXELS = 10
_TEXT: tuple[Verb, ...] = ("fill", "type")
_CARET = {"ArrowLeft", "ArrowRight", "Home", "End"}
BROWSER_KEYS: dict[str, Verb] = {
    **dict.fromkeys(("F5", "Control+F5", "Control+r", "Control+Shift+R", "Meta+r", "BrowserRefresh"), "reload"),
    **dict.fromkeys(("Alt+ArrowLeft", "BrowserBack", "Meta+["), "back"),
    **dict.fromkeys(("Alt+ArrowRight", "BrowserForward", "Meta+]"), "forward"),
}  # fmt: skip
"""Keys by which a browser reloads, or goes back or forth; whether it did, a navigation tells."""


@dataclass(eq=False)
class Draft:
    """A gesture in the making. `main` is the event that says what it was done to."""

    verb: Verb
    tab: int
    t_start: int
    t_end: int
    events: list[PageEvent] = field(default_factory=list)
    main: PageEvent | None = None
    onto: PageEvent | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    masked: bool = False
    clips: tuple[Clip, ...] = ()
    files: tuple[FileChosen, ...] = ()
    scroll: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    fact: Event | None = None

    def absorb(self, events: list[PageEvent]) -> None:
        self.events += events
        self.t_start = min([self.t_start, *(event.t for event in events)])
        self.t_end = max([self.t_end, *(event.t for event in events)])


def drafts(strokes: Iterable[Stroke], elements: Elements) -> list[Draft]:
    """Gestures in the making, of `strokes` in order of their start. Movements are no gesture yet."""
    made: list[Draft] = []
    held: list[Stroke] = []
    for stroke in strokes:
        if stroke.kind == "move":
            continue
        if stroke.kind == "key" and _modifier(stroke):
            held.append(stroke)
            continue
        draft = _draft(stroke, elements)
        folded = [key for key in held if _holds(key, stroke)]
        made += [_draft(key, elements) for key in _alone([key for key in held if key not in folded])]
        for key in folded:
            draft.absorb(key.events)
        held = []
        if not (made and _merge(made[-1], draft, stroke, elements)):
            made.append(draft)
    made += [_draft(key, elements) for key in _alone(held)]
    for draft in made:
        draft.events.sort(key=lambda event: (event.doc, event.seq))
    return made


def chord(event: PageEvent) -> str:
    """The keys of a press as Playwright and DevTools name them: `Control+Shift+K`, `Enter`, `a`."""
    key = {" ": "Space", "Esc": "Escape"}.get(event.key or "", event.key or event.code or "Unidentified")
    names = [("Control", 2), ("Alt", 1), ("Shift", 8), ("Meta", 4)]
    if len(key) == 1 and not event.modifiers & 7:
        return key
    return "+".join([name for name, bit in names if event.modifiers & bit and name != key] + [key])


def _draft(stroke: Stroke, elements: Elements) -> Draft:
    events = stroke.events
    main = next((e for e in events if e.target is not None), events[0] if events else None)
    draft = Draft("click", stroke.tab, stroke.t_start, stroke.t_end, list(events), main, fact=stroke.fact)
    draft.masked = any(event.masked for event in events)
    if _entered(draft, events):
        return draft
    match stroke.kind:
        case "pointer":
            _point(draft, stroke, elements)
        case "key" | "composition" | "input":
            _key(draft, stroke, elements)
        case "clipboard":
            _clip(draft, events)
        case "drop":
            last = stroke.last("drop", "dragover", "dragenter") or events[-1]
            draft.verb, draft.main, draft.onto = "drag", None, last
            draft.clips, draft.files = tuple(last.clips), tuple(last.files)
            if last.files:
                draft.verb, draft.main, draft.onto = "upload", last, None
        case "wheel":
            _scroll(draft, events, elements)
        case "resize":
            draft.verb, draft.main = "resize", None
            draft.size = next((e.size for e in reversed(events) if e.size), None)
        case _:
            pass
    return draft


def _entered(draft: Draft, events: list[PageEvent]) -> bool:
    """Whether a control was set: by mouse or by key, what it was set to is what people read."""
    changed = [e for e in events if e.type in ("input", "change")]
    for event in reversed(changed):
        if event.files:
            draft.verb, draft.files = "upload", tuple(event.files)
        elif event.checked is not None:
            draft.verb = "check" if event.checked else "uncheck"
        elif event.selected is not None:
            draft.verb, draft.values = "select", tuple(event.selected)
            draft.value = event.text or ", ".join(event.selected)
        else:
            continue
        draft.main = event
        return True
    return False


def _point(draft: Draft, stroke: Stroke, elements: Elements) -> None:
    events = stroke.events
    down = next((e for e in events if e.type in ("pointerdown", "mousedown", "touchstart")), None)
    up = stroke.last("pointerup", "mouseup", "pointermove", "mousemove")
    draft.main = next((e for e in events if e.target is not None and e.type != "change"), draft.main)
    value = _value(events)
    if stroke.dragging:
        drop = stroke.last("drop")
        draft.verb = "drag"
        draft.onto = drop or stroke.last("dragover", "dragenter") or up
        draft.clips = tuple(drop.clips if drop else ())
    elif value and draft.main and elements.place(value) == elements.place(draft.main):
        draft.verb, draft.value = "fill", value.value
    elif down and up and _far(down, up):
        if stroke.has("scroll") and not stroke.has("click"):
            _scroll(draft, events, elements)
        else:
            draft.verb, draft.onto = "drag", up
    elif stroke.has("scroll") and not stroke.has("click", "mouseup", "pointerup"):
        _scroll(draft, events, elements)
    elif stroke.has("contextmenu") or (down and down.button == 2):
        draft.verb = "right_click"
    elif stroke.has("dblclick"):
        draft.verb = "double_click"


def _far(down: PageEvent, up: PageEvent) -> bool:
    if down.x is None or down.y is None or up.x is None or up.y is None:
        return False
    return down.doc != up.doc or abs(down.x - up.x) + abs(down.y - up.y) >= _DRAG_PIXELS


def _scroll(draft: Draft, events: list[PageEvent], elements: Elements) -> None:
    draft.verb = "scroll"
    wheels = [e for e in events if e.type in ("wheel", "mousewheel")]
    scrolled = [e for e in reversed(events) if e.scroll is not None]
    # A page may scroll others along with it, such as a scrollbar that it draws itself.
    around = (e for e in scrolled if any(elements.around(e, wheel) for wheel in wheels))
    stood = next(around, next(iter(scrolled), None))
    if stood is not None:
        draft.scroll, draft.main = stood.scroll, stood  # what scrolled, whatever the pointer was over
    if wheels:
        draft.value = f"{sum(e.dx for e in wheels):g},{sum(e.dy for e in wheels):g}"


def _key(draft: Draft, stroke: Stroke, elements: Elements) -> None:
    events = stroke.events
    if _clip(draft, events):
        return
    down = next((e for e in events if e.type in ("keydown", "keypress")), None)
    keys = chord(down) if down else None
    entered = [e for e in events if e.type in ("input", "compositionend")]
    value = _value(events)
    command = down is not None and down.modifiers & 6 and stroke.kind == "key" and keys is not None
    if entered and not command:
        draft.main = value or next((e for e in entered if e.target is not None), draft.main)
        if value is not None and _holds_value(value, elements):
            draft.verb, draft.value = "fill", value.value
        else:
            draft.verb, draft.value = "type", _typed("", stroke)
    elif _plain(down) and down and _editable(down, elements):
        draft.verb, draft.value = "type", _typed("", stroke)
    elif down is None and stroke.kind == "input":  # a change without what led to it
        told = next((e for e in reversed(events) if e.value is not None), None)
        draft.verb, draft.value = "fill", told.value if told else None
    else:
        draft.verb, draft.value = "press", keys
        if stroke.navigated and keys in BROWSER_KEYS:
            draft.verb = BROWSER_KEYS[keys]


def _clip(draft: Draft, events: list[PageEvent]) -> bool:
    names: dict[str, Verb] = {"copy": "copy", "cut": "cut", "paste": "paste"}
    event = next((e for e in events if e.type in names), None)
    if event is None:
        if events and all(e.type.startswith("before") for e in events):
            draft.verb, draft.value = "press", events[0].type.removeprefix("before")
            return True
        return False
    draft.verb, draft.main = names[event.type], event
    draft.clips = tuple(event.clips)
    draft.files = tuple(event.files)
    draft.value = next((clip.text for clip in event.clips if clip.type == "text/plain"), None)
    return True


def _merge(last: Draft, draft: Draft, stroke: Stroke, elements: Elements) -> bool:
    """Takes `draft` into `last`, the gesture before it, where both are one; whether it did."""
    same = (
        last.main is not None
        and draft.main is not None
        and last.tab == draft.tab
        and elements.place(last.main) == elements.place(draft.main)
    )
    caret = draft.verb == "press" and (draft.value or "").removeprefix("Shift+") in _CARET
    if draft.verb in _TEXT and last.verb == draft.verb and same:
        last.value = _typed(last.value or "", stroke) if draft.verb == "type" else draft.value
    elif caret and last.verb in _TEXT and same:
        pass
    elif draft.verb == "fill" and last.verb == "type" and same:  # parts of a date, which holds nothing before
        last.verb, last.value = draft.verb, draft.value
    elif draft.verb == "press" and last.verb == "select" and same and len(draft.value or "") == 1:
        pass  # the next letter of an option that the first ones have found already
    elif draft.verb in ("click", "double_click") and last.verb in ("click", "double_click") and same:
        if not any(e.detail >= 2 for e in draft.events if e.type in ("click", "dblclick", "mousedown")):
            return False
        last.verb = "double_click"
    elif draft.verb == "select" and same and last.verb in ("click", "select", "press"):
        last.verb, last.value, last.values = draft.verb, draft.value, draft.values
    elif (
        draft.verb == "scroll" and last.verb == "scroll" and last.tab == draft.tab and _same_doc(last, draft)
    ):
        last.scroll = draft.scroll or last.scroll
        _scroll(last, [*last.events, *draft.events], elements)
    elif draft.verb == "resize" and last.verb == "resize" and last.tab == draft.tab:
        last.size = draft.size or last.size
    else:
        return False
    last.masked = last.masked or draft.masked
    last.absorb(draft.events)
    return True


def _same_doc(one: Draft, other: Draft) -> bool:
    return bool(one.events and other.events and one.events[-1].doc == other.events[0].doc)


def _value(events: list[PageEvent]) -> PageEvent | None:
    """The last that says what a field holds; a `change` comes when it is left, and may tell of what came after."""
    told = [event for event in events if event.value is not None]
    for kind in ("input", "change"):
        if found := next((event for event in reversed(told) if event.type == kind), None):
            return found
    return None


def _typed(before: str, stroke: Stroke) -> str:
    """What has been typed when `stroke` ends, `before` until then; for what does not say what it holds."""
    entered = [e for e in stroke.events if e.type == "input"]
    if not entered:
        composed = stroke.last("compositionend")
        if composed is not None:
            return before + (composed.text or "")
        keys = [e for e in stroke.events if e.type == "keydown"]
        return before + "".join(e.key or "" for e in keys)
    if stroke.kind == "composition":
        last = stroke.last("compositionend", "input")
        return before + ((last.text if last else None) or "")
    for event in entered:
        if event.input_type.startswith("delete"):
            before = before[:-1]
        elif event.input_type in ("insertLineBreak", "insertParagraph"):
            before += "\n"
        else:
            before += event.text or ""
    return before


def _plain(down: PageEvent | None) -> bool:
    return down is not None and len(down.key or "") == 1 and not down.modifiers & 7


def _editable(event: PageEvent, elements: Elements) -> bool:
    target = elements.target(event)
    return target is not None and target.editable


def _holds_value(event: PageEvent, elements: Elements) -> bool:
    """Whether it is a field; of rich text, which may be long, what was typed says more than what it holds."""
    target = elements.target(event)
    return target is None or target.tag in ("input", "textarea", "select") or not target.editable


def _modifier(stroke: Stroke) -> bool:
    return all(e.key in MODIFIERS for e in stroke.events if e.type in ("keydown", "keyup")) and not any(
        e.type not in ("keydown", "keyup") for e in stroke.events
    )


def _alone(held: Sequence[Stroke]) -> list[Stroke]:
    """The modifiers, of which no key came, that were pressed for themselves: not those that were let go elsewhere, and
    not several at once, since those are of keys that the browser or the desktop took."""
    return [
        key
        for key in held
        if key.released
        and not any(
            other is not key and other.t_start <= key.t_end and key.t_start <= other.t_end for other in held
        )
    ]


def _holds(key: Stroke, stroke: Stroke) -> bool:
    """Whether a modifier was held while `stroke` began."""
    if key.tab != stroke.tab or not stroke.events:
        return False
    down = next((e for e in key.events if e.type == "keydown"), None)
    if key.released:
        return key.t_end >= stroke.t_start
    return down is not None and bool(stroke.events[0].modifiers & MODIFIERS.get(down.key or "", 0))
