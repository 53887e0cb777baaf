"""A page that the expert's browser kept (back/forward cache) goes on where it was left, and does so when replayed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from channel_ends import CHROMIUM
from plain_chromium import granted, plain_chromium
from playwright.sync_api import Page, sync_playwright
from test_pairing import REENACT, env, hand, session, settled, steps  # noqa: F401

from recorder.trace.pages import DocumentEnded, DocumentShown, DocumentStarted, Navigated, PageState
from recorder.trace.reader import open_trace

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
PAGE = """<!doctype html><title>NAME</title><h1>NAME, asked for TIMES</h1>
<button onclick="press()">Press</button> <a href=OTHER>on</a> <p>not pressed</p> <iframe src=/inner></iframe><script>
let pressed = 0, ticks = 0, left = 0;
setInterval(() => ticks++, 20);
addEventListener('pagehide', () => { left ||= ticks; });
setTimeout(() => { document.title += ', read'; }, 1500);
const press = () => {
  const ran = ticks - left > 60 ? 'ran on' : 'stood still';
  document.querySelector('p').textContent = `pressed ${++pressed}, while away it ${ran}`;
};
</script>"""
INNER = """<!doctype html><title>inner</title><button onclick="this.textContent += 1">in</button>"""


@contextmanager
def counting() -> Iterator[str]:
    """Two pages that say how often they were asked for, and count presses and time in variables; their address."""
    times: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.strip("/")
            times[name] = times.get(name, 0) + 1
            page = PAGE.replace("NAME", name).replace("TIMES", str(times[name]))
            page = page.replace("OTHER", "two" if name == "one" else "one")
            body = (INNER if name == "inner" else page).encode()
            self.send_response(200 if name in ("one", "two", "inner") else 404)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def go(page: Page, way: str, title: str) -> None:
    """Goes back or forward; a page that was kept is there without being loaded."""
    page.evaluate(f"history.{way}()")
    page.wait_for_function(f"document.title.startsWith('{title}')")
    settled(page)


def press(page: Page, times: int) -> None:
    hand(page, "button")
    page.wait_for_function(f"document.querySelector('p').textContent.startsWith('pressed {times}')")
    settled(page)


def test_a_kept_page_goes_on_in_the_recording_and_in_its_replay(
    tmp_path: Path,
    env: dict[str, str],  # noqa: F811
) -> None:
    out, profile = tmp_path / "kept.reenact", tmp_path / "profile"
    profile.mkdir()
    with (
        counting() as address,
        session(env, "pair", "--profile", str(profile), "-o", str(out)) as (until, end),
    ):
        extension = granted(tmp_path / "extension")
        with plain_chromium(profile, extension=extension) as tools, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(tools)
            until("is recorded")
            page = browser.contexts[0].pages[0]
            page.goto(f"{address}one")
            settled(page)
            press(page, 1)
            box = page.frame_locator("iframe").locator("button").bounding_box()
            assert box is not None
            inner = box["x"] + 5, box["y"] + 5
            hand(page, "a")
            page.wait_for_url("**/two")
            page.wait_for_function("document.title == 'two, read'")
            settled(page)
            go(page, "back", "one")
            go(page, "forward", "two")
            go(page, "back", "one")
            press(page, 2)  # kept: its script counts on
            page.mouse.click(*inner)
            settled(page)
            told = end()
            browser.close()
    assert told["state"] == "complete", told
    with open_trace(out) as trace:
        events: list[Any] = [e for e in trace.events if e.source == "browser/1"]
    began = [e for e in events if isinstance(e, DocumentStarted)]
    one, two = (e.doc for e in began if e.frame == began[0].frame)
    assert len(began) == 4  # with the frames in them
    assert [e.doc for e in events if isinstance(e, DocumentShown) and e.doc in (one, two)] == [one, two, one]
    assert [e.doc for e in events if isinstance(e, DocumentEnded) and e.doc in (one, two)] == [
        one, two, one, two,
    ]  # fmt: skip
    for returned in (e for e in events if isinstance(e, Navigated) and e.how == "back_forward"):
        later = next(
            e for e in events if isinstance(e, PageState) and e.t > returned.t and e.doc in (one, two)
        )
        assert (later.url, later.settled) == (returned.url, True)
    told_steps = [step["gesture"] for step in steps(out, env)]
    assert [(step["verb"], step["after"]["url"].rpartition("/")[2]) for step in told_steps] == [
        ("navigate", "one"), ("click", "one"), ("click", "two"),
        ("back", "one"), ("forward", "two"), ("back", "one"),
        ("click", "one"), ("click", "inner"),
    ]  # fmt: skip
    replayed = subprocess.run(
        [REENACT, "replay", str(out)], env=env, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
