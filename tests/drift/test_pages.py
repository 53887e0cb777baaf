"""Every element of a real page, looked for on the page as it has become: through the capture script, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from invoices import AS_IT_WAS, GERMAN, INSERTED, Page

from recorder.trace.pages import BrowserStarted, PageTarget
from replay.players.browser.live import LiveBrowser
from replay.verify.targets import Found, Refused, candidates, match

STARTED = BrowserStarted(
    t=0, source="browser/1", mode="opened", product="", user_agent="", width=1000, height=800, scale=1,
    locale="en-US", languages=["en-US"], timezone="UTC", dark=False, reduced_motion=False, headless=True, capture="",
)  # fmt: skip
KINDS = ("button", "textbox", "combobox", "checkbox")


class Site:
    """Serves `page`; `found` are its elements as the capture script tells them, each with what it really does."""

    def __init__(self, browser: LiveBrowser) -> None:
        self.page = AS_IT_WAS
        self._browser = browser
        self._known: dict[str, list[tuple[PageTarget, str]]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page.html().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def found(self, page: Page) -> list[tuple[PageTarget, str]]:
        if page.html() not in self._known:
            self._known[page.html()] = self._found(page)
        return self._known[page.html()]

    def _found(self, page: Page) -> list[tuple[PageTarget, str]]:
        self.page = page
        tab = self._browser.tab(1)
        tab.page.goto(f"http://127.0.0.1:{self._server.server_port}/")
        self._browser.rest(tab, 10)
        told: list[dict[str, Any]] = []
        frame = tab.frames()[0].ident
        for role in KINDS:
            said = tab.evaluate(frame, f"__reenact.candidates({{role: '{role}', tag: ''}})")
            told += [{**one, "rect": rect} for rect, one in said]
        elements = candidates(told)
        does = tab.page.evaluate(
            "(all) => all.map((css) => document.querySelector(css).dataset.does)", [e.css for e in elements]
        )
        return list(zip(elements, does, strict=True))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with LiveBrowser(STARTED, []) as browser:
        site = Site(browser)
        yield site
        site.close()


def outcomes(site: Site, before: Page, after: Page) -> tuple[set[str], set[str], set[str]]:
    """What was found and is right, found and is wrong, refused: of all elements of the page as it was."""
    recorded = site.found(before)
    now = site.found(after)
    right, wrong, refused = set(), set(), set()
    for target, does in recorded:
        answer = match(target, [element for element, _ in now])
        if isinstance(answer, Refused):
            assert answer.why
            refused.add(does)
        else:
            assert isinstance(answer, Found)
            assert answer.keys
            (right if now[answer.place][1] == does else wrong).add(does)
    return right, wrong, refused


BAR = {"save", "cancel", "search", "colour", "paid"}
ROWS = {f"{deed} {n}" for deed in ("edit", "delete") for n in AS_IT_WAS.rows}
RENAMED = {"save": "x1", "cancel": "x2", "search": "x3"}
SWAPPED = {"save": "cancel-button", "cancel": "save-button", "search": "search"}
NONE = {"save": "", "cancel": "", "search": ""}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (AS_IT_WAS, AS_IT_WAS, set()),
        (AS_IT_WAS, Page(rows=INSERTED), set()),
        (AS_IT_WAS, Page(rows=INSERTED[::-1]), set()),
        (AS_IT_WAS, Page(ids=RENAMED), set()),
        (AS_IT_WAS, Page(ids=NONE), set()),
        (AS_IT_WAS, Page(ids=SWAPPED), set()),
        (AS_IT_WAS, Page(footer=True, columns_swapped=True, rows=INSERTED), set()),
        (AS_IT_WAS, Page(rows=AS_IT_WAS.rows[1:]), {"edit 1", "delete 1"}),
        (AS_IT_WAS, Page(words={"Save": "Speichern"}), set()),
        (AS_IT_WAS, Page(words=GERMAN), ROWS),
        (Page(ids=NONE), Page(ids=NONE, words=GERMAN), ROWS | {"save", "cancel", "search"}),
        (Page(spans=True), Page(spans=True, rows=INSERTED), set()),
        (Page(row_words=False), Page(row_words=False, rows=INSERTED), ROWS),
        (Page(numbered=True), Page(numbered=True, rows=INSERTED), set()),
        (
            Page(numbered=True, row_words=False),
            Page(numbered=True, row_words=False, rows=INSERTED),
            ROWS,
        ),
        (AS_IT_WAS, Page(name=lambda n: f"Bill {n}"), ROWS),
    ],
    ids=[
        "the same", "a row inserted", "a row inserted, in reverse", "ids renamed", "ids gone", "ids swapped",
        "buttons moved and a row inserted", "a row gone", "one label translated", "all labels translated",
        "all labels translated, no ids", "words within elements", "rows that nothing tells apart",
        "rows that are counted", "rows that only their count tells apart", "rows named otherwise",
    ],
)  # fmt: skip
def test_no_element_is_taken_for_another(site: Site, before: Page, after: Page, refused: set[str]) -> None:
    right, wrong, not_found = outcomes(site, before, after)
    assert wrong == set()
    assert not_found == refused
    assert right == (BAR | ROWS) - refused
