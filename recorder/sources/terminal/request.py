"""What to record of a terminal, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from recorder.sources.terminal import tty
from recorder.sources.terminal.ring import CAPACITY
from recorder.sources.terminal.sidelog import SideLogPaths
from recorder.trace.events import Gap, TerminalStarted

DEFAULT_SIZE = (80, 24)


class Watched(Protocol):
    """Whoever wants to hear that one of his descriptors has become readable."""

    def fileno(self) -> int:
        """The descriptor of now; -1: none."""

    def attend(self) -> None:
        """It is readable. Must not wait, and raises nothing."""


class Redaction(NamedTuple):
    """`vault` is the session's vault file. `side_logs` go from memory to disk with the terminal's record.

    `patience` is how old a record must be before it is written, in ns: until then another process may tell of a
    secret in it.
    """

    vault: Path
    side_logs: tuple[SideLogPaths, ...] = ()
    patience: int = 0


@dataclass(frozen=True, kw_only=True)
class TerminalRequest:
    """What to record.

    `started` is published as the first event, as it is; its `source` ("terminal/1") names the journal
    (`terminal-1.journal` in `folder`). `spawn` starts the program on a terminal of its own making, of so many columns
    and rows, and returns the pid of a child of this process that ends with the program, the program's own pid and the
    terminal's master, which is then ours; None: fork and execute `argv` on a terminal that we make.
    `watched` are the session's other processes: the keeper attends to them when they die. `notify_fds` get the lines
    "S pid", "E t", "C n t", "P n t" (non-blocking, dropped when full). `on_prompt_enter` runs in the relay just before
    an Enter typed at a prompt is forwarded, with its time; it must be cheap and may not raise. `redaction` says how
    secrets are kept out of the journal; None: all is written as it came.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str | os.PathLike[str]
    folder: str | os.PathLike[str]
    nonce: str
    started: TerminalStarted
    shell: str | None = None
    spawn: Callable[[int, int], tuple[int, int, int]] | None = None
    notify_fds: Sequence[int] = ()
    watched: Sequence[Watched] = ()
    on_prompt_enter: Callable[[int], object] | None = None
    stdin: int = 0
    stdout: int = 1
    ring_bytes: int = CAPACITY
    redaction: Redaction | None = None


@dataclass(kw_only=True)
class TerminalResult:
    """What became of it. `exit` is the program's status, minus the signal that killed it, None if nobody saw it.
    `gaps` are all gaps, also those that could not be written. `bytes` counts recorded output."""

    exit: int | None = None
    frames: int = 0
    bytes: int = 0
    gaps: list[Gap] = field(default_factory=list)
    relay_restarts: int = 0
    writer_restarts: int = 0
    outer_terminal_lost: bool = False


def terminal_size(stdin: int = 0, stdout: int = 1) -> tuple[int, int]:
    """(columns, rows) of the expert's terminal; without one COLUMNS and LINES, or 80x24."""
    size = tty.size(stdin) or tty.size(stdout)
    if size is not None:
        return size
    wanted = []
    for name, default in zip(("COLUMNS", "LINES"), DEFAULT_SIZE, strict=True):
        text = os.environ.get(name, "")
        number = int(text) if text.isascii() and text.isdigit() else 0
        wanted.append(number if 0 < number < 65536 else default)
    return wanted[0], wanted[1]
