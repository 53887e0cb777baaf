"""Lets the tests of this folder share the modules beside them (`trace_sample`, `trace_fuzz`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None)  # a busy machine is no failure
settings.load_profile("steady")

sys.path.insert(0, str(Path(__file__).parent))

from trace_sample import write_sample  # noqa: E402 - it is found only now


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed trace with one event of every kind, of unknown kind too."""
    out = tmp_path_factory.mktemp("sample") / "sample.reenact"
    write_sample(out)
    return out
