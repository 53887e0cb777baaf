"""Whose change it was: the notices of the terminal and the scans, put together into events.

The rules. What a scan finds at a prompt was done by the commands since the last scan. A scan takes time, and
the next command may begin meanwhile: what cannot be told apart for certain is carried over and told of both
(`first` < `last`). What appears while the prompt waits was done by a background job, if the terminal's session
has one (then it is a late change of the last command), else by another program: an edit.
No file, process or clock is touched here; the caller hands in what they say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from recorder.trace.changes import compose
from recorder.trace.events import Change

HOLD_NS = 50_000_000
"""How long the changes of a command wait for the sign that its successor had been typed ahead."""


class Changed(NamedTuple):
    """Commands `first` to `last` made the changes."""

    first: int
    last: int
    changes: list[Change]


class Edited(NamedTuple):
    """Another program made the changes after `commands` commands."""

    commands: int
    changes: list[Change]


class Attribution:
    """Feed notices and the passing of time, in order; `tell` gets the results.

    `scan()` returns what changed since it was last called; `moment(change)` when that happened (CLOCK_BOOTTIME,
    no later than it did but for `tick` ns; None: nobody knows); `jobs()` whether background jobs live.
    """

    def __init__(
        self,
        *,
        scan: Callable[[], list[Change]],
        moment: Callable[[Change], int | None],
        jobs: Callable[[], bool],
        tell: Callable[[Changed | Edited], None],
        tick: int,
    ) -> None:
        self._scan = scan
        self._moment = moment
        self._jobs = jobs
        self._tell = tell
        self._tick = tick
        self._commands = 0
        self._first: int | None = None
        self._at_prompt = False
        self._entered = False
        self._held: list[Change] = []
        self._scanned = 0
        self._release: int | None = None
        self._quiet = 0

    @property
    def deadline(self) -> int | None:
        """When `wait` must be called at the latest."""
        return self._release

    @property
    def idle(self) -> bool:
        """Whether the prompt waits, nothing typed and nothing held: changes now are edits or late ones."""
        return self._at_prompt and not self._entered and self._first is None and self._release is None

    def quiet(self, now: int) -> None:
        """The caller looked for notices at `now` and there was none left."""
        self._quiet = now

    def prompt(self, now: Callable[[], int], *, more: bool) -> None:
        """A prompt is ready. With `more` an Enter or a command is known to follow already."""
        self._at_prompt = True
        self._entered = False
        self._release = None
        if more and self._first is not None:
            return  # the next command runs: a scan could not tell them apart
        self._look(now)
        self._release = now() + HOLD_NS if self._first is not None else now()

    def enter(self, at: int | None, now: Callable[[], int]) -> None:
        """Enter goes to the prompt, at time `at` where the notice says it."""
        if not self._at_prompt or self._entered:
            self._entered = True
            return
        self._entered = True
        if self._first is not None and self._release is None:
            return  # unscanned: carried over
        self._part(self._quiet if at is None else at, now)

    def command(self, n: int, now: Callable[[], int]) -> None:
        """Command n starts."""
        if self._at_prompt and not self._entered and self._first is None:
            # By a key that is not Enter: it was typed after the last quiet moment.
            self._part(self._quiet, now)
        self._release = None
        if self._first is None:
            self._first = min(n, self._commands + 1)
        self._commands = max(n, self._commands)
        self._at_prompt = False
        self._entered = False

    def look(self, now: Callable[[], int]) -> None:
        """Files were touched while `idle`: finds out what, and tells it unless Enter comes first."""
        self._look(now)
        self._release = now()

    def wait(self, now: int) -> None:
        """Time passes and no notice is left."""
        if self._release is not None and now >= self._release:
            self._release = None
            self._flush()

    def end(self) -> None:
        """Nothing more will happen."""
        self._release = None
        self._held = compose([self._held, self._scan()])
        self._flush()

    def _look(self, now: Callable[[], int]) -> None:
        self._held = compose([self._held, self._scan()])
        self._scanned = now()

    def _part(self, at: int, now: Callable[[], int]) -> None:
        """Tells what happened before `at` for certain; the rest is carried over to the next command."""
        self._release = None
        carried: list[Change] = []
        first = None
        if self._first is not None:
            if at < self._scanned:
                self._held, carried = self._split(self._held, at)
            # What the command left in doubt may be its own or its successor's.
            first = self._commands if carried else None
            self._flush()
        found = compose([self._held, self._scan()])
        self._held, doubtful = self._split(found, at)
        self._flush()
        self._held = compose([carried, doubtful])
        self._first = first

    def _split(self, changes: list[Change], at: int) -> tuple[list[Change], list[Change]]:
        before: list[Change] = []
        after: list[Change] = []
        for change in changes:
            moment = self._moment(change)
            (before if moment is not None and moment + self._tick < at else after).append(change)
        return before, after

    def _flush(self) -> None:
        held, first = self._held, self._first
        self._held, self._first = [], None
        if not held:
            return
        if first is not None:
            self._tell(Changed(first, self._commands, held))
        elif self._commands and self._jobs():
            self._tell(Changed(self._commands, self._commands, held))
        else:
            self._tell(Edited(self._commands, held))
