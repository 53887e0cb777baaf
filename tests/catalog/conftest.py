"""Small sealed traces (those of the tests of batches), and nobody's real keys."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "batch")]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trace folder, in which keys are."""
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "home"))
    return tmp_path / "home"
