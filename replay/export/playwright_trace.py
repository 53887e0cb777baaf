"""A browser's session as a trace of Playwright's own format, which its trace viewer opens. Pure.

Every gesture is an action there, with its locator, its sentence as its log, where it pointed, and the accessibility
tree and screenshot around it; commands of a terminal stand between them by time. A Playwright trace also has a copy of
each DOM: a recording has its hash alone, so the viewer shows screenshots and accessibility trees instead.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from recorder.trace.gestures import Gesture
from recorder.trace.pages import PageRequest, PageState, PageTarget, Screenshot
from recorder.trace.printable import printable
from recorder.trace.steps import Step
from replay.export import aria
from replay.export.actions import Action
from replay.export.har import Attach, Origin
from replay.export.locators import Locator, selector
from replay.export.losses import Loss, Losses
from replay.export.pages import Pages

VERSION = 8
"""Of the format: the first whose actions have titles; later viewers read it, too."""
TRACE_NAME, NETWORK_NAME, RESOURCES = "trace.trace", "trace.network", "resources/"
_START_MS = 1.0
"""When a session begins on the trace's own clock: a viewer takes 0 for unknown."""
_MODIFIERS = ((2, "Control"), (1, "Alt"), (4, "Meta"), (8, "Shift"))
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
_SCRIPT = "/recording.py"
"""The path that the generated script has in the trace."""
Blob = Callable[[str], Iterable[bytes]]


class PlaywrightTrace:
    """One export. Resources go to `attach` as they are met; then ask for `losses`.

    `script` is the text of the actions' script, and the line of each, to be shown as their source.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        steps: Sequence[Step],
        pages: Pages,
        origin: Origin,
        *,
        title: str,
        script: tuple[str, Sequence[int]],
        read_aria: Callable[[str], str],
        blob: Blob,
        attach: Attach,
    ) -> None:
        self._actions = actions
        self._steps = steps
        self._pages = pages
        self._origin = origin
        self._title = title
        self._script = script
        self._aria = read_aria
        self._blob = blob
        self._attach = attach
        self._attached: set[str] = set()
        self._losses = Losses()

    @property
    def losses(self) -> list[Loss]:
        return self._losses.told()

    def events(self) -> Iterator[bytes]:
        """The lines of the trace."""
        yield _line(self._context())
        for opened in self._pages.tabs.values():
            opener = _page(opened.opener) if opened.opener is not None else None
            params = {"pageId": _page(opened.tab), "openerPageId": opener}
            yield _line(_event("page", opened.t, params))
        for shot in self._pages.screenshots:
            yield _line(self._frame(shot))
        if any(action.shown is not None for action in self._actions):
            self._losses.add("the DOM of a page: its hash alone is recorded; no snapshot to look around in")
        told = [*map(self._action, range(len(self._actions)))]
        told += [self._command(step) for step in self._steps if step.kind == "command"]
        for lines in told:
            yield from map(_line, lines)
        source = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
        self._put(f"{RESOURCES}src@{source}.txt", [self._script[0].encode()])

    def network(
        self, entries: Iterable[tuple[int, dict[str, Any]]], asked: dict[int, PageRequest]
    ) -> Iterator[bytes]:
        """The lines of the network's file, of HAR's `entries`, with bodies attached below RESOURCES. `asked` are the
        browser's requests by flow."""
        for t, entry in entries:
            flow = entry.get("_reenact", {}).get("flow")
            request = asked.get(flow) if isinstance(flow, int) else None
            entry.pop("pageref", None)
            if request is not None and request.tab is not None:
                entry["pageref"] = _page(request.tab)
            if request is not None and request.frame is not None:
                entry["_frameref"] = f"frame@{request.frame}"
            entry["_monotonicTime"] = _ms(t)
            for holder in (entry["request"].get("postData"), entry["response"]["content"]):
                if holder is not None and "_file" in holder:
                    holder["_sha1"] = holder.pop("_file")
            yield _line({"type": "resource-snapshot", "snapshot": entry})

    # -- parts --------------------------------------------------------------------------------------

    def _context(self) -> dict[str, Any]:
        started = self._pages.started
        options: dict[str, Any] = {}
        if started is not None:
            options = {
                "viewport": {"width": started.width, "height": started.height},
                "deviceScaleFactor": started.scale or 1,
                "isMobile": False,
                "userAgent": started.user_agent,
            }
        return {
            "version": VERSION, "type": "context-options", "origin": "library", "browserName": "chromium",
            "platform": "linux", "wallTime": self._origin.started_unix_ns / 1e6, "monotonicTime": _START_MS,
            "title": self._title, "options": options, "sdkLanguage": "python", "testIdAttributeName": "data-testid",
            "contextId": self._origin.trace_id, "playwrightVersion": f"reenact {self._origin.version}",
        }  # fmt: skip

    def _action(self, index: int) -> list[dict[str, Any]]:
        action = self._actions[index]
        gesture = action.gesture
        call = f"call@{index + 1}"
        group, method, params, title = _call(action)
        until = self._actions[index + 1].gesture.t_start if index + 1 < len(self._actions) else None
        before: dict[str, Any] = {
            "type": "before", "callId": call, "startTime": _ms(gesture.t_start), "class": group, "method": method,
            "params": params, "pageId": _page(gesture.tab),
            "stack": [{"file": _SCRIPT, "line": self._script[1][index], "column": 0}],
        }  # fmt: skip
        if title:
            before["title"] = title
        told = [before]
        if (place := _pointed(action)) is not None:
            told.append({"type": "input", "callId": call} | place)
        sentence = f"{action.n}. {printable(action.text)}"
        told.append({"type": "log", "callId": call, "time": _ms(gesture.t_start), "message": sentence})
        told += [_dialog(gesture, dialog.t, dialog.type, dialog.message) for dialog in action.dialogs]
        for download in action.downloads:
            params = {"pageId": _page(gesture.tab), "url": download.url, "suggestedFilename": download.name}
            told.append(_event("download", download.t, params))
        attachments = [
            self._attachment(d.name, d.type, d.blob) for d in action.downloads if d.blob is not None
        ]
        attachments += [self._attachment(f.name, f.type, f.blob) for f in gesture.files if f.blob is not None]
        end = max(gesture.t_end, gesture.t_start + 1_000_000)
        told.append({"type": "after", "callId": call, "endTime": _ms(end), "attachments": attachments})
        told += self._around(
            call, gesture.tab, gesture.t_start, action.shown, until, pointed=place is not None
        )
        return told

    def _around(
        self,
        call: str,
        tab: int,
        since: int,
        after: PageState | None,
        until: int | None,
        *,
        pointed: bool,
    ) -> Iterator[dict[str, Any]]:
        """The accessibility trees and screenshots before and after an action; where it `pointed` at something, that is
        shown in what was before."""
        before = self._pages.shown(tab, since)
        during = [("action", before)] if pointed else []
        for phase, state in (("before", before), *during, ("after", after)):
            if state is not None and state.aria is not None:
                name = f"aria/{state.aria}.json"
                if name not in self._attached:
                    self._put(name, [msgspec.json.encode(aria.as_json(aria.parse(self._aria(state.aria))))])
                yield {
                    "type": "aria-snapshot",
                    "callId": call,
                    "phase": phase,
                    "pageId": _page(tab),
                    "file": name,
                }
        shots = [shot for shot in self._pages.screenshots if shot.tab == tab]
        times = [shot.t for shot in shots]
        first = bisect_right(times, since)
        last = len(times) if until is None else bisect_left(times, until)
        same = before is not None and after is not None and (before.doc, before.dom) == (after.doc, after.dom)
        phases = ("before", "action") if pointed else ("before",)
        chosen = [(phase, shots[first - 1]) for phase in phases] if first else []
        chosen += [("after", shots[last - 1])] if last > first or (last and same) else []
        for phase, shot in chosen:
            file = RESOURCES + self._shot(shot)
            yield {"type": "screenshot", "callId": call, "phase": phase, "pageId": _page(tab), "file": file}

    def _frame(self, shot: Screenshot) -> dict[str, Any]:
        return {
            "type": "screencast-frame", "pageId": _page(shot.tab), "sha1": self._shot(shot), "width": shot.width,
            "height": shot.height, "timestamp": _ms(shot.t),
        }  # fmt: skip

    def _shot(self, shot: Screenshot) -> str:
        name = f"{shot.blob}.{_EXTENSIONS.get(shot.type, 'dat')}"
        self._put(RESOURCES + name, self._blob(shot.blob))
        return name

    def _attachment(self, name: str, kind: str, blob: str) -> dict[str, Any]:
        self._put(f"{RESOURCES}{blob}.dat", self._blob(blob))
        return {
            "name": printable(name),
            "contentType": kind or "application/octet-stream",
            "sha1": f"{blob}.dat",
        }

    def _command(self, step: Step) -> list[dict[str, Any]]:
        """A command of a terminal, as an action that only this trace knows."""
        call = f"step@{step.n}"
        self._losses.add("what a command showed in the terminal", step.n)
        params = {"command": step.text, "cwd": step.cwd_before}
        title = "$ " + printable(step.text).replace("{", "(").replace("}", ")")
        before = {
            "type": "before", "callId": call, "startTime": _ms(step.t_start), "class": "Terminal", "method": "command",
            "title": title[:500], "params": params,
        }  # fmt: skip
        after: dict[str, Any] = {"type": "after", "callId": call, "endTime": _ms(step.t_end)}
        if step.exit is not None:
            after["result"] = {"exit": step.exit}
        return [before, after]

    def _put(self, name: str, content: Iterable[bytes]) -> None:
        if name not in self._attached:
            self._attached.add(name)
            self._attach(name, content)


def _call(action: Action) -> tuple[str, str, dict[str, Any], str]:
    """The class and method of Playwright's protocol that an action is, its parameters, and a title where those say too
    little."""
    gesture, on = action.gesture, _selector(action.target, action.gesture.target)
    at = {"selector": on, "strict": True} if on else {}
    match gesture.verb:
        case "click" | "double_click" | "right_click" | "hover" | "check" | "uncheck":
            return "Frame", _CALLS.get(gesture.verb, gesture.verb), at | _options(gesture), ""
        case "fill":
            return "Frame", "fill", {**at, "value": gesture.value or ""}, ""
        case "type":
            method = ("Frame", "type") if at else ("Page", "keyboardType")
            return *method, {**at, "text": gesture.value or ""}, ""
        case "press" | "copy" | "cut" | "paste":
            key = _KEYS.get(gesture.verb, gesture.value or "")
            method = ("Frame", "press") if at else ("Page", "keyboardPress")
            return *method, {**at, "key": key}, ""
        case "select":
            values = gesture.values or (gesture.value or "",)
            return "Frame", "selectOption", {**at, "options": [{"valueOrLabel": v} for v in values]}, ""
        case "upload":
            return "Frame", "setInputFiles", {**at, "localPaths": [file.name for file in gesture.files]}, ""
        case "drag":
            onto = _selector(action.onto, gesture.onto)
            return "Frame", "dragAndDrop", {"source": on, "target": onto, "strict": True}, ""
        case "scroll":
            x, y = gesture.scroll or (0.0, 0.0)
            return "Frame", "evaluateExpression", {**at, "arg": [x, y]}, f"Scroll to {x:g}, {y:g}"
        case "navigate":
            return "Frame", "goto", {"url": gesture.value or ""}, ""
        case "new_tab":
            return "BrowserContext", "newPage", {}, ""
        case "resize":
            width, height = gesture.size or (0.0, 0.0)
            return "Page", "setViewportSize", {"viewportSize": {"width": width, "height": height}}, ""
        case "dialog" | "download":
            return "Page", gesture.verb, {}, printable(action.text)
        case _:
            return "Page", _CALLS[gesture.verb], {}, ""


_CALLS = {
    "double_click": "dblclick", "right_click": "click", "back": "goBack", "forward": "goForward", "reload": "reload",
    "close_tab": "close", "switch_tab": "bringToFront",
}  # fmt: skip
_KEYS = {"copy": "ControlOrMeta+C", "cut": "ControlOrMeta+X", "paste": "ControlOrMeta+V"}


def _selector(chosen: Locator | None, target: PageTarget | None) -> str:
    if chosen is not None:
        return selector(chosen)
    return " >> ".join([*target.shadow, target.css or target.tag]) if target is not None else ""


def _options(gesture: Gesture) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if gesture.verb == "right_click" or gesture.button == 2:
        options["button"] = "right"
    elif gesture.button == 1:
        options["button"] = "middle"
    if held := [name for bit, name in _MODIFIERS if gesture.modifiers & bit]:
        options["modifiers"] = held
    if gesture.offset is not None:
        options["position"] = {"x": gesture.offset[0], "y": gesture.offset[1]}
    return options


def _pointed(action: Action) -> dict[str, Any] | None:
    """Where an action pointed, in the tab's own frame: of another only its place in that is known."""
    target = action.gesture.target
    if target is None or target.rect is None or action.frames != ():
        return None
    left, top, width, height = target.rect
    told: dict[str, Any] = {"box": {"x": left, "y": top, "width": width, "height": height}}
    if action.gesture.offset is not None:
        told["point"] = {"x": left + action.gesture.offset[0], "y": top + action.gesture.offset[1]}
    return told


def _dialog(gesture: Gesture, t: int, kind: str, message: str) -> dict[str, Any]:
    params = {"pageId": _page(gesture.tab), "type": kind, "message": message, "defaultValue": ""}
    return _event("dialog", t, params)


def _event(method: str, t: int, params: dict[str, Any]) -> dict[str, Any]:
    return {"type": "event", "time": _ms(t), "class": "BrowserContext", "method": method, "params": params}


def _page(tab: int) -> str:
    return f"page@{tab}"


def _ms(t: int) -> float:
    return _START_MS + t / 1e6


def _line(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"
