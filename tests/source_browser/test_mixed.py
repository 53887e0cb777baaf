"""A browser in a terminal's session: one trace of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_browser import Recording, of, site, wait_for

from recorder.trace.events import (
    BrowserEnded,
    BrowserStarted,
    CommandEnded,
    CommandStarted,
    DocumentStarted,
    FlowRequested,
    PageEvent,
    TabOpened,
)
from recorder.trace.steps import steps

PAGES = {
    "index.html": "<title>One</title><button>Go</button>",
    "two.html": "<title>Two</title><button>On</button>",
}
Shell = Callable[..., Recording]


def clicks(recording: Recording) -> int:
    return sum(event.type == "click" for event in of(PageEvent, recording.journal()))


@pytest.mark.slow
def test_a_browser_is_opened_by_a_command_and_both_are_in_one_trace(shell: Shell, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = shell("--proxy")
        recording.type(f"reenact browse --headless --debugging-port $PORT {address}/index.html")
        recording.until("reenact: the browser is open")
        with recording.expert() as page:
            page.get_by_role("button").click()
            wait_for(lambda: clicks(recording) == 1 or None)
            recording.type(f"reenact browse {address}/two.html; echo and $?")
            recording.until("and 0")
            second = wait_for(
                lambda: next(
                    (e for e in of(DocumentStarted, recording.journal()) if e.url.endswith("/two.html")), None
                )
            )
            recording.close(page)
            wait_for(lambda: of(BrowserEnded, recording.journal()) or None)
        recording.type("curl -s $URL; true")
        recording.type("exit")
        recording.until('"state":"complete"'.replace(":", ": "))
    events = recording.trace()
    assert len(of(BrowserStarted, events)) == 1
    assert second.tab == max(tab.tab for tab in of(TabOpened, events))
    command = next(e for e in of(CommandStarted, events) if "--headless" in e.text)
    ended = next(e for e in of(CommandEnded, events) if e.n == command.n)
    assert command.t < of(BrowserStarted, events)[0].t < ended.t
    assert ended.exit == 0
    assert {flow.cause.how for flow in of(FlowRequested, events)} == {"browser"}
    kinds = [step.kind for step in steps(events)]
    assert kinds.index("command") < kinds.index("gesture")


@pytest.mark.slow
def test_a_session_may_begin_with_a_browser_and_have_another_after_it(shell: Shell, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = shell("--browser", f"{address}/index.html", "--headless")
        recording.until("exit the shell to end")
        wait_for(lambda: of(DocumentStarted, recording.journal()) or None)
        recording.type("kill -9 $(cat $REENACT_SESSION/browser/pid); echo ended")  # as a crash would
        recording.until("ended")
        wait_for(lambda: of(BrowserEnded, recording.journal()) or None)
        recording.type(f"reenact browse --headless --debugging-port $PORT {address}/two.html; echo then $?")
        recording.until("then 0")
        wait_for(
            lambda: (
                [e for e in of(DocumentStarted, recording.journal()) if e.url.endswith("two.html")] or None
            )
        )
        recording.type("exit")
        recording.until('"trace"')
    events = recording.trace()
    first, second = of(BrowserStarted, events)
    tabs = [(tab.tab, tab.t > second.t) for tab in of(TabOpened, events)]
    assert len({tab for tab, _ in tabs}) == len(tabs)
    docs = [document.doc for document in of(DocumentStarted, events)]
    assert len(set(docs)) == len(docs)
    assert len(of(BrowserEnded, events)) == 2
    assert first.t < second.t


@pytest.mark.slow
def test_a_browser_that_cannot_be_opened_is_said_by_its_command(shell: Shell) -> None:
    recording = shell()
    recording.type("reenact browse --profile ../x http://127.0.0.1:1/; echo status $?")
    recording.until("--profile ../x: a name, not a path")
    recording.until("status 5")
    recording.type("exit")
    recording.until('"trace"')
