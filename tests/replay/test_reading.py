"""The commands that read traces: what they say of a good one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from inside import Inside, on_terminal
from resealing import Mutant
from small_session import HAS_VIM, Recording

from recorder.trace.events import (
    WorkspaceChanged,
)

STEPS = 11 + HAS_VIM


def test_ls(inside: Inside, recording: Recording, tmp_path: Path) -> None:
    shutil.copy(recording.trace, tmp_path / "one.reenact")
    (tmp_path / "two.reenact").write_bytes(recording.trace.read_bytes()[:1000])
    (tmp_path / ".sessions" / "left").mkdir(parents=True)
    (tmp_path / ".sessions" / "left" / "session.json").touch()
    done = inside("ls", tmp_path)
    assert done.code == 0
    one, two, left = done.out.splitlines()
    assert re.fullmatch(
        rf"one +\d{{4}}-\d\d-\d\d \d\d:\d\d +\d+:\d\d +{STEPS} commands +complete +find the typo .+", one
    )
    assert re.fullmatch(r"two +rejected: [a-z-]+", two)
    assert f"reenact recover {tmp_path}/.sessions/left" in left
    answer = inside("ls", tmp_path, "--json").json
    assert [Path(row["path"]).name for row in answer["traces"]] == ["one.reenact", "two.reenact"]
    assert answer["traces"][0]["reward"] == 1.0
    assert answer["unsealed"] == [f"{tmp_path}/.sessions/left"]


def test_ls_of_nothing(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = inside("ls", tmp_path / "empty")
    assert (done.code, done.out, done.err) == (0, "", f"no traces in {tmp_path}/empty\n")
    assert inside("ls").code == 0
    assert inside("ls", tmp_path / "nowhere").code == 2


def test_show(inside: Inside, recording: Recording) -> None:
    done = inside("show", recording.trace)
    assert done.code == 0
    for line in ("state     complete", "outcome   reward 1", "signed    yes"):
        assert line in done.out
    assert f"{STEPS:4}  command  exit" in done.out
    answer = inside("show", recording.trace, "--json").json
    assert len(answer["steps"]) == STEPS
    assert answer["manifest"]["outcome"]["reward"] == 1.0


def test_steps(inside: Inside, recording: Recording) -> None:
    done = inside("steps", recording.trace)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "   1  command  echo begin"
    assert "   5  command  sh -c 'exit 3'  exit 3" in lines
    assert lines[lines.index("   6  command  sed -i s/ovre/over/ notes.txt") + 1] == "       ~ notes.txt"
    assert "       why: letters were swapped" in lines
    assert "       outcome: exit 0, reward 1" in lines
    answer = inside("steps", recording.trace, "--json").json
    assert [step["n"] for step in answer] == list(range(1, STEPS + 1))
    assert answer[4]["exit"] == 3
    assert answer[5]["changes"] == ["notes.txt"]
    assert answer[3]["keystrokes"] == len("ada\r")


def test_steps_shows_the_first_of_many_files(inside: Inside, mutant: Mutant, tmp_path: Path) -> None:
    told = mutant.first(WorkspaceChanged)
    [change, *_] = told.changes
    mutant.replace(told, changes=[msgspec.structs.replace(change, path=f"file-{n}") for n in range(50)])
    many = mutant.seal(tmp_path / "many.reenact")
    lines = inside("steps", many).out.splitlines()
    at = lines.index("       ~ file-0")
    assert lines[at + 18 : at + 20] == ["       ~ file-18", "         and 31 more files; --json lists them"]
    assert len(inside("steps", many, "--json").json[told.first - 1]["changes"]) == 50


def test_a_trace_is_found_by_its_name_alone(
    inside: Inside, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path))
    shutil.copy(recording.trace, tmp_path / "by-name.reenact")
    assert inside("steps", "by-name").out == inside("steps", tmp_path / "by-name").out != ""


def test_inspect(inside: Inside, recording: Recording) -> None:
    done = inside("inspect", recording.trace)
    assert done.code == 0
    assert done.out.startswith("integrity  holds\nsignature  valid, key ")
    answer = inside("inspect", recording.trace, "--json").json
    assert (answer["ok"], answer["problems"], answer["state"]) == (True, [], "complete")
    assert answer["kinds"]["command.started"] == STEPS


def test_play_into_a_file(inside: Inside, recording: Recording) -> None:
    """Everything at once, filtered, none of our marks, and not what was typed."""
    done = inside("play", recording.trace)
    assert done.code == 0
    assert "flavour vanilla" in done.out
    assert "\x1b]" not in done.out
    assert "7770" not in done.out


@pytest.mark.parametrize("version", [2, 3])
def test_export_asciicast(inside: Inside, recording: Recording, tmp_path: Path, version: int) -> None:
    to_stdout = inside("export", "asciicast", recording.trace, "--version", version)
    assert to_stdout.code == 0
    header, *events = map(json.loads, to_stdout.out.splitlines())
    assert header["version"] == version
    assert {event[1] for event in events} == {"o", "i", "m"}
    out = tmp_path / "session.cast"
    assert inside("export", "asciicast", recording.trace, "--version", version, "-o", out).code == 0
    assert out.read_text() == to_stdout.out
    again = inside("export", "asciicast", recording.trace, "-o", out)
    assert (again.code, again.err.count("--overwrite")) == (2, 1)
    quiet = inside("export", "asciicast", recording.trace, "-o", out, "--overwrite", "--no-input")
    assert quiet.code == 0
    assert {json.loads(line)[1] for line in out.read_text().splitlines()[1:]} == {"o", "m"}


@pytest.mark.parametrize("version", [2, 3])
def test_asciinema_opens_the_export(
    inside: Inside, recording: Recording, tmp_path: Path, version: int
) -> None:
    asciinema = shutil.which("asciinema")
    if asciinema is None:
        pytest.skip("asciinema is not installed")
    said = subprocess.run([asciinema, "--version"], capture_output=True, text=True, check=True).stdout
    if version == 3 and not said.startswith("asciinema 3"):
        pytest.skip(f"{said.strip()} opens asciicast 2 only")
    out = tmp_path / "session.cast"
    assert inside("export", "asciicast", recording.trace, "--version", version, "-o", out).code == 0
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    code, shown = on_terminal([asciinema, "cat", str(out)], env)
    assert code == 0, shown
    assert b"flavour vanilla\r" in shown


@pytest.mark.sandbox
def test_doctor(inside: Inside) -> None:
    done = inside("doctor")
    answer = inside("doctor", "--json").json
    assert answer["records"] is True
    assert done.code == (0 if answer["replays"] else 4)
    assert ("ok  replay" in done.out) == answer["replays"]
    assert ("bash" in done.out) == bool(answer["shells"]["bash"])
    assert ("ok  browsers" in done.out) == (answer["browser"] is not None)
    home = answer["control_groups"]
    assert (f"ok  a control group for each recorded command: in {home}" in done.out) == (home is not None)
    assert home is None or Path(home, "cgroup.procs").exists()
