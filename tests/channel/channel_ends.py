"""A real Chromium with the extension, and a recorder's end of the channel that keeps what comes."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Worker, sync_playwright

from browser_ext import EXTENSION, EXTENSION_ID, grant
from recorder.sources.browser import hosts
from recorder.sources.browser.channel import Channel
from recorder.sources.browser.door import Door
from recorder.trace.event import Event
from recorder.trace.pagelog import Kept, PageLog
from recorder.trace.wire import Ask, Batch, Hello, Log, Note, Refused, Status, Storage, Welcome

CHROMIUM = os.environ.get("REENACT_CHROMIUM") or shutil.which("chromium")


class Recorder:
    """Listens as the browser source does. What was acknowledged is in `events`, also over `down` and `up`."""

    def __init__(
        self, socket: Path, session: str = "s1", sites: list[str] | None = None, *, by_code: bool = False
    ) -> None:
        self.socket = socket
        self.by_code = by_code
        self.shown: list[str] = []
        """What the expert was shown."""
        self.session = session
        self.sites = sites or []
        self.hellos: list[Hello] = []
        self.events: list[Event] = []
        self.batches: list[Batch] = []
        self.logs: list[Log] = []
        self.notes: list[Note] = []
        self.asks: list[Ask] = []
        self.storages: list[Storage] = []
        self.faults: list[str] = []
        self.log = PageLog(
            "browser/1", lambda ms: int(ms * 1e6), lambda data: Kept(None, len(data), "a test")
        )
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._end: asyncio.Event | None = None
        self.channel: Channel | None = None

    def up(self) -> None:
        started = threading.Event()

        async def serve() -> None:
            self._end = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            async with AsyncExitStack() as stack:
                self.channel = await stack.enter_async_context(Channel(self.socket, self))
                if self.by_code:
                    door = Door(self.socket.with_name("door.json"), self.channel, self.shown.append)
                    await stack.enter_async_context(door)
                started.set()
                await self._end.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def down(self) -> None:
        assert self._loop is not None
        assert self._end is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def code(self) -> str:
        """What the popup is to be given."""
        return next(word for word in self.shown[0].split() if word.count("-") == 4)

    @property
    def port(self) -> int:
        return int(self.code.partition("-")[0])

    def tell(self, message: Status | Refused) -> None:
        assert self._loop is not None
        assert self.channel is not None
        self._loop.call_soon_threadsafe(self.channel.tell, message)

    # -- what a Listener is asked ---------------------------------------------------------------

    def hello(self, hello: Hello) -> Welcome | Refused:
        with self._changed:
            self.hellos.append(hello)
            self._changed.notify_all()
        return Welcome(session=self.session, task="a test", sites=self.sites, mask=[])

    async def take(self, message: Batch | Log) -> int:
        with self._changed:
            self.events += self.log.take(message)
            if isinstance(message, Batch):
                self.batches.append(message)
            else:
                self.logs.append(message)
            self._changed.notify_all()
        return self.acknowledged(message.document if isinstance(message, Batch) else message.instance)

    def acknowledged(self, key: str) -> int:
        return self.log.acknowledged(key)

    def storage(self, storage: Storage) -> None:
        with self._changed:
            self.storages.append(storage)
            self._changed.notify_all()

    def note(self, note: Note) -> None:
        with self._changed:
            self.notes.append(note)
            self._changed.notify_all()

    def ask(self, ask: Ask) -> None:
        with self._changed:
            self.asks.append(ask)
            self._changed.notify_all()

    def broken(self, why: str) -> None:
        self.faults.append(why)

    # -- what tests ask -------------------------------------------------------------------------

    def wait(self, there: Callable[[Recorder], Any], seconds: float = 20) -> Any:
        """What `there` says of this recorder, once it says something."""
        until = time.monotonic() + seconds
        with self._changed:
            while not (found := there(self)):
                if not self._changed.wait(until - time.monotonic()):
                    raise AssertionError(f"it never came; the last events: {self.events[-5:]}")
        return found

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def chromium(
    profile: Path,
    socket: Path | None,
    *flags: str,
    extensions: Iterable[Path] = (),
    granted: bool = True,
) -> Iterator[BrowserContext]:
    """A browser with the extension, whose host leads to `socket`; None: there is no host. Without `granted` the expert
    is yet to grant it a site."""
    ours = EXTENSION
    if granted:
        ours = profile.with_name(f"{profile.name}-extension")
        if not ours.exists():
            shutil.copytree(EXTENSION, ours)
            if "content_scripts" not in (ours / "manifest.json").read_text():
                grant(ours, "<all_urls>")
    loaded = ",".join(map(str, [ours, *extensions]))
    if socket is not None:
        hosts.place(profile / "NativeMessagingHosts", profile / "host", socket, EXTENSION_ID)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            ignore_default_args=["--disable-extensions", "--enable-automation"],
            args=[
                "--no-sandbox",
                "--no-first-run",
                f"--load-extension={loaded}",
                f"--disable-extensions-except={loaded}",
                "--host-resolver-rules=MAP *.test 127.0.0.1",
                *flags,
            ],
        )
        try:
            yield context
        finally:
            context.close()


def pair(context: BrowserContext, code: str) -> Page:
    """Gives the popup a code, as an expert does; returns the popup."""
    popup = context.new_page()
    popup.goto(f"chrome-extension://{EXTENSION_ID}/popup.html")
    popup.get_by_text("Connect by a code").click()
    popup.get_by_label("The code that").fill(code)
    popup.get_by_role("button", name="Connect").click()
    return popup


def worker(context: BrowserContext) -> Worker:
    """The extension's service worker."""
    return context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")


def stop_worker(context: BrowserContext) -> None:
    """Kills the extension's worker, as Chromium does when it has been idle; returns when it is gone."""
    session = (
        context.browser.new_browser_cdp_session()
        if context.browser
        else context.new_cdp_session(context.pages[0])
    )
    targets = session.send("Target.getTargets")["targetInfos"]
    for target in targets:
        if target["type"] == "service_worker" and EXTENSION_ID in target["url"]:
            session.send("Target.closeTarget", {"targetId": target["targetId"]})
    session.detach()
