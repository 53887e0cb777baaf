"""What stands in a folder, and what changed since: the scanner that recording and replay share.

Safe on hostile trees: every step is relative to an open folder and follows no link; only regular files are
opened; links are noted with their target; FIFOs, sockets and devices are noted and never opened; depth, entries
and bytes are bounded. The cost of a rescan follows what is dirty, not the tree's size.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from recorder.trace.changes import MAX_PATH, apply, compose, decode_tree, diff, encode_tree, same
from recorder.trace.content import BlobSink, ContentReader, Limits, Seen, amount
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Change, FileState, escape_path
from recorder.trace.ignore import IgnoreRules, Scope
from recorder.trace.openat import FOLDER, OpenFolders, open_folder
from recorder.trace.printable import printable
from recorder.trace.register import Folder, Register
from recorder.trace.volatile import followed, volatile

__all__ = [
    "BlobSink",
    "Limits",
    "Tree",
    "TreeScanner",
    "TreeTooLarge",
    "apply",
    "compose",
    "decode_tree",
    "diff",
    "encode_tree",
    "followed",
    "same",
    "volatile",
]

ADVICE = (
    "Record a smaller folder with --workspace DIR, leave build output to .gitignore, "
    "or record without files with --no-workspace."
)


class TreeTooLarge(RecordingFailed):
    """The folder holds more than the limits allow. The message names folder, number and what to do."""


class Tree(NamedTuple):
    """A scan's result. `ignored` lists what was left out, folders with a slash at their end."""

    entries: dict[bytes, FileState]
    ignored: list[bytes]
    files: int
    bytes: int


class TreeScanner:
    """Knows the tree under `root` as of its last look.

    `scan()` looks at everything, `rescan(paths)` at what may have changed. Both read a file only where its
    inode, size or times differ from the last look, or where these could not tell. With `blobs` content is kept,
    without it only hashed. `on_folder(path, fd)` is called with each followed folder just before it is listed,
    `on_gone(path)` when one is no more.
    """

    def __init__(
        self,
        root: str | bytes | os.PathLike[str],
        *,
        rules: IgnoreRules | None = None,
        limits: Limits | None = None,
        blobs: BlobSink | None = None,
        on_folder: Callable[[bytes, int], None] | None = None,
        on_gone: Callable[[bytes], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.root = os.path.realpath(os.fsencode(root))
        self.rules = rules or IgnoreRules()
        self.limits = limits or Limits()
        self._content = ContentReader(self.limits, blobs)
        self._on_folder = on_folder
        self._progress = progress
        try:
            self._root = os.open(self.root, FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise RecordingFailed(
                f"The workspace {shown(self.root)} cannot be opened: {error.strerror}. Choose another folder."
            ) from error
        self._device = os.fstat(self._root).st_dev
        self._register = Register(on_gone)
        self._ignored: list[bytes] = []
        self._visited: set[bytes] = set()

    def troubles(self) -> list[str]:
        """Content that the sink refused since the last call, for whoever records; the paths' states say so too."""
        troubles, self._content.troubles = self._content.troubles, []
        return troubles

    def close(self) -> None:
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def scan(self, *, everything: bool = False) -> Tree:
        """Looks at the whole tree. With `everything` the result also holds what takes no part in changes (most
        of a git folder). Raises TreeTooLarge.
        """
        register = self._register
        register.note(False)
        register.everything = everything
        self._ignored = []
        self._visited = set()
        try:
            self._visit(b"", self._root, self.rules.top, 0)
        finally:
            register.everything = False
        entries = register.entries()
        files = sum(state.type != "folder" for state in entries.values())
        tree = Tree(entries, sorted(self._ignored), files, register.bytes)
        if everything:
            register.forget_unfollowed()
        self.rules.prune()
        return tree

    def rescan(self, paths: Iterable[bytes], *, entries: Iterable[bytes] = ()) -> list[Change]:
        """Looks at the given paths, relative to the root (b"" is all), and returns what changed since the last
        look, sorted. A folder in `paths` is walked; one in `entries` only where it is new. Raises TreeTooLarge.
        """
        deep = set(paths)
        if self._root_replaced() or not self._register.folders:
            deep.add(b"")
        todo = sorted(deep.union(entries), key=_tree_order)
        self._register.note(True)
        self._visited = set()
        opened = OpenFolders(self._root)
        try:
            for path in todo:
                self._refresh(path, path in deep, opened)
            return self._register.changes()
        finally:
            self._register.note(False)
            opened.close()

    def known(self, path: bytes) -> FileState | None:
        """What stood at the path at the last look, if it is followed."""
        return self._register.known(path)

    def leaves_out(self, path: bytes) -> bool:
        """Whether nothing at the path is ever told, whatever it is; a pattern for folders alone does not count."""
        folder = self._register.folders.get(path.rpartition(b"/")[0])
        return not followed(path) or (folder is not None and self.rules.leaves_out(folder.scope, path, False))

    def moment(self, path: bytes) -> int | None:
        """When the path last changed by the file system's clock (ns of real time); of what is gone, when its
        nearest folder did. None where nobody can say."""
        parts = path.split(b"/")
        while parts:
            try:
                folder = open_folder(self._root, parts[:-1])
            except OSError:
                parts.pop()
                continue
            try:
                return os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_ctime_ns
            except OSError:
                return os.fstat(folder).st_mtime_ns
            finally:
                os.close(folder)
        return None

    def _root_replaced(self) -> bool:
        """Whether another folder stands at the root's path now; if so it is the root from here on.

        Where none stands there the old one, deleted and empty, goes on being looked at.
        """
        try:
            now, old = os.stat(self.root), os.fstat(self._root)
            if (now.st_ino, now.st_dev) == (old.st_ino, old.st_dev):
                return False
            fresh = os.open(self.root, FOLDER & ~os.O_NOFOLLOW)
        except OSError:
            return False
        os.close(self._root)
        self._root, self._device = fresh, now.st_dev
        return True

    # -- walking --------------------------------------------------------------------------------

    def _refresh(self, path: bytes, deep: bool, opened: OpenFolders) -> None:
        """Looks at one path; where its folder is unknown or gone, at the nearest that can tell."""
        if not followed(path) or self._seen(path):
            return
        if not path:
            self._visit(b"", self._root, self.rules.top, 0)
            return
        while True:
            parent, _, name = path.rpartition(b"/")
            folder = self._register.folders.get(parent)
            if folder is None:
                path = parent
                continue
            try:
                fd = opened.get(parent)
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                if parent and not opened.has(parent):
                    path = parent
                    continue
                self._register.remove(folder, path, name)
                status = None
            except OSError:
                if not parent:
                    return
                path = parent
                continue
            if status is not None:
                self._observe(folder, path, name, fd, status, deep)
            break
        if name == b".gitignore" or (name == b".git" and not self._seen(parent)):
            # Other rules now: what they no longer leave out comes in.
            self._revisit(parent, opened)
        elif path.endswith(b".git/info/exclude"):
            self._revisit(path[: -len(b".git/info/exclude")].rstrip(b"/"), opened)

    def _revisit(self, path: bytes, opened: OpenFolders) -> None:
        if self._seen(path):
            return
        try:
            fd = opened.get(path)
        except OSError:
            return
        above = self._register.folders.get(path.rpartition(b"/")[0]) if path else None
        self._visit(path, fd, above.scope if above else self.rules.top, path.count(b"/") + 1 if path else 0)

    def _seen(self, path: bytes) -> bool:
        """Whether this rescan has walked the path's folder or one above it."""
        if not self._visited:
            return False
        while True:
            if path in self._visited:
                return True
            if not path:
                return False
            path = path.rpartition(b"/")[0]

    def _visit(self, path: bytes, fd: int, above: Scope, depth: int) -> None:
        """Lists the folder open at `fd` and looks at everything in it."""
        self._visited.add(path)
        follow = followed(path)
        if follow and self._on_folder is not None:
            self._on_folder(path, fd)
        scope = self.rules.enter(above, path, fd, self._root)
        folder = self._register.folder(path, scope)
        with os.scandir(fd) as listing:
            found = list(islice(listing, self.limits.entries + 1))
        if len(found) > self.limits.entries:
            raise self._too_large(path, f"more than {self.limits.entries:,} entries in one folder")
        names = set()
        for item in found:
            name = os.fsencode(item.name)
            names.add(name)
            try:
                status = item.stat(follow_symlinks=False)
            except OSError:
                names.discard(name)
                continue
            below = path + b"/" + name if path else name
            self._observe(folder, below, name, fd, status, True, depth + 1)
        for name in [name for name in folder.entries if name not in names]:
            self._register.remove(folder, path + b"/" + name if path else name, name)

    def _observe(
        self,
        folder: Folder,
        path: bytes,
        name: bytes,
        fd: int,
        status: os.stat_result,
        deep: bool,
        depth: int | None = None,
    ) -> None:
        """Takes in what stands at `path`, called `name` in the folder open at `fd`."""
        old = folder.entries.get(name)
        mode = status.st_mode
        is_folder = stat.S_ISDIR(mode)
        if not self._register.everything and not followed(path):
            return
        if old is None:
            if self.rules.leaves_out(folder.scope, path, is_folder):
                if not self._register.noting:
                    self._ignored.append(path + b"/" if is_folder else path)
                return
            if self._register.count >= self.limits.entries:
                raise self._too_large(path, f"more than {self.limits.entries:,} entries")
        if not is_folder:
            if old is not None and old.state.type == "folder":
                self._register.drop_below(path)
            if stat.S_ISREG(mode):
                entry = self._file(path, name, fd, status, old)
            elif stat.S_ISLNK(mode):
                entry = self._link(name, fd, status)
            else:
                entry = self._plain(FileState(type="other", mode=stat.S_IMODE(mode)), status)
            self._set(folder, path, name, old, entry)
            return
        known = old is not None and old.state.type == "folder"
        state = FileState(type="folder", mode=stat.S_IMODE(mode))
        if known and not deep and old is not None:
            if old.state.skipped is not None:
                state = FileState(type="folder", mode=stat.S_IMODE(mode), skipped=old.state.skipped)
            self._set(folder, path, name, old, self._plain(state, status))
            return
        depth = path.count(b"/") + 1 if depth is None else depth
        below, why = -1, None
        if status.st_dev != self._device:
            why = "another file system"
        elif depth >= self.limits.depth:
            why = f"deeper than {self.limits.depth} folders"
        elif len(path) > MAX_PATH - 256:
            why = f"a path of more than {MAX_PATH - 256} bytes"
        else:
            try:
                below = os.open(name, FOLDER, dir_fd=fd)
            except FileNotFoundError:
                return
            except OSError as error:
                why = (error.strerror or "cannot be opened").lower()
        if why is not None:
            state = FileState(type="folder", mode=stat.S_IMODE(mode), skipped=why)
            if known:
                self._register.drop_below(path)
        self._set(folder, path, name, old, self._plain(state, status))
        if why is None:
            try:
                self._visit(path, below, folder.scope, depth)
            finally:
                os.close(below)

    # -- taking in ------------------------------------------------------------------------------

    def _plain(self, state: FileState, status: os.stat_result) -> Seen:
        return Seen(state, status.st_ino, 0, False)

    def _link(self, name: bytes, fd: int, status: os.stat_result) -> Seen:
        try:
            target = escape_path(os.readlink(name, dir_fd=fd))
            state = FileState(type="link", mode=stat.S_IMODE(status.st_mode), target=target)
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            state = FileState(type="link", mode=stat.S_IMODE(status.st_mode), skipped=reason)
        return self._plain(state, status)

    def _file(self, path: bytes, name: bytes, fd: int, status: os.stat_result, old: Seen | None) -> Seen:
        if old is not None and old.is_still(status):
            return old
        mode = stat.S_IMODE(status.st_mode)
        if self._register.noting and (rule := volatile(path)) is not None:
            state = FileState(type="file", mode=mode, skipped=f"volatile: {rule}")
            if old is not None and old.state.type == "file" and old.state.mode == mode:
                state = old.state
            return Seen(state, status.st_ino, 0, True)
        return self._content.read(path, name, fd, status)

    def _set(self, folder: Folder, path: bytes, name: bytes, old: Seen | None, new: Seen) -> None:
        if old is new:
            return
        register = self._register
        register.put(folder, path, name, new)
        if not register.noting:
            if new.state.blob is not None and register.bytes > self.limits.total_bytes:
                raise self._too_large(path, f"more than {amount(self.limits.total_bytes)}")
            if self._progress is not None:
                self._progress(register.count, register.bytes)

    def _too_large(self, path: bytes, what: str) -> TreeTooLarge:
        return TreeTooLarge(
            f"The workspace {shown(self.root)} holds {what} (reached at {shown(path)}). {ADVICE}"
        )


def _tree_order(path: bytes) -> bytes:
    return path.replace(b"/", b"\0")


def shown(path: bytes) -> str:
    """The path for a message: nothing in it moves a cursor."""
    return printable(escape_path(path))
