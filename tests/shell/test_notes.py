"""The in-session `reenact`: run by real shells, read back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from recorder.sources.terminal.launch import launch
from recorder.trace.notes import NoteRecord, parse_notes

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shim(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    prepared = launch(
        ["vi"], env={}, folder=tmp_path, nonce="0" * 32, real_reenact=str(tmp_path / "the real one")
    )
    mode, content = prepared.files["shell/bin/reenact"]
    path = tmp_path / "reenact"
    path.write_bytes(content)
    path.chmod(mode)
    (tmp_path / "shell-1.log").write_bytes(b"x" * 17)
    shell = str(request.param)
    return [shell, "sh", str(path)] if shell == "busybox" else [shell, str(path)]


def run(
    shim: list[str], *words: str | bytes, text: bytes | None = None, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[bytes]:
    folder = Path(shim[-1]).parent
    return subprocess.run(
        [*shim, *words],
        input=text if text is not None else b"",
        capture_output=True,
        cwd=cwd or folder,
        env={"PATH": os.environ["PATH"], "REENACT_SESSION": str(folder), **env},
        timeout=20,
        check=False,
    )


def records(shim: list[str]) -> list[NoteRecord]:
    return parse_notes((Path(shim[-1]).parent / "notes.log").read_bytes())


def test_notes_and_marks(shim: list[str], tmp_path: Path) -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    odd = tmp_path / "a b\nc"
    odd.mkdir()
    assert run(shim, "note", "why:", "the", "cache\n  is ‘stale’ \\n $HOME").returncode == 0
    assert run(shim, "note", text=b"from\n\nstdin \xff\n", cwd=odd).returncode == 0
    assert run(shim, "note", "--", "--help").returncode == 0
    assert run(shim, "mark").returncode == 0
    assert run(shim, "mark", "bug", "seen").returncode == 0
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    found = records(shim)
    assert [(r.kind, r.text) for r in found] == [
        ("note", "why: the cache\n  is ‘stale’ \\n $HOME"),
        ("note", "from\n\nstdin \\xff"),
        ("note", "--help"),
        ("mark", ""),
        ("mark", "bug seen"),
    ]
    assert found[1].cwd == str(odd)
    assert all(r.size == 17 for r in found)
    assert all(r.t is not None and before - 20_000_000 <= r.t <= after for r in found)


def test_check_leaves_stdio_alone_and_tells_the_outcome(shim: list[str]) -> None:
    good = run(shim, "check", "--", "sh", "-c", "cat; echo err >&2", text=b"in")
    assert (good.returncode, good.stdout) == (0, b"in")
    assert good.stderr == b"err\nreenact: check exit 0, reward 1\n"
    bad = run(shim, "check", "sh", "-c", "exit 3")
    assert (bad.returncode, bad.stderr) == (3, b"reenact: check exit 3, reward 0\n")
    assert run(shim, "check", "nosuchcmd1").returncode == 127
    found = records(shim)
    assert [(r.text, r.exit, r.reward) for r in found] == [
        ("sh -c 'cat; echo err >&2'", 0, 1.0),
        ("sh -c 'exit 3'", 3, 0.0),
        ("nosuchcmd1", 127, 0.0),
    ]


def test_usage_errors(shim: list[str]) -> None:
    assert run(shim, "check").returncode == 2
    assert run(shim, "note", text=b"").returncode == 2
    nowhere = run(shim, "note", "x", REENACT_SESSION="")
    assert nowhere.returncode == 2
    assert b"no session here" in nowhere.stderr
    gone = run(shim, "note", "x", REENACT_SESSION="/nonexistent")
    assert (gone.returncode, b"not written" in gone.stderr) == (5, True)
    assert run(shim, "check", "true", REENACT_SESSION="/nonexistent").returncode == 0
    helped = run(shim, "--help")
    assert helped.returncode == 0
    assert b"reenact check -- pytest -q" in helped.stdout
    assert run(shim, "check", "--help").stdout == helped.stdout


def test_anything_else_goes_to_the_real_one(shim: list[str], tmp_path: Path) -> None:
    missing = run(shim, "ls", "--json")
    assert missing.returncode == 4
    assert b"the real one" in missing.stderr
    real = tmp_path / "the real one"
    real.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    real.chmod(0o755)
    there = run(shim, "show", "a b")
    assert (there.returncode, there.stdout) == (7, b"show|a b|")


def test_what_is_not_a_line_is_passed_over() -> None:
    good = b"note 12.34 5 L3c= aGk=.\n"
    kept = parse_notes(good)
    assert kept == [NoteRecord("note", 12_340_000_000, "/w", "hi", 5, None, None)]
    for bad in (
        b"note 12.34 5 L3c= aGk=",  # torn
        b"note 12.34 5 L3c= a.\n",
        b"note x 5 L3c= aGk=.\n",
        b"note 12.34 5 L3c=\n",
        b"check 1 5 L3c= MA==. MQ==.\n",
        b"check 1 5 L3c= eA==. MQ==. bHM=.\n",
        b"erase 1 5 L3c= aGk=.\n",
        b"\xff\x00\n",
    ):
        assert parse_notes(bad + b"\n" + good + bad) == kept
    assert parse_notes(b"mark - - Lw== .\n") == [NoteRecord("mark", None, "/", "", None, None, None)]


def test_a_replays_shell_says_of_the_browser_what_the_recorded_one_said(shim: list[str]) -> None:
    from recorder.desk import OPEN

    done = run(shim, "browse", "http://a.test/")
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"reenact: {OPEN}\n")
    isolated = Path(shim[-1])
    isolated.write_bytes(isolated.read_bytes().replace(b"browsers=1", b"browsers=0"))
    done = run(shim, "browse", "http://a.test/")
    assert done.returncode == 4
    assert b"isolated" in done.stderr
    outside = run(shim, "browse", REENACT_SESSION="")
    assert outside.returncode == 2
