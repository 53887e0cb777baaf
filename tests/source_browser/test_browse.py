"""A browser's session from its start to its trace, with the real command and a real Chromium."""

from __future__ import annotations

import os
import re
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error
from recorded_browser import CHROMIUM, Recording, of, site, wait_for

from recorder.browsing import address
from recorder.trace.errors import UsageError
from recorder.trace.events import (
    BrowserEnded,
    BrowserStarted,
    DocumentStarted,
    FlowRequested,
    Gap,
    Navigated,
    PageEvent,
    Recovered,
    Screenshot,
    TabOpened,
)
from recorder.trace.requests import answered_requests

PAGES = {
    "index.html": "<title>Shop</title><h1>Shop</h1><input id=q aria-label=Search><button>Buy</button>",
    "next.html": "<title>Next</title><p>next</p>",
    "framed.html": "<title>Framed</title><button>Buy</button><iframe src=next.html></iframe><iframe name=far></iframe>"
    "<script>frames[1].location = location.href.replace('127.0.0.1', 'localhost').replace('framed', 'next')</script>",
}
Browse = Callable[..., Recording]


@pytest.mark.slow
def test_a_session_is_what_was_done_and_what_was_asked(browse: Browse, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html", "--seed=7", "--task=buy")
        with recording.expert() as page:
            page.get_by_role("button").click()
            wait_for(lambda: any(e.type == "click" for e in of(PageEvent, recording.journal())) or None)
            wait_for(lambda: of(Screenshot, recording.journal()) or None)
            recording.close(page)
        result, said = recording.ended()
    assert (result["state"], result["gaps"]) == ("complete", []), said
    events = recording.trace()
    (started,) = of(BrowserStarted, events)
    assert (started.mode, started.seed, started.headless, started.width, started.height) == (
        "opened", 7, True, 1280, 720
    )  # fmt: skip
    assert events.index(started) < events.index(of(TabOpened, events)[0])
    assert [e.reason for e in of(BrowserEnded, events)] == ["closed"]
    assert Navigated in {type(event) for event in events}
    assert f"{address}/index.html" in {event.url for event in of(DocumentStarted, events)}
    click = next(event for event in of(PageEvent, events) if event.type == "click")
    assert click.trusted
    flows = of(FlowRequested, events)
    assert {flow.url.removeprefix(address) for flow in flows} == {"/index.html", "/favicon.ico"}
    assert {flow.cause.how for flow in flows} == {"browser"}
    assert set(answered_requests(events)) == {flow.flow for flow in flows}
    assert "settled" in {shot.reason for shot in of(Screenshot, events)}
    with recording.opened() as trace:
        assert trace.verify().ok
        for shot in of(Screenshot, events):
            assert trace.blob(shot.blob)[8:12] == b"WEBP"
            assert (shot.width, shot.height) == (1280, 720)


@pytest.mark.slow
def test_a_page_with_frames_is_whole_when_its_window_is_closed_at_once(
    browse: Browse, tmp_path: Path
) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/framed.html")
        with recording.expert() as page:
            page.frame_locator("[name=far]").get_by_text("next").wait_for()
            other = page.context.new_page()
            other.goto(f"{address}/framed.html")
            other.frame_locator("[name=far]").get_by_text("next").wait_for()
            other.get_by_role("button").click()
            other.close()
            page.frame_locator("[src]").get_by_text("next").click()
            wait_for(lambda: sum(e.type == "click" for e in of(PageEvent, recording.journal())) == 2 or None)
            recording.close(page)
        result, said = recording.ended()
    assert (result["state"], result["gaps"]) == ("complete", []), said


@pytest.mark.slow
def test_ctrl_c_ends_it_whole_and_leaves_nothing_behind(browse: Browse, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert():
            recording.interrupt()
            result, said = recording.ended()
    assert (result["state"], recording.process.returncode) == ("complete", 0), said
    assert [e.reason for e in of(BrowserEnded, recording.trace())] == ["the session ended"]
    assert list((recording.traces / ".sessions").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("by_hand", [True, False], ids=["closed", "ctrl-c"])
def test_a_source_that_is_killed_leaves_the_browser_to_the_expert_and_says_so(
    browse: Browse, tmp_path: Path, by_hand: bool
) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert() as page:
            page.get_by_role("button").click()
            wait_for(lambda: any(e.type == "click" for e in of(PageEvent, recording.journal())) or None)
            browser = int((recording.session / "browser" / "pid").read_text())
            os.kill(recording.source(), signal.SIGKILL)
            assert "nothing that is done in it is recorded" in _heard(recording, "The browser stays open")
            page.goto(f"{address}/index.html?again")  # its network is there, too
            page.get_by_role("button").click()
            assert page.context.new_page().goto(f"{address}/index.html")
            if by_hand:
                recording.kill(page)
            else:
                recording.interrupt()
            result, said = recording.ended()
    assert (result["state"], recording.process.returncode) == ("incomplete", 5), said
    wait_for(lambda: not Path(f"/proc/{browser}").exists() or None)  # its parent has yet to bury it
    events = recording.trace()
    assert any(event.type == "click" for event in of(PageEvent, events))
    assert [gap.reason for gap in of(Gap, events)] == [
        "the browser source did not end well: it ended with status -9"
    ]


@pytest.mark.slow
def test_a_recorder_that_is_killed_is_recovered(browse: Browse, tmp_path: Path) -> None:
    from recorder.session import recover

    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert():
            source = recording.source()
            folder = recording.session
            recording.process.kill()
            wait_for(lambda: not Path(f"/proc/{source}").exists() or None)
    done = recover(folder, out=recording.out, overwrite=False, say=lambda text: None)
    assert done.trace == recording.out
    events = recording.trace()
    assert of(Recovered, events)
    assert [e.reason for e in of(BrowserEnded, events)] == ["the session ended"]


@pytest.mark.slow
def test_a_chromium_that_is_missing_is_said_and_nothing_is_left(browse: Browse) -> None:
    recording = browse("http://127.0.0.1:1/", REENACT_CHROMIUM="/nowhere/chromium")
    _, said = recording.ended()
    assert recording.process.returncode == 5
    assert "/nowhere/chromium" in said
    assert "REENACT_CHROMIUM" in said
    assert list((recording.traces / ".sessions").iterdir()) == []


@pytest.mark.slow
def test_a_browser_ended_in_the_midst_of_its_use_is_told(browse: Browse, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert() as page:
            page.get_by_role("button").click()
            recording.kill(page)
        result, said = recording.ended()
    assert result["state"] == "incomplete", said
    assert [gap.reason for gap in of(Gap, recording.trace())] == [
        "the browser was ended while it was used; what was done last may be missing"
    ]
    assert re.search(r"lost: the browser was ended .* may be missing at \d+\.\d s\n", said)


@pytest.mark.slow
def test_a_browser_that_crashes_is_told(browse: Browse, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert():
            os.kill(int((recording.session / "browser" / "pid").read_text()), signal.SIGKILL)
            result, said = recording.ended()
    assert result["state"] == "incomplete", said
    events = recording.trace()
    assert [e.reason for e in of(BrowserEnded, events)] == ["crashed"]
    assert "status 137" in of(Gap, events)[0].reason


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://shop.example/?a b", "https://shop.example/?a b"),
        ("shop.example", "https://shop.example"),
        ("shop.example:8443/x", "https://shop.example:8443/x"),
        ("localhost:8000/x?y", "http://localhost:8000/x?y"),
        ("app.localhost", "http://app.localhost"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("[::1]:80/", "http://[::1]:80/"),
        ("intranet/wiki", "http://intranet/wiki"),
        ("about:blank", "about:blank"),
    ],
)
def test_addresses_are_typed_as_people_do(typed: str, url: str) -> None:
    assert address(typed) == url


@pytest.mark.parametrize("typed", ["", "ftp://x", "javascript:alert(1)", "mailto:a@b.example", "two words"])
def test_what_is_no_address_is_said(typed: str) -> None:
    with pytest.raises(UsageError, match=r"https://shop\.example"):
        address(typed)


@pytest.mark.slow
def test_a_page_that_crashes_holds_nothing_up(browse: Browse, tmp_path: Path) -> None:
    """No picture is waited for that a crashed page would have to give."""
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert() as page:
            page.get_by_role("button").click()
            wait_for(lambda: any(e.type == "click" for e in of(PageEvent, recording.journal())) or None)
            with suppress(Error):
                page.goto("chrome://crash")
            recording.interrupt()
            _, said = recording.ended()
    assert any(event.type == "click" for event in of(PageEvent, recording.trace()))
    assert not [gap for gap in of(Gap, recording.trace()) if "did not end well" in gap.reason], said


def test_without_a_screen_what_to_do_is_said(browse: Browse) -> None:
    recording = browse("http://127.0.0.1:1/", headed=True, DISPLAY="", WAYLAND_DISPLAY="")
    _, said = recording.ended()
    assert recording.process.returncode == 2
    assert "--headless" in said


@pytest.mark.slow
def test_a_window_is_as_a_persons_and_its_size_is_told(browse: Browse, tmp_path: Path) -> None:
    """Chromium's windows without a screen: all of them but the pixels on glass."""
    program = tmp_path / "windowed"
    program.write_text(f'#!/bin/sh\nexec {CHROMIUM} --ozone-platform=headless "$@"\n')
    program.chmod(0o700)
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html", headed=True, DISPLAY=":99", REENACT_CHROMIUM=str(program))
        with recording.expert() as page:
            said_by_page = page.evaluate(
                "[innerWidth, innerHeight, navigator.webdriver, navigator.userAgent]"
            )
            page.get_by_role("button").click()
            wait_for(lambda: any(e.type == "click" for e in of(PageEvent, recording.journal())) or None)
            recording.close(page)
        result, said = recording.ended()
    assert result["state"] == "complete", said
    (started,) = of(BrowserStarted, recording.trace())
    assert [started.width, started.height, False, started.user_agent] == said_by_page
    assert started.headless is False
    assert "Headless" not in started.user_agent


@pytest.mark.slow
def test_a_full_disk_ends_no_browser_and_what_was_acknowledged_is_kept(
    browse: Browse, tmp_path: Path
) -> None:
    page_that_grows = "<button onclick=\"document.title += 'x'\">Go</button>"
    with site({"index.html": page_that_grows}, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert() as page:
            source = recording.source()
            size = (recording.session / "browser.journal").stat().st_size
            resource.prlimit(source, resource.RLIMIT_FSIZE, (size + 4096, size + 4096))
            until = "Nothing is recorded any more"
            told: list[str] = []
            reader = threading.Thread(target=lambda: told.append(_heard(recording, until)))
            reader.start()
            while reader.is_alive():
                page.get_by_role("button").click()
            page.goto(f"{address}/index.html?again")
            page.get_by_role("button").click()
            recording.close(page)
        result, said = recording.ended()
    assert until in told[0]
    assert (result["state"], recording.process.returncode) == ("incomplete", 5), said
    events = recording.trace()
    assert any(event.type == "click" for event in of(PageEvent, events))
    assert "did not end well" in of(Gap, events)[-1].reason


def _heard(recording: Recording, words: str) -> str:
    """What it tells the expert, up to a line with these words."""
    assert recording.process.stderr is not None
    said = ""
    for line in recording.process.stderr:
        said += line
        if words in line:
            break
    return said
