"""Gestures in listings: where they were made and what came of them, besides their sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from recorder.trace.codec import Decoded
from recorder.trace.gestures import Gesture
from recorder.trace.pages import PageEvent, PageState
from recorder.trace.sentences import described, quoted


def lines(gesture: Gesture) -> Iterator[str]:
    """What the sentence does not tell: the page that it led to, tabs that it opened, what was downloaded."""
    before, after = gesture.before, gesture.after
    if after is not None and (before is None or (before.url, before.title) != (after.url, after.title)):
        yield f"page: {quoted(after.title)} {after.url}"
    if gesture.opened:
        yield f"opened: tab {', '.join(str(tab) for tab in gesture.opened)}"
    for one in gesture.downloads:
        yield f"downloaded: {one.name}, {one.size} bytes{'' if one.complete else ', not to its end'}"


def kept_apart(events: Iterable[Decoded]) -> str | None:
    """How many of a browser's events a person made, and how many scripts did; None where no browser was recorded."""
    made = Counter(event.trusted for event in events if isinstance(event, PageEvent))
    return f"{made[True]} events; {made[False]} more that scripts made" if made else None


def brief(gesture: Gesture) -> dict[str, object]:
    """The same and more, for programs. `requests` are the browser's numbers of what the gesture made pages ask for."""
    target = gesture.target
    return {
        "verb": gesture.verb,
        "tab": gesture.tab,
        "frames": list(gesture.frames),
        "target": described(target) if target else None,
        "css": [*target.shadow, target.css] if target else None,
        "value": gesture.value,
        "values": list(gesture.values),
        "masked": gesture.masked,
        "files": [file.name for file in gesture.files],
        "dialogs": [
            {"type": one.type, "message": one.message, "accepted": one.accepted} for one in gesture.dialogs
        ],
        "downloads": [
            {"name": one.name, "size": one.size, "complete": one.complete} for one in gesture.downloads
        ],
        "opened": list(gesture.opened),
        "requests": list(gesture.requests),
        "doc": gesture.doc,
        "events": [gesture.first, gesture.last],
        "before": _state(gesture.before),
        "after": _state(gesture.after),
    }


def _state(state: PageState | None) -> dict[str, object] | None:
    if state is None:
        return None
    return {"url": state.url, "title": state.title, "dom": state.dom, "settled": state.settled}
