"""What the network tests share: recordings made by hand, and servers that play them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage
from tape import Tape


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Starts servers that play tapes; stops them after the test."""
    stages: list[Stage] = []

    def start(tape: Tape, **options: Any) -> Stage:
        stages.append(Stage(tape, tmp_path, **options))
        return stages[-1]

    yield start
    for stage in stages:
        assert stage.stop().faults == []
