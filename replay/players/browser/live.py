"""A Chromium of its own before the real sites, for drift mode: tabs, frames, elements as the capture script tells them.

Nothing recorded answers here and no clock is set: the pages are what they are today. The profile is new and goes away.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from browser_ext import EXTENSION_ID, unpack
from recorder.trace.errors import Unsupported
from recorder.trace.pages import BrowserStarted, DialogAnswered, FrameSeen
from replay.players.browser.chromium import find_chromium

try:
    from playwright.sync_api import BrowserContext, CDPSession, Dialog, Page, sync_playwright
    from playwright.sync_api import Error as BrowserError
except ImportError as error:  # an extra
    raise Unsupported("drift mode needs Playwright: pip install 'reenact[browser]'") from error

_TURN_MS = 100
_MOST_DIALOGS = 100
_SIZES = (200, 10_000)


class NotThere(Exception):
    """A tab, a frame or an element that is needed is not there; the message says which."""


@dataclass(eq=False)
class LiveFrame:
    """A frame by Chromium's id, with the context of the capture script in it (empty: none)."""

    ident: str
    parent: str | None
    index: int
    name: str
    url: str


@dataclass(eq=False)
class LiveTab:
    """A tab with its page, and by frame the script contexts of the extension."""

    page: Page
    cdp: CDPSession
    contexts: dict[str, str] = field(default_factory=dict)

    def context_created(self, said: Any) -> None:
        context = said["context"]
        if context.get("origin") == f"chrome-extension://{EXTENSION_ID}":
            self.contexts[str(context["auxData"]["frameId"])] = str(context["uniqueId"])

    def context_gone(self, said: Any) -> None:
        gone = said.get("executionContextUniqueId")
        self.contexts = {frame: unique for frame, unique in self.contexts.items() if unique != gone}

    def contexts_gone(self, _: object = None) -> None:
        self.contexts.clear()

    def frames(self) -> list[LiveFrame]:
        """All frames, outer ones first."""
        found: list[LiveFrame] = []

        def take(tree: Any, parent: str | None, index: int) -> None:
            frame = tree["frame"]
            ident = str(frame["id"])
            found.append(LiveFrame(ident, parent, index, str(frame.get("name", "")), str(frame["url"])))
            for n, child in enumerate(tree.get("childFrames", ())):
                take(child, ident, n)

        take(self.cdp.send("Page.getFrameTree")["frameTree"], None, 0)
        return found

    def evaluate(self, frame: str, expression: str) -> Any:
        """The value of a script in the extension's world of a frame. Raises NotThere while there is none."""
        context = self.contexts.get(frame)
        if context is None:
            raise NotThere("the page's capture script is not there yet")
        try:
            said = self.cdp.send(
                "Runtime.evaluate",
                {
                    "expression": expression,
                    "uniqueContextId": context,
                    "returnByValue": True,
                    "awaitPromise": True,
                },
            )
        except BrowserError as error:
            raise NotThere("the page went away") from error
        if "exceptionDetails" in said:
            thrown = said["exceptionDetails"].get("exception", {}).get("description", "")
            raise NotThere(f"the page's capture script failed: {thrown[:300]}")
        return said["result"].get("value")

    def corner(self, frames: Sequence[LiveFrame], frame: LiveFrame) -> tuple[float, float]:
        """Where the frame's upper left corner is in the tab."""
        if frame.parent is None:
            return 0.0, 0.0
        owner = self.cdp.send("DOM.getFrameOwner", {"frameId": frame.ident})
        box = self.cdp.send("DOM.getBoxModel", {"backendNodeId": owner["backendNodeId"]})
        quad = box["model"]["content"]
        return float(quad[0]), float(quad[1])


class LiveBrowser:
    """Opens with the size and the language of `started`. Use as a context manager. `dialogs` are answered as recorded;
    what nobody was asked when it was recorded is dismissed, and said in `remarks`. Raises Unsupported without Chromium.
    """

    def __init__(
        self, started: BrowserStarted, dialogs: Sequence[DialogAnswered], *, headed: bool = False
    ) -> None:
        self.remarks: list[str] = []
        self.answered: list[DialogAnswered] = []
        self._started = started
        self._dialogs = list(dialogs)
        self._headed = headed
        self._stack = ExitStack()
        self._tabs: dict[int, LiveTab] = {}
        self._waiting: list[LiveTab] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            program = find_chromium()
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="reenact-live-")))
            extension = unpack(folder / "extension")
            driver = stack.enter_context(sync_playwright())
            started = self._started
            width, height = (min(max(n, _SIZES[0]), _SIZES[1]) for n in (started.width, started.height))
            try:
                self.context: BrowserContext = driver.chromium.launch_persistent_context(
                    folder / "profile",
                    executable_path=program,
                    headless=not self._headed,
                    # As root Chromium has no sandbox of its own.
                    chromium_sandbox=os.geteuid() != 0,
                    viewport={"width": width, "height": height},
                    locale=started.locale or None,
                    timezone_id=started.timezone or None,
                    accept_downloads=True,
                    ignore_default_args=["--disable-extensions"],
                    args=[
                        f"--load-extension={extension}",
                        f"--disable-extensions-except={extension}",
                        "--disable-features=DisableLoadExtensionCommandLineSwitch,IsolateOrigins,site-per-process",
                        "--disable-site-isolation-trials",  # all frames of a tab answer in one session
                    ],
                )
            except BrowserError as error:
                raise Unsupported(f"Chromium does not start: {str(error).splitlines()[0]}") from error
            stack.callback(self.context.close)
            self.context.on("page", self._opened)
            for page in self.context.pages:
                self._opened(page)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    # -- tabs -----------------------------------------------------------------------------------

    def _opened(self, page: Page) -> None:
        page.on("dialog", self._asked)
        try:
            cdp = self.context.new_cdp_session(page)
        except BrowserError:  # it was closed at once
            return
        tab = LiveTab(page, cdp)
        cdp.on("Runtime.executionContextCreated", tab.context_created)
        cdp.on("Runtime.executionContextDestroyed", tab.context_gone)
        cdp.on("Runtime.executionContextsCleared", tab.contexts_gone)
        cdp.send("Page.enable")
        cdp.send("DOM.enable")
        cdp.send("Runtime.enable")
        self._waiting.append(tab)

    def tab(self, number: int, seconds: float = 5.0) -> LiveTab:
        """What stands for the recorded tab: the oldest that stands for none yet. Raises NotThere."""
        if number not in self._tabs:
            end = time.monotonic() + seconds
            while not self._waiting:
                if time.monotonic() > end:
                    raise NotThere(f"tab {number} was not opened")
                self.turn()
            self._tabs[number] = self._waiting.pop(0)
        tab = self._tabs[number]
        if tab.page.is_closed():
            raise NotThere(f"tab {number} is closed")
        return tab

    def new_tab(self, number: int) -> None:
        self.context.new_page()
        self.tab(number)

    def turn(self) -> None:
        """Lets the browser tell what happened."""
        page = next((page for page in self.context.pages if not page.is_closed()), None)
        if page is None:
            raise NotThere("every tab is closed")
        page.wait_for_timeout(_TURN_MS)

    def rest(self, tab: LiveTab, seconds: float) -> None:
        """Waits, at most so long, until the tab's own page is loaded and stays as it is for a turn."""
        end = time.monotonic() + seconds
        before = None
        while time.monotonic() < end and not tab.page.is_closed():
            try:
                state = tab.evaluate(tab.frames()[0].ident, "__reenact.state()")
                now = (state.get("url"), state.get("dom")) if state.get("settled") else None
            except (NotThere, BrowserError):
                now = None
            if now is not None and now == before:
                return
            before = now
            self.turn()

    def _asked(self, dialog: Dialog) -> None:
        alike = [one for one in self._dialogs if one.type == dialog.type]
        found = next((one for one in alike if one.message == dialog.message), alike[0] if alike else None)
        try:
            if found is None:
                if len(self.remarks) < _MOST_DIALOGS:
                    self.remarks.append(
                        f"the page asked what it had not asked: {dialog.message[:200]!r}; dismissed"
                    )
                dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss()
                return
            self._dialogs.remove(found)
            self.answered.append(found)
            if found.accepted:
                dialog.accept(found.answer or "")
            else:
                dialog.dismiss()
        except BrowserError:  # its page went away
            return


def frame_of(
    frames: Sequence[LiveFrame], recorded: dict[int, FrameSeen], urls: dict[int, str], number: int | None
) -> LiveFrame:
    """What stands for the recorded frame: by its name or its document's path, or the only one that there is; never by
    its place among several. Pure. Raises NotThere."""
    top = frames[0]
    seen = recorded.get(number or 0)
    if seen is None or seen.parent is None:
        return top
    above = frame_of(frames, recorded, urls, seen.parent)
    inner = [frame for frame in frames if frame.parent == above.ident]
    named = [frame for frame in inner if seen.name and frame.name == seen.name]
    path = _path(urls.get(seen.frame, ""))
    alike = [frame for frame in named or inner if _path(frame.url) == path]
    for found in (named, alike, inner):
        if len(found) == 1:
            return found[0]
    raise NotThere(f"none of {len(inner)} frames is told to be {seen.name or path or 'the recorded one'!r}")


def _path(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return rest.partition("#")[0].partition("/")[2] if rest else scheme


def js(value: Any) -> str:
    """As a script's literal."""
    return json.dumps(value, ensure_ascii=True)
