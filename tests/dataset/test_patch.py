"""The net patch of a session: `git apply` makes of the folder's first state its last."""

from __future__ import annotations

import hashlib
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.trace.changes import decode_tree, diff
from recorder.trace.events import (
    FileState,
    Gap,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
    escape_path,
)
from recorder.trace.reader import open_trace
from replay.dataset.observation import unified
from replay.dataset.patch import net_patch
from replay.dataset.row import Patch, Row

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
Tree = dict[bytes, tuple[str, int, bytes]]
"""By path: type, mode, content (of a link where it leads)."""


class Blobs:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def states(self, tree: Tree) -> dict[bytes, FileState]:
        return {path: self._state(*what) for path, what in tree.items()}

    def _state(self, kind: str, mode: int, content: bytes) -> FileState:
        if kind == "link":
            return FileState(type="link", mode=0o777, target=escape_path(content))
        if kind != "file":
            return FileState(type="folder" if kind == "folder" else "other", mode=mode)
        digest = hashlib.sha256(content).hexdigest()
        self.kept[digest] = content
        return FileState(type="file", mode=mode, size=len(content), blob=digest)


SNAPSHOT = WorkspaceSnapshot(
    t=0, source="workspace", root="/w", tree="0" * 64, files=0, bytes=0, git=None, ignored=[]
)


def patch_of(*trees: Tree) -> Patch:
    """What `net_patch` says of a session that goes from tree to tree: by a command first, then by edits."""
    blobs = Blobs()
    states = [blobs.states(tree) for tree in trees]
    runs = [diff(before, after) for before, after in pairwise(states)]
    events = [
        SNAPSHOT,
        WorkspaceChanged(t=1, source="workspace", first=1, last=1, changes=runs[0]),
        *(WorkspaceEdited(t=2, source="workspace", commands=1, changes=run) for run in runs[1:]),
    ]
    return net_patch(events, blobs.kept.get)


def write(folder: Path, tree: Tree) -> None:
    for path, (kind, mode, content) in sorted(tree.items()):
        place = os.path.join(os.fsencode(folder), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if kind == "link":
            os.symlink(content, place)
        elif kind == "folder":
            os.makedirs(place, exist_ok=True)
        else:
            Path(os.fsdecode(place)).write_bytes(content)
            os.chmod(place, mode)


def files_in(folder: Path) -> Tree:
    found: Tree = {}
    for parent, folders, names in os.walk(os.fsencode(folder)):
        if b".git" in folders:
            folders.remove(b".git")
        for name in names:
            place = os.path.join(parent, name)
            path = os.path.relpath(place, os.fsencode(folder))
            if os.path.islink(place):
                found[path] = ("link", 0o777, os.readlink(place))
            else:
                mode = 0o755 if os.stat(place).st_mode & 0o100 else 0o644
                found[path] = ("file", mode, Path(os.fsdecode(place)).read_bytes())
    return found


def apply(folder: Path, patch: Patch) -> None:
    assert patch.diff is not None, patch.why
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=folder, input=patch.diff.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode() + patch.diff


FIRST: Tree = {
    b"a.py": ("file", 0o644, b"1\n2\n3\n"),
    b"run": ("file", 0o644, b"#!/bin/sh\n"),
    b"gone": ("file", 0o644, b"last line has no end"),
    b"with space.txt": ("file", 0o644, b"a\r\nb\x0cc\rd\n"),
    "ünï \"q\"\\\t\n".encode(): ("file", 0o644, b"x\n"),
    b"\xff.txt": ("file", 0o644, b"x\n"),
    b"was file": ("file", 0o644, b"x\n"),
    b"was link": ("link", 0o777, b"a.py"),
    b"empty": ("file", 0o644, b""),
    b"link": ("link", 0o777, b"a.py"),
}  # fmt: skip
LAST: Tree = {
    b"a.py": ("file", 0o644, b"1\n2.5\n3"),
    b"run": ("file", 0o755, b"#!/bin/sh\necho\n"),
    b"with space.txt": ("file", 0o644, b"a\r\nB\x0cc\rd\n"),
    'ünï "q"\\\t\n'.encode(): ("file", 0o644, b"y\n"),
    b"\xff.txt": ("file", 0o755, b"x\n"),
    b"was file": ("link", 0o777, b"back\\slash"),
    b"was link": ("file", 0o644, b"x\n"),
    b"empty": ("file", 0o644, b"no more\n"),
    b"link": ("link", 0o777, "ü".encode()),
    b"new/deep/one": ("file", 0o755, b"x\n"),
    b"new empty": ("file", 0o644, b""),
}


@pytest.mark.parametrize(("before", "after"), [(FIRST, LAST), (LAST, FIRST), ({}, FIRST), (FIRST, {})])
def test_git_applies_it(before: Tree, after: Tree, tmp_path: Path) -> None:
    write(tmp_path, before)
    apply(tmp_path, patch_of(before, after))
    assert files_in(tmp_path) == after


def test_what_was_changed_and_changed_back_is_not_in_it() -> None:
    middle = FIRST | {b"a.py": ("file", 0o644, b"other\n"), b"more": ("file", 0o644, b"x")}
    assert patch_of(FIRST, middle, FIRST) == Patch(diff="")


def test_edits_after_commands_are_in_it(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    apply(tmp_path, patch_of(FIRST, {}, LAST))
    assert files_in(tmp_path) == LAST


def test_git_folders_and_volatile_paths_are_left_out() -> None:
    noise: Tree = {
        b".git": ("folder", 0o755, b""),
        b".git/HEAD": ("file", 0o644, b"ref\n"),
        b"sub/.git": ("file", 0o644, b"gitdir\n"),
        b"__pycache__/a.pyc": ("file", 0o644, b"\x00"),
        b"folder": ("folder", 0o755, b""),
        b"pipe": ("other", 0o644, b""),
    }
    assert patch_of({}, noise) == Patch(diff="")


@pytest.mark.parametrize("content", [b"\x00binary", b"latin \xe9\n"])
def test_what_is_no_text_is_named(content: bytes) -> None:
    patch = patch_of({}, {b"logo.png": ("file", 0o644, content)})
    assert patch == Patch(diff=None, why="logo.png: no text")


def test_content_that_was_not_kept_is_named() -> None:
    big = FileState(type="file", mode=0o644, size=1 << 30, skipped="too large")
    events = [
        SNAPSHOT,
        WorkspaceChanged(t=1, source="workspace", first=1, last=1, changes=diff({}, {b"big": big})),
    ]
    assert net_patch(events, lambda _: None) == Patch(diff=None, why="big: too large")


def test_a_gap_in_the_workspace_leaves_no_patch() -> None:
    gap = Gap(t=1, source="workspace", until=2, bytes=None, reason="died")
    assert net_patch([SNAPSHOT, gap], lambda _: None).diff is None
    assert net_patch([], lambda _: None) == Patch(diff=None, why="the working folder was not recorded")


def test_lines_end_where_patches_say() -> None:
    told = unified("a\x0cb\u2028c\n", "a\x0cd\u2028c\n", "a/x", "b/x")
    assert told == "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\x0cb\u2028c\n+a\x0cd\u2028c\n"


@pytest.mark.parametrize(
    ("name", "changed"),
    [("python-bug", "ledger.py"), ("git-bisect", "slug.py"), ("log-investigation", "cause.txt")],
)
def test_git_applies_those_of_the_samples(
    name: str, changed: str, sample_rows: tuple[Row, ...], tmp_path: Path
) -> None:
    place = SAMPLES / f"{name}.reenact"
    known = hashlib.sha256(place.read_bytes()).hexdigest()
    (row,) = (row for row in sample_rows if row.provenance.trace_sha256 == known)
    with open_trace(place) as trace:
        (first,) = (event for event in trace.events if isinstance(event, WorkspaceSnapshot))
        tree: Tree = {}
        for path, state in decode_tree(trace.blob(first.tree)).items():
            if b".git" not in path.split(b"/") and state.type == "file":
                content = trace.blob(state.blob) if state.blob else b""
                tree[path] = ("file", 0o755 if state.mode & 0o100 else 0o644, content)
    write(tmp_path, tree)
    before = files_in(tmp_path)
    apply(tmp_path, row.patch)
    after = files_in(tmp_path)
    assert [path for path in after if after[path] != before.get(path)] == [changed.encode()]
