"""The clock of pages and their workers: it stands still while something is done, and moves to the recorded time of what
comes next.

On its way what is due runs in its order, and what that asks of the network is answered before the clock goes on.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable
from typing import Protocol

from replay.players.browser.browser import Browser, Failed
from replay.players.browser.pages import Tab

_STRIDE = 250_000_000
"""ns: the clock's longest step while timers run; what they ask for is then answered at most so much too late."""
_CLOSE = 4_000_000
"""The same while there are workers: which timer comes first, theirs or the page's, is then as the clock says."""
_MOST_ROUNDS = 100
_RACE = 20_000_000
"""ns by which what is due may be late on a page that has much to do."""
_QUIET_SECONDS = 10.0
_SILENT_SECONDS = 0.05
_STREAM_SECONDS = 0.5
_HURRY_SECONDS = 2.0
_MOST_DOCUMENTS = 10_000


class Answers(Protocol):
    """The recorded network's answers, that come when the clock gets to their time. `fd` is readable when one more waits
    for that."""

    fd: int
    heard: int
    """How many messages of WebSockets came from pages, that have their answers held back or sent by now."""

    def release(self, now: int) -> int:
        """Lets go what had been answered by `now` (ns of the session); how many pieces of streams that were."""

    def due(self) -> int | None:
        """When the next that waits was answered."""

    def held(self) -> int:
        """How many wait, but for pieces of streams."""

    def seen(self) -> None:
        """Takes the word that one more waits."""


class Clock:
    """Moves the clocks of all pages of `browser`. `unix_ns` is when the session started."""

    def __init__(
        self, browser: Browser, unix_ns: int, answers: Answers | None = None, ahead_ns: int = 0
    ) -> None:
        self.now = 0
        """ns since the session's start."""
        self.next: int | None = None
        """When something is done after what the clock moves to now: what pages read of the clock until then is before
        that."""
        self.departed: dict[str, int] = {}
        """How often a document (its script context) read the clock otherwise than when it was recorded."""
        self._said: dict[str, object] = {}
        """Worker -> how many messages it had taken or sent."""
        self._moved: list[tuple[float, int]] = []
        """When (Unix ms, the browser's own) the clock was moved, and where to."""
        self._ahead_ms = ahead_ns / 1e6
        self._browser = browser
        self._unix_ns = unix_ns
        self._answers = answers
        self._latest = 0
        """Where pages' scripts have got to, by what they have read of the clock: nothing that they do comes before."""
        self._unheard = 0
        """How many messages of WebSockets pages sent to nobody."""
        self._patience = _QUIET_SECONDS
        if answers is not None:
            browser.tools.beside[answers.fd] = answers.seen
            browser.tools.idle = self._hurry

    def start(self, now: int) -> None:
        """New documents begin with this time."""
        self._set(now)

    @property
    def _stride(self) -> int:
        return _CLOSE if self._browser.workers else _STRIDE

    def advance(self, to: int, stop: Callable[[], bool] = lambda: False, *, tardy: bool = False) -> None:
        """Moves the clock to `to`, unless it is there already, and lets all come to rest; on its way it stands still
        where `stop` holds when all is at rest. Raises Slow where a page does not answer.

        `tardy`: what is due just before `to`, and must have come just after it by what was read of the clock, waits."""
        self.rest()
        if self._talk():
            self.rest()
        if stop():
            return
        # A short way needs no look at what is due on it.
        due = self._run(self.now, to) if to - self.now > self._stride else to
        while self.now < to:
            step = to if due is None else max(due, self.now + self._stride)
            answered = self._answers.due() if self._answers is not None else None
            if answered is not None and max(answered, self._latest) < step:
                # First what was due before the answer, and what scripts were at when it came.
                step = max(answered, self._latest, self.now + 1)
                self._set(min(step, to), release=False)
                due = self._run(self.now, to)
                self.rest()
                if stop():
                    return
                if self.now < min(self._latest, to):
                    continue
            self._set(min(step, to))
            due = self._run(self.now, to, tardy=tardy and self.now >= to)
            before = self._browser.activity
            self.rest()
            if stop():
                return
            if self.now < to and self._browser.activity != before:
                due = self._run(self.now, to)

    def meet(self, to: int, there: Callable[[], bool]) -> None:
        """Moves the clock to `to`, when an input comes. What is due just before it may have come just after it when it
        was recorded: where all is as it was (`there`) before that, it waits."""
        near = to - _RACE
        if self.now < near:
            self.advance(near)
        if self.now < to and there():
            self._set(to, release=False)
            self._run(to, to, held=True)
        else:
            self.advance(to)

    def at(self, unix_ms: float) -> int:
        """What this clock said at a time of the browser's own. What a page did then may be heard of much later."""
        index = bisect.bisect_right(self._moved, unix_ms, key=lambda moved: moved[0])
        return self._moved[index - 1][1] if index else 0

    def leave(self, at: int) -> None:
        """What is told from here on is told as of `at`; pages' clocks stand still."""
        self._move(at)

    def _move(self, to: int) -> None:
        self.now = to
        self._moved.append((time.time() * 1e3 + self._ahead_ms, to))

    def rest(self) -> bool:
        """Waits until nothing is on its way from the network, but what is held back. Returns whether that came."""
        browser = self._browser
        if (answers := self._answers) is not None and not browser.settle(
            lambda: answers.heard + self._unheard >= browser.said, _STREAM_SECONDS
        ):
            self._unheard = browser.said - answers.heard
        if self._quiet() or browser.settle(self._quiet, self._patience):
            return True
        for tab in browser.pages:
            if tab.busy:
                browser.remark(f"still loading after {self._patience:g} s: {tab.busy}")
                tab.asked.clear()
                for frame in tab.frames.values():
                    frame.loading = False
        browser.workers.starting.clear()
        self._patience = max(1.0, self._patience / 2)
        return False

    def _quiet(self) -> bool:
        browser = self._browser
        asked = sum(len(tab.asked) for tab in browser.pages)
        held = self._answers.held() if self._answers is not None else 0
        loading = any(frame.loading for tab in browser.pages for frame in tab.frames.values())
        if asked > held or loading or browser.workers.starting:
            # What is held may be what a page needs to be whole, or what others wait for: a browser asks a host for
            # a few things at once.
            return held > 0 and browser.silent() > _SILENT_SECONDS
        return True

    def _set(self, now: int, *, release: bool = True) -> None:
        """Shows all this time, and lets go what had been answered by then; pieces of streams are awaited."""
        self._move(now)
        browser = self._browser
        browser.set_time(self._unix_ms(now))
        if self._answers is not None and release:
            before = browser.streamed
            if streamed := self._answers.release(now):
                browser.settle(lambda: browser.streamed >= before + streamed, _STREAM_SECONDS)

    def _hurry(self) -> None:
        """A page that waits for an answer does nothing else (a synchronous request): it comes before its time."""
        if self._browser.silent() < _HURRY_SECONDS:
            return
        if self._answers is not None and (due := self._answers.due()) is not None:
            self._answers.release(due)
            self._answers.release(max(self.now, 0))

    def _run(self, now: int, to: int, *, held: bool = False, tardy: bool = False) -> int | None:
        """Runs what is due until `now`, on the way to `to`, in every frame, or with `held` leaves it for just after
        that, as with `tardy` what read the clock only then; when the next is (ns of the session), None for none."""
        at, before = self._unix_ms(now), self._unix_ms(to)
        later = before if now < to or self.next is None else self._unix_ms(max(to, self.next))
        call = f"__reenactClock.run({at!r}, {before!r}, {later!r}{', true' if tardy else ''})"
        if held:
            call = f"__reenactClock.hold({at!r}), {call}"
        told = self._ask(call)
        if self._browser.workers:
            run = f"__reenactClock.run({at!r}, {before!r}, {later!r})"
            for _ in range(_MOST_ROUNDS):
                told |= self._browser.workers.call(run)
                if not self._talk():
                    break
                told |= self._ask(run)
        first: int | None = None
        for context, one in told.items():
            if not (isinstance(one, list) and len(one) == 4):
                continue
            if isinstance(one[1], int | float):
                due = int(one[1] * 1e6) - self._unix_ns
                first = due if first is None else min(first, due)
            if isinstance(one[2], int | float):
                self._latest = max(self._latest, int(one[2] * 1e6) - self._unix_ns)
            if isinstance(one[3], int) and one[3] and len(self.departed) < _MOST_DOCUMENTS:
                self.departed[context] = one[3]
        return first

    def _talk(self) -> bool:
        """Has pages and workers take what they sent each other, until nobody says more. Returns whether anybody did."""
        workers = self._browser.workers
        for rounds in range(_MOST_ROUNDS):
            if not workers:
                return rounds > 0
            before, self._said = self._said, workers.call("__reenactClock.turn()")
            if self._said == before:
                return rounds > 0
            self._ask("__reenactClock.turn()")
        return True

    def _ask(self, call: str) -> dict[str, object]:
        """Script context -> what the call gave there, in every frame."""
        started = [one for tab in self._browser.pages for one in self._begin(tab, call)]
        told: dict[str, object] = {}
        for context, number in started:
            try:
                told[context] = self._browser.value(number)
            except Failed:  # the document is gone
                continue
        return told

    def _begin(self, tab: Tab, call: str) -> list[tuple[str, int]]:
        return [
            (frame.main, self._browser.begin(tab, frame.main, call))
            for frame in tab.frames.values()
            if frame.main and not tab.deaf
        ]

    def _unix_ms(self, now: int) -> float:
        return (self._unix_ns + now) / 1e6
