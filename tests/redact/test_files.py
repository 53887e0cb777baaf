"""Files of the workspace: secrets in text become placeholders, what else holds one is not kept."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest
from corpus import ALNUM, Maker

from recorder.redact import SharedRedactor, VaultFile
from recorder.sources.workspace import start_workspace
from recorder.trace.blobs import BlobStore
from recorder.trace.changes import decode_tree
from recorder.trace.codec import decode_event
from recorder.trace.events import FileState, WorkspaceSnapshot
from recorder.trace.journal import read_journal

TOLD, FOUND = (Maker(3).of(ALNUM, 22) for _ in range(2))


class Taken:
    """A snapshot of a folder: its states by path, and what was kept."""

    def __init__(self, root: Path, vault: Path, folder: Path) -> None:
        folder.mkdir()
        self.redactor = SharedRedactor(vault)
        source = start_workspace(root=root, folder=folder, watching=False, include_ignored=True, vault=vault)
        assert source.finish()
        events = [decode_event(f.payload, "") for f in read_journal(folder / "workspace.journal")]
        [snapshot] = [event for event in events if isinstance(event, WorkspaceSnapshot)]
        self.blobs = BlobStore(folder / "blobs")
        self.states: dict[bytes, FileState] = decode_tree(self.blobs.get(snapshot.tree))

    def content(self, path: str) -> bytes:
        digest = self.states[path.encode()].blob
        assert digest is not None
        return self.blobs.get(digest)

    def everything(self) -> bytes:
        return b"\n".join(self.blobs.get(digest) for digest in self.blobs)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    path = tmp_path / "vault"
    VaultFile.create(path).close()
    SharedRedactor(path).learn(TOLD.encode())
    return path


def test_texts_have_placeholders_and_the_rest_is_left_out(tmp_path: Path, vault: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    large = b"a line like any other\n" * 80_000
    (root / ".env").write_text(f"API_TOKEN={FOUND}\nPORT=1\n")
    (root / "large.txt").write_bytes(large + TOLD.encode() + b"\n" + large)
    (root / "plain.bin").write_bytes(b"\0\1\2" * 100)
    (root / "some.bin").write_bytes(b"\0\1" + TOLD.encode() + b"\0")
    (root / "large.bin").write_bytes(b"\0" * 1_500_000 + TOLD.encode() + b"\0" * 10)
    (root / f"of-{TOLD}").mkdir()
    (root / f"of-{TOLD}" / "a").write_text("x")
    (root / "link").symlink_to(f"of-{TOLD}/a")
    taken = Taken(root, vault, tmp_path / "session")
    told, found = (taken.redactor.vault.placeholder(s.encode()) for s in (TOLD, FOUND))
    taken.redactor.refresh()
    assert taken.content(".env") == b"API_TOKEN=" + found + b"\nPORT=1\n"
    assert taken.content("large.txt") == large + told + b"\n" + large
    assert taken.content("plain.bin") == b"\0\1\2" * 100
    for name in ("some.bin", "large.bin"):
        assert taken.states[name.encode()].skipped == "no text, and it holds a secret"
    assert b"of-" + told + b"/a" in taken.states
    assert taken.states[b"link"].target == f"of-{told.decode()}/a"
    assert TOLD.encode() not in taken.everything()
    assert FOUND.encode() not in taken.everything()


def test_a_git_object_with_a_secret_is_left_out(tmp_path: Path, vault: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / "settings.ini").write_text(f"password = {FOUND}\n")
    (root / "code.py").write_text("print('no secret')\n")
    for argv in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *argv], check=True)
    (root / "settings.ini").unlink()
    taken = Taken(root, vault, tmp_path / "session")
    objects = {p: s for p, s in taken.states.items() if p.startswith(b".git/objects/") and s.type == "file"}
    assert sorted(s.skipped or "" for s in objects.values()) == ["", "a git object that holds a secret"]
    kept = [taken.blobs.get(s.blob) for s in objects.values() if s.blob]
    assert [b"no secret" in zlib.decompress(content) for content in kept] == [True]
