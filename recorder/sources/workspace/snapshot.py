"""The snapshot of the working folder with which a recording begins."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from recorder.sources.workspace.outer import head_commit
from recorder.sources.workspace.survey import survey
from recorder.trace.blobs import BlobStore
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import FileState, WorkspaceSnapshot, escape_path
from recorder.trace.tree import Limits, TreeScanner, encode_tree

MAX_LISTED = 5000
"""Paths in the event's list of what was left out; a longer list is cut and a message says so."""


def take_snapshot(
    scanner: TreeScanner,
    blobs: BlobStore,
    *,
    shown_root: bytes,
    limits: Limits,
    clock: Callable[[], int],
    said: Callable[[bytes], bytes],
) -> tuple[WorkspaceSnapshot, list[str]]:
    """Keeps every file of the scanner's folder in `blobs` and returns the event, with messages for the expert.

    `shown_root` is the path under which the session knows the folder; `said` gives a path or a link's target as it is
    to be written down. Raises TreeTooLarge before anything is
    kept, RecordingFailed where something that should be kept cannot be.
    """
    t = clock()
    root = os.fsdecode(scanner.root)
    try:
        survey(root, rules=scanner.rules, limits=limits)
        tree = scanner.scan(everything=True)
    except OSError as error:
        raise RecordingFailed(f"The workspace {root} cannot be read: {error.strerror}") from error
    if troubles := scanner.troubles():
        raise RecordingFailed(f"The workspace {root} could not be kept: {troubles[0]}")
    skipped = [state.skipped for state in tree.entries.values() if state.skipped is not None]
    messages = []
    if skipped:
        messages.append(
            f"{len(skipped)} of {len(tree.entries)} entries are noted without content: {skipped[0]}"
        )
    if len(tree.ignored) > MAX_LISTED:
        messages.append(f"{len(tree.ignored)} paths are left out; the trace names {MAX_LISTED} of them")
    event = WorkspaceSnapshot(
        t=t,
        source="workspace",
        root=escape_path(said(shown_root)),
        tree=blobs.put(b"".join(encode_tree({said(p): _said(s, said) for p, s in tree.entries.items()}))),
        files=tree.files,
        bytes=tree.bytes,
        git=head_commit(Path(root)),
        ignored=[escape_path(said(path)) for path in tree.ignored[:MAX_LISTED]],
        rules=blobs.put(scanner.rules.dump()),
    )
    return event, messages


def _said(state: FileState, said: Callable[[bytes], bytes]) -> FileState:
    if state.target is None:
        return state
    return replace(state, target=said(state.target.encode()).decode())
