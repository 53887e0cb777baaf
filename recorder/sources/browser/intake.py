"""From what the extension says to the journal: redacted events, written before they are acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from recorder.network.redactor import Redactor, Untouched
from recorder.sources.browser.network import Network
from recorder.sources.browser.orders import JOURNAL, SOURCE, Orders
from recorder.sources.browser.redaction import Texts
from recorder.trace.blobs import BlobStore, BlobTooLarge
from recorder.trace.codec import decode_event
from recorder.trace.event import Event
from recorder.trace.events import AnyEvent, FlowAnswered, FlowClosed, FlowMessage, FlowRequested, Gap, Noted
from recorder.trace.journal import JournalWriter, read_journal
from recorder.trace.pagelog import Kept, PageLog, numbers_of
from recorder.trace.pages import Downloaded, PageState
from recorder.trace.wire import Batch, Log

MOST_CONTENT = 64 << 20
"""Bytes of a file or a clip that are kept."""


class Clock:
    """The session's clock: CLOCK_BOOTTIME, ns. Never before the session started, never ahead."""

    def __init__(self, unix_offset: int, started: int) -> None:
        self._offset = unix_offset
        self._started = started

    def now(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def at(self, unix_ms: float) -> int:
        """What it said at a Unix time in ms. Raises ValueError for what is no time."""
        if not abs(unix_ms) < 1e16:
            raise ValueError(f"{unix_ms} is no time")
        return min(max(int(unix_ms * 1e6) - self._offset, self._started), self.now())


class Intake:
    """Writes the session's browser journal. `heard` gets every event that was written, as it came."""

    def __init__(self, orders: Orders, texts: Texts, heard: Callable[[Event], None]) -> None:
        """Raises RecordingFailed."""
        folder = Path(orders.folder)
        self.clock = Clock(orders.unix_offset, orders.started)
        self.events = 0
        self.lost = 0
        self.secretive: set[int] = set()
        """Tabs that show a secret: a picture of one would tell it."""
        self._found = False
        self._texts = texts
        self._heard = heard
        self._opened = orders.mode == "opened"
        self._blobs = BlobStore(folder / "blobs")
        self._journal = JournalWriter(folder / JOURNAL)
        network: Redactor = Untouched()
        if orders.vault:
            from recorder.network.redaction import NetworkRedactor  # here: its rules take a while

            network = NetworkRedactor(Path(orders.vault))
        self._network = Network(SOURCE, self.clock.at, self._blobs, network)
        before = read_journal(folder / JOURNAL)
        after = numbers_of(decode_event(frame.payload, JOURNAL) for frame in before)
        self._log = PageLog(SOURCE, self.clock.at, self.keep, self._network.take, after)

    def take(self, message: Batch | Log) -> int:
        """Keeps what the message states; returns the number up to which its speaker need not say it again: all that
        survives the death of this process. Raises Malformed, then nothing of it was taken; RecordingFailed."""
        self._found = False
        stated = self._log.take(message)
        if isinstance(message, Batch) and (tab := self._log.tab_of(message.tab)) is not None:
            if self._found:
                self.secretive.add(tab)
            elif any(isinstance(event, PageState) and event.aria for event in stated):
                self.secretive.discard(tab)
        if self._opened:
            # Whoever opened the browser fetches what is downloaded, and tells of it under its own name.
            stated = [event for event in stated if not isinstance(event, Downloaded)]
        self.tell(*stated)
        return self.acknowledged(message.document if isinstance(message, Batch) else message.instance)

    def acknowledged(self, key: str) -> int:
        """The number up to which a document or an instance need not say anything again."""
        return self._log.acknowledged(key)

    def tell(self, *events: Event) -> None:
        """Writes events. Raises RecordingFailed."""
        for event in events:
            # What was on the network was redacted by its own rules.
            clean = event if event.__class__ in _FLOWS else self._texts.event(event)
            self._journal.append_event(_any(clean))
            self.events += 1
            self.lost += isinstance(clean, Gap)
            self._heard(event)

    def note(self, unix_ms: float, text: str) -> None:
        self.tell(Noted(t=self.clock.at(unix_ms), source="notes", text=text))

    def keep(self, content: bytes) -> Kept:
        """Keeps content, redacted."""
        if len(content) > MOST_CONTENT:
            return Kept(None, len(content), f"more than {MOST_CONTENT >> 20} MB")
        clean = self._texts.content(content)
        self._found = self._found or clean != content
        try:
            return Kept(self._blobs.put(clean), len(content))
        except BlobTooLarge as error:
            return Kept(None, len(content), str(error))

    def losses(self, *, again: bool) -> list[str]:
        """What is known to be missing. `again`: the extension was away meanwhile, so that a page of which nothing came
        was not one where nothing can be recorded."""
        return [*self._log.lost_ends(), *(self._log.never_seen() if again else [])]

    def keep_storage(self, state: bytes) -> Kept:
        """Keeps cookies and storage (Playwright's storage state), redacted. Raises ValueError for what is none."""
        return Kept(self._blobs.put(self._texts.storage(state)), len(state))

    def open_documents(self) -> list[int]:
        return self._log.open_documents()

    def gap(self, reason: str) -> None:
        """Something is missing from here on."""
        now = self.clock.now()
        self.tell(Gap(t=now, source=SOURCE, until=now, bytes=None, reason=reason))

    def sync(self) -> None:
        self._blobs.sync()
        self._journal.sync()

    def close(self) -> None:
        self.tell(*self._network.end(self.clock.now()))
        self._blobs.sync()
        self._journal.close()


_FLOWS = (FlowRequested, FlowAnswered, FlowMessage, FlowClosed)


def _any(event: Event) -> AnyEvent:
    return event  # type: ignore[return-value]  # every kind that pages state is one
