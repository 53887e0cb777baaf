"""Sealing: the file appears whole or not at all, equal input gives equal bytes, and other tools can open it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from trace_sample import KEY, OUTPUT, UNKNOWN_FIELD, UNKNOWN_KIND, draft, events, write_sample

from recorder.trace import limits, ziplayout
from recorder.trace.blobs import BlobStore
from recorder.trace.container import TraceWriter
from recorder.trace.errors import RecordingFailed, UsageError
from recorder.trace.events import CommandEnded, Input, Noted
from recorder.trace.reader import open_trace
from recorder.trace.ziplayout import Entry


def test_what_was_sealed_is_read(sample: Path) -> None:
    assert sample.stat().st_mode & 0o777 == 0o600
    with open_trace(sample) as trace:
        recorded = list(trace.events.lines())
        known = [r.event for r in recorded if r.line not in (UNKNOWN_KIND, UNKNOWN_FIELD)]
        digests = [
            recorded[0].event.files[0].blob,
            recorded[1].event.tree,
            recorded[7].event.changes[0].after.blob,
        ]
        assert known == events(*digests)
        assert len(trace.events) == len(recorded) == len(known) + 2
        assert [(f.t, f.payload) for f in trace.terminal_frames(1)] == OUTPUT
        assert b"".join(trace.cast(1)).startswith(b'{"version": 2')
        said = trace.manifest
        assert said.completeness.state == "incomplete"
        assert said.completeness.gaps[0].reason == "disk full"
        assert (said.outcome.reward, said.outcome.command) == (1.0, 1)
        assert said.counts.kinds["browser.click"] == 1
        assert said.task.instruction == "Fix the düplicate"
        assert trace.verify().ok


def test_unknown_kinds_and_fields_survive_a_rewrite(sample: Path, tmp_path: Path) -> None:
    """Read with this version, written by this version: the lines are the very same."""
    store = BlobStore(tmp_path / "blobs")
    with open_trace(sample) as trace:
        for digest in trace.blob_digests():
            store.put(trace.blob(digest))
        with TraceWriter(tmp_path / "copy", draft()) as writer:
            writer.blobs(store)
            with writer.terminal(1) as sink:
                for frame in trace.terminal_frames(1):
                    sink.output(frame.t, frame.payload)
            with writer.events() as add:
                for recorded in trace.events.lines():
                    add(recorded)
            writer.finish(trace.manifest.duration_ns)
        with open_trace(tmp_path / "copy") as copy:
            lines = [r.line for r in copy.events.lines()]
            assert lines == [r.line for r in trace.events.lines()]
            assert UNKNOWN_KIND in lines
            assert UNKNOWN_FIELD in lines
            assert copy.verify().ok
            assert copy.verify().signature == "absent"


def test_equal_input_gives_equal_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == sample.read_bytes()


def test_other_tools_open_it(sample: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(sample) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[-1] == "manifest.json"
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for name in archive.namelist():
            if name.startswith("blobs/"):
                zstandard.ZstdDecompressor().decompress(archive.read(name))
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("unzip is not installed")
    done = subprocess.run([unzip, "-tq", sample], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "t.reenact"
    out.write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists"):
        write_sample(out)
    assert out.read_bytes() == b"precious"
    with TraceWriter(out, draft(), replace=True) as writer:
        with writer.events() as add:
            add(Noted(t=0, source="notes", text="x"))
        writer.finish(0)
    with open_trace(out) as trace:
        assert trace.verify().ok
    assert os.listdir(tmp_path) == ["t.reenact"]


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "t.reenact"
    with TraceWriter(out, draft()) as writer:
        with writer.events() as add:
            add(Noted(t=0, source="notes", text="x"))
        out.write_bytes(b"precious")
        with pytest.raises(UsageError, match="exists"):
            writer.finish(0)
    assert out.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["t.reenact"]


def test_left_early_it_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with TraceWriter(tmp_path / "t", draft()) as writer, writer.terminal(1) as sink:
            sink.output(0, b"x" * 10_000_000)
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_a_full_disk_names_the_path_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\nfrom trace_sample import draft\nfrom pathlib import Path\n"
        "from recorder.trace import TraceWriter, RecordingFailed\n"
        "try:\n with TraceWriter(Path(sys.argv[2]), draft()) as w:\n  with w.terminal(1) as s:\n"
        "   for n in range(100): s.output(n, os.urandom(1 << 16))\n"
        "except RecordingFailed as e: print(e)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent, tmp_path / "t.reenact"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, 1 << 21)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "t.reenact cannot be written: File too large" in out
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingFailed, match="nowhere"):
        TraceWriter(tmp_path / "nowhere" / "t", draft())


def test_what_could_not_be_read_is_not_sealed(tmp_path: Path) -> None:
    ended = CommandEnded(t=3, source="terminal/1", n=1, offset=0, exit=0, cwd="/")
    typed = Input(
        t=3, source="terminal/1", data=b"x", offset=99, prompts=0, commands=0, at_prompt=False,
        icanon=True, echo=True, foreground="x", hidden=False, reply=False,
    )  # fmt: skip
    note = Noted(t=5, source="notes", text="x")
    for bad in (
        [note, Noted(t=4, source="notes", text="x")],
        [ended],
        [typed],
        [b'{"kind":"note"}'],
        [events("a" * 64, "b" * 64, "c" * 64)[1]],
    ):
        with TraceWriter(tmp_path / "t", draft()) as writer:
            with writer.terminal(1) as sink:
                sink.output(1, b"12345")
                with pytest.raises(ValueError, match="after"):
                    sink.output(0, b"earlier")
            with writer.events() as add:
                for event in bad[:-1]:
                    add(event)  # type: ignore[arg-type]
                with pytest.raises(ValueError, match="cannot be sealed"):
                    add(bad[-1])  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


def test_a_variable_with_a_long_wide_name_is_sealed_and_read(tmp_path: Path) -> None:
    """Its line of salts is as long as one can be; longer names get no commitment, yet stand in the chain."""
    started = events("a" * 64, "b" * 64, "c" * 64)[0]
    env = {"\x01" * 500: "x", "😀" * 500: "y", "n" * 5000: "z"}
    with TraceWriter(tmp_path / "t", draft()) as writer:
        with writer.terminal(1):
            pass
        with writer.events() as add:
            add(msgspec.structs.replace(started, env=env, files=[]))
        writer.finish(0)
    with open_trace(tmp_path / "t") as trace:
        report = trace.verify()
        assert report.ok, report.problems
        assert report.commitments == 3
        assert next(iter(trace.events)).env == env


def test_a_damaged_blob_is_not_sealed(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    digest = store.put(b"content" * 100)
    data = bytearray(store.path(digest).read_bytes())
    data[-1] ^= 1
    store.path(digest).write_bytes(data)
    with TraceWriter(tmp_path / "t", draft()) as writer:
        with pytest.raises(RecordingFailed, match=digest):
            writer.blob(store, digest)
        with pytest.raises(KeyError):
            writer.blob(store, "0" * 64)


def test_a_long_output_is_cut_into_chunks_that_give_any_slice(tmp_path: Path) -> None:
    data = os.urandom(1 << 20) + b"lines\r\n" * 500_000
    with TraceWriter(tmp_path / "t", draft()) as writer:
        with writer.terminal(1) as sink:
            for at in range(0, len(data), 65_000):
                sink.output(at, data[at : at + 65_000])
            sink.output(10**9, b"")
            sink.output(10**9, b"z" * (2 * limits.CHUNK + 5))
        with writer.events() as add:
            add(Noted(t=0, source="notes", text="x"))
        writer.finish(0, KEY)
    data += b"z" * (2 * limits.CHUNK + 5)
    with open_trace(tmp_path / "t") as trace:
        assert b"".join(f.payload for f in trace.terminal_frames(1)) == data
        for start, end in [
            (0, 10),
            (5, 5),
            (9, 3),
            (0, len(data)),
            (len(data) - 3, len(data) + 9),
            (10**9, 2 * 10**9),
        ]:
            assert trace.terminal_output(1, start, end) == data[start:end]
        for edge in (c.output for c in trace._chunks[1]):
            assert trace.terminal_output(1, edge - 2, edge + 2) == data[max(0, edge - 2) : edge + 2]
        assert len(trace._chunks[1]) > 4
        assert trace.verify().ok


def test_keys_of_others_sign_too(tmp_path: Path) -> None:
    write_sample(tmp_path / "t", key=Ed25519PrivateKey.generate())
    with open_trace(tmp_path / "t") as trace:
        assert trace.verify().signature == "valid"


sizes = st.integers(0, 2**36) | st.sampled_from([0xFFFFFFFE, 0xFFFFFFFF, 0x100000000])


@given(
    sizes, sizes, sizes, st.integers(0, 2**32 - 1), st.sampled_from(["events.jsonl", "terminal/1.frames.zst"])
)
def test_numbers_past_4_gib_stand_in_zip64_fields_and_come_back(
    size: int, packed: int, offset: int, crc: int, name: str
) -> None:
    entry = Entry(name, crc, packed, size, offset)
    raw = ziplayout.central(entry)
    head = ziplayout.parse_central(raw)
    assert head is not None
    extra = raw[ziplayout.CENTRAL_SIZE + head.name_length :]
    assert ziplayout.parse_extra(head, extra) == (size, packed, offset)
    assert len(ziplayout.local(entry)) == ziplayout.local_size(name)


@given(st.integers(0, 2**20), sizes, sizes)
def test_the_end_of_the_archive_comes_back(count: int, size: int, offset: int) -> None:
    tail = ziplayout.end(count, size, offset)
    assert ziplayout.parse_end((bytes(200) + tail)[-ziplayout.END_SIZE - ziplayout.END64_SIZE :]) == (
        count,
        size,
        offset,
    )


def test_python_reads_our_zip64(tmp_path: Path) -> None:
    """Two members of 5 GB that are holes in a sparse file, the second one stored past 4 GiB."""
    path, size = tmp_path / "big.zip", 5 << 30
    names = ["terminal/1.frames.zst", "terminal/2.frames.zst"]
    entries = []
    with open(path, "wb") as file:
        for name in names:
            entry = Entry(name, 0, size, size, file.tell())
            file.write(ziplayout.local(entry))
            file.seek(size, 1)
            entries.append(entry)
        where = file.tell()
        central = b"".join(map(ziplayout.central, entries))
        file.write(central + ziplayout.end(2, len(central), where))
    with zipfile.ZipFile(path) as archive:
        assert [(i.filename, i.file_size, i.header_offset) for i in archive.infolist()] == [
            (e.name, e.size, e.offset) for e in entries
        ]
        with archive.open(names[1]) as member:
            assert member.read(10) == bytes(10)


@pytest.mark.slow
def test_more_members_than_zip_can_count_without_zip64(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    for n in range(66_000):
        store.put(b"%d" % n)
    with TraceWriter(tmp_path / "t", draft()) as writer:
        writer.blobs(store)
        with writer.events() as add:
            add(Noted(t=0, source="notes", text="x"))
        writer.finish(0)
    with zipfile.ZipFile(tmp_path / "t") as archive:
        assert len(archive.namelist()) == 66_003
    with open_trace(tmp_path / "t") as trace:
        assert trace.manifest.blobs.count == 66_000
        assert trace.verify().ok
