"""Tabs and frames whose parts are told out of order: by the worker and by the document, before and after an end."""

from __future__ import annotations

from recorder.trace.pagelog import Kept, PageLog
from recorder.trace.pages import FrameSeen, PageRequest, TabOpened
from recorder.trace.wire import Batch, Log


def test_a_frame_is_told_again_with_its_name_once() -> None:
    log = PageLog("browser/1", int, lambda content: Kept(None, len(content)))
    url = "https://a.example/"
    navigated = {"s": 1, "t": 1, "k": "navigated", "tab": 7, "frame": 5, "url": url, "how": "link"}
    events = log.take(Log(instance="w", items=[navigated]))
    start = {"k": "start", "s": 1, "t": 2, "url": url, "index": 3, "name": "editor"}
    for document in ("d1", "d2"):
        events += log.take(Batch(tab=7, frame=5, parent=0, document=document, items=[start]))
    seen = [event for event in events if isinstance(event, FrameSeen) and event.name]
    assert [(event.name, event.index) for event in seen] == [("editor", 3)]
    assert {event.frame for event in events if isinstance(event, FrameSeen)} == {seen[0].frame}


def test_what_a_closed_tab_had_asked_for_opens_no_tab() -> None:
    log = PageLog("browser/1", int, lambda content: Kept(None, len(content)))
    request = {
        "k": "request",
        "id": "r",
        "tab": 7,
        "method": "GET",
        "url": "https://a.example/",
        "type": "image",
    }
    events = log.take(
        Log(
            instance="w",
            items=[
                {"s": 1, "t": 1, "k": "tab.opened", "tab": 7},
                {"s": 2, "t": 2, **request},
                {"s": 3, "t": 3, "k": "tab.closed", "tab": 7},
                {"s": 4, "t": 4, **request, "ended": True, "error": "net::ERR_ABORTED"},
            ],
        )
    )
    assert len([event for event in events if isinstance(event, TabOpened)]) == 1
    assert [event.tab for event in events if isinstance(event, PageRequest)] == [1, 1]
