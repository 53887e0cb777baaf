"""What stands in a folder, and what changed since: the scanner that recording and replay share.

Safe on hostile trees: every step is relative to an open folder and follows no link; only regular files are
opened; links are noted with their target; FIFOs, sockets and devices are noted and never opened; depth, entries
and bytes are bounded. The cost of a rescan follows what is dirty, not the tree's size.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple, Protocol

from recorder.trace.changes import MAX_PATH, apply, changes_of, compose, decode_tree, diff, encode_tree, same
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Change, FileState, escape_path
from recorder.trace.ignore import IgnoreRules, Scope
from recorder.trace.openat import FOLDER, REGULAR, open_folder
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

RACY_NS = 50_000_000
"""A file changed this shortly before it was read may change again without its times showing it: it is read anew."""
RACY_COARSE_NS = 2_100_000_000
"""The same where the file system keeps whole seconds."""
_ATTEMPTS = 3
_PORTION = 1 << 20


class TreeTooLarge(RecordingFailed):
    """The folder holds more than the limits allow. The message names folder, number and what to do."""


class BlobSink(Protocol):
    """Where content goes; `blobs.BlobStore` is one. Both raise RecordingFailed where it cannot be kept."""

    def put(self, content: bytes) -> str: ...

    def put_fd(self, fd: int, most: int) -> tuple[str, int]: ...


class Limits(NamedTuple):
    """What a scan takes on. `entries` and `total_bytes` bound the whole tree, `file_bytes` one file outside a
    git folder, `kept_bytes` all content put in the sink over the scanner's life."""

    entries: int = 200_000
    total_bytes: int = 512 << 20
    file_bytes: int = 64 << 20
    kept_bytes: int = 2 << 30
    depth: int = 64


class Tree(NamedTuple):
    """A scan's result. `ignored` lists what was left out, folders with a slash at their end."""

    entries: dict[bytes, FileState]
    ignored: list[bytes]
    files: int
    bytes: int


class _Entry(NamedTuple):
    state: FileState
    inode: int
    ctime_ns: int
    racy: bool


class _Folder:
    __slots__ = ("entries", "scope")

    def __init__(self, scope: Scope) -> None:
        self.entries: dict[bytes, _Entry] = {}
        self.scope = scope


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
        self.troubles: list[str] = []
        """Content that the sink refused, to be reported by whoever records; each path is in its state as skipped."""
        self._blobs = blobs
        self._on_folder = on_folder
        self._on_gone = on_gone
        self._progress = progress
        try:
            self._root = os.open(self.root, FOLDER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise RecordingFailed(
                f"The workspace {_shown(self.root)} cannot be opened: {error.strerror}. Choose another folder."
            ) from error
        self._device = os.fstat(self._root).st_dev
        self._folders: dict[bytes, _Folder] = {}
        self._count = 0
        self._bytes = 0
        self._kept = 0
        self._ignored: list[bytes] = []
        self._changes: dict[bytes, tuple[FileState | None, FileState | None]] | None = None
        self._everything = False
        self._visited: set[bytes] = set()

    def close(self) -> None:
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def scan(self, *, everything: bool = False) -> Tree:
        """Looks at the whole tree. With `everything` the result also holds what takes no part in changes (most
        of a git folder). Raises TreeTooLarge.
        """
        self._changes = None
        self._everything = everything
        self._ignored = []
        self._visited = set()
        try:
            self._visit(b"", self._root, self.rules.top, 0)
        finally:
            self._everything = False
        entries = {
            (path + b"/" + name if path else name): entry.state
            for path, folder in self._folders.items()
            for name, entry in folder.entries.items()
        }
        files = sum(state.type != "folder" for state in entries.values())
        tree = Tree(entries, sorted(self._ignored), files, self._bytes)
        if everything:
            self._forget_unfollowed()
        self.rules.prune()
        return tree

    def rescan(self, paths: Iterable[bytes], *, entries: Iterable[bytes] = ()) -> list[Change]:
        """Looks at the given paths, relative to the root (b"" is all), and returns what changed since the last
        look, sorted. A folder in `paths` is walked; one in `entries` only where it is new. Raises TreeTooLarge.
        """
        deep = set(paths)
        todo = sorted(deep.union(entries), key=_tree_order)
        self._changes = {}
        self._visited = set()
        opened = _OpenFolders(self._root)
        try:
            for path in todo:
                self._refresh(path, path in deep, opened)
            return changes_of((path, before, after) for path, (before, after) in self._changes.items())
        finally:
            self._changes = None
            opened.close()

    def known(self, path: bytes) -> FileState | None:
        """What stood at the path at the last look, if it is followed."""
        parent, _, name = path.rpartition(b"/")
        folder = self._folders.get(parent)
        entry = folder.entries.get(name) if folder is not None else None
        return None if entry is None else entry.state

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

    # -- walking --------------------------------------------------------------------------------

    def _refresh(self, path: bytes, deep: bool, opened: _OpenFolders) -> None:
        """Looks at one path; where its folder is unknown or gone, at the nearest that can tell."""
        if not followed(path) or self._seen(path):
            return
        if not path:
            self._visit(b"", self._root, self.rules.top, 0)
            return
        while True:
            parent, _, name = path.rpartition(b"/")
            folder = self._folders.get(parent)
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
                self._remove(folder, path, name)
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

    def _revisit(self, path: bytes, opened: _OpenFolders) -> None:
        if self._seen(path):
            return
        try:
            fd = opened.get(path)
        except OSError:
            return
        above = self._folders.get(path.rpartition(b"/")[0]) if path else None
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
        folder = self._folders.get(path)
        if folder is None:
            folder = self._folders[path] = _Folder(scope)
        folder.scope = scope
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
            self._remove(folder, path + b"/" + name if path else name, name)

    def _observe(
        self,
        folder: _Folder,
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
        if not self._everything and not followed(path):
            return
        if old is None:
            if self.rules.leaves_out(folder.scope, path, is_folder):
                if self._changes is None:
                    self._ignored.append(path + b"/" if is_folder else path)
                return
            if self._count >= self.limits.entries:
                raise self._too_large(path, f"more than {self.limits.entries:,} entries")
        if not is_folder:
            if old is not None and old.state.type == "folder":
                self._drop_below(path)
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
                self._drop_below(path)
        self._set(folder, path, name, old, self._plain(state, status))
        if why is None:
            try:
                self._visit(path, below, folder.scope, depth)
            finally:
                os.close(below)

    # -- taking in ------------------------------------------------------------------------------

    def _plain(self, state: FileState, status: os.stat_result) -> _Entry:
        return _Entry(state, status.st_ino, 0, False)

    def _link(self, name: bytes, fd: int, status: os.stat_result) -> _Entry:
        try:
            target = escape_path(os.readlink(name, dir_fd=fd))
            state = FileState(type="link", mode=stat.S_IMODE(status.st_mode), target=target)
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            state = FileState(type="link", mode=stat.S_IMODE(status.st_mode), skipped=reason)
        return self._plain(state, status)

    def _file(self, path: bytes, name: bytes, fd: int, status: os.stat_result, old: _Entry | None) -> _Entry:
        if (
            old is not None
            and not old.racy
            and old.inode == status.st_ino
            and old.ctime_ns == status.st_ctime_ns
            and old.state.mtime_ns == status.st_mtime_ns
            and old.state.size == status.st_size
            and old.state.type == "file"
        ):
            return old
        mode = stat.S_IMODE(status.st_mode)
        if self._changes is not None and (rule := volatile(path)) is not None:
            state = FileState(type="file", mode=mode, skipped=f"volatile: {rule}")
            if old is not None and old.state.type == "file" and old.state.mode == mode:
                state = old.state
            return _Entry(state, status.st_ino, 0, True)
        return self._read(path, name, fd, status)

    def _read(self, path: bytes, name: bytes, fd: int, status: os.stat_result) -> _Entry:
        """The file's state with its content's hash; where it cannot be had, why."""
        mode, size = stat.S_IMODE(status.st_mode), status.st_size
        in_git = path.startswith(b".git/") or b"/.git/" in path
        most = self.limits.total_bytes if in_git else self.limits.file_bytes
        why = "it changed while it was read"
        for _ in range(_ATTEMPTS):
            try:
                file = os.open(name, REGULAR, dir_fd=fd)
            except OSError as error:
                why = (error.strerror or "cannot be read").lower()
                break
            try:
                status = os.fstat(file)
                mode, size = stat.S_IMODE(status.st_mode), status.st_size
                if not stat.S_ISREG(status.st_mode):
                    return self._plain(FileState(type="other", mode=mode), status)
                if size > most:
                    on_disk = min(size, status.st_blocks * 512)
                    why = f"larger than {_amount(most)} ({_amount(size)}, {_amount(on_disk)} on disk)"
                    break
                if self._blobs is not None and self._kept + size > self.limits.kept_bytes:
                    why = f"over {_amount(self.limits.kept_bytes)} kept in this session"
                    self.troubles.append(f"{_shown(path)}: {why}")
                    break
                now = time.time_ns()
                digest, length = self._digest(file, size, most)
                after = os.fstat(file)
                if length == size and _key(after) == _key(status):
                    self._kept += size
                    changed = max(status.st_mtime_ns, status.st_ctime_ns)
                    coarse = status.st_mtime_ns % 1_000_000_000 == 0
                    state = FileState(
                        type="file", mode=mode, size=size, blob=digest, mtime_ns=status.st_mtime_ns
                    )
                    racy = changed >= now - (RACY_COARSE_NS if coarse else RACY_NS)
                    return _Entry(state, status.st_ino, status.st_ctime_ns, racy)
            except ValueError:
                continue
            except RecordingFailed as error:
                why = "not kept"
                self.troubles.append(f"{_shown(path)}: {error}")
                break
            except OSError as error:
                why = (error.strerror or "cannot be read").lower()
                break
            finally:
                os.close(file)
        state = FileState(type="file", mode=mode, size=size, mtime_ns=status.st_mtime_ns, skipped=why)
        return _Entry(state, status.st_ino, status.st_ctime_ns, True)

    def _digest(self, file: int, size: int, most: int) -> tuple[str, int]:
        if self._blobs is not None and size > _PORTION:
            return self._blobs.put_fd(file, most)
        if size <= _PORTION:
            content = os.read(file, size + 1)
            while content and len(content) <= size and (more := os.read(file, size + 1 - len(content))):
                content += more
            if self._blobs is not None:
                return self._blobs.put(content), len(content)
            return hashlib.sha256(content).hexdigest(), len(content)
        hasher = hashlib.sha256()
        length = 0
        while length <= size and (data := os.read(file, _PORTION)):
            hasher.update(data)
            length += len(data)
        return hasher.hexdigest(), length

    def _set(self, folder: _Folder, path: bytes, name: bytes, old: _Entry | None, new: _Entry) -> None:
        if old is new:
            return
        before = old.state if old is not None else None
        if old is None:
            self._count += 1
        elif before is not None and before.blob is not None:
            self._bytes -= before.size
        if new.state.blob is not None:
            self._bytes += new.state.size
            if self._changes is None and self._bytes > self.limits.total_bytes:
                raise self._too_large(path, f"more than {_amount(self.limits.total_bytes)}")
        folder.entries[name] = new
        if self._changes is not None:
            self._note(path, before, new.state)
        elif self._progress is not None:
            self._progress(self._count, self._bytes)

    def _remove(self, folder: _Folder, path: bytes, name: bytes) -> None:
        old = folder.entries.get(name)
        if old is None or not (self._everything or followed(path)):
            return
        if old.state.type == "folder":
            self._drop_below(path)
        del folder.entries[name]
        self._count -= 1
        if old.state.blob is not None:
            self._bytes -= old.state.size
        self._note(path, old.state, None)

    def _drop_below(self, path: bytes) -> None:
        folder = self._folders.pop(path, None)
        if folder is None:
            return
        if self._on_gone is not None:
            self._on_gone(path)
        for name in list(folder.entries):
            self._remove(folder, path + b"/" + name, name)

    def _note(self, path: bytes, before: FileState | None, after: FileState | None) -> None:
        if self._changes is not None:
            first = self._changes.get(path)
            self._changes[path] = (before if first is None else first[0], after)

    def _forget_unfollowed(self) -> None:
        for path in [path for path in self._folders if not followed(path)]:
            self._count -= len(self._folders.pop(path).entries)
        for path, folder in self._folders.items():
            if path == b".git" or b".git/" in path + b"/":
                gone = [name for name in folder.entries if not followed(path + b"/" + name)]
                for name in gone:
                    del folder.entries[name]
                    self._count -= 1

    def _too_large(self, path: bytes, what: str) -> TreeTooLarge:
        return TreeTooLarge(
            f"The workspace {_shown(self.root)} holds {what} (reached at {_shown(path)}). {ADVICE}"
        )


ADVICE = (
    "Record a smaller folder with --workspace DIR, leave build output to .gitignore, "
    "or record without file changes with --no-workspace."
)


class _OpenFolders:
    """The open folders on the way to the last path asked for; each is opened once while paths come in order."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: list[tuple[bytes, int]] = []

    def get(self, path: bytes) -> int:
        """The folder's descriptor, valid until the next call. Raises OSError."""
        while self._open and not (path + b"/").startswith(self._open[-1][0] + b"/"):
            os.close(self._open.pop()[1])
        at, fd = self._open[-1] if self._open else (b"", self._root)
        if at == path:
            return fd
        for part in path[len(at) + 1 if at else 0 :].split(b"/"):
            fd = os.open(part, FOLDER, dir_fd=fd)
            at = at + b"/" + part if at else part
            self._open.append((at, fd))
        return fd

    def has(self, path: bytes) -> bool:
        return bool(self._open) and self._open[-1][0] == path

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop()[1])


def _tree_order(path: bytes) -> bytes:
    return path.replace(b"/", b"\0")


def _key(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _amount(size: int) -> str:
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.4g} {unit}"
    return f"{size} bytes"


def _shown(path: bytes) -> str:
    """The path for a message: control characters escaped."""
    text = escape_path(path)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
