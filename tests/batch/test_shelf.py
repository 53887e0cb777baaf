"""Rows that were made before: the same as if they were made again, or made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_traces import made_trace

from replay import verdicts
from replay.batch import reading, shelf


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return made_trace(tmp_path / "a.reenact")


def shelved(tmp_path: Path) -> Path:
    (place,) = (tmp_path / "home" / ".rows").glob("*/*")
    return place


def test_a_kept_row_is_the_row(trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = verdicts.sha256_of(trace)
    made = reading.read(trace, sha256, (), 1000)
    assert shelved(tmp_path).stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(reading, "_made", lambda *_: pytest.fail("it was made again"))
    assert reading.read(trace, sha256, (), 1000) == made


def test_every_flipped_byte_is_noticed(trace: Path, tmp_path: Path) -> None:
    sha256 = verdicts.sha256_of(trace)
    made = reading.read(trace, sha256, (), 1000)
    place = shelved(tmp_path)
    good = place.read_bytes()
    for at in range(len(good)):
        place.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        kept = shelf.take(sha256, 1000)
        assert kept is None or kept.row == made.row, at
    place.write_bytes(good[:-5])
    assert shelf.take(sha256, 1000) is None
    assert reading.read(trace, sha256, (), 1000) == made
    assert place.read_bytes() == good


def test_another_length_and_other_code_make_another_row(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = verdicts.sha256_of(trace)
    reading.read(trace, sha256, (), 1000)
    assert shelf.take(sha256, 999) is None
    monkeypatch.setattr(shelf, "_code", lambda: "another")
    assert shelf.take(sha256, 1000) is None
    reading.read(trace, sha256, (), 1000)
    assert shelved(tmp_path).name.endswith("-1000-another")  # the former is gone


def test_a_folder_that_takes_nothing_is_no_fault(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    assert reading.read(trace, verdicts.sha256_of(trace), (), 1000).row.tool_calls
