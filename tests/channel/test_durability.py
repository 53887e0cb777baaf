"""Nothing is lost and nothing comes twice, whatever dies: the extension's worker, the recorder, both."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from channel_ends import Recorder, stop_worker, worker
from playwright.sync_api import BrowserContext, Page

from recorder.trace.events import Gap
from recorder.trace.pages import DocumentEnded, DocumentStarted, Navigated, PageEvent, PageRequest

pytestmark = pytest.mark.slow
BOTH_WAYS = pytest.mark.parametrize("way", ["host", "code"])
PAGE = b"<!doctype html><title>Typing</title><input id=field autofocus><a href=/next>next</a>"
OWED = "a worker of the extension was killed before it could state what the browser had told it"


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def typed(recorder: Recorder) -> str:
    return "".join(e.key for e in recorder.of(PageEvent) if e.type == "keydown" and len(e.key) == 1)


def whole(recorder: Recorder, *, but: tuple[str, ...] = ()) -> None:
    """Every document's numbers have no hole and none came twice; nothing was found missing, `but` for these reasons."""
    said = [(log.instance[:4], [(item["s"], item["k"]) for item in log.items]) for log in recorder.logs]
    assert not recorder.faults
    assert not [gap for gap in recorder.of(Gap) if gap.reason not in but], said
    seen = [(e.doc, e.seq) for e in recorder.events if hasattr(e, "seq")]
    assert len(seen) == len(set(seen))


@BOTH_WAYS
def test_a_worker_that_is_killed_again_and_again_loses_nothing(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    page.goto(site)
    text = "the quick brown fox jumps over the lazy dog"
    for n, letter in enumerate(text):
        page.keyboard.press(letter)
        if n % 4 == 3:
            before = len(recorder.hellos)
            stop_worker(browser)
            page.keyboard.press("Shift")
            recorder.wait(lambda r, before=before: len(r.hellos) > before)
    recorder.wait(lambda r: len(typed(r)) == len(text))
    assert typed(recorder) == text
    assert len({hello.instance for hello in recorder.hellos}) == 11
    whole(recorder)


def test_navigations_while_the_worker_dies_are_told_once(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    for n in range(6):
        stop_worker(browser)
        page.goto(f"{site}?{n}")
        recorder.wait(lambda r, n=n: len(r.of(DocumentStarted)) > n)
    recorder.wait(lambda r: [e for e in r.of(Navigated) if e.url.endswith("?5")])
    # A page that goes while no worker is there cannot hand over its last words; that is told.
    assert len(recorder.of(DocumentEnded)) + len(recorder.log.lost_ends()) == 5
    assert not recorder.log.never_seen()
    # Where the tab had been before is told as well if the first worker lived to see it.
    assert [e.url[-1] for e in recorder.of(Navigated) if e.url.startswith(site)] == list("012345")
    assert [e.url[-1] for e in recorder.of(DocumentStarted)] == list("012345")
    assert len([e for e in recorder.of(PageRequest) if e.type == "main_frame" and not e.ended]) == 6
    whole(recorder)


@BOTH_WAYS
def test_a_recorder_that_comes_back_gets_what_happened_meanwhile(
    page: Page, recorder: Recorder, site: str
) -> None:
    page.goto(site)
    page.keyboard.type("before")
    recorder.wait(lambda r: typed(r) == "before")
    recorder.down()
    page.keyboard.type("while")
    page.goto(f"{site}?gone")
    page.keyboard.type("there")
    recorder.up()
    page.keyboard.type("after")
    recorder.wait(lambda r: len(typed(r)) == 21)
    assert typed(recorder) == "beforewhilethereafter"
    assert len(recorder.of(DocumentStarted)) == 2
    whole(recorder)


@BOTH_WAYS
def test_recorder_and_worker_may_die_at_once(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    page.goto(site)
    page.keyboard.type("one")
    recorder.wait(lambda r: typed(r) == "one")
    recorder.down()
    page.keyboard.type("two")
    stop_worker(browser)
    page.keyboard.type("three")
    recorder.up()
    page.keyboard.type("four")
    recorder.wait(lambda r: len(typed(r)) == 15)
    assert typed(recorder) == "onetwothreefour"
    whole(recorder)


def test_what_a_worker_stated_is_there_though_it_did_nothing_more(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    page.goto(site)
    recorder.wait(lambda r: r.of(DocumentStarted))
    recorder.down()
    asked = 40
    # The last request is the last that this worker hears of: from there on it does nothing but to be in a loop.
    hang = "([last]) => chrome.webRequest.onBeforeRequest.addListener"
    hang += "(({ url }) => { while (url.endsWith(last)); }, { urls: ['<all_urls>'] })"
    worker(browser).evaluate(hang, [f"?n={asked}"])
    page.evaluate("(most) => Promise.all(Array.from({length: most}, (_, n) => fetch(`/?n=${n + 1}`)))", asked)
    stop_worker(browser)
    recorder.up()
    page.keyboard.press("x")
    recorder.wait(lambda r: typed(r) == "x")
    recorder.wait(lambda r: f"?n={asked}" in {e.url.removeprefix(site) for e in r.of(PageRequest)})
    told = {e.url.removeprefix(site) for e in recorder.of(PageRequest) if not e.ended}
    assert {f"?n={n}" for n in range(1, asked + 1)} <= told
    whole(recorder)


def test_what_a_worker_knew_and_did_not_live_to_state_is_told(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    page.goto(site)
    recorder.wait(lambda r: r.of(DocumentStarted))
    # As the one did that asks for a download and never hears of it.
    worker(browser).evaluate(
        "() => { chrome.downloads.search = () => new Promise(() => {}); chrome.downloads.download({url: 'data:,x'}); }"
    )
    worker(browser).evaluate(
        """async () => {
            for (let n = 0; n < 2000; n++)
                if (Object.keys(await chrome.storage.session.get()).some((key) => key.startsWith("owed:"))) return;
            throw new Error("nothing is owed");
        }"""
    )
    stop_worker(browser)
    page.keyboard.press("x")
    (gap,) = recorder.wait(lambda r: r.of(Gap))
    assert gap.reason == OWED
    for letter in "yz":  # and is told once
        stop_worker(browser)
        page.keyboard.press(letter)
        recorder.wait(lambda r, letter=letter: typed(r).endswith(letter))
    assert recorder.of(Gap) == [gap]


def test_what_is_lost_while_the_worker_is_killed_without_rest_is_told(
    browser: BrowserContext, page: Page, recorder: Recorder, site: str
) -> None:
    for n in range(6):
        stop_worker(browser)
        page.goto(f"{site}?{n}")
        page.keyboard.press(str(n))
    recorder.wait(lambda r: typed(r).endswith("5"))
    whole(recorder, but=(OWED,))
    # A page's last words may come after the next page's first ones.
    recorder.wait(
        lambda r: len(r.log.lost_ends()) == len(r.of(DocumentStarted)) - 1 - len(r.of(DocumentEnded))
    )
    seen = {e.url for e in recorder.of(DocumentStarted)}
    told = {
        url
        for url in (f"{site}?{n}" for n in range(6))
        if f"of the page at {url} nothing came" in recorder.log.never_seen()
    }
    # The empty page that was there first may be told of, too: nothing is recorded there.
    assert told == {e.url for e in recorder.of(Navigated) if e.url.startswith(site)} - seen
    # A page that nothing is told of is one that a worker heard of, but did not live to state.
    assert len(seen | told) == 6 or recorder.of(Gap)
