"""The commands that read traces: how they end for a bad one."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from inside import Inside
from small_session import Recording

READERS = (
    ("show",),
    ("steps",),
    ("inspect",),
    ("play",),
    ("export", "asciicast"),
    ("export", "har"),
    ("replay",),
)


def _damaged(trace: Path, out: Path, member: str) -> Path:
    """A byte in the middle of a member is another one."""
    data = bytearray(trace.read_bytes())
    with zipfile.ZipFile(trace) as archive:
        entry = archive.getinfo(member)
    data[entry.header_offset + 60 + entry.compress_size // 2] ^= 0x40
    out.write_bytes(data)
    return out


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_bad_traces_are_rejected(
    reader: tuple[str, ...], inside: Inside, recording: Recording, tmp_path: Path
) -> None:
    missing = inside(*reader, tmp_path / "missing")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == f"reenact: {tmp_path}/missing: No such file or directory\n"
    folder = inside(*reader, tmp_path)
    assert folder.code == 3 or (folder.code == 2 and "directory" in folder.err)
    bad = tmp_path / "bad.reenact"
    for content in (b"", b"no trace at all", recording.trace.read_bytes()[:-5000], b"PK\x03\x04" * 1000):
        bad.write_bytes(content)
        done = inside(*reader, bad)
        assert (done.code, done.out) == (3, ""), done
        assert re.search(r"\[(not-a-trace|truncated|syntax)\]\n$", done.err), done.err
    _damaged(recording.trace, bad, "manifest.json")
    assert inside(*reader, bad).code == 3
    member = "terminal/1.cast" if {"play", "asciicast"} & set(reader) else "events.jsonl"
    _damaged(recording.trace, bad, member)
    done = inside(*reader, bad)
    assert done.code == 3
    assert member in done.out + done.err
    if reader[0] == "export":
        assert inside(*reader, bad, "-o", tmp_path / "half.cast").code == 3
        assert not (tmp_path / "half.cast").exists()


def test_what_is_not_in_the_trace(inside: Inside, recording: Recording, tmp_path: Path) -> None:
    for words in (("play", "--terminal", 2), ("export", "asciicast", "--terminal", 2)):
        done = inside(*words, recording.trace)
        assert (done.code, "terminal/2.cast: not in the trace" in done.err) == (3, True)
    done = inside("export", "asciicast", recording.trace, "-o", tmp_path / "no" / "where.cast")
    assert (done.code, "No such file or directory" in done.err) == (2, True)
