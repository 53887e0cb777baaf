"""The index says what the traces say, whatever becomes of them and of it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from judged_traces import judge
from made_traces import made_trace

from recorder.trace.reader import open_trace
from replay import verdicts
from replay.catalog import folder as folders
from replay.catalog import reading, store
from replay.catalog.entry import Entry
from replay.catalog.filter import Filter
from replay.catalog.index import KEPT_FROM, Index

COUNT = KEPT_FROM + 4
EVERYTHING = Filter()
EVIL = "\x1b]52;c;ZXZpbA==\x07 \u202e \0 ' OR 1 --"


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Many, in a folder of which each file is thought to be old."""
    monkeypatch.setattr(folders, "_TICK", 0)
    folder = tmp_path / "traces"
    folder.mkdir()
    for n in range(COUNT):
        made_trace(
            folder / f"{n:02}.reenact", n, instruction=f"Task {n % 3}", started=1_700_000_000 + 86_400 * n
        )
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of those that were opened, and of those of which the verdict was looked at."""
    names: list[str] = []
    real = reading._look

    def look(wanted: reading.Wanted) -> reading.Looked:
        names.append(os.fsdecode(wanted.name).removesuffix(".reenact") + ("" if wanted.told else " verdict"))
        return real(wanted)

    monkeypatch.setattr(reading, "_look", look)
    return names


def listed(
    folder: Path, asked: Filter = EVERYTHING, *, recursive: bool = False, limit: int | None = None
) -> list[Entry]:
    own = verdicts.own_public_key()
    trusted = (own,) if own else ()
    with Index(folder) as index:
        index.refresh(recursive=recursive, jobs=1)
        found = list(index.entries(asked, trusted, recursive=recursive, limit=limit))
        if limit is None:
            assert index.count(asked, trusted, recursive=recursive) == len(found)
        return found


def names(entries: list[Entry]) -> list[str]:
    return [entry.name.removesuffix(".reenact") for entry in entries]


def test_each_trace_is_told_as_it_tells_itself(traces: Path) -> None:
    made_trace(
        traces / "full.reenact", 99, instruction=EVIL, reward=0.0, annotator="expert-7", project="p",
        source_licence="MIT", marks=["b", EVIL, "b"], placeholders=["x"],
    )  # fmt: skip
    for _ in range(2):  # read, then from the index
        found = {entry.name: entry for entry in listed(traces)}
        assert found.keys() == {path.name for path in traces.glob("*.reenact")}
        for name, entry in found.items():
            with open_trace(traces / name) as trace:
                said = trace.manifest
            assert entry.trace_id == said.trace_id
            assert entry.size == (traces / name).stat().st_size
            assert (entry.started_unix_ns, entry.duration_ns) == (said.started_unix_ns, said.duration_ns)
            assert (entry.commands, entry.pages) == (3, 0)
            assert (entry.task, entry.reward) == (said.task.instruction, said.outcome.reward)
            assert (entry.rejected, entry.state, entry.actor, entry.verdict) == (
                "",
                "complete",
                "human",
                None,
            )
        full = found["full.reenact"]
        assert (full.annotator, full.project, full.licence) == ("expert-7", "p", "MIT")
        assert full.tags == ["b", EVIL]
        assert full.flags == ["consent-missing", "secrets-redacted"]
    assert stat.S_IMODE((traces / store.NAME).stat().st_mode) == 0o600


def test_only_what_is_new_is_opened(traces: Path, opened: list[str]) -> None:
    before = listed(traces)
    assert len(opened) == COUNT
    opened.clear()
    assert listed(traces) == before
    assert opened == []
    made_trace(traces / "new.reenact", 77)
    assert len(listed(traces)) == COUNT + 1
    assert opened == ["new"]


def _removed(traces: Path) -> None:
    (traces / "03.reenact").unlink()


def _replaced(traces: Path) -> None:
    made_trace(traces / "other", 3, instruction="Task 9", started=1_800_000_000)
    (traces / "other").replace(traces / "03.reenact")


def _overwritten(traces: Path) -> None:
    """Of the same size and, it says, at the same time."""
    place = traces / "03.reenact"
    before = place.stat()
    data = place.read_bytes()
    place.write_bytes(data[:-30] + bytes(30))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (place.stat().st_size, place.stat().st_ino) == (before.st_size, before.st_ino)


def _cut(traces: Path) -> None:
    os.truncate(traces / "03.reenact", 100)


def _linked(traces: Path) -> None:
    (traces / "03.reenact").unlink()
    (traces / "03.reenact").symlink_to("nowhere")


def _folder(traces: Path) -> None:
    (traces / "03.reenact").unlink()
    (traces / "03.reenact").mkdir()


@pytest.mark.parametrize("change", [_removed, _replaced, _overwritten, _cut, _linked, _folder])
def test_what_becomes_of_a_file_is_noticed(
    traces: Path, change: Callable[[Path], None], opened: list[str]
) -> None:
    before = listed(traces)
    opened.clear()
    change(traces)
    after = listed(traces)
    assert opened == ([] if change is _removed else ["03"])
    assert [entry for entry in before if entry not in after] == [before[-4]]
    now = [entry for entry in after if entry.name == "03.reenact"]
    if change is _removed:
        assert now == []
    elif change is _replaced:
        assert (names(after)[0], now[0].task) == ("03", "Task 9")
    else:
        assert now[0].rejected
        assert names(after)[-1] == "03"
    (traces / store.NAME).unlink()
    assert listed(traces) == after


def test_a_change_within_a_tick_is_noticed(
    traces: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    monkeypatch.setattr(folders, "_TICK", 10**18)
    listed(traces)
    opened.clear()
    listed(traces)
    assert len(opened) == COUNT  # too young to be relied on


def test_a_damaged_index_is_made_anew(traces: Path, opened: list[str]) -> None:
    good = listed(traces)
    place = traces / store.NAME
    data = place.read_bytes()
    for at in [*range(0, len(data), 997), len(data) - 1]:
        place.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])  # in its very inode
        assert store.load(traces) is None, at
    for kept in (b"", data[: len(data) // 2], data + b"\0", bytes(len(data))):
        place.write_bytes(kept)
        opened.clear()
        assert listed(traces) == good
        assert len(opened) == COUNT
    opened.clear()
    assert listed(traces) == good
    assert opened == []


def test_an_index_of_another_version_is_made_anew(
    traces: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = listed(traces)
    monkeypatch.setattr("replay.catalog.index._VERSION", 7)
    opened.clear()
    assert listed(traces) == good
    assert len(opened) == COUNT


def test_a_strangers_index_counts_for_nothing(
    traces: Path, home: Path, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = listed(traces)
    place = traces / store.NAME
    copy = tmp_path / "copy"
    shutil.copyfile(place, copy)
    copy.replace(place)  # ours, but as it came back with somebody's folder
    assert store.load(traces) is None
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "theirs"))
    listed(traces)
    assert store.load(traces) is not None
    monkeypatch.setenv("REENACT_TRACES", str(home))
    assert store.load(traces) is None
    opened.clear()
    assert listed(traces) == good
    assert len(opened) == COUNT
    secret = home / ".keys" / "catalog"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)  # others may have read it
    assert store.load(traces) is None


def test_nothing_is_followed_or_waited_for_in_its_place(traces: Path, tmp_path: Path) -> None:
    good = listed(traces)
    place = traces / store.NAME
    precious = tmp_path / "precious"
    precious.write_bytes(place.read_bytes())
    place.unlink()
    place.symlink_to(precious)
    before = precious.read_bytes()
    assert listed(traces) == good
    assert precious.read_bytes() == before
    place.unlink()
    os.mkfifo(place)
    assert listed(traces) == good


@pytest.mark.parametrize("where", ["folder", "secret"])
def test_a_folder_that_takes_no_index_is_read(
    traces: Path, home: Path, where: str, opened: list[str]
) -> None:
    if where == "folder":
        (traces / store.NAME).mkdir()
    else:
        home.write_text("in the way")
    first = [entry.name for entry in _entries(traces)]
    assert len(first) == COUNT
    opened.clear()
    assert [entry.name for entry in _entries(traces)] == first
    assert len(opened) == COUNT
    assert {path.suffix for path in traces.iterdir()} <= {".reenact", ".sqlite"}  # nothing was left


def _entries(traces: Path) -> list[Entry]:
    with Index(traces) as index:
        index.refresh(recursive=False, jobs=1)
        assert not index.kept
        return list(index.entries(Filter(), (), recursive=False))


def test_what_a_removed_trace_said_is_not_kept(traces: Path) -> None:
    made_trace(traces / "secret.reenact", 90, instruction="nobody may know of this " * 500)
    listed(traces)
    place = traces / store.NAME
    assert b"nobody may know" in place.read_bytes()
    (traces / "secret.reenact").unlink()
    listed(traces)
    assert b"nobody may know" not in place.read_bytes()


def test_a_small_folder_has_no_file_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    made_trace(folder / "a.reenact")
    assert names(listed(folder)) == ["a"]
    assert [path.name for path in folder.iterdir()] == ["a.reenact"]


def test_what_was_read_before_an_interrupt_is_kept(traces: Path, opened: list[str]) -> None:
    for n in range(COUNT, 50):
        made_trace(traces / f"{n}.reenact", n)

    def interrupt(done: int, total: int) -> None:
        assert (done, total) == (32, 50)
        raise KeyboardInterrupt

    with Index(traces) as index, pytest.raises(KeyboardInterrupt):
        index.refresh(recursive=False, jobs=1, progress=interrupt)
    opened.clear()
    assert len(listed(traces)) == 50
    assert len(opened) == 18


@pytest.mark.slow
def test_workers_say_the_same(traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.catalog.index._MANY", 1)
    with Index(traces) as index:
        assert index.refresh(recursive=False, jobs=2) == COUNT
        found = list(index.entries(Filter(), (), recursive=False))
    (traces / store.NAME).unlink()
    assert listed(traces) == found


def test_verdicts_that_count(traces: Path, home: Path, opened: list[str], tmp_path: Path) -> None:
    listed(traces)
    opened.clear()
    judge(traces / "01.reenact")
    judge(traces / "02.reenact", shown="b")
    found = {entry.name: entry for entry in listed(traces)}
    assert sorted(opened) == ["01 verdict", "02 verdict"]
    assert (found["01.reenact"].verdict, found["01.reenact"].steady) == ("exact", True)
    assert found["02.reenact"].verdict == "diverged"
    assert names(listed(traces, Filter(verdict="exact"))) == ["01"]
    assert names(listed(traces, Filter(verdict="verified"))) == ["01"]
    assert len(listed(traces, Filter(verdict="none"))) == COUNT - 2
    opened.clear()
    assert listed(traces, Filter(verdict="diverged"))[0].name == "02.reenact"
    assert opened == []
    judge(traces / "02.reenact")
    assert names(listed(traces, Filter(verdict="exact"))) == ["02", "01"]
    verdicts.place_of(traces / "02.reenact").unlink()
    (traces / "01.reenact").unlink()
    made_trace(traces / "01.reenact", 88)  # its verdict is of another file now
    assert names(listed(traces, Filter(verdict="exact"))) == []
    (home / ".keys" / "signing.pem").unlink()
    judge(traces / "04.reenact")
    assert names(listed(traces, Filter(verdict="exact"))) == ["04"]
    (home / ".keys" / "signing.pem").rename(tmp_path / "theirs")
    judge(traces / "05.reenact")  # by another key, which is ours now
    assert names(listed(traces, Filter(verdict="exact"))) == ["05"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 1000, b"{}\n{}\n"])
def test_a_damaged_verdict_is_none(traces: Path, damage: bytes) -> None:
    judge(traces / "01.reenact")
    assert listed(traces, Filter(verdict="exact"))
    verdicts.place_of(traces / "01.reenact").write_bytes(damage)
    assert listed(traces, Filter(verdict="exact")) == []
    assert len(listed(traces, Filter(verdict="none"))) == COUNT


def test_filters(traces: Path) -> None:
    made_trace(
        traces / "x.reenact", 50, instruction=f"ÜBER {EVIL}", annotator="eve", marks=["done"], reward=None
    )
    (traces / "bad.reenact").write_bytes(b"bad")
    started = datetime.fromtimestamp(1_700_000_000 + 5 * 86_400)
    for asked, found in (
        (Filter(), COUNT + 2),
        (Filter(task="task 1"), len(range(1, COUNT, 3))),
        (Filter(task="über \x1b"), 1),
        (Filter(task="%"), 0),
        (Filter(annotator="eve"), 1),
        (Filter(annotator="ev"), 0),
        (Filter(tag="done"), 1),
        (Filter(tag="don"), 0),
        (Filter(state="complete"), COUNT + 1),
        (Filter(state="incomplete"), 0),
        (Filter(state="rejected"), 1),
        (Filter(since=started), COUNT - 5),
        (Filter(until=started), 6),
        (Filter(since=started, until=started), 0),
        (Filter(task="task", annotator="eve"), 0),
    ):
        assert len(listed(traces, asked)) == found, asked
    assert names(listed(traces, limit=2)) == [f"{COUNT - 1}", f"{COUNT - 2}"]


def test_folders_in_it_where_they_are_wanted(traces: Path) -> None:
    inner = traces / "a" / "b"
    inner.mkdir(parents=True)
    (traces / ".hidden").mkdir()
    made_trace(inner / "deep.reenact", 60, started=1_900_000_000)
    made_trace(traces / ".hidden" / "not.reenact", 61)
    (inner / "loop").symlink_to(traces)
    flat = listed(traces)
    assert len(flat) == COUNT
    deep = listed(traces, recursive=True)
    assert names(deep) == ["a/b/deep", *names(flat)]
    assert listed(traces) == flat
    shutil.rmtree(traces / "a")
    assert listed(traces, recursive=True) == flat


def test_names_that_are_no_text(traces: Path) -> None:
    odd = os.fsencode(traces) + b"/\xff\x1b\n.reenact"
    os.rename(traces / "00.reenact", odd)
    assert os.fsencode(listed(traces)[-1].name) == b"\xff\x1b\n.reenact"
    assert os.fsencode(listed(traces)[-1].name) == b"\xff\x1b\n.reenact"
