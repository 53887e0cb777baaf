"""The scanner on real folders: hostile ones, growing ones, ones too large."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.sources.workspace.survey import survey
from recorder.trace.blobs import BlobStore
from recorder.trace.changes import apply, encode_tree, same
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Change, FileState
from recorder.trace.ignore import IgnoreRules, OuterRules
from recorder.trace.tree import Limits, Tree, TreeScanner, TreeTooLarge
from recorder.trace.watch import FollowedTree, Watch, boottime


def by_path(changes: list[Change]) -> dict[str, tuple[str | None, str | None]]:
    """path -> (type before, type after)."""
    return {c.path: (c.before and c.before.type, c.after and c.after.type) for c in changes}


def assert_same(ours: dict[bytes, FileState], fresh: dict[bytes, FileState]) -> None:
    different = {p: (ours.get(p), fresh.get(p)) for p in ours | fresh if not same(ours.get(p), fresh.get(p))}
    assert not different


def test_everything_that_can_stand_in_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)
        server.bind("socket")
        os.chdir(here)
    (tmp_path / "empty").mkdir(mode=0o750)
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "file").chmod(0o4755)
    os.symlink("/etc/passwd", tmp_path / "out")
    os.symlink("/etc", tmp_path / "folder-out")
    os.symlink(b"\xff\n", tmp_path / "odd-target")
    names = [b"\xff\xfe", b"new\nline", b"\x1b]52;c;aGk=\x07", b"back\\slash", b" ", b"-rf"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    blobs = BlobStore(tmp_path.parent / "blobs")
    tree = TreeScanner(tmp_path, blobs=blobs).scan()
    entries = tree.entries
    assert entries[b"fifo"].type == entries[b"socket"].type == "other"
    assert entries[b"empty"] == FileState(type="folder", mode=0o750)
    assert entries[b"file"].mode == 0o4755
    assert blobs.get(str(entries[b"file"].blob)) == b"content"
    assert entries[b"out"].target == "/etc/passwd"
    assert entries[b"folder-out"].type == "link"
    assert entries[b"odd-target"].target == "\\xff\n"
    assert not any(path.startswith(b"folder-out/") for path in entries)
    assert all(blobs.get(str(entries[name].blob)) == name for name in names)
    assert tree.files == len(entries) - 1


@pytest.mark.parametrize("depth", [80, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_deep_tree_ends_with_a_note(tmp_path: Path, depth: int) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        tree = TreeScanner(tmp_path).scan()
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # Python's own removal recurses
    assert len(tree.entries) == 64
    assert tree.entries[b"/".join([b"d"] * 64)].skipped == "deeper than 64 folders"


def test_paths_that_no_program_could_open_end_with_a_note(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("n" * 200, dir_fd=here)
        below = os.open("n" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        tree = TreeScanner(tmp_path).scan()
    finally:
        subprocess.run(["rm", "-r", tmp_path / ("n" * 200)], check=True)
    assert max(map(len, tree.entries)) <= 4096
    assert "a path of more than" in str(tree.entries[max(tree.entries, key=len)].skipped)


def test_a_sparse_file_is_noted_by_its_size(tmp_path: Path) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    with open(tmp_path / "big", "wb") as file:
        file.truncate(3 << 20)
    blobs = BlobStore(tmp_path.parent / "blobs")
    tree = TreeScanner(tmp_path, blobs=blobs, limits=Limits(file_bytes=4 << 20)).scan()
    huge = tree.entries[b"huge"]
    assert huge.size == 1 << 40
    assert huge.blob is None
    assert huge.skipped == "larger than 4 MiB (1 TiB, 0 bytes on disk)"
    assert tree.entries[b"big"].blob is not None
    assert tree.bytes == 3 << 20


def as_nobody(work: Callable[[], None]) -> None:
    """Runs `work` in a child that is not root; its assertion error comes back as ours."""
    if os.geteuid() != 0:
        work()
        return
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            work()
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_what_may_not_be_read_is_noted(tmp_path: Path) -> None:
    root = tmp_path / "w"
    (root / "closed").mkdir(parents=True)
    (root / "closed/x").write_text("x")
    (root / "secret").write_text("x")
    (root / "open").write_text("x")
    for path in (root / "closed", root / "secret"):
        path.chmod(0)
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(0o755)

    def look() -> None:
        entries = TreeScanner(root).scan().entries
        assert entries[b"closed"].skipped == "permission denied"
        assert entries[b"secret"].skipped == "permission denied"
        assert entries[b"secret"].blob is None
        assert entries[b"open"].blob is not None

    try:
        as_nobody(look)
    finally:
        (root / "closed").chmod(0o755)


def test_a_folder_swapped_for_a_link_is_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "w", tmp_path / "outside"
    (root / "d/e").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("not yours")
    (root / "d/e/f").write_text("x")
    scanner = TreeScanner(root)
    scanner.scan()
    shutil.rmtree(root / "d")
    os.symlink(outside, root / "d")
    changes = by_path(scanner.rescan([b"d/secret", b"d/e/f"]))
    assert changes == {"d": ("folder", "link"), "d/e": ("folder", None), "d/e/f": ("file", None)}


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("0")
    writes = 0

    class Meddler:
        """A sink during whose work the file changes."""

        def put(self, content: bytes, /) -> str:
            nonlocal writes
            writes += 1
            if writes <= limit:
                with open(tmp_path / "f", "a") as file:
                    file.write("x")
            return f"{len(content):064x}"

        def put_fd(self, fd: int, most: int, /) -> tuple[str, int]:
            raise AssertionError("the file is small")

    limit = 1
    entries = TreeScanner(tmp_path, blobs=Meddler()).scan().entries
    assert entries[b"f"].blob == f"{2:064x}"
    limit = 1000
    scanner = TreeScanner(tmp_path, blobs=Meddler())
    state = scanner.scan().entries[b"f"]
    assert state.skipped == "it changed while it was read"
    limit = 0
    assert by_path(scanner.rescan([b"f"])) == {"f": ("file", "file")}


def test_a_change_that_its_times_hide_is_seen(tmp_path: Path) -> None:
    """Same size, same inode, same times: what git calls racily clean."""
    path = tmp_path / "f"
    path.write_text("one")
    before = path.stat()
    scanner = TreeScanner(tmp_path)
    scanner.scan()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert by_path(scanner.rescan([b"f"])) == {"f": ("file", "file")}


def test_a_file_whose_times_are_old_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_text("one")
    monkeypatch.setattr("recorder.trace.content.RACY_NS", -(10**12))
    scanner = TreeScanner(tmp_path)
    scanner.scan()
    monkeypatch.setattr("recorder.trace.content.ContentReader.read", lambda *_: pytest.fail("read again"))
    assert scanner.rescan([b""]) == []
    assert scanner.rescan([b"f"]) == []


def test_volatile_content_is_not_compared_and_git_innards_take_no_part(tmp_path: Path) -> None:
    for name in ["pkg/__pycache__/m.pyc", ".git/index", ".git/HEAD", ".git/objects/ab/cd"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    scanner = TreeScanner(tmp_path)
    snapshot = scanner.scan(everything=True).entries
    assert snapshot[b".git/objects/ab/cd"].blob is not None
    assert snapshot[b"pkg/__pycache__/m.pyc"].blob is not None
    for name in ["pkg/__pycache__/m.pyc", ".git/index", ".git/objects/ab/cd"]:
        (tmp_path / name).write_text("another")
    assert scanner.rescan([b""]) == []
    (tmp_path / ".git/HEAD").write_text("moved")
    (tmp_path / "pkg/__pycache__/n.pyc").write_text("new")
    shutil.rmtree(tmp_path / ".git/objects")
    changes = scanner.rescan([b""])
    assert by_path(changes) == {".git/HEAD": ("file", "file"), "pkg/__pycache__/n.pyc": (None, "file")}
    assert changes[1].after == FileState(type="file", mode=0o644, skipped="volatile: python-bytecode")


def test_what_is_followed_stays_followed_and_new_rules_hold_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/old").write_text("x")
    scanner = TreeScanner(tmp_path)
    scanner.scan()
    (tmp_path / ".gitignore").write_text("build/\n*.log\n")
    assert by_path(scanner.rescan([b".gitignore"])) == {".gitignore": (None, "file")}
    (tmp_path / "build/old").write_text("changed")
    (tmp_path / "build/new").write_text("x")
    (tmp_path / "x.log").write_text("x")
    assert by_path(scanner.rescan([b""])) == {"build/old": ("file", "file")}
    (tmp_path / ".gitignore").write_text("build/\n")
    assert by_path(scanner.rescan([b".gitignore"])) == {
        ".gitignore": ("file", "file"),
        "x.log": (None, "file"),
    }


def test_a_root_that_is_replaced_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / "old").write_text("x")
    scanner = TreeScanner(root)
    scanner.scan()
    shutil.rmtree(root)
    assert by_path(scanner.rescan([b""])) == {"old": ("file", None)}
    root.mkdir()
    (root / "new").write_text("x")
    assert by_path(scanner.rescan([])) == {"new": (None, "file")}


def test_too_many_or_too_large_files_are_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for i in range(40):
        (tmp_path / "many" / str(i)).write_bytes(b"x" * 1024)
    (tmp_path / "one").write_text("x")
    with pytest.raises(
        TreeTooLarge, match=r"42 files and folders; the most is 20\. Most are in many \(41\)\. Record a sm"
    ):
        survey(str(tmp_path), rules=IgnoreRules(), limits=Limits(entries=20))
    with pytest.raises(TreeTooLarge, match=r"holds more than 26 files .* --no-workspace"):
        survey(str(tmp_path), rules=IgnoreRules(), limits=Limits(entries=5))
    with pytest.raises(TreeTooLarge, match=r"Most is in many .* --workspace DIR"):
        survey(str(tmp_path), rules=IgnoreRules(), limits=Limits(total_bytes=10 << 10))
    with pytest.raises(TreeTooLarge, match="more than 20 entries"):
        TreeScanner(tmp_path, limits=Limits(entries=20)).scan()
    with pytest.raises(TreeTooLarge, match="more than 10 KiB"):
        TreeScanner(tmp_path, limits=Limits(total_bytes=10 << 10)).scan()
    assert survey(str(tmp_path), rules=IgnoreRules(), limits=Limits()) == (42, 40 * 1024 + 1)


def test_a_full_sink_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")

    class Full:
        def put(self, content: bytes, /) -> str:
            raise RecordingFailed("no space left on device")

        def put_fd(self, fd: int, most: int, /) -> tuple[str, int]:
            raise RecordingFailed("no space left on device")

    scanner = TreeScanner(tmp_path, blobs=Full())
    assert scanner.scan().entries[b"f"].skipped == "not kept"
    assert scanner.troubles() == ["f: no space left on device"]
    assert scanner.troubles() == []


def test_content_over_the_sessions_share_is_told(tmp_path: Path) -> None:
    scanner = TreeScanner(tmp_path, blobs=BlobStore(tmp_path.parent / "blobs"), limits=Limits(kept_bytes=100))
    scanner.scan()
    (tmp_path / "f").write_bytes(b"x" * 60)
    assert scanner.rescan([b"f"])[0].after.blob is not None  # type: ignore[union-attr]
    (tmp_path / "f").write_bytes(b"y" * 60)
    assert scanner.rescan([b"f"])[0].after.skipped == "over 100 bytes kept in this session"  # type: ignore[union-attr]
    assert scanner.troubles()


def test_the_same_content_again_takes_no_share(tmp_path: Path) -> None:
    scanner = TreeScanner(
        tmp_path, blobs=BlobStore(tmp_path.parent / "blobs"), limits=Limits(kept_bytes=250_000)
    )
    scanner.scan()
    (tmp_path / "f0").write_bytes(b"x" * 100_000)
    for n in range(10):
        scanner.rescan([b""])
        (tmp_path / f"f{n}").rename(tmp_path / f"f{n + 1}")
    assert scanner.rescan([b""])
    assert scanner.troubles() == []


# -- incremental equals fresh -----------------------------------------------------------------------


def seeds(quick: int, all_of_them: int) -> list[object]:
    """Numbers for random tests: the first few in the quick suite, the rest in the whole one."""
    slow = [pytest.param(n, marks=pytest.mark.slow) for n in range(quick, all_of_them)]
    return [*range(quick), *slow]


class Storm:
    """Random work in a folder."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)

    def folder(self) -> Path:
        return self.chance.choice(
            [self.root, *(p for p in self.root.rglob("*") if p.is_dir() and not p.is_symlink())]
        )

    def any(self) -> Path | None:
        found = list(self.root.rglob("*"))
        return self.chance.choice(found) if found else None

    def step(self) -> None:
        name = self.chance.choice(["a", "b", "c", "dd", "e e", ".git", ".gitignore", "x.log"])
        path = self.folder() / name
        some = self.any()
        match self.chance.randrange(9):
            case 0 | 1 if not path.is_dir() and not path.is_symlink():
                path.write_text(self.chance.choice(["x", "y", "*.log\n"]))
            case 2 if not os.path.lexists(path):
                path.mkdir()
            case 3 if some is not None:
                shutil.rmtree(some) if some.is_dir() and not some.is_symlink() else some.unlink()
            case 4 | 5 if some is not None and not os.path.lexists(path) and some not in path.parents:
                some.rename(path)
            case 6 if not os.path.lexists(path):
                path.symlink_to(self.chance.choice(["a", "..", "/"]))
            case 7 if some is not None and not some.is_symlink():
                some.chmod(self.chance.choice([0o755, 0o700]))
            case 8 if not os.path.lexists(path):
                (path / "n1/n2").mkdir(parents=True)
                (path / "n1/n2/f").write_text("deep")
            case _:
                pass


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_watched_rescans_end_where_a_fresh_scan_would(tmp_path: Path, seed: int) -> None:
    """Whatever happens, inotify and rescans of what it names lose nothing and invent nothing."""
    root = tmp_path / "w"
    root.mkdir()
    storm = Storm(root, seed)
    for _ in range(30):
        storm.step()
    watch = Watch()
    if watch.blind is not None:
        pytest.skip(watch.blind)
    # No rules: they are remembered (what is followed stays so), which a fresh scan cannot know.
    open_rules = OuterRules(include_ignored=True)
    scanner = TreeScanner(root, rules=IgnoreRules(open_rules), on_folder=watch.folder, on_gone=watch.gone)
    tree: dict[bytes, FileState] = scanner.scan().entries
    for _ in range(40):
        for _ in range(storm.chance.randrange(6)):
            storm.step()
        deep, entries = watch.take()
        changes = scanner.rescan(deep, entries=entries)
        for change in changes:
            assert same(tree.get(change.path.encode()), change.before)
        tree = apply(tree, changes)
        assert_same(tree, TreeScanner(root, rules=IgnoreRules(open_rules)).scan().entries)
    watch.close()


def test_work_during_a_scan_is_not_lost(tmp_path: Path) -> None:
    """Folders that appear and fill while the scan runs: each is watched before it is listed."""
    root = tmp_path / "w"
    root.mkdir()
    for i in range(20):
        (root / f"d{i}").mkdir()
    watch = Watch()
    listed = 0

    def on_folder(path: bytes, fd: int) -> None:
        nonlocal listed
        watch.folder(path, fd)
        listed += 1
        if listed < 40:
            # Right after the watch, before the listing; and in a place that was listed already.
            (root / os.fsdecode(path) / f"new{listed}").write_text("x")
            (root / f"late{listed}/sub").mkdir(parents=True)
            (root / f"late{listed}/sub/f").write_text("x")

    scanner = TreeScanner(root, on_folder=on_folder, on_gone=watch.gone)
    tree = scanner.scan().entries
    for _ in range(5):
        deep, entries = watch.take()
        tree = apply(tree, scanner.rescan(deep, entries=entries))
    assert_same(tree, TreeScanner(root).scan().entries)
    watch.close()


def test_overflow_and_blindness_end_in_a_full_look(tmp_path: Path) -> None:
    watch = Watch()
    if watch.blind is not None:
        pytest.skip(watch.blind)
    scanner = TreeScanner(tmp_path, on_folder=watch.folder, on_gone=watch.gone)
    scanner.scan()
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    for _ in range(limit // 2 + 100):  # alternately, so that the kernel cannot join them
        os.utime(tmp_path / "a")
        os.utime(tmp_path / "b")
    (tmp_path / "unheard").write_text("x")
    deep, entries = watch.take()
    assert b"" in deep
    assert set(by_path(scanner.rescan(deep, entries=entries))) == {"a", "b", "unheard"}
    watch.close()

    blind = Watch(enabled=False)
    assert blind.blind
    assert set(blind.take().deep) == {b""}
    (tmp_path / "c").write_text("x")
    deep, entries = blind.take()
    assert set(by_path(scanner.rescan(deep, entries=entries))) == {"c"}


def test_the_tree_of_a_scan_is_sorted_into_its_blob(tmp_path: Path) -> None:
    for name in ["b", "a/x", "a-b", "ä"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    tree: Tree = TreeScanner(tmp_path).scan()
    lines = list(encode_tree(tree.entries))
    assert lines == sorted(lines)
    assert all(state.mtime_ns for state in tree.entries.values() if state.type == "file")


def test_what_went_with_its_folder_went_no_earlier_than_the_folder(tmp_path: Path) -> None:
    """An earlier event of its own says nothing of that."""
    (tmp_path / "src" / "lib").mkdir(parents=True)
    tree = FollowedTree(tmp_path)
    if tree.watch.blind is not None:
        pytest.skip(tree.watch.blind)
    tree.scan()
    (tmp_path / "src" / "lib").chmod(0o700)
    tree.watch.collect()
    before = boottime()
    (tmp_path / "src").rename(tmp_path / "source")
    changes, taken = tree.look()
    assert {"src", "src/lib"} <= {change.path for change in changes}
    for path in (b"src", b"src/lib"):
        latest = tree.latest(path, taken, gone=True)
        assert latest is None or latest >= before, path
    tree.close()
