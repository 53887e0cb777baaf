"""What a play-through is given and brings back."""

from __future__ import annotations

from typing import IO, NamedTuple, Protocol

from msgspec import Struct

from recorder.trace.events import Input, Resized
from recorder.trace.marks import Mark


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
    """The payload's processes."""

    def processes(self) -> list[int]:
        """Host pids."""

    def pass_time(self, until: int | None) -> bool:
        """To be called all the time. Skips to the end of their next sleep, if it is shown as ending before `until` (ns
        since the session's start) and nothing could happen before; with None only lets skipped sleeps end."""
