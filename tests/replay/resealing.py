"""Opens a sealed trace, lets a test change what it says, and seals it again: every hash, the chain and the signature
of the result are valid, so that only a replay can tell that it lies.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.trace.blobs import BlobStore
from recorder.trace.container import TraceWriter
from recorder.trace.events import (
    AnyEvent,
    CommandStarted,
    Event,
    FileState,
    Input,
    PromptShown,
    TerminalStarted,
    TreeEntry,
    WorkspaceSnapshot,
)
from recorder.trace.manifest import Draft
from recorder.trace.reader import open_trace
from recorder.trace.steps import Step, steps

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the key of the tests").digest())


class Mutant:
    """A trace in parts: `draft`, `events`, `output` (time, bytes) and blobs. Change them, then `seal`."""

    def __init__(self, trace: Path, scratch: Path) -> None:
        self._blobs = BlobStore(scratch / "blobs")
        with open_trace(trace) as opened:
            fields = {name: getattr(opened.manifest, name) for name in Draft.__struct_fields__}
            self.draft = Draft(**fields)
            self.duration = opened.manifest.duration_ns
            self.events: list[AnyEvent] = [e for e in opened.events if isinstance(e, Event)]
            self.terminals = [terminal.number for terminal in opened.manifest.terminals]
            frames = opened.terminal_frames(1) if self.terminals else ()
            self.output = [(frame.t, frame.payload) for frame in frames]
            self.cast = b"".join(opened.cast(1)) if self.terminals else b""
            for digest in opened.blob_digests():
                assert self._blobs.put(opened.blob(digest)) == digest

    @property
    def steps(self) -> list[Step]:
        return steps(self.events)

    @property
    def terminal(self) -> TerminalStarted:
        return self.first(TerminalStarted)

    def step(self, text: str) -> Step:
        """The one step whose command begins with `text`."""
        (found,) = [step for step in self.steps if step.text.startswith(text)]
        return found

    def first[T](self, kind: type[T], **fields: Any) -> T:
        """The first event of a kind, of those that have these values."""
        return next(e for e in self.events if isinstance(e, kind) and _has(e, fields))

    def replace(self, old: AnyEvent, **changes: Any) -> Self:
        """Puts other values into an event of the trace."""
        index = next(i for i, event in enumerate(self.events) if event is old)
        self.events[index] = msgspec.structs.replace(old, **changes)
        return self

    def put(self, content: bytes) -> str:
        """A further blob; returns its digest."""
        return self._blobs.put(content)

    def blob(self, digest: str) -> bytes:
        return self._blobs.get(digest)

    # -- changes that take more than one field ------------------------------------------------------

    def environment(self, **changes: Any) -> Self:
        """Other values in the manifest's environment."""
        changed = msgspec.structs.replace(self.draft.environment, **changes)
        self.draft = msgspec.structs.replace(self.draft, environment=changed)
        return self

    def variables(self, **changes: str) -> Self:
        """Other values of environment variables."""
        return self.replace(self.terminal, env={**self.terminal.env, **changes})

    def snapshot_file(self, path: str, content: bytes) -> Self:
        """Another content of a file of the workspace at the session's start."""
        snapshot = self.first(WorkspaceSnapshot)
        entries = [
            msgspec.json.decode(line, type=TreeEntry) for line in self.blob(snapshot.tree).splitlines()
        ]
        assert path in [entry.path for entry in entries]
        changed = [
            TreeEntry(path=e.path, state=self.with_content(e.state, content)) if e.path == path else e
            for e in entries
        ]
        tree = b"".join(msgspec.json.encode(entry) + b"\n" for entry in changed)
        return self.replace(snapshot, tree=self.put(tree))

    def with_content(self, state: FileState, content: bytes) -> FileState:
        return msgspec.structs.replace(state, blob=self.put(content), size=len(content))

    def shown(self, step: Step) -> tuple[int, bytes]:
        """Where a step's raw output begins, and the output itself."""
        assert step.output is not None
        begin, end = step.output
        return begin, b"".join(data for _, data in self.output)[begin:end]

    def shown_byte(self, offset: int, byte: int) -> Self:
        """Another byte at `offset` of the terminal's raw output."""
        at = 0
        for index, (t, data) in enumerate(self.output):
            if at <= offset < at + len(data):
                assert data[offset - at] != byte
                changed = data[: offset - at] + bytes([byte]) + data[offset - at + 1 :]
                self.output[index] = (t, changed)
                return self
            at += len(data)
        raise AssertionError(f"no byte {offset} in {at} bytes of output")

    def other_key(self, inputs: Collection[Input], key: bytes, other: bytes) -> Self:
        """Another key where `key` was typed first in these inputs."""
        event = next(e for e in self.events if isinstance(e, Input) and e in inputs and key in e.data)
        return self.replace(event, data=event.data.replace(key, other, 1))

    def typed(self, step: Step, line: str | bytes) -> Self:
        """Another line typed at the prompt instead of this step's."""
        data = line.encode() if isinstance(line, str) else line
        first, *rest = [e for e in self.events if isinstance(e, Input) and e in step.typed]
        self.events = [e for e in self.events if not any(e is other for other in rest)]
        return self.replace(first, data=data + b"\r")

    def tells(self, step: Step, line: str) -> Self:
        """Another line typed, and the trace says that this was the command."""
        started = self.first(CommandStarted, n=step.command)
        return self.replace(started, text=line).typed(step, line)

    def stretched(self, factor: Callable[[int], int]) -> Self:
        """Other times; `factor` maps a time of the trace to one of the new trace and keeps the order."""
        self.events = [msgspec.structs.replace(e, t=factor(e.t)) for e in self.events]
        self.output = [(factor(t), data) for t, data in self.output]
        self.duration = factor(self.duration)
        return self

    def think(self, pause: int) -> Self:
        """As if the expert had thought for `pause` ns at every prompt before touching a key."""
        shown = [e.t for e in self.events if isinstance(e, PromptShown)]
        return self.stretched(lambda t: t + pause * bisect.bisect_left(shown, t))

    # -- sealing ------------------------------------------------------------------------------------

    def seal(self, out: Path) -> Path:
        """Seals all of it into `out`, signed."""
        with TraceWriter(out, self.draft, replace=True) as writer:
            writer.blobs(self._blobs)
            if self.terminals:
                with writer.terminal(1) as sink:
                    for t, data in self.output:
                        sink.output(t, data)
                with writer.cast(1) as write:
                    write(self.cast)
            with writer.events() as add:
                for event in self.events:
                    add(event)
            writer.finish(self.duration, KEY)
        return out


def _has(event: object, fields: dict[str, Any]) -> bool:
    return all(getattr(event, name) == value for name, value in fields.items())
