"""The source as its own process, driven by notices and real work in a real folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.sources.workspace import Workspace, start_workspace
from recorder.trace.blobs import BlobStore
from recorder.trace.changes import apply, compose, decode_tree, same
from recorder.trace.codec import decode_event
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import (
    Change,
    Gap,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
    escape_path,
    unescape_path,
)
from recorder.trace.ignore import IgnoreRules
from recorder.trace.journal import read_journal
from recorder.trace.tree import Limits, TreeScanner

Git = Callable[..., bytes]


class Session:
    """Stands for terminal and session: sends notices, reads the journal."""

    def __init__(self, root: Path, folder: Path, **options: object) -> None:
        self.root = root
        self.folder = folder
        self.source: Workspace = start_workspace(root=root, folder=folder, **options)  # type: ignore[arg-type]
        self.commands = 0
        self.prompts = 0

    def notice(self, *lines: str) -> None:
        os.write(self.source.notify_fd, "".join(line + "\n" for line in lines).encode())

    def prompt(self) -> None:
        self.prompts += 1
        self.notice(f"P {self.prompts}")

    def enter(self) -> None:
        self.notice(f"E {time.clock_gettime_ns(time.CLOCK_BOOTTIME)}")

    def command(self, work: str) -> None:
        """Enter, a command that really runs, and the next prompt."""
        self.enter()
        self.commands += 1
        self.notice(f"C {self.commands}")
        subprocess.run(["sh", "-c", work], cwd=self.root, check=True)
        self.prompt()

    def events(self) -> list[object]:
        return [
            decode_event(frame.payload, "journal")
            for frame in read_journal(self.folder / "workspace.journal")
        ]

    def told(self) -> list[tuple[object, ...]]:
        """("changed", first, last, paths) and ("edited", commands, paths), in order."""
        told: list[tuple[object, ...]] = []
        for event in self.events():
            match event:
                case WorkspaceChanged(first=first, last=last, changes=changes):
                    told.append(("changed", first, last, *(c.path for c in changes)))
                case WorkspaceEdited(commands=commands, changes=changes):
                    told.append(("edited", commands, *(c.path for c in changes)))
                case Gap(reason=reason):
                    told.append(("gap", reason))
        return told

    def until(self, *expected: tuple[object, ...]) -> None:
        """Waits until exactly this was told."""
        deadline = time.monotonic() + 20
        while (told := self.told()) != list(expected):
            assert time.monotonic() < deadline, told
            assert len(told) <= len(expected), told
            time.sleep(0.005)

    def settle(self) -> None:
        """Returns once the last prompt's scan is over: an edit is told after it."""
        before = self.told()
        mark = self.root / f"settled{len(before)}"
        mark.write_text("x")
        self.until(*before, ("edited", self.commands, mark.name))

    def changes(self) -> list[Change]:
        events = [e for e in self.events() if isinstance(e, WorkspaceChanged | WorkspaceEdited)]
        return compose([event.changes for event in events])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "session"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture
def start(root: Path, folder: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def start(**options: object) -> Session:
        sessions.append(Session(root, folder, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.source.finish(10)


def test_the_snapshot_is_the_folder(start: Callable[..., Session], root: Path, folder: Path) -> None:
    (root / "empty").mkdir(mode=0o700)
    (root / "d/e").mkdir(parents=True)
    (root / "d/e/f").write_bytes(b"\0\xff" * 1000)
    (root / "d/big").write_bytes(os.urandom(3 << 20))
    (root / os.fsdecode(b"\xff\n")).write_text("odd")
    (root / "link").symlink_to("d/e/f")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    session = start()
    snapshot = session.events()[0]
    assert isinstance(snapshot, WorkspaceSnapshot)
    assert snapshot.root == str(root)
    assert snapshot.files == 5
    assert snapshot.git is None
    blobs = BlobStore(folder / "blobs")
    tree = decode_tree(blobs.get(snapshot.tree))
    assert tree[b"link"].target == "d/e/f"
    assert tree[b"run"].mode == 0o755
    assert tree[b"empty"].mode == 0o700
    for path, state in tree.items():
        if state.type == "file":
            assert blobs.get(str(state.blob)) == (root / os.fsdecode(path)).read_bytes()
            assert state.mtime_ns == (root / os.fsdecode(path)).stat().st_mtime_ns
    # A replay scans by the captured rules and finds the same.
    rules = IgnoreRules.load(blobs.get(str(snapshot.rules)))
    fresh = TreeScanner(root, rules=rules).scan().entries
    assert all(same(tree[path], fresh[path]) for path in tree | fresh)


def test_commands_and_edits(start: Callable[..., Session], root: Path) -> None:
    (root / "old").write_text("x")
    session = start()
    session.prompt()
    session.command("echo 1 > one; echo y > old; mkdir -p new/deep; echo 2 > new/deep/two")
    first = ("changed", 1, 1, "new", "new/deep", "new/deep/two", "old", "one")
    session.until(first)
    session.command("true")
    time.sleep(0.1)
    session.command("rm one; mv new gone; chmod +x old")
    second = (
        *("changed", 3, 3, "gone", "gone/deep", "gone/deep/two", "new", "new/deep", "new/deep/two", "old"),
        "one",
    )
    session.until(first, second)
    (root / "edit").write_text("by another program")
    session.until(first, second, edit := ("edited", 3, "edit"))
    (root / "gone/deep/two").write_text("again")
    (root / "gone/deep/two").replace(root / "three")
    again = ("edited", 3, "gone/deep/two", "three")
    session.until(first, second, edit, again)
    session.command("echo x > last")
    assert session.source.finish()
    assert session.told() == [first, second, edit, again, ("changed", 4, 4, "last")]
    old = next(c for c in session.changes() if c.path == "old")
    assert (old.before, old.after) != (None, None)
    assert old.before is not None
    assert old.after is not None
    assert (old.before.mode & 0o111, old.after.mode & 0o111) == (0, 0o111)
    assert BlobStore(session.folder / "blobs").get(str(old.after.blob)) == b"y\n"


@pytest.mark.slow
def test_an_edit_right_before_enter(start: Callable[..., Session], root: Path) -> None:
    """Nothing waits for the debounce: times part the edit from the command that follows at once."""
    session = start()
    session.prompt()
    for n in range(1, 4):
        session.settle()
        (root / f"edit{n}").write_text("x")
        time.sleep(0.012)  # what the coarsest kernel clock cannot tell apart
        session.command(f"echo > by{n}")
        last = ("changed", n, n, f"by{n}")
        session.until(*session.told()[: 3 * n - 2], ("edited", n - 1, f"edit{n}"), last)
    assert session.source.finish()


def test_commands_as_fast_as_prompts_come(start: Callable[..., Session], root: Path) -> None:
    """A driver types the next line as soon as it sees the prompt: no change may be lost or blame a stranger."""
    session = start()
    session.prompt()
    for n in range(1, 41):
        session.command(f"echo > by{n}; echo {n} > all")
    assert session.source.finish()
    for kind, first, last, *paths in session.told():
        assert kind == "changed"
        for path in paths:
            if str(path).startswith("by"):
                assert int(str(first)) <= int(str(path)[2:]) <= int(str(last))
    assert len(session.changes()) == 41


def test_type_ahead_is_told_as_a_range(start: Callable[..., Session], root: Path) -> None:
    session = start()
    session.prompt()
    (root / "a").write_text("1")
    session.notice("E", "C 1", "P 2", "C 2", "P 3", "E", "C 3")
    (root / "b").write_text("2")
    session.notice("P 4")
    told = session.told
    assert session.source.finish()
    assert [t[0] for t in told()] in (["changed"], ["edited", "changed"], ["changed", "changed"]), told()
    last = told()[-1]
    assert last[2] == 3
    assert {path for t in told() for path in t[2:] if isinstance(path, str)} == {"a", "b"}


def test_a_source_that_lags_owns_what_it_cannot_tell_apart(start: Callable[..., Session], root: Path) -> None:
    """It sleeps from one prompt until the next command has taken back a part of the first one's work."""
    session = start()
    session.prompt()
    session.settle()
    ready = session.told()[0]
    os.kill(session.source.pid, signal.SIGSTOP)
    session.command("echo > x; echo > y")
    time.sleep(0.03)  # what the coarsest kernel clock cannot tell apart
    session.command("rm x")
    os.kill(session.source.pid, signal.SIGCONT)
    session.until(ready, one := ("changed", 1, 1, "y"), two := ("changed", 1, 2))
    os.kill(session.source.pid, signal.SIGSTOP)
    session.command("mkdir -p d/e; echo > d/e/z")
    time.sleep(0.03)
    session.command("rm d/e/z")
    os.kill(session.source.pid, signal.SIGCONT)
    session.until(ready, one, two, ("changed", 3, 3, "d"), ("changed", 3, 4, "d/e"))


def test_what_was_made_and_taken_back_unseen_is_told_as_a_range(
    start: Callable[..., Session], root: Path
) -> None:
    session = start()
    session.prompt()
    session.settle()
    ready = session.told()[0]
    os.kill(session.source.pid, signal.SIGSTOP)
    session.command("echo > x; mkdir d")
    session.command("rm x; rmdir d")
    os.kill(session.source.pid, signal.SIGCONT)
    session.until(ready, ("changed", 1, 2))
    session.command("echo > z")
    session.until(ready, ("changed", 1, 2), ("changed", 3, 3, "z"))


@pytest.mark.slow
def test_work_of_a_background_job_is_a_late_change(start: Callable[..., Session], root: Path) -> None:
    session = start()
    with subprocess.Popen(["sh"], stdin=subprocess.PIPE, cwd=root, start_new_session=True) as shell:
        assert shell.stdin is not None
        session.source.follow_shell(shell.pid)
        session.prompt()
        session.settle()
        ready = session.told()[0]
        session.enter()
        session.commands = 1
        session.notice("C 1")
        os.mkfifo(root / "gate")
        os.mkfifo(root / "gate2")
        shell.stdin.write(b"{ echo > started; read x < gate; echo > late; read x < gate2; } &\n")
        shell.stdin.flush()
        while not (root / "started").exists():
            time.sleep(0.005)
        session.prompt()
        session.until(ready, first := ("changed", 1, 1, "gate", "gate2", "started"))
        (root / "gate").write_text("go\n")
        session.until(ready, first, late := ("changed", 1, 1, "late"))
        (root / "gate2").write_text("go\n")
        time.sleep(1.0)  # a job that has just ended may have written what is found a moment later
        shell.stdin.write(b"wait; echo > done\n")
        shell.stdin.flush()
        while not (root / "done").exists():
            time.sleep(0.005)
        session.until(ready, first, late, done := ("edited", 1, "done"))
        (root / "edit").write_text("x")
        session.until(ready, first, late, done, ("edited", 1, "edit"))


@pytest.mark.slow
def test_a_flood_of_events_loses_nothing(start: Callable[..., Session], root: Path) -> None:
    session = start()
    session.prompt()
    # Stopped, it cannot read: the kernel's queue overflows.
    os.kill(session.source.pid, signal.SIGSTOP)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    session.enter()
    session.commands = 1
    session.notice("C 1")
    for name in ("a", "b"):
        (root / name).write_text("x")
    for _ in range(limit // 2 + 100):
        os.utime(root / "a")
        os.utime(root / "b")
    (root / "deep/er").mkdir(parents=True)
    (root / "deep/er/unheard").write_text("x")
    os.kill(session.source.pid, signal.SIGCONT)
    session.prompt()
    session.until(first := ("changed", 1, 1, "a", "b", "deep", "deep/er", "deep/er/unheard"))
    session.command("echo > deep/er/heard")
    session.until(first, ("changed", 2, 2, "deep/er/heard"))


@pytest.mark.slow
def test_without_inotify(start: Callable[..., Session], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(watching=False)
    session.prompt()
    session.command("echo > a")
    session.until(first := ("changed", 1, 1, "a"))
    (root / "edit").write_text("x")
    session.until(first, ("edited", 1, "edit"))


@pytest.mark.slow
def test_a_command_with_very_many_changes(start: Callable[..., Session], root: Path, folder: Path) -> None:
    session = start()
    session.prompt()
    name = "long-" * 40
    session.command(f"i=0; while [ $i -lt 4000 ]; do echo > {name}$i; i=$((i+1)); done")
    assert session.source.finish()
    events = [e for e in session.events() if isinstance(e, WorkspaceChanged)]
    assert len(events) > 1
    assert {(e.first, e.last) for e in events} == {(1, 1)}
    assert len(session.changes()) == 4000


def test_git_work_is_told_by_what_it_means(git: Git, start: Callable[..., Session], root: Path) -> None:
    (root / "a").write_text("one\n")
    (root / ".gitignore").write_text("build/\n")
    git("add", ".")
    git("commit", "-qm", "one")
    head = git("rev-parse", "HEAD").decode().strip()
    session = start()
    snapshot = session.events()[0]
    assert isinstance(snapshot, WorkspaceSnapshot)
    assert snapshot.git == head
    blobs = BlobStore(session.folder / "blobs")
    tree = decode_tree(blobs.get(snapshot.tree))
    # Whole enough to work with: restored elsewhere, git finds nothing to complain of.
    copy = root.parent / "copy"
    copy.mkdir()
    for path, state in tree.items():
        target = copy / os.fsdecode(path)
        if state.type == "folder":
            target.mkdir()
        else:
            target.write_bytes(blobs.get(str(state.blob)))
    assert git("fsck", "--strict", cwd=copy) == b""
    assert git("status", "--porcelain", cwd=copy) == b""

    session.prompt()
    session.command("echo two >> a; mkdir build; echo > build/out")
    session.until(first := ("changed", 1, 1, "a"))
    session.command("git commit -qam two")
    session.until(first, second := ("changed", 2, 2, ".git/refs/heads/main"))
    session.command("git status > /dev/null; git log > /dev/null; git gc -q --prune=now")
    time.sleep(0.2)
    session.command("git checkout -q -b side")
    assert session.source.finish()
    told = [t for t in session.told() if t[1] != 3]
    assert told == [first, second, ("changed", 4, 4, ".git/HEAD", ".git/refs/heads/side")]
    assert not any("build" in c.path or "objects" in c.path for c in session.changes())


def test_it_does_not_hear_what_the_terminal_hears(start: Callable[..., Session], root: Path) -> None:
    session = start()
    session.prompt()
    assert os.getsid(session.source.pid) != os.getsid(0)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP):
        os.kill(session.source.pid, number)
    session.command("echo > a")
    session.until(("changed", 1, 1, "a"))
    assert session.source.alive()


def test_it_ends_though_somebody_keeps_its_pipe_open(start: Callable[..., Session], root: Path) -> None:
    session = start()
    kept = os.dup(session.source.notify_fd)
    session.prompt()
    session.command("echo > a")
    assert session.source.finish(10)
    os.close(kept)
    assert session.told() == [("changed", 1, 1, "a")]


def test_its_death_is_noticed_and_listed(start: Callable[..., Session], root: Path) -> None:
    session = start()
    session.prompt()
    session.command("echo > a")
    session.until(first := ("changed", 1, 1, "a"))
    os.kill(session.source.pid, signal.SIGKILL)
    assert not session.source.finish()
    assert not session.source.alive()
    assert session.told()[:1] == [first]
    kind, reason = session.told()[-1]
    assert kind == "gap"
    assert "status -9" in str(reason)


def test_a_folder_that_is_too_large_starts_nothing(
    start: Callable[..., Session], root: Path, folder: Path
) -> None:
    for i in range(30):
        (root / f"f{i}").write_text("x")
    with pytest.raises(RecordingFailed, match=r"30 files and folders; the most is 20.*--workspace DIR"):
        start(limits=Limits(entries=20))
    assert list(BlobStore(folder / "blobs")) == []
    with pytest.raises(RecordingFailed, match="cannot be"):
        start_workspace(root=root / "missing", folder=folder)


def test_a_folder_that_grows_too_large_is_told_and_left(start: Callable[..., Session], root: Path) -> None:
    session = start(limits=Limits(entries=20))
    session.prompt()
    session.command("echo > a")
    session.until(first := ("changed", 1, 1, "a"))
    session.command("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do echo > f$i; done")
    session.command("echo > b")
    assert session.source.finish()
    told = session.told()
    assert told[0] == first
    gaps = [str(t[1]) for t in told if t[0] == "gap"]
    assert len(gaps) == 1
    assert "no longer followed" in gaps[0]
    assert not any("b" in t for t in told)


def test_names_of_modules_in_the_folder_mislead_nobody(
    start: Callable[..., Session], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "select.py", "msgspec.py", "recorder.py"):
        (root / name).write_text("raise SystemExit('imported from the workspace')")
    monkeypatch.chdir(root)
    session = start()
    assert session.source.alive()


def test_progress_is_told(root: Path, folder: Path) -> None:
    for i in range(50):
        (root / f"f{i}").write_text("x")
    seen: list[tuple[int, int]] = []
    source = start_workspace(
        root=root, folder=folder, progress=lambda files, size: seen.append((files, size))
    )
    assert seen
    assert source.files == 50
    assert source.finish()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", disk], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_once_there_is_room(small_disk: Path, root: Path) -> None:
    session = Session(root, small_disk)
    session.prompt()
    session.command("head -c 2000000 /dev/urandom > large; echo > small")
    deadline = time.monotonic() + 20
    while not any(t[0] == "gap" for t in session.told()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                break
    session.command("echo again > small")
    filler.unlink()
    session.command("echo > later")
    session.source.finish()
    told = session.told()
    assert any("large" in str(t[1]) for t in told if t[0] == "gap")
    assert [p for t in told if t[0] == "changed" for p in t[3:]][:1] == ["large"]
    assert ("changed", 3, 3, "later") in told or any("later" in t for t in told)


def test_no_room_for_the_snapshot_starts_nothing(small_disk: Path, root: Path) -> None:
    (root / "large").write_bytes(os.urandom(1 << 20))
    with pytest.raises(RecordingFailed, match="No space left"):
        start_workspace(root=root, folder=small_disk)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_long_session_ends_with_the_tree_that_stands_there(
    start: Callable[..., Session], root: Path, folder: Path, seed: int
) -> None:
    """Commands, edits and type-ahead at random: snapshot and all changes together give the final folder."""
    import random

    chance = random.Random(seed)
    for i in range(30):
        (root / f"d{i % 5}").mkdir(exist_ok=True)
        (root / f"d{i % 5}/f{i}").write_text("x")
    session = start()
    session.prompt()
    for step in range(25):
        work = chance.choice(
            [
                f"echo {step} > d{chance.randrange(5)}/f{chance.randrange(9)} || mkdir -p d1 d2 d3 d4 d0",
                f"mkdir -p n{step}/m && echo > n{step}/m/x",
                f"rm -rf d{chance.randrange(5)}",
                f"mkdir -p d2 d3; mv d2 d3/moved{step}",
                "touch d1/* 2>/dev/null; chmod -R u+x . ",
                f"cp -r d3 copy{step} 2>/dev/null || true",
            ]
        )
        session.command(work)
        if chance.random() < 0.4:
            (root / f"edit{step}").write_text("x")
            time.sleep(chance.choice([0, 0.05, 0.3]))
    assert session.source.finish()
    snapshot = session.events()[0]
    assert isinstance(snapshot, WorkspaceSnapshot)
    tree = decode_tree(BlobStore(folder / "blobs").get(snapshot.tree))
    tree = apply(tree, session.changes())
    fresh = TreeScanner(root).scan().entries
    assert {escape_path(p) for p in tree} == {escape_path(p) for p in fresh}
    assert all(same(tree[path], fresh[path]) for path in tree)
    assert all(unescape_path(c.path) for c in session.changes())
    shutil.rmtree(root)
