"""The browser source's own process: opens the browser, takes in what its extension states, ends when it is closed.

Notices are lines: `Q` the session ends (so does the last writer's end of the pipe), `O url` shows another tab. Lines
of JSON go to whoever started it: `processes` is the session of processes that Chromium has; `ready` once the browser
is open, `failed` where it is not, `ended` with the reason. The exit status is 0 where all that came was written.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from recorder.sources.browser.channel import Channel
from recorder.sources.browser.chromium import Chromium, Fetched
from recorder.sources.browser.intake import MOST_CONTENT, Intake
from recorder.sources.browser.orders import CHANNEL, DOOR, FOLDER, SOURCE, Orders
from recorder.sources.browser.redaction import RedactedPages, Texts, Untouched
from recorder.sources.own_process import Notices, quiet_signals
from recorder.trace.errors import RecordingFailed, ReenactError
from recorder.trace.event import Event
from recorder.trace.events import (
    BrowserEnded,
    BrowserStarted,
    DocumentStarted,
    Downloaded,
    Noted,
    PageEvent,
    PageState,
    Screenshot,
)
from recorder.trace.wire import Ask, Batch, Hello, Log, Malformed, Note, Refused, Status, Storage, Welcome

if TYPE_CHECKING:
    from recorder.sources.browser.door import Door

_GRANT = "on the site to record, press Reenact's button there and “Record this site”"
_HELLO_SECONDS = 15.0
_SYNC_SECONDS = 0.1
_REST_SECONDS = 2.0
"""How long the extension has at the end to state what it still holds."""
_QUIET_SECONDS = 0.3
_LATE_NS = 5_000_000_000
"""So long before the end whatever was done is surely stated."""
_ALONE_NS = 3_000_000_000
"""An extension's worker that died is back sooner."""
_MOST_FONTS = 500


class Source:
    """The running source: it listens to the extension (see `channel.Listener`)."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        texts: Texts = RedactedPages(Path(orders.vault)) if orders.vault else Untouched()
        self._texts = texts
        self._intake = Intake(orders, texts, self._heard)
        self._chromium = Chromium(orders, self._downloaded) if orders.mode == "opened" else None
        self._notices = Notices(orders.notices)
        self._over = asyncio.Event()
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._hellos = 0
        self._greeted = False
        """Whether the expert was told that his own browser is there."""
        self._alone = 0
        """Since when a browser of the expert's own has not been heard of, ns; 0: it is there."""
        self._missed = False
        """Whether he was told so."""
        self._storage: str | None = None
        self._since = 0
        """When it said hello."""
        self._reason = ""
        self._fault: str | None = None
        self._paused = False
        self._started = orders.mode == "opened"
        """Whether what is known of the browser was told, or will be before anything else."""
        self._came = asyncio.Event()
        self._main: dict[int, int] = {}
        """Documents whose first settled state has not come: their tab."""
        self._frames: set[int] = set()
        self._doing: set[asyncio.Task[None]] = set()
        self._ended_at = self._last_deed = 0
        self._urls: dict[int, str] = {}
        """What each tab shows."""

    async def run(self) -> int:
        """Returns the exit status."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._orders.notices, self._noticed)
        syncing = asyncio.ensure_future(self._sync())
        try:
            async with AsyncExitStack() as stack:
                self._channel = Channel(Path(self._orders.folder) / CHANNEL, self)
                await stack.enter_async_context(self._channel)
                try:
                    if self._orders.by_code:
                        await stack.enter_async_context(self._door())
                    await self._begin()
                except ReenactError as error:
                    self._report({"failed": str(error)})
                    return error.exit_code
                await self._wait()
                await self._end()
        except ReenactError as error:
            self._fault = str(error)
        finally:
            syncing.cancel()
            if self._chromium is not None:
                await self._chromium.close()
        try:
            self._tell(
                BrowserEnded(t=self._intake.clock.now(), source=SOURCE, reason=self._reason or "ended")
            )
            self._intake.close()
        except ReenactError as error:
            self._fault = str(error)
        self._report({"ended": self._reason, "fault": self._fault})
        return 0 if self._fault is None else 5

    def _door(self) -> Door:
        from recorder.sources.browser.door import Door  # here: its library is needed for nothing else

        def say(text: str) -> None:
            self._report({"said": text})

        return Door(Path(self._orders.folder) / FOLDER / DOOR, self._channel, say)

    async def _begin(self) -> None:
        orders = self._orders
        if self._chromium is None:
            self._report({"ready": {}})
            return
        opened = self._intake.clock.now()
        about = await self._chromium.open()
        self._report({"processes": self._chromium.session})
        storage = self._chromium.held
        try:
            hello = await asyncio.wait_for(asyncio.shield(self._hello), _HELLO_SECONDS)
        except TimeoutError:
            raise ReenactError(
                "the browser is open, but its extension does not answer; nothing would be recorded. "
                "Does a policy of this machine forbid extensions?"
            ) from None
        self._tell(
            BrowserStarted(
                t=opened, source=SOURCE, mode=orders.mode, headless=orders.headless,
                capture=hello.capture, seed=orders.seed, fonts=_fonts(),
                storage=self._intake.keep_storage(storage).blob if storage else None, **about,
            )
        )  # fmt: skip
        self._report({"ready": {}})
        if orders.url:
            await self._chromium.go(orders.url)

    async def _wait(self) -> None:
        """Until the session or the browser ends."""
        ends = [self._over]
        if self._chromium is not None:
            ends += [self._chromium.closed, self._chromium.empty]
        waits = [asyncio.ensure_future(end.wait()) for end in ends]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self._ended_at = self._intake.clock.now()
        self._reason = self._reason or "closed"

    async def _end(self) -> None:
        """Closes the browser, if it is ours; what its pages still have to say comes by the channel until then."""
        chromium = self._chromium
        if chromium is None or not chromium.closed.is_set():
            for tab in list(self._urls):
                self._picture(tab, "end")
        for task in list(self._doing):
            await task
        self._paused = True  # pages state no more; what they still hold comes
        self._show()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rest(), _REST_SECONDS)
        if chromium is None and self._greeted and not self._channel.connected:
            self._judge_gone(self._alone or self._ended_at)
        for reason in self._intake.losses(again=self._hellos > 1):
            self._intake.gap(reason)
        self._show(recording=False)
        if chromium is not None:
            gone = not chromium.alive
            await chromium.close()
            if not self._over.is_set():
                self._judge_end(chromium.status if gone else 0)

    def _judge_end(self, status: int | None) -> None:
        """Tells what may be missing of a browser that ended by itself: pages had no time to state what came last."""
        if status != 0:
            self._reason = "crashed"
            how = "in a way that nobody saw" if status is None else f"with status {status}"
            self._intake.gap(f"the browser ended {how}; what its pages stated last may be missing")
        else:
            self._judge_gone(self._ended_at)

    def _judge_gone(self, at: int) -> None:
        """Tells what may be missing of a browser that went while pages were open."""
        if self._intake.open_documents() and at - self._last_deed < _LATE_NS:
            self._intake.gap("the browser was ended while it was used; what was done last may be missing")

    async def _rest(self) -> None:
        """Returns once nothing has come for a while."""
        while self._channel.connected:
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), _QUIET_SECONDS)
            except TimeoutError:
                return

    def _start_paired(self, message: Batch | Log) -> None:
        """What the first document says of the browser that is not ours; before it, nothing is there to be played."""
        first = message.items[0] if isinstance(message, Batch) and message.items else {}
        if "about" not in first:
            return
        about, hello = first["about"], self._hello.result()
        try:
            started = msgspec.convert(
                {
                    **about, "t": self._since, "source": SOURCE, "mode": "paired", "headless": False,
                    "capture": hello.capture, "user_agent": hello.user_agent, "product": _product(hello.user_agent),
                    "fonts": _fonts(), "storage": self._storage,
                },
                BrowserStarted,
            )  # fmt: skip
        except (msgspec.ValidationError, TypeError) as error:
            raise Malformed(f"about: {error}") from error
        self._started = True
        self._tell(started)

    # -- what the extension says (channel.Listener) ------------------------------------------------

    def hello(self, hello: Hello) -> Welcome | Refused:
        if self._fault is not None:
            return Refused(why=f"The recording ended: {self._fault}")
        if not self._hello.done():
            self._hello.set_result(hello)
            self._since = self._intake.clock.now()
        elif hello.browser != self._hello.result().browser:
            return Refused(
                why="the session on this machine records another browser, or this one before it was closed"
            )
        orders = self._orders
        network = orders.mode == "paired"
        self._hellos += 1
        return Welcome(session=orders.session, task=orders.task, sites=orders.sites, network=network)

    async def take(self, message: Batch | Log) -> int:
        if not self._started:
            self._start_paired(message)
        self._came.set()
        if self._fault is not None:
            raise ConnectionAbortedError
        try:
            return self._intake.take(message)
        except RecordingFailed as error:
            self._unwritten(error)
            raise ConnectionAbortedError from error  # not acknowledged: nothing of it was kept

    def acknowledged(self, key: str) -> int:
        return self._intake.acknowledged(key)

    def storage(self, storage: Storage) -> None:
        """Kept for the beginning of a browser that is not ours."""
        if not self._started:
            state = {"cookies": storage.cookies, "origins": storage.origins}
            self._storage = self._intake.keep(msgspec.json.encode(state)).blob

    def note(self, note: Note) -> None:
        self._intake.note(note.t, note.text)

    def ask(self, ask: Ask) -> None:
        if ask.what == "ready":
            if self._chromium is None and not self._greeted:
                self._greeted = True
                hello = self._hello.result()
                how = "and is recorded" if hello.sees else f"but nothing is captured yet: {_GRANT}"
                self._report({"said": f"{_product(hello.user_agent)} is there, {how}"})
        elif ask.what == "stop":
            self._stop("stopped in the browser")
        elif self._paused != (ask.what == "pause"):
            self._paused = ask.what == "pause"
            self._show()

    def broken(self, why: str) -> None:
        self._intake.gap(f"the extension's connection was ended: {why}"[:200])

    # -- what happens ---------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        """What was written; pictures follow from it."""
        if isinstance(event, PageEvent | DocumentStarted):  # a page that has just begun is about to be used
            self._last_deed = max(self._last_deed, event.t)
        if isinstance(event, DocumentStarted):
            self._main[event.doc] = event.tab
        elif isinstance(event, PageState):
            if event.settled and self._main.pop(event.doc, None) is not None:
                self._urls[event.tab] = event.url
                self._picture(event.tab, "settled")
        elif isinstance(event, Noted):
            for tab in list(self._urls):
                self._picture(tab, "note")

    def _picture(self, tab: int, reason: str) -> None:
        self._later(self._take_picture(tab, reason))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _take_picture(self, tab: int, reason: str) -> None:
        if self._chromium is None:
            return
        picture = await self._chromium.picture(tab, self._urls[tab])
        if picture is None or tab in self._intake.secretive:
            return
        kept = self._intake.keep(picture.data)
        if kept.blob is not None:
            self._tell(
                Screenshot(
                    t=self._intake.clock.now(), source=SOURCE, tab=tab, blob=kept.blob, type="image/webp",
                    width=picture.width, height=picture.height, reason=reason,
                )
            )  # fmt: skip

    def _downloaded(self, fetched: Fetched) -> None:
        content: bytes | None = None
        size, skipped = 0, "" if fetched.path else "it did not end"
        if fetched.path is not None:
            size = fetched.path.stat().st_size
            content = fetched.path.read_bytes() if size <= MOST_CONTENT else None
            skipped = "" if content is not None else f"more than {MOST_CONTENT >> 20} MB"
            if self._orders.downloads:
                shutil.copyfile(fetched.path, _free(Path(self._orders.downloads), fetched.name))
        kept = self._intake.keep(content) if content is not None else None
        self._tell(
            Downloaded(
                t=self._intake.clock.now(), source=SOURCE, tab=fetched.page, url=fetched.url[: 1 << 20],
                name=fetched.name[:1024], complete=fetched.path is not None, size=size,
                blob=kept.blob if kept else None, skipped=kept.skipped if kept else skipped,
            )
        )  # fmt: skip

    def _noticed(self) -> None:
        for words in self._notices.read():
            if words[0] == b"Q":
                self._stop("the session ended")
            elif words[0] == b"O" and len(words) > 1 and self._chromium is not None:
                self._later(self._chromium.another_tab(words[1].decode()))
        if self._notices.ended:
            asyncio.get_running_loop().remove_reader(self._orders.notices)
            self._stop("the session ended")

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._over.set()

    def _tell(self, event: Event) -> None:
        """Writes an event of our own; what cannot be written ends the recording."""
        if self._fault is not None:
            return
        try:
            self._intake.tell(event)
        except ReenactError as error:
            self._unwritten(error)

    def _unwritten(self, error: ReenactError) -> None:
        """Nothing more can be recorded. The browser is the expert's: it stays open until he closes it."""
        if self._fault is not None:
            return
        self._fault = str(error)
        self._channel.tell(Refused(why=f"The recording ended: {error}"))
        if self._chromium is None:
            self._stop("it could not be written")
        else:
            self._report(
                {
                    "said": f"{str(error).rstrip('.')}. Nothing is recorded any more. "
                    "The browser stays open: close it to end"
                }
            )

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            try:
                await asyncio.to_thread(self._intake.sync)
            except ReenactError as error:
                self._unwritten(error)
                return
            self._show()
            if self._greeted:
                self._look()

    def _look(self) -> None:
        """Tells the expert where his own browser has gone, and come back."""
        now = self._intake.clock.now()
        if self._channel.connected:
            if self._missed:
                self._report({"said": "the browser is there again, and is recorded"})
            self._alone, self._missed = 0, False
            return
        self._alone = self._alone or now
        if not self._missed and now - self._alone > _ALONE_NS:
            self._missed = True
            self._report(
                {"said": "the browser is gone: if you have closed it, press Ctrl-C here to end the recording"}
            )

    def _show(self, *, recording: bool = True) -> None:
        intake = self._intake
        since = (self._orders.started + self._orders.unix_offset) / 1e6
        self._channel.tell(
            Status(
                recording=recording, paused=self._paused, events=intake.events, steps=0, lost=intake.lost, since=since
            )
        )  # fmt: skip

    def _report(self, message: dict[str, object]) -> None:
        with suppress(OSError):
            os.write(self._orders.status, json.dumps(message).encode() + b"\n")


def main(orders: bytes) -> int:
    """Records until the session or the browser ends; returns the exit status."""
    quiet_signals()
    decoded = msgspec.json.decode(orders, type=Orders)
    Path(decoded.folder, FOLDER).mkdir(mode=0o700, exist_ok=True)
    return asyncio.run(_run(decoded))


async def _run(orders: Orders) -> int:
    try:
        source = Source(orders)
    except (ReenactError, OSError, ValueError) as error:
        with suppress(OSError):
            os.write(orders.status, json.dumps({"failed": str(error)}).encode() + b"\n")
        return 5
    return await source.run()


def _product(user_agent: str) -> str:
    """The browser's name and version, as Chromium's debugging protocol has it."""
    return next((word for word in user_agent.split() if "Chrome/" in word), user_agent)[:1024]


def _fonts() -> list[str]:
    """The families that fontconfig knows: they decide how wide text is."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            ["fc-list", "--format", "%{family[0]}\n"], capture_output=True, timeout=10, check=True
        )
        return sorted({line[:1024] for line in said.stdout.decode("utf-8", "replace").splitlines() if line})[
            :_MOST_FONTS
        ]
    return []


def _free(folder: Path, name: str) -> Path:
    """A path in `folder` for a file of this name that overwrites none."""
    plain = Path(name).name or "download"
    path, n = folder / plain, 1
    while path.exists():
        path, n = folder / f"{Path(plain).stem} ({n}){Path(plain).suffix}", n + 1
    return path
