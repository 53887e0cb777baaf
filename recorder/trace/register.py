"""What stood at each path at the last look, and what changed since: the scanner's memory. It looks at no file."""

from __future__ import annotations

from collections.abc import Callable

from recorder.trace.changes import changes_of
from recorder.trace.content import Seen
from recorder.trace.events import Change, FileState
from recorder.trace.ignore import Scope
from recorder.trace.volatile import followed


class Folder:
    """A folder that was listed: what stood in it by name, and the ignore rules that hold there."""

    __slots__ = ("entries", "scope")

    def __init__(self, scope: Scope) -> None:
        self.entries: dict[bytes, Seen] = {}
        self.scope = scope


class Register:
    """Folders by path, the root's is b"". `count` and `bytes` are of what it holds.

    `everything`: also what takes no part in changes is kept and removed. `on_gone(path)` is called when a folder is
    no more.
    """

    def __init__(self, on_gone: Callable[[bytes], None] | None) -> None:
        self.folders: dict[bytes, Folder] = {}
        self.count = 0
        self.bytes = 0
        self.everything = False
        self._on_gone = on_gone
        self._changes: dict[bytes, tuple[FileState | None, FileState | None]] | None = None

    @property
    def noting(self) -> bool:
        """Whether changes are noted."""
        return self._changes is not None

    def note(self, on: bool) -> None:
        """Begins anew to note changes, or no longer does."""
        self._changes = {} if on else None

    def changes(self) -> list[Change]:
        """What changed since noting began, sorted."""
        return changes_of((path, before, after) for path, (before, after) in (self._changes or {}).items())

    def known(self, path: bytes) -> FileState | None:
        parent, _, name = path.rpartition(b"/")
        folder = self.folders.get(parent)
        entry = folder.entries.get(name) if folder is not None else None
        return None if entry is None else entry.state

    def entries(self) -> dict[bytes, FileState]:
        """All states by path."""
        return {
            (path + b"/" + name if path else name): entry.state
            for path, folder in self.folders.items()
            for name, entry in folder.entries.items()
        }

    def folder(self, path: bytes, scope: Scope) -> Folder:
        """The folder at the path, new where it was unknown, with the rules that hold there now."""
        folder = self.folders.get(path)
        if folder is None:
            folder = self.folders[path] = Folder(scope)
        folder.scope = scope
        return folder

    def put(self, folder: Folder, path: bytes, name: bytes, new: Seen) -> None:
        """`new` stands at the path, called `name` in its folder."""
        old = folder.entries.get(name)
        before = old.state if old is not None else None
        if before is None:
            self.count += 1
        elif before.blob is not None:
            self.bytes -= before.size
        if new.state.blob is not None:
            self.bytes += new.state.size
        folder.entries[name] = new
        self._note(path, before, new.state)

    def remove(self, folder: Folder, path: bytes, name: bytes) -> None:
        """Nothing stands at the path any more, nor below it."""
        old = folder.entries.get(name)
        if old is None or not (self.everything or followed(path)):
            return
        if old.state.type == "folder":
            self.drop_below(path)
        del folder.entries[name]
        self.count -= 1
        if old.state.blob is not None:
            self.bytes -= old.state.size
        self._note(path, old.state, None)

    def drop_below(self, path: bytes) -> None:
        """What stood at the path is no folder any more."""
        folder = self.folders.pop(path, None)
        if folder is None:
            return
        if self._on_gone is not None:
            self._on_gone(path)
        for name in list(folder.entries):
            self.remove(folder, path + b"/" + name, name)

    def forget_unfollowed(self) -> None:
        """Drops what takes no part in changes."""
        for path in [path for path in self.folders if not followed(path)]:
            self.count -= len(self.folders.pop(path).entries)
        for path, folder in self.folders.items():
            if path == b".git" or b".git/" in path + b"/":
                gone = [name for name in folder.entries if not followed(path + b"/" + name)]
                for name in gone:
                    del folder.entries[name]
                    self.count -= 1

    def _note(self, path: bytes, before: FileState | None, after: FileState | None) -> None:
        if self._changes is not None:
            first = self._changes.get(path)
            self._changes[path] = (before if first is None else first[0], after)
