"""Which sites the extension may see: none at first, then what the expert grants in the popup, and takes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from channel_ends import CHROMIUM, Recorder, chromium, stop_worker, worker
from playwright.sync_api import BrowserContext, Page, expect

from browser_ext import EXTENSION_ID
from recorder.trace.event import Event
from recorder.trace.events import Gap
from recorder.trace.pages import DocumentStarted, Navigated, PageEvent, PageRequest, PageState

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]


class _Shop(BaseHTTPRequestHandler):
    """A page that asks for data, with a frame of its own and one of another site."""

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Shop</title><p>Shop")
        if self.path.endswith("framed"):
            self.wfile.write(b"<script>fetch('/data')</script><iframe srcdoc='<p>mine'></iframe>")
            self.wfile.write(f"<iframe src='http://pay.test:{port}/card'></iframe>".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(tmp_path: Path, recorder: Recorder) -> Iterator[BrowserContext]:
    """A browser whose expert has just loaded the extension."""
    with chromium(tmp_path / "profile", recorder.socket, granted=False) as context:
        recorder.wait(lambda r: r.hellos)
        yield context


@pytest.fixture
def popup(browser: BrowserContext) -> Page:
    page = browser.new_page()
    page.goto(f"chrome-extension://{EXTENSION_ID}/popup.html")
    return page


def consent(browser: BrowserContext, *origins: str) -> None:
    """What the expert says yes to where Chromium asks: its question is no page's, and no test can click in it. What was
    granted once is not asked again."""
    settings = browser.new_page()
    settings.goto("chrome://extensions")
    settings.evaluate(
        """async ([id, origins]) => {
          for (const origin of origins) await chrome.developerPrivate.addHostPermission(id, origin);
        }""",
        [EXTENSION_ID, list(origins)],
    )
    settings.close()


def hosts(recorder: Recorder, *kinds: type[Event]) -> set[str]:
    """The hosts whose addresses were told in events of `kinds`."""
    urls = [event.url for kind in kinds for event in recorder.of(kind)]
    return {url.split("/")[2].rpartition(":")[0] for url in urls if url.startswith("http")}


def visit(page: Page, host: str, port: int) -> None:
    page.goto(f"http://{host}.test:{port}/framed")
    page.mouse.click(5, 5)


def clicks(recorder: Recorder) -> int:
    return sum(event.type == "click" for event in recorder.of(PageEvent))


def test_nothing_is_captured_until_a_site_is_granted(
    browser: BrowserContext, popup: Page, recorder: Recorder, port: int
) -> None:
    assert not recorder.hellos[0].sees
    expect(popup.get_by_role("status")).to_have_text("Nothing is captured yet")
    expect(popup.get_by_text("None yet")).to_be_visible()
    page = browser.new_page()
    visit(page, "shop", port)
    consent(browser, f"http://shop.test:{port}/*", f"https://shop.test:{port}/*")
    popup.get_by_label("Site", exact=True).fill(f"http://shop.test:{port}/framed")
    popup.get_by_role("button", name="Record this site").click()
    expect(popup.get_by_role("listitem")).to_contain_text([f"shop.test:{port}"])
    expect(popup.get_by_role("status")).to_have_text("Recording")
    visit(page, "other", port)
    visit(page, "shop", port)
    recorder.wait(clicks)
    told = recorder.wait(lambda r: [e for e in r.of(PageRequest) if e.url.endswith("/data") and e.ended])
    assert [event.status for event in told] == [200]
    assert clicks(recorder) == 1
    assert hosts(recorder, DocumentStarted, PageState, Navigated, PageRequest) == {"shop.test"}
    assert {"about:srcdoc"} <= {event.url for event in recorder.of(DocumentStarted)}
    assert len([gap for gap in recorder.of(Gap) if "a frame of a site" in gap.reason]) == 1
    assert not {"pay", "other"} & {part for event in recorder.events for part in repr(event).split(".test")}


def test_a_site_that_is_taken_back_is_captured_no_more(
    browser: BrowserContext, popup: Page, recorder: Recorder, port: int
) -> None:
    consent(browser, "<all_urls>")
    popup.get_by_role("button", name="Record all sites").click()
    expect(popup.get_by_role("listitem")).to_contain_text(["all sites"])
    expect(popup.get_by_role("button", name="Record all sites")).to_be_hidden()
    stop_worker(browser)  # the next one knows it, too
    page = browser.new_page()
    visit(page, "shop", port)
    recorder.wait(clicks)
    recorder.wait(lambda r: hosts(r, DocumentStarted) == {"shop.test", "pay.test"})
    recorder.wait(lambda r: [e for e in r.of(PageRequest) if e.url.endswith("/card") and e.ended])
    popup.bring_to_front()
    popup.get_by_role("button", name="Remove all sites").click()
    expect(popup.get_by_text("None yet")).to_be_visible()
    expect(popup.get_by_label("Site", exact=True)).to_be_focused()
    visit(page, "other", port)
    popup.get_by_label("Note: why?").fill("was there")
    popup.get_by_role("button", name="Add note").click()
    recorder.wait(lambda r: r.notes)
    assert clicks(recorder) == 1
    assert hosts(recorder, DocumentStarted, PageState, Navigated, PageRequest) == {"shop.test", "pay.test"}


def test_what_is_no_site_is_not_asked_for(popup: Page, browser: BrowserContext) -> None:
    site = popup.get_by_label("Site", exact=True)
    for typed in ("shop test", "chrome://settings", "*", "*.*.test"):
        site.fill(typed)
        site.press("Enter")
        assert site.evaluate("field => field.validationMessage").startswith("A site is"), typed
    asked = "chrome.permissions.getAll().then(({ origins }) => origins)"
    assert worker(browser).evaluate(asked) == []
