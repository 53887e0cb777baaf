"""A task in the expert's own browser, a plain Chromium, gives what `reenact browse` gives; and holds when replayed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from channel_ends import CHROMIUM, pair
from list_site import Site
from plain_chromium import granted, plain_chromium
from playwright.sync_api import Error, Page, sync_playwright

from browser_ext import EXTENSION_ID
from recorder.trace.events import Gap
from recorder.trace.pages import BrowserStarted, Navigated, PageRequest
from recorder.trace.reader import open_trace

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
REENACT = str(Path(sys.executable).parent / "reenact")


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "REENACT_TRACES": str(tmp_path / "traces"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@contextmanager
def session(
    env: dict[str, str], *arguments: str, said: list[str] | None = None
) -> Iterator[tuple[Callable[[str], None], Callable[[], dict[str, Any]]]]:
    """A recording by the command line, once it records: to wait until it says something, and to end it.

    `said` gets its lines as they are waited for."""
    process = subprocess.Popen(
        [REENACT, *arguments, "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    heard = [] if said is None else said

    def until(words: str) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            heard.append(line)
            if words in line:
                return
        raise AssertionError("".join(heard))

    def end() -> dict[str, Any]:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=90)
        assert out, errors
        told: dict[str, Any] = json.loads(out)
        return told

    try:
        until("recording to")
        yield until, end
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate()


def hand(page: Page, selector: str) -> None:
    """Clicks where the element is, as a hand does."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def work(page: Page, url: str) -> None:
    """The task: two things are bought."""
    page.goto(url)
    page.wait_for_function("document.title == 'Purchases (two)'")
    for count, what in enumerate(("tea", "milk"), 1):
        settled(page)
        hand(page, "#what")
        settled(page)
        page.keyboard.type(what)
        settled(page)
        hand(page, "#add")
        page.wait_for_function(f"document.querySelectorAll('li').length == {count}")
    settled(page)


def settled(page: Page) -> None:
    """Returns once what the page shows now is stated and written: the capture script is asked, in its own world."""
    session = page.context.new_cdp_session(page)
    worlds: list[int] = []
    session.on(
        "Runtime.executionContextCreated",
        lambda told: told["context"]["name"] == "Reenact" and worlds.append(told["context"]["id"]),
    )
    session.send("Runtime.enable")
    expression = "__reenact.emit(), __reenact.written()"
    for world in worlds:
        session.send("Runtime.evaluate", {"expression": expression, "contextId": world, "awaitPromise": True})
    assert worlds
    session.detach()


def by_pair(tmp_path: Path, env: dict[str, str], site: Site) -> Path:
    out, profile = tmp_path / "pair.reenact", tmp_path / "profile"
    profile.mkdir()
    with session(env, "pair", "--profile", str(profile), "-o", str(out)) as (until, end):
        extension = granted(tmp_path / "extension")
        with plain_chromium(profile, extension=extension) as address, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(address)
            until("is recorded")
            work(browser.contexts[0].pages[0], site.url)
            told = end()
            browser.close()
    assert told["state"] == "complete", told
    return out


def by_browse(tmp_path: Path, env: dict[str, str], site: Site) -> Path:
    out = tmp_path / "browse.reenact"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        session(env, "browse", "--headless", "--debugging-port", str(port), "-o", str(out)) as (_, end),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        work(browser.contexts[0].pages[0], site.url)
        told = end()
    assert told["state"] == "complete", told
    return out


def steps(trace: Path, env: dict[str, str]) -> list[dict[str, Any]]:
    said = subprocess.run([REENACT, "steps", "--json", str(trace)], env=env, capture_output=True, check=True)
    listed: list[dict[str, Any]] = json.loads(said.stdout)
    return listed


def plain(step: dict[str, Any]) -> dict[str, Any]:
    """What a step says that does not hang on time."""
    gesture = {
        name: step["gesture"][name] for name in ("verb", "tab", "frames", "target", "css", "value", "opened")
    }
    after = step["gesture"]["after"]
    return {"text": step["text"], **gesture, "after": after, "requests": step["requests"]}


def test_a_paired_browser_gives_the_steps_of_an_opened_one(
    tmp_path: Path, env: dict[str, str], site: Site
) -> None:
    paired = by_pair(tmp_path, env, site)
    assert site.items == ["tea", "milk"]
    site.items.clear()
    opened = by_browse(tmp_path, env, site)
    site.close()
    told = [plain(step) for step in steps(paired, env)]
    assert told == [plain(step) for step in steps(opened, env)]
    assert [step["verb"] for step in told] == ["navigate", *["click", "fill", "click"] * 2]
    replayed = subprocess.run(
        [REENACT, "replay", str(paired)], env=env, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_of_one_granted_site_the_recording_holds_and_tells_what_it_may_not_see(
    tmp_path: Path, env: dict[str, str], site: Site
) -> None:
    out, profile = tmp_path / "one.reenact", tmp_path / "profile"
    profile.mkdir()
    extension = granted(tmp_path / "extension", "http://127.0.0.1/*")
    with (
        session(env, "pair", "--profile", str(profile), "-o", str(out)) as (until, end),
        plain_chromium(profile, extension=extension) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.connect_over_cdp(address)
        until("is recorded")
        page = browser.contexts[0].pages[0]
        page.goto(site.url.replace("127.0.0.1", "localhost"))  # the browser's own business
        page.goto(f"{site.url}framed")
        settled(page)
        hand(page, "button")
        settled(page)
        told = end()
        browser.close()
    site.close()
    assert told["state"] == "incomplete", told
    with open_trace(out) as trace:
        events = list(trace.events)
    assert ["not grant" in event.reason for event in events if isinstance(event, Gap)] == [True]
    assert not [
        event for event in events if isinstance(event, (Navigated, PageRequest)) and "localhost" in event.url
    ]
    assert [step["gesture"]["verb"] for step in steps(out, env)] == ["navigate", "click"]
    replayed = subprocess.run(
        [REENACT, "replay", str(out)], env=env, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_a_paired_browser_that_may_see_no_site_is_told_on_the_terminal(
    tmp_path: Path, env: dict[str, str]
) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    with (
        session(env, "pair", "--profile", str(profile), "-o", str(tmp_path / "none.reenact")) as (until, _),
        plain_chromium(profile),
    ):
        until("but nothing is captured yet: on the site to record, press Reenact's button")


def test_a_browser_is_paired_by_a_code(tmp_path: Path, env: dict[str, str], site: Site) -> None:
    out, said = tmp_path / "code.reenact", []
    with session(env, "pair", "--socket", "-o", str(out), said=said) as (until, end):
        code = next(word for line in said for word in line.split() if word.count("-") == 4)
        assert not (tmp_path / "config").exists()
        extension = granted(tmp_path / "extension", more=False)
        with (
            plain_chromium(tmp_path / "profile", extension=extension) as address,
            sync_playwright() as playwright,
        ):
            context = playwright.chromium.connect_over_cdp(address).contexts[0]
            pair(context, code).close()
            until("is recorded")
            work(context.pages[0], site.url)
            told = end()
    assert told["state"] == "complete", told
    assert [step["gesture"]["verb"] for step in steps(out, env)] == [
        "navigate",
        *["click", "fill", "click"] * 2,
    ]


def test_a_browser_that_goes_is_missed_and_what_may_be_lost_is_told(
    tmp_path: Path, env: dict[str, str], site: Site
) -> None:
    out, profile, said = tmp_path / "gone.reenact", tmp_path / "profile", []
    profile.mkdir()
    with session(env, "pair", "--profile", str(profile), "-o", str(out), said=said) as (until, end):
        extension = granted(tmp_path / "extension", more=False)
        with plain_chromium(profile, extension=extension) as address, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(address)
            until("is recorded")
            page = browser.contexts[0].pages[0]
            page.goto(site.url)
            settled(page)
            page.keyboard.press("x")
            with suppress(Error):  # it is faster than its answer
                browser.new_browser_cdp_session().send("Browser.crash")
        until("the browser is gone")
        told = end()
    assert told["state"] == "incomplete", told
    assert sum("is there, and is recorded" in line for line in said) == 1
    with open_trace(out) as trace:
        assert (
            "ended while it was used"
            in [event.reason for event in trace.events if isinstance(event, Gap)][-1]
        )


def test_on_consent_cookies_and_storage_are_where_a_replay_begins(
    tmp_path: Path, env: dict[str, str], site: Site
) -> None:
    out, profile, me = tmp_path / "me.reenact", tmp_path / "profile", f"{site.url}me"
    extension = granted(tmp_path / "extension")
    with plain_chromium(profile, extension=extension) as address, sync_playwright() as playwright:
        context = playwright.chromium.connect_over_cdp(address).contexts[0]
        page, there = context.pages[0], context.new_page()
        there.goto(me)
        there.evaluate("localStorage.name = 'Ada'; document.cookie = 'kind=tea; max-age=3600'")
        popup = context.new_page()
        popup.goto(f"chrome-extension://{EXTENSION_ID}/popup.html")
        popup.get_by_label("Hand over cookies").check()
        with session(env, "pair", "--profile", str(profile), "-o", str(out)) as (until, end):
            popup.get_by_role("button", name="Look for a recorder").click()
            until("is recorded")
            page.bring_to_front()
            page.goto(me)
            settled(page)
            hand(page, "p")
            settled(page)
            told = end()
    site.close()
    assert told["state"] == "complete", told
    assert steps(out, env)[-1]["gesture"]["after"]["title"] == "Ada: kind=tea"
    with open_trace(out) as trace:
        [started] = [event for event in trace.events if isinstance(event, BrowserStarted)]
        assert started.storage is not None
        state = json.loads(trace.blob(started.storage))
    assert [(cookie["name"], cookie["value"]) for cookie in state["cookies"]] == [("kind", "tea")]
    replayed = subprocess.run(
        [REENACT, "replay", str(out)], env=env, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
