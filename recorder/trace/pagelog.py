"""What the browser extension says, as events. Pure but for the blobs that it is given to keep.

The messages are those of `wire`. The items of a `Batch` are numbered by `s` from 1 without holes and kept by the
capture script until they are acknowledged, so a message may come twice (it is taken once) but none may be missing (a
hole becomes a gap); so are those of a `Log`, by its instance. An item's fields are those of its event, but for `t`
(Unix ms), for content, which is inline or comes in parts, and for numbers of tabs, frames and documents, which are the
browser's and given ours here.
"""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct, structs

from recorder.trace.event import Event
from recorder.trace.events import Gap
from recorder.trace.pages import (
    Clip,
    ClockRead,
    DialogAnswered,
    DocumentEnded,
    DocumentShown,
    DocumentStarted,
    Downloaded,
    FileChosen,
    FrameSeen,
    Navigated,
    PageEvent,
    PageRequest,
    PageState,
    PageTarget,
    TabActivated,
    TabClosed,
    TabOpened,
)
from recorder.trace.wire import Batch, Log, Malformed

MOST_PART_BYTES = 64 << 20
"""Content of one file or clip that a page was given; more is said to be skipped."""
_MOST_OPEN_PARTS = 64
_MOST_DOCUMENTS = 100_000
_MOST_REQUESTS = 100_000
"""So many are remembered until they end."""
_REST = 1_000_000_000
"""ns: who has not done anything for so long has nothing left to state."""
_NUMBERS = range(1, 2**31)
_WRONG = (msgspec.ValidationError, KeyError, TypeError, ValueError, OverflowError, AttributeError)
"""What content of any shape may raise."""


class Kept(Struct, frozen=True):
    """What was kept of some content: its blob, or why there is none."""

    blob: str | None
    size: int
    skipped: str = ""


_Items = list[tuple[int, int, dict[str, Any]]]
"""Statements, with their numbers and times."""
Flows = Callable[[dict[str, Any], int, int | None], list[Event]]
Keep = Callable[[bytes], Kept]
_DOCUMENT_KINDS: dict[str, type[Event]] = {
    "target": PageTarget,
    "event": PageEvent,
    "state": PageState,
    "dialog": DialogAnswered,
    "clock": ClockRead,
}


class _Document(Struct):
    doc: int
    tab: int
    frame: int
    last: int = 0
    t: int = 0
    deed: int = 0
    """When something happened in it last."""
    ended: bool = False
    again: bool = False
    """It went on after its end: the browser had kept it, and shows it again."""
    parts: dict[str, bytearray | None] = {}
    """Content that is on its way; null: it is too much."""


class Numbers(Struct, frozen=True):
    """The last tab, frame, document and request of the browsers that a session had before this one."""

    tabs: int = 0
    frames: int = 0
    documents: int = 0
    requests: int = 0


class PageLog:
    """The events of one browser, from the messages of its extension in the order in which they came.

    A statement that is malformed costs itself alone, and a gap tells it.

    `at` gives the session's time (ns) of a Unix time in ms; `keep` keeps content. `flows` is given what the browser
    itself tells of its network (with our number of the tab); without one that is passed over. Numbers go on
    from `after`.
    """

    def __init__(
        self,
        source: str,
        at: Callable[[float], int],
        keep: Keep,
        flows: Flows | None = None,
        after: Numbers | None = None,
    ) -> None:
        after = after or Numbers()
        self._flows = flows
        self._source = source
        self._at = at
        self._keep = keep
        self._tabs: dict[int, int] = {}
        self._tabs_seen = after.tabs
        self._closed: set[int] = set()
        self._frames: dict[tuple[int, int], int] = {}
        self._told: set[int] = set()
        self._frames_seen = after.frames
        self._documents: dict[str, _Document] = {}
        self._documents_before = after.documents
        self._instances: dict[str, int] = {}
        self._pages: Counter[tuple[int, str]] = Counter()
        """How often a tab went to a page, less its documents there."""
        self._requests = after.requests
        self._request_numbers: dict[str, int] = {}

    def take(self, message: Batch | Log) -> list[Event]:
        """What the message states that was not stated before. Raises Malformed; then nothing of it was taken."""
        try:
            items = [(_number(item["s"]), self._time(item["t"]), item) for item in message.items]
        except _WRONG as error:
            raise Malformed(f"{type(message).__name__.lower()}: {error!r}"[:500]) from error
        return self._batch(message, items) if isinstance(message, Batch) else self._log(message, items)

    def _time(self, unix_ms: Any) -> int:
        t = self._at(float(unix_ms))
        if not 0 <= t < 2**62:
            raise ValueError(f"{unix_ms} is no time of the session")
        return t

    def acknowledged(self, key: str) -> int:
        """The number up to which a document or an instance need not say anything again."""
        if key in self._documents:
            return self._documents[key].last
        return self._instances.get(key, 0)

    def open_documents(self) -> list[int]:
        """Documents that have not ended, but for frames that went with their page."""
        went = self._went()
        return [doc.doc for doc in self._documents.values() if not doc.ended and doc.doc not in went]

    def _went(self) -> set[int]:
        """Frames' documents that had been at rest when their page ended: the last word of a frame of another origin is
        not heard where its window is closed."""
        main = {number for (_, frame), number in self._frames.items() if frame == 0}
        pages = {document.tab: document for document in self._documents.values() if document.frame in main}
        return {
            document.doc
            for document in self._documents.values()
            if document.frame not in main
            and (page := pages.get(document.tab)) is not None
            and page.ended
            and document.deed < page.t - _REST
        }

    def lost_ends(self) -> list[str]:
        """What documents never stated though they are gone: others took their place, or their tab was closed, which
        was not the browser's own end."""
        opened = {document.tab for document in self._documents.values()}
        closed = set() if opened <= self._closed else self._closed
        latest: dict[int, int] = {}
        shown: dict[int, int] = {}
        for document in self._documents.values():
            latest[document.frame] = document.doc
            shown[document.frame] = max(shown.get(document.frame, 0), document.t)
        went = self._went()
        return [
            f"document {document.doc} went without stating its end; what was done in it last may be missing"
            for document in self._documents.values()
            if not document.ended
            and document.doc not in went
            and (latest[document.frame] != document.doc or document.tab in closed)
            and not (document.again and document.t == shown[document.frame] and document.tab not in closed)
        ]

    def never_seen(self) -> list[str]:
        """Pages that a tab went to and that never stated anything; whether they could is not known here."""
        return [
            f"of the page at {url[:200]} nothing came" for (_, url), left in self._pages.items() if left > 0
        ]

    def frame_of(self, tab: int, frame: int) -> int | None:
        """Our number of a frame by the browser's."""
        return self._frames.get((tab, frame))

    def tab_of(self, tab: int) -> int | None:
        """Our number of a tab by the browser's."""
        return self._tabs.get(tab)

    # -- documents ------------------------------------------------------------------------------

    def _batch(self, message: Batch, items: _Items) -> list[Event]:
        events: list[Event] = []
        document = self._documents.get(message.document)
        if document is None:
            if len(self._documents) >= _MOST_DOCUMENTS:
                raise Malformed("too many documents")
            if not items:
                return []
            frame = self._frame(message, items[0][2], items[0][1], events)
            number = self._documents_before + len(self._documents) + 1
            document = _Document(number, self._tabs[message.tab], frame)
            self._documents[message.document] = document
        for s, stated, item in _timed(items):
            if s <= document.last:
                continue
            # In the order of the numbers, whatever the page's clock does.
            t = document.t = max(stated, document.t)
            if s > document.last + 1:
                lost = s - document.last - 1
                reason = f"{lost} events of document {document.doc} never came"
                events.append(Gap(t=t, source=self._source, until=t, bytes=None, reason=reason))
            document.last = s
            try:
                events += self._item(document, item, s, t)
            except _WRONG as error:
                reason = f"what document {document.doc} states as number {s} is malformed: {error!r}"[:500]
                events.append(Gap(t=t, source=self._source, until=t, bytes=None, reason=reason))
        return events

    def _frame(self, message: Batch, first: dict[str, Any], t: int, events: list[Event]) -> int:
        key = (message.tab, message.frame)
        if message.tab not in self._tabs:
            events.append(self._open_tab(message.tab, t, None, False))
        if key not in self._frames:
            self._frames_seen += 1
            self._frames[key] = self._frames_seen
        if self._frames[key] not in self._told:  # its navigation came first, perhaps, which knows less of it
            self._told.add(self._frames[key])
            parent = None
            if message.frame != 0:
                parent = self._frames.get((message.tab, message.parent or 0))
            index = first.get("index")
            events.append(
                FrameSeen(
                    t=t, source=self._source, frame=self._frames[key], tab=self._tabs[message.tab], parent=parent,
                    index=index if type(index) is int and 0 <= index < 2**31 and message.frame else None,
                    name=str(first.get("name", ""))[:1024],
                )
            )  # fmt: skip
        return self._frames[key]

    def _item(self, document: _Document, item: dict[str, Any], s: int, t: int) -> list[Event]:
        kind = item["k"]
        place: dict[str, Any] = {"t": t, "source": self._source, "doc": document.doc}
        if kind == "start":
            self._pages[document.tab, str(item["url"])] -= 1
            return [
                DocumentStarted(
                    **place, frame=document.frame, tab=document.tab, url=str(item["url"])[: 1 << 20],
                    opaque=bool(item.get("opaque", False)),
                )
            ]  # fmt: skip
        document.again = kind != "end" and (document.again or document.ended)
        document.ended = kind == "end"  # a page that is gone back to goes on
        if kind == "end":
            document.parts.clear()
            return [DocumentEnded(**place, last=s)]
        if kind == "shown":
            return [DocumentShown(**place, frame=document.frame, tab=document.tab, seq=s)]
        if kind == "part":
            self._part(document, item)
            return []
        made = _DOCUMENT_KINDS[kind]
        fields = {k: v for k, v in item.items() if k not in ("k", "s", "t")}
        fields |= {**place, "seq": s, "tab": document.tab, "frame": document.frame}
        if kind == "state" and isinstance(fields.get("aria"), str):
            fields["aria"] = self._keep(fields["aria"].encode("utf-8", "replace")).blob
        if kind == "dialog":
            fields["asked"] = self._time(item["asked"])
        if kind == "event":
            document.deed = t
            for name, of in (("clips", Clip), ("files", FileChosen)):
                if name in fields:
                    fields[name] = [self._content(document, one, of) for one in fields[name]]
        return [msgspec.convert(fields, made)]

    def _part(self, document: _Document, item: dict[str, Any]) -> None:
        ident = str(item["id"])[:128]
        if ident not in document.parts and len(document.parts) >= _MOST_OPEN_PARTS:
            raise ValueError("too many contents at once")
        data = binascii.a2b_base64(item["data"], strict_mode=True)
        held = document.parts.setdefault(ident, bytearray())
        if held is not None and len(held) + len(data) > MOST_PART_BYTES:
            held = document.parts[ident] = None
        if held is not None:
            held += data

    def _content(self, document: _Document, one: dict[str, Any], of: type[Struct]) -> dict[str, Any]:
        """A clip or a file with its content, which came in parts before it, kept."""
        fields = {k: v for k, v in one.items() if k in of.__struct_fields__ and k != "blob"}
        part = one.get("part")
        if part is not None:
            if str(part) not in document.parts:
                raise ValueError(f"content {str(part)[:40]!r} never came")
            held = document.parts.pop(str(part))
            if held is None:
                fields["skipped"] = f"more than {MOST_PART_BYTES >> 20} MB"
            else:
                kept = self._keep(bytes(held))
                fields |= {"blob": kept.blob, "size": kept.size, "skipped": kept.skipped}
        return fields

    # -- the worker -----------------------------------------------------------------------------

    def _log(self, message: Log, items: _Items) -> list[Event]:
        events: list[Event] = []
        last = self._instances.get(message.instance, 0)
        for s, t, item in items:
            if s <= last:
                continue
            if s > last + 1:
                reason = f"{s - last - 1} messages of the extension's worker never came"
                events.append(Gap(t=t, source=self._source, until=t, bytes=None, reason=reason))
            last = self._instances[message.instance] = s
            try:
                events += self._worker_item(item, t)
            except _WRONG as error:
                reason = f"what the extension's worker states as number {s} is malformed: {error!r}"[:500]
                events.append(Gap(t=t, source=self._source, until=t, bytes=None, reason=reason))
        return events

    def _worker_item(self, item: dict[str, Any], t: int) -> list[Event]:
        kind = item["k"]
        source = self._source
        events: list[Event] = []

        def tab(number: int | None) -> int | None:
            if number is None or number < 0:
                return None
            if number not in self._tabs:
                events.append(self._open_tab(number, t, None, False))
            return self._tabs[number]

        if kind == "tab.opened":
            if int(item["tab"]) not in self._tabs:
                opener = tab(item.get("opener"))
                events.append(self._open_tab(int(item["tab"]), t, opener, bool(item.get("popup", False))))
            return events
        if kind == "gap":
            return [Gap(t=t, source=source, until=t, bytes=None, reason=str(item["reason"])[:1024])]
        if kind == "tab.closed" and int(item["tab"]) not in self._tabs:
            return []  # it was none of the recording
        mine = tab(item.get("tab"))
        if kind.startswith("flow."):
            return events if self._flows is None else [*events, *self._flows(item, t, mine)]
        if kind == "request":
            number = self._request_number(str(item["id"])[:128], bool(item.get("ended", False)))
            frame = self.frame_of(int(item.get("tab", -1)), int(item.get("frame", -1)))
            fields = {k: v for k, v in item.items() if k not in ("k", "s", "t", "id", "tab", "frame")}
            fields |= {"t": t, "source": source, "n": number, "tab": mine, "frame": frame}
            return [*events, msgspec.convert(fields, PageRequest)]
        if kind == "download":
            fields = {k: v for k, v in item.items() if k not in ("k", "s", "t", "tab")}
            return [*events, msgspec.convert(fields | {"t": t, "source": source, "tab": mine}, Downloaded)]
        if mine is None:
            raise ValueError(f"{kind} without a tab")
        if kind == "tab.activated":
            return [*events, TabActivated(t=t, source=source, tab=mine)]
        if kind == "tab.closed":
            if mine in self._closed:
                return events
            self._closed.add(mine)  # what comes of it late is still its
            return [*events, TabClosed(t=t, source=source, tab=mine)]
        if kind == "navigated":
            key = (int(item["tab"]), int(item.get("frame", 0)))
            if key not in self._frames:
                self._frames_seen += 1
                self._frames[key] = self._frames_seen
                parent = None if key[1] == 0 else self._frames.get((key[0], 0))
                events.append(
                    FrameSeen(
                        t=t,
                        source=source,
                        frame=self._frames[key],
                        tab=mine,
                        parent=parent,
                        index=None,
                        name="",
                    )
                )
            if key[1] == 0 and not item.get("within") and item.get("how") != "back_forward":
                self._pages[mine, str(item["url"])] += str(item["url"]).startswith(("http:", "https:"))
            how, within = str(item.get("how", "other"))[:32], bool(item.get("within", False))
            url = str(item["url"])[: 1 << 20]
            frame_number = self._frames[key]
            return [
                *events,
                Navigated(t=t, source=source, tab=mine, frame=frame_number, url=url, how=how, within=within),
            ]
        raise ValueError(f"unknown kind {kind!r}")

    def _open_tab(self, number: int, t: int, opener: int | None, popup: bool) -> TabOpened:
        self._tabs_seen += 1
        self._tabs[number] = self._tabs_seen
        return TabOpened(t=t, source=self._source, tab=self._tabs[number], opener=opener, popup=popup)

    def _request_number(self, ident: str, ended: bool) -> int:
        if ident not in self._request_numbers:
            if len(self._request_numbers) >= _MOST_REQUESTS:
                del self._request_numbers[next(iter(self._request_numbers))]
            self._requests += 1
            self._request_numbers[ident] = self._requests
        number = self._request_numbers[ident]
        if ended:
            del self._request_numbers[ident]
        return number


def numbers_of(events: Iterable[object]) -> Numbers:
    """How far the browsers came that stated these."""
    tabs = frames = documents = requests = 0
    for event in events:
        if isinstance(event, TabOpened):
            tabs = max(tabs, event.tab)
        elif isinstance(event, FrameSeen):
            frames = max(frames, event.frame)
        elif isinstance(event, DocumentStarted):
            documents = max(documents, event.doc)
        elif isinstance(event, PageRequest):
            requests = max(requests, event.n)
    return Numbers(tabs, frames, documents, requests)


def _timed(items: _Items) -> _Items:
    """The statements with the times that they are of: an element is described after the event that needs it, and stated
    before; it must not seem to delay that."""
    timed: _Items = []
    for s, t, item in reversed(items):
        if item.get("k") == "target" and timed:
            t = min(t, timed[-1][1])
        timed.append((s, t, item))
    return timed[::-1]


def _number(s: object) -> int:
    if type(s) is not int or s not in _NUMBERS:
        raise ValueError(f"{s!r} numbers no statement"[:80])
    return s


def with_blob(event: Downloaded, kept: Kept) -> Downloaded:
    """The download with what was kept of its content."""
    return structs.replace(event, blob=kept.blob, size=kept.size, skipped=kept.skipped)
