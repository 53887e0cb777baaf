"""What a recorded browser downloads: its name, whose tab it was, and its content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_browser import Recording, of, site, wait_for

from recorder.trace.events import Downloaded, TabOpened

PAGES = {
    "index.html": """<title>Files</title><a href=report.csv download>Report</a>
<a id=made download=made.txt>Made</a> <a href=other.html target=_blank>Other</a>
<script>made.href = URL.createObjectURL(new Blob(["made in the page"]))</script>""",
    "other.html": "<title>Other</title><a href=report.csv download=renamed.csv>Again</a>",
    "report.csv": "id,total\n17,42\n",
}


@pytest.mark.slow
def test_downloads_have_names_tabs_and_contents(browse: Callable[..., Recording], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html", "--downloads", str(kept))
        with recording.expert() as page:

            def downloaded(count: int) -> bool | None:
                return len(of(Downloaded, recording.journal())) == count or None

            page.get_by_text("Report").click()
            wait_for(lambda: downloaded(1))
            page.get_by_text("Made").click()
            wait_for(lambda: downloaded(2))
            with page.expect_popup() as popup:
                page.get_by_text("Other").click()
            popup.value.get_by_text("Again").click()
            wait_for(lambda: downloaded(3))
            recording.close(page)
        result, said = recording.ended()
    assert result["state"] == "complete", said
    events = recording.trace()
    tabs = [tab.tab for tab in of(TabOpened, events)]
    with recording.opened() as trace:
        told = [(d.name, d.tab, d.complete, trace.blob(d.blob or "")) for d in of(Downloaded, events)]
    assert told == [
        ("report.csv", tabs[0], True, b"id,total\n17,42\n"),
        ("made.txt", tabs[0], True, b"made in the page"),
        ("renamed.csv", tabs[1], True, b"id,total\n17,42\n"),
    ]
    assert {path.name for path in kept.iterdir()} == {"report.csv", "made.txt", "renamed.csv"}
