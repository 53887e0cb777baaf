"""Sessions in a terminal made by hand, as material of tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from recorder.trace.changes import encode_tree
from recorder.trace.events import (
    AnyEvent,
    Change,
    Checked,
    CommandEnded,
    CommandStarted,
    FileState,
    Input,
    PromptShown,
    TerminalEnded,
    TerminalStarted,
    WorkspaceChanged,
    WorkspaceSnapshot,
    escape_path,
)
from recorder.trace.manifest import Outcome
from recorder.trace.reader import open_trace
from replay.dataset.material import Material

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "python-bug.reenact"
ROOT = "/home/expert/work"
MS = 10**6


class Did(Struct, frozen=True):
    """A command line with its status, the folders before and after it, what was typed into it, and the files that it
    left: content by path, None where it went."""

    text: str
    exit: int = 0
    cwd: str = ROOT
    after: str = ""
    typed: bytes = b""
    files: Mapping[str, bytes | None] = {}


class Session:
    """`tree` are the files at the start; states stand for what is no file with content."""

    def __init__(
        self,
        did: Sequence[Did],
        check: str = "reenact check -- test -f done",
        tree: Mapping[bytes, bytes | FileState] | None = None,
        *,
        root: str = ROOT,
        shell: Any = "bash",
        env: Mapping[str, str] | None = None,
        more: Sequence[AnyEvent] = (),
    ) -> None:
        self.blobs: dict[str, bytes] = {}
        states = {path: self._state(what) for path, what in sorted((tree or {}).items())}
        self.events: list[AnyEvent] = [
            WorkspaceSnapshot(
                t=0, source="workspace", root=root, tree=self._keep(b"".join(encode_tree(states))),
                files=len(states), bytes=0, git=None, ignored=[],
            ),
            TerminalStarted(
                t=1, source="terminal/1", argv=["bash"], shell=shell, cwd=root,
                env={"HOME": "/home/expert", "LANG": "C.UTF-8", "GIT_AUTHOR_EMAIL": "robin@example.org", **(env or {})},
                cols=80, rows=24, nonce="n", files=[],
            ),
        ]  # fmt: skip
        everything = [*did, Did(check)]
        for n, each in enumerate(everything, 1):
            self._command(n, each, checked=n == len(everything))
        self.events += more
        self.events.append(
            TerminalEnded(t=MS * (10 * len(everything) + 20), source="terminal/1", exit=0, offset=10**6)
        )
        self.outcome = Outcome(reward=1.0, command=len(everything))

    def material(self) -> Material:
        with open_trace(SAMPLE) as trace:
            manifest = structs.replace(trace.manifest, outcome=self.outcome)
        return Material(manifest=manifest, events=self.events, blob=self.blobs.get)

    def _command(self, n: int, did: Did, *, checked: bool) -> None:
        t, source = MS * 10 * n, "terminal/1"
        self.events += [
            PromptShown(t=t, source=source, n=n, offset=100 * n, ready=100 * n + 2),
            CommandStarted(t=t + MS, source=source, n=n, offset=100 * n + 10, text=did.text, cwd=did.cwd),
        ]
        if did.typed:
            self.events.append(
                Input(
                    t=t + 2 * MS, source=source, data=did.typed, offset=100 * n + 20, prompts=n, commands=n,
                    at_prompt=False, icanon=False, echo=False, foreground="vim", hidden=False, reply=False,
                )
            )  # fmt: skip
        if checked:
            line = did.text.rpartition("--")[2].strip()
            self.events.append(
                Checked(t=t + 3 * MS, source="notes", command=n, line=line, exit=0, reward=1.0)
            )
        self.events.append(
            CommandEnded(
                t=t + 4 * MS, source=source, n=n, offset=100 * n + 50, exit=did.exit, cwd=did.after or did.cwd
            )
        )
        changes = [
            Change(path=path, before=None, after=None if content is None else self._state(content))
            for path, content in did.files.items()
        ]
        if changes:
            self.events.append(
                WorkspaceChanged(t=t + 5 * MS, source="workspace", first=n, last=n, changes=changes)
            )

    def _state(self, what: bytes | FileState) -> FileState:
        if isinstance(what, FileState):
            return what
        return FileState(type="file", mode=0o644, size=len(what), blob=self._keep(what), mtime_ns=10**18)

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest


def link(target: bytes) -> FileState:
    return FileState(type="link", mode=0o777, target=escape_path(target))
