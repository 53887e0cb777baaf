"""What the extension's worker states, in a real Chromium."""

from __future__ import annotations

import pytest
from channel_ends import Recorder
from playwright.sync_api import Page

from recorder.trace.pages import Navigated, TabOpened

pytestmark = pytest.mark.slow


def test_it_says_hello_and_states_tabs_and_navigations(page: Page, recorder: Recorder) -> None:
    page.goto("data:text/html,<p>there</p>")
    recorder.wait(lambda r: [event for event in r.of(Navigated) if event.url.startswith("data:")])
    assert [event.tab for event in recorder.of(TabOpened)] == [1]
    assert recorder.hellos[0].v == 1
    assert not recorder.faults
