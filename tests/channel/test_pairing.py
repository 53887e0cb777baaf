"""A task in the expert's own browser, a plain Chromium, gives what `reenact browse` gives; and holds when replayed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from channel_ends import CHROMIUM
from list_site import Site
from plain_chromium import granted, plain_chromium
from playwright.sync_api import Page, sync_playwright

from recorder.trace.events import FlowAnswered, FlowRequested, Gap
from recorder.trace.pages import BrowserStarted
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
    return {**os.environ, "REENACT_TRACES": str(tmp_path / "traces"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@contextmanager
def session(env: dict[str, str], *arguments: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """A recording by the command line, once it says that it records; call what it gives to end it."""
    process = subprocess.Popen(
        [REENACT, *arguments, "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "recording to" in line:
            break
    else:
        raise AssertionError("".join(said))

    def end() -> dict[str, Any]:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=90)
        assert out, errors
        told: dict[str, Any] = json.loads(out)
        return told

    try:
        yield end
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
        hand(page, "#what")
        page.keyboard.type(what)
        hand(page, "#add")
        page.wait_for_function(f"document.querySelectorAll('li').length == {count}")
    settled(page)


def settled(page: Page) -> None:
    """Until what the page shows now was stated: that takes a rest of a tenth of a second, a second at most."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 1200))")


def by_pair(tmp_path: Path, env: dict[str, str], site: Site) -> Path:
    out, profile = tmp_path / "pair.reenact", tmp_path / "profile"
    profile.mkdir()
    with session(env, "pair", "--profile", str(profile), "-o", str(out)) as end:
        extension = granted(tmp_path / "extension")
        with plain_chromium(profile, "--window-size=1280,807", extension=extension) as address:
            with sync_playwright() as playwright:
                browser = playwright.chromium.connect_over_cdp(address)
                page = browser.contexts[0].pages[0]
                recording(page, profile)
                work(page, site.url)
                told = end()
                browser.close()
    assert told["state"] == "complete", told
    return out


def recording(page: Page, profile: Path) -> None:
    """Waits until the extension has found the recorder."""
    session = page.context.new_cdp_session(page)
    for _ in range(200):
        targets = session.send("Target.getTargets")["targetInfos"]
        if any("worker.js" in target["url"] for target in targets):
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(1000)


def by_browse(tmp_path: Path, env: dict[str, str], site: Site) -> Path:
    out = tmp_path / "browse.reenact"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with session(env, "browse", "--headless", "--debugging-port", str(port), "-o", str(out)) as end:
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            work(browser.contexts[0].pages[0], site.url)
            told = end()
    assert told["state"] == "complete", told
    return out


def steps(trace: Path, env: dict[str, str]) -> list[dict[str, Any]]:
    said = subprocess.run([REENACT, "steps", "--json", str(trace)], env=env, capture_output=True, check=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_it_gives_the_same_steps(tmp_path: Path, env: dict[str, str], site: Site) -> None:
    paired, opened = by_pair(tmp_path, env, site), None
    assert site.items == ["tea", "milk"]
    site.items.clear()
    opened = by_browse(tmp_path, env, site)
    print(steps(paired, env)); print(steps(opened,env))
