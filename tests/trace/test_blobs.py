"""Blobs: there whole or not at all, named by what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace import blobs
from recorder.trace.blobs import BlobStore, BlobTooLarge
from recorder.trace.errors import RecordingFailed

CONTENTS = [b"", b"a", b"\0" * 300, os.urandom(70_000), b"many words " * 600_000]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_put_and_get(store: BlobStore, tmp_path: Path, content: bytes) -> None:
    digest = store.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.get(digest) == content
    assert store.has(digest)
    assert list(store) == [digest]
    assert store.path(digest).stat().st_mode & 0o777 == 0o600
    assert store.folder.stat().st_mode & 0o777 == 0o700
    file = tmp_path / "file"
    file.write_bytes(content)
    store.path(digest).unlink()
    with open(file, "rb") as opened:
        assert store.put_fd(opened.fileno()) == (digest, len(content))
    assert store.get(digest) == content
    store.sync()


def test_equal_content_is_kept_once(store: BlobStore) -> None:
    digest = store.put(b"same")
    before = store.path(digest).stat()
    assert store.put(b"same") == digest
    assert store.path(digest).stat().st_ino == before.st_ino


def test_what_is_not_there(store: BlobStore) -> None:
    assert not store.has("0" * 64)
    with pytest.raises(KeyError):
        store.get("0" * 64)
    for name in ("", "../x", "A" * 64, "0" * 63, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="not a digest"):
            store.has(name)


def test_too_large_is_kept_nowhere(store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 11)
    with open(file, "rb") as opened, pytest.raises(BlobTooLarge, match="11 bytes; the most is 10"):
        store.put_fd(opened.fileno(), 10)
    monkeypatch.setattr(blobs, "MAX_BLOB", 5)
    with pytest.raises(BlobTooLarge):
        store.put(b"123456")
    assert list(store) == []


def test_a_growing_file_is_taken_at_the_size_it_had(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"before ")
    real = os.pread

    def grow(fd: int, size: int, offset: int) -> bytes:
        with open(file, "ab") as more:
            more.write(b"after ")
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", grow)
    with open(file, "rb") as opened:
        digest, size = store.put_fd(opened.fileno())
    monkeypatch.undo()
    assert size == 7
    assert store.get(digest) == b"before "


def test_a_file_that_changes_under_our_hands_is_said_to(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    size = 3 * blobs.IO
    file.write_bytes(b"x" * size)
    monkeypatch.setattr(blobs, "_AT_ONCE", 0)
    real, calls = os.pread, iter(range(100))

    def other(fd: int, size: int, offset: int) -> bytes:
        data = real(fd, size, offset)
        return data if next(calls) < 4 else b"y" * len(data)

    monkeypatch.setattr(os, "pread", other)
    with open(file, "rb") as opened, pytest.raises(ValueError, match="changed while"):
        store.put_fd(opened.fileno())
    monkeypatch.setattr(
        os, "pread", lambda fd, size, offset: real(fd, min(size, 5), offset) if offset < 5 else b""
    )
    with open(file, "rb") as opened, pytest.raises(ValueError, match="shrank"):
        store.put_fd(opened.fileno())
    assert list(store) == []
    assert os.listdir(store.folder) == []


def test_damage_is_noticed(store: BlobStore) -> None:
    digest = store.put(b"what it was" * 10)
    path = store.path(digest)
    whole = path.read_bytes()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole + whole):
            path.write_bytes(damaged)
            with pytest.raises(RecordingFailed):
                store.get(digest)


def test_a_full_disk_leaves_nothing_and_names_the_folder(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store.put(b"kept")
    code = (
        "from recorder.trace.blobs import *\nimport os, sys\n"
        f"store = BlobStore({str(store.folder)!r})\n"
        "try: store.put(os.urandom(100_000))\nexcept RecordingFailed as e: print(e)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(store.folder) in out
    assert "File too large" in out
    assert os.listdir(store.folder) == [f"{kept}.zst"]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(RecordingFailed, match="No space left"):
        store.put(b"lost")
    monkeypatch.undo()
    assert list(store) == [kept]
    assert os.listdir(store.folder) == [f"{kept}.zst"]


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_any_contents(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]) -> None:
    store = BlobStore(tmp_path_factory.mktemp("b"))
    digests = [store.put(c) for c in contents]
    assert [store.get(d) for d in digests] == contents
    assert list(store) == sorted(set(digests))


@pytest.mark.parametrize("sizes", [[], [5], [0, 3, 4], [300_000], [200_000, 100_000, 1], [1 << 18]])
def test_a_spool_is_the_blob_of_all_its_pieces(store: BlobStore, sizes: list[int]) -> None:
    pieces = [os.urandom(size) for size in sizes]
    spool = store.spool()
    for piece in pieces:
        spool.write(piece)
    assert spool.in_file == (sum(sizes) > spool.IN_MEMORY)
    digest = spool.keep()
    assert digest == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert store.get(digest) == b"".join(pieces)
    assert {path.name for path in store.folder.iterdir()} == {f"{digest}.zst"}


def test_a_dropped_spool_leaves_nothing(store: BlobStore) -> None:
    spool = store.spool()
    spool.write(bytes(1 << 20))
    assert [path.stat().st_mode & 0o777 for path in store.folder.iterdir()] == [0o600]
    spool.drop()
    assert not list(store.folder.iterdir())


def test_a_dead_process_leaves_no_spool(store: BlobStore) -> None:
    pid = os.fork()
    if pid == 0:
        store.spool().write(bytes(1 << 20))
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(list(store.folder.iterdir())) == 1
    store.drop_spools(pid)
    assert not list(store.folder.iterdir())


def test_a_spool_that_grows_too_large_says_so(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "MAX_BLOB", 10)
    spool = store.spool()
    spool.write(bytes(10))
    with pytest.raises(BlobTooLarge):
        spool.write(b"1")
    spool.drop()
