"""Does a terminal's part of a trace again: types what was typed, waiting on state before every key."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import struct
import tempfile
import termios
import time
from collections.abc import Callable, Iterable
from typing import IO, NamedTuple, Protocol

from msgspec import Struct

from recorder.trace.answers import Answers
from recorder.trace.events import Change, Input, Resized
from recorder.trace.marks import Mark, MarkScanner, Progress
from recorder.trace.screen import Screen
from replay.plan import Action, Edit, Plan, Resize, Send
from replay.players.terminal.waiting import Foreground, TerminalWatch

_QUERY = re.compile(rb"\x1b\[[>=?!]?[\d;]*(?:\$p|[cnqtu])|\x1b\][\d;]*;\?|\x1bP[+$]q|\x1b\[\?u|\x1bZ|\x05")
"""What a terminal answers. Only output that holds one is worth an emulator's time."""

_DUMMY_SECRET = b"reenact-hidden-input"
_TAIL = 32768
_LOOK_EVERY = 0.001
_REPLY_WAIT = 200_000_000
_FLOOD = 64 << 10
"""Bytes by which the output of a program that goes on and on has passed the recorded place of a key."""
_SUGGESTED = 0.5
"""The same for what a line editor shows by itself."""
_REDRAWN = 8
"""Bytes of it that keys typed in one write may save."""
_LEISURE = 5.0
"""Of a pause before a key, the seconds that output gets to come as far as it had, while the program rests."""
_LAST_WORDS = 1_000_000_000
"""Nanoseconds that a program gets to end after its terminal was closed."""
_BACKGROUND = 3.0
"""Seconds for a job in the background to show what it had shown before the next key."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds, and how much output to take, in bytes, before giving up on a state."""

    idle: float = 5.0
    """A program that reads its terminal while the recording had moved on gets this, plus thrice its recorded time."""
    busy: float = 30.0
    """A program that works gets this, plus ten times its recorded time."""
    total: float = 3600.0
    output: int = 256 << 20


class Missed(NamedTuple):
    """A wait that ended without the awaited state. `what` names it; `saw` says what was there instead."""

    action: int
    command: int
    what: str
    saw: str
    screen: tuple[str, ...]


class Reached(Struct, kw_only=True):
    """What a play-through brought back."""

    output: IO[bytes]
    """Raw output, marks included, in a private unnamed file; the caller closes it."""
    size: int
    marks: list[tuple[int, Mark]]
    frames: list[tuple[int, int]]
    """(time in ns since the start, raw output offset before) per read."""
    inputs: list[Input]
    """What was typed, with the state it was typed into, told as a recording would."""
    resizes: list[Resized]
    missed: list[Missed]
    fatal: Missed | None
    """Set where the play-through had to stop; what follows was not reached."""
    waited_ns: int
    remarks: list[str]
    ended: bool


class Processes(Protocol):
    """The payload's processes, as host pids."""

    def processes(self) -> list[int]: ...


class TerminalPlayer:
    """One terminal, one pass. Holds the PTY's master; the program already runs (or is about to) on its slave.

    `clock` is told the recorded time (ns since the recording's start) before a line is submitted at a prompt;
    `edit` applies recorded file changes; `settle` is told the command number whenever the shell is at rest.
    """

    def __init__(
        self,
        plan: Plan,
        processes: Processes,
        master: int,
        slave_name: str,
        *,
        bounds: Bounds,
        clock: Callable[[int], None] | None,
        edit: Callable[[Iterable[Change]], None],
        settle: Callable[[int], None],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._plan = plan
        self._processes = processes
        self._master = master
        self._watch = TerminalWatch(master, slave_name)
        self._bounds = bounds
        self._clock = clock
        self._edit = edit
        self._settle = settle
        self._progress = progress
        self._scanner = MarkScanner(plan.terminal.nonce.encode())
        self._replies = bytearray()
        self._screen = Screen(
            plan.terminal.cols,
            plan.terminal.rows,
            answer=self._replies.extend,
            answers=Answers.recorded(reply.data for reply in plan.replies),
        )
        self._replied = 0
        self._asked = 0
        self._tail = bytearray()
        self._started = time.monotonic_ns()
        self._last_output = self._started
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
        self._size = 0
        self._marks: list[tuple[int, Mark]] = []
        self._frames: list[tuple[int, int]] = []
        self._inputs: list[Input] = []
        self._resizes: list[Resized] = []
        self._shell = Progress()
        self._command_offset = 0
        self._ready_offset = 0
        self._entered = True
        """A line was submitted (or the shell has just started): the prompt in sight is not the next one."""
        self._settled = -1
        self._ended = False
        self._pause = 0.0
        """Seconds for which the expert waited before the key that is due."""
        self._lag = 0
        """Bytes that the running command was behind the recording when it got its last key."""
        self._before: frozenset[tuple[int, str, int]] | None = None
        self._sent_at = self._started
        self._waited = 0
        self._remarks: list[str] = []
        self._missed: list[Missed] = []
        os.set_blocking(master, False)

    # -- the pass -------------------------------------------------------------------------------

    def run(self) -> Reached:
        """Plays every action. Returns even when the program never reaches a state; `fatal` then says which."""
        fatal: Missed | None = None
        before = 0
        for index, action in enumerate(self._plan.actions):
            self._pause, before = max(0, action.t - before) / 1e9, action.t
            outcome = self._perform(index, action)
            if outcome is None:
                continue
            missed, stop = outcome
            self._missed.append(missed)
            if stop:
                fatal = missed
                break
        if fatal is None and not self._ended:
            fatal = self._finish()
            if fatal:
                self._missed.append(fatal)
        if self._ended:
            self._settle(self._commands)
        self._output.flush()
        return Reached(
            output=self._output,
            size=self._size,
            marks=self._marks,
            frames=self._frames,
            inputs=self._inputs,
            resizes=self._resizes,
            missed=self._missed,
            fatal=fatal,
            waited_ns=self._waited,
            remarks=self._remarks,
            ended=self._ended,
        )

    def _perform(self, index: int, action: Action) -> tuple[Missed, bool] | None:
        match action:
            case Send():
                problem = self._await_send(action)
                if problem is not None:
                    what, saw, stop = problem
                    command = action.commands + (1 if action.at_prompt else 0)
                    return Missed(index, command, what, saw, self._shown()), stop
                if action.submits and self._clock:
                    self._clock(action.t)
                self._lag = self._behind_prompt(action) if action.at_prompt else self._behind(action)
                if action.closes:
                    self._lag = 0
                self._type(action)
            case Edit():
                if self._await_prompt(action.commands):
                    self._edit(action.changes)
                else:
                    what = f"the prompt after command {action.commands}, to apply an edit"
                    return Missed(index, action.commands, what, self._seen(), self._shown()), True
            case Resize():
                self._await_progress(action)
                self._resizes.append(
                    Resized(
                        t=self.now(),
                        source=self._plan.terminal.source,
                        cols=action.cols,
                        rows=action.rows,
                        offset=self._size,
                    )
                )
                size = struct.pack("HHHH", action.rows, action.cols, 0, 0)
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)
                self._feed_screen()
                self._screen.resize(action.cols, action.rows)
        return None

    def now(self) -> int:
        """Nanoseconds since the pass began."""
        return time.monotonic_ns() - self._started

    def _type(self, action: Send) -> None:
        look = self._watch.look(self._processes.processes())
        line_mode, echo = self._watch.modes()
        self._inputs.append(
            Input(
                t=self.now(),
                source=self._plan.terminal.source,
                data=action.data,
                offset=self._size,
                prompts=self._shell.prompts,
                commands=self._commands,
                at_prompt=self._ready,
                icanon=line_mode,
                echo=echo,
                foreground=look.command if look else "",
                hidden=action.hidden,
                reply=False,
            )
        )
        self._before = look.waiting if look and not line_mode else None
        self._sent_at = time.monotonic_ns()
        data = action.data
        if action.hidden:
            data = _DUMMY_SECRET + data
        if action.closes:
            self._entered = True  # what comes next is another prompt
        self._write(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._ended:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                self._pump(_LOOK_EVERY)
            except OSError:
                return

    @property
    def _commands(self) -> int:
        return self._shell.commands

    @property
    def _ready(self) -> bool:
        """At a prompt that nothing was submitted at yet."""
        return self._shell.at_prompt and not self._entered

    # -- waiting --------------------------------------------------------------------------------

    def _await_send(self, want: Send) -> tuple[str, str, bool] | None:
        """None when `want` may be typed now, else (awaited, seen, whether to stop)."""
        begin = time.monotonic_ns()
        duration = self._plan.durations.get(self._commands, 0) / 1e9
        previous: Foreground | None = None
        still_since = begin
        try:
            while True:
                self._pump(_LOOK_EVERY)
                now = time.monotonic_ns()
                if self._ended:
                    return _describe(want), "the program had ended", True
                over = not want.at_prompt and self._ready and self._commands >= want.commands
                if not want.at_prompt and not want.ahead:
                    if self._commands > want.commands:
                        return _describe(want), f"command {self._commands} had started", False
                    if over:
                        return _describe(want), "the command had ended", False
                look = self._watch.look(self._processes.processes())
                # A program that wakes by the clock, shows nothing and waits again stays at rest.
                if _resting(look) != _resting(previous) or self._last_output > still_since:
                    still_since = now
                stable = previous is not None and look == previous
                previous = look
                if look is None:
                    continue
                blocked = look.rests and self._watch.unread() == 0
                still = (now - still_since) / 1e9
                if want.at_prompt or over:
                    place = self._ready and self._commands >= want.commands
                else:
                    place = not self._ready and self._commands == want.commands
                if place and self._may_type(want, look, blocked, stable, still, over, now):
                    if want.at_prompt and self._settled != self._commands:
                        self._settled = self._commands
                        self._settle(self._commands)
                        if self._progress:
                            self._progress(self._commands)
                    return None
                elapsed = (now - begin) / 1e9
                if self._over_time(elapsed, still, blocked, duration, now):
                    return _describe(want), self._seen(look, blocked), True
        finally:
            self._waited += time.monotonic_ns() - begin

    def _may_type(
        self, want: Send, look: Foreground, blocked: bool, stable: bool, still: float, over: bool, now: int
    ) -> bool:
        if want.at_prompt or over:
            rests = blocked and stable and (self._woke(look, now) or not self._sent_here())
            if want.at_prompt and self._behind_prompt(want) > self._lag + _REDRAWN:
                # What the expert saw by then may come by and by: a suggestion, a list to choose from.
                rests = rests and still >= min(self._pause, _SUGGESTED)
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
                return still >= (1 + 2 * self._pause if look.nested else 0.03 + min(self._pause, _LEISURE))
            return progressed and still >= 0.5 and self._remark(want, look)
        # A program that does not read its terminal gets its key (mostly ^C) once it has shown as much as then; one
        # that shows without end, once it has shown more.
        flood = self._size - self._command_offset - want.progress >= _FLOOD
        return state and progressed and (flood or still >= (0.3 if look.busy else 0.06))

    def _behind(self, want: Send) -> int:
        """Bytes of output that the running command has not shown yet, of those that preceded this key."""
        return max(0, want.progress - (self._size - self._command_offset))

    def _behind_prompt(self, want: Send) -> int:
        """The same for what a prompt's line editor showed."""
        return max(0, want.progress - (self._size - self._ready_offset))

    def _due_from_background(self, want: Send, still: float) -> bool:
        """A job in the background has not shown yet what the expert saw before typing on."""
        if not want.at_prompt or self._size - self._ready_offset >= want.progress or still > _BACKGROUND:
            return False
        return len(self._processes.processes()) > 1

    def _woke(self, look: Foreground, now: int) -> bool:
        """Whoever waited when the last key was sent has woken since; or nobody ever will."""
        return self._before is None or look.waiting != self._before or now - self._sent_at > 150_000_000

    def _sent_here(self) -> bool:
        return self._before is not None

    def _remark(self, want: Send, look: Foreground) -> bool:
        modes = self._watch.modes()
        self._remarks.append(
            f"{_describe(want)}: typed into {look.command} with line mode {modes[0]}, echo {modes[1]}"
        )
        return True

    def _over_time(self, elapsed: float, still: float, blocked: bool, duration: float, now: int) -> bool:
        if (now - self._started) / 1e9 > self._bounds.total:
            return True
        if blocked:
            return still > self._bounds.idle + 3 * duration
        return elapsed > self._bounds.busy + 10 * duration

    def _await_prompt(self, commands: int) -> bool:
        """At the prompt after this many commands, at rest."""
        want = Send(
            data=b"", t=0, prompts=0, commands=commands, at_prompt=True, icanon=False, echo=False,
            foreground="", hidden=False, progress=0, ahead=False, closes=False,
        )  # fmt: skip
        return self._await_send(want) is None

    def _await_progress(self, action: Resize) -> None:
        """A resize comes when as much was shown as then, or nothing more comes: it is never worth giving up for."""
        begin = still_since = time.monotonic_ns()
        previous: Foreground | None = None
        while not self._ended and self._commands <= action.commands:
            self._pump(_LOOK_EVERY)
            now = time.monotonic_ns()
            look = self._watch.look(self._processes.processes())
            if look != previous or look is None or not look.rests or self._last_output > still_since:
                still_since = now
            previous = look
            there = self._commands == action.commands
            progressed = there and self._size - self._command_offset >= action.progress
            still = now - still_since
            if (progressed and still > 0) or (there and still > 50_000_000) or now - begin > 2_000_000_000:
                return

    def _finish(self) -> Missed | None:
        """After the last key: the recorded program ended, or the recording stopped with it waiting."""
        begin = time.monotonic_ns()
        duration = self._plan.durations.get(self._commands, 0) / 1e9
        previous: Foreground | None = None
        still_since = begin
        hung_up = 0
        while not self._ended:
            self._pump(0.002)
            now = time.monotonic_ns()
            look = self._watch.look(self._processes.processes())
            if _resting(look) != _resting(previous) or self._last_output > still_since:
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
            if hung_up and not (look and look.names and now - hung_up < _LAST_WORDS):
                self._watch.let_go()
            if self._over_time((now - begin) / 1e9, still, blocked, duration, now):
                what = "the end of the program" if self._plan.ends else "the program to rest"
                return Missed(
                    len(self._plan.actions), self._commands, what, self._seen(look, blocked), self._shown()
                )
        return None

    # -- output ---------------------------------------------------------------------------------

    def _reply(self) -> None:
        """Answers a program's query, once the terminal is in the modes in which the recorded answer found it."""
        if not self._replies:
            return
        expected = (
            self._plan.replies[min(self._replied, len(self._plan.replies) - 1)]
            if self._plan.replies
            else None
        )
        late = time.monotonic_ns() - self._asked > _REPLY_WAIT
        if expected is None or late or self._watch.modes() == (expected.icanon, expected.echo):
            replies = bytes(self._replies)
            self._replies.clear()
            self._replied += 1
            self._write(replies)

    def _pump(self, timeout: float) -> None:
        """Takes what the terminal shows, waiting at most `timeout` seconds for the first byte."""
        self._reply()
        ready, _, _ = select.select([self._master], [], [], timeout)
        while ready and not self._ended:
            try:
                data = os.read(self._master, 65536)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                self._ended = True
                return
            self._take(data)
            if self._size > self._bounds.output:
                self._remarks.append(f"output over {self._bounds.output} bytes; stopped")
                self._ended = True
            ready, _, _ = select.select([self._master], [], [], 0)

    def _take(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._last_output = now
        t = now - self._started
        self._frames.append((t, self._size))
        self._output.write(data)
        self._size += len(data)
        shown, marks = self._scanner.feed(data)
        for mark in marks:
            self._marks.append((t, mark))
            if self._shell.see(mark):
                if mark.type == "C":
                    self._command_offset = mark.end
                elif mark.type == "R":
                    self._entered = False
                    self._ready_offset = mark.end
        overlap = bytes(self._tail[-32:])
        self._tail += shown
        if len(self._tail) > _TAIL:
            del self._tail[:-_TAIL]
        if _QUERY.search(overlap + shown):
            self._feed_screen()
            self._asked = now

    def _feed_screen(self) -> None:
        self._screen.feed(bytes(self._tail))
        self._tail.clear()

    def _shown(self) -> tuple[str, ...]:
        self._feed_screen()
        return self._screen.lines()

    def _seen(self, look: Foreground | None = None, blocked: bool = False) -> str:
        if self._ended:
            return "the program had ended"
        where = (
            f"at the prompt after command {self._commands}" if self._ready else f"in command {self._commands}"
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
