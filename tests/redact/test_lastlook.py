"""What was found late, after it was written, is replaced before the trace is sealed; also by `recover`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from corpus import ALNUM, Maker
from expert import Expert
from scenario import Session, environment, perform, set_stage
from watch import Thief

from recorder.trace.changes import decode_tree
from recorder.trace.events import CommandStarted, Noted, SecretReplaced, WorkspaceChanged, WorkspaceSnapshot
from recorder.trace.reader import Trace, open_trace

LATE, ELSE = (Maker(5).of(ALNUM, 24) for _ in range(2))
COMMAND = shutil.which("reenact", path=str(Path(sys.executable).parent))
pytestmark = pytest.mark.skipif(COMMAND is None, reason="the command reenact is not installed")


def recorded(tmp_path: Path, play: Any, files: dict[str, str | bytes], *options: str, **env: str) -> Path:
    session = Session(name="late", summary="", play=play, files=files)
    stage = set_stage(session, tmp_path / "stage")
    trace = tmp_path / "out" / "a.reenact"
    trace.parent.mkdir()
    prefix = [str(COMMAND), "record", *options, "--out", str(trace), "--"]
    done = perform(
        session, stage, prefix, extra_env={"REENACT_TRACES": str(tmp_path / "traces"), **env}, patience=30.0
    )
    assert done.exit == 0, done.screen
    return trace


def read(trace: Path, *secrets: str) -> list[tuple[str, str]]:
    thief = Thief(secrets, [trace.parent])
    thief.look()
    return sorted(thief.found)


def tree(trace: Trace) -> dict[bytes, Any]:
    [snapshot] = [event for event in trace.events if isinstance(event, WorkspaceSnapshot)]
    return decode_tree(trace.blob(snapshot.tree))


@pytest.mark.slow
def test_what_a_later_line_gives_away(tmp_path: Path) -> None:
    """First it is a word like any other, in a file, its name, output, a command; then a name says what it is."""

    def play(e: Any) -> None:
        e.run("cat a.txt; ls")
        e.run(f"echo {LATE} > made.txt")
        e.run(f"export API_TOKEN={LATE}")

    trace = recorded(tmp_path, play, {"a.txt": f"the word is {LATE}\n", f"z-{LATE}/b": "", "m": ""})
    assert read(trace, LATE) == []
    with open_trace(trace) as opened:
        assert opened.verify().ok
        [named] = [event for event in opened.events if isinstance(event, SecretReplaced)]
        word = named.placeholder.decode()
        entries = tree(opened)
        assert opened.blob(entries[b"a.txt"].blob) == f"the word is {word}\n".encode()
        assert f"z-{word}/b".encode() in entries
        changes = [event for event in opened.events if isinstance(event, WorkspaceChanged)]
        [made] = [c for event in changes for c in event.changes if c.path == "made.txt"]
        assert made.after is not None
        assert made.after.blob == hashlib.sha256(f"{word}\n".encode()).hexdigest()
        texts = [event.text for event in opened.events if isinstance(event, CommandStarted)]
    assert f"echo {word} > made.txt" in texts
    done = subprocess.run([str(COMMAND), "replay", str(trace)], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    shown = subprocess.run([str(COMMAND), "inspect", "--json", str(trace)], capture_output=True, check=True)
    assert json.loads(shown.stdout)["placeholders"] == 1


@pytest.mark.slow
def test_a_value_that_is_computed_is_equivalent(tmp_path: Path) -> None:
    """The replay shows the value itself: nothing in the recording is it, and nothing else is excused."""
    parts = f"print('{ELSE[:9]}' + '{ELSE[9:]}', 'done')\n"
    trace = recorded(
        tmp_path, lambda e: e.run("python3 parts.py"), {"parts.py": parts}, "--secret", "TOLD", TOLD=ELSE
    )
    assert read(trace, ELSE) == []
    done = subprocess.run([str(COMMAND), "replay", "--json", str(trace)], capture_output=True, check=False)
    step = json.loads(done.stdout)["steps"][0]
    assert step["verdict"] == "equivalent", step
    assert "redacted" in step["how"]


@pytest.mark.slow
def test_recover_has_what_the_shell_wrote(tmp_path: Path) -> None:
    """All of the recorder is killed at once: commands and notes are there, redacted."""
    session = Session(name="killed", summary="", play=lambda e: None, files={"a": ""})
    stage = set_stage(session, tmp_path / "stage")
    traces = tmp_path / "traces"
    env = environment(session, stage) | {"REENACT_TRACES": str(traces), "TOLD": LATE}
    argv = [str(COMMAND), "record", "--secret", "TOLD", "--out", str(tmp_path / "x.reenact"), "--", "bash"]
    with Expert(argv, stage.work, env, 80, 24, prompt_text="e2e$ ", patience=30.0) as e:
        e.prompt()
        e.run(f"echo {LATE}")
        e.run(f"reenact note 'it is {LATE}'")
        [folder] = (traces / ".sessions").iterdir()
        memory = Path(json.loads((folder / "session.json").read_bytes())["memory"])
        journal = folder / "terminal-1.journal"
        until = time.monotonic() + 20
        while b";P;3;" not in journal.read_bytes() and time.monotonic() < until:
            os.sched_yield()  # the writer is a moment behind
        for pid in family(e.pid):
            os.kill(pid, signal.SIGKILL)
    assert memory.is_dir()
    out = tmp_path / "out" / "a.reenact"
    out.parent.mkdir()
    vault_env = {**os.environ, "REENACT_TRACES": str(traces)}
    until = time.monotonic() + 20
    while True:  # the killed ones let go of their journals when the kernel comes to it
        done = subprocess.run(
            [str(COMMAND), "recover", str(folder), "--out", str(out), "--overwrite"],
            capture_output=True, env=vault_env, check=False,
        )  # fmt: skip
        if out.exists() or time.monotonic() > until:
            break
    assert out.exists(), done.stderr
    assert not memory.exists()
    assert read(out, LATE) == []
    with open_trace(out) as opened:
        [note] = [event.text for event in opened.events if isinstance(event, Noted)]
        texts = [event.text for event in opened.events if isinstance(event, CommandStarted)]
        [named] = [event for event in opened.events if isinstance(event, SecretReplaced)]
    assert note == f"it is {named.placeholder.decode()}"
    assert f"echo {named.placeholder.decode()}" in texts


def family(pid: int) -> list[int]:
    """A process and all below it, the recorder's own only."""
    found = [pid]
    for one in found:
        children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        found += [int(child) for child in children]
    return [one for one in found if "bash" not in Path(f"/proc/{one}/comm").read_text()]
