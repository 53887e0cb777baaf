"""Every session of the catalogue: recorded by keystrokes through a real terminal, then replayed.

On `--stage plain` the same sessions play on bare shells, which shows whether a fault is a session's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from catalogue import QUICK, SESSIONS
from expert import Lost
from scenario import PATH, Session, perform, set_stage, shell_exit, shortfalls, stub_recorder

HOLDS = ("exact", "equivalent")
MOST_TRIED_TWICE = 3
"""In each of the processes that play the sessions."""
TRIED_TWICE: list[str] = []


def _parameters() -> list[Any]:
    return [
        pytest.param(session, id=session.name, marks=() if session.name in QUICK else pytest.mark.slow)
        for session in SESSIONS
    ]


def reenact() -> str | None:
    """The command of this environment, or else the one on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("reenact", path=beside) or shutil.which("reenact")


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path of its own: it shows in prompts and wraps lines."""
    with tempfile.TemporaryDirectory(prefix="e2e-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "s"


def skip_without_tools(session: Session) -> None:
    if missing := session.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.e2e_stage_plain
@pytest.mark.parametrize("session", _parameters())
def test_plays_on_a_plain_shell(session: Session, root: Path) -> None:
    skip_without_tools(session)
    stage = set_stage(session, root)
    done = perform(session, stage, extra_env=stub_recorder(stage))
    assert shortfalls(session, stage, done.exit) == []


@pytest.mark.e2e_stage_recorded
@pytest.mark.parametrize("session", _parameters())
def test_records_and_replays(
    session: Session, root: Path, record_property: Callable[[str, object], None]
) -> None:
    """A session that fails is played once more, for the machine may have been too busy for the expert; but only a few
    of all may need it, and the run's summary names them."""
    skip_without_tools(session)
    command = reenact()
    if command is None:
        pytest.skip("the command reenact is not installed here")
    try:
        record_and_replay(session, root, command)
    except (AssertionError, Lost, subprocess.TimeoutExpired) as first:
        TRIED_TWICE.append(session.name)
        record_property("tried twice", str(first))
        if len(TRIED_TWICE) > MOST_TRIED_TWICE:
            raise
        shutil.rmtree(root, ignore_errors=True)
        record_and_replay(session, root, command)


def record_and_replay(session: Session, root: Path, command: str) -> None:
    trace = record(session, root, command)
    answer = replay(trace, command)
    bad = [step for step in answer["steps"] if step["verdict"] not in HOLDS]
    if "--proxy" in session.options:
        assert answer["network"]["exact"] > 0
    if session.deterministic:
        assert bad == []
    else:
        # It may part from its recording, but says so step by step, and by a nearest miss.
        assert answer["exit_code"] == (1 if bad else 0)
        assert all(step["miss"] or step["verdict"] == "not reached" for step in bad)


def record(session: Session, root: Path, command: str) -> Path:
    """Plays the session under the recorder, asserts its effects. Returns the sealed trace."""
    trace = root / f"{session.name}.reenact"
    stage = set_stage(session, root)
    done = perform(
        session,
        stage,
        [command, "record", *session.options, "--out", str(trace), "--"],
        extra_env={"REENACT_TRACES": str(root / "traces")},
        patience=20.0,
    )
    assert trace.is_file(), f"no trace was sealed; the last screen:\n{done.screen}"
    assert done.exit == 0, f"recording ended with {done.exit}; the last screen:\n{done.screen}"
    assert shortfalls(session, stage, shell_exit(trace)) == []
    return trace


def replay(trace: Path, command: str) -> dict[str, Any]:
    """Replays the trace. Returns what `--json` says, with the command's `exit_code`: 0 or 1."""
    done = subprocess.run(
        [command, "replay", str(trace), "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": f"{Path(sys.executable).parent}:{PATH}", "HOME": os.environ["HOME"], "LANG": "C.UTF-8"},
    )
    assert done.returncode in (0, 1), f"replay ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"exit_code": done.returncode}
