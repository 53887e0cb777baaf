"""One replay: a trace's workspace and shell brought up in a sandbox, its actions played, what came back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from msgspec import Struct, structs

from recorder.trace.blobs import BlobStore
from recorder.trace.errors import Unsupported, UsageError
from recorder.trace.events import (
    AnyEvent,
    Change,
    CommandStarted,
    TerminalEnded,
    TerminalStarted,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
)
from recorder.trace.manifest import Manifest
from recorder.trace.marks import command_at, shell_events
from recorder.trace.notes import note_event, parse_notes
from recorder.trace.reader import Trace
from recorder.trace.steps import steps
from replay.browser import browser_of
from replay.browsing import Browsed, Browsing, others
from replay.film import Film
from replay.network import network_of
from replay.plan import Action, Browse, Plan, Send, plan
from replay.players.network.desk import NetworkReport
from replay.players.terminal.outcome import Bounds, Reached
from replay.players.terminal.player import TerminalPlayer
from replay.sandbox.scratch import Scratch
from replay.stage import set_stage
from replay.window.window import Window

_MOST_LOG = 16 << 20
_MOST_NOTES = 2 << 20
"""Bytes of the side channels that are read, which the payload can fill; a hundred a command are usual."""
_MOST_OUTPUT = 4 << 30


class Options(Struct, frozen=True, kw_only=True):
    """How to replay. `until` stops after that step; `tools` are further folders that the payload may read. `paced`:
    answers of the recorded network take the time that they took. `screenshots` is a folder for a picture of the browser
    after each of its steps, `video` a file for a film of it; `window` shows it meanwhile."""

    until: int | None = None
    bounds: Bounds = Bounds()
    tools: tuple[Path, ...] = ()
    paced: bool = False
    screenshots: Path | None = None
    video: Path | None = None
    window: Window | None = None


class Replayed(Struct, kw_only=True):
    """What a replay brought back, in the recording's own vocabulary. `reached` is the terminal's, `browsed` the
    browser's; one of them is there."""

    events: list[AnyEvent]
    blobs: BlobStore
    reached: Reached | None = None
    browsed: Browsed | None = None
    clock: str
    boundary: str
    controlled: bool
    """Programs saw the recorded time."""
    network: NetworkReport | None = None
    """What the terminal's programs asked for."""

    def output(self, begin: int, end: int) -> Iterator[bytes]:
        """Raw output between two offsets."""
        return _slices(self.reached.output, begin, end) if self.reached else iter(())

    @property
    def networks(self) -> list[NetworkReport]:
        """What was asked for: by the terminal's programs, by the browser."""
        told = [self.network, self.browsed.network if self.browsed else None]
        return [report for report in told if report is not None]

    @property
    def remarks(self) -> list[str]:
        """What a person should know of how it went."""
        told = list(self.reached.remarks) if self.reached else []
        return told + (self.browsed.remarks if self.browsed else [])


def run(
    trace: Trace,
    events: Sequence[AnyEvent | Unknown],
    options: Options,
    stack: ExitStack,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Replays what was done in the trace's terminal and browser, once. What `stack` closes: sandboxes, their folder,
    the output's file.

    Raises Unsupported where this machine can't, TraceRejected where the trace lacks what a replay needs,
    UsageError for a film or a window of no browser, or where a film cannot be.
    """
    known = [e for e in events if not isinstance(e, Unknown)]
    terminal = next((e for e in known if isinstance(e, TerminalStarted)), None)
    if terminal is None and browser_of(known) is None:
        raise Unsupported(
            "the trace holds neither terminal nor browser, so nothing to do again; "
            "`reenact serve` answers from its network"
        )
    if (options.video is not None or options.window is not None) and browser_of(known) is None:
        raise UsageError("--video and --headed show a browser, and the trace has none")
    film = None
    if options.video is not None:
        film = Film(options.video)
        stack.callback(film.close)
    scratch = Scratch()  # gone also after SIGKILL, and however deep the payload made its folders
    stack.callback(scratch.close)
    folder = scratch.folder("replay")
    blobs = BlobStore(folder / "blobs")
    if terminal is not None:
        return _at_terminal(trace, known, terminal, folder, blobs, options, stack, film, progress)
    browsing = Browsing(
        trace,
        known,
        folder,
        blobs,
        stack,
        paced=options.paced,
        screenshots=options.screenshots,
        film=film,
        window=options.window,
        progress=progress,
    )
    browsing.play(_beyond(known, options.until))
    browsed = browsing.finish()
    return Replayed(
        events=browsed.events,
        blobs=blobs,
        browsed=browsed,
        clock=browsed.clock,
        boundary=browsed.boundary,
        controlled=True,
    )


def _at_terminal(
    trace: Trace,
    known: Sequence[AnyEvent],
    terminal: TerminalStarted,
    folder: Path,
    blobs: BlobStore,
    options: Options,
    stack: ExitStack,
    film: Film | None,
    progress: Callable[[int], None] | None,
) -> Replayed:
    """Plays the terminal; the browser, where there is one, has its turns in between."""
    snapshot = next((e for e in known if isinstance(e, WorkspaceSnapshot)), None)
    manifest = trace.manifest
    beside = browser_of(known) is not None
    network = network_of(trace, others(known) if beside else known, paced=options.paced)
    sandbox, copy = set_stage(trace, terminal, snapshot, folder, blobs, options.tools, stack, network)
    browsing = None
    if beside:
        browsing = Browsing(
            trace,
            known,
            folder,
            blobs,
            stack,
            paced=options.paced,
            screenshots=options.screenshots,
            film=film,
            window=options.window,
            terminal=sandbox.pid,
        )
    todo = _until(plan(known, terminal, browsing.turns if browsing else ()), options.until, known)
    seen: list[AnyEvent] = [snapshot] if snapshot else []
    settled = 0

    def settle(commands: int) -> None:
        nonlocal settled
        changes = copy.changes()
        if changes and commands == 0:
            seen.append(_changed(0, 0, changes))
        elif changes or commands > settled:
            seen.append(_changed(min(settled + 1, commands), commands, changes))
        settled = commands
        if network is not None:
            network.command = commands

    def edit(changes: Iterable[Change]) -> None:
        copy.apply(changes, trace.copy_blob)
        made = copy.changes()
        seen.append(WorkspaceEdited(t=player.now(), source="workspace", commands=settled, changes=made))

    def clock(t: int) -> None:
        sandbox.set_clock(manifest.started_unix_ns + t)
        if network is not None:
            network.command = settled + 1

    def browse(turn: Browse, tend: Callable[[], None]) -> None:
        sandbox.set_clock(manifest.started_unix_ns + turn.t)
        if browsing is not None:
            browsing.play(turn.until, tend)

    player = TerminalPlayer(
        todo,
        sandbox,
        sandbox.master,
        bounds=structs.replace(options.bounds, output=max(options.bounds.output, _room(manifest))),
        clock=clock,
        edit=edit,
        settle=settle,
        progress=progress,
        browse=browse,
    )
    if network is not None:
        network.started = lambda: player.commands
    reached = player.run()
    stack.callback(reached.output.close)
    browsed = browsing.finish() if browsing else None
    exit_status = sandbox.wait(2.0) if reached.ended else None
    log = sandbox.read_file("shell-1.log", _MOST_LOG)
    notes = sandbox.read_file("notes.log", _MOST_NOTES)
    sandbox.kill()
    back = _events(terminal, reached, seen, log, notes, exit_status)
    return Replayed(
        events=back + (browsed.events if browsed else []),
        reached=reached,
        browsed=browsed,
        blobs=blobs,
        clock=f"{sandbox.clock}; {browsed.clock}" if browsed else sandbox.clock,
        boundary=sandbox.boundary,
        controlled=sandbox.clock == "page",
        network=network.stop() if network else None,
    )


def _room(manifest: Manifest) -> int:
    """Bytes of output for a replay of this recording: twice what was recorded, within reason."""
    return min(2 * max((terminal.output for terminal in manifest.terminals), default=0), _MOST_OUTPUT)


def _until(whole: Plan, until: int | None, events: Sequence[AnyEvent]) -> Plan:
    """The plan cut after step `until`."""
    if until is None:
        return whole
    all_steps = steps(events)
    beyond = _beyond(events, until)
    if beyond is None:
        return whole
    commands = max((s.command for s in all_steps if s.n <= until and s.command is not None), default=0)

    def within(action: Action) -> bool:
        if isinstance(action, Send) and (action.at_prompt or action.ahead):
            return action.commands < commands
        return action.t < beyond

    kept = tuple(
        structs.replace(action, until=min(action.until or beyond, beyond))
        if isinstance(action, Browse)
        else action
        for action in whole.actions
        if within(action)
    )
    return structs.replace(whole, actions=kept, ends=False, commands=commands)


def _beyond(events: Sequence[AnyEvent], until: int | None) -> int | None:
    """When the step after `until` begins; null where there is none."""
    if until is None:
        return None
    return next((step.t_start for step in steps(events) if step.n > until), None)


def _changed(first: int, last: int, changes: list[Change]) -> WorkspaceChanged:
    return WorkspaceChanged(t=0, source="workspace", first=first, last=last, changes=changes)


def _events(
    terminal: TerminalStarted,
    reached: Reached,
    seen: list[AnyEvent],
    log: bytes,
    notes: bytes,
    exit_status: int | None,
) -> list[AnyEvent]:
    """The replay told in the vocabulary of a recording."""
    shell = shell_events(
        reached.marks,
        log,
        nonce=terminal.nonce.encode(),
        source=terminal.source,
        cwd=terminal.cwd,
        end=reached.size,
    )
    events: list[AnyEvent] = [structs.replace(terminal, t=0), *shell, *reached.inputs, *reached.resizes]
    last = max([t for t, _ in reached.frames[-1:]] + [e.t for e in events])
    # Where it was given up, what it showed until then still belongs to its step.
    if reached.ended or reached.fatal:
        events.append(TerminalEnded(t=last, source=terminal.source, exit=exit_status, offset=reached.size))
    events.sort(key=lambda event: event.t)
    begun = {event.n: event.t for event in shell if isinstance(event, CommandStarted)}
    for record in parse_notes(notes):
        command = command_at(log, terminal.nonce.encode(), record.size or 0)
        # The payload's own clock says nothing here: what it noted has the time at which its command began.
        t = last if record.kind == "check" else begun.get(command, 0)
        events.append(note_event(record, t, command))
    # File changes have no time of their own here; their command numbers say where they belong.
    return events + seen


def _slices(file: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    at = begin
    while at < end:
        data = os.pread(file.fileno(), min(1 << 20, end - at), at)
        if not data:
            return
        at += len(data)
        yield data
