"""Does one gesture on a live page, to an element that was found there: what it hits is looked at first. Edges only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Error as BrowserError

from recorder.trace.gestures import Gesture
from recorder.trace.pages import FileChosen, PageTarget
from replay.players.browser.live import LiveBrowser, LiveFrame, LiveTab, NotThere, js

_MODIFIERS = (("Alt", 1), ("Control", 2), ("Meta", 4), ("Shift", 8))
_BUTTONS: dict[int, Literal["left", "middle", "right"]] = {0: "left", 1: "middle", 2: "right"}
_DRAG_MOVES = 20
_COVERED_SECONDS = 3.0
_TURN_MS = 100
_WHEEL_PIXELS = 300
_MOST_TURNS = 60
PutFile = Callable[[FileChosen], str | None]


class Refusal(Exception):
    """The gesture was not done, because it could have hit something else; the message says why."""


class Aim:
    """An element in a frame of a tab, as it was found."""

    def __init__(
        self, tab: LiveTab, frames: list[LiveFrame], frame: LiveFrame, found: PageTarget, recorded: PageTarget
    ) -> None:
        self.tab = tab
        self._frames = frames
        self._frame = frame
        self._found = found
        self._recorded = recorded

    def ask(self, script: str) -> Any:
        """What a script gives for the element, which it knows as `it`. Raises NotThere where it is gone."""
        path = [*self._found.shadow, self._found.css]
        said = self.tab.evaluate(self._frame.ident, f"({_FIND})({js(path)}, (it, hits) => {{ {script} }})")
        if said == {"gone": True}:
            raise NotThere("the element went away")
        return said

    def point(self, offset: tuple[float, float] | None) -> tuple[float, float]:
        """Where to put the pointer, in the tab; the same part of the element as recorded. Raises Refusal where
        something else would be hit there."""
        part = [0.5, 0.5]
        if offset is not None and self._recorded.rect and all(self._recorded.rect[2:]):
            across, down = (offset[i] / self._recorded.rect[2 + i] for i in (0, 1))
            if 0 <= across <= 1 and 0 <= down <= 1:
                part = [across, down]
        script = f"""let r;
            // A box that its page draws otherwise is set by its label.
            for (const [el, scroll] of [it, it.labels?.[0]].flatMap((el) => el ? [[el, false], [el, true]] : [])) {{
              if (scroll) el.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
              r = el.getBoundingClientRect();
              for (const [a, d] of [{js(part)}, [0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]]) {{
                const x = r.x + r.width * a, y = r.y + r.height * d;
                if (hits(el, x, y)) return [x, y];
              }}
            }}
            return r.width && r.height ? "something else is in front of it" : "it is not shown";"""
        end = time.monotonic() + _COVERED_SECONDS
        while isinstance(told := self.ask(script), str) and time.monotonic() < end:
            self.tab.page.wait_for_timeout(_TURN_MS)  # a menu that goes away, a page that fades in
        if isinstance(told, str):
            raise Refusal(told)
        x, y = told
        frame, frames = self._frame, {one.ident: one for one in self._frames}
        left, top = self.tab.corner(self._frames, frame)
        x, y = x + left, y + top
        while frame.parent is not None:
            frame = frames[frame.parent]
            left, top = self.tab.corner(self._frames, frame)
            inner = f"/^i?frame$/.test(({_DEEPEST})({x - left}, {y - top})?.localName ?? '')"
            if not self.tab.evaluate(frame.ident, inner):
                raise Refusal("something else is in front of its frame")
        return x, y

    def hover(self) -> None:
        """Puts the pointer onto the nearest thing around the element that is shown."""
        at = self.ask(
            """for (let el = it; el; el = el.parentElement) {
              const r = el.getBoundingClientRect();
              if (r.width && r.height) {
                el.scrollIntoView({block: "nearest", behavior: "instant"});
                const now = el.getBoundingClientRect();
                return [now.x + now.width / 2, now.y + now.height / 2];
              }
            }
            return null;"""
        )
        if at is not None:
            left, top = self.tab.corner(self._frames, self._frame)
            self.tab.page.mouse.move(at[0] + left, at[1] + top)

    def focused(self) -> bool:
        return bool(self.ask("return it.matches(':focus') || it.matches(':focus-within')"))

    def focus(self) -> None:
        if not self.focused():
            self.ask("it.focus(); return true")

    def files(self, paths: list[str]) -> None:
        self.tab.cdp.send("DOM.getDocument", {"depth": 0})
        context = self.tab.contexts.get(self._frame.ident, "")
        path = [*self._found.shadow, self._found.css]
        said = self.tab.cdp.send(
            "Runtime.evaluate",
            {"expression": f"({_FIND})({js(path)}, (it) => it)", "uniqueContextId": context},
        )
        self.tab.cdp.send("DOM.setFileInputFiles", {"files": paths, "objectId": said["result"]["objectId"]})


def do(browser: LiveBrowser, gesture: Gesture, aim: Aim | None, onto: Aim | None, put: PutFile) -> str:
    """Does the gesture; what is to be said of it, mostly nothing. Raises Refusal, NotThere."""
    try:
        return _do(browser, gesture, aim, onto, put)
    except BrowserError as error:
        raise Refusal(f"the browser: {str(error).splitlines()[0][:300]}") from error


def _do(browser: LiveBrowser, gesture: Gesture, aim: Aim | None, onto: Aim | None, put: PutFile) -> str:
    tab = browser.tab(gesture.tab)
    page = tab.page
    match gesture.verb:
        case "click" | "double_click" | "right_click":
            button = "right" if gesture.verb == "right_click" else _BUTTONS.get(gesture.button, "left")
            x, y = _aimed(aim).point(gesture.offset)
            with _held(tab, gesture.modifiers):
                page.mouse.click(x, y, button=button, click_count=2 if gesture.verb == "double_click" else 1)
        case "hover":
            page.mouse.move(*_aimed(aim).point(gesture.offset))
        case "check" | "uncheck":
            wanted = gesture.verb == "check"
            if _aimed(aim).ask(_CHECKED) == wanted:
                return f"it was {gesture.verb}ed already"
            page.mouse.click(*_aimed(aim).point(None))
            if _aimed(aim).ask(_CHECKED) != wanted:
                raise Refusal(f"the click did not {gesture.verb} it")
        case "fill":
            return _fill(tab, gesture, _aimed(aim))
        case "type":
            if aim is not None:
                aim.focus()
            page.keyboard.type(gesture.value or "")
        case "press":
            if aim is not None and gesture.target and gesture.target.tag not in ("body", "html"):
                aim.focus()
            page.keyboard.press(gesture.value or "")
        case "select":
            return _select(gesture, _aimed(aim))
        case "upload":
            paths = [path for file in gesture.files if (path := put(file)) is not None]
            if len(paths) < len(gesture.files):
                raise Refusal("the content of a file that was uploaded is not in the trace")
            if not _aimed(aim).ask("return it instanceof HTMLInputElement && it.type === 'file'"):
                raise Refusal("files that were dropped are not dropped again in drift mode")
            _aimed(aim).files(paths)
        case "drag":
            if onto is None:
                raise Refusal("where it was dragged to is not known")
            begin, end = _aimed(aim).point(gesture.offset), onto.point(gesture.onto_offset)
            page.mouse.move(*begin)
            page.mouse.down()
            page.mouse.move(*end, steps=_DRAG_MOVES)
            browser.turn()  # what is dragged over gets to know of it
            page.mouse.move(end[0] + 1, end[1])
            browser.turn()
            page.mouse.up()
        case "scroll":
            if aim is not None:
                page.mouse.move(*aim.point(None))
            dx, dy = (float(part) for part in (gesture.value or "0,0").split(","))
            turns = min(max(1, round(max(abs(dx), abs(dy)) / _WHEEL_PIXELS)), _MOST_TURNS)
            for _ in range(turns):  # pages that load more as they are scrolled get to know of it
                page.mouse.wheel(dx / turns, dy / turns)
                browser.turn()
        case "back":
            page.go_back()
        case "forward":
            page.go_forward()
        case "reload":
            page.reload()
        case "new_tab":
            browser.new_tab(gesture.tab)
        case "close_tab":
            page.close()
        case "switch_tab":
            page.bring_to_front()
        case "copy" | "cut":
            page.keyboard.press("Control+C" if gesture.verb == "copy" else "Control+X")
        case "paste":
            if gesture.value is None:
                raise Refusal("what was pasted is not text")
            if aim is not None:
                aim.focus()
            page.keyboard.insert_text(gesture.value)
        case "resize":
            width, height = (round(n) for n in gesture.size or (0, 0))
            page.set_viewport_size({"width": max(width, 200), "height": max(height, 200)})
        case _:
            raise Refusal(f"{gesture.verb} is not done in drift mode")
    return ""


def _fill(tab: LiveTab, gesture: Gesture, aim: Aim) -> str:
    value = gesture.value or ""
    if aim.ask("return /^(range|color|date|time|month|week|datetime-local)$/.test(it.type)"):
        aim.ask(f"{_SET} set(it, {js(value)}); return true")
    else:
        x, y = aim.point(None)
        if not aim.focused():
            tab.page.mouse.click(x, y)
        tab.page.keyboard.press("Control+A")
        if value:
            tab.page.keyboard.type(value)
        else:
            tab.page.keyboard.press("Delete")
    now = aim.ask("return 'value' in it ? it.value : null")
    return "" if now is None or now == value else f"the field holds {now[:80]!r} now"


def _select(gesture: Gesture, aim: Aim) -> str:
    labels = (gesture.value or "").split(", ")
    told = aim.ask(
        f"""const values = {js(list(gesture.values))}, labels = {js(labels)};
        if (!(it instanceof HTMLSelectElement)) return "it is no list";
        const all = [...it.options];
        const chosen = values.map((v, n) => all.find((o) => o.value === v && o.label === labels[n])
          ?? all.find((o) => o.label === labels[n]) ?? all.find((o) => o.value === v && !/^\\d*$/.test(v)));
        if (chosen.some((o) => !o || o.disabled)) return "it has no such option";
        for (const o of all) o.selected = chosen.includes(o);
        it.dispatchEvent(new Event("input", {{bubbles: true, composed: true}}));
        it.dispatchEvent(new Event("change", {{bubbles: true}}));
        return chosen.map((o) => [o.value, o.label]);"""
    )
    if isinstance(told, str):
        raise Refusal(told)
    same = [value for value, _ in told] == list(gesture.values)
    return "" if same else f"the values are {[value for value, _ in told]!r} now"


def _aimed(aim: Aim | None) -> Aim:
    if aim is None:
        raise Refusal("what it was done to is not known")
    return aim


@contextmanager
def _held(tab: LiveTab, modifiers: int) -> Iterator[None]:
    keys = [name for name, bit in _MODIFIERS if modifiers & bit]
    for key in keys:
        tab.page.keyboard.down(key)
    try:
        yield
    finally:
        for key in reversed(keys):
            tab.page.keyboard.up(key)


_CHECKED = "return it.checked ?? it.getAttribute('aria-checked') === 'true'"
_ROOT = "(it) => it instanceof HTMLElement ? chrome.dom.openOrClosedShadowRoot(it) : null"
_DEEPEST = f"""(x, y) => {{
  const rootOf = {_ROOT};
  let hit = document.elementFromPoint(x, y);
  for (let root = hit && rootOf(hit); root; root = rootOf(hit)) {{
    const inner = root.elementFromPoint(x, y);
    if (!inner || inner === hit || inner.getRootNode() !== root) break;
    hit = inner;
  }}
  return hit;
}}"""
_FIND = f"""(path, then) => {{
  const rootOf = {_ROOT};
  let root = document, it = null;
  for (const css of path) {{
    it = root?.querySelector(css);
    if (!it) return {{gone: true}};
    root = rootOf(it);
  }}
  const hits = (el, x, y) => {{
    const hit = ({_DEEPEST})(x, y);
    for (let at = hit; at; at = at.parentNode instanceof ShadowRoot ? at.parentNode.host : at.parentNode)
      if (at === el) return true;
    const label = hit?.closest?.("label");
    return Boolean(label && label.control === el);
  }};
  return then(it, hits);
}}"""
_SET = """const set = (el, value) => {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(el), "value").set.call(el, value);
  el.dispatchEvent(new Event("input", {bubbles: true, composed: true}));
  el.dispatchEvent(new Event("change", {bubbles: true}));
};"""
