"""A frame whose navigation was told before its document is told again, with what the document knows of it."""

from __future__ import annotations

from recorder.trace.pagelog import Kept, PageLog
from recorder.trace.pages import FrameSeen
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
