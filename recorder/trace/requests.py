"""Which of a browser's requests a flow answers: so its tab, frame and initiator are the flow's cause. Pure.

The browser tells its requests, the proxy its flows; neither knows the other's numbers. They are the same where method
and URL are, and the flow was there while the request was: of several the first with the first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from recorder.trace.events import Event, FlowRequested, PageRequest, Unknown

SLACK_NS = 250_000_000
"""How far the two clocks, and word of what happened, may be apart."""
_SCHEMES = {"ws://": "http://", "wss://": "https://"}


class _Open:
    """A request as it was told, and when it ended."""

    __slots__ = ("cached", "ended", "request")

    def __init__(self, request: PageRequest) -> None:
        self.request = request
        self.ended: int | None = None
        self.cached = False


def answered_requests(events: Iterable[Event | Unknown]) -> dict[int, PageRequest]:
    """The request (as it began) that each flow answers, by the flow's number. What nothing tells is left out: flows of
    other programs, and of the browser itself."""
    return {flow: opened.request for flow, opened in _paired(events).items()}


def ends_of_requests(events: Iterable[Event | Unknown]) -> dict[int, int]:
    """When the browser said that it had the answer of each flow, ns of the session, by the flow's number. The proxy may
    say so only later, on a busy machine."""
    return {flow: opened.ended for flow, opened in _paired(events).items() if opened.ended is not None}


def _paired(events: Iterable[Event | Unknown]) -> dict[int, _Open]:
    requests: dict[tuple[str, str], deque[_Open]] = defaultdict(deque)
    by_number: dict[int, _Open] = {}
    flows: list[FlowRequested] = []
    for event in events:
        if isinstance(event, FlowRequested):
            if event.cause.how in ("browser", "unknown"):
                flows.append(event)
        elif isinstance(event, PageRequest):
            if not event.ended:
                opened = by_number[event.n] = _Open(event)
                requests[event.method, plain_url(event.url)].append(opened)
            elif (known := by_number.get(event.n)) is not None:
                known.ended, known.cached = event.t, event.cached
    found: dict[int, _Open] = {}
    for flow in flows:
        waiting = requests.get((flow.method, plain_url(flow.url)), deque())
        for opened in waiting:
            if opened.cached or (opened.ended is not None and opened.ended + SLACK_NS < flow.t):
                continue
            if opened.request.t > flow.t + SLACK_NS:
                break
            found[flow.flow] = opened
            waiting.remove(opened)
            break
    return found


def plain_url(url: str) -> str:
    """The URL as it is asked for: without a fragment, a WebSocket's by the scheme of the request that opens it."""
    url = url.partition("#")[0]
    for scheme, plain in _SCHEMES.items():
        if url.startswith(scheme):
            return plain + url[len(scheme) :]
    return url
