"""Whose change it was: the notices of the terminal and the scans, put together into events.

The rules. What a scan finds at a prompt was done by the commands since the last scan. A scan takes time or comes
late, and the next command may begin meanwhile: what cannot be told apart for certain is carried over and told of
both (`first` < `last`). Nothing may be left to tell where the second took back what the first had done: that is
told too, for whoever sees the state between them sees something else. What appears while the prompt waits was done
by a background job, if the terminal's session has one (then it is a late change of the last command), else by
another program: an edit.
No file, process or clock is touched here; the caller hands in what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from recorder.trace.changes import compose
from recorder.trace.events import Change
from recorder.trace.watch import NEVER

HOLD_NS = 200_000_000
"""How long the changes of a command wait for the sign that its successor had been typed ahead: it comes through the
relay, which a busy machine may keep waiting."""


class Changed(NamedTuple):
    """Commands `first` to `last` made the changes."""

    first: int
    last: int
    changes: list[Change]


class Edited(NamedTuple):
    """Another program made the changes after `commands` commands."""

    commands: int
    changes: list[Change]


class Found(NamedTuple):
    """A change, and the time (CLOCK_BOOTTIME) by which all of it had happened for certain; None: nobody knows."""

    change: Change
    latest: int | None


class Scanned(NamedTuple):
    """What changed since the last scan.

    `touched`: something was, even if nothing changed by it. `unseen()` gives the time since which nothing was done
    and undone without being found; ask it as soon as it matters, for what happens later counts too.
    """

    found: Iterable[Found]
    touched: bool
    unseen: Callable[[], int]


class Attribution:
    """Feed notices and the passing of time, in order; `tell` gets the results.

    `scan()` says what changed since it was last called; `jobs()` says whether background jobs live.
    """

    def __init__(
        self,
        *,
        scan: Callable[[], Scanned],
        jobs: Callable[[], bool],
        tell: Callable[[Changed | Edited], None],
    ) -> None:
        self._scan = scan
        self._jobs = jobs
        self._tell = tell
        self._commands = 0
        self._first: int | None = None
        self._at_prompt = False
        self._entered = False
        self._held: list[Change] = []
        self._latest: dict[str, int | None] = {}
        self._looks: list[Callable[[], int]] = []
        self._unseen = 0
        self._touched = False
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

    def enter(self, at: int | None) -> None:
        """Enter goes to the prompt, at time `at` where the notice says it."""
        if not self._at_prompt or self._entered:
            self._entered = True
            return
        self._entered = True
        self._part(self._quiet if at is None else at)

    def command(self, n: int) -> None:
        """Command n starts."""
        if self._at_prompt and not self._entered and self._first is None:
            # By a key that is not Enter: it was typed after the last quiet moment.
            self._part(self._quiet)
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
        self._take_in()
        self._flush()

    def _look(self, now: Callable[[], int]) -> None:
        self._take_in()
        self._scanned = now()

    def _take_in(self) -> None:
        scanned = self._scan()
        found = list(scanned.found)
        self._touched = self._touched or scanned.touched
        self._looks.append(scanned.unseen)
        self._latest.update((change.path, latest) for change, latest in found)
        self._held = self._joined(self._held, [change for change, _ in found])

    def _part(self, at: int) -> None:
        """Enter or a command came at `at`: what had happened before is told, the rest carried over."""
        scanned = self._release is not None
        self._release = None
        first = self._first
        carried: list[Change] = []
        unseen = 0
        if first is not None and scanned:
            # A finished scan of the command's own work: nothing of its successor can be in it.
            if self._scanned > at:
                self._held, carried = self._split(self._held, at)
                unseen = self._undone(at)
            self._flush()
        unsure = bool(carried or unseen)
        self._take_in()
        self._held, doubtful = self._split(self._held, at)
        undone = self._undone(at)
        self._flush()
        self._held = self._joined(carried, doubtful)
        self._unseen = max(self._unseen, unseen, undone)
        self._touched = bool(carried or doubtful or self._unseen)
        # What a command left in doubt may be its own or its successor's.
        self._first = first if unsure or (not scanned and (doubtful or undone)) else None

    def _joined(self, *runs: list[Change]) -> list[Change]:
        """The runs as one. What a later one took back is unseen in it."""
        joined = compose(runs)
        for path in {change.path for run in runs for change in run} - {change.path for change in joined}:
            latest = self._latest.get(path)
            self._unseen = max(self._unseen, NEVER if latest is None else latest)
        return joined

    def _split(self, changes: list[Change], at: int) -> tuple[list[Change], list[Change]]:
        before: list[Change] = []
        after: list[Change] = []
        for change in changes:
            latest = self._latest.get(change.path)
            (before if latest is not None and latest <= at else after).append(change)
        return before, after

    def _undone(self, at: int) -> int:
        """The time after `at` until which something may have been done and undone unseen, else 0."""
        self._unseen = max([self._unseen, *(unseen() for unseen in self._looks)])
        self._looks.clear()
        return self._unseen if self._unseen > at else 0

    def _flush(self) -> None:
        held, first, touched = self._held, self._first, self._touched
        self._held, self._first, self._touched = [], None, False
        self._looks.clear()
        self._unseen = 0
        if not held and not (touched and first is not None and first < self._commands):
            return
        if first is not None:
            self._tell(Changed(first, self._commands, held))
        elif self._commands and self._jobs():
            self._tell(Changed(self._commands, self._commands, held))
        else:
            self._tell(Edited(self._commands, held))
