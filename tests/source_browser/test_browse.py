"""A browser's session from its start to its trace, with the real command and a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_browser import Recording, of, site, wait_for

from recorder.trace.events import (
    BrowserEnded,
    Recovered,
)

PAGES = {
    "index.html": "<title>Shop</title><h1>Shop</h1><input id=q aria-label=Search><button>Buy</button>",
    "next.html": "<title>Next</title><p>next</p>",
}
Browse = Callable[..., Recording]


@pytest.mark.slow
def test_ctrl_c_ends_it_whole_and_leaves_nothing_behind(browse: Browse, tmp_path: Path) -> None:
    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert():
            recording.interrupt()
            result, said = recording.ended()
    assert (result["state"], recording.process.returncode) == ("complete", 0), said
    assert [e.reason for e in of(BrowserEnded, recording.trace())] == ["the session ended"]
    assert list((recording.traces / ".sessions").iterdir()) == []


@pytest.mark.slow
def test_a_recorder_that_is_killed_is_recovered(browse: Browse, tmp_path: Path) -> None:
    from recorder.session import recover

    with site(PAGES, tmp_path / "site") as address:
        recording = browse(f"{address}/index.html")
        with recording.expert():
            source = recording.source()
            folder = recording.session
            recording.process.kill()
            wait_for(lambda: not Path(f"/proc/{source}").exists() or None)
    done = recover(folder, out=recording.out, overwrite=False, say=lambda text: None)
    assert done.trace == recording.out
    events = recording.trace()
    assert of(Recovered, events)
    assert [e.reason for e in of(BrowserEnded, events)] == ["the session ended"]


@pytest.mark.slow
def test_a_chromium_that_is_missing_is_said_and_nothing_is_left(browse: Browse) -> None:
    recording = browse("http://127.0.0.1:1/", REENACT_CHROMIUM="/nowhere/chromium")
    _, said = recording.ended()
    assert recording.process.returncode == 5
    assert "/nowhere/chromium" in said
    assert "REENACT_CHROMIUM" in said
    assert list((recording.traces / ".sessions").iterdir()) == []
