"""A browser's log as a person at it makes it, event by event, in the order in which Chromium tells of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from recorder.trace.event import Event
from recorder.trace.gestures import read
from recorder.trace.pages import (
    DocumentStarted,
    FrameSeen,
    Navigated,
    PageEvent,
    PageState,
    PageTarget,
    TabOpened,
)

SOURCE = "browser/1"
MS = 1_000_000


class BrowserLog:
    """`events` of one browser. Every event takes 10 ms; `wait` takes longer."""

    def __init__(self, url: str = "https://shop.example/") -> None:
        self.t = 0
        self.events: list[Event] = []
        self.seqs: dict[int, int] = {}
        self.places: dict[int, tuple[int, int]] = {}
        self.tab(1)
        self.document(1, tab=1, frame=1, url=url)
        self.add(Navigated, tab=1, frame=1, url=url, how="typed")

    def add[E: Event](self, made: type[E], **fields: Any) -> E:
        self.t += 10 * MS
        event = made(t=fields.pop("t", self.t), source=SOURCE, **fields)
        self.events.append(event)
        return event

    def tab(self, tab: int, opener: int | None = None) -> None:
        self.add(TabOpened, tab=tab, opener=opener, popup=False)
        self.add(FrameSeen, frame=tab, tab=tab, parent=None, index=None, name="")

    def document(self, doc: int, *, tab: int, frame: int, url: str = "https://shop.example/") -> None:
        self.places[doc] = (tab, frame)
        self.add(DocumentStarted, doc=doc, frame=frame, tab=tab, url=url)

    def wait(self, ms: int) -> None:
        self.t += ms * MS

    def _numbered[E: Event](self, made: type[E], doc: int, **fields: Any) -> E:
        tab, frame = self.places[doc]
        seq = self.seqs[doc] = self.seqs.get(doc, 1) + 1
        return self.add(made, tab=tab, frame=frame, doc=doc, seq=seq, **fields)

    def target(self, n: int, tag: str = "button", doc: int = 1, **fields: Any) -> PageTarget:
        return self._numbered(PageTarget, doc, n=n, tag=tag, **fields)

    def state(self, n: int, dom: str, doc: int = 1, **fields: Any) -> PageState:
        fields = {"url": "https://shop.example/", "title": "Shop", "settled": True} | fields
        return self._numbered(PageState, doc, n=n, dom=dom, **fields)

    def event(self, kind: str, target: int | None = None, doc: int = 1, **fields: Any) -> PageEvent:
        fields.setdefault("trusted", True)
        return self._numbered(PageEvent, doc, type=kind, target=target, **fields)

    def down(self, target: int, doc: int = 1, **fields: Any) -> None:
        fields = {"x": 5, "y": 5, "button": 0, "buttons": 1} | fields
        self.event("pointerdown", target, doc, **fields)
        self.event("mousedown", target, doc, **fields)

    def up(self, target: int, doc: int = 1, **fields: Any) -> None:
        fields = {"x": 5, "y": 5, "button": 0} | fields
        self.event("pointerup", target, doc, **fields)
        self.event("mouseup", target, doc, **fields)

    def click(self, target: int, doc: int = 1, detail: int = 1, **fields: Any) -> None:
        self.event("pointermove", target, doc, x=4, y=4)
        self.down(target, doc, detail=detail, **fields)
        self.up(target, doc, detail=detail, **fields)
        self.event("click", target, doc, detail=detail, x=5, y=5, button=0, **fields)

    def key(self, key: str, target: int | None = None, doc: int = 1, **fields: Any) -> None:
        """A key with what it entered: `value` is what the field holds then."""
        entered = {k: fields.pop(k) for k in ("value", "text", "input_type") if k in fields}
        code = fields.pop("code", key)
        self.event("keydown", target, doc, key=key, code=code, **fields)
        if entered:
            entered.setdefault("input_type", "insertText")
            self.event("input", target, doc, **entered)
        self.event("keyup", target, doc, key=key, code=code, **fields)

    def text(self, text: str, target: int, doc: int = 1, before: str = "") -> None:
        for place, char in enumerate(text, 1):
            if char.isupper():
                self.event("keydown", target, doc, key="Shift", code="ShiftLeft", modifiers=8)
            self.key(char, target, doc, text=char, value=before + text[:place])
            if char.isupper():
                self.event("keyup", target, doc, key="Shift", code="ShiftLeft")


def assert_partition(events: list[Any]) -> None:
    """Every trusted event is of exactly one gesture, or of the rest."""
    reading = read(events)
    owners: Counter[tuple[str, int, int]] = Counter()
    trusted = {(e.source, e.doc, e.seq) for e in events if isinstance(e, PageEvent) and e.trusted}
    for gesture in reading.gestures:
        for span in gesture.spans:
            for seq in range(span.first, span.last + 1):
                if (gesture.source, span.doc, seq) in trusted:
                    owners[gesture.source, span.doc, seq] += 1
    for rest in reading.rest.values():
        owners.update((e.source, e.doc, e.seq) for e in rest)
    assert set(owners) == trusted
    assert set(owners.values()) <= {1}
