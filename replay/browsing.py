"""The browser's part of a replay: the network that only it asked, its turns, and what it brings back."""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from msgspec import Struct

from recorder.trace.blobs import BlobStore
from recorder.trace.events import (
    AnyEvent,
    CommandStarted,
    Connected,
    FlowRequested,
    ServerSeen,
    TerminalStarted,
    Unknown,
)
from recorder.trace.pages import BrowserStarted, TabClosed
from recorder.trace.reader import Trace
from recorder.trace.steps import Step, steps
from replay.browser import open_browser
from replay.judge import Lapse
from replay.network import gathered, network_of
from replay.players.network.desk import NetworkReport
from replay.players.network.target import is_loopback, parse
from replay.verify.network import StepNetwork

_TAKEN = frozenset((0, 53, 80, 443))
"""Ports of loopback on which the recording is asked for, whoever had them."""
_MOST_SERVERS = 64
CLOCK = "pages' clock moved to each event"


class Browsed(Struct, kw_only=True):
    """What a browser's replay brought back, with the session's time. `clock` says how far time was under control."""

    events: list[AnyEvent]
    lapses: list[Lapse]
    remarks: list[str]
    boundary: str
    clock: str
    network: NetworkReport | None


class Browsing:
    """The running browser of one replay, in a sandbox of its own; `stack` ends it. `progress` is told the step that it
    is at. `terminal` is the first process of the sandbox beside it: servers that run there are asked
    themselves. Raises Unsupported where this machine can't."""

    def __init__(
        self,
        trace: Trace,
        events: Sequence[AnyEvent],
        folder: Path,
        blobs: BlobStore,
        stack: ExitStack,
        *,
        paced: bool = False,
        screenshots: Path | None = None,
        terminal: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._progress = progress
        self._screenshots = screenshots
        self._closed = [(event.tab, event.t) for event in events if isinstance(event, TabClosed)]
        self._gestures = [step for step in steps(events) if step.kind == "gesture"]
        served = _served(events) if terminal is not None else frozenset()
        own = [event for event in _own(events) if not _asks(event, served)]
        self._network = network_of(trace, own, paced=paced, browser=True)
        if self._network is not None and terminal is not None:
            self._network.lead(terminal, sorted(served))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        stack.callback(self._thread.shutdown)
        place = folder / "browser"
        place.mkdir(mode=0o700)
        self._player, self._sandbox = open_browser(
            trace, events, place, stack, self._network, blobs, answering=self._counts_for
        )
        self._begin = next(event.t for event in events if isinstance(event, BrowserStarted))

    @property
    def turns(self) -> list[int]:
        """When something begins in the browser: what it starts with, then each gesture."""
        return sorted({self._begin, *(step.t_start for step in self._gestures)})

    def play(self, until: int | None, tend: Callable[[], None] | None = None) -> None:
        """Does what was done before `until` (null: all), gesture by gesture. Calls `tend` all the time meanwhile."""
        if tend is None:
            self._play(until)
            return
        done: Future[None] = self._thread.submit(self._play, until)
        while not done.done():
            tend()
        done.result()

    def _play(self, until: int | None) -> None:
        for step, then in zip(self._gestures, [*self._gestures[1:], None], strict=True):
            if until is not None and step.t_start >= until:
                break
            self._player.play(step.t_start)
            self._counts_for(step.t_start)
            if self._progress is not None:
                self._progress(step.n)
            ends = [t for t in (then.t_start if then else None, until) if t is not None]
            end = min(ends, default=None)
            if self._screenshots is not None and step.gesture is not None:
                tab = step.gesture.tab
                closing = (t for n, t in self._closed if n == tab and t >= step.t_end)
                self._player.play(min([*closing, *ends], default=None))
                self._picture(self._screenshots, step.n, tab)
            self._player.play(end)
        else:
            self._player.play(until)

    def _counts_for(self, t: int) -> None:
        """What is asked of the network from here on counts for the gesture at this recorded time. A page's question is
        answered at once: what it asks then is the answer's, not the press's that brought the question."""
        index = bisect.bisect_right(self._gestures, t, key=lambda step: step.t_start)
        if self._network is not None and index:
            self._network.command = self._gestures[index - 1].n

    def _picture(self, folder: Path, n: int, tab: int) -> None:
        picture = self._player.picture(tab)
        if picture is not None:
            with open(folder / f"step-{n:03}.png", "wb", opener=_private) as file:
                file.write(picture)

    def finish(self) -> Browsed:
        """Ends it."""
        played = self._player.finish()
        boundary = self._sandbox.boundary
        self._sandbox.kill()
        return Browsed(
            events=cast(list[AnyEvent], played.events),
            lapses=[
                Lapse(t=one.t, what=one.what, saw=one.saw, fatal=one.fatal)
                for one in played.missed
                if not one.shown
            ],
            remarks=played.remarks,
            boundary=boundary,
            clock=CLOCK,
            network=self._network.stop() if self._network else None,
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _own(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The events that the browser's network is made from. Beside a terminal that is what the browser asked; no command
    matters then."""
    beside = any(isinstance(event, TerminalStarted) for event in events)
    return [
        event
        for event in events
        if not isinstance(event, CommandStarted)
        and not (beside and isinstance(event, Connected | FlowRequested) and event.cause.how != "browser")
    ]


def _served(events: Iterable[AnyEvent]) -> frozenset[int]:
    """The ports of loopback on which programs of the session's terminal listened."""
    seen = {event.port for event in events if isinstance(event, ServerSeen)}
    return frozenset(sorted(seen - _TAKEN)[:_MOST_SERVERS])


def _asks(event: AnyEvent, ports: frozenset[int]) -> bool:
    """Whether a request went to one of these ports of the session's own machine."""
    if not isinstance(event, FlowRequested):
        return False
    place = parse(event.url)
    return place.port in ports and is_loopback(place.host)


def others(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The same for what the terminal's programs asked."""
    return [
        event
        for event in events
        if not (isinstance(event, Connected | FlowRequested) and event.cause.how == "browser")
    ]


def by_gesture(
    report: NetworkReport, steps: Sequence[Step], events: Iterable[AnyEvent | Unknown]
) -> dict[int, StepNetwork]:
    """What each gesture asked for, by step number. A recorded flow counts for the gesture that says that it is its,
    else for the last that had begun."""
    gestures = [step for step in steps if step.kind == "gesture"]
    if not gestures:
        return {}
    told = {flow: step.n for step in gestures for flow in step.flows}
    for event in events:
        if isinstance(event, FlowRequested) and event.flow not in told:
            index = bisect.bisect_right(gestures, event.t, key=lambda step: step.t_start)
            told[event.flow] = gestures[max(0, index - 1)].n
    first = gestures[0].n
    return gathered(report, lambda flow, step: told.get(flow.number, first) if flow else step or first)
