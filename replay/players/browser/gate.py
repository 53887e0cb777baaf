"""Waits for what was there when the recorded input came: the document, its state, the element. Each has a bound.

While anything is still being loaded it is waited for; once all is at rest what is not there yet hardly comes.
"""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct

from recorder.trace.pages import PageTarget
from replay.players.browser.browser import Browser, Failed
from replay.players.browser.clock import Clock
from replay.players.browser.pages import Frame, Tab
from replay.players.browser.plan import Action, Go, Plan

_STATE_SECONDS = 2.0
_LEAST_SECONDS = 0.02
"""A page that has shown another state again and again is not waited for any more."""
_LEAST_FRAMES = 3
"""So often a page is drawn first, however slow the machine is: what was on its way to it is there then."""
_TARGET_SECONDS = 5.0
_DOCUMENT_SECONDS = 10.0
_POLL_SECONDS = 0.01
_KEYS = ("tag", "type", "role", "name", "label", "placeholder", "text", "id", "test_id")
_MOST_MISSED = 1000


class Missed(Struct, frozen=True, kw_only=True):
    """A wait that ended without what was awaited, or an input that could not be given. `t` is the recorded time of the
    action, `what` names what was awaited, `saw` what was there instead; after a fatal one nothing is done. Of a `shown`
    one what came of it is among the events, to be judged there."""

    t: int
    doc: int | None
    what: str
    saw: str
    fatal: bool
    shown: bool = False


class Gate:
    """Waits in `browser`, whose clock stands at the recorded time of what comes next."""

    def __init__(self, browser: Browser, clock: Clock, plan: Plan) -> None:
        self.missed: list[Missed] = []
        self._browser = browser
        self._clock = clock
        self._urls = {started.doc: started.url for started in plan.documents}
        self._ordinals = _ordinals(plan)
        self._documents: dict[int, str] = {}
        self._lost: set[int] = set()
        """Documents that were waited for and did not come."""
        self._patience = _STATE_SECONDS

    def miss(
        self,
        action: Action,
        what: str,
        saw: str,
        *,
        fatal: bool = False,
        doc: int | None = None,
        shown: bool = False,
    ) -> None:
        """Notes a wait that ended in vain."""
        if len(self.missed) < _MOST_MISSED or fatal:
            missed = Missed(t=action.t, doc=doc, what=what[:500], saw=saw[:500], fatal=fatal, shown=shown)
            self.missed.append(missed)

    def went(self, tab: Tab, action: Go) -> bool:
        """Whether the tab's page is there, or on its way, without having been told to: a reload by a script."""
        wanted = _plain(action.url)
        if not any(_plain(url) == wanted for url in tab.went):
            return False
        tab.went = []
        return True

    def document(self, tab: Tab, number: int, doc: int) -> tuple[Tab, Frame] | None:
        """The frame in which the recorded document is now, waited for; None where it never comes."""
        there = self.present(tab, number, doc)
        if there is None and doc not in self._lost:
            self._browser.settle(lambda: self.present(tab, number, doc) is not None, _DOCUMENT_SECONDS)
            there = self.present(tab, number, doc)
        if there is not None:
            return there
        self._lost.add(doc)
        frame = self._browser.pages.frame(tab, number, self._urls.get(doc, ""))
        return (tab, frame) if frame is not None and frame.ours else None

    def present(self, tab: Tab | None, number: int, doc: int) -> tuple[Tab, Frame] | None:
        """The frame in which the recorded document is now, if it is there already."""
        if tab is None:
            return None
        frame = self._browser.pages.frame(tab, number, self._urls.get(doc, ""))
        if frame is None or not frame.ours or not self._is_current(frame, doc):
            return None
        self._documents[doc] = frame.ours
        return tab, frame

    def knew(self, doc: int) -> bool:
        """Whether the recorded document was there."""
        return doc in self._documents

    def _is_current(self, frame: Frame, doc: int) -> bool:
        """Whether the frame went to as many documents of this address as it had when the recorded one was there."""
        if doc in self._documents:
            return self._documents[doc] == frame.ours
        url, nth = self._ordinals.get(doc, ("", 0))
        if url.startswith("about:"):
            return True
        return sum(_plain(known) == url for known in frame.documents) >= nth

    def state(
        self, tab: Tab, frame: Frame, action: Action, doc: int, dom: str, *, patient: bool, emit: bool
    ) -> bool:
        """Waits until the document is as it was; that is told as a state of the replay, if the last was another, with
        `emit` also what styles alone changed. Where it never is, the replay goes on: the state that is there is told,
        and judged. Returns whether it was. A page that is being left cannot be asked."""
        end = time.monotonic() + (self._patience if patient else 0.0)
        script = _STATE.replace("DOM", repr(dom)).replace("EMIT", "true" if emit else "false")
        looks = 0
        while True:
            if tab.deaf:
                return False
            try:
                found = self._browser.evaluate(tab, frame.ours, script)
            except Failed as error:
                found = f"no state: {error}"
            if found == dom:
                return True
            looks += 1
            if time.monotonic() >= end and not (patient and looks <= _LEAST_FRAMES):
                break
            if looks > _LEAST_FRAMES:
                self._browser.turn(_POLL_SECONDS)
            else:
                self._clock.rest()  # what was asked for meanwhile comes first
                if not self._browser.drawn(tab, frame):
                    looks = _LEAST_FRAMES
            if not frame.ours and self.document(tab, 0, doc) is None:
                break
        if patient:
            self._patience = max(_LEAST_SECONDS, self._patience / 2)
            self.miss(action, f"the state of {frame.url}", f"another one: {found}", doc=doc, shown=True)
        if emit:
            try:
                self._browser.ours(tab, frame, "emit")
            except Failed:
                pass
        return False

    def holds(self, tab: Tab, frame: Frame, dom: str) -> bool:
        """Whether the document is as it was, now."""
        try:
            return bool(self._browser.ours(tab, frame, "dom") == dom)
        except Failed:
            return False

    def reached(self, tab: Tab, frame: Frame, dom: str, complete: bool, *, still: bool) -> bool:
        """Whether the document is as it was, and with `still` nothing in it is moving; that is told as a state of the
        replay, too."""
        script = (
            _REACHED.replace("DOM", repr(dom))
            .replace("COMPLETE", _word(complete))
            .replace("STILL", _word(still))
        )
        try:
            return self._browser.evaluate(tab, frame.ours, script) is True
        except Failed:
            return False

    def aim(
        self, tab: Tab, frame: Frame, action: Action, target: PageTarget, x: float, y: float
    ) -> tuple[float, float] | None:
        """Where the recorded target is: at its recorded position where it is there, else where its paths lead, if that
        is the same. None where it is nowhere; that is fatal. On a page that is being left it is not looked for: what
        was pressed is told by the replay's own events."""
        if tab.deaf:
            return x, y
        end = time.monotonic() + _TARGET_SECONDS
        while True:
            there = self._ask(tab, frame, "probe", x, y)
            if same(there, target):
                return x, y
            if (moved := self._moved(tab, frame, target, x, y)) is not None:
                self._browser.remark(
                    f"{_shown(target)} was not where it had been, but elsewhere: it was pressed there"
                )
                return moved
            if time.monotonic() >= end:
                break
            self._clock.rest()
            self._browser.turn(_POLL_SECONDS)
        saw = _shown_fields(there) if isinstance(there, dict) else "nothing"
        self.miss(action, _shown(target), saw, fatal=True, doc=target.doc)
        return None

    def _moved(
        self, tab: Tab, frame: Frame, target: PageTarget, x: float, y: float
    ) -> tuple[float, float] | None:
        """The point of the target that was pressed, where it is now and can be hit."""
        found = self._ask(tab, frame, "find", _fields(target))
        if not isinstance(found, list) or target.rect is None:
            return None
        for one in found:
            if not (isinstance(one, list) and len(one) == 2 and same(one[1], target)):
                continue
            rect = one[0]
            if not (isinstance(rect, list) and len(rect) == 4):
                continue
            left, top, width, height = (float(n) for n in rect)
            across = min(max(x - target.rect[0], 0.5), max(width - 0.5, 0.5))
            down = min(max(y - target.rect[1], 0.5), max(height - 0.5, 0.5))
            if same(self._ask(tab, frame, "probe", left + across, top + down), target):
                return left + across, top + down
        return None

    def focus(self, tab: Tab, frame: Frame, action: Action, target: PageTarget | None) -> bool:
        """Waits until the recorded target has the focus; returns whether it has, or that cannot be known."""
        if tab.deaf or target is None:
            return True
        end = time.monotonic() + self._patience
        while True:
            there = self._ask(tab, frame, "active")
            if there is None or same(there, target):
                return True
            if time.monotonic() >= end:
                break
            self._clock.rest()
            self._browser.turn(_POLL_SECONDS)
        self.miss(action, f"the focus on {_shown(target)}", _shown_fields(there), doc=target.doc, shown=True)
        return False

    def _ask(self, tab: Tab, frame: Frame, call: str, *arguments: Any) -> Any:
        try:
            return self._browser.ours(tab, frame, call, *arguments)
        except Failed:
            return None


def same(fields: Any, target: PageTarget) -> bool:
    """Whether an element that the capture script tells of is the recorded one: all that people tell it by is equal, or
    the way to it is and what kind of element it is."""
    if not isinstance(fields, dict) or fields.get("tag") != target.tag:
        return False
    told = {key: fields.get(key) or "" for key in _KEYS}
    known = {key: getattr(target, key) for key in _KEYS}
    anchors = [tuple(anchor) for anchor in fields.get("anchors") or []]
    if told == known and anchors == [tuple(anchor) for anchor in target.anchors]:
        return True
    named = all(told[key] == known[key] for key in ("type", "role", "name", "id", "test_id"))
    if target.masked:
        return named
    path = (fields.get("css") or "", list(fields.get("shadow") or []))
    return named and path == (target.css, list(target.shadow))


def _fields(target: PageTarget) -> dict[str, Any]:
    names = ("tag", "css", "xpath", "shadow", "id", "test_id", "role", "name")
    return {name: getattr(target, name) for name in names}


def _shown(target: PageTarget) -> str:
    return _shown_fields({key: getattr(target, key) for key in (*_KEYS, "anchors")})


def _shown_fields(fields: Any) -> str:
    if not isinstance(fields, dict):
        return "nothing"
    kind = fields.get("role") or fields.get("tag") or "element"
    name = fields.get("name") or fields.get("label") or fields.get("text") or fields.get("id") or ""
    said = f"{kind} “{str(name)[:100]}”" if name else str(kind)
    anchors = fields.get("anchors")
    for anchor in anchors[:2] if isinstance(anchors, list) else ():
        if isinstance(anchor, list | tuple) and len(anchor) == 2:
            said += f" in {str(anchor[0])[:20]} “{str(anchor[1])[:100]}”"
    return said


def _ordinals(plan: Plan) -> dict[int, tuple[str, int]]:
    """Document -> (its address, the how manieth with it in its frame)."""
    seen: dict[tuple[int, str], int] = {}
    found: dict[int, tuple[str, int]] = {}
    for started in plan.documents:
        key = (started.frame, _plain(started.url))
        seen[key] = seen.get(key, 0) + 1
        found[started.doc] = (key[1], seen[key])
    return found


def _word(holds: bool) -> str:
    return "true" if holds else "false"


def _plain(url: str) -> str:
    return url.partition("#")[0]


_REACHED = """(async () => {
  const there = () => (document.readyState === "complete") === COMPLETE
    && __reenact.dom() === DOM
    && !(STILL && document.getAnimations().some((one) => one.playState === "paused"));
  if (!there()) return false;
  await __reenact.drawn();
  if (!there()) return false;
  __reenact.emit();
  return true;
})()"""
_STATE = """(async () => {
  const dom = __reenact.dom();
  if (dom !== DOM) return dom;
  if (!EMIT) {
    __reenact.renew();
    return dom;
  }
  await __reenact.drawn();
  if (__reenact.dom() === DOM) __reenact.emit();
  return __reenact.dom();
})()"""
