"""The rows of the samples, rows made by hand, and the official loaders, which have an environment of their own."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import made_rows  # noqa: E402
from dataset_files import Load  # noqa: E402

from replay.batch.reading import read  # noqa: E402
from replay.dataset.observation import LONGEST  # noqa: E402
from replay.dataset.row import Row  # noqa: E402

LOADERS = ROOT / ".venv-loaders" / "bin" / "python"


@pytest.fixture(scope="session")
def sample_rows() -> tuple[Row, ...]:
    """Of samples/*.reenact."""
    places = sorted((ROOT / "samples").glob("*.reenact"))
    assert len(places) == 3
    return tuple(
        read(place, hashlib.sha256(place.read_bytes()).hexdigest(), (), LONGEST).row for place in places
    )


@pytest.fixture(scope="session")
def rows(sample_rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Those of the samples, then: every kind of call, the same with last words and without an outcome, a browser's
    alone, an edit's alone."""
    return (
        *sample_rows,
        made_rows.row(),
        made_rows.row(n=2, last_words="Done.", reward=None, verification=None, words={}),
        made_rows.row((made_rows.browser(1),), n=3, words={}),
        made_rows.row((made_rows.edit(1),), n=4, words={1: "By hand."}),
    )


@pytest.fixture(scope="session")
def load() -> Load:
    """Hands files to a function of loaders.py, which runs where the official loaders are installed. Gives what it
    found in them; fails where the loader refuses them."""
    if not (LOADERS.parent.parent / ".stamp").exists():  # written last
        pytest.skip("no .venv-loaders here: tests/run.sh makes it")

    def run(loader: str, files: Sequence[Path]) -> Any:
        command = [str(LOADERS), str(HERE / "loaders.py"), loader, *map(str, files)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-4000:]
        return msgspec.json.decode(done.stdout.splitlines()[-1])

    return run
