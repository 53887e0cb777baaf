"""The commands that read traces: what they print and with which exit code they end, for good traces and bad."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from resealing import Mutant
from small_session import HAS_VIM, Done, Recording, Reenact

from recorder import cli
from recorder.trace.events import (
    Change,
    CommandStarted,
    FileState,
    Noted,
    PromptShown,
    WorkspaceChanged,
    WorkspaceEdited,
)

STEPS = 11 + HAS_VIM
EVIL = "\x1b]52;c;ZXZpbA==\x07 \x9b31m \u202e evil"
"""Writes to a terminal's clipboard, starts a sequence with one C1 character, turns the direction of text."""


class Inside:
    """Runs commands in this process: what a command says is the same, and it starts at once."""

    def __init__(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capfd = capfd
        self._monkeypatch = monkeypatch

    def __call__(self, *words: object) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["reenact", *map(str, words)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, said.out, said.err)


@pytest.fixture
def inside(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Inside:
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "no-traces-here"))
    return Inside(capfd, monkeypatch)


def on_terminal(words: list[str], env: dict[str, str]) -> tuple[int, bytes]:
    """Runs a command on a terminal of 100 columns; its exit code and all that the terminal got."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
            os.execve(words[0], words, env)
        finally:
            os._exit(127)
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:
        pass
    finally:
        os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


# -- what a good trace says -----------------------------------------------------------------------------


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
    home = answer["control_groups"]
    assert (f"ok  a control group for each recorded command: in {home}" in done.out) == (home is not None)
    assert home is None or Path(home, "cgroup.procs").exists()


# -- what a bad trace brings ----------------------------------------------------------------------------

READERS = (
    ("show",),
    ("steps",),
    ("inspect",),
    ("play",),
    ("export", "asciicast"),
    ("export", "har"),
    ("replay",),
)


def _damaged(trace: Path, out: Path, member: str) -> Path:
    """A byte in the middle of a member is another one."""
    data = bytearray(trace.read_bytes())
    with zipfile.ZipFile(trace) as archive:
        entry = archive.getinfo(member)
    data[entry.header_offset + 60 + entry.compress_size // 2] ^= 0x40
    out.write_bytes(data)
    return out


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_bad_traces_are_rejected(
    reader: tuple[str, ...], inside: Inside, recording: Recording, tmp_path: Path
) -> None:
    missing = inside(*reader, tmp_path / "missing")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == f"reenact: {tmp_path}/missing: No such file or directory\n"
    folder = inside(*reader, tmp_path)
    assert folder.code == 3 or (folder.code == 2 and "directory" in folder.err)
    bad = tmp_path / "bad.reenact"
    for content in (b"", b"no trace at all", recording.trace.read_bytes()[:-5000], b"PK\x03\x04" * 1000):
        bad.write_bytes(content)
        done = inside(*reader, bad)
        assert (done.code, done.out) == (3, ""), done
        assert re.search(r"\[(not-a-trace|truncated|syntax)\]\n$", done.err), done.err
    _damaged(recording.trace, bad, "manifest.json")
    assert inside(*reader, bad).code == 3
    member = "terminal/1.cast" if {"play", "asciicast"} & set(reader) else "events.jsonl"
    _damaged(recording.trace, bad, member)
    done = inside(*reader, bad)
    assert done.code == 3
    assert member in done.out + done.err
    if reader[0] == "export":
        assert inside(*reader, bad, "-o", tmp_path / "half.cast").code == 3
        assert not (tmp_path / "half.cast").exists()


def test_what_is_not_in_the_trace(inside: Inside, recording: Recording, tmp_path: Path) -> None:
    for words in (("play", "--terminal", 2), ("export", "asciicast", "--terminal", 2)):
        done = inside(*words, recording.trace)
        assert (done.code, "terminal/2.cast: not in the trace" in done.err) == (3, True)
    done = inside("export", "asciicast", recording.trace, "-o", tmp_path / "no" / "where.cast")
    assert (done.code, "No such file or directory" in done.err) == (2, True)


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


# -- help -----------------------------------------------------------------------------------------------


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
        "record", "note", "mark", "check", "ls", "show", "steps", "play", "inspect", "recover", "replay", "export",
        "doctor", "import", "serve",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_an_example(inside: Inside, path: tuple[str, ...]) -> None:
    done = inside(*path, "--help")
    assert done.code == 0
    example = re.search(r"^ *Examples?:\n\n((?: +reenact .+\n?)+)", done.out, re.MULTILINE)
    assert example, done.out
    lines = [line.strip() for line in example[1].splitlines()]
    assert all(line.startswith(" ".join(("reenact", *path))) for line in lines), lines


# -- what reaches a terminal ----------------------------------------------------------------------------


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


# -- replay ---------------------------------------------------------------------------------------------


@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
class TestReplay:
    def test_until(self, reenact: Reenact, recording: Recording, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        done = reenact("replay", recording.trace, "--until", 4, "--report", report)
        assert done.code == 0
        answer = json.loads(report.read_text())
        verdicts = [step["verdict"] for step in answer["steps"]]
        assert verdicts == ["exact"] * 4 + ["not reached"] * (STEPS - 4)
        assert answer["reward"] is None
        assert f"{STEPS} steps: 4 exact, {STEPS - 4} not reached" in done.out

    @pytest.mark.slow
    def test_until_counts_steps(self, reenact: Reenact, mutant: Mutant, tmp_path: Path) -> None:
        """An edit by another program is a step too; keys and commands behind the step asked for do not count."""
        prompt = mutant.first(PromptShown, n=3)
        after = FileState(type="file", mode=0o644, size=3, blob=mutant.put(b"new"))
        changes = [Change(path="new.txt", before=None, after=after)]
        edit = WorkspaceEdited(t=prompt.t + 1, source="workspace", commands=2, changes=changes)
        mutant.events.append(edit)
        mutant.events.sort(key=lambda event: event.t)
        trace = mutant.seal(tmp_path / "edited.reenact")
        for until in (2, 3, 4):
            done = reenact("replay", trace, "--until", until, "--json")
            assert done.code == 0, done.out
            verdicts = [step["verdict"] for step in done.json["steps"]]
            assert verdicts == ["exact"] * until + ["not reached"] * (STEPS + 1 - until)
            assert done.json["steps"][2]["text"] == "edit new.txt"

    @pytest.mark.slow
    def test_until_beyond_the_end(self, reenact: Reenact, recording: Recording) -> None:
        done = reenact("replay", recording.trace, "--until", 1000, "--json")
        assert (done.code, done.json["verdict"]) == (0, "exact")
        assert done.json["reward"]["replayed"] == 1.0

    @pytest.mark.slow
    def test_runs(self, reenact: Reenact, recording: Recording) -> None:
        done = reenact("replay", recording.trace, "--runs", 2, "--json")
        assert done.code == 0
        assert done.json["runs"] == [done.json["digest"]] * 2
        one = reenact("replay", recording.trace, "--json").json
        assert one["digest"] == done.json["digest"]
        assert one["runs"] == []

    @pytest.mark.slow
    def test_several_traces_at_once(
        self, reenact: Reenact, recording: Recording, mutant: Mutant, tmp_path: Path
    ) -> None:
        """The gravest exit code counts; each trace has its place in the list, in the order given."""
        lie = mutant.variables(FLAVOUR="lemon").seal(tmp_path / "lie.reenact")
        report = tmp_path / "report.json"
        done = reenact("replay", recording.trace, lie, "--jobs", 2, "--json", "--report", report)
        assert done.code == 1
        assert [one["verdict"] for one in done.json] == ["exact", "diverged"]
        assert json.loads(report.read_text()) == done.json
        done = reenact("replay", recording.trace, tmp_path / "missing", lie, "--jobs", 3)
        assert done.code == 1
        assert "missing: No such file or directory" in done.err
        assert re.findall(r"^== .*/(.+)$", done.out, re.MULTILINE) == [
            "typo.reenact",
            "missing",
            "lie.reenact",
        ]

    def test_a_report_of_a_rejected_trace(self, inside: Inside, tmp_path: Path) -> None:
        bad, report = tmp_path / "bad.reenact", tmp_path / "report.json"
        bad.write_bytes(b"no trace")
        done = inside("replay", bad, "--json", "--report", report)
        assert (done.code, done.json["exit_code"]) == (3, 3)
        assert json.loads(report.read_text()) == done.json
        assert "not a trace" in done.json["error"]

    def test_a_report_that_cannot_be_written(self, inside: Inside, tmp_path: Path) -> None:
        bad = tmp_path / "bad.reenact"
        bad.write_bytes(b"no trace")
        done = inside("replay", bad, "--report", tmp_path / "no" / "where.json")
        assert (done.code, "where.json: No such file" in done.err) == (2, True)

    @pytest.mark.slow
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_interrupted(self, command: str, mutant: Mutant, tmp_path: Path, jobs: int) -> None:
        """Ctrl-C: exit code 130, no traceback, and nothing of the payload goes on."""
        token = f"1000.{os.getpid()}{jobs}"
        mutant.tells(mutant.step("echo begin"), f"sleep {token}")
        trace = mutant.seal(tmp_path / "sleeps.reenact")
        with subprocess.Popen(
            [command, "replay", str(trace), str(trace), "--jobs", str(jobs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            while not _sleeping(token):
                assert process.poll() is None
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert process.returncode == 130, (out, err)
        assert b"Traceback" not in err
        assert not _sleeping(token)


def _sleeping(token: str) -> bool:
    """Whether a payload's sleep of that length runs."""
    wanted = b"sleep\0" + token.encode() + b"\0"
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if (folder / "cmdline").read_bytes() == wanted:
                    return True
            except OSError:
                continue
    return False


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


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
def test_ignored_signals_do_not_reach_the_payload(command: str, mutant: Mutant, tmp_path: Path) -> None:
    """Under nohup, or in the background of a script, a replay starts with signals ignored; ^C must work in it."""
    mutant.tells(mutant.step("echo begin"), "sh -c 'kill -INT $$; echo survived'")
    trace = mutant.seal(tmp_path / "interrupted.reenact")
    script = "trap '' INT QUIT HUP PIPE; exec \"$@\""
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", command, "replay", str(trace), "--json"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    miss = json.loads(done.stdout)["steps"][0]["miss"]
    assert (miss["facet"], miss["observed"]) == ("exit code", "130 (interrupted)")
