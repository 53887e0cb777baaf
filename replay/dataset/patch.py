"""What a session came to in its working folder, as one patch in git's format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recorder.trace.changes import compose
from recorder.trace.event import Event
from recorder.trace.events import (
    Change,
    FileState,
    Gap,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
    unescape_path,
)
from recorder.trace.volatile import volatile
from replay.dataset.observation import Blob, lacking, text_of, unified
from replay.dataset.row import Patch

_MOST = 4 << 20
_QUOTED = {
    0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r",
    0x22: '\\"', 0x5C: "\\\\",
}  # fmt: skip


def net_patch(events: Sequence[Event | Unknown], blob: Blob) -> Patch:
    """The patch from the working folder's first state to its last, by the recorded changes. Not told where changes may
    be missing, where a file is no text or not in the trace, and beyond 4 MiB."""
    if not any(isinstance(event, WorkspaceSnapshot) for event in events):
        return Patch(diff=None, why="the working folder was not recorded")
    if any(isinstance(event, Gap) and event.source == "workspace" for event in events):
        return Patch(diff=None, why="changes of the working folder are missing from the recording")
    runs = (event.changes for event in events if isinstance(event, WorkspaceChanged | WorkspaceEdited))
    parts: list[str] = []
    length = 0
    for change in compose(runs):
        path = unescape_path(change.path)
        if b".git" in path.split(b"/") or volatile(path):
            continue
        for before, after in _split(change):
            part = _part(path, before, after, blob)
            if part is None:
                return Patch(diff=None, why=f"{change.path}: {lacking(before, after)}")
            length += len(part)
            if length > _MOST:
                return Patch(diff=None, why=f"more than {_MOST} characters")
            parts.append(part)
    return Patch(diff="".join(parts))


def _split(change: Change) -> Iterator[tuple[FileState | None, FileState | None]]:
    """What git sees of a change: no folders and no devices; a file that became a link went, and a link came."""
    before, after = (
        state if state is not None and state.type in ("file", "link") else None
        for state in (change.before, change.after)
    )
    if before is not None and after is not None and before.type != after.type:
        yield before, None
        yield None, after
    elif before is not None or after is not None:
        yield before, after


def _part(path: bytes, before: FileState | None, after: FileState | None, blob: Blob) -> str | None:
    old_mode, new_mode = _mode(before), _mode(after)
    head = f"diff --git {_quoted(b'a/' + path)} {_quoted(b'b/' + path)}\n"
    if before is None:
        head += f"new file mode {new_mode}\n"
    elif after is None:
        head += f"deleted file mode {old_mode}\n"
    elif old_mode != new_mode:
        head += f"old mode {old_mode}\nnew mode {new_mode}\n"
    if before is not None and after is not None and _same_content(before, after):
        return head if old_mode != new_mode else ""
    old, new = text_of(before, blob), text_of(after, blob)
    if old is None or new is None:
        return None
    body = unified(
        old,
        new,
        _name(b"a/" + path) if before is not None else "/dev/null",
        _name(b"b/" + path) if after is not None else "/dev/null",
    )
    return None if body is None else head + body


def _same_content(one: FileState, other: FileState) -> bool:
    if one.type == "link":
        return one.target == other.target
    return one.size == other.size == 0 or (one.blob is not None and one.blob == other.blob)


def _mode(state: FileState | None) -> str:
    """As git knows them: a link, a program or a file."""
    if state is None:
        return ""
    return "120000" if state.type == "link" else "100755" if state.mode & 0o100 else "100644"


def _name(path: bytes) -> str:
    quoted = _quoted(path)
    return f"{quoted}\t" if " " in quoted and not quoted.startswith('"') else quoted


def _quoted(path: bytes) -> str:
    """A path as git writes it: in quotes where it must be."""
    told = [_QUOTED.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in path]
    text = "".join(told)
    return f'"{text}"' if any(len(each) > 1 for each in told) else text
