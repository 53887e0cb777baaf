"""Journals: what a crash, a full disk or a second writer may do to them, on real files."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.codec import decode_event
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Change, Noted, WorkspaceChanged
from recorder.trace.frames import MAGIC, MAX_PAYLOAD, Frame, Kind, encode
from recorder.trace.journal import JournalWriter, Missing, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "terminal-1.journal"


def payloads(path: Path) -> list[bytes]:
    return [frame.payload for frame in read_journal(path)]


def test_what_is_appended_is_read(path: Path) -> None:
    with JournalWriter(path) as writer:
        assert writer.append(5, Kind.OUTPUT, b"one") == 0
        writer.append_event(Noted(t=7, source="notes", text="why"))
        writer.sync()
    assert path.stat().st_mode & 0o777 == 0o600
    reader = read_journal(path)
    first, second = reader
    assert first == Frame(0, 5, Kind.OUTPUT, b"one")
    assert (second.sequence, second.t, second.kind) == (1, 7, Kind.EVENT)
    assert decode_event(second.payload, "") == Noted(t=7, source="notes", text="why")
    assert (reader.torn, reader.lost, reader.missing, reader.repeats) == (None, 0, [], 0)


def test_every_truncation_is_cut_at_the_last_whole_frame_and_goes_on(path: Path, tmp_path: Path) -> None:
    with JournalWriter(path) as writer:
        for n in range(3):
            writer.append(n, Kind.OUTPUT, b"%d" % n * (n + 1))
    whole = path.read_bytes()
    ends = [len(MAGIC)]
    for n in range(3):
        ends.append(ends[-1] + len(encode(n, n, 1, b"%d" % n * (n + 1))))
    for cut in range(len(whole)):
        torn = tmp_path / "torn"
        torn.write_bytes(whole[:cut])
        kept = max(0, sum(end <= cut for end in ends) - 1)
        reader = read_journal(torn)
        assert len(list(reader)) == kept
        assert (reader.torn is None) == (cut in ends)
        with JournalWriter(torn) as writer:
            assert writer.next_sequence == kept
            assert (writer.cut is None) == (cut in ends or cut < len(MAGIC))
            writer.append(9, Kind.OUTPUT, b"after")
        reader = read_journal(torn)
        assert [f.sequence for f in reader] == list(range(kept + 1))
        assert reader.torn is None


def test_repeats_are_dropped_and_holes_reported(path: Path) -> None:
    with JournalWriter(path) as writer:
        writer.extend([Frame(0, 1, 1, b"a"), Frame(1, 2, 1, b"b")])
        writer.extend([Frame(0, 1, 1, b"a"), Frame(1, 2, 1, b"b"), Frame(2, 3, 1, b"c")])
        assert writer.append(9, 1, b"g", sequence=6) == 6
        assert writer.append(9, 1, b"late", sequence=4) == 4
    with open(path, "ab") as file:  # a repeat that some other writer let through
        file.write(encode(6, 9, 1, b"g"))
    reader = read_journal(path)
    assert [f.payload for f in reader] == [b"a", b"b", b"c", b"g"]
    assert reader.missing == [Missing(3, 5, 3, 9)]
    assert reader.repeats == 1


def test_damage_inside_ends_reading_there_and_is_reported(path: Path) -> None:
    with JournalWriter(path) as writer:
        for n in range(5):
            writer.append(n, 1, b"x" * 10)
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 2 * 35 + 30] ^= 1
    path.write_bytes(data)
    reader = read_journal(path)
    assert len(list(reader)) == 2
    assert reader.torn is not None
    assert reader.torn.offset == len(MAGIC) + 2 * 35
    assert reader.lost == 3 * 35


def test_a_foreign_file_is_left_alone(path: Path) -> None:
    path.write_bytes(b"precious, and no journal")
    with pytest.raises(RecordingFailed, match="not a journal"):
        JournalWriter(path)
    assert path.read_bytes() == b"precious, and no journal"
    reader = read_journal(path)
    assert list(reader) == []
    assert reader.torn is not None


def test_a_missing_file_names_itself(path: Path) -> None:
    with pytest.raises(RecordingFailed, match=r"terminal-1\.journal"):
        list(read_journal(path))
    with pytest.raises(RecordingFailed, match="nowhere"):
        JournalWriter(path.parent / "nowhere" / "j")


def test_one_writer_at_a_time(path: Path) -> None:
    with JournalWriter(path) as writer:
        writer.append(0, 1, b"mine")
        code = f"from recorder.trace.journal import JournalWriter; JournalWriter({str(path)!r})"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert other.returncode != 0
        assert "being written by another process" in other.stderr
        writer.append(1, 1, b"still mine")
    assert payloads(path) == [b"mine", b"still mine"]


def test_a_killed_writer_leaves_every_frame_it_had_appended(path: Path) -> None:
    code = (
        "import sys; from recorder.trace.journal import JournalWriter\n"
        f"w = JournalWriter({str(path)!r})\n"
        "for n in range(10**9):\n w.append(n, 1, b'x' * (n % 5000)); print(n, flush=True)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(300)][-1]
    child.send_signal(signal.SIGKILL)
    said = max([said, *(int(line) for line in child.stdout.read().split(b"\n")[:-1] if line)])
    child.wait()
    child.stdout.close()
    reader = read_journal(path)
    assert len(list(reader)) > said
    assert reader.missing == []
    with JournalWriter(path) as writer:  # the lock went with the process
        assert writer.next_sequence > said


def _short(fault: Callable[[int], int | OSError]) -> Callable[[int, bytes, int], int]:
    real = os.pwrite
    calls = iter(range(10**6))

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        what = fault(next(calls))
        if isinstance(what, OSError):
            raise what
        return real(fd, memoryview(data)[:what], offset)

    return pwrite


def test_short_writes_are_completed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JournalWriter(path) as writer:
        monkeypatch.setattr(os, "pwrite", _short(lambda n: 1 + n % 3))
        writer.append(0, 1, b"whole all the same")
        monkeypatch.undo()
    assert payloads(path) == [b"whole all the same"]


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_failed_append_leaves_nothing_and_a_later_one_follows_the_last_whole_frame(
    path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with JournalWriter(path) as writer:
        writer.append(0, 1, b"before")
        monkeypatch.setattr(os, "pwrite", _short(lambda n: full if n >= after else 7))
        for _ in range(3):
            with pytest.raises(RecordingFailed, match=r"terminal-1\.journal took no more: No space left"):
                writer.append(1, 1, b"lost" * 10)
        monkeypatch.undo()
        assert payloads(path) == [b"before"]
        assert read_journal(path).torn is None
        assert writer.append(2, 1, b"after") == 1
    reader = read_journal(path)
    assert [f.payload for f in reader] == [b"before", b"after"]
    assert (reader.torn, reader.missing) == (None, [])


def test_where_even_cutting_back_fails_nothing_is_appended_behind_the_torn_frame(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with JournalWriter(path) as writer:
        writer.append(0, 1, b"before")
        monkeypatch.setattr(os, "pwrite", _short(lambda n: OSError(errno.EIO, "I/O") if n % 2 else 30))
        monkeypatch.setattr(os, "ftruncate", refuse)
        for _ in range(2):
            with pytest.raises(RecordingFailed):
                writer.append(1, 1, b"torn" * 10)
        monkeypatch.undo()
        writer.append(1, 1, b"x")
    reader = read_journal(path)
    assert [f.payload for f in reader] == [b"before", b"x"]
    assert reader.torn is None


def test_a_file_that_may_not_grow_is_a_failure_that_says_so(path: Path) -> None:
    """The kernel's own refusal, in a child: past RLIMIT_FSIZE a write is cut short, then fails."""
    code = (
        "from recorder.trace.journal import *\nfrom recorder.trace.errors import *\nimport sys\n"
        f"w = JournalWriter({str(path)!r})\n"
        "try:\n  for n in range(100): w.append(n, 1, b'x' * 1000)\n"
        "except RecordingFailed as e: print(w.next_sequence, e)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4500, 4500)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out.startswith("4 ")
    assert "File too large" in out
    assert len(payloads(path)) == 4
    assert read_journal(path).torn is None
    assert path.stat().st_size == len(MAGIC) + 4 * 1025


def test_a_change_list_too_long_for_a_frame_goes_as_several_events(path: Path) -> None:
    changes = [Change(path=f"{n:05}-" + "x" * 100, before=None, after=None) for n in range(20_000)]
    whole = WorkspaceChanged(t=1, source="workspace", first=2, last=3, changes=changes)
    with JournalWriter(path) as writer:
        writer.append_event(whole)
        writer.append_event(Noted(t=2, source="notes", text="next"))
        assert writer.next_sequence > 2
        with pytest.raises(ValueError, match="the most is"):
            writer.append_event(Noted(t=3, source="notes", text="x" * MAX_PAYLOAD))
    *parts, last = (decode_event(frame.payload, "") for frame in read_journal(path))
    assert last == Noted(t=2, source="notes", text="next")
    assert [change for part in parts for change in part.changes] == changes
    assert {(part.t, part.source, part.first, part.last) for part in parts} == {(1, "workspace", 2, 3)}


@given(st.lists(st.tuples(st.integers(0, 12), st.binary(max_size=20)), max_size=20))
def test_sequences_rise_whatever_is_appended(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    highest = -1
    kept = []
    with JournalWriter(path) as writer:
        for sequence, payload in made:
            writer.append(0, 1, payload, sequence=sequence)
            if sequence > highest:
                highest = sequence
                kept.append((sequence, payload))
    reader = read_journal(path)
    assert [(f.sequence, f.payload) for f in reader] == kept
    holes = {n for m in reader.missing for n in range(m.first, m.last + 1)}
    assert holes == set(range(highest + 1)) - {s for s, _ in kept}
