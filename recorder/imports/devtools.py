"""A recording of Chrome DevTools' Recorder, read as events of a browser. Pure.

The format knows what was done and to which selectors, but not when, what the pages showed, or what they asked of the
network: a trace made of one has a second between two steps, no states and no flows, and a gap that says so. Values and
fields may be anything: what is not of the format is left out and counted, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from recorder.imports.exchange import Findings, ImportRejected
from recorder.trace.event import Event
from recorder.trace.events import Gap
from recorder.trace.pages import (
    BrowserStarted,
    DocumentStarted,
    FrameSeen,
    Navigated,
    PageEvent,
    PageTarget,
    TabClosed,
    TabOpened,
)

SOURCE = "browser/1"
MOST_FILE = 64 << 20
MOST_STEPS = 100_000
STEP_NS = 1_000_000_000
"""Between two steps: the format has no times."""
MISSING = "the format has no times, no states of pages and no network: steps stand a second apart"
_MOST_SHORT, _MOST_PATH, _MOST_URL, _MOST_TEXT = 1024, 8192, 1 << 20, 1 << 20
_MOST_FRAMES = 16
_BUTTONS = {"primary": 0, "auxiliary": 1, "secondary": 2, "back": 3, "forward": 4}
_MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
_SIDES = re.compile(r"(Alt|Control|Meta|Shift)(?:Left|Right)")
_ARIA = re.compile(r'aria/(.*?)(?:\[role="([^"]*)"\])?', re.DOTALL)
_CSS_TAG = re.compile(r"(?:^|[\s>+~])([a-zA-Z][\w-]*)[^\s>+~]*$")
_XPATH_TAG = re.compile(r"/([a-zA-Z][\w-]*)(?:\[[^/]*\])?$")
_TAGS = {
    "button": "button",
    "link": "a",
    "textbox": "input",
    "checkbox": "input",
    "radio": "input",
    "searchbox": "input",
}
_FIELDS = ("input", "textarea")


class DevtoolsReader:
    """One recording. Take all `events`; `findings` are right then.

    Raises ImportRejected where `data` is none. `name` is the file's, for messages.
    """

    def __init__(self, data: bytes, name: str) -> None:
        if len(data) > MOST_FILE:
            raise ImportRejected(f"{name}: {len(data)} bytes; the most is {MOST_FILE}")
        try:
            told = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ImportRejected(f"{name} is no DevTools recording: {error}") from error
        steps = told.get("steps") if isinstance(told, dict) else None
        if not isinstance(steps, list) or not isinstance(told.get("title"), str):
            raise ImportRejected(
                f"{name} is no DevTools recording, which has a title and steps; export it from Recorder as JSON"
            )
        if len(steps) > MOST_STEPS:
            raise ImportRejected(f"{name}: {len(steps)} steps; the most is {MOST_STEPS}")
        self.title: str = told["title"][:_MOST_TEXT]
        self.findings = Findings(made_by="Chrome DevTools Recorder or its like")
        self._told = steps
        self._t = 0
        self._tabs: dict[str, int] = {}
        self._frames: dict[tuple[int, tuple[int, ...]], int] = {}
        self._docs: dict[int, int] = {}
        self._urls: dict[int, str] = {}
        self._seqs: dict[int, int] = {}
        self._targets: dict[int, int] = {}
        self._focus: dict[int, _Where] = {}
        self._held = 0
        self._doc_count = self._frame_count = self._tab_count = 0

    def events(self) -> Iterator[Event]:
        """The events in order of time."""
        yield self._started()
        kinds: dict[str, Callable[[dict[str, Any]], Iterator[Event]]] = {
            "navigate": self._navigate, "click": self._click, "doubleClick": self._click, "hover": self._hover,
            "change": self._change, "keyDown": self._key, "keyUp": self._key, "scroll": self._scroll,
            "close": self._close, "setViewport": self._resize,
        }  # fmt: skip
        for index, step in enumerate(self._told):
            self._t = (index + 1) * STEP_NS
            kind = step.get("type") if isinstance(step, dict) else None
            take = kinds.get(kind) if isinstance(kind, str) else None
            if take is None:
                what = kind if isinstance(kind, str) and kind.isalpha() else "a step of no known type"
                self.findings.left_out[what[:40]] += 1
                continue
            try:
                made = list(take(step))
            except _Unfit as why:
                self.findings.left_out[f"{kind}: {why}"] += 1
                continue
            yield from made
            yield from self._went(step)
        self._t += STEP_NS
        for what, count in self.findings.left_out.items():
            yield Gap(
                t=self._t, source=SOURCE, until=self._t, bytes=None, reason=f"left out: {count} × {what}"
            )
        yield Gap(t=self._t, source=SOURCE, until=self._t, bytes=None, reason=MISSING)

    # -- steps --------------------------------------------------------------------------------------

    def _started(self) -> Event:
        first = self._told[0] if self._told and isinstance(self._told[0], dict) else {}
        size = (0, 0)
        if first.get("type") == "setViewport":
            size = (int(_number(first, "width", 0)), int(_number(first, "height", 0)))
        return BrowserStarted(
            t=0, source=SOURCE, mode="opened", product="unknown", user_agent="unknown", width=max(0, size[0]),
            height=max(0, size[1]), scale=1, locale="", languages=[], timezone="", dark=False, reduced_motion=False,
            headless=False, capture="import",
        )  # fmt: skip

    def _navigate(self, step: dict[str, Any]) -> Iterator[Event]:
        url = step.get("url")
        if not isinstance(url, str):
            raise _Unfit("without a URL")
        yield from self._to(step, url, "typed")

    def _to(self, step: dict[str, Any], url: str, how: str) -> Iterator[Event]:
        """A tab's own frame goes to a new document."""
        target = step.get("target")
        tab, made = self._tab(target if isinstance(target, str) else "main")
        yield from made
        for key in [key for key in self._frames if key[0] == tab and key[1]]:
            self._docs.pop(self._frames.pop(key), None)
        frame, seen = self._frame(tab, (), document=False)
        yield from seen
        yield Navigated(t=self._t, source=SOURCE, tab=tab, frame=frame, url=url[:_MOST_URL], how=how)
        self._urls[tab] = url[:_MOST_URL]
        yield self._document(tab, frame)

    def _went(self, step: dict[str, Any]) -> Iterator[Event]:
        """A navigation that a step is told to have caused."""
        asserted = step.get("assertedEvents")
        for event in asserted if isinstance(asserted, list) and step.get("type") != "navigate" else ():
            url = event.get("url") if isinstance(event, dict) and event.get("type") == "navigation" else None
            if isinstance(url, str) and url:
                yield from self._to(step, url, "link")

    def _click(self, step: dict[str, Any]) -> Iterator[Event]:
        where = self._on(step)
        yield from where.events
        x, y = _number(step, "offsetX", 0), _number(step, "offsetY", 0)
        button = _BUTTONS.get(str(step.get("button", "primary")), 0)
        common: dict[str, Any] = {"offset": (x, y), "button": button, "modifiers": self._held}
        pointer = step.get("deviceType")
        common["pointer"] = pointer if pointer in ("mouse", "pen", "touch") else "mouse"
        held = {0: 1, 1: 4, 2: 2}.get(button, 0)
        for count in (1, 2) if step.get("type") == "doubleClick" else (1,):
            for kind in ("pointerdown", "mousedown"):
                yield self._event(where, kind, buttons=held, detail=count, **common)
            for kind in ("pointerup", "mouseup"):
                yield self._event(where, kind, detail=count, **common)
            kind = {0: "click", 2: "contextmenu"}.get(button, "auxclick")
            yield self._event(where, kind, detail=count, **common)
        if step.get("type") == "doubleClick":
            yield self._event(where, "dblclick", detail=2, **common)

    def _hover(self, step: dict[str, Any]) -> Iterator[Event]:
        where = self._on(step)
        yield from where.events
        self.findings.mended["a hover: kept as a movement of the pointer"] += 1
        for kind in ("pointermove", "mousemove"):
            yield self._event(where, kind, pointer="mouse", modifiers=self._held)

    def _change(self, step: dict[str, Any]) -> Iterator[Event]:
        value = step.get("value")
        if not isinstance(value, str):
            raise _Unfit("without a value")
        where = self._on(step, editable=True)
        yield from where.events
        value = value[:_MOST_TEXT]
        on = next(event for event in where.events if isinstance(event, PageTarget))
        if on.tag == "select" or on.role in ("combobox", "listbox"):
            yield self._event(where, "change", selected=[value[:_MOST_SHORT]])
            return
        yield self._event(where, "input", text=value, value=value)
        yield self._event(where, "change", value=value)

    def _key(self, step: dict[str, Any]) -> Iterator[Event]:
        key = step.get("key")
        if not isinstance(key, str) or not key:
            raise _Unfit("without a key")
        key = key[:_MOST_SHORT]
        side = _SIDES.fullmatch(key)
        told = side[1] if side else {"Space": " ", "\r": "Enter", "\n": "Enter"}.get(key, key)
        down = step.get("type") == "keyDown"
        if told in _MODIFIERS and down:
            self._held |= _MODIFIERS[told]
        where = self._on(step, element=False)
        yield from where.events
        where = self._focus.get(where.tab, where)
        kind = "keydown" if down else "keyup"
        yield self._event(where, kind, key=told, code=key if side else "", modifiers=self._held)
        if told in _MODIFIERS and not down:
            self._held &= ~_MODIFIERS[told]

    def _scroll(self, step: dict[str, Any]) -> Iterator[Event]:
        where = self._on(step, element=False)
        yield from where.events
        yield self._event(where, "wheel")
        yield self._event(where, "scroll", scroll=(_number(step, "x", 0), _number(step, "y", 0)))

    def _close(self, step: dict[str, Any]) -> Iterator[Event]:
        target = step.get("target")
        tab, made = self._tab(target if isinstance(target, str) else "main")
        yield from made
        yield TabClosed(t=self._t, source=SOURCE, tab=tab)
        self._tabs = {name: number for name, number in self._tabs.items() if number != tab}

    def _resize(self, step: dict[str, Any]) -> Iterator[Event]:
        if step is self._told[0]:
            return
        where = self._on(step, element=False)
        yield from where.events
        size = (_number(step, "width", 0), _number(step, "height", 0))
        yield self._event(where, "resize", size=size)

    # -- places -------------------------------------------------------------------------------------

    def _on(self, step: dict[str, Any], *, element: bool = True, editable: bool = False) -> _Where:
        """Where a step was done, with the events that state it for the first time. Raises _Unfit before any."""
        told = step.get("frame", [])
        if not isinstance(told, list) or len(told) > _MOST_FRAMES:
            raise _Unfit("with a frame that is none")
        if not all(type(index) is int and 0 <= index < 10_000 for index in told):
            raise _Unfit("with a frame that is none")
        selectors = step.get("selectors")
        found = _fingerprint(selectors) if isinstance(selectors, list) else {}
        if element and not found:
            raise _Unfit("without a selector")
        name = step.get("target")
        tab, events = self._tab(name if isinstance(name, str) else "main")
        frame, seen = self._frame(tab, tuple(told))
        doc = self._docs[frame]
        where = _Where(tab, frame, doc, None, events + seen)
        if found:
            n = self._targets[doc] = self._targets.get(doc, 0) + 1
            place: dict[str, Any] = {"tab": tab, "frame": frame, "doc": doc, "seq": self._seq(doc), "n": n}
            if editable and found["tag"] == "element":
                found["tag"] = "input"  # it was filled
            editable = editable or found["tag"] in _FIELDS
            where.events.append(PageTarget(t=self._t, source=SOURCE, **place, **found, editable=editable))
            self._focus[tab] = where = where._replace(target=n)
        return where

    def _tab(self, name: str) -> tuple[int, list[Event]]:
        if name in self._tabs:
            return self._tabs[name], []
        first = not self._tab_count
        if name != "main":
            self.findings.mended["a target of its own: taken for a tab, though it may be a frame"] += 1
        self._tab_count += 1
        tab = self._tabs[name] = self._tab_count
        self._urls[tab] = "about:blank" if name == "main" else name[:_MOST_URL]
        opened: list[Event] = [
            TabOpened(t=self._t, source=SOURCE, tab=tab, opener=None if first else 1, popup=False)
        ]
        return tab, opened

    def _frame(self, tab: int, path: tuple[int, ...], document: bool = True) -> tuple[int, list[Event]]:
        """The frame at `path` below the tab's own, with a document in it."""
        events: list[Event] = []
        parent = None
        for depth in range(len(path) + 1):
            key = (tab, path[:depth])
            if key not in self._frames:
                self._frame_count += 1
                self._frames[key] = self._frame_count
                index = path[depth - 1] if depth else None
                events.append(
                    FrameSeen(
                        t=self._t,
                        source=SOURCE,
                        frame=self._frames[key],
                        tab=tab,
                        parent=parent,
                        index=index,
                        name="",
                    )
                )
            parent = self._frames[key]
            if document and parent not in self._docs:
                events.append(self._document(tab, parent, "" if depth else self._urls[tab]))
        return self._frames[tab, path], events

    def _document(self, tab: int, frame: int, url: str | None = None) -> Event:
        self._doc_count += 1
        doc = self._docs[frame] = self._doc_count
        self._focus.pop(tab, None)
        told = self._urls[tab] if url is None else url
        return DocumentStarted(t=self._t, source=SOURCE, doc=doc, frame=frame, tab=tab, url=told)

    def _seq(self, doc: int) -> int:
        self._seqs[doc] = self._seqs.get(doc, 1) + 1
        return self._seqs[doc]

    def _event(self, where: _Where, kind: str, **fields: Any) -> Event:
        place: dict[str, Any] = {
            "tab": where.tab,
            "frame": where.frame,
            "doc": where.doc,
            "seq": self._seq(where.doc),
        }
        return PageEvent(
            t=self._t, source=SOURCE, type=kind, trusted=True, target=where.target, **place, **fields
        )


class _Where(NamedTuple):
    """`target` is the element's number, `events` state what is new."""

    tab: int
    frame: int
    doc: int
    target: int | None
    events: list[Event]


class _Unfit(Exception):
    """A step that is not of the format, and why."""


def _fingerprint(selectors: list[Any]) -> dict[str, Any]:
    """What selectors say of an element, as fields of its target; none where nothing can be made of them."""
    found: dict[str, Any] = {}
    for told in selectors:
        parts = [told] if isinstance(told, str) else told
        if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
            continue
        *hosts, last = parts
        if last.startswith("aria/") and (match := _ARIA.fullmatch(last)):
            found.setdefault("name", match[1][:_MOST_SHORT])
            if match[2]:
                found.setdefault("role", match[2][:_MOST_SHORT])
        elif last.startswith("text/"):
            found.setdefault("text", last[5:][:_MOST_SHORT])
        elif last.startswith("xpath/"):
            if len(last) <= _MOST_PATH:
                found.setdefault("xpath", last[6:])
        elif len(last) <= _MOST_PATH and "css" not in found:
            found["css"] = last.removeprefix("pierce/")
            found["shadow"] = [
                host[:_MOST_PATH] for host in hosts[:64] if not host.startswith(("aria/", "text/"))
            ]
    if not found:
        return {}
    tag = _CSS_TAG.search(found.get("css", "")) or _XPATH_TAG.search(found.get("xpath", ""))
    found["tag"] = tag[1].lower()[:_MOST_SHORT] if tag else _TAGS.get(found.get("role", ""), "element")
    return found


def _number(step: dict[str, Any], name: str, default: float) -> float:
    """A finite number of a page's size."""
    told = step.get(name, default)
    if isinstance(told, bool) or not isinstance(told, int | float) or not -1e9 < told < 1e9:
        return default
    return float(told)
