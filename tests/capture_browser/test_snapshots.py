"""What a page is called: names in its accessibility snapshot, by the short way and by the library."""

from __future__ import annotations

import pytest
from channel_ends import Recorder
from playwright.sync_api import Page
from site_of_pages import Site

pytestmark = pytest.mark.slow
PAGE = """<!doctype html><title>Names</title><table>
<tr><td>Invoice <b>17</b></td><td><input value="9.00"></td><td><button>Delete</button></td></tr>
<tr><td>Invoice<span hidden> not seen</span><br>18</td>
<td><input type=checkbox></td><td aria-label="the end">x</td></tr>
</table>
<label>Amount <input placeholder=0></label>
<label for=out>Out</label><input id=out placeholder=1>
<input placeholder="Search all">
<input aria-label="Said" placeholder=2>
<input type=password value=secret>
<button><span>Save</span><div>all</div></button>"""
SNAPSHOT = """- table:
  - rowgroup:
    - row "Invoice 17 9.00 Delete":
      - cell "Invoice 17"
      - cell "9.00":
        - textbox: "9.00"
      - cell "Delete":
        - button "Delete"
    - row "Invoice 18 the end":
      - cell "Invoice 18"
      - cell:
        - checkbox
      - cell "the end": x
- text: Amount
- textbox "Amount"
- text: Out
- textbox "Out"
- textbox "Search all"
- textbox "Said"
- textbox: "••••••"
- button "Save all"
"""


def test_elements_are_called_what_people_see(page: Page, site: Site, recorder: Recorder) -> None:
    page.goto(site.show(PAGE))

    def told(recorder: Recorder) -> str | None:
        items = [item for batch in recorder.batches for item in batch.items if item.get("title") == "Names"]
        return next((str(item["aria"]) for item in items if "aria" in item), None)

    assert recorder.wait(told) == SNAPSHOT.rstrip()


@pytest.mark.parametrize(("one", "other"), [(":r1:", ":r2a:"), ("«r1»", "«rb»"), ("_r_1_", "_r_2f_")])
def test_how_often_a_page_was_rendered_makes_no_other_page(
    page: Page, site: Site, recorder: Recorder, one: str, other: str
) -> None:
    """React counts what it rendered in the names of elements."""

    def shown(name: str) -> str:
        before = len(recorder.batches)
        field = f"<label for='{name}'>Name</label><input id='{name}' aria-describedby='a {name}'>"
        page.goto(site.show(f"<!doctype html><title>Ids</title>{field}"))
        return str(recorder.wait(lambda r: _dom(r, before)))

    assert shown(one) == shown(other)
    assert shown(one) != shown("r1")


def _dom(recorder: Recorder, before: int) -> str | None:
    items = [item for batch in recorder.batches[before:] for item in batch.items]
    return next((item["dom"] for item in items if "dom" in item and item.get("title") == "Ids"), None)
