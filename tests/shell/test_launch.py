"""What becomes of the words that a person asked to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.sources.terminal.launch import Launch, launch

FOLDER = Path("/s")
RC = ["--rcfile", "/s/shell/bash.rc"]
INIT = ["--init-command", "source '/s/shell/fish.fish'"]


def prepare(argv: list[str] | None, restore: bytes | None = None, **env: str) -> Launch:
    return launch(argv, env=env, folder=FOLDER, nonce="ab" * 16, real_reenact="/bin/it's", restore=restore)


@pytest.mark.parametrize(
    ("asked", "started"),
    [
        ("bash", ["bash", *RC]),
        ("/usr/bin/bash -i", ["/usr/bin/bash", *RC, "-i"]),
        (
            "bash -x --noediting +O extglob -o vi",
            ["bash", *RC, "--noediting", "-x", "+O", "extglob", "-o", "vi"],
        ),
        ("bash --rcfile /my/rc", ["bash", *RC]),
        ("bash --init-file /my/rc -i", ["bash", *RC, "-i"]),
        ("bash --norc", ["bash", "--posix"]),
        ("bash -l", ["bash", "--posix", "-l"]),
        ("bash --login --noprofile", ["bash", "--posix", "--login", "--noprofile"]),
        ("zsh", ["zsh"]),
        ("zsh -il", ["zsh", "-il"]),
        ("zsh -f", ["zsh"]),
        ("zsh --no-rcs -i", ["zsh", "-i"]),
        ("zsh -o norcs -o vi", ["zsh", "-o", "vi"]),
        ("fish", ["fish", *INIT]),
        ("fish -C true --private", ["fish", "-C", "true", "--private", *INIT]),
        ("fish -N", ["fish", "-N", *INIT]),
    ],
)
def test_interactive_shells_get_the_integration(asked: str, started: list[str]) -> None:
    prepared = prepare(asked.split())
    assert prepared.argv == started
    assert prepared.shell == started[0].rsplit("/", 1)[-1]
    assert any(path.startswith("shell/") and "bin" not in path for path in prepared.files)


@pytest.mark.parametrize(
    "asked",
    [
        ["bash", "-c", "ls"],
        ["bash", "-ic", "ls"],
        ["bash", "script.sh", "-i"],
        ["bash", "--", "script.sh"],
        ["bash", "--version"],
        ["bash", "--posix"],
        ["bash", "-r"],
        ["bash", "--rcfile"],
        ["bash", "-o", "posix"],
        ["zsh", "-c", "ls"],
        ["zsh", "script.zsh"],
        ["zsh", "--emulate", "sh"],
        ["fish", "-c", "ls"],
        ["fish", "script.fish"],
        ["fish", "--command=ls"],
        ["sh"],
        ["vim", "bash"],
        ["env", "bash"],
    ],
)
def test_anything_else_is_left_alone(asked: list[str]) -> None:
    prepared = prepare(asked, PATH="/bin")
    assert prepared.argv == asked
    assert prepared.shell is None
    assert list(prepared.files) == ["shell/bin/reenact"]
    assert prepared.env == {"PATH": "/s/shell/bin:/bin", "REENACT_SESSION": "/s"}


def test_without_words_it_is_the_users_shell() -> None:
    assert prepare(None, SHELL="/usr/bin/zsh").shell == "zsh"
    assert prepare(None, SHELL="/bin/dash").argv == ["/bin/dash"]
    assert prepare(None).argv == ["/bin/sh"]
    with pytest.raises(ValueError):
        prepare([])


def test_the_nonce_is_in_files_and_not_in_the_environment() -> None:
    for shell in ("bash", "zsh", "fish"):
        prepared = prepare([shell])
        assert not any("ab" * 16 in value for value in [*prepared.env.values(), *prepared.argv])
        assert any(b"ab" * 16 in content for _, content in prepared.files.values())
        assert all(mode & 0o077 == 0 for mode, _ in prepared.files.values())


def test_values_are_quoted() -> None:
    folder = Path("/a b'$(touch x)")
    for shell in ("bash", "zsh", "fish"):
        prepared = launch(
            [shell], env={"ENV": "$(x)"}, folder=folder, nonce="0" * 32, real_reenact="/it's `x`"
        )
        assert b"real='/it'\"'\"'s `x`'" in prepared.files["shell/bin/reenact"][1]
        body = next(c for p, (_, c) in prepared.files.items() if p.startswith("shell/") and "bin" not in p)
        assert b"touch x" in body
        assert b"\n$(touch" not in body


def test_restore_is_one_more_file() -> None:
    assert prepare(["bash"], restore=b"alias x=y").files["shell/restore"] == (0o600, b"alias x=y")
    assert "shell/restore" not in prepare(["bash"]).files
