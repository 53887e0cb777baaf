"""From a session folder to a sealed trace. The same path after a clean end and after a crash.

Two passes over a terminal's journal keep memory flat: the first finds marks and events, the second streams the
output into the trace and its asciicast. A session of a browser has no terminal. Events are held in memory; output
never is.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from recorder import environment
from recorder.sources.terminal.sidelog import redact_notes, redact_shell
from recorder.trace.asciicast import CastEvent, CastHeader, encode
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event
from recorder.trace.container import TraceWriter
from recorder.trace.errors import RecordingFailed, TraceRejected
from recorder.trace.events import (
    AnyEvent,
    CommandEnded,
    CommandStarted,
    Gap,
    Input,
    Marked,
    Noted,
    Recovered,
    Resized,
    ShellFile,
    TerminalEnded,
    TerminalStarted,
    Unknown,
    escape_path,
)
from recorder.trace.frames import Kind
from recorder.trace.journal import JournalReader, read_journal
from recorder.trace.keys import create_key, load_key
from recorder.trace.manifest import Draft, GapNote, Tool
from recorder.trace.marks import Mark, MarkScanner, command_at, shell_events, shell_state
from recorder.trace.notes import note_event, parse_notes
from recorder.trace.pages import DialogAnswered
from recorder.trace.steps import steps

if TYPE_CHECKING:
    from recorder.lastlook import LastLook

SOURCE = "terminal/1"
_SOURCES = {"workspace": "workspace", "proxy": "proxy", "browser/1": "browser", "session": "session"}
"""The other sources, and what their journals are called."""
_MOST_LOG = 256 << 20


class Sealed(NamedTuple):
    """`state` is complete, recovered or incomplete; `gaps` one line each."""

    state: str
    gaps: list[str]
    steps: int


class _Terminal(NamedTuple):
    started: TerminalStarted
    events: list[AnyEvent]
    end: int
    """Bytes of raw output."""
    last: int
    """Time of the last frame."""


def seal(
    folder: Path,
    draft: Draft,
    boottime_ns: int,
    out: Path,
    *,
    key_path: Path,
    recovered: bool,
    replace: bool = True,
    vault: Path | None = None,
    live_logs: Path | None = None,
) -> Sealed:
    """Seals `folder` into `out`, signed with the key in `key_path` (made if there is none).

    `boottime_ns` is the session's start on CLOCK_BOOTTIME, from which all times in the trace count. `recovered`
    says that the recorder died, which the trace then tells. What `vault` knows by now is replaced wherever it still
    stands; `live_logs` is the folder that has what of the side channels never reached `folder`. When this returns,
    the trace is on disk, whole.
    Raises RecordingFailed where it can't be written or there is nothing to seal; the folder is left as it was.
    """
    look = _last_look(vault)
    store = BlobStore(folder / "blobs")
    gathered: list[AnyEvent] = []
    terminal: _Terminal | None = None
    journal = read_journal(folder / "terminal-1.journal")
    if journal.path.exists():
        log = _side_log(folder, "shell-1", live_logs, look)
        terminal = _read_terminal(folder, journal, log, store, boottime_ns, restore=not draft.isolated)
        gathered += terminal.events
        gathered += _losses(journal, SOURCE, boottime_ns, terminal.last)
        gathered += _notes(_side_log(folder, "notes", live_logs, look), log, terminal, boottime_ns)
    for source, name in _SOURCES.items():
        gathered += _read_events(folder / f"{name}.journal", source, boottime_ns)
    if not gathered:
        raise RecordingFailed(f"{folder} holds nothing that was recorded; there is nothing to seal")
    last = max(event.t for event in gathered) if terminal is None else terminal.last
    if recovered or (terminal and not any(isinstance(e, TerminalEnded) for e in terminal.events)):
        gathered.append(Recovered(t=last, source="session", part="recorder", detail="sealed by recover"))
    events = sorted(gathered, key=lambda event: event.t)
    started, seen = terminal.started if terminal else None, _unchanged
    if look is not None and look.needed:
        events = look.events(events, look.blobs(store, events))
        started = next((event for event in events if isinstance(event, TerminalStarted)), None)
        draft, seen = look.draft(draft), look.output
    texts = [e.text for e in events if isinstance(e, CommandStarted)]
    tools = environment.tools_used(texts, started.env.get("PATH", "")) if started else {}
    draft = msgspec.structs.replace(
        draft,
        environment=msgspec.structs.replace(
            draft.environment,
            tools={path: Tool(version=None, sha256=digest) for path, digest in tools.items()},
        ),
    )
    key = load_key(key_path) if key_path.exists() else create_key(key_path)
    try:
        with TraceWriter(out, draft, replace=replace) as writer:
            writer.blobs(store)
            if started is not None:
                with writer.terminal(1) as sink:
                    for t, data in seen(_output(journal, boottime_ns)):
                        sink.output(t, data)
                with writer.cast(1) as write:
                    for part in encode(
                        _cast_header(started, draft),
                        _cast_events(seen(_output(journal, boottime_ns)), events, started),
                        version=2,
                    ):
                        write(part)
            if look is not None:
                events += look.placeholders(max(last, events[-1].t))
            with writer.events() as add:
                for event in events:
                    add(event)
            manifest = writer.finish(max(last, events[-1].t), key)
    except ValueError as error:
        raise RecordingFailed(f"{folder}: {error}") from error
    return Sealed(
        manifest.completeness.state, [_told(gap) for gap in manifest.completeness.gaps], len(steps(events))
    )


def _told(gap: GapNote) -> str:
    size = "" if gap.bytes is None else f" ({gap.bytes} bytes)"  # of what is no stream, bytes say nothing
    return f"{gap.reason}{size} at {gap.t / 1e9:.1f} s"


def _read_terminal(
    folder: Path, journal: JournalReader, log: bytes, store: BlobStore, zero: int, *, restore: bool
) -> _Terminal:
    """First pass: the terminal's events in order, marks turned into prompts and commands."""
    started: TerminalStarted | None = None
    scanner: MarkScanner | None = None
    marks: list[tuple[int, Mark]] = []
    events: list[AnyEvent] = []
    end = last = 0
    for frame in journal:
        t = max(0, frame.t - zero)
        last = max(last, t)
        if frame.kind == Kind.OUTPUT:
            if scanner is not None:
                marks += [(t, mark) for mark in scanner.feed(frame.payload)[1]]
            end += len(frame.payload)
        elif frame.kind == Kind.EVENT:
            event = _decoded(frame.payload, f"{journal.path} frame {frame.sequence}")
            if isinstance(event, TerminalStarted):
                started = event
                scanner = MarkScanner(event.nonce.encode())
            if not isinstance(event, Unknown):
                events.append(msgspec.structs.replace(event, t=t, source=SOURCE))
    if started is None:
        raise RecordingFailed(f"{journal.path} holds no start of a terminal; there is nothing to seal")
    nonce = started.nonce.encode()
    if restore and (state := shell_state(log, nonce)):
        # What the user's own files made of the shell; the replay's has no such files.
        path = escape_path(os.fsencode(folder.absolute() / "shell" / "restore"))
        state_file = ShellFile(path=path, mode=0o600, blob=store.put(state))
        kept = msgspec.structs.replace(started, files=[*started.files, state_file])
        events = [
            msgspec.structs.replace(kept, t=e.t) if isinstance(e, TerminalStarted) else e for e in events
        ]
    shell = shell_events(marks, log, nonce=nonce, source=SOURCE, cwd=started.cwd, end=end)
    return _Terminal(started, [*events, *shell], end, last)


def _decoded(payload: bytes, place: str) -> AnyEvent | Unknown:
    try:
        return decode_event(payload, place)
    except TraceRejected as error:
        raise RecordingFailed(f"an event that cannot be read: {error}") from error


def _read_events(path: Path, source: str, zero: int) -> list[AnyEvent]:
    if not path.exists():
        return []
    journal = read_journal(path)
    events: list[AnyEvent] = []
    for frame in journal:
        event = _decoded(frame.payload, f"{path} frame {frame.sequence}")
        if not isinstance(event, Unknown):
            events.append(_rebased(event, zero))
    last = max((event.t for event in events), default=0)
    return events + _losses(journal, source, zero, last)


def _rebased(event: AnyEvent, zero: int) -> AnyEvent:
    t = max(0, event.t - zero)
    if isinstance(event, Gap):
        return msgspec.structs.replace(event, t=t, until=max(t, event.until - zero))
    if isinstance(event, DialogAnswered):
        return msgspec.structs.replace(event, t=t, asked=min(t, max(0, event.asked - zero)))
    return msgspec.structs.replace(event, t=t)


def _losses(journal: JournalReader, source: str, zero: int, last: int) -> list[AnyEvent]:
    """What the journal itself lost: frames missing in the middle, a torn tail."""
    gaps: list[AnyEvent] = []
    for hole in journal.missing:
        t = max(0, hole.after - zero)
        gaps.append(
            Gap(
                t=t,
                source=source,
                until=max(t, hole.before - zero),
                bytes=None,
                reason=f"frames {hole.first} to {hole.last} are missing from the journal",
            )
        )
    if journal.torn is not None:
        reason = f"the journal's tail is torn: {journal.torn.reason}"
        gaps.append(Gap(t=last, source=source, until=last, bytes=journal.lost, reason=reason))
    return gaps


def _notes(notes: bytes, log: bytes, terminal: _Terminal, zero: int) -> list[AnyEvent]:
    """Notes, marks and checks. Their clock ticks in 10 ms, so each is held inside the command that wrote it."""
    begun = {e.n: e.t for e in terminal.events if isinstance(e, CommandStarted)}
    ended = {e.n: e.t for e in terminal.events if isinstance(e, CommandEnded)}
    nonce = terminal.started.nonce.encode()
    events: list[AnyEvent] = []
    after = 0
    for record in parse_notes(notes):
        t = after if record.t is None else record.t - zero
        command = command_at(log, nonce, record.size) if record.size is not None else 0
        if command in begun:
            t = min(max(t, begun[command]), ended.get(command, terminal.last))
        t = after = min(max(t, after), terminal.last)
        events.append(note_event(record, t, command))
    return events


Portions = Iterable[tuple[int, bytes]]


def _unchanged(portions: Portions) -> Portions:
    return portions


def _last_look(vault: Path | None) -> LastLook | None:
    """None where nothing is known that could be found."""
    if vault is None or not vault.exists():
        return None
    from recorder.lastlook import LastLook  # here: its rules take a while, and not every trace needs them

    try:
        return LastLook(vault)
    except (OSError, ValueError) as error:
        raise RecordingFailed(
            f"the vault {vault} cannot be read: {error}; without it nothing is sealed"
        ) from error


def _side_log(folder: Path, name: str, live: Path | None, look: LastLook | None) -> bytes:
    """A side channel: what reached the disk, and what a writer that died had not taken out of memory yet."""
    kept = folder / f"{name}.kept"
    if not kept.exists():
        return _read_log(folder / f"{name}.log") if live is None else b""
    log = _read_log(kept)
    if look is None:
        return log
    rest = _read_log((live or folder) / f"{name}.log")[len(log) :]
    if rest:
        log += (redact_shell if name == "shell-1" else redact_notes)(rest, look.redactor)
    return look.content(log)


def _read_log(path: Path) -> bytes:
    """A side channel's bytes; programs of the session can write there, so only a plain file of bounded size."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise RecordingFailed(f"{path}: {error.strerror}") from error
    with open(fd, "rb") as file:
        return file.read(_MOST_LOG)


def _output(journal: JournalReader, zero: int) -> Iterator[tuple[int, bytes]]:
    last = 0
    for frame in journal:
        if frame.kind == Kind.OUTPUT:
            last = max(last, frame.t - zero, 0)
            yield last, frame.payload


def _cast_header(started: TerminalStarted, draft: Draft) -> CastHeader:
    return CastHeader(
        cols=started.cols,
        rows=started.rows,
        timestamp=draft.started_unix_ns // 1_000_000_000,
        command=started.shell or " ".join(started.argv),
        title=draft.task.instruction,
        env={name: started.env[name] for name in ("SHELL", "TERM") if name in started.env},
    )


def _cast_events(
    output: Iterable[tuple[int, bytes]], events: Iterable[AnyEvent], started: TerminalStarted
) -> Iterator[CastEvent]:
    """What the expert saw and typed, marks of ours taken out, in order of time."""
    scanner = MarkScanner(started.nonce.encode())
    shown = ((t, "o", scanner.feed(data)[0]) for t, data in output)
    others = ((e.t, code, data) for e in events for code, data in _cast_data(e))
    for t, code, data in heapq.merge(shown, others, key=lambda item: item[0]):
        if data or code == "m":
            yield CastEvent(t, code, data)
    if rest := scanner.flush():
        yield CastEvent(max(0, t), "o", rest)


def _cast_data(event: AnyEvent) -> Iterator[tuple[str, bytes]]:
    match event:
        case Input(reply=False, hidden=False):
            yield "i", event.data
        case Resized():
            yield "r", f"{event.cols}x{event.rows}".encode()
        case Marked():
            yield "m", event.label.encode()
        case Noted():
            yield "m", event.text.encode()
        case CommandStarted():
            yield "m", event.text.encode()
        case _:
            return
