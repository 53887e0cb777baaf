"""Does a terminal's part of a trace again: types what was typed, waiting on state before every key."""

from __future__ import annotations

import fcntl
import struct
import termios
import time
from collections.abc import Callable, Iterable

from recorder.trace.events import Change, Resized
from replay.plan import Action, Browse, Edit, Plan, Resize, Send
from replay.players.terminal.gate import Gate
from replay.players.terminal.outcome import Bounds, Missed, Processes, Reached
from replay.players.terminal.output import TerminalOutput
from replay.players.terminal.waiting import TerminalWatch

_DUMMY_SECRET = b"reenact-hidden-input"


class TerminalPlayer:
    """One terminal, one pass. Holds the PTY's master; the program already runs (or is about to) on its slave.

    `clock` is told the recorded time (ns since the recording's start) before a line is submitted at a prompt;
    `edit` applies recorded file changes; `settle` is told the command number whenever the shell is at rest. `browse`
    has the browser do its part; it must call what it is given all the time meanwhile, so that programs here go on.
    """

    def __init__(
        self,
        plan: Plan,
        processes: Processes,
        master: int,
        *,
        bounds: Bounds,
        clock: Callable[[int], None] | None,
        edit: Callable[[Iterable[Change]], None],
        settle: Callable[[int], None],
        progress: Callable[[int], None] | None = None,
        browse: Callable[[Browse, Callable[[], None]], None] = lambda action, tend: None,
    ) -> None:
        self._plan = plan
        self._browse = browse
        self._master = master
        self._watch = TerminalWatch(master)
        self._output = TerminalOutput(plan, master, self._watch, bounds.output)
        self._gate = Gate(plan, processes, self._watch, self._output, bounds, settle, progress)
        self._clock = clock
        self._edit = edit
        self._settle = settle
        self._resizes: list[Resized] = []
        self._missed: list[Missed] = []

    # -- the pass -------------------------------------------------------------------------------

    def run(self) -> Reached:
        """Plays every action. Returns even when the program never reaches a state; `fatal` then says which."""
        fatal: Missed | None = None
        before = 0
        for index, action in enumerate(self._plan.actions):
            self._gate.pause, before = max(0, action.t - before) / 1e9, action.t
            outcome = self._perform(index, action)
            if outcome is None:
                continue
            missed, stop = outcome
            self._missed.append(missed)
            if stop:
                fatal = missed
                break
        if fatal is None and not self._output.ended:
            fatal = self._gate.finish()
            if fatal:
                self._missed.append(fatal)
        if self._output.ended:
            self._settle(self._output.commands)
        output = self._output
        output.file.flush()
        return Reached(
            output=output.file,
            size=output.size,
            marks=output.marks,
            frames=output.frames,
            inputs=output.inputs,
            resizes=self._resizes,
            missed=self._missed,
            fatal=fatal,
            waited_ns=self._gate.waited,
            remarks=output.remarks,
            ended=output.ended,
        )

    def _perform(self, index: int, action: Action) -> tuple[Missed, bool] | None:
        match action:
            case Send():
                problem = self._gate.await_send(action)
                if problem is not None:
                    what, saw, stop = problem
                    command = action.commands + (1 if action.at_prompt else 0)
                    return Missed(index, command, what, saw, self._output.lines()), stop
                if action.submits and self._clock:
                    self._clock(action.t)
                self._type(action)
            case Edit():
                if self._gate.await_prompt(action.commands):
                    self._edit(action.changes)
                else:
                    what = f"the prompt after command {action.commands}, to apply an edit"
                    return Missed(index, action.commands, what, self._gate.seen(), self._output.lines()), True
            case Browse():
                if action.at_prompt and not self._gate.await_prompt(action.commands):
                    what = f"the prompt after command {action.commands}, to go on in the browser"
                    return Missed(index, action.commands, what, self._gate.seen(), self._output.lines()), True
                self._gate.await_progress(action)
                self._browse(action, self._gate.tend)
            case Resize():
                self._gate.await_progress(action)
                self._resizes.append(
                    Resized(
                        t=self.now(),
                        source=self._plan.terminal.source,
                        cols=action.cols,
                        rows=action.rows,
                        offset=self._output.size,
                    )
                )
                size = struct.pack("HHHH", action.rows, action.cols, 0, 0)
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)
                self._output.resize(action.cols, action.rows)
        return None

    @property
    def commands(self) -> int:
        """How many commands are known to have started."""
        return self._output.commands

    def now(self) -> int:
        """Nanoseconds since the pass began."""
        return time.monotonic_ns() - self._output.started

    def _type(self, action: Send) -> None:
        look = self._gate.look()
        typed = self._output.input(action.data, foreground=look.command if look else "", hidden=action.hidden)
        self._output.inputs.append(typed)
        self._gate.typing(action, look, typed.icanon)
        data = action.data
        if action.hidden:
            data = _DUMMY_SECRET + data
        if action.closes:
            self._output.entered = True  # what comes next is another prompt
        self._output.write(data)
