"""Lets the tests of this folder share the module beside them (`made_traces`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real key signs or is trusted."""
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "home"))
