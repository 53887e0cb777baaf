"""One replay: a trace's workspace and shell brought up in a sandbox, its actions played, what came back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from msgspec import Struct, structs

from recorder.trace.blobs import BlobStore
from recorder.trace.changes import decode_tree
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
    unescape_path,
)
from recorder.trace.manifest import Manifest
from recorder.trace.marks import command_at, shell_events
from recorder.trace.notes import note_event, parse_notes
from recorder.trace.reader import Trace
from recorder.trace.steps import steps
from replay.network import Network, network_of, place
from replay.plan import Action, Plan, Send, plan
from replay.players.network.desk import NetworkReport
from replay.players.terminal.outcome import Bounds, Reached
from replay.players.terminal.player import TerminalPlayer
from replay.sandbox import FISH_COMPLETIONS, ClockMode, Sandbox, SandboxSpec, start
from replay.sandbox.host import check_tools
from replay.sandbox.ports import NAMESERVER
from replay.sandbox.scratch import Scratch
from replay.sandbox.workspace import WorkspaceCopy

_MOST_LOG = 16 << 20
_MOST_NOTES = 2 << 20
"""Bytes of the side channels that are read, which the payload can fill; a hundred a command are usual."""
_MOST_OUTPUT = 4 << 30
_MOST_TREE = 256 << 20
_NO_HOME = "/nonexistent"
_LONGEST_PATH = 4096
_DEEPEST_FILE = 32


class Options(Struct, frozen=True, kw_only=True):
    """How to replay. `until` stops after that step; `tools` are further folders that the payload may read. `paced`:
    answers of the recorded network take the time that they took."""

    until: int | None = None
    bounds: Bounds = Bounds()
    tools: tuple[Path, ...] = ()
    paced: bool = False


class Replayed(Struct, kw_only=True):
    """What a replay brought back, in the recording's own vocabulary."""

    events: list[AnyEvent]
    reached: Reached
    blobs: BlobStore
    clock: str
    boundary: str
    network: NetworkReport | None = None

    def output(self, begin: int, end: int) -> Iterator[bytes]:
        """Raw output between two offsets."""
        return _slices(self.reached.output, begin, end)


def run(
    trace: Trace,
    events: Sequence[AnyEvent | Unknown],
    options: Options,
    stack: ExitStack,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Replays the trace's terminal once. What `stack` closes: the sandbox, its folder, the output's file.

    Raises Unsupported where this machine can't, TraceRejected where the trace lacks what a replay needs.
    """
    terminal = next((e for e in events if isinstance(e, TerminalStarted)), None)
    if terminal is None:
        raise Unsupported(
            "the trace holds no terminal, so nothing to do again; `reenact serve` answers from its network"
        )
    known = [e for e in events if not isinstance(e, Unknown)]
    todo = _until(plan(known, terminal), options.until, known)
    scratch = Scratch()  # gone also after SIGKILL, and however deep the payload made its folders
    stack.callback(scratch.close)
    folder = scratch.folder("replay")
    blobs = BlobStore(folder / "blobs")
    snapshot = next((e for e in known if isinstance(e, WorkspaceSnapshot)), None)
    manifest = trace.manifest

    network = network_of(trace, known, paced=options.paced)
    sandbox, copy = _bring_up(trace, manifest, terminal, snapshot, folder, blobs, options, stack, network)
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

    player = TerminalPlayer(
        todo,
        sandbox,
        sandbox.master,
        sandbox.terminal,
        bounds=structs.replace(options.bounds, output=max(options.bounds.output, _room(manifest))),
        clock=clock,
        edit=edit,
        settle=settle,
        progress=progress,
    )
    if network is not None:
        network.started = lambda: player.commands
    reached = player.run()
    stack.callback(reached.output.close)
    exit_status = sandbox.wait(2.0) if reached.ended else None
    log = sandbox.read_file("shell-1.log", _MOST_LOG)
    notes = sandbox.read_file("notes.log", _MOST_NOTES)
    sandbox.kill()
    back = _events(terminal, reached, seen, log, notes, exit_status)
    return Replayed(
        events=back,
        reached=reached,
        blobs=blobs,
        clock=sandbox.clock,
        boundary=sandbox.boundary,
        network=network.stop() if network else None,
    )


def _room(manifest: Manifest) -> int:
    """Bytes of output for a replay of this recording: twice what was recorded, within reason."""
    return min(2 * max((terminal.output for terminal in manifest.terminals), default=0), _MOST_OUTPUT)


def _bring_up(
    trace: Trace,
    manifest: Manifest,
    terminal: TerminalStarted,
    snapshot: WorkspaceSnapshot | None,
    folder: Path,
    blobs: BlobStore,
    options: Options,
    stack: ExitStack,
    network: Network | None,
) -> tuple[Sandbox, WorkspaceCopy]:
    session_folder = _session_folder(terminal)
    session_host = folder / "session"
    home_host = folder / "home"
    _place(session_host, home_host, terminal, session_folder, trace)
    if network is not None:
        place(network.files(terminal, session_folder), session_host)
    entries = decode_tree(trace.blob(snapshot.tree, _MOST_TREE)) if snapshot else {}
    copy = WorkspaceCopy(folder / "workspace", entries, trace.copy_blob, blobs, snapshot)
    stack.callback(copy.close)
    environment = manifest.environment
    spec = SandboxSpec(
        argv=terminal.argv,
        env=network.environment(terminal.env) if network else terminal.env,
        workspace=copy.root,
        root=_path(snapshot.root if snapshot else terminal.cwd, "root"),
        cwd=_path(terminal.cwd, "cwd"),
        session_folder_host=session_host,
        session_folder=session_folder,
        home=_home(terminal),
        home_host=home_host,
        uid=environment.uid,
        gid=environment.gid,
        user=environment.user,
        hostname=environment.hostname,
        umask=environment.umask,
        start_ns=manifest.started_unix_ns,
        extra_readonly=list(options.tools),
        clock=ClockMode.FROZEN,
        cols=terminal.cols,
        rows=terminal.rows,
        nameserver=NAMESERVER if network else "",
        trust=network.trust if network else b"",
    )
    check_tools(options.tools, Path.home())
    try:
        sandbox = stack.enter_context(
            start(spec, None, lambda pid: network.prepare(pid, stack) if network else None)
        )
    except UsageError as error:  # whoever asks for this replay is not to blame for what the trace holds
        raise Unsupported(f"the trace asks for what no sandbox can be: {error}") from error
    stack.callback(os.close, sandbox.master)
    return sandbox, copy


def _path(text: str, what: str) -> str:
    try:
        path = os.fsdecode(unescape_path(text))
    except ValueError:
        raise Unsupported(f"the trace's {what} is not a path: {_shown(text)}") from None
    return _plain(path, what)


def _plain(path: str, what: str) -> str:
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise Unsupported(f"the trace's {what} is not an absolute path: {_shown(path)}")
    if len(os.fsencode(path)) >= _LONGEST_PATH:
        raise Unsupported(f"the trace's {what} is too long for this system: {_shown(path)}")
    return os.path.normpath("/" + path.lstrip("/"))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")


def _session_folder(terminal: TerminalStarted) -> str:
    return _plain(terminal.env.get("REENACT_SESSION", ""), "session folder")


def _home(terminal: TerminalStarted) -> str:
    """Where the private home folder stands. HOME itself stays as recorded, which may be no folder's path."""
    try:
        home = _plain(terminal.env.get("HOME", ""), "home folder")
    except Unsupported:
        return _NO_HOME
    return _NO_HOME if home == "/" else home


def _place(host: Path, home_host: Path, terminal: TerminalStarted, session_folder: str, trace: Trace) -> None:
    """The recorded shell integration and settings, at the same places below the session and the home folder."""
    home = _home(terminal)
    for folder in (host, home_host):
        folder.mkdir(mode=0o755)
    (home_host / FISH_COMPLETIONS).mkdir(parents=True)
    for file in terminal.files:
        path = _path(file.path, "shell file")
        for below, base in ((session_folder, host), (home, home_host)):
            if below and path.startswith(below.rstrip("/") + "/"):
                relative = os.path.relpath(path, below)
                target = base / relative
                break
        else:
            raise Unsupported(
                f"shell file {_shown(path)} lies outside the session folder and the home folder"
            )
        if relative.count("/") > _DEEPEST_FILE:
            raise Unsupported(f"shell file {_shown(path)} lies too deep")
        try:
            _write(target, file.mode | 0o400, trace.blob(file.blob))
        except OSError as error:
            raise Unsupported(f"shell file {_shown(path)} cannot be placed: {error.strerror}") from error


def _write(target: Path, mode: int, content: bytes) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(fd, "wb") as out:
        out.write(content)
        os.fchmod(out.fileno(), mode)


def _until(whole: Plan, until: int | None, events: Sequence[AnyEvent]) -> Plan:
    """The plan cut after step `until`."""
    if until is None:
        return whole
    all_steps = steps(events)
    beyond = next((step for step in all_steps if step.n > until), None)
    if beyond is None:
        return whole
    commands = max((s.command for s in all_steps if s.n <= until and s.command is not None), default=0)

    def within(action: Action) -> bool:
        if isinstance(action, Send) and (action.at_prompt or action.ahead):
            return action.commands < commands
        return action.t < beyond.t_start

    kept = tuple(action for action in whole.actions if within(action))
    return structs.replace(whole, actions=kept, ends=False, commands=commands)


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
