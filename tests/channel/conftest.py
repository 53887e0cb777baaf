"""A recorder's end of the channel, and a real Chromium with the extension that speaks to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
sys.path.insert(0, str(Path(__file__).parent))

from channel_ends import CHROMIUM, Recorder, chromium, pair
from playwright.sync_api import BrowserContext, Page


@pytest.fixture
def way() -> str:
    """How a browser comes to the recorder: by its native "host", or by a "code"."""
    return "host"


@pytest.fixture
def recorder(tmp_path: Path, way: str) -> Iterator[Recorder]:
    """A recorder that listens."""
    made = Recorder(tmp_path / "channel" / "socket", by_code=way == "code")
    made.up()
    yield made
    made.down()


@pytest.fixture
def browser(tmp_path: Path, recorder: Recorder) -> Iterator[BrowserContext]:
    """A browser that found the recorder."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; set REENACT_CHROMIUM to one")
    with chromium(tmp_path / "profile", None if recorder.by_code else recorder.socket) as context:
        popup = pair(context, recorder.code) if recorder.by_code else None
        recorder.wait(lambda r: r.hellos)
        if popup:
            popup.close()
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Page:
    return browser.pages[0]
