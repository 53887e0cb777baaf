"""What each step showed, from events and raw output: the same function for a recording and for its replay."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from recorder.trace.events import (
    AnyEvent,
    Marked,
    Noted,
    PromptShown,
    Resized,
    TerminalStarted,
    Unknown,
    WorkspaceSnapshot,
)
from recorder.trace.marks import MarkScanner
from recorder.trace.screen import Screen
from recorder.trace.steps import Step
from replay.verify.verdict import Observation, OutputBuilder

_ADDRESSED = re.compile(rb"\x1b\[[?>=\d;]*[A-HJKLMPSTXdfhlr]|\x1b[78MDE]|\r[^\n]|\x08")
"""Output that moves the cursor about; only such a step has a screen worth comparing."""

_LEAVE_ALTERNATE = re.compile(rb"\x1b\[\?(?:1049|1047|47)(?:;\d+)*l")
_MOST_SCREEN = 4 << 20
_MOST_LINE = 1 << 16

Slice = Callable[[int, int], Iterator[bytes]]
"""Raw output of a terminal between two offsets, in portions."""


def observations(
    steps: Sequence[Step], events: Sequence[AnyEvent | Unknown], output: Slice
) -> list[Observation]:
    """One observation a step, in order. `output` reads the one terminal that the steps belong to."""
    terminal = next((e for e in events if isinstance(e, TerminalStarted)), None)
    watched = any(isinstance(e, WorkspaceSnapshot) for e in events)
    resizes = [e for e in events if isinstance(e, Resized)]
    return [_observation(step, terminal, resizes, output, watched) for step in steps]


def prompt_lines(
    steps: Sequence[Step], events: Sequence[AnyEvent | Unknown], output: Slice
) -> dict[int, bytes]:
    """By step number what was shown from the prompt until the command began, without our marks."""
    terminal = next((e for e in events if isinstance(e, TerminalStarted)), None)
    prompts = [e.offset for e in events if isinstance(e, PromptShown)]
    lines: dict[int, bytes] = {}
    for step in steps:
        if terminal is None or step.kind != "command" or step.output is None:
            continue
        end = step.output[0]
        index = bisect.bisect_right(prompts, end)
        if index and end - prompts[index - 1] <= _MOST_LINE:
            portions = output(prompts[index - 1], end)
            lines[step.n] = b"".join(_without_marks(portions, terminal.nonce, prompts[index - 1]))
    return lines


def written(steps: Sequence[Step], events: Sequence[AnyEvent | Unknown]) -> dict[int, tuple[str, ...]]:
    """By step number the notes and marks that its command wrote, in order."""
    commands = sorted((step.t_start, step.n) for step in steps if step.kind == "command")
    found: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, Noted | Marked) and commands:
            text = f"note {event.text}" if isinstance(event, Noted) else f"mark {event.label}"
            index = bisect.bisect_right(commands, event.t, key=lambda command: command[0]) - 1
            found.setdefault(commands[max(0, index)][1], []).append(text)
    return {n: tuple(texts) for n, texts in found.items()}


def _observation(
    step: Step, terminal: TerminalStarted | None, resizes: Sequence[Resized], output: Slice, watched: bool
) -> Observation:
    if step.kind == "gesture":
        return Observation()
    if step.kind == "edit" or terminal is None:
        return Observation(changes=step.changes if watched else None)
    shown = OutputBuilder()
    kept = bytearray()
    keys = any(not given.icanon for given in step.inputs)
    addressed = keys
    if step.output is not None:
        begin, end = step.output
        small = end - begin <= _MOST_SCREEN
        for data in _without_marks(output(begin, end), terminal.nonce, begin):
            shown.feed(data)
            if small:
                kept += data
        addressed = small and (keys or _ADDRESSED.search(kept) is not None)
    screen = alternate = None
    used = False
    if addressed and step.output is not None:
        screen, alternate, used = _screens(bytes(kept), step.output[0], terminal, resizes)
    return Observation(
        exit=step.exit,
        output=shown.done() if step.output is not None else None,
        screen=screen,
        alternate=alternate,
        alternate_used=used,
        cwd=step.cwd_after,
        changes=step.changes if watched else None,
        text=step.text if step.kind == "command" else None,
        reward=step.check.reward if step.check else None,
    )


def _without_marks(portions: Iterable[bytes], nonce: str, offset: int) -> Iterator[bytes]:
    scanner = MarkScanner(nonce.encode(), offset)
    for data in portions:
        yield scanner.feed(data)[0]
    yield scanner.flush()


def _screens(
    data: bytes, begin: int, terminal: TerminalStarted, resizes: Sequence[Resized]
) -> tuple[tuple[str, ...], tuple[str, ...] | None, bool]:
    """(final screen, last alternate screen before it was left, whether there was one) of a step's output alone,
    shown on an empty terminal: what earlier steps left there plays no part."""
    cols, rows = terminal.cols, terminal.rows
    for resize in resizes:
        if resize.offset <= begin:
            cols, rows = resize.cols, resize.rows
    screen = Screen(cols, rows)
    inside = [r for r in resizes if begin < r.offset <= begin + len(data)]
    alternate: tuple[str, ...] | None = None
    at = 0
    stops = sorted({r.offset - begin for r in inside} | {m.start() for m in _LEAVE_ALTERNATE.finditer(data)})
    for stop in [*stops, len(data)]:
        screen.feed(data[at:stop])
        at = stop
        if screen.alternate:
            alternate = screen.lines()
        for resize in inside:
            if resize.offset - begin == stop:
                screen.resize(resize.cols, resize.rows)
    if screen.alternate:
        alternate = screen.lines()
    return screen.lines(), alternate, alternate is not None
