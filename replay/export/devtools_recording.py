"""A browser's gestures as a recording of Chrome DevTools' Recorder, the JSON that @puppeteer/replay runs. Pure.

The format knows no uploads, drags, dialogs, downloads or clipboard, and asserts navigations alone: what it cannot
say is a `customStep`, which runners pass over, or left out, and counted in the losses either way. Its runners look at
nothing before they act but the element itself: so what an action took away is waited for, and what the last brought.
They try a step's selectors all at once and take the first that is found; so among elements that are alike none is
given that could find another.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from recorder.trace.pages import BrowserStarted, PageState, PageTarget
from replay.export import aria
from replay.export.actions import Action
from replay.export.locators import Locator, by_name, literal, scope
from replay.export.losses import Loss, Losses

_MODIFIERS = ((2, "Control"), (1, "Alt"), (4, "Meta"), (8, "Shift"))
_BUTTONS = {0: "primary", 1: "auxiliary", 2: "secondary", 3: "back", 4: "forward"}
_AWAITED = ("button", "checkbox", "dialog", "heading", "link", "menuitem", "option", "tab", "textbox")
"""Roles that are waited for."""
_POINTED = ("click", "check", "uncheck", "right_click", "double_click", "hover")
_MENUS = ("menuitem", "option")
_NONE = {"count": 0, "operator": "=="}
_MOST_TEXT = 80
_LITERAL = re.compile(r"""['"()\\]""")
"""What DevTools' selectors of text and names cannot carry unharmed through every version of the runner."""


class Recording(NamedTuple):
    """`flow` is the recording as JSON values."""

    flow: dict[str, Any]
    losses: list[Loss]


def recording(
    actions: Sequence[Action], started: BrowserStarted | None, title: str, read_aria: Callable[[str], str]
) -> Recording:
    """The recording that does `actions`. `read_aria` gives the snapshot of a blob."""
    writer = _Writer(read_aria)
    if started is not None and started.width and started.height:
        writer.steps.append(
            {
                "type": "setViewport", "width": started.width, "height": started.height,
                "deviceScaleFactor": started.scale or 1, "isMobile": False, "hasTouch": False, "isLandscape": False,
            }
        )  # fmt: skip
    for index, action in enumerate(actions, 1):
        writer.take(action, last=index == len(actions))
    return Recording({"title": title or "recording", "steps": writer.steps}, writer.losses.told())


class _Writer:
    def __init__(self, read_aria: Callable[[str], str]) -> None:
        self._aria = read_aria
        self._shown: dict[int, list[aria.Node]] = {}
        self._past: dict[int, list[aria.Node]] = {}
        """By tab, what it showed before that."""
        self.steps: list[dict[str, Any]] = []
        self.losses = Losses()
        self._main: int | None = None
        self._url: dict[int, str] = {}

    def take(self, action: Action, *, last: bool) -> None:
        tab = action.gesture.tab
        if action.own:
            self._lose(f"a {action.gesture.verb} that the page did by itself: left out", action)
            return
        if self._main is None:
            self._main = tab
        self._url[tab] = action.url
        made = [*self._due(action), *self._steps(action)]
        if (
            action.went
            and action.gesture.verb != "close_tab"
            and (leading := self._leading(made)) is not None
        ):
            event = {"type": "navigation"}
            if action.shown is not None:
                event |= {"url": action.landed, "title": action.shown.title}
            leading["assertedEvents"] = [event]
        self.steps += made
        if made and action.rested is not None and action.gesture.verb != "close_tab":
            self.steps += self._awaited(action, action.rested, last)
        if action.dialogs:
            self._lose("an answer to a dialog: runners must give it themselves", action, len(action.dialogs))
        if action.downloads:
            self._lose("that a file was downloaded", action, len(action.downloads))
        if action.shown is not None and action.shown.aria is not None:
            self._lose(
                "what a page showed: but for navigations and what the last action brought, not asserted",
                action,
            )

    def _leading(self, made: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Which of an action's steps leads to another page; null where none could be seen to. A key does as it goes
        down, but the space bar as it comes up; one for another tab than the first is pressed in the first."""
        if not made or made[-1]["type"] == "customStep":
            return None
        if made[-1]["type"] != "keyUp":
            return made[-1]
        if made[-1]["target"] != "main":
            return None
        downs = [step for step in made if step["type"] == "keyDown"]
        acting = [step for step in made if step["type"] not in ("keyDown", "keyUp")]
        if acting:
            return acting[-1]  # a click with keys held
        return next(s for s in made if s["type"] == "keyUp") if downs[-1]["key"] == "Space" else downs[-1]

    def _due(self, action: Action) -> list[dict[str, Any]]:
        """Waits for what is clicked, if it was not there before the last action, and for an item of a menu to stand in
        its place, where another stands until a search is over."""
        on, tab = action.gesture.target, action.gesture.tab
        if (
            action.gesture.verb not in _POINTED
            or on is None
            or not _tellable(on.role, on.name)
            or tab not in self._past
        ):
            return []
        if action.target is None or on.shadow or action.frames != ():
            return []
        if on.role in _MENUS and on.css.startswith("#") and _plain(on.text):
            return [
                {
                    "type": "waitForExpression",
                    "target": self._target(tab),
                    "expression": _says(on.css, on.text),
                }
            ]
        there = any((node.role, node.name) == (on.role, on.name) for node in aria.walk(self._past[tab]))
        return [self._came(tab, on.role, on.name)] if by_name(action.target) and not there else []

    def _awaited(self, action: Action, shown: PageState, last: bool) -> list[dict[str, Any]]:
        """Waits for what went: an item of a menu, which may cover what is clicked next; of what a search left out the
        first that a selector can tell. After the `last` action, for an element or words that it brought: nothing else
        waits for those."""
        tab, target = action.gesture.tab, action.gesture.target
        before = self._shown.get(tab, [])
        if shown.aria is None:
            return []
        if tab in self._shown:
            self._past[tab] = before
        after = self._shown[tab] = aria.parse(self._aria(shown.aria))
        told: list[dict[str, Any]] = []
        there = Counter((node.role, node.name) for node in aria.walk(after))
        gone = target is not None and target.doc == shown.doc and (target.role, target.name) not in there
        if target is not None and gone and target.role in _MENUS and _tellable(target.role, target.name):
            if target.css.startswith("#") and not target.shadow:
                told.append(
                    {
                        "type": "waitForExpression",
                        "target": self._target(tab),
                        "expression": _hidden(target.css),
                    }
                )
            else:
                wait = self._wait(tab, target.role, target.name)
                told.append(wait | _NONE)
        if last and before != after:
            on = (target.role, target.name) if target is not None else ("", "")
            found, _ = aria.news(before, aria.unpointed(before, after, on), sum(there.values()))
            names = [(node.role, node.name) for node in found if _tellable(node.role, node.name)]
            words = [("", " ".join(node.text.split())) for node in found]
            came = [name for name in names if there[name] == 1] or [one for one in words if _plain(one[1])]
            told += [self._came(tab, *name) if name[0] else self._wait(tab, *name) for name in came[:1]]
        elif (
            action.gesture.verb == "fill" and not action.went
        ):  # else it may be what the pointer alone had shown
            left = [(node.role, node.name) for node in aria.walk(before)]
            left = [name for name in left if not there[name] and _tellable(*name)]
            told += [self._wait(tab, *name) | _NONE for name in left[:1]]
        return told

    def _wait(self, tab: int, role: str, name: str) -> dict[str, Any]:
        """Without a role, for words."""
        selector = f'aria/{name}[role="{role}"]' if role else f"text/{name}"
        return {"type": "waitForElement", "target": self._target(tab), "selectors": [[selector]]}

    def _came(self, tab: int, role: str, name: str) -> dict[str, Any]:
        """A browser names what style sheets write in capitals by these; its text stays what it was."""
        wait = self._wait(tab, role, name)
        return wait | {"selectors": [*wait["selectors"], [f"text/{name}"]]}

    def _steps(self, action: Action) -> list[dict[str, Any]]:
        gesture = action.gesture
        where = self._where(action)
        match gesture.verb:
            case "click" | "check" | "uncheck" | "right_click" | "double_click":
                return self._clicked(action)
            case "hover":
                return [{"type": "hover", **where, **self._selectors(action)}]
            case "fill" | "type":
                if gesture.masked:
                    self._lose("a withheld text: one • stands for each character", action)
                text = gesture.value or ""
                if (
                    gesture.verb == "type"
                    and action.pieces
                    and all(_typeable(keys) for _, keys in action.pieces)
                ):
                    return [step for verb, keys in action.pieces for step in self._piece(action, verb, keys)]
                if gesture.verb == "type" and _typeable(text):
                    return self._each_key(action, text)
                if gesture.target is None:
                    return [self._custom(action)]
                if gesture.target.closed and _typeable(text) and not gesture.masked:
                    self._lose("an element in a closed shadow root: typed into where the focus is", action)
                    return [*self._keys(action, "Control+a"), *self._each_key(action, text)]
                if gesture.verb == "type":
                    self._lose("where in rich text something was typed: it is put at its end", action)
                step = {"type": "change", **where, **self._selectors(action)}
                held = [step | {"value": action.held}] if action.held else []
                if (
                    held and not text and gesture.tab == self._main
                ):  # what frameworks hear: they miss a value that is set
                    return [*held, *self._keys(action, "Control+a"), *self._keys(action, "Backspace")]
                return [*held, step | {"value": text}]
            case "press":
                if gesture.tab != self._main and action.pressed is not None:
                    return self._pressed(action, action.pressed)
                last = _chord(gesture.value or "")[-1:]
                if last and len(last[0]) == 1 and not _typeable(last[0]):
                    return [self._custom(action)]
                return self._keys(action, gesture.value or "")
            case "copy" | "cut" | "paste":
                keys = {"copy": "Control+c", "cut": "Control+x", "paste": "Control+v"}[gesture.verb]
                if gesture.verb == "paste":
                    self._lose("what a paste brought: the runner's clipboard is pasted", action)
                return self._keys(action, keys)
            case "select":
                values = gesture.values or (gesture.value or "",)
                if len(values) > 1:
                    self._lose("all but the first option of a selection", action)
                return [{"type": "change", **where, **self._selectors(action), "value": values[0]}]
            case "scroll":
                x, y = gesture.scroll or (0.0, 0.0)
                chosen = self._selectors(action) if gesture.target is not None else {}
                there = [] if chosen else [self._there(where, x, y)]
                return [{"type": "scroll", **where, **chosen, "x": x, "y": y}, *there]
            case "navigate" | "reload" | "back" | "forward":
                return self._led(action)
            case "close_tab":
                return [{"type": "close", "target": self._target(gesture.tab)}]
            case "resize":
                width, height = gesture.size or (1280, 720)
                size = {"width": round(width), "height": round(height), "deviceScaleFactor": 1}
                flags = {"isMobile": False, "hasTouch": False, "isLandscape": False}
                return [{"type": "setViewport", "target": self._target(gesture.tab), **size, **flags}]
            case "switch_tab":
                self._lose("that a tab came to the front: each step names its tab", action)
                return []
            case "new_tab" | "upload" | "drag" | "dialog" | "download":
                return [self._custom(action)]

    def _clicked(self, action: Action) -> list[dict[str, Any]]:
        gesture = action.gesture
        x, y = gesture.offset or _middle(gesture.target)
        button = 2 if gesture.verb == "right_click" else gesture.button
        on = gesture.target
        if on is not None and on.closed and on.rect is not None and action.frames == ():
            self._lose("an element in a closed shadow root: found by its place in the window alone", action)
            x, y, chosen = on.rect[0] + x, on.rect[1] + y, {"selectors": [["html"]]}
        else:
            chosen = self._selectors(action)
        step = {
            "type": "doubleClick" if gesture.verb == "double_click" else "click",
            **self._where(action),
            **chosen,
            "offsetX": x,
            "offsetY": y,
            "deviceType": "mouse",
            "button": _BUTTONS.get(button, "primary"),
        }
        held = [name for bit, name in _MODIFIERS if gesture.modifiers & bit]
        target = self._target(gesture.tab)
        down = [{"type": "keyDown", "target": target, "key": name} for name in held]
        up = [{"type": "keyUp", "target": target, "key": name} for name in reversed(held)]
        return [*down, step, *up]

    def _pressed(self, action: Action, button: PageTarget) -> list[dict[str, Any]]:
        """What a key pressed is clicked: runners press keys in the first tab alone."""
        x, y = _middle(button)
        chosen = {"selectors": _selectors(button, action.under) or [["body"]]}
        return [{"type": "click", **self._where(action), **chosen, "offsetX": x, "offsetY": y}]

    def _keys(self, action: Action, chord: str) -> list[dict[str, Any]]:
        """A chord: its keys go down in order and up in reverse."""
        target = self._target(action.gesture.tab)
        keys = _chord(chord)
        if action.gesture.tab != self._main:
            self._lose("keys in another tab than the first: runners press them there", action)
        down = [{"type": "keyDown", "target": target, "key": key} for key in keys]
        up = [{"type": "keyUp", "target": target, "key": key} for key in reversed(keys)]
        return [*down, *up]

    def _piece(self, action: Action, verb: str, keys: str) -> list[dict[str, Any]]:
        return self._keys(action, keys) if verb == "press" else self._each_key(action, keys)

    def _each_key(self, action: Action, text: str) -> list[dict[str, Any]]:
        return [step for character in text.replace("\n", "\r") for step in self._keys(action, character)]

    @staticmethod
    def _there(where: dict[str, Any], x: float, y: float) -> dict[str, Any]:
        """Scrolls on in a page that loads more as it is scrolled, as far as it goes."""
        came = f"scrollX >= {x - 1:g} && scrollY >= {y - 1:g} || performance.now() > until"
        look = f"() => (scrollTo({x:g}, {y:g}), {came}) ? done(true) : setTimeout(look, 100)"
        run = f"new Promise((done) => {{ const until = performance.now() + 3000, look = {look}; look(); }})"
        return {"type": "waitForExpression", **where, "expression": run}

    def _led(self, action: Action) -> list[dict[str, Any]]:
        gesture = action.gesture
        url = gesture.value or action.landed or self._url.get(gesture.tab)
        if gesture.verb in ("back", "forward"):
            self._lose(f"a step {gesture.verb} in the history: it is a navigation to that URL", action)
        if url is None:
            return [self._custom(action)]
        return [{"type": "navigate", "target": self._target(gesture.tab), "url": url}]

    def _custom(self, action: Action) -> dict[str, Any]:
        """A step that other tools keep, show and pass over."""
        gesture = action.gesture
        noun = gesture.verb.replace("_", " ")
        article = "an" if noun[0] in "aeiou" else "a"
        self._lose(f"{article} {noun}: a customStep that runners pass over", action)
        told: dict[str, Any] = {"text": action.text, "value": gesture.value}
        if gesture.files:
            told["files"] = [file.name for file in gesture.files]
        if gesture.onto is not None:
            told["onto"] = _selectors(gesture.onto, action.onto)
        if gesture.target is not None:
            told["selectors"] = _selectors(gesture.target, action.target)
        parameters = {name: value for name, value in told.items() if value is not None}
        return {
            "type": "customStep", **self._where(action), "name": f"reenact.{gesture.verb}", "parameters": parameters,
        }  # fmt: skip

    def _selectors(self, action: Action) -> dict[str, Any]:
        target = action.gesture.target
        chosen = _selectors(target, action.target) if target is not None else []
        if target is not None and target.closed:
            self._lose("an element in a closed shadow root: no selector reaches it", action)
        elif action.target is not None and action.target.doubt:
            self._lose(f"what tells an element apart: {action.target.doubt}", action)
        return {"selectors": chosen or [["body"]]}

    def _where(self, action: Action) -> dict[str, Any]:
        where: dict[str, Any] = {"target": self._target(action.gesture.tab)}
        if action.frames is None:
            self._lose("which of its parent's frames a frame is", action)
        elif action.frames:
            where["frame"] = list(action.frames)
        return where

    def _target(self, tab: int) -> str:
        """The first tab is `main`; another is told by the URL it shows."""
        return "main" if tab == self._main else self._url.get(tab) or "main"

    def _lose(self, what: str, action: Action, count: int = 1) -> None:
        self.losses.add(what, action.n, count)


def _tellable(role: str, name: str) -> bool:
    """Whether a selector finds it by role and name: of other roles tools do not agree on names."""
    return role in _AWAITED and _plain(name)


def _plain(words: str) -> bool:
    """Whether a selector can carry them, and they are the same the next time."""
    return 0 < len(words) <= _MOST_TEXT and not _LITERAL.search(words) and aria.steady(words)


def _selectors(target: PageTarget, chosen: Locator | None) -> list[list[str]]:
    """Ways to find it, best first; each crosses the shadow roots around it."""
    hosts = list(target.shadow)
    name, text = target.name, " ".join(target.text.split())
    anchored = scope(chosen) if chosen is not None else None
    if anchored is not None:
        role, key = anchored.value, anchored.name
        tag = {"row": "tr", "listitem": "li"}.get(role, role)
        node = "*" if anchored.exact else "text()"
        within = f'//*[self::{tag} or @role="{role}"][.//{node}[normalize-space()={literal(key)}]]'
        test = _told(target)
        return [[*hosts, f"xpath/{within}//{target.tag}{f'[{test}]' if test else ''}"]]
    found: list[list[str]] = []
    unique = chosen is not None and by_name(chosen)
    if unique and not _LITERAL.search(name):
        found.append([*hosts, f'aria/{name}[role="{target.role}"]'])
    if target.css:
        found.append([*hosts, target.css])
    if target.xpath and not hosts:
        found.append([f"xpath/{target.xpath}"])
    short = text and len(text) <= _MOST_TEXT and not _LITERAL.search(text)
    if unique and short and text == name and not target.editable:
        found.append([*hosts, f"text/{text}"])
    return found


def _told(target: PageTarget) -> str:
    """An XPath test that is true of this element among its row's."""
    text = " ".join(target.text.split())
    if text and len(text) <= _MOST_TEXT and not target.editable:
        return f"normalize-space()={literal(text)}"
    for name, value in (
        ("aria-label", target.name),
        ("title", target.name),
        ("placeholder", target.placeholder),
    ):
        if value and target.attributes.get(name) == value:
            return f"@{name}={literal(value)}"
    if target.test_id:
        return f"@data-testid={literal(target.test_id)}"
    if target.tag != "input" or not target.type:
        return ""
    return f"@type={literal(target.type)}" + (" or not(@type)" if target.type == "text" else "")


def _hidden(css: str) -> str:
    """An expression that is true once nobody sees the element: gone, hidden, or faded out altogether."""
    seen = "checkVisibility({visibilityProperty: true, opacityProperty: true})"
    return f"!document.querySelector({json.dumps(css)})?.{seen}"


def _says(css: str, text: str) -> str:
    """An expression that is true once the element says this, whatever its spaces."""
    said = json.dumps("".join(text.split()))
    return f'document.querySelector({json.dumps(css)})?.textContent.replace(/\\s+/g, "") === {said}'


def _typeable(text: str) -> bool:
    """Whether each character is a key that runners know."""
    return all(" " <= character <= "~" or character == "\n" for character in text)


def _middle(target: PageTarget | None) -> tuple[float, float]:
    if target is None or target.rect is None:
        return 1.0, 1.0
    return target.rect[2] / 2, target.rect[3] / 2


def _chord(chord: str) -> list[str]:
    """The keys of `Control+Shift+K`; a plus may be a key itself."""
    if chord.endswith("+"):
        return [*(key for key in chord[:-1].rstrip("+").split("+") if key), "+"]
    return chord.split("+") if chord else []
