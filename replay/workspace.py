"""The replay's copy of the recorded workspace: restored, looked at after each step, edited where others edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from recorder.trace.blobs import BlobStore
from recorder.trace.changes import decode_tree
from recorder.trace.events import Change, TreeEntry, WorkspaceSnapshot, escape_path
from recorder.trace.ignore import IgnoreRules
from recorder.trace.reader import Trace
from recorder.trace.tree import TreeScanner
from replay.sandbox.workspace import apply, restore

_MOST_TREE = 256 << 20


class WorkspaceCopy:
    """A restored workspace at `root` on this host. Without a snapshot it is an empty folder that nobody looks at.

    `blobs` takes the content of what the replay writes there. Raises TraceRejected for a tree that must not be
    restored.
    """

    def __init__(
        self, root: Path, trace: Trace, snapshot: WorkspaceSnapshot | None, blobs: BlobStore
    ) -> None:
        self.root = root
        self._trace = trace
        self._scanner: TreeScanner | None = None
        if snapshot is None:
            root.mkdir(mode=0o755)
            return
        tree = decode_tree(trace.blob(snapshot.tree, _MOST_TREE))
        entries = (TreeEntry(path=escape_path(path), state=state) for path, state in tree.items())
        restore(entries, self._blob, root)
        rules = IgnoreRules.load(trace.blob(snapshot.rules)) if snapshot.rules else IgnoreRules()
        self._scanner = TreeScanner(root, rules=rules, blobs=blobs)
        self._scanner.scan()

    @property
    def _blob(self) -> Callable[[str, int], object]:
        return self._trace.copy_blob

    def changes(self) -> list[Change]:
        """What changed since the last look."""
        return self._scanner.rescan([b""]) if self._scanner else []

    def apply(self, changes: Iterable[Change]) -> None:
        """Writes recorded states, wherever the payload may have put links meanwhile."""
        apply(changes, self._blob, self.root)

    def close(self) -> None:
        if self._scanner is not None:
            self._scanner.close()
