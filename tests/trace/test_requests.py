"""Requests of a browser and flows of the proxy, brought together."""

from __future__ import annotations

import pytest

from recorder.trace.events import AnyEvent, Cause, FlowRequested, PageRequest
from recorder.trace.requests import SLACK_NS, answered_requests, ends_of_requests

S = 1_000_000_000


def asked(n: int, t: int, url: str, method: str = "GET") -> PageRequest:
    return PageRequest(
        t=t, source="browser/1", n=n, tab=1, frame=1, method=method, url=url, type="xmlhttprequest"
    )


def ended(n: int, t: int, url: str, *, cached: bool = False) -> PageRequest:
    return PageRequest(
        t=t, source="browser/1", n=n, tab=1, frame=1, method="GET", url=url, type="xmlhttprequest", ended=True,
        status=200, cached=cached,
    )  # fmt: skip


def flow(n: int, t: int, url: str, method: str = "GET", how: str = "browser") -> FlowRequested:
    cause = Cause(command=None, how=how, process="chromium")  # type: ignore[arg-type]
    return FlowRequested(
        t=t, source="proxy", flow=n, connection=1, method=method, url=url, version="1.1", headers=[], cause=cause
    )  # fmt: skip


A, B = "http://a.test/x", "http://a.test/y"


@pytest.mark.parametrize(
    ("events", "pairs"),
    [
        pytest.param([asked(1, 0, A), flow(7, 10, A)], {7: 1}, id="the same"),
        pytest.param([asked(1, 0, A + "#part"), flow(7, 10, A)], {7: 1}, id="fragments are not asked for"),
        pytest.param([asked(1, 0, "ws://a.test/x"), flow(7, 10, A)], {7: 1}, id="a WebSocket's opening"),
        pytest.param([flow(7, 10, A), asked(1, 20, A)], {7: 1}, id="word of a request may come late"),
        pytest.param([asked(1, 0, A), flow(7, 10, B)], {}, id="another URL"),
        pytest.param([asked(1, 0, A), flow(7, 10, A, "POST")], {}, id="another method"),
        pytest.param([asked(1, 0, A), flow(7, 10, A, how="cgroup")], {}, id="a command's"),
        pytest.param([asked(1, 0, A), flow(7, 1, A), flow(8, 2, A)], {7: 1}, id="one request, one flow"),
        pytest.param(
            [asked(1, 0, A), asked(2, 1, A), flow(7, 2, A), flow(8, 3, A)], {7: 1, 8: 2}, id="in their order"
        ),
        pytest.param(
            [asked(1, 0, A), ended(1, 1, A, cached=True), asked(2, 2, A), flow(7, 3, A)], {7: 2}, id="from the cache"
        ),
        pytest.param(
            [asked(1, 0, A), ended(1, S, A), asked(2, 9 * S, A), flow(7, 9 * S + 1, A)], {7: 2}, id="ended before"
        ),
        pytest.param([flow(7, 0, A), asked(1, 2 * SLACK_NS, A)], {}, id="not before it was asked"),
        pytest.param([ended(1, 0, A), flow(7, 1, A)], {}, id="only its end is known"),
    ],
)  # fmt: skip
def test_a_flow_answers_the_request_that_was_there(events: list[AnyEvent], pairs: dict[int, int]) -> None:
    found = answered_requests(events)
    assert {n: request.n for n, request in found.items()} == pairs


def test_a_browser_has_an_answer_when_it_says_so() -> None:
    """The proxy may tell of it later; one that never ended has no end."""
    events = [asked(1, 0, A), flow(7, 1, A), ended(1, 5, A), asked(2, 6, B), flow(8, 7, B)]
    assert ends_of_requests(events) == {7: 5}
