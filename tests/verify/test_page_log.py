"""Which page of which frame a gesture led to, from the events of a browser."""

from __future__ import annotations

from recorder.trace.events import DocumentStarted, FrameSeen, Navigated, PageState, TabOpened
from recorder.trace.pages import BrowserStarted
from recorder.trace.steps import steps
from replay.pages import page_observations

S = 1_000_000_000


def _seen(frame: int, parent: int | None, index: int | None) -> FrameSeen:
    return FrameSeen(t=S + frame, source="browser/1", tab=1, frame=frame, parent=parent, index=index, name="")


def _shown(frame: int, url: str) -> list[DocumentStarted | PageState]:
    place = {"source": "browser/1", "tab": 1, "frame": frame, "doc": frame}
    return [
        DocumentStarted(t=2 * S + frame, url=url, opaque=False, **place),
        PageState(t=3 * S, seq=2, n=1, url=url, title="", dom="aa", settled=True, **place),
    ]


def test_a_frame_is_told_by_what_was_told_of_it_last() -> None:
    """Its navigation may be told before its document, and knows neither its index nor, within another, its parent."""
    early = [_seen(1, None, None), _seen(2, 1, None), _seen(3, 1, None), _seen(4, 1, None)]
    known = [_seen(2, 1, 1), _seen(3, 1, 0), _seen(4, 3, 0)]
    events = [
        TabOpened(t=S, source="browser/1", tab=1, opener=None, popup=False),
        *early,
        Navigated(t=S + 9, source="browser/1", tab=1, frame=1, url="/shop", how="typed", within=False),
        *known,
        *_shown(1, "/shop"),
        *_shown(2, "/pay"),
        *_shown(3, "/list"),
        *_shown(4, "/help"),
    ]
    told = steps(events)
    (observation,) = page_observations(told, events, lambda digest: None).values()
    assert {look.place: look.url for look in observation.looks} == {
        "tab 1": "/shop",
        "tab 1, frame 1": "/list",
        "tab 1, frame 2": "/pay",
        "tab 1, frame 1.1": "/help",
    }


def test_a_browser_in_which_nothing_was_done_met_nothing() -> None:
    browsers = [
        BrowserStarted(
            t=t, source="browser/1", mode="opened", product="Chrome/1", user_agent="", headless=True, width=1, height=1,
            scale=1.0, locale="en", languages=("en",), timezone="UTC", dark=False, reduced_motion=False, fonts=(),
            capture="1", seed=None, storage=None,
        )
        for t in (S, 9 * S)
    ]  # fmt: skip
    gone = Navigated(t=2 * S, source="browser/1", tab=1, frame=1, url="/shop", how="typed", within=False)
    opened = TabOpened(t=S, source="browser/1", tab=1, opener=None, popup=False)
    events = [browsers[0], opened, _seen(1, None, None), gone, browsers[1]]
    assert len(page_observations(steps(events), events, lambda digest: None)) == 1
