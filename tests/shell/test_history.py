"""The user's history: as they configured it, though every command is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TYPED = [
    "echo a",
    "echo a",
    " echo secret",
    "echo b",
    "ls -d /",
    "echo a",
    "# note",
    "# note",
    "echo )",
    "ls -d /",
]
EVERY = [*TYPED]


def native(settings: list[str]) -> list[str]:
    """What bash's manual says remains."""
    kept: list[str] = []
    for line in TYPED:
        if "ignorespace" in settings and line.startswith(" "):
            continue
        if "ignoredups" in settings and kept[-1:] == [line]:
            continue
        if "ls" in settings and line.startswith("ls"):
            continue
        if "&" in settings and kept[-1:] == [line]:
            continue
        if "erasedups" in settings:
            kept = [other for other in kept if other != line]
        kept.append(line)
    return kept


@pytest.mark.parametrize(
    ("rc", "settings"),
    [
        ("", []),
        ("HISTCONTROL=ignorespace", ["ignorespace"]),
        ("HISTCONTROL=ignoreboth", ["ignorespace", "ignoredups"]),
        ("HISTCONTROL=ignoredups:erasedups", ["ignoredups", "erasedups"]),
        ("HISTIGNORE='ls *:&'", ["ls", "&"]),
        ("HISTCONTROL=ignorespace HISTIGNORE='l[[:alpha:]]*:nothing'", ["ignorespace", "ls"]),
        ("HISTCONTROL=ignoreboth; PROMPT_COMMAND='history -a'", ["ignorespace", "ignoredups"]),
        ("HISTCONTROL=ignoreboth; shopt -u histappend cmdhist", ["ignorespace", "ignoredups"]),
        ("HISTCONTROL=ignoreboth; HISTTIMEFORMAT='%F %T '", ["ignorespace", "ignoredups"]),
    ],
)
def test_bash_history_file(start: Any, tmp_path: Path, rc: str, settings: list[str]) -> None:
    shell = start("bash", {".bashrc": f"PS1='$ '\n{rc}\n", ".bash_history": "echo old\n"})
    for line in TYPED:
        shell.run(line)
    assert [text for text, _ in shell.commands()] == EVERY
    shell.ended("exit\r")
    saved = (tmp_path / "home/.bash_history").read_text().splitlines()
    saved = [line for line in saved if not (line.startswith("#") and line[1:].isdigit())]
    assert saved == ["echo old", *native(settings), "exit"]


@pytest.mark.parametrize(
    ("rc", "exit_line"), [("HISTCONTROL=ignorespace", " exit"), ("HISTIGNORE=exit", "exit")]
)
def test_bash_last_command_is_filtered_too(start: Any, tmp_path: Path, rc: str, exit_line: str) -> None:
    shell = start("bash", {".bashrc": f"PS1='$ '\n{rc}\n"})
    shell.run("true")
    shell.ended(exit_line + "\r")
    assert (tmp_path / "home/.bash_history").read_text() == "true\n"


def test_bash_settings_look_and_change_as_the_user_says(start: Any, tmp_path: Path) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '\nHISTCONTROL=ignoreboth\n"})
    assert b"ignoreboth\n" in shell.run("echo $HISTCONTROL")
    shell.run(" echo hidden")
    shell.run("HISTCONTROL=")
    shell.run(" echo shown")
    shell.run("HISTCONTROL=ignorespace HISTIGNORE='echo two'")
    shell.run(" echo hidden")
    shell.run("echo two")
    shell.ended("exit\r")
    assert (tmp_path / "home/.bash_history").read_text().splitlines() == [
        "echo $HISTCONTROL",
        "HISTCONTROL=",
        " echo shown",
        "HISTCONTROL=ignorespace HISTIGNORE='echo two'",
        "exit",
    ]


def test_bash_pasted_lines_are_commands_of_their_own(start: Any, tmp_path: Path) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '\nHISTCONTROL=ignorespace\n"})
    shell.prompt("\x1b[200~false\n echo hidden\n(exit 3)\x1b[201~\r")
    assert shell.commands() == [("false", 1), (" echo hidden", 0), ("(exit 3)", 3)]
    shell.ended("exit\r")
    assert (tmp_path / "home/.bash_history").read_text().splitlines() == ["false", "(exit 3)", "exit"]


@pytest.mark.parametrize("rc", ["set +o history", "HISTSIZE=0", "unset HISTFILE; HISTSIZE=0"])
def test_bash_without_history_says_that_it_does_not_know(start: Any, rc: str) -> None:
    shell = start("bash", {".bashrc": f"PS1='$ '\n{rc}\n"})
    shell.run("false")
    shell.run("(exit 4)")
    assert shell.commands() == [("", 1), ("", 4)]


def test_bash_history_switched_off_and_on(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '\nHISTCONTROL=ignoreboth\n"})
    for line in (
        "echo a",
        "set +o history",
        "echo hidden",
        "echo )",
        "set -o history",
        "echo b",
        "history -c",
        "echo c",
    ):
        shell.run(line)
    texts = [text for text, _ in shell.commands()]
    assert texts == ["echo a", "set +o history", "", "", "echo b", "history -c", "echo c"]


def test_bash_commands_that_change_the_history(start: Any, tmp_path: Path) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '\nHISTCONTROL=ignorespace\nHISTSIZE=5\n"})
    for line in (
        "echo 1",
        "echo 2",
        "fc -s",
        "!echo:p",
        "history -s added",
        " history -d 1",
        "echo 3",
        "echo 4",
        "echo 5",
    ):
        shell.run(line)
    texts = [text for text, _ in shell.commands()]
    assert texts == [
        "echo 1", "echo 2", "fc -s", "history -s added", " history -d 1", "echo 3", "echo 4", "echo 5",
    ]  # fmt: skip


def test_bash_interrupted_between_lines_is_no_command(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '\n"})
    shell.shows("> ", "for i in 1 2; do\r")
    shell.in_front("bash")
    shell.prompt("\x03")
    shell.run("true")
    assert shell.commands() == [("true", 0)]


def test_zsh_history_file(start: Any, tmp_path: Path) -> None:
    rc = "PS1='$ '\nHISTFILE=~/.zsh_history SAVEHIST=100 HISTSIZE=100\nsetopt hist_ignore_space hist_ignore_dups\n"
    shell = start("zsh", {".zshrc": rc})
    for line in ("echo a", "echo a", " echo secret", "echo b"):
        shell.run(line)
    shell.ended("exit\r")
    assert [text for text, _ in shell.commands()] == ["echo a", "echo a", " echo secret", "echo b", "exit"]
    assert (tmp_path / "home/.zsh_history").read_text().splitlines() == ["echo a", "echo b", "exit"]


def test_fish_history(start: Any, tmp_path: Path) -> None:
    shell = start("fish", {".config/fish/config.fish": "set -g fish_greeting\n"})
    for line in ("echo a", " echo secret", "echo b"):
        shell.run(line)
    shell.ended("exit\r")
    saved = (tmp_path / "home/.local/share/fish/fish_history").read_text()
    assert "echo a" in saved
    assert "echo secret" not in saved
