"""Restoring recorded trees and edits, also those that no recorder would ever write."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.trace.blobs import BlobStore
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import Change, FileState, TreeEntry, escape_path, unescape_path
from replay.sandbox.workspace import Budget, WorkspaceCopy, Written, apply, restore

CONTENT: dict[str, bytes] = {}


def keep(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    CONTENT[digest] = content
    return digest


def copy(digest: str, fd: int) -> None:
    os.write(fd, CONTENT[digest])


def file(content: bytes = b"content", mode: int = 0o644, **more: Any) -> FileState:
    return FileState(type="file", mode=mode, size=len(content), blob=keep(content), **more)


def folder(mode: int = 0o755, **more: Any) -> FileState:
    return FileState(type="folder", mode=mode, **more)


def link(target: str) -> FileState:
    return FileState(type="link", mode=0o777, target=escape_path(os.fsencode(target)))


def tree(**states: FileState) -> list[TreeEntry]:
    return [TreeEntry(path=path.replace("__", "/"), state=state) for path, state in states.items()]


def entries(pairs: list[tuple[str, FileState]]) -> list[TreeEntry]:
    return [TreeEntry(path=path, state=state) for path, state in pairs]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("precious")
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


@pytest.fixture(autouse=True)
def untouched(tmp_path: Path, target: Path) -> Any:
    yield
    assert (tmp_path / "outside" / "precious").read_text() == "precious"
    assert sorted(os.listdir(tmp_path / "outside")) == ["precious"]
    assert set(os.listdir(tmp_path)) <= {"outside", "target", "workspace", "session"}


def test_a_tree_comes_back(target: Path) -> None:
    written = restore(
        tree(
            a=folder(0o750, mtime_ns=1_500_000_000_123_456_789),
            a__b=folder(0o500, mtime_ns=1_400_000_000_000_000_001),
            a__b__file=file(b"x" * 70_000, 0o640, mtime_ns=1_600_000_000_987_654_321),
            a__run=file(b"#!/bin/sh\n", 0o755),
            link=link("a/b/file"),
            dangling=link("/no/where"),
            empty=file(b""),
        ),
        copy,
        target,
    )
    assert written == Written(7, 70_010, [], [])
    status = os.stat(target / "a/b/file")
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (1_600_000_000_987_654_321, 0o640)
    assert (target / "a/b/file").read_bytes() == b"x" * 70_000
    assert (target / "a").stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert (target / "a/b").stat().st_mtime_ns == 1_400_000_000_000_000_001
    assert stat.S_IMODE((target / "a/b").stat().st_mode) == 0o500
    assert os.readlink(target / "link") == "a/b/file"
    assert os.readlink(target / "dangling") == "/no/where"
    (target / "a/b").chmod(0o700)


def test_set_id_bits_are_dropped(target: Path) -> None:
    restore(tree(su=file(mode=0o6755), sticky=folder(0o3777)), copy, target)
    assert stat.S_IMODE((target / "su").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "sticky").stat().st_mode) == 0o1777


def test_content_that_was_not_kept(target: Path) -> None:
    states = tree(
        big=FileState(type="file", mode=0o600, size=1 << 30, skipped="too large"),
        pipe=FileState(type="other", mode=0o600),
    )
    assert restore(states, copy, target) == Written(1, 0, ["big"], ["pipe"])
    assert (target / "big").stat().st_size == 1 << 30
    assert (target / "big").stat().st_blocks == 0


def test_odd_names(target: Path) -> None:
    names = [
        b"\xff\xfe",
        b"new\nline",
        b"\x1b]52;c;x\x07",
        "é".encode(),
        b"back\\slash",
        b"-rf",
        b" ",
        b"x" * 255,
    ]
    restore(entries([(escape_path(name), file()) for name in names]), copy, target)
    assert sorted(os.listdir(os.fsencode(target))) == sorted(names)


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "/", "/etc/passwd", "a/../../outside/x", "../outside/x", "a//b", "a/", "a/./b", "a\0b", "x" * 256,
     "a/" * 2048 + "a", "\\x", "\\xzz"],
)  # fmt: skip
def test_hostile_path(target: Path, path: str) -> None:
    with pytest.raises(TraceRejected):
        restore(entries([(path, file())]), copy, target)
    assert os.listdir(target) == []


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([("a", link("../outside")), ("a/precious", file())], Code.NAME),
        ([("a", file()), ("a/b", file())], Code.NAME),
        ([("a", link("..")), ("a/outside", folder()), ("a/outside/precious", file())], Code.NAME),
        ([("a", file()), ("a", link("/etc"))], Code.DUPLICATE),
        ([("a", folder()), ("a", folder())], Code.DUPLICATE),
        ([("/".join("d" * 200), folder())], Code.TOO_DEEP),
        ([(f"f{n}", file(b"")) for n in range(101)], Code.TOO_LARGE),
        ([("a", file(b"x" * 600)), ("b", file(b"x" * 600))], Code.TOO_LARGE),
        ([("a", FileState(type="file", mode=0o644, size=1 << 40))], Code.TOO_LARGE),
        ([("a", FileState(type="file", mode=0o644, size=5, blob=keep(b"four")))], Code.SCHEMA),
        ([("a", FileState(type="file", mode=0o644, size=3, blob=keep(b"four")))], Code.SCHEMA),
        ([("a", FileState(type="link", mode=0o777))], Code.NAME),
        ([("a", FileState(type="link", mode=0o777, target="a\0b"))], Code.NAME),
        ([("a", FileState(type="link", mode=0o777, target="x" * 5000))], Code.NAME),
        ([("a", FileState(type="link", mode=0o777, target="\\q"))], Code.NAME),
    ],
)
def test_hostile_tree(target: Path, pairs: list[tuple[str, FileState]], code: Code) -> None:
    with pytest.raises(TraceRejected) as caught:
        restore(entries(pairs), copy, target, budget=Budget(bytes=1000, files=100))
    assert caught.value.code == code


def test_target_that_is_not_empty(target: Path) -> None:
    (target / "file").symlink_to(target.parent / "outside" / "precious")
    with pytest.raises(FileExistsError):
        restore(tree(file=file(b"overwritten")), copy, target)
    (target / "way").symlink_to(target.parent / "outside")
    with pytest.raises(OSError):
        restore(tree(way__precious=file(b"overwritten")), copy, target)


def change(path: str, after: FileState | None) -> Change:
    return Change(path=path, before=None, after=after)


def edit(target: Path, *changes: Change) -> list[tuple[bytes, str]]:
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return apply(changes, copy, fd, budget=Budget(bytes=1000, files=100))
    finally:
        os.close(fd)


def test_edits(target: Path) -> None:
    restore(tree(a=folder(), a__old=file(b"old"), gone=folder(), gone__x=file(), same=file()), copy, target)
    failed = edit(
        target,
        change("gone", None),
        change("gone/x", None),
        change("a/old", file(b"new", 0o600)),
        change("made", folder(0o700)),
        change("made/deep", folder()),
        change("made/deep/file", file(b"1")),
        change("link", link("a/old")),
        change("a", folder(0o700)),
        change("never-was", None),
    )
    assert failed == []
    assert (target / "a/old").read_bytes() == b"new"
    assert stat.S_IMODE((target / "a/old").stat().st_mode) == 0o600
    assert stat.S_IMODE((target / "a").stat().st_mode) == 0o700
    assert (target / "made/deep/file").read_bytes() == b"1"
    assert sorted(os.listdir(target)) == ["a", "link", "made", "same"]


def test_edits_change_types(target: Path) -> None:
    restore(tree(f=file(), d=folder(), d__x=file(), l=link("d")), copy, target)
    assert (
        edit(target, change("f", folder()), change("d", file(b"now a file")), change("l", file(b"no link")))
        == []
    )
    assert (target / "f").is_dir()
    assert (target / "d").read_bytes() == b"now a file"
    assert not (target / "l").is_symlink()
    assert edit(target, change("f", link("d")), change("d", link("f"))) == []
    assert (target / "f").is_symlink()


def test_edits_among_planted_links(target: Path) -> None:
    outside = target.parent / "outside"
    (target / "a").symlink_to(outside)
    (target / "file").symlink_to(outside / "precious")
    (target / "folder").symlink_to(outside)
    (target / "gone").symlink_to(outside)
    failed = edit(
        target,
        change("a/precious", file(b"bad")),
        change("a/new", folder()),
        change("a/x", None),
        change("a/l", link("x")),
        change("file", file(b"fine")),
        change("folder", folder()),
        change("folder/inner", file(b"inner")),
        change("gone", None),
    )
    assert {path for path, _ in failed} == {b"a/precious", b"a/new", b"a/x", b"a/l"}
    assert (target / "file").read_bytes() == b"fine"
    assert not (target / "file").is_symlink()
    assert (target / "folder" / "inner").read_bytes() == b"inner"
    assert not (target / "gone").is_symlink()


@pytest.mark.parametrize("path", ["", "..", "/etc/x", "a/../b", "a\0"])
def test_hostile_edit(target: Path, path: str) -> None:
    with pytest.raises(TraceRejected):
        edit(target, change("fine", file()), change(path, file()))
    assert os.listdir(target) == []


def test_an_edit_that_fails_leaves_nothing_beside(target: Path) -> None:
    wrong = FileState(type="file", mode=0o644, size=99, blob=keep(b"four"))
    with pytest.raises(TraceRejected):
        edit(target, change("a", wrong))
    assert edit(target, change("b", FileState(type="file", mode=0o644, size=5, skipped="too large"))) == [
        (b"b", "too large")
    ]
    assert os.listdir(target) == []


PATHS = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "x\\\\y", "\\xff", "é"]), min_size=1, max_size=5
).map("/".join)
STATES = st.one_of(
    st.builds(lambda c, m: file(c, m), st.binary(max_size=20), st.integers(0, 0o7777)),
    st.builds(folder, st.integers(0, 0o7777)),
    st.builds(link, st.sampled_from(["..", "../outside", "a", "/", "b/a", "../../.."])),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.tuples(PATHS, STATES), max_size=8),
    edits=st.lists(st.tuples(PATHS, STATES | st.none()), max_size=8),
)
def test_nothing_leaves_the_target(
    tmp_path: Path, pairs: list[tuple[str, FileState]], edits: list[tuple[str, FileState | None]]
) -> None:
    target = tmp_path / "target"
    for here, _, _ in os.walk(target):
        os.chmod(here, 0o700)
    shutil.rmtree(target)
    target.mkdir()
    try:
        restore(entries(pairs), copy, target)
        for path, state in pairs:
            status = os.lstat(os.fsencode(target) + b"/" + unescape_path(path))
            kind = {"file": stat.S_ISREG, "folder": stat.S_ISDIR, "link": stat.S_ISLNK}[state.type]
            assert kind(status.st_mode)
    except TraceRejected:
        pass
    try:
        edit(target, *(change(path, state) for path, state in edits))
    except TraceRejected:
        pass
    assert (tmp_path / "outside" / "precious").read_text() == "precious"


def test_owner(target: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    restore(tree(a=folder(), a__f=file(), implied__x=file(), l=link("a")), copy, target, owner=(60999, 60998))
    for path in ("a", "a/f", "l", "implied", "implied/x"):
        status = os.lstat(target / path)
        assert (status.st_uid, status.st_gid) == (60999, 60998), path


def test_workspace_copy_tells_what_changed(target: Path, tmp_path: Path) -> None:
    blobs = BlobStore(target / "blobs")
    given_tree = {b"f": file(b"old"), b"d": folder(), b"d/x": file(b"x")}
    made = WorkspaceCopy(target / "copy", given_tree, copy, blobs, None)
    try:
        assert made.changes() == []
        (made.root / "f").write_bytes(b"new!")
        (made.root / "d" / "x").unlink()
        changes = made.changes()
        assert [(c.path, c.after.size if c.after else None) for c in changes] == [("d/x", None), ("f", 4)]
        assert made.apply([change("d/x", file(b"back"))], copy) == []
        assert [c.path for c in made.changes()] == ["d/x"]
        assert blobs.get(keep(b"back")) == b"back"
    finally:
        made.close()
        made.close()


@pytest.mark.sandbox
def test_a_payload_races_with_edits(open_box: Callable[..., Any], make_spec: Any) -> None:
    """While a payload swaps a folder for a link as fast as it can, edits never go through the link."""
    workspace = make_spec().workspace
    (workspace / "d").mkdir()
    script = (
        "import os\n"
        "while True:\n"
        " os.rename('d', 'e'); os.symlink('../outside', 'd'); os.unlink('d'); os.rename('e', 'd')\n"
    )
    (workspace / "race.py").write_text(script)
    box = open_box(argv=["/usr/bin/python3", "race.py"])
    fd = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number in range(300):
            for path, _ in apply([change(f"d/{number}", file(b"x"))], copy, fd):
                assert path == f"d/{number}".encode()
    finally:
        os.close(fd)
    box.sandbox.kill()
