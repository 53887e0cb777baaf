"""What the network tests share: recordings made by hand, and servers that play them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import Callable, Iterator

import pytest
from stage import Stage
from tape import Tape


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Starts servers that play tapes; stops them after the test."""
    stages: list[Stage] = []

    def start(tape: Tape, *, paced: bool = False) -> Stage:
        stages.append(Stage(tape, tmp_path, paced=paced))
        return stages[-1]

    yield start
    for stage in stages:
        assert stage.stop().faults == []
