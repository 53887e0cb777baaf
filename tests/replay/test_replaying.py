"""`reenact replay`: what it prints and with which exit code it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from inside import Inside
from resealing import Mutant
from small_session import HAS_VIM, Recording, Reenact

from recorder.trace.events import (
    Change,
    FileState,
    PromptShown,
    WorkspaceEdited,
)

STEPS = 11 + HAS_VIM


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
