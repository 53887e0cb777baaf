"""The recorded working folder, built anew from a trace that may be hostile, and edited while a payload runs in it.

Every step is relative to an open folder and follows no link. Links are made last when a tree is restored, so that
nothing is ever written through one; an edit replaces what stands at a path by renaming a new file over it, so that
a link which the payload planted meanwhile is replaced and never followed.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from recorder.trace.errors import Code, TraceRejected, Unsupported
from recorder.trace.events import Change, FileState, TreeEntry, WorkspaceSnapshot, escape_path, unescape_path
from recorder.trace.ignore import IgnoreRules
from recorder.trace.openat import FOLDER, open_folder
from recorder.trace.removal import remove_tree
from recorder.trace.tree import BlobSink
from recorder.trace.watch import FollowedTree

CopyBlob = Callable[[str, int], object]
"""Writes the blob of a digest to a descriptor. What it raises goes through to the caller."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_RULES = 16 << 20


class Budget(NamedTuple):
    """What a restored tree may hold at most."""

    bytes: int = 1 << 30
    files: int = 200_000
    depth: int = 128
    sparse: int = 64 << 30
    """Size of a file without content: it takes no room, but programs read its zeros."""


class Written(NamedTuple):
    files: int
    size: int
    without_content: list[str]
    """Files whose content the recording did not keep: zeros of the same size stand there."""
    left_out: list[str]
    """What is neither file, folder nor link."""


def restore(
    entries: Iterable[TreeEntry],
    blob: CopyBlob,
    target: Path,
    *,
    budget: Budget | None = None,
    owner: tuple[int, int] | None = None,
) -> Written:
    """Builds the tree below `target`, an existing folder that is empty. Parents need not come first.

    Raises TraceRejected for a path, type or size that no tree has or that is over the budget; what was built until then
    stays. Set-id bits are dropped. Modification times are the recorded ones, to the nanosecond.
    """
    tree: dict[bytes, FileState] = {}
    for entry in entries:
        path = _path_of(entry.path)
        if path in tree:
            raise TraceRejected(Code.DUPLICATE, f"tree: {entry.path!r}", "stands there twice")
        tree[path] = entry.state
    return restore_tree(tree, blob, target, budget=budget, owner=owner)


def restore_tree(
    tree: Mapping[bytes, FileState],
    blob: CopyBlob,
    target: Path,
    *,
    budget: Budget | None = None,
    owner: tuple[int, int] | None = None,
) -> Written:
    """As `restore`, from unescaped paths."""
    budget = budget or Budget()
    _check(tree, budget)
    root = os.open(target, FOLDER)
    try:
        return _Restoring(root, blob, budget, owner).run(tree)
    finally:
        os.close(root)


def _check(tree: Mapping[bytes, FileState], budget: Budget) -> None:
    """All that can be said before anything is written."""
    if len(tree) > budget.files:
        raise TraceRejected(Code.TOO_LARGE, "tree", f"more than {budget.files} entries")
    total = 0
    for path, state in tree.items():
        place = f"tree: {os.fsdecode(path)!r}"
        parts = _parts(path, place)
        if len(parts) > budget.depth:
            raise TraceRejected(Code.TOO_DEEP, place, f"more than {budget.depth} folders deep")
        for end in range(1, len(parts)):
            above = tree.get(b"/".join(parts[:end]))
            if above is not None and above.type != "folder":
                raise TraceRejected(Code.NAME, place, "lies below something that is no folder")
        if state.type == "file" and state.blob is not None:
            total += state.size
            if total > budget.bytes:
                raise TraceRejected(Code.TOO_LARGE, place, f"the tree holds more than {budget.bytes} bytes")
        elif state.type == "file" and state.size > budget.sparse:
            raise TraceRejected(Code.TOO_LARGE, place, f"a file of more than {budget.sparse} bytes")


class _Restoring:
    def __init__(self, root: int, blob: CopyBlob, budget: Budget, owner: tuple[int, int] | None) -> None:
        self._root = root
        self._blob = blob
        self._budget = budget
        self._owner = owner
        self._open: list[tuple[bytes, int]] = []
        self._without: list[str] = []
        self._bytes = 0

    def run(self, tree: Mapping[bytes, FileState]) -> Written:
        by_type: dict[str, list[bytes]] = {"folder": [], "file": [], "link": [], "other": []}
        for path in sorted(tree, key=lambda path: path.replace(b"/", b"\0")):
            by_type[tree[path].type].append(path)
        try:
            for path in by_type["folder"]:
                self._within(path)
            for path in by_type["file"]:
                self._file(path, tree[path])
            for path in by_type["link"]:
                self._link(path, tree[path])
            # Modes and times of folders last: what is put in changes them, and a read-only one takes nothing.
            for path in reversed(by_type["folder"]):
                fd = self._within(path)
                os.fchmod(fd, tree[path].mode & 0o1777)
                _set_time(fd, tree[path].mtime_ns)
        finally:
            while self._open:
                os.close(self._open.pop()[1])
        count = len(tree) - len(by_type["other"])
        return Written(count, self._bytes, self._without, [escape_path(path) for path in by_type["other"]])

    def _within(self, folder: bytes) -> int:
        """The open folder, made where it is missing; the last path's folders stay open, paths come in order."""
        while self._open and not (folder + b"/").startswith(self._open[-1][0] + b"/"):
            os.close(self._open.pop()[1])
        at, fd = self._open[-1] if self._open else (b"", self._root)
        for part in folder[len(at) + 1 if at else 0 :].split(b"/") if folder != at else ():
            try:
                os.mkdir(part, 0o700, dir_fd=fd)
                fresh = True
            except FileExistsError:
                fresh = False
            fd = os.open(part, FOLDER, dir_fd=fd)
            at = at + b"/" + part if at else part
            self._open.append((at, fd))
            if fresh:
                os.fchmod(fd, 0o755)  # of a folder that only its content names; a named one gets its own
                self._give(fd)
        return fd

    def _file(self, path: bytes, state: FileState) -> None:
        above, _, name = path.rpartition(b"/")
        fd = os.open(name, _CREATE, 0o600, dir_fd=self._within(above))
        try:
            self._bytes += _fill(fd, state, self._blob, os.fsdecode(path))
            if state.blob is None and state.size:
                self._without.append(escape_path(path))
            self._give(fd)
            os.fchmod(fd, state.mode & 0o777)
            _set_time(fd, state.mtime_ns)
        finally:
            os.close(fd)

    def _link(self, path: bytes, state: FileState) -> None:
        above, _, name = path.rpartition(b"/")
        folder = self._within(above)
        os.symlink(_target_of(state, path), name, dir_fd=folder)
        if self._owner is not None:
            os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)
        if state.mtime_ns is not None:
            os.utime(name, ns=(state.mtime_ns, state.mtime_ns), dir_fd=folder, follow_symlinks=False)

    def _give(self, fd: int) -> None:
        if self._owner is not None:
            os.fchown(fd, *self._owner)


def apply(
    changes: Iterable[Change],
    blob: CopyBlob,
    root: int,
    *,
    budget: Budget | None = None,
) -> list[tuple[bytes, str]]:
    """Makes recorded edits in the tree of the open folder `root`, in which a payload may be running.

    New files get the owner of `root`. Returns the paths that could not be edited and why (the replay differs there: a
    folder on the way is missing, or is a link now). Raises TraceRejected for changes that no recording makes.
    """
    budget = budget or Budget()
    todo = [(_path_of(change.path), change) for change in changes]
    _check({path: change.after for path, change in todo if change.after is not None}, budget)
    todo.sort(key=lambda item: item[0].replace(b"/", b"\0"))
    gone = [path for path, change in reversed(todo) if change.after is None]
    kinds = ("folder", "file", "link", "other")
    made = sorted(
        ((path, change.after) for path, change in todo if change.after is not None),
        key=lambda item: kinds.index(item[1].type),
    )
    status = os.fstat(root)
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    failed: list[tuple[bytes, str]] = []
    for path, after in [*((path, None) for path in gone), *made]:
        above, _, name = path.rpartition(b"/")
        try:
            folder = open_folder(root, above.split(b"/") if above else ())
        except OSError as error:
            if after is not None or not isinstance(error, FileNotFoundError):
                failed.append((path, error.strerror or "cannot be reached"))
            continue
        try:
            if after is None:
                _remove(folder, name)
            else:
                _put(folder, name, after, blob, owner, os.fsdecode(path))
        except (OSError, Unsupported) as error:
            failed.append((path, getattr(error, "strerror", None) or str(error)))
        finally:
            os.close(folder)
    return failed


def _put(
    folder: int, name: bytes, after: FileState, blob: CopyBlob, owner: tuple[int, int] | None, shown: str
) -> None:
    if after.type == "folder":
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                _remove(folder, name)
                os.mkdir(name, 0o700, dir_fd=folder)
        fd = os.open(name, FOLDER, dir_fd=folder)
        try:
            if owner is not None:
                os.fchown(fd, *owner)
            os.fchmod(fd, after.mode & 0o1777)
        finally:
            os.close(fd)
        return
    if after.type == "other" or (after.type == "file" and after.blob is None and after.size):
        raise Unsupported(after.skipped or "its content was not recorded")
    beside = b".reenact-" + secrets.token_hex(8).encode()
    try:
        if after.type == "link":
            os.symlink(_target_of(after, name), beside, dir_fd=folder)
            if owner is not None:
                os.chown(beside, *owner, dir_fd=folder, follow_symlinks=False)
        else:
            fd = os.open(beside, _CREATE, 0o600, dir_fd=folder)
            try:
                _fill(fd, after, blob, shown)
                if owner is not None:
                    os.fchown(fd, *owner)
                os.fchmod(fd, after.mode & 0o777)
            finally:
                os.close(fd)
        try:
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except IsADirectoryError:
            _remove(folder, name)
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _remove(folder, beside)
        raise


def _remove(folder: int, name: bytes) -> None:
    """Removes what stands there, a folder with all it holds; follows no link. Nothing there is fine."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):
        remove_tree(name, dir_fd=folder)


def _fill(fd: int, state: FileState, blob: CopyBlob, shown: str) -> int:
    if state.blob is None:
        os.ftruncate(fd, state.size)
        return 0
    blob(state.blob, fd)
    size = os.fstat(fd).st_size
    if size != state.size:
        raise TraceRejected(
            Code.SCHEMA, f"tree: {shown!r}", f"said to have {state.size} bytes, its content has {size}"
        )
    return size


def _set_time(fd: int, mtime_ns: int | None) -> None:
    if mtime_ns is not None:
        os.utime(fd, ns=(mtime_ns, mtime_ns))


def _target_of(state: FileState, path: bytes) -> bytes:
    try:
        target = unescape_path(state.target or "")
    except ValueError as error:
        raise TraceRejected(Code.NAME, f"tree: {os.fsdecode(path)!r}", f"link target: {error}") from error
    if not target or len(target) > 4095 or b"\0" in target:
        raise TraceRejected(Code.NAME, f"tree: {os.fsdecode(path)!r}", "the link points nowhere that can be")
    return target


def _path_of(text: str) -> bytes:
    try:
        path = unescape_path(text)
    except ValueError as error:
        raise TraceRejected(Code.NAME, f"tree: {text!r}", str(error)) from error
    _parts(path, f"tree: {text!r}")
    return path


def _parts(path: bytes, place: str) -> list[bytes]:
    parts = path.split(b"/")
    if not path or len(path) > 4095 or b"\0" in path:
        raise TraceRejected(Code.NAME, place, "the path is empty, too long or holds NUL")
    if any(part in (b"", b".", b"..") or len(part) > 255 for part in parts):
        raise TraceRejected(
            Code.NAME, place, "the path must be relative, without empty, '.', '..' or overlong parts"
        )
    return parts


class WorkspaceCopy:
    """A restored tree at `root`, edited as recorded, that tells what changed since it was last asked.

    `blobs` keeps the content of what changes. Raises TraceRejected as `restore` does.
    """

    def __init__(
        self,
        folder: Path,
        entries: Mapping[bytes, FileState],
        blob: CopyBlob,
        blobs: BlobSink,
        snapshot: WorkspaceSnapshot | None,
        *,
        budget: Budget | None = None,
    ) -> None:
        folder.mkdir(mode=0o755)
        self.root = folder
        self._budget = budget
        self.written = restore_tree(entries, blob, folder, budget=budget)
        self._scanner = FollowedTree(folder, rules=_rules(snapshot, blob), blobs=blobs)
        self._root = os.open(folder, FOLDER)
        self._scanner.scan()

    def changes(self) -> list[Change]:
        """What differs from the last look, by the rules of the recording."""
        return self._scanner.changes()

    def apply(self, changes: Iterable[Change], blob: CopyBlob) -> list[tuple[bytes, str]]:
        """See `apply`."""
        return apply(changes, blob, self._root, budget=self._budget)

    def close(self) -> None:
        self._scanner.close()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1


def _rules(snapshot: WorkspaceSnapshot | None, blob: CopyBlob) -> IgnoreRules | None:
    if snapshot is None or snapshot.rules is None:
        return None
    fd = os.memfd_create("rules")
    try:
        blob(snapshot.rules, fd)
        if os.fstat(fd).st_size > _MAX_RULES:
            raise TraceRejected(Code.TOO_LARGE, "rules", f"more than {_MAX_RULES} bytes")
        return IgnoreRules.load(os.pread(fd, _MAX_RULES, 0))
    finally:
        os.close(fd)
