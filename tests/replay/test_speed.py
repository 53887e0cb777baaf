"""A replay skips what the expert thought, and costs little more than what the commands themselves take."""

from __future__ import annotations

from pathlib import Path

import pytest
from resealing import Mutant
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
