"""From the extension's messages to events."""

from __future__ import annotations

from typing import Any

from recorder.trace.events import Gap
from recorder.trace.pagelog import Kept, PageLog
from recorder.trace.pages import PageEvent
from recorder.trace.wire import Batch


def batch(*items: dict[str, Any]) -> Batch:
    return Batch(tab=1, frame=0, document="d", items=list(items))


def event(s: int, **fields: Any) -> dict[str, Any]:
    return {"k": "event", "s": s, "t": 1000.0 + s, "type": "click", "trusted": True, **fields}


def log() -> PageLog:
    return PageLog("browser/1", lambda ms: int(ms * 1e6), lambda data: Kept(None, len(data), "a test"))


def test_a_malformed_statement_costs_itself_alone_and_is_told() -> None:
    start = {"k": "start", "s": 1, "t": 1000.0, "url": "https://site.test/"}
    events = log().take(
        batch(start, event(2), event(3, button=99), event(4), {"s": 5, "t": 1005.0}, event(6))
    )
    assert [e.seq for e in events if isinstance(e, PageEvent)] == [2, 4, 6]
    assert [e.reason.partition(" is malformed")[0] for e in events if isinstance(e, Gap)] == [
        "what document 1 states as number 3",
        "what document 1 states as number 5",
    ]


def test_what_never_came_is_told() -> None:
    pages = log()
    pages.take(batch({"k": "start", "s": 1, "t": 1000.0, "url": "https://site.test/"}))
    (gap, _) = pages.take(batch(event(4)))
    assert isinstance(gap, Gap)
    assert gap.reason == "2 events of document 1 never came"
    assert pages.take(batch(event(4))) == []  # said again


def test_a_page_gone_back_to_is_open_again() -> None:
    pages = log()
    pages.take(batch({"k": "start", "s": 1, "t": 1000.0, "url": "/"}, {"k": "end", "s": 2, "t": 1001.0}))
    assert pages.open_documents() == []
    pages.take(batch(event(3)))
    assert pages.open_documents() == [1]
