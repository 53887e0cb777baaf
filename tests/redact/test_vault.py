"""The vault's file is private, is added to by several processes, and holds what was replaced; nothing else does."""

from __future__ import annotations

import resource
import stat
import threading
from pathlib import Path

import pytest
from corpus import ALNUM, KEY, Maker

from recorder.redact import Redactor, SharedRedactor, Vault, VaultFile

TOKEN = "ghp_" + Maker(11).of(ALNUM, 36)
SECRETS = (b"hY7dK2mQ9pX4", b"Zq8-Rt5kLw2Pv9")


def test_what_one_process_finds_another_replaces(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    file = VaultFile.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = Redactor(file.load(), on_new=file.append)
    other_file = VaultFile.open(path)
    other = Redactor(other_file.load())
    first.text(f"it is {TOKEN} now")
    other.merge(other_file.poll())
    half = f"<{TOKEN[:20]}\r\n{TOKEN[20:]}>"
    assert TOKEN[20:] not in other.text(half)
    again = VaultFile.open(path).load()
    assert [entry.secret for entry in again.entries()] == [TOKEN.encode()]
    assert again.placeholder(TOKEN.encode()) == first.vault.placeholder(TOKEN.encode())
    assert other_file.poll() == []


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    VaultFile.create(path).close()
    with pytest.raises(FileExistsError):
        VaultFile.create(path)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="private"):
        VaultFile.open(path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        VaultFile.open(link)


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b'{"secret":"YQ=="}\n'])
def test_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vault"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ValueError):
        VaultFile.open(path).load()


def test_findings_name_rules_and_places_never_values() -> None:
    door = Redactor(Vault(KEY))
    door.headers([("Authorization", f"Bearer {TOKEN}")])
    door.text(f"{TOKEN} and {TOKEN}")
    found = {(finding.rule, finding.place): finding.times for finding in door.findings}
    assert found == {("authorization", "header"): 1, ("Github Classic Token", "text"): 2}
    assert TOKEN not in repr(door.findings)


def test_too_short_to_be_looked_for() -> None:
    door = Redactor(Vault(KEY))
    assert not door.learn(b"abc")
    assert door.learn(b"hunter2")
    assert "hunter2" not in door.text("it was hunter2.")


def test_several_threads_see_the_same_placeholders() -> None:
    door = Redactor(Vault(KEY))
    tokens = ["ghp_" + Maker(n).of(ALNUM, 36) for n in range(40)]
    outs: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda out=out: out.extend(door.text(f"a {token} b") for token in tokens))
        for out in outs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outs[0] == outs[1] == outs[2] == outs[3]
    assert len(set(outs[0])) == 40


def test_many_secrets_stay_cheap_to_add() -> None:
    """Each is looked for at once; the automata are merged, so that adding n costs n log n."""
    door = Redactor(Vault(KEY))
    maker = Maker(3)
    for _ in range(300):
        secret = maker.of(ALNUM, 20)
        door.learn(secret.encode())
        assert secret not in door.text(f"[{secret}]")
    assert len(door._registry._generations) <= 10


def test_a_full_disk_tears_one_line_and_no_more(tmp_path: Path) -> None:
    """Half a line stands there; what is written next is read by all. Where it was found the secret is known at once."""
    path = tmp_path / "vault"
    VaultFile.create(path).close()
    one, other = SharedRedactor(path), SharedRedactor(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
    try:
        assert SECRETS[0].decode() not in one.text(f"password={SECRETS[0].decode()}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.read_bytes().endswith(b"\n")
    other.refresh()
    assert other.text(SECRETS[0].decode()) == SECRETS[0].decode()
    one.refresh()
    other.refresh()
    assert other.text(SECRETS[0].decode()) == one.text(SECRETS[0].decode()) != SECRETS[0].decode()
    one.text(f"token={SECRETS[1].decode()}")
    other.refresh()
    assert other.text(SECRETS[1].decode()) != SECRETS[1].decode()
