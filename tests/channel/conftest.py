"""A recorder's end of the channel, and a real Chromium with the extension that speaks to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
sys.path.insert(0, str(Path(__file__).parent))

from channel_ends import CHROMIUM, Recorder, chromium
from playwright.sync_api import BrowserContext, Page


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A recorder that listens."""
    made = Recorder(tmp_path / "channel" / "socket")
    made.up()
    yield made
    made.down()


@pytest.fixture
def browser(tmp_path: Path, recorder: Recorder) -> Iterator[BrowserContext]:
    """A browser that found the recorder."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; set REENACT_CHROMIUM to one")
    with chromium(tmp_path / "profile", recorder.socket) as context:
        recorder.wait(lambda r: r.hellos)
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Page:
    return browser.pages[0]
