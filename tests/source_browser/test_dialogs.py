"""Dialogs of a recorded page are the expert's to answer: nobody else does, however long he thinks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog
from recorded_browser import Recording, of, site, wait_for

from recorder.trace.events import DialogAnswered

PAGES = {
    "index.html": """<title>Ask</title>
<button onclick="said.textContent = confirm('Delete it?') + ' ' + prompt('Its name?', 'none')">Go</button>
<p id=said></p>"""
}
THINKS_MS = 700


@pytest.mark.slow
def test_a_dialog_waits_for_the_experts_answer(browse: Callable[..., Recording], tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert() as page:

            def answer(dialog: Dialog) -> None:
                # As a person does who reads first: in this time nobody else may answer.
                page.wait_for_timeout(THINKS_MS)
                dialog.dismiss() if dialog.type == "confirm" else dialog.accept("Ada")

            page.on("dialog", answer)
            page.get_by_role("button").click()
            page.get_by_text("false Ada").wait_for()
            wait_for(lambda: len(of(DialogAnswered, recording.journal())) == 2 or None)
            recording.close(page)
        result, said = recording.ended()
    assert result["state"] == "complete", said
    confirm, prompt = of(DialogAnswered, recording.trace())
    assert (confirm.type, confirm.message, confirm.accepted) == ("confirm", "Delete it?", False)
    assert (prompt.type, prompt.accepted, prompt.answer) == ("prompt", True, "Ada")
    for dialog in (confirm, prompt):
        assert dialog.t - dialog.asked >= THINKS_MS * 1_000_000 * 0.9
