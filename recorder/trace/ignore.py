"""What a scan leaves out. The same rules hold while recording and in a replay's restored tree.

In a git repository: what git leaves out, by the .gitignore files on the way, `info/exclude` and the user's own
patterns; what the index tracks is kept all the same. git itself is never run: a restored tree is a stranger's,
its configuration may name programs. Two deviations keep replay equal to the recording: a `.gitignore` that
ignores itself is kept, and what was followed once stays followed whatever patterns are written later.
Outside a repository: `DEFAULT` only.

What decides but lies outside the workspace (an enclosing repository's rules, the user's patterns) is in
`OuterRules`, which travel with the trace.
"""

from __future__ import annotations

import os
import posixpath
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import escape_path, unescape_path
from recorder.trace.gitignore import PatternFile
from recorder.trace.gitindex import tracked
from recorder.trace.openat import open_folder, read_regular

DEFAULT = PatternFile(b".cache/\n")
"""Outside git only what its own convention lets anyone delete at any time. Not node_modules or .venv: programs
run from there."""

MAX_PATTERN_FILE = 1 << 20
MAX_INDEX = 256 << 20


class Layer(Struct, frozen=True):
    """Patterns that stand above the workspace; `prefix` leads from their folder down to it ("" or "a/b/")."""

    prefix: str
    patterns: bytes


class OuterRules(Struct, frozen=True, omit_defaults=True):
    """What decides from outside the workspace folder.

    `user`: the user's patterns, for every repository. `git`: the workspace lies below a repository's top folder,
    whose rules are `layers`, lowest precedence first. `tracked`: files kept although ignored. `excluded`: folders
    never looked at (the recorder's own). `include_ignored`: nothing else is left out.
    """

    user: bytes = b""
    git: bool = False
    layers: list[Layer] = []
    tracked: list[str] = []
    excluded: list[str] = []
    include_ignored: bool = False


class _Bound(NamedTuple):
    """Patterns and how a path relative to the workspace becomes one relative to them."""

    patterns: PatternFile
    strip: int
    prefix: bytes


class Repository:
    """What a repository tracks, as paths relative to the workspace; `kept` are those the rules would leave out."""

    def __init__(self, names: set[bytes]) -> None:
        self.kept: set[bytes] = set()
        self._hold(names)

    def _hold(self, names: set[bytes]) -> None:
        self.names = names
        self.folders: set[bytes] = set()
        for name in names:
            above = name.rpartition(b"/")[0]
            while above and above not in self.folders:
                self.folders.add(above)
                above = above.rpartition(b"/")[0]

    def prune(self) -> None:
        """Forgets the tracked files that no rule would leave out."""
        self._hold(set(self.kept))


class Scope(NamedTuple):
    """The rules inside one folder. With `closed` the folder itself is left out: only tracked files are kept."""

    chain: tuple[_Bound, ...]
    repository: Repository | None
    git: bool
    closed: bool = False

    def ignores(self, path: bytes, is_folder: bool) -> bool:
        """Whether the rules leave the path out, tracked or not."""
        if self.closed:
            return True
        for patterns, strip, prefix in reversed(self.chain):
            says = patterns.says(prefix + path[strip:], is_folder)
            if says is not None:
                return says
        return False


class IgnoreRules:
    """Rules for one scan of one workspace; `enter` gives those inside a folder."""

    def __init__(self, outer: OuterRules | None = None) -> None:
        self.outer = outer or OuterRules()
        self._user = PatternFile(self.outer.user)
        self._excluded = {unescape_path(path) for path in self.outer.excluded}
        self._repositories: dict[bytes, Repository] = {}
        chain = [_Bound(DEFAULT, 0, b"")]
        repository = None
        if self.outer.git:
            layers = [
                (unescape_path(layer.prefix), PatternFile(layer.patterns)) for layer in self.outer.layers
            ]
            prefix = max((prefix for prefix, _ in layers), key=len, default=b"")
            chain = [_Bound(self._user, 0, prefix)]
            chain += [_Bound(patterns, 0, prefix) for prefix, patterns in layers]
            repository = Repository({unescape_path(path) for path in self.outer.tracked})
            self._repositories[b""] = repository
        self.top = Scope(tuple(chain), repository, self.outer.git)

    @classmethod
    def load(cls, data: bytes, place: str = "rules") -> IgnoreRules:
        """The rules that `dump` gave. Raises TraceRejected only."""
        try:
            return cls(msgspec.json.decode(data, type=OuterRules))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise TraceRejected(Code.SCHEMA, place, str(error)) from error
        except ValueError as error:
            raise TraceRejected(Code.SYNTAX, place, str(error)) from error

    def dump(self) -> bytes:
        """What a replay needs to apply the same rules; complete once a scan is done."""
        kept = self.outer.tracked
        if self.outer.git and (repository := self._repositories.get(b"")) is not None:
            kept = sorted(escape_path(name) for name in repository.kept)
        return msgspec.json.encode(msgspec.structs.replace(self.outer, tracked=kept))

    def enter(self, above: Scope, path: bytes, fd: int, root: int) -> Scope:
        """The rules inside the folder `path` open at `fd`, given those around it; reads its `.gitignore`.

        `root` is the open workspace folder. Inside a git folder there are no rules.
        """
        if self.outer.include_ignored:
            return above
        if path == b".git" or path.endswith(b"/.git"):
            return Scope((), None, False)
        scope = above._replace(closed=True) if path and above.ignores(path, True) else above
        below = path + b"/" if path else b""
        if not scope.closed:
            kind, git = _git_folder(root, path, fd)
            if kind == "inside" or (kind == "outside" and path):
                scope = self._repository_scope(path, below, git)
        if scope.git and not scope.closed:
            data = read_regular(fd, b".gitignore", MAX_PATTERN_FILE)
            if data is not None and (patterns := PatternFile(data)).patterns:
                scope = scope._replace(chain=(*scope.chain, _Bound(patterns, len(below), b"")))
        return scope

    def leaves_out(self, scope: Scope, path: bytes, is_folder: bool) -> bool:
        """Whether an entry not followed so far is left out.

        A folder that is left out but for tracked files below it is not; `enter` closes its inside.
        """
        if path in self._excluded:
            return True
        if self.outer.include_ignored:
            return False
        name = path[path.rfind(b"/") + 1 :]
        if name == b".git" or (name == b".gitignore" and not scope.closed):
            return False
        if not scope.ignores(path, is_folder):
            return False
        repository = scope.repository
        if repository is None:
            return True
        if is_folder:
            return path not in repository.folders
        if path in repository.names:
            repository.kept.add(path)
            return False
        return True

    def prune(self) -> None:
        """Frees what only a first scan needs."""
        for repository in self._repositories.values():
            repository.prune()

    def _repository_scope(self, path: bytes, below: bytes, git: int | None) -> Scope:
        exclude = b""
        names: set[bytes] = set()
        if git is not None:
            try:
                exclude = git_exclude(git)
                if path not in self._repositories:
                    names = {below + name for name in git_tracked(git)}
            finally:
                os.close(git)
        repository = self._repositories.setdefault(path, Repository(names))
        bounds = [_Bound(self._user, len(below), b""), _Bound(PatternFile(exclude), len(below), b"")]
        return Scope(tuple(b for b in bounds if b.patterns.patterns), repository, True)


def _git_folder(root: int, path: bytes, fd: int) -> tuple[Literal["inside", "outside", "none"], int | None]:
    """Where the git folder of the repository is whose top folder is open at `fd`; open, if in the workspace."""
    try:
        git = open_folder(fd, [b".git"])
    except OSError:
        text = read_regular(fd, b".git", 8192)
        if text is None or not text.startswith(b"gitdir: "):
            return "none", None
        # A submodule or a linked worktree.
        target = posixpath.normpath(posixpath.join(path, text[8:].rstrip(b"\n")))
        if target.startswith((b"/", b"..")):
            return "outside", None
        try:
            git = open_folder(root, target.split(b"/"))
        except OSError:
            return "outside", None
    try:
        os.stat(b"HEAD", dir_fd=git, follow_symlinks=False)
    except OSError:
        os.close(git)
        return "none", None
    return "inside", git


def git_exclude(git: int) -> bytes:
    """`info/exclude` of the git folder open at `git`."""
    try:
        info = open_folder(git, [b"info"])
    except OSError:
        return b""
    try:
        return read_regular(info, b"exclude", MAX_PATTERN_FILE) or b""
    finally:
        os.close(info)


def git_tracked(git: int) -> set[bytes]:
    """What the index in the git folder open at `git` holds; its hash size is told by the configuration."""
    index = read_regular(git, b"index", MAX_INDEX) or b""
    config = (read_regular(git, b"config", MAX_PATTERN_FILE) or b"").lower()
    size = 32 if b"objectformat" in config and b"sha256" in config else 20
    return tracked(index, hash_size=size)
