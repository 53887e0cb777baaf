"""What reaches a terminal: nothing that it would obey, and colours only where they are wanted."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from inside import Inside, on_terminal
from resealing import Mutant
from small_session import Recording, Reenact

from recorder.trace.events import (
    CommandStarted,
    Noted,
)

EVIL = "\x1b]52;c;ZXZpbA==\x07 \x9b31m \u202e evil"
"""Writes to a terminal's clipboard, starts a sequence with one C1 character, turns the direction of text."""


@pytest.fixture
def evil(mutant: Mutant, tmp_path: Path) -> Path:
    """Control characters in a command, a note, the folder and the paths of files."""
    mutant.replace(mutant.first(CommandStarted, n=1), text=f"echo {EVIL}")
    mutant.replace(mutant.first(Noted), text=f"why {EVIL}")
    return mutant.seal(tmp_path / "evil.reenact")


def _shown(text: str) -> list[str]:
    return [c for c in text if not c.isprintable() and c != "\n"]


@pytest.mark.parametrize("reader", [("show",), ("steps",), ("inspect",)], ids=" ".join)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_no_control_characters_come_through(
    inside: Inside, evil: Path, reader: tuple[str, ...], form: tuple[str, ...]
) -> None:
    done = inside(*reader, evil, *form)
    assert done.code == 0
    assert _shown(done.out) == []
    if form and reader != ("inspect",):
        answer = done.json if reader == ("steps",) else done.json["steps"]
        assert answer[0]["text"] == f"echo {EVIL}"  # escaped, not lost
    elif reader != ("inspect",):
        assert "␛]52;c;ZXZpbA==␇" in done.out


def test_no_control_characters_come_through_ls(inside: Inside, evil: Path) -> None:
    evil.rename(evil.with_name("\x1b]52;c;eA==\x07.reenact"))
    for form in ((), ("--json",)):
        done = inside("ls", evil.parent, *form)
        assert done.code == 0
        assert "52;c;" in done.out
        assert _shown(done.out) == []


@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
def test_no_control_characters_come_through_replay(reenact: Reenact, evil: Path) -> None:
    done = reenact("replay", evil, "--verbose")
    assert done.code == 1
    assert "␛]52;c;ZXZpbA==␇" in done.out
    assert _shown(done.out + done.err) == []


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
def test_colours_are_for_terminals_that_want_them(command: str, recording: Recording) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    words = [command, "replay", str(recording.trace), "--until", "2"]
    code, coloured = on_terminal(words, env)
    assert code == 0
    assert b"\x1b[32m" in coloured or b"\x1b[1;32m" in coloured or b";32" in coloured or b"32;" in coloured
    code, plain = on_terminal(words, env | {"NO_COLOR": "1"})
    assert code == 0
    assert re.search(rb"\x1b\[[\d;]*m", plain) is None
    assert b"after command" in plain  # progress, on a terminal only


@pytest.mark.slow
@pytest.mark.parametrize("words", [("export", "asciicast"), ("play",), ("steps",)], ids=" ".join)
def test_nobody_reads_on(command: str, recording: Recording, words: tuple[str, ...]) -> None:
    """A closed pipe is no divergence."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [command, *words, str(recording.trace)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=30,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
