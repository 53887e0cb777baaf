"""What the tests of the browser source share: a real Chromium, opened by the real command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded_browser import CHROMIUM, Recording


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[..., Recording]]:
    """Starts `reenact browse` with these words; whatever a test leaves running is ended."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    started: list[Recording] = []

    def start(*words: str, headed: bool = False, **env: str) -> Recording:
        started.append(Recording(tmp_path, *words, headed=headed, **env))
        return started[-1]

    yield start
    _end(started)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[..., Recording]]:
    """Starts `reenact record` of a plain bash with these options."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    started: list[Recording] = []

    def start(*words: str) -> Recording:
        started.append(Recording.of_shell(tmp_path, *words, shell="bash --norc --noprofile"))
        return started[-1]

    yield start
    _end(started)


def _end(started: list[Recording]) -> None:
    for recording in started:
        if recording.process.poll() is None:
            recording.process.terminate()
        with recording.process:  # closes its pipes, and waits
            if recording.terminal is not None:
                os.close(recording.terminal)
