"""The popup: it shows what is recorded and passes on what the expert wants, in a real Chromium."""

from __future__ import annotations

import pytest
from channel_ends import Recorder, worker
from playwright.sync_api import BrowserContext, Page, expect

from browser_ext import EXTENSION_ID
from recorder.trace.wire import Refused, Status

pytestmark = pytest.mark.slow


@pytest.fixture
def popup(browser: BrowserContext) -> Page:
    page = browser.new_page()
    page.goto(f"chrome-extension://{EXTENSION_ID}/popup.html")
    return page


def status(**changed: object) -> Status:
    plain = {"recording": True, "paused": False, "events": 7, "steps": 2, "lost": 3, "since": 1e12}
    return Status(**{**plain, **changed})  # type: ignore[arg-type]


def test_it_shows_the_recording(popup: Page, recorder: Recorder) -> None:
    expect(popup.get_by_role("status")).to_have_text("Recording")
    expect(popup.locator("#about")).to_have_text("a test")
    recorder.tell(status())
    expect(popup.locator("#events")).to_have_text("7")
    expect(popup.locator("#lost")).to_have_text("3")
    recorder.tell(status(paused=True))
    expect(popup.get_by_role("status")).to_have_text("Paused")
    recorder.tell(status(recording=False))
    expect(popup.get_by_role("status")).to_have_text("Not recording")
    expect(popup.locator("#about")).to_contain_text("reenact pair")


def test_what_the_expert_wants_reaches_the_recorder(popup: Page, recorder: Recorder) -> None:
    popup.get_by_label("Note: why?").fill("the total is wrong")
    popup.get_by_role("button", name="Add note").click()
    assert recorder.wait(lambda r: r.notes)[0].text == "the total is wrong"
    popup.get_by_role("button", name="Pause").click()
    recorder.wait(lambda r: r.asks)
    recorder.tell(status(paused=True))
    popup.get_by_role("button", name="Resume").click()
    popup.get_by_role("button", name="Stop recording").click()
    recorder.wait(lambda r: len(r.asks) == 3)
    assert [ask.what for ask in recorder.asks] == ["pause", "resume", "stop"]


def test_a_recording_that_ended_before_the_expert_did_is_shown(
    popup: Page, browser: BrowserContext, recorder: Recorder
) -> None:
    recorder.tell(status())
    expect(popup.locator("#events")).to_have_text("7")
    recorder.tell(Refused(why="The recording ended: the disk is full."))
    expect(popup.get_by_role("status")).to_have_text("Not recording")
    expect(popup.locator("#about")).to_contain_text("the disk is full. Start one with")
    badge = "() => Promise.all([chrome.action.getBadgeText({}), chrome.action.getTitle({})])"
    assert worker(browser).evaluate(badge) == ["!", "Reenact: the recording ended before you did"]
