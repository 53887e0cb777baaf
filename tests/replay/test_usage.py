"""Wrong usage gets a clear word, every command an example."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from inside import Inside

from recorder import cli


@pytest.mark.parametrize(
    "words",
    [
        ("replay",),
        ("replay", "x", "--runs", "0"),
        ("replay", "x", "--until", "0"),
        ("replay", "x", "--jobs", "none"),
        ("replay", "x", "--tools", "/nowhere"),
        ("play", "x", "--speed", "0"),
        ("export", "asciicast", "x", "--version", "1"),
        ("no-such-command",),
        ("show", "--no-such-option"),
    ],
    ids=" ".join,
)
def test_wrong_usage(inside: Inside, words: tuple[str, ...]) -> None:
    done = inside(*words)
    assert (done.code, done.out) == (2, "")
    assert "Usage: reenact" in done.err


@pytest.mark.parametrize("words", [("note", "x"), ("mark",), ("check", "--", "true")], ids=" ".join)
def test_outside_a_session(inside: Inside, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REENACT_SESSION", raising=False)
    done = inside(*words)
    assert (done.code, "works inside a session" in done.err) == (2, True)


def _tree(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _tree(below, (*path, name))


COMMANDS = list(_tree(cli.cli))


def test_the_tree_holds_every_command() -> None:
    assert {path[0] for path in COMMANDS if path} == {
        "record", "note", "mark", "check", "ls", "stats", "show", "steps", "play", "inspect", "recover", "replay",
        "export", "doctor", "import", "serve", "browse", "pair",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_an_example(inside: Inside, path: tuple[str, ...]) -> None:
    done = inside(*path, "--help")
    assert done.code == 0
    example = re.search(r"^ *Examples?:\n\n((?: +reenact .+\n?)+)", done.out, re.MULTILINE)
    assert example, done.out
    lines = [line.strip() for line in example[1].splitlines()]
    assert all(line.startswith(" ".join(("reenact", *path))) for line in lines), lines
