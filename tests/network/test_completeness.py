"""How complete a trace's record of the network is, as `reenact show` tells it."""

from __future__ import annotations

from typing import Literal

import msgspec

from recorder.trace.events import Cause, Connected, FlowRequested, NetworkStarted, Noted
from replay.commands.network import captured, requests

CURL, PINNED = (
    Cause(command=1, how="process", process="curl"),
    Cause(command=2, how="process", process="pinned"),
)
NOTE = Noted(t=1, source="notes", text="why")


def connection(
    n: int,
    handling: Literal["captured", "passed", "failed"],
    cause: Cause = CURL,
    *,
    target: str | None = "example.org:443",
    reason: str | None = None,
) -> Connected:
    return Connected(
        t=n, source="proxy", n=n, duration=1, target=target, handling=handling, reason=reason, tls=None, alpn=None,
        sent=1, received=1, cause=cause,
    )  # fmt: skip


def request(flow: int) -> FlowRequested:
    return FlowRequested(
        t=flow, source="proxy", flow=flow, connection=1, method="GET", url=f"http://e.org/{flow}", version="1.1",
        headers=[], cause=CURL,
    )  # fmt: skip


def test_a_trace_without_a_network_says_nothing_of_one() -> None:
    assert captured([NOTE]) is None


def test_connections_are_counted_by_what_became_of_them() -> None:
    pinned = [connection(n, "passed", PINNED, reason="it trusts other certificates") for n in (2, 3)]
    lost = connection(4, "failed", target=None, reason="it was closed")
    found = captured([request(1), connection(1, "captured"), *pinned, lost])
    assert found is not None
    assert (found.requests, found.connections) == (
        1,
        {"captured": 1, "passed": 2, "failed": 1, "bypassed": 0},
    )
    assert found.lines() == [
        ("network", "1 request; 4 connections: 1 captured, 2 passed, 1 failed"),
        ("passed", "example.org:443 (2 times), command 2: it trusts other certificates"),
        ("failed", "an unknown place, command 1: it was closed"),
    ]
    assert msgspec.to_builtins(found)["unseen"][0]["times"] == 2


def test_the_first_places_are_shown_and_the_rest_is_counted() -> None:
    found = captured([connection(n, "passed", target=f"h{n}:443") for n in range(1, 9)])
    assert found is not None
    assert found.lines()[-1] == ("", "and 3 more places; --json lists them")


def test_a_network_that_nobody_used() -> None:
    started = NetworkStarted(
        t=1, source="proxy", address="127.0.0.1:1", engine="e", certificate="f" * 64, trust="t", upstream=None
    )
    found = captured([started])
    assert found is not None
    assert found.lines() == [("network", "0 requests; 0 connections")]


def test_a_request_without_an_answer_has_no_status() -> None:
    assert requests([request(3)])[3] == {"method": "GET", "url": "http://e.org/3", "status": None}
