"""The browser's part of a replay: the network that only it asked, its turns, and what it brings back."""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
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
from replay.film import Film
from replay.judge import Lapse
from replay.network import Network, gathered, network_of
from replay.players.network.desk import NetworkReport
from replay.players.network.target import is_loopback, parse
from replay.verify.network import StepNetwork
from replay.window.window import View, Window

_TAKEN = frozenset((0, 53, 80, 443))
"""Ports of loopback on which the recording is asked for, whoever had them."""
_MOST_SERVERS = 64
_EVER = 1 << 63
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
    """The browsers of one replay, one after the other as they were opened, each in a sandbox and with a profile of its
    own; `stack` ends them. `progress` is told the step that it is at. `terminal` is the first process of the sandbox
    beside them: servers that run there are asked themselves. Raises Unsupported where this machine can't."""

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
        film: Film | None = None,
        window: Window | None = None,
        terminal: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._told: list[Browsed] = []
        self._film = film
        gestures = [step for step in steps(events) if step.kind == "gesture"]
        begun = [event for event in events if isinstance(event, BrowserStarted)]
        self.turns = sorted({step.t_start for step in gestures} | {started.t for started in begun})
        """When something begins in a browser: what it starts with, then each gesture."""
        served = _served(events) if terminal is not None else frozenset()
        if window is not None:
            size = (begun[0].width, begun[0].height)
            window.begin(size, [(step.n, step.text) for step in gestures])

        def opened(n: int) -> _Opened:
            begin = begun[n].t if n else 0
            end = begun[n + 1].t if n + 1 < len(begun) else _EVER
            place = folder / f"browser-{n + 1}"
            place.mkdir(mode=0o700)
            network = network_of(trace, _own(events, served, begin, end), paced=paced, browser=True)
            if network is not None and terminal is not None:
                network.lead(terminal, sorted(served))
            own = [step for step in gestures if begin <= step.t_start < end]
            return _Opened(
                trace,
                events,
                begun[n],
                own,
                place,
                blobs,
                stack,
                network,
                screenshots,
                film,
                window,
                progress,
            )

        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        stack.callback(self._thread.shutdown)
        self._next = [(started.t, partial(opened, n)) for n, started in enumerate(begun)]
        self._now = self._next.pop(0)[1]()

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
        while self._next and (until is None or self._next[0][0] < until):
            self._now.play(None)
            self._told.append(self._now.finish())
            self._now = self._next.pop(0)[1]()
        self._now.play(until)

    def finish(self) -> Browsed:
        """Ends it; what all of them brought back. One whose turn did not come brought nothing."""
        self._told.append(self._now.finish())
        if self._film is not None:
            self._film.close()
        reports = [one.network for one in self._told if one.network is not None]
        return Browsed(
            events=[event for one in self._told for event in one.events],
            lapses=[lapse for one in self._told for lapse in one.lapses],
            remarks=[remark for one in self._told for remark in one.remarks]
            + (self._film.remarks if self._film else []),
            boundary=self._told[0].boundary,
            clock=CLOCK,
            network=_together(reports) if reports else None,
        )


class _Opened:
    """A running browser; `gestures` are what is done in it."""

    def __init__(
        self,
        trace: Trace,
        events: Sequence[AnyEvent],
        started: BrowserStarted,
        gestures: Sequence[Step],
        place: Path,
        blobs: BlobStore,
        stack: ExitStack,
        network: Network | None,
        screenshots: Path | None,
        film: Film | None,
        window: Window | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._progress = progress
        self._screenshots = screenshots
        self._film = film
        self._window = window
        self._closed = [(event.tab, event.t) for event in events if isinstance(event, TabClosed)]
        self._started = started
        self._gestures = gestures
        self._network = network
        self._player, self._sandbox = open_browser(
            trace, events, place, stack, network, blobs, started=started, answering=self._counts_for,
            progress=self._seen if film is not None or window is not None else lambda t: None,
        )  # fmt: skip

    def play(self, until: int | None) -> None:
        """Does what was done before `until` (null: all)."""
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
            self._seen(end or step.t_end, step)
        else:
            self._player.play(until)

    def _counts_for(self, t: int) -> None:
        """What is asked of the network from here on counts for the gesture at this recorded time. A page's question is
        answered at once: what it asks then is the answer's, not the press's that brought the question."""
        index = bisect.bisect_right(self._gestures, t, key=lambda step: step.t_start)
        if self._network is not None and index:
            self._network.command = self._gestures[index - 1].n

    def _seen(self, t: int, rested: Step | None = None) -> None:
        """Takes a picture of the tab that is acted on, where one is due at `t`, for whoever watches; after a step that
        has `rested` it shows what came of it."""
        film = self._film if self._film is not None and self._film.wants(t, rested is not None) else None
        window = (
            self._window if self._window is not None and self._window.wants(t, rested is not None) else None
        )
        if not self._gestures or (film is None and (window is None or self._player.stuck)):
            return
        index = bisect.bisect_right(self._gestures, t, key=lambda step: step.t_start)
        step = rested or self._gestures[max(index - 1, 0)]
        if step.gesture is None:
            return
        tab = step.gesture.tab
        picture = self._player.picture(tab, "webp")
        if film is not None and picture is not None:
            film.take(t, picture)
        if window is not None:
            window.take(t, picture, self._view(step, tab, done=rested is not None))

    def _view(self, step: Step, tab: int, *, done: bool) -> View:
        player, scale = self._player, self._started.scale or 1

        def within(place: tuple[int, float, float] | None) -> tuple[float, float] | None:
            return (place[1] * scale, place[2] * scale) if place is not None and place[0] == tab else None

        return View(
            n=step.n, url=player.address(tab), pointer=within(player.pointer), pressed=within(player.pressed),
            presses=player.presses, done=done, missed=player.missed,
        )  # fmt: skip

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
            events=[self._started, *cast(list[AnyEvent], played.events)],
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


def _together(reports: Sequence[NetworkReport]) -> NetworkReport:
    """What several networks were asked for, in their order."""
    return NetworkReport(
        served=[one for report in reports for one in report.served],
        refused=[one for report in reports for one in report.refused],
        unasked=[flow for report in reports for flow in report.unasked],
        housekeeping=sum(report.housekeeping for report in reports),
        unlogged=sum(report.unlogged for report in reports),
        faults=[fault for report in reports for fault in report.faults],
    )


def _own(events: Sequence[AnyEvent], served: frozenset[int], begin: int, end: int) -> list[AnyEvent]:
    """The events that the network of one browser is made from, open from `begin` to `end`. Beside a terminal that is
    what browsers asked, but for what its servers answer; no command matters then."""
    beside = any(isinstance(event, TerminalStarted) for event in events)
    found: list[AnyEvent] = []
    for event in events:
        if isinstance(event, CommandStarted) or _asks(event, served):
            continue
        if beside and isinstance(event, Connected | FlowRequested) and event.cause.how != "browser":
            continue
        if isinstance(event, FlowRequested) and not begin <= event.t < end:
            continue
        found.append(event)
    return found


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
