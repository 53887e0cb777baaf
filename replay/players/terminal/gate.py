"""When may the next key be typed? Answered by the program's state, never by the recorded time alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from replay.plan import Browse, Plan, Resize, Send
from replay.players.terminal.outcome import Bounds, Missed, Processes
from replay.players.terminal.output import TerminalOutput
from replay.players.terminal.waiting import Foreground, TerminalWatch

_LOOK_EVERY = 0.001
_FLOOD = 64 << 10
"""Bytes by which the output of a program that goes on and on has passed the recorded place of a key."""
_LEISURE = 5.0
"""Of a pause before a key, the seconds that output gets to come as far as it had, while the program rests."""
_SUGGESTED = 0.5
"""The same for what a shell's line editor shows by itself: a suggestion, a list to choose from."""
_REDRAWN = 8
"""Bytes of such output that keys typed in one write may save."""
_LAST_WORDS = 1_000_000_000
"""Nanoseconds that a program gets to end after its terminal was closed."""
_TYPED, _SHOWN = 30_000_000, 10_000_000
"""Nanoseconds after which what was typed, or shown, has certainly come through the terminal."""
_EVER = 1 << 62
_TENDED = 0.02
"""Seconds."""
_BACKGROUND = 3.0
"""Seconds for a job in the background to show what it had shown before the next key."""


class Gate:
    """Waits for the states in which the recording went on.

    `settle` is told the command number whenever the shell is at rest, `progress` the same for whoever watches.
    """

    def __init__(
        self,
        plan: Plan,
        processes: Processes,
        watch: TerminalWatch,
        output: TerminalOutput,
        bounds: Bounds,
        settle: Callable[[int], None],
        progress: Callable[[int], None] | None,
    ) -> None:
        self._plan = plan
        self._processes = processes
        self._watch = watch
        self._output = output
        self._bounds = bounds
        self._settle = settle
        self._progress = progress
        self._settled = -1
        self.pause = 0.0
        """Seconds for which the expert waited before the key that is due."""
        self._lag = 0
        """Bytes that the running command was behind the recording when it got its last key."""
        self._before: frozenset[tuple[int, str, int]] | None = None
        self._sent_at = output.started
        self.waited = 0
        """Nanoseconds spent here."""

    def look(self) -> Foreground | None:
        """Who is in the foreground, and what they do."""
        return self._watch.look(self._processes.processes())

    def typing(self, action: Send, look: Foreground | None, line_mode: bool) -> None:
        """`action` is typed now, into what `look` saw."""
        self._lag = self._behind_prompt(action) if action.at_prompt else self._behind(action)
        if action.closes:
            self._lag = 0
        self._before = look.waiting if look and not line_mode else None
        self._sent_at = time.monotonic_ns()

    def await_send(self, want: Send) -> tuple[str, str, bool] | None:
        """None when `want` may be typed now, else (awaited, seen, whether to stop)."""
        begin = time.monotonic_ns()
        duration = self._plan.durations.get(self._output.commands, 0) / 1e9
        previous: Foreground | None = None
        still_since = begin
        try:
            while True:
                self._output.pump(_LOOK_EVERY)
                now = time.monotonic_ns()
                if self._output.ended:
                    return _describe(want), "the program had ended", True
                over = not want.at_prompt and self._output.ready and self._output.commands >= want.commands
                if not want.at_prompt and not want.ahead:
                    if self._output.commands > want.commands:
                        return _describe(want), f"command {self._output.commands} had started", False
                    if over:
                        return _describe(want), "the command had ended", False
                look = self.look()
                # A program that wakes by the clock, shows nothing and waits again stays at rest.
                if _resting(look) != _resting(previous) or self._output.last > still_since:
                    still_since = now
                stable = previous is not None and look == previous
                previous = look
                if look is None:
                    continue
                blocked = look.rests and self._watch.unread() == 0
                still = (now - still_since) / 1e9
                if want.at_prompt or over:
                    place = self._output.ready and self._output.commands >= want.commands
                else:
                    place = not self._output.ready and self._output.commands == want.commands
                if place and self._may_type(want, look, blocked, stable, still, over, now):
                    if want.at_prompt and self._settled != self._output.commands:
                        self._settled = self._output.commands
                        self._settle(self._output.commands)
                        if self._progress:
                            self._progress(self._output.commands)
                    return None
                waits = self._waits_for_time(want, look, blocked, place, over, still, now)
                self._processes.pass_time(want.t if waits else None)
                elapsed = (now - begin) / 1e9
                if self._over_time(elapsed, still, blocked, duration, now):
                    return _describe(want), self.seen(look, blocked), True
        finally:
            self.waited += time.monotonic_ns() - begin

    def _may_type(
        self, want: Send, look: Foreground, blocked: bool, stable: bool, still: float, over: bool, now: int
    ) -> bool:
        if want.at_prompt or over:
            rests = blocked and stable and (self._woke(look, now) or not self._sent_here())
            if want.at_prompt and self._behind_prompt(want) > self._lag + _REDRAWN:
                # What the expert saw by then may come by and by: a suggestion, a list to choose from.
                rests = rests and still >= min(self.pause, _SUGGESTED)
            return rests and not self._due_from_background(want, still)
        same = want.ahead or look.runs(want.foreground)
        state = same and self._watch.modes() == (want.icanon, want.echo)
        behind = self._behind(want)
        progressed = behind <= self._lag
        if blocked and stable and self._woke(look, now):
            if state:
                if progressed:
                    return not look.nested or still >= 0.03
                # What the expert saw before this key may come by the clock, or from a program on a terminal within
                # this one: tmux, script, an editor's shell.
                return still >= (1 + 2 * self.pause if look.nested else 0.03 + min(self.pause, _LEISURE))
            return progressed and still >= 0.5 and self._remark(want, look)
        # A program that does not read its terminal gets its key (mostly ^C) once it has shown as much as then; one
        # that shows without end, once it has shown more.
        flood = self._output.since_command - want.progress >= _FLOOD
        return state and progressed and (flood or still >= (0.3 if look.busy else 0.06))

    def _waits_for_time(
        self, want: Send, look: Foreground, blocked: bool, place: bool, over: bool, still: float, now: int
    ) -> bool:
        """Whether the key waits for nothing but what the program does by itself, so that a sleep may be skipped which
        ended before the key in the recording."""
        if self._fresh(now) or (look.waiting and not blocked):
            return False
        if not place:
            return True
        if want.at_prompt or over:
            return self._due_from_background(want, still)
        if self._behind(want) > self._lag:
            return True
        state = (want.ahead or look.runs(want.foreground)) and self._watch.modes() == (want.icanon, want.echo)
        return not state and not blocked  # else it is typed in a moment

    def _fresh(self, now: int) -> bool:
        """Something was shown or typed a moment ago, and may be on its way through the terminal."""
        return now - self._sent_at < _TYPED or now - self._output.last < _SHOWN

    def _behind(self, want: Send) -> int:
        """Bytes of output that the running command has not shown yet, of those that preceded this key."""
        return max(0, want.progress - self._output.since_command)

    def _behind_prompt(self, want: Send) -> int:
        """The same for what a prompt's line editor showed."""
        return max(0, want.progress - self._output.since_ready)

    def _due_from_background(self, want: Send, still: float) -> bool:
        """A job in the background has not shown yet what the expert saw before typing on."""
        if not want.at_prompt or self._output.since_ready >= want.progress or still > _BACKGROUND:
            return False
        return len(self._processes.processes()) > 1

    def _woke(self, look: Foreground, now: int) -> bool:
        """Whoever waited when the last key was sent has woken since; or nobody ever will."""
        return self._before is None or look.waiting != self._before or now - self._sent_at > 150_000_000

    def _sent_here(self) -> bool:
        return self._before is not None

    def _remark(self, want: Send, look: Foreground) -> bool:
        modes = self._watch.modes()
        self._output.remarks.append(
            f"{_describe(want)}: typed into {look.command} with line mode {modes[0]}, echo {modes[1]}"
        )
        return True

    def _over_time(self, elapsed: float, still: float, blocked: bool, duration: float, now: int) -> bool:
        if (now - self._output.started) / 1e9 > self._bounds.total:
            return True
        if blocked:
            return still > self._bounds.idle + 3 * duration
        return elapsed > self._bounds.busy + 10 * duration

    def await_prompt(self, commands: int) -> bool:
        """At the prompt after this many commands, at rest."""
        want = Send(
            data=b"", t=_EVER, prompts=0, commands=commands, at_prompt=True, icanon=False, echo=False,
            foreground="", hidden=False, progress=0, ahead=False, closes=False,
        )  # fmt: skip
        return self.await_send(want) is None

    def tend(self) -> None:
        """Takes what programs show, for a moment, while something else than the terminal is played."""
        self._output.pump(_TENDED)
        self._processes.pass_time(None)

    def await_progress(self, action: Resize | Browse) -> None:
        """A resize comes when as much was shown as then, or nothing more comes: it is never worth giving up for."""
        begin = still_since = time.monotonic_ns()
        previous: Foreground | None = None
        while not self._output.ended and self._output.commands <= action.commands:
            self._output.pump(_LOOK_EVERY)
            now = time.monotonic_ns()
            self._processes.pass_time(None)
            look = self.look()
            if look != previous or look is None or not look.rests or self._output.last > still_since:
                still_since = now
            previous = look
            there = self._output.commands == action.commands
            progressed = there and self._output.since_command >= action.progress
            still = now - still_since
            if (progressed and still > 0) or (there and still > 50_000_000) or now - begin > 2_000_000_000:
                return

    def finish(self) -> Missed | None:
        """After the last key: the recorded program ended, or the recording stopped with it waiting."""
        begin = time.monotonic_ns()
        duration = self._plan.durations.get(self._output.commands, 0) / 1e9
        previous: Foreground | None = None
        still_since = begin
        hung_up = 0
        while not self._output.ended:
            self._output.pump(0.002)
            now = time.monotonic_ns()
            look = self.look()
            if _resting(look) != _resting(previous) or self._output.last > still_since:
                still_since = now
            previous = look
            blocked = look is not None and look.rests
            still = (now - still_since) / 1e9
            if blocked and still > 0.2 and not hung_up:
                if self._plan.hangs_up:
                    self._watch.hang_up()
                    hung_up = still_since = now
                elif not self._plan.ends:
                    return None
            waits = self._plan.ends and not self._plan.hangs_up and not blocked and not self._fresh(now)
            self._processes.pass_time(_EVER if waits else None)
            if hung_up and not (look and look.names and now - hung_up < _LAST_WORDS):
                self._watch.let_go()
            if self._over_time((now - begin) / 1e9, still, blocked, duration, now):
                what = "the end of the program" if self._plan.ends else "the program to rest"
                return Missed(
                    len(self._plan.actions),
                    self._output.commands,
                    what,
                    self.seen(look, blocked),
                    self._output.lines(),
                )
        return None

    def seen(self, look: Foreground | None = None, blocked: bool = False) -> str:
        if self._output.ended:
            return "the program had ended"
        where = (
            f"at the prompt after command {self._output.commands}"
            if self._output.ready
            else f"in command {self._output.commands}"
        )
        if look is None:
            return where
        doing = "waiting for input" if blocked else "working" if look.busy else "waiting for something else"
        return f"{where}, {look.command or 'nothing'} in the foreground, {doing}"


def _resting(look: Foreground | None) -> tuple[int, str, bool, bool] | None:
    return look and (look.group, look.command, look.rests, look.nested)


def _describe(want: Send) -> str:
    if want.at_prompt:
        return f"the prompt after command {want.commands}"
    echo = "" if want.echo else " without echo"
    mode = "line" if want.icanon else "key"
    return f"{want.foreground} reading in {mode} mode{echo} in command {want.commands}"
