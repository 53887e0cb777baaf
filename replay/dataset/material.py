"""What a task is made of besides a row: the steps as recorded, and the working folder at the start. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from recorder.trace.changes import decode_tree
from recorder.trace.events import (
    AnyEvent,
    FileState,
    Gap,
    TerminalStarted,
    Unknown,
    WorkspaceSnapshot,
    escape_path,
    unescape_path,
)
from recorder.trace.manifest import Manifest
from recorder.trace.steps import Step, steps
from replay.dataset.format import Unfit

_MOST = 128 << 20
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9._@+-]+)+")
_SYSTEM = re.compile(r"/(?:bin|boot|dev|etc|lib\w*|logs|opt|proc|run|sbin|solution|sys|tests|usr|var)(?:/|$)")
_SYSTEM_BUT = re.compile(r"/(?:opt|usr/src|usr/local/src|var/tmp|var/www|var/lib)/.")


@dataclass(frozen=True, kw_only=True)
class Material:
    """A trace as a task needs it. `blob` gives the content of a blob, or None."""

    manifest: Manifest
    events: Sequence[AnyEvent | Unknown]
    blob: Callable[[str], bytes | None]

    @cached_property
    def steps(self) -> list[Step]:
        return steps(self.events)

    @cached_property
    def terminal(self) -> TerminalStarted:
        """Raises Unfit where there is none, or not exactly one."""
        found = [event for event in self.events if isinstance(event, TerminalStarted)]
        if len(found) != 1:
            raise Unfit("it was not done in a terminal" if not found else "it was done in several terminals")
        return found[0]

    @cached_property
    def root(self) -> str:
        """The working folder's path. Raises Unfit for one that a container must not have, or that needs quoting."""
        root = self._snapshot.root
        if not _PLAIN_PATH.fullmatch(root) or {".", ".."} & set(root.split("/")):
            raise Unfit(f"its working folder was {root!r}: only letters, digits and ._@+- make a safe path")
        if _SYSTEM.match(root) and not _SYSTEM_BUT.match(root):
            raise Unfit(f"its working folder {root} is a folder of the system")
        return root

    @cached_property
    def tree(self) -> Mapping[bytes, FileState]:
        """The working folder at the start, without what is neither file, folder nor link. Raises Unfit where content
        was not kept, or where a link leads out."""
        data = self.blob(self._snapshot.tree)
        if data is None:
            raise Unfit("the list of its working folder's files is not in the trace, or too large")
        tree = {path: state for path, state in decode_tree(data).items() if state.type != "other"}
        if sum(state.size for state in tree.values() if state.type == "file") > _MOST:
            raise Unfit(f"its working folder holds more than {_MOST >> 20} MiB")
        for path, state in tree.items():
            check_link(path, state)
        return tree

    def left_out(self) -> int:
        """How many paths of the working folder were not recorded by the rules of what to ignore."""
        return len(self._snapshot.ignored)

    def content(self, path: bytes, state: FileState) -> bytes:
        """Of a file. Raises Unfit where it is not in the trace."""
        if state.blob is None and state.size == 0 and state.skipped is None:
            return b""
        data = self.blob(state.blob) if state.blob is not None else None
        if data is None:
            why = state.skipped or "it is missing, or too large"
            raise Unfit(f"the content of {escape_path(path)} was not kept ({why})")
        return data

    @cached_property
    def _snapshot(self) -> WorkspaceSnapshot:
        found = next((event for event in self.events if isinstance(event, WorkspaceSnapshot)), None)
        if found is None:
            raise Unfit("its working folder was not recorded")
        if any(isinstance(event, Gap) and event.source == "workspace" for event in self.events):
            raise Unfit("changes of its working folder are missing from the recording")
        return found


def check_link(path: bytes, state: FileState) -> None:
    """Raises Unfit for a link that leads out of the working folder, or that could by way of another: only its first
    parts may be `..`, and no more of them than folders above it."""
    if state.type != "link":
        return
    target = unescape_path(state.target or "")
    parts = target.split(b"/")
    ups = next((n for n, part in enumerate(parts) if part != b".."), len(parts))
    if not target or target.startswith(b"/") or ups > path.count(b"/") or b".." in parts[ups:]:
        raise Unfit(f"the link {escape_path(path)} leads to {escape_path(target)}, out of the working folder")
