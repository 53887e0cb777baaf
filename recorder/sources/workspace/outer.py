"""The ignore rules that come from outside the working folder, and which folder that is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from recorder.trace.events import escape_path
from recorder.trace.gitignore import PatternFile
from recorder.trace.ignore import MAX_PATTERN_FILE, Layer, OuterRules, git_tracked
from recorder.trace.openat import FOLDER

_GIT_SECONDS = 5


def working_root(cwd: Path) -> Path:
    """The folder to record for somebody who works in `cwd`: the top of its repository, else `cwd` itself.

    A home folder that is a repository (of dot files) does not count unless one stands right in it.
    """
    top = _top(cwd)
    return cwd if top is None or (top == Path.home() and cwd != top) else top


def capture(root: Path, *, excluded: Iterable[Path] = (), include_ignored: bool = False) -> OuterRules:
    """What decides from outside the folder `root` (an absolute path without links) about what is left out.

    Unreadable rule files count as empty, as for git.
    """
    kept_out = [escape_path(os.fsencode(path.relative_to(root))) for path in excluded if root in path.parents]
    rules = OuterRules(user=_user_patterns(root), excluded=kept_out, include_ignored=include_ignored)
    top = _top(root)
    if top is None or (top == root and (root / ".git").is_dir()):
        return rules
    down = os.fsencode(root.relative_to(top)) + b"/" if root != top else b""
    git, common = _git_folders(top)
    above = [Layer(prefix=escape_path(down), patterns=_exclude(common))]
    folder, left = top, down
    while left:
        above.append(Layer(prefix=escape_path(left), patterns=_patterns(folder / ".gitignore")))
        name, _, left = left.partition(b"/")
        folder = folder / os.fsdecode(name)
    if _root_is_left_out(rules.user, above, down):
        return rules
    tracked = [escape_path(name[len(down) :]) for name in _index(git) if name.startswith(down)]
    return OuterRules(
        user=rules.user,
        git=True,
        layers=above,
        tracked=tracked,
        excluded=kept_out,
        include_ignored=include_ignored,
    )


def head_commit(root: Path) -> str | None:
    """The commit that is checked out in `root`; None outside a repository, before its first commit or without git."""
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return head.decode("ascii", "replace") if head else None


def _top(folder: Path) -> Path | None:
    for above in (folder, *folder.parents):
        git = above / ".git"
        if git.is_file() or (git / "HEAD").exists():
            return above
    return None


def _git_folders(top: Path) -> tuple[Path, Path]:
    """The git folder of a working tree and the one it shares with its linked working trees."""
    git = top / ".git"
    if git.is_file():
        text = _patterns(git)
        git = top / os.fsdecode(text.removeprefix(b"gitdir: ").rstrip(b"\n"))
    common = git / os.fsdecode(_patterns(git / "commondir").rstrip(b"\n") or b".")
    return git, common


def _root_is_left_out(user: bytes, layers: list[Layer], down: bytes) -> bool:
    """Whether the repository around the root ignores the root itself or a folder above it: then it has no say."""
    prefixed = [PatternFile(user), *(PatternFile(layer.patterns) for layer in layers)]
    # How deep below the top each file stands; user and exclude patterns apply from the top.
    depths = [0, 0, *range(len(layers) - 1)]
    parts = down.rstrip(b"/").split(b"/") if down else []
    for length in range(1, len(parts) + 1):
        for patterns, depth in reversed(list(zip(prefixed, depths, strict=True))):
            if depth >= length:
                continue
            says = patterns.says(b"/".join(parts[depth:length]), True)
            if says is not None:
                if says:
                    return True
                break
    return False


def _user_patterns(root: Path) -> bytes:
    named = _git(root, "config", "--type=path", "--get", "core.excludesFile")
    if named:
        return _patterns(Path(os.fsdecode(named)))
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return _patterns(Path(base) / "git" / "ignore")


def _git(root: Path, *arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        return b""
    try:
        done = subprocess.run(
            [git, *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout.rstrip(b"\n") if done.returncode == 0 else b""


def _patterns(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_PATTERN_FILE)
    except OSError:
        return b""


def _exclude(git: Path) -> bytes:
    return _patterns(git / "info" / "exclude")


def _index(git: Path) -> set[bytes]:
    try:
        fd = os.open(git, FOLDER)
    except OSError:
        return set()
    try:
        return git_tracked(fd)
    finally:
        os.close(fd)
