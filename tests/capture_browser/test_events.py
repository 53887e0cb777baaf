"""What a document states of what a person does in it, from a real Chromium to the recorder."""

from __future__ import annotations

import pytest
from channel_ends import Recorder
from playwright.sync_api import Page
from site_of_pages import Site

from recorder.trace.pages import DocumentEnded, PageEvent, PageState, PageTarget, TabClosed

pytestmark = pytest.mark.slow


def test_a_press_on_one_of_many_is_told_by_its_row(page: Page, recorder: Recorder, site: Site) -> None:
    rows = "".join(f"<tr><td>Invoice {n}<td><button>Delete</button>" for n in range(30))
    page.goto(site.show(f"<title>Bills</title><h1>Invoices</h1><table>{rows}</table>"))
    page.get_by_role("row", name="Invoice 17").get_by_role("button").click()
    click = recorder.wait(lambda r: [event for event in r.of(PageEvent) if event.type == "click"])[0]
    target = next(t for t in recorder.of(PageTarget) if (t.doc, t.n) == (click.doc, click.target))
    assert (target.role, target.name, target.ordinal, target.alike) == ("button", "Delete", 17, 30)
    assert ("row", "Invoice 17") in target.anchors
    assert ("heading", "Invoices") in target.anchors
    assert not recorder.faults


def test_a_hidden_fields_token_is_no_part_of_what_a_page_shows(
    page: Page, recorder: Recorder, site: Site
) -> None:
    """Another one stands in each session's page, and a placeholder in a replay's."""

    def shown(recorder: Recorder) -> list[PageState]:
        return [state for state in recorder.of(PageState) if state.settled and state.title == "Log in"]

    for number, token in enumerate(("q8Zr2", "x1Ym7"), 1):
        form = f"<form><input type=hidden value={token}><input value=ada></form>"
        page.goto(site.show(f"<title>Log in</title>{form}"))
        recorder.wait(lambda r, number=number: len({state.doc for state in shown(r)}) == number)
    assert len({state.dom for state in shown(recorder)}) == 1


def test_a_page_that_closes_itself_has_said_all(page: Page, recorder: Recorder, site: Site) -> None:
    page.goto(site.show("<button onclick='open(location, `w`, `width=300,height=200`)'>Open</button>"))
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    popup = opened.value
    popup.evaluate("document.querySelector('button').onclick = () => window.close(); 0")
    box = popup.get_by_role("button").bounding_box()
    assert box is not None
    popup.mouse.move(box["x"] + 5, box["y"] + 5)
    popup.mouse.down()
    with popup.expect_event("close"):
        popup.mouse.up()
    tab = recorder.wait(lambda r: r.of(TabClosed))[-1].tab
    clicks = [event for event in recorder.of(PageEvent) if event.tab == tab and event.type == "click"]
    assert len(clicks) == 1
    assert clicks[0].doc in [event.doc for event in recorder.of(DocumentEnded)]
