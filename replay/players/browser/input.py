"""Input as a person gives it, put into the browser exactly as it was recorded: nothing added, nothing left out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from recorder.trace.pages import Clip, FileChosen, PageEvent
from replay.players.browser import keyboard
from replay.players.browser.browser import Browser, Failed
from replay.players.browser.pages import Frame, Tab
from replay.players.browser.plan import Do, Kind

_BUTTONS = {0: "left", 1: "middle", 2: "right", 3: "back", 4: "forward"}
_MOST_KEYS = 2000
_SCROLL_SECONDS = 1.0
_POLL_SECONDS = 0.01
_PACE_SECONDS = 0.7
"""Nothing waits longer to be told from what comes next: a menu comes of half a second."""
PutFile = Callable[[FileChosen], str | None]
"""Where (inside) the content of a file stands; None where it was not kept."""


class Inputs:
    """Dispatches to `browser`. `put` places files, `text` gives the content of a clip."""

    def __init__(self, browser: Browser, put: PutFile, text: Callable[[Clip], str | None]) -> None:
        self._browser = browser
        self._put = put
        self._text = text
        self._touched = (0.0, 0)
        """When a finger did something last, by the process's clock and the session's (ns)."""

    def do(self, tab: Tab, frame: Frame, done: Do, x: float, y: float) -> None:
        """Does it at (x, y) of the tab. Raises Failed where the browser refuses."""
        event = done.event
        match done.kind:
            case Kind.MOVE | Kind.PRESS | Kind.RELEASE:
                self._mouse(tab, done, x, y)
            case Kind.WHEEL:
                self._ask(
                    tab, "dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=event.dx, deltaY=event.dy,
                    modifiers=event.modifiers, pointerType="mouse",
                )  # fmt: skip
            case Kind.TOUCH:
                self._touch(tab, event, x, y)
            case Kind.KEY_DOWN | Kind.KEY_UP:
                if done.clips:
                    self._clipboard(tab, frame, done.clips)
                self._key(tab, done)
            case Kind.TEXT:
                words = event.text or ""
                self._ask(tab, "insertText", text=_stand_in(words) if event.masked else words)
            case Kind.COMPOSE:
                words = event.text or ""
                self._ask(
                    tab, "imeSetComposition", text=words, selectionStart=len(words), selectionEnd=len(words)
                )
            case Kind.PASTE:
                self._command(tab, frame, done)
            case Kind.SCROLL:
                self._scroll(tab, frame, done)
            case Kind.RESIZE:
                if frame.parent is None:  # another frame's size is its page's doing
                    self._resize(tab, event)
            case Kind.CHOOSE_FILES:
                self._files(tab, frame, done)
            case Kind.SET:
                self._set(tab, frame, done)
            case Kind.DRAG_OVER | Kind.DROP | Kind.DRAG_END:
                self._drag(tab, done, x, y)

    def _ask(self, tab: Tab, method: str, **params: Any) -> None:
        self._browser.tools.ask(f"Input.{method}", tab.session, **params)

    # -- pointers -------------------------------------------------------------------------------

    def _mouse(self, tab: Tab, done: Do, x: float, y: float) -> None:
        event = done.event
        kind = {Kind.MOVE: "mouseMoved", Kind.PRESS: "mousePressed", Kind.RELEASE: "mouseReleased"}[done.kind]
        if done.kind is Kind.RELEASE and tab.drag is not None:
            return  # the drop was it
        button = "none"
        if done.kind is not Kind.MOVE:
            button = _BUTTONS.get(event.button or 0, "left")
        elif event.buttons:
            button = next(_BUTTONS[n] for n, bit in enumerate((1, 4, 2, 8, 16)) if event.buttons & bit)
        self._ask(
            tab, "dispatchMouseEvent", type=kind, x=x, y=y, modifiers=event.modifiers, button=button,
            buttons=event.buttons, clickCount=done.clicks,
            pointerType="pen" if event.pointer == "pen" else "mouse",
        )  # fmt: skip

    def _touch(self, tab: Tab, event: PageEvent, x: float, y: float) -> None:
        kind = {"pointerdown": "touchStart", "pointermove": "touchMove"}.get(event.type, "touchEnd")
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        # By its own clock the browser makes a tap, a scroll or a menu of what a finger does: it keeps its pace.
        began, t = self._touched
        wait = min((event.t - t) / 1e9, _PACE_SECONDS)
        while (left := began + wait - time.monotonic()) > 0:
            self._browser.turn(left)
        self._touched = time.monotonic(), event.t
        self._ask(tab, "dispatchTouchEvent", type=kind, touchPoints=points, modifiers=event.modifiers)

    def _drag(self, tab: Tab, done: Do, x: float, y: float) -> None:
        """What the page itself lets be dragged was intercepted; else it came from outside, with its drop told."""
        if tab.drag is None and (done.files or done.clips) and done.kind is not Kind.DRAG_END:
            paths = [path for file in done.files if (path := self._put(file)) is not None]
            items = [
                {"mimeType": clip.type, "data": text}
                for clip in done.clips
                if (text := self._text(clip)) is not None
            ]
            tab.drag = {"items": items, "files": paths, "dragOperationsMask": 1}
        if done.kind is Kind.DRAG_END:
            if tab.drag is not None:
                self._drag_event(tab, "dragCancel", x, y, done.event.modifiers)
                tab.drag, tab.dragged = None, False
            return
        if tab.drag is None and not self._browser.settle(lambda: tab.drag is not None, 1.0):
            raise Failed("the page lets nothing be dragged")
        if not tab.dragged:
            self._drag_event(tab, "dragEnter", x, y, done.event.modifiers)
            tab.dragged = True
        elif done.kind is Kind.DRAG_OVER:
            self._drag_event(tab, "dragOver", x, y, done.event.modifiers)
        if done.kind is Kind.DROP:
            self._drag_event(tab, "drop", x, y, done.event.modifiers)
            tab.drag, tab.dragged = None, False

    def _drag_event(self, tab: Tab, kind: str, x: float, y: float, modifiers: int) -> None:
        self._ask(tab, "dispatchDragEvent", type=kind, x=x, y=y, data=tab.drag, modifiers=modifiers)

    # -- keys -----------------------------------------------------------------------------------

    def _key(self, tab: Tab, done: Do) -> None:
        event = done.event
        key, code = event.key or "", event.code or ""
        if event.masked and key == keyboard.MASK:
            key, code = keyboard.STAND_IN, "KeyX"
        text = keyboard.text(key, event.modifiers) if done.kind is Kind.KEY_DOWN else ""
        params: dict[str, Any] = {
            "type": "keyUp" if done.kind is Kind.KEY_UP else "keyDown" if text else "rawKeyDown",
            "key": key,
            "code": code,
            "modifiers": event.modifiers,
            "windowsVirtualKeyCode": keyboard.number(key, code),
            "location": event.location,
            "isKeypad": event.location == 3,
            "autoRepeat": event.repeat,
        }
        if text:
            params |= {"text": text, "unmodifiedText": text}
        self._ask(tab, "dispatchKeyEvent", **params)

    def _command(self, tab: Tab, frame: Frame, done: Do) -> None:
        """Cut, copy or paste that no key did: a menu's."""
        if done.event.type == "paste":
            self._clipboard(tab, frame, done.clips)
        self._ask(tab, "dispatchKeyEvent", type="rawKeyDown", commands=[done.event.type])

    def _clipboard(self, tab: Tab, frame: Frame, clips: Sequence[Clip]) -> None:
        """Puts the recorded content onto the browser's clipboard, where other content is there."""
        content = {clip.type: text for clip in clips if (text := self._text(clip)) is not None}
        if not content:
            return
        self._browser.evaluate(tab, frame.ours or frame.main, _COPY.replace("CONTENT", json.dumps(content)))

    # -- what no event of a person's tells -------------------------------------------------------

    def focus(self, tab: Tab, frame: Frame, done: Do) -> None:
        """Gives the recorded target the focus, which a debugger had given it: no event tells of that."""
        if done.target is not None and self._on_target(tab, frame, done, _FOCUS) is True:
            name = done.target.name or done.target.label or done.target.role or done.target.tag
            self._browser.remark(f"“{name[:100]}” was focused by script: nothing that was done did")

    def _scroll(self, tab: Tab, frame: Frame, done: Do) -> None:
        """Where a wheel, a key or a drag of the bar left it; mostly it is there already."""
        if tab.deaf:  # nobody sees where it stands any more
            return
        assert done.event.scroll is not None
        left, top = done.event.scroll
        there, force = (
            script.replace("LEFT", repr(left)).replace("TOP", repr(top)) for script in (_THERE, _SCROLL)
        )
        end = time.monotonic() + _SCROLL_SECONDS
        # What a wheel or a key moves it comes in a later frame: on top of what was set before.
        while self._on_target(tab, frame, done, there) is False:
            if time.monotonic() >= end:
                self._on_target(tab, frame, done, force)
                return
            self._browser.turn(_POLL_SECONDS)

    def _resize(self, tab: Tab, event: PageEvent) -> None:
        assert event.size is not None
        frame_size = [round(min(max(n, 1), 10_000)) for n in event.size]
        self._browser.tools.ask(
            "Emulation.setDeviceMetricsOverride", tab.session, width=frame_size[0], height=frame_size[1],
            deviceScaleFactor=0, mobile=False,
        )  # fmt: skip

    def _files(self, tab: Tab, frame: Frame, done: Do) -> None:
        paths = [path for file in done.files if (path := self._put(file)) is not None]
        if len(paths) < len(done.files):
            raise Failed("the content of a chosen file was not kept")
        if tab.chooser is None and not self._browser.settle(lambda: tab.chooser is not None, 2.0):
            raise Failed("the page asked for no file")
        assert tab.chooser is not None
        node, _ = tab.chooser
        tab.chooser = None
        self._browser.tools.ask("DOM.setFileInputFiles", tab.session, files=paths, backendNodeId=node)

    def _set(self, tab: Tab, frame: Frame, done: Do) -> None:
        """What was picked from a window of the browser's own, where keys and mouse have not done it already."""
        event = done.event
        wanted = event.selected if event.selected is not None else [event.value or ""]
        found = self._on_target(tab, frame, done, _PICKED.replace("WANTED", json.dumps(wanted)))
        if not isinstance(found, dict) or found.get("done"):
            return
        moves = found.get("moves")
        if isinstance(moves, int) and abs(moves) <= _MOST_KEYS:
            # The list is open, or opens by a key: keys go to it, the page sees none of them.
            for _ in range(abs(moves)):
                self._named_key(tab, "ArrowDown" if moves > 0 else "ArrowUp")
            self._named_key(tab, "Enter")
            found = self._on_target(tab, frame, done, _PICKED.replace("WANTED", json.dumps(wanted)))
            if isinstance(found, dict) and found.get("done"):
                return
        self._on_target(tab, frame, done, _FORCE.replace("WANTED", json.dumps(wanted)))
        self._browser.remark(f"the value {', '.join(wanted)[:100]!r} was set by script: no key could pick it")

    def _named_key(self, tab: Tab, key: str) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self._ask(
                tab, "dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=keyboard.number(key, key),
            )  # fmt: skip

    def _on_target(self, tab: Tab, frame: Frame, done: Do, script: str) -> Any:
        """What a script gives for the recorded target, which it knows as `it`."""
        target = done.target
        path = [*target.shadow, target.css] if target is not None else []
        whole = f"({_FIND})({json.dumps(path)}, (it) => {{ {script} }})"
        return self._browser.evaluate(tab, frame.ours or frame.main, whole)


def _stand_in(text: str) -> str:
    return keyboard.STAND_IN * len(text)


_FIND = """(path, then) => {
  let root = document, it = document.scrollingElement || document.documentElement;
  for (const css of path) {
    it = root.querySelector(css);
    if (!it) return null;
    root = it.shadowRoot || (globalThis.chrome?.dom ? chrome.dom.openOrClosedShadowRoot(it) : null) || it;
  }
  return then(it);
}"""
_FOCUS = """
  if (it === document.scrollingElement || it === document.body) return false;
  it.focus({preventScroll: true});
  return it.matches(":focus");"""
_THERE = """
  if (it === document.body || it === document.documentElement) it = document.scrollingElement || it;
  return Math.abs(it.scrollLeft - LEFT) < 1 && Math.abs(it.scrollTop - TOP) < 1;"""
_SCROLL = """
  if (it === document.body || it === document.documentElement) it = document.scrollingElement || it;
  if (Math.abs(it.scrollLeft - LEFT) >= 1 || Math.abs(it.scrollTop - TOP) >= 1)
    it.scrollTo({left: LEFT, top: TOP, behavior: "instant"});
  return [it.scrollLeft, it.scrollTop];"""
_PICKED = """
  const wanted = WANTED;
  if (!(it instanceof HTMLSelectElement)) return {done: it.value === wanted[0]};
  const options = [...it.options];
  const chosen = options.filter((o) => o.selected).map((o) => o.value);
  if (JSON.stringify(chosen) === JSON.stringify(wanted)) return {done: true};
  if (it.multiple || wanted.length !== 1) return {done: false};
  const able = options.filter((o) => !o.disabled && !o.closest("optgroup[disabled]") && !o.hidden);
  const to = able.findIndex((o) => o.value === wanted[0]);
  const from = able.indexOf(options[it.selectedIndex]);
  return to < 0 ? {done: false} : {done: false, moves: to - from};"""
_FORCE = """
  const wanted = WANTED;
  if (it instanceof HTMLSelectElement) for (const o of it.options) o.selected = wanted.includes(o.value);
  else Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(it, wanted[0]);
  it.dispatchEvent(new Event("input", {bubbles: true, composed: true}));
  it.dispatchEvent(new Event("change", {bubbles: true}));"""
_COPY = """(() => {
  const content = CONTENT;
  const copy = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const type in content) event.clipboardData.setData(type, content[type]);
  };
  addEventListener("copy", copy, {capture: true, once: true});
  document.execCommand("copy");
  removeEventListener("copy", copy, {capture: true});
})()"""
