"""A replay skips what the expert thought, and costs little more than what the commands themselves take."""

from __future__ import annotations

from pathlib import Path

import pytest
from expert import Expert
from resealing import Mutant
from scenario import Session, perform, set_stage
from small_session import Reenact

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("sandbox"), pytest.mark.slow]

MINUTE = 60 * 10**9


def test_think_time_is_skipped(mutant: Mutant, reenact: Reenact, tmp_path: Path) -> None:
    """A session of ten minutes, whose commands take no second. The bound is loose: others use the machine too."""
    mutant.think(10 * MINUTE // len(mutant.steps))
    own = sum(step.t_end - step.t_start for step in mutant.steps) / 1e9
    assert mutant.duration >= 10 * MINUTE
    assert own < 5
    done = reenact("replay", mutant.seal(tmp_path / "ten-minutes.reenact"), "--json")
    assert done.code == 0, done
    assert done.json["duration_ms"] / 1000 < own + 5


def test_sleeps_are_skipped(command: str, reenact: Reenact, tmp_path: Path) -> None:
    """Twelve seconds, slept in one command, in rounds, and by a job that the expert waited for at the prompt."""

    def play(e: Expert) -> None:
        e.run("sleep 5; echo slept")
        e.run("n=0; while sleep 1; do n=$((n+1)); echo round $n; [ $n = 3 ] && break; done")
        e.line("(sleep 4; echo from be''hind) &")
        e.expect("from behind")
        e.run("echo after")

    session = Session(name="sleepy", summary="", play=play)
    stage = set_stage(session, tmp_path / "s")
    trace = tmp_path / "sleepy.reenact"
    perform(
        session,
        stage,
        [command, "record", "--out", str(trace), "--"],
        extra_env={"REENACT_TRACES": str(tmp_path / "traces")},
        patience=30.0,
    )
    done = reenact("replay", trace, "--json")
    assert done.code == 0, done
    assert done.json["duration_ms"] / 1000 < 8
