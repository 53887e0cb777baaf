"""A running Chromium: what it tells of tabs, frames, scripts, requests and questions, kept; and how to ask it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from browser_ext import CLOCK, EXTENSION_ID
from recorder.trace.pages import BrowserStarted, DialogAnswered
from replay.players.browser.cdp import Devtools, Failed, Said, Slow
from replay.players.browser.pages import Frame, Pages, Tab
from replay.players.browser.storage import Storage, cookies, origin_of, scripts
from replay.players.browser.workers import Workers

_ENDLESS = frozenset(
    ("EventSource", "WebSocket", "Ping", "CSPViolationReport", "Preflight", "Prefetch", "Media")
)
"""Requests that nobody waits for."""
_MOST_TEXT = 1 << 20
_TURN_SECONDS = 0.03
_NEXT_MS = 30_000
_FELT_SECONDS = 1.0
_DRAWN_SECONDS = 0.05
_SHOWN_SECONDS = 5.0
_NEXT_FRAME = "!document.hidden && new Promise((drawn) => requestAnimationFrame(() => drawn(true)))"


class Download(Struct):
    """A file that the browser wrote into its folder under the name `ident`. `tab` is the recorded number of the one
    that asked for it; it ended at `ended`, Unix ms of the replay."""

    ident: str
    url: str
    name: str
    tab: int | None = None
    state: str = "inProgress"
    ended: float = 0.0


class Browser:
    """The browser at the other end of `pipes`. Call `open` first, and `turn` or anything that waits afterwards.

    `downloads` is the folder (inside) for what it downloads; `dialogs` what pages asked when it was recorded.
    """

    def __init__(
        self,
        commands: int,
        answers: int,
        pages: Pages,
        started: BrowserStarted,
        dialogs: Sequence[DialogAnswered],
        downloads: str,
        alive: Callable[[], bool],
    ) -> None:
        self.tools = Devtools(commands, answers, self._heard, alive)
        self.pages = pages
        self.workers = Workers(self.tools, started.seed, self.remark)
        self.remarks: list[str] = []
        self.downloads: list[Download] = []
        self.time_ms = 0.0
        """The pages' time, Unix ms."""
        self.began: dict[int, list[float]] = {}
        """Recorded tab -> when its own documents began, Unix ms, in order."""
        self.activity = 0
        """Counts what was begun or ended: where it stays the same, nothing happened."""
        self.streamed = 0
        """Counts pieces of streams: messages of sockets and of event sources."""
        self.said = 0
        """Counts messages that pages sent by sockets."""
        self.answers: Callable[[int], None] = lambda t: None
        """Told when a question was answered in the recording, just before it is now."""
        self._last = time.monotonic()
        self._started = started
        self._dialogs = list(dialogs)
        self._folder = downloads
        self._clock = CLOCK.read_text()
        self.tapes = ""
        """What gives new documents what they had read of the clock."""
        self._fills: dict[str, str] = {}

    def open(self) -> None:
        """Attaches to every page that there is and will be. Raises what `Devtools.ask` does."""
        self.tools.send(
            "Browser.setDownloadBehavior",
            behavior="allowAndName",
            downloadPath=self._folder,
            eventsEnabled=True,
        )
        self.tools.ask("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    def restore(self, storage: Storage) -> None:
        """Puts the recorded cookies and storage in, before any page of theirs is there."""
        for cookie in cookies(storage):
            try:
                self.tools.ask("Storage.setCookies", cookies=[cookie])
            except Failed as error:
                self.remark(f"the cookie {str(cookie['name'])[:100]} was not set: {error}")
        self._fills = scripts(storage)
        for tab in self.pages:
            self._fill(tab)

    def _fill(self, tab: Tab) -> None:
        for origin, source in self._fills.items():
            self.tools.send(
                "Page.addScriptToEvaluateOnNewDocument",
                tab.session,
                then=lambda said, origin=origin: tab.fills.update({origin: str(said.get("identifier"))}),  # type: ignore[misc]
                source=source,
            )

    def _filled(self, url: str) -> None:
        """A document of the origin was there: nothing fills its storage again."""
        origin = origin_of(url)
        if self._fills.pop(origin, None) is None:
            return
        for tab in self.pages:
            if (number := tab.fills.pop(origin, None)) is not None:
                self.tools.send("Page.removeScriptToEvaluateOnNewDocument", tab.session, identifier=number)

    def turn(self, seconds: float) -> None:
        """Takes what comes, waiting for it at most so long."""
        self.tools.turn(seconds)

    def set_time(self, unix_ms: float) -> None:
        """New documents begin with this time."""
        self.time_ms = unix_ms
        for tab in self.pages:
            self._renew_start(tab)

    def evaluate(self, tab: Tab, context: str, expression: str, *, seconds: float = 30.0) -> Any:
        """The value of a script in a context, awaited. Raises Failed where it throws or its document is gone."""
        number = self.begin(tab, context, expression)
        return self.value(number, seconds)

    def begin(self, tab: Tab, context: str, expression: str) -> int:
        """Starts a script; `value` waits for what it gives. Raises Failed where the tab is deaf."""
        if tab.deaf:
            raise Failed("the page is being left, or crashed")
        return self.tools.begin(
            "Runtime.evaluate",
            tab.session,
            expression=expression,
            uniqueContextId=context,
            returnByValue=True,
            awaitPromise=True,
        )

    def value(self, number: int, seconds: float = 30.0) -> Any:
        said = self.tools.answer(number, "Runtime.evaluate", seconds)
        if "exceptionDetails" in said:
            details = said["exceptionDetails"]
            thrown = details.get("exception", {}).get("description") or details.get("text")
            raise Failed(str(thrown)[:500])
        return said.get("result", {}).get("value")

    def ours(self, tab: Tab, frame: Frame, call: str, *arguments: Any, seconds: float = 30.0) -> Any:
        """What a function of the capture script gives in this frame. Raises Failed where there is none."""
        if not frame.ours:
            raise Failed("the capture script is not there")
        words = ", ".join(json.dumps(argument) for argument in arguments)
        return self.evaluate(tab, frame.ours, f"__reenact.{call}({words})", seconds=seconds)

    def offset(self, tab: Tab, frame: Frame) -> tuple[float, float]:
        """Where the frame's upper left corner is in its tab. Raises Failed."""
        if frame.parent is None:
            return 0.0, 0.0
        owner = self.tools.ask("DOM.getFrameOwner", tab.session, frameId=frame.ident)
        box = self.tools.ask("DOM.getBoxModel", tab.session, backendNodeId=owner["backendNodeId"])
        quad = box["model"]["content"]
        return float(quad[0]), float(quad[1])

    def go(self, tab: Tab, method: str, **params: Any) -> None:
        """Has a tab go elsewhere. Not to be waited for: the answer comes with the page's, when the clock gets there."""
        tab.went, tab.sent = [], True
        tab.frame.loading = True
        self.tools.send(method, tab.session, **params)

    @staticmethod
    def _goes(tab: Tab, url: str) -> None:
        """The tab goes to another page: because it was told to, or by itself."""
        if tab.sent:
            tab.sent = False
        else:
            tab.went = [*tab.went[-20:], url]

    def silent(self) -> float:
        """Seconds since it said anything."""
        return time.monotonic() - self._last

    def felt(self, tab: Tab) -> None:
        """Returns when the page has taken what it was given, and its word has come if it is left for another."""
        taken: list[Said] = []
        self.tools.send("Runtime.evaluate", tab.session, then=taken.append, expression="0")
        self.settle(lambda: bool(taken or tab.deaf or tab.frame.loading), _FELT_SECONDS)

    def drawn(self, tab: Tab, frame: Frame) -> bool:
        """Returns when the page has drawn itself once more: the wheel comes to its listeners just before that. False:
        it does not, for nobody would see it, say."""
        if tab.deaf or not frame.ours:
            self.settle(lambda: False, _DRAWN_SECONDS)
            return False
        # A frame out of sight is not drawn, and does not know it.
        seconds = _SHOWN_SECONDS if frame.parent is None else _FELT_SECONDS
        try:
            return bool(self.evaluate(tab, frame.ours, _NEXT_FRAME, seconds=seconds))
        except (Failed, Slow):
            return False

    def settle(self, what: Callable[[], bool], seconds: float) -> bool:
        """Waits until `what` holds; returns whether it did in time."""
        end = time.monotonic() + seconds
        while not what():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.turn(min(left, _TURN_SECONDS))
        return True

    # -- what it tells --------------------------------------------------------------------------

    def _heard(self, method: str, params: Said, session: str) -> None:
        self._last = time.monotonic()
        try:
            self._take(method, params, session)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.remark(f"the browser said something odd: {method}: {error!r}")

    def remark(self, text: str) -> None:
        if len(self.remarks) < 200 and text not in self.remarks:
            self.remarks.append(text[:500])

    def _take(self, method: str, params: Said, session: str) -> None:
        if method == "Target.attachedToTarget":
            self._attached(params, session)
            return
        if method == "Target.detachedFromTarget":
            self.workers.detach(str(params["sessionId"]))
            self.pages.remove(str(params["sessionId"]))
            self.activity += 1
            return
        if method.startswith("Browser.download"):
            self._download(method, params)
            return
        domain, _, what = method.partition(".")
        if domain in ("Network", "Inspector"):
            self.workers.loads(session, method, params)
        tab = self.pages.of_session(session)
        if tab is None:
            if domain == "Network":
                self._worker_request(session, what, params)
            return
        if domain == "Runtime":
            self._context(tab, what, params)
        elif domain == "Network":
            self._request(tab, what, params)
        elif domain == "Page":
            self._page(tab, what, params)
        elif method == "Input.dragIntercepted":
            tab.drag, tab.dragged = params["data"], False
        elif method == "Inspector.targetCrashed":
            tab.crashed = True
            self.remark(f"the page {tab.frame.url} crashed")

    def _attached(self, params: Said, within: str) -> None:
        info, session = params["targetInfo"], str(params["sessionId"])
        send = self.tools.send
        if info["type"] != "page":
            self.workers.attach(info, session, within, self.time_ms, self._user_agent())
            return
        tab = Tab(str(info["targetId"]), session, info.get("openerId"))
        tab.frame.url = str(info.get("url", ""))
        self.pages.add(tab)
        self.activity += 1
        send("Page.enable", session)
        send("Runtime.enable", session)
        send("DOM.enable", session)
        send("Network.enable", session, maxTotalBufferSize=0, maxResourceBufferSize=0)
        self.workers.watch(session)
        send(
            "Page.addScriptToEvaluateOnNewDocument",
            session,
            source=self._clock + self.tapes,
            runImmediately=True,
        )
        self._renew_start(tab, first=True)
        self._fill(tab)
        send("Emulation.setFocusEmulationEnabled", session, enabled=True)
        opener = next((one for one in self.pages if one.target == tab.opener), None)
        self._emulate(session, opener.opens if opener is not None else None)
        send("Page.setInterceptFileChooserDialog", session, enabled=True)
        send("Input.setInterceptDrags", session, enabled=True)
        send("Runtime.runIfWaitingForDebugger", session)

    def _emulate(self, session: str, opened: tuple[int, int] | None) -> None:
        """As the recorded browser had its pages; a window is as large as the page wanted that `opened` it."""
        started = self._started
        width, height = opened or (started.width, started.height)
        if width and height:
            self.tools.send(
                "Emulation.setDeviceMetricsOverride", session, width=width, height=height,
                deviceScaleFactor=started.scale or 1, mobile=False,
            )  # fmt: skip
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if started.dark else "light"},
            {
                "name": "prefers-reduced-motion",
                "value": "reduce" if started.reduced_motion else "no-preference",
            },
        ]
        self.tools.send("Emulation.setEmulatedMedia", session, features=features)
        if (agent := self._user_agent()) is not None:
            self.tools.send("Emulation.setUserAgentOverride", session, **agent)

    def _user_agent(self) -> Said | None:
        started = self._started
        if not started.user_agent:
            return None
        return {"userAgent": started.user_agent, "acceptLanguage": ",".join(started.languages)}

    def _renew_start(self, tab: Tab, *, first: bool = False) -> None:
        """The script that tells new documents their time, in place of the one before: that goes when this one is
        there, so that no document begins without."""
        before, tab.starts = tab.starts, []
        self.tools.send(
            "Page.addScriptToEvaluateOnNewDocument",
            tab.session,
            then=lambda said: tab.starts.append(str(said.get("identifier"))),
            source=f"__reenactClock.start(self === top ? {self._next(tab)!r} : {self.time_ms!r})",
            runImmediately=first,
        )
        for number in before:
            self.tools.send("Page.removeScriptToEvaluateOnNewDocument", tab.session, identifier=number)

    def _next(self, tab: Tab) -> float:
        """When the tab's next document began. A page that is being left takes no new word of the time: its last one
        must do for what follows it."""
        later = (t for t in self.began.get(tab.number or 0, ()) if 0 <= t - self.time_ms <= _NEXT_MS)
        return next(later, self.time_ms)

    def _context(self, tab: Tab, what: str, params: Said) -> None:
        if what == "executionContextCreated":
            context = params["context"]
            aux = context.get("auxData") or {}
            ident = str(aux.get("frameId"))
            frame = tab.frames.get(ident)
            if frame is None:
                frame = tab.frame if ident == tab.target else tab.left.pop(ident, Frame(ident, tab.target))
                tab.frames[frame.ident] = frame
            if aux.get("isDefault"):
                frame.main = str(context["uniqueId"])
                if frame.main in tab.kept:
                    self._resume(tab, frame)
                tab.kept.add(frame.main)
            elif context.get("origin") == f"chrome-extension://{EXTENSION_ID}":
                frame.ours = str(context["uniqueId"])
        elif what == "executionContextDestroyed":
            gone = str(params.get("executionContextUniqueId"))
            for frame in tab.frames.values():
                frame.main = "" if frame.main == gone else frame.main
                frame.ours = "" if frame.ours == gone else frame.ours
        elif what == "executionContextsCleared":
            for frame in tab.frames.values():
                frame.main = frame.ours = ""

    def _resume(self, tab: Tab, frame: Frame) -> None:
        """A page that the browser had kept is there again: its clock stood still meanwhile."""
        expression = f"__reenactClock.resume({self.time_ms!r})"
        self.tools.send("Runtime.evaluate", tab.session, expression=expression, uniqueContextId=frame.main)

    def _request(self, tab: Tab, what: str, params: Said) -> None:
        number = str(params.get("requestId"))
        if what == "requestWillBeSent":
            url = str(params["request"]["url"])
            if params.get("type") == "Document" and params.get("frameId") == tab.target:
                if "redirectResponse" not in params or tab.went:
                    self._goes(tab, url)
                tab.leaving = number
            if params.get("type") not in _ENDLESS and not url.startswith(("data:", "blob:")):
                tab.asked[number] = f"{params['request']['method']} {url}"[:300]
                self.activity += 1
        elif what in ("loadingFinished", "loadingFailed"):
            tab.leaving = "" if tab.leaving == number else tab.leaving
            self.activity += tab.asked.pop(number, None) is not None
        elif what in ("webSocketFrameReceived", "eventSourceMessageReceived", "webSocketClosed"):
            self.streamed += 1
        elif what == "webSocketFrameSent":
            self.said += 1
        elif what == "responseReceived" and params["response"].get("mimeType") == "text/event-stream":
            tab.asked.pop(number, None)

    def _worker_request(self, session: str, what: str, params: Said) -> None:
        """A worker's is its page's, one that several share any's; its script was asked for by a page."""
        page = self.pages.of_session(self.workers.page_of(session) or "")
        ended = what in ("loadingFinished", "loadingFailed")
        for tab in self.pages if ended else [page or next(iter(self.pages), None)]:
            if tab is not None:
                self._request(tab, what, params)

    def _page(self, tab: Tab, what: str, params: Said) -> None:
        ident = str(params.get("frameId"))
        self.activity += 1
        if what == "frameAttached":
            tab.frames.setdefault(ident, Frame(ident, str(params["parentFrameId"])))
        elif what == "frameNavigated":
            told = params["frame"]
            frame = tab.frames.setdefault(str(told["id"]), Frame(str(told["id"]), told.get("parentId")))
            frame.url = str(told["url"]) + str(told.get("urlFragment", ""))
            frame.name = str(told.get("name", ""))
            frame.documents.append(frame.url)
            if frame.parent is None:
                tab.leaving, tab.sent = "", False
            self._filled(frame.url)
            if frame.parent is None:
                tab.leave(shown=params.get("type") == "BackForwardCacheRestore")
            else:
                for child in tab.children(frame):
                    tab.drop(child.ident)
        elif what == "windowOpen":
            tab.opens = _size(params.get("windowFeatures"))
        elif what == "navigatedWithinDocument":
            if (frame_within := tab.frames.get(ident)) is not None:
                frame_within.url = str(params["url"])
                if ident == tab.target:
                    self._goes(tab, frame_within.url)
        elif what == "frameDetached":
            if params.get("reason") != "swap":
                tab.drop(ident)
        elif what in ("frameStartedLoading", "frameStartedNavigating", "frameRequestedNavigation"):
            if params.get("disposition", "currentTab") == "currentTab" and ident in tab.frames:
                tab.frames[ident].loading = True
        elif what == "frameStoppedLoading":
            if ident in tab.frames:
                tab.frames[ident].loading = False
            if ident == tab.target:
                tab.leaving = ""
        elif what == "javascriptDialogOpening":
            self._dialog(tab, params)
        elif what == "fileChooserOpened" and "backendNodeId" in params:
            tab.chooser = (int(params["backendNodeId"]), params.get("mode") == "selectMultiple")

    def _dialog(self, tab: Tab, params: Said) -> None:
        kind, message = str(params["type"]), str(params["message"])
        alike = [d for d in self._dialogs if d.type == kind]
        found = next((d for d in alike if d.message == message), alike[0] if alike else None)
        if found is None:
            self.remark(f"the page asked ({kind}) what it had not asked: {message[:200]}")
            self.tools.send("Page.handleJavaScriptDialog", tab.session, accept=kind == "beforeunload")
            return
        self._dialogs.remove(found)
        self.answers(found.t)
        answer: Said = {"accept": found.accepted}
        if found.answer is not None:
            answer["promptText"] = found.answer[:_MOST_TEXT]
        self.tools.send("Page.handleJavaScriptDialog", tab.session, **answer)

    def _download(self, method: str, params: Said) -> None:
        ident = str(params["guid"])
        self.activity += 1
        if method == "Browser.downloadWillBegin":
            if len(self.downloads) < 1000:
                frame = str(params.get("frameId", ""))
                tab = next((tab.number for tab in self.pages if frame in tab.frames), None)
                name = str(params.get("suggestedFilename", ""))
                self.downloads.append(Download(ident, str(params["url"]), name, tab))
        else:
            for download in self.downloads:
                if download.ident == ident:
                    download.state = str(params["state"])
                    download.ended = self.time_ms


def _size(features: object) -> tuple[int, int] | None:
    """Width and height among the features of a window that a page opens, where it names both."""
    named = (
        dict(str(one).split("=", 1) for one in features if "=" in str(one))
        if isinstance(features, list)
        else {}
    )
    wanted = [named.get(name, "").strip() for name in ("width", "height")]
    if not all(text.isdecimal() and 0 < int(text) <= 10_000 for text in (one[:9] for one in wanted)):
        return None
    return int(wanted[0]), int(wanted[1])


__all__ = ["Browser", "Download", "Failed", "Slow"]
