"""Scripts of events that are written down by hand, and the sandboxed browser that plays them on given pages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from recorder.trace.blobs import BlobStore
from recorder.trace.event import Event
from recorder.trace.events import AnyEvent, Unknown
from recorder.trace.pages import (
    BrowserStarted,
    DocumentStarted,
    FrameSeen,
    Navigated,
    PageEvent,
    PageState,
    TabOpened,
)
from recorder.trace.reader import open_trace
from replay.browser import open_browser
from replay.network import network_of
from replay.players.browser.cdp import Failed
from replay.players.browser.player import BrowserPlayer, Played
from replay.sandbox.scratch import Scratch

ORIGIN = "http://shop.test"
SOURCE = "browser/1"
MS = 10**6
STORAGE = "ab" * 32


class Script:
    """Events of one tab, one after the other."""

    def __init__(self, url: str, storage: str | None = None) -> None:
        self.t = 1_000 * MS
        self.events: list[Event] = []
        self._place: dict[str, Any] = {"tab": 1, "frame": 1, "doc": 1}
        place: dict[str, Any] = {"t": self.t, "source": SOURCE}
        self.events += [
            BrowserStarted(
                **place, mode="opened", product="Chrome/156", user_agent="", width=900, height=700, scale=1,
                locale="en-US", languages=["en-US"], timezone="Europe/Paris", dark=False, reduced_motion=False,
                headless=True, capture="1", seed=7, storage=storage,
            ),
            TabOpened(**place, tab=1, opener=None, popup=False),
            FrameSeen(**place, frame=1, tab=1, parent=None, index=None, name=""),
            Navigated(**place, tab=1, frame=1, url=url, how="typed"),
            DocumentStarted(**place, doc=1, frame=1, tab=1, url=url),
        ]  # fmt: skip

    def event(self, kind: str, after: int = 20, **fields: Any) -> None:
        self.t += after * MS
        made = PageEvent(
            t=self.t, source=SOURCE, seq=len(self.events), type=kind, trusted=True, **self._place, **fields
        )
        self.events.append(made)

    def document(self, doc: int, after: int, url: str) -> None:
        self.t += after * MS
        self._place["doc"] = doc
        self.events.append(DocumentStarted(t=self.t, source=SOURCE, doc=doc, frame=1, tab=1, url=url))

    def state(self, n: int, dom: str, t: int | None = None) -> None:
        self.events.append(
            PageState(
                t=self.t + MS if t is None else t, source=SOURCE, seq=len(self.events), n=n, dom=dom, url="",
                title="", settled=True, **self._place,
            )
        )  # fmt: skip

    def click(self, x: float, y: float, after: int = 500) -> None:
        self.event("pointermove", after, x=x, y=y, pointer="mouse")
        self.event("pointerdown", x=x, y=y, pointer="mouse", button=0, buttons=1)
        self.event("pointerup", x=x, y=y, pointer="mouse", button=0)

    def type(self, text: str) -> None:
        for letter in text:
            code = "Space" if letter == " " else f"Key{letter.upper()}"
            self.event("keydown", 80, key=letter, code=code)
            self.event("keyup", key=letter, code=code)


_MOST_SECONDS = 30.0
"""A page that has not come to it by then never does."""


class Stage:
    """Plays scripts on pages: path -> content."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.origin = ORIGIN
        self.storage: bytes | None = None
        self.slow: dict[str, int] = {}
        """Path -> when it was asked for, seconds after the start, and how many it took."""

    def play(
        self, script: Script, pages: dict[str, str], until: str = "true"
    ) -> tuple[BrowserPlayer, Played]:
        """Waits until the page says so before it is read."""
        trace = self._stack.enter_context(open_trace(self._imported(pages)))
        flows: list[AnyEvent] = [event for event in trace.events if not isinstance(event, Unknown)]
        events: Any = [*flows, *script.events]
        if self.storage is not None:
            held = trace.blob
            trace.blob = lambda digest: self.storage if digest == STORAGE else held(digest)  # type: ignore
        scratch = Scratch()
        self._stack.callback(scratch.close)
        folder = scratch.folder("replay")
        network = network_of(trace, flows, browser=True)
        blobs = BlobStore(folder / "blobs")
        player, _ = open_browser(trace, events, folder, self._stack, network, blobs)
        player.play()
        end = time.monotonic() + _MOST_SECONDS
        while not holds(player, until):
            assert time.monotonic() < end, f"never came to be: {until}"
        self.seen = str(page(player, "document.body.innerText"))
        return player, player.finish()

    def _imported(self, pages: dict[str, str]) -> Path:
        entries = [
            {
                "startedDateTime": f"2026-03-04T05:06:{7 + self.slow.get(path, 0):02}.000Z",
                "time": 1000 * self.slow.get(path, 0) + 5,
                "request": {
                    "method": "GET", "url": self.origin + path, "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                    "queryString": [], "headersSize": -1, "bodySize": 0,
                },
                "response": {
                    "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "cookies": [],
                    "headers": [{"name": "Content-Type", "value": "text/html; charset=utf-8"}],
                    "content": {"size": len(text.encode()), "mimeType": "text/html; charset=utf-8", "text": text},
                    "redirectURL": "", "headersSize": -1, "bodySize": -1,
                },
                "cache": {},
                "timings": {"send": 1, "wait": 1000 * self.slow.get(path, 0) + 2, "receive": 2},
            }
            for path, text in pages.items()
        ]  # fmt: skip
        creator = {"name": "hand", "version": "1"}
        har = self._folder / "pages.har"
        har.write_text(json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}}))
        made = self._folder / "pages.reenact"
        made.unlink(missing_ok=True)
        command = "from recorder.cli import main; main()"
        subprocess.run(
            [sys.executable, "-c", command, "import", "har", str(har), "-o", str(made)],
            check=True,
            capture_output=True,
        )
        return made


def page(player: BrowserPlayer, expression: str) -> Any:
    return player.look(1, expression)


def holds(player: BrowserPlayer, condition: str) -> bool:
    try:
        return bool(page(player, condition))
    except Failed:  # one document was on its way to the next
        return False
