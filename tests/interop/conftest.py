"""What the tests of other formats share: recordings made by hand as sealed traces, and the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for name in ("interop", "network", "proxy"):
    sys.path.insert(0, str(HERE.parent / name))

from interop_trace import Done, run, seal  # noqa: E402 - found only now
from tape import Tape  # noqa: E402


@pytest.fixture(autouse=True)
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trace folder, with its signing key, of this test's own."""
    folder = tmp_path / "traces"
    monkeypatch.setenv("REENACT_TRACES", str(folder))
    return folder


@pytest.fixture
def reenact() -> Callable[..., Done]:
    """Runs the command line in this process: (code, standard output, standard error)."""
    return run


@pytest.fixture
def sealed(tmp_path: Path) -> Callable[[Tape], Path]:
    """Seals what is on a tape as a trace."""

    def make(tape: Tape) -> Path:
        out = tmp_path / "tape.reenact"
        seal(tape, out, tmp_path / "blobs")
        return out

    return make
