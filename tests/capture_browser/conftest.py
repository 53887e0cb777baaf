"""A recorder's end of the channel, and a real Chromium with the extension that speaks to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "channel")]

from channel_ends import CHROMIUM, Recorder, chromium  # noqa: E402
from playwright.sync_api import BrowserContext, Page  # noqa: E402
from site_of_pages import Site  # noqa: E402


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A recorder that listens."""
    made = Recorder(tmp_path_factory.mktemp("channel") / "socket")
    made.up()
    yield made
    made.down()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, recorder: Recorder) -> Iterator[BrowserContext]:
    """A browser that found the recorder."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; set REENACT_CHROMIUM to one")
    with chromium(tmp_path_factory.mktemp("profile"), recorder.socket) as context:
        recorder.wait(lambda r: r.hellos)
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()
