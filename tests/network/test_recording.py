"""Flows put together from events."""

from __future__ import annotations

from tape import Tape

from recorder.trace.events import Body, Cause, FlowAnswered, FlowRequested
from replay.players.network.recording import MOST_PARSED, Recording
from replay.players.network.target import parse


def test_flows_come_in_order_with_what_belongs_to_them() -> None:
    tape = Tape()
    tape.command(1)
    first = tape.request("GET", "http://a.example/1")
    second = tape.request("POST", "https://b.example:8443/2?x=1")
    tape.answer(second, 201, b"made", sent=b"content", reason="Created")
    tape.command(2)
    tape.answer(first, 200, b"late", pace=[(5, 1), (10, 3)])
    recording = tape.recording()
    one, two = recording.flows
    assert (one.request.method, one.request.url, one.command, one.moment) == (
        "GET",
        "http://a.example/1",
        1,
        1,
    )
    assert one.response is not None
    assert one.response.pace == ((5, 1), (10, 3))
    assert two.request.content == b"content"
    assert two.response is not None
    assert (two.response.status, two.response.reason) == (201, "Created")
    assert recording.ports == {80, 8443}
    assert recording.hosts == {"a.example", "b.example"}


def test_a_flow_that_a_job_in_the_background_caused_belongs_to_both_steps() -> None:
    tape = Tape()
    tape.command(1)
    tape.command(2)
    tape.request("GET", "http://a.example/", command=1)
    (flow,) = tape.recording().flows
    assert flow.scopes == {1, 2}


def test_a_request_without_an_answer_is_kept() -> None:
    tape = Tape()
    flow = tape.request("GET", "http://a.example/")
    tape.answer(flow, None, error="connection reset")
    tape.request("GET", "http://a.example/")
    cut, unanswered = tape.recording().flows
    assert (cut.response, cut.error) == (None, "connection reset")
    assert unanswered.response is None


def test_a_pace_that_does_not_tell_the_body_is_not_kept() -> None:
    tape = Tape()
    for pace in ([(5, 1)], [(9, 2), (5, 2)], [(0, -4), (1, 8)]):
        tape.get("http://a.example/", b"1234", pace=pace)
    assert all(flow.response is not None and flow.response.pace == () for flow in tape.recording().flows)


def test_large_request_bodies_are_not_looked_into() -> None:
    events = [
        FlowRequested(
            t=1, source="network", flow=1, connection=1, method="PUT", url="http://a.example/", version="1.1",
            headers=[], cause=Cause(command=None, how="unknown", process=""),
        ),
        FlowAnswered(
            t=2, source="network", flow=1, status=200, reason="OK", version="1.1", headers=[], trailers=[],
            request=Body(size=MOST_PARSED + 1, blob="0" * 64), response=Body(size=0), first_byte=None, pace=[],
            error=None,
        ),
    ]  # fmt: skip

    def never(digest: str) -> bytes:
        raise AssertionError("asked for a large body")

    (flow,) = Recording.of(events, never).flows
    assert flow.request.content is None


def test_header_values_cannot_end_their_line() -> None:
    tape = Tape()
    tape.get("http://a.example/", headers=[("X", "a\r\nInjected: b"), ("Caf\\xe9", "\\xff")])
    (flow,) = tape.recording().flows
    assert flow.response is not None
    assert flow.response.headers == ((b"X", b"a Injected: b"), (b"Caf\xe9", b"\xff"))


def test_refused_and_unknown_places_are_told_apart() -> None:
    tape = Tape()
    tape.connection("dead.example:443", "failed", "connection refused")
    tape.connection("nowhere.example:443", "failed", "Name or service not known")
    tape.connection("pinned.example:443", "passed")
    tape.get("https://up.example/")
    tape.connection("up.example:443", "failed", "reset once")
    recording = tape.recording()
    assert recording.refused == {"dead.example:443", "nowhere.example:443"}
    assert recording.unknown_names == {"nowhere.example"}
    assert recording.passed == {"pinned.example:443"}
    assert recording.hosts == {"dead.example", "pinned.example", "up.example"}


def test_urls_that_mean_the_same_are_the_same() -> None:
    same = parse("http://a.example/~x?q=a%20b")
    assert parse("HTTP://A.Example:80/%7ex?q=a+b#part") == same
    assert parse("http://a.example:81/~x?q=a%20b") != same
    assert parse("https://[2001:DB8::1]:443/").authority == "[2001:db8::1]"
    assert parse("no url at all").authority != "a.example"
    assert parse("http://a.example?x=1").path == "/"
