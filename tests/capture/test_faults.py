"""Faults of the disk: the shell goes on, the loss is told, what was written stands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.trace.events import Gap
from recorder.trace.frames import Kind
from recorder.trace.journal import read_journal


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 64 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting a tmpfs needs root: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_the_shell_alone_and_is_told(record: Callable, small_disk: Path) -> None:
    outer = record(["bash", "-c", "seq 1 50000; echo ALL DONE; read x; exit 3"], small_disk, ring=1 << 16)
    outer.expect(b"ALL DONE")
    outer.expect(b"No space left on device")
    outer.type(b"\r")
    result = outer.wait()
    assert result.exit == 3
    assert result.gaps
    assert all("No space left" in gap.reason for gap in result.gaps)
    kept = b"".join(f.payload for f in whole_frames(small_disk) if f.kind == Kind.OUTPUT)
    assert kept
    assert sum(gap.bytes or 0 for gap in result.gaps) + len(kept) == result.bytes + sum(
        gap.bytes or 0 for gap in result.gaps
    )
    shown = outer.shown.replace(b"\r\n[reenact]", b"\n[reenact]")
    assert shown.startswith(kept[:30000])


@pytest.mark.slow
def test_space_that_comes_back_ends_the_gap(record: Callable, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(56 * 1024))
    program = "echo READY; read x; seq 1 40000; read x; echo AFTER; read x"
    outer = record(["bash", "-c", program], small_disk, ring=1 << 14)
    outer.expect(b"READY")
    outer.type(b"\r")
    outer.expect(b"40000\r\n")
    outer.expect(b"No space left on device")
    before = (small_disk / "terminal-1.journal").stat().st_size
    ballast.unlink()
    # The writer tries again by itself; then there is room in the ring.
    outer.until(
        lambda: (small_disk / "terminal-1.journal").stat().st_size > before + 8000, "the writer goes on"
    )
    outer.type(b"\r")
    outer.expect(b"AFTER")
    outer.type(b"\r")
    result = outer.wait()
    frames = whole_frames(small_disk)
    assert any(b"AFTER" in f.payload for f in frames if f.kind == Kind.OUTPUT)
    told = outer.record().of(Gap)
    assert told
    assert [gap.bytes for gap in told] == [gap.bytes for gap in result.gaps]
    shown = len(outer.shown) - (
        outer.shown.index(b"incomplete.\r\n") + 13 - outer.shown.index(b"\r\n[reenact]")
    )
    assert shown == len(outer.record().output) + sum(gap.bytes for gap in told)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["missing", "read-only"])
def test_a_folder_that_cannot_be_written_leaves_the_shell_alone(
    record: Callable, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "folder"
    if kind == "read-only":
        folder.mkdir()
        folder.chmod(0o500)
        if os.access(folder, os.W_OK):
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, check=False
            )
            if mounted.returncode:
                pytest.skip(
                    f"root writes everywhere, and here nothing can be mounted: {mounted.stderr.decode()}"
                )
    try:
        outer = record(["bash", "-c", "echo hello; read x; exit 4"], folder)
        outer.expect(b"hello")
        outer.expect(b"recording fails")
        outer.type(b"\r")
        result = outer.wait()
        assert result.exit == 4
        assert sum(gap.bytes for gap in result.gaps) >= len(b"hello\r\n")
        assert result.bytes == 0
    finally:
        if kind == "read-only":
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def whole_frames(folder: Path) -> list:  # type: ignore[type-arg]
    reader = read_journal(folder / "terminal-1.journal")
    frames = list(reader)
    assert reader.torn is None
    assert reader.missing == []
    return frames
