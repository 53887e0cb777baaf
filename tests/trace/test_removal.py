"""Folders that strangers made are removed whole, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recorder.trace.openat import FOLDER
from recorder.trace.removal import remove_tree

DEEP = 5000


def dig(top: Path, depth: int) -> None:
    """A folder in a folder in a folder; far deeper than any path can say."""
    here = os.open(top, FOLDER)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", FOLDER, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_a_very_deep_folder(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    dig(top, DEEP)
    remove_tree(top)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    top = tmp_path / "top"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/link").symlink_to(kept)
    (top / "dangling").symlink_to("nowhere")
    os.mkfifo(top / "a/fifo")
    remove_tree(top)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").read_text() == "x"
    (tmp_path / "link").symlink_to(kept)
    with pytest.raises(OSError):
        remove_tree(tmp_path / "link")
    assert (kept / "file").exists()


def test_folders_that_forbid_it(tmp_path: Path) -> None:
    """Root is never forbidden: so another user does it, in a child."""
    top = tmp_path / "top"
    (top / "closed/within").mkdir(parents=True)
    (top / "closed/within/file").write_text("x")
    (top / "closed/empty").mkdir(mode=0o000)
    (top / "closed/within").chmod(0o555)
    (top / "closed").chmod(0o000)
    base = os.open(tmp_path, FOLDER)
    if os.geteuid() == 0:
        for path in (tmp_path, top, *(top / "closed").rglob("*"), top / "closed"):
            os.chown(path, 65534, 65534)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            remove_tree("top", dir_fd=base)
            status = 0
        finally:
            os._exit(status)
    os.close(base)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert list(tmp_path.iterdir()) == []
