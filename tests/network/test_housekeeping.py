"""What Chromium asks for by itself is in no verdict; what it asks for a page's sake is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stage import Stage
from tape import Headers, Tape

from replay.players.network.housekeeping import housekeeping

CHROMIUM = (
    "User-Agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/156.0.0.0 Safari/537.36",
)
FIREFOX = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@pytest.mark.parametrize(
    ("host", "path", "headers", "expected"),
    [
        ("update.googleapis.com", "/service/update2/json", [CHROMIUM], True),
        ("clients2.google.com", "/time/1/current", [CHROMIUM], True),
        ("redirector.gvt1.com", "", [CHROMIUM], True),
        ("content-autofill.googleapis.com", "/v1", [CHROMIUM, ("Sec-Fetch-Site", "none")], True),
        ("example.org", "/favicon.ico", [CHROMIUM, ("Referer", "http://example.org/")], True),
        # by a page, a page itself, by another program, elsewhere
        ("accounts.google.com", "/o", [CHROMIUM, ("Origin", "https://example.org")], False),
        ("accounts.google.com", "/o", [CHROMIUM, ("Sec-Fetch-Site", "cross-site")], False),
        ("accounts.google.com", "/o", [CHROMIUM, ("Sec-Fetch-Mode", "navigate")], False),
        ("update.googleapis.com", "/service/update2/json", [FIREFOX], False),
        ("update.googleapis.com", "/service/update2/json", [], False),
        ("update.googleapis.com.example.org", "/", [CHROMIUM], False),
        ("example.org", "/other.ico", [CHROMIUM], False),
    ],
)  # fmt: skip
def test_whose_call_it_is(host: str, path: str, headers: Headers, expected: bool) -> None:
    plain = [(name.encode(), value.encode()) for name, value in headers]
    assert housekeeping(host, path, plain) is expected


def test_it_is_left_out_on_either_side(play: Callable[..., Stage]) -> None:
    tape = Tape()
    tape.command(1)
    recorded = tape.request("GET", "http://clients2.google.com/time/1/current?x=1", [CHROMIUM])
    tape.answer(recorded, body=b"then")
    tape.answer(tape.request("GET", "http://update.googleapis.com/never-again", [CHROMIUM]), body=b"")
    tape.answer(tape.request("GET", "http://example.org/", [CHROMIUM]), body=b"page")
    stage = play(tape)
    agent = ("-A", CHROMIUM[1])
    urls = (
        "http://clients2.google.com/time/1/current?x=1",
        "http://accounts.google.com/unrecorded",
        "http://example.org/favicon.ico",
    )
    said = [stage.curl(*agent, url).stdout for url in urls]
    assert said[0] == b"then"
    assert b"no recorded answer" in said[1]
    assert stage.curl(*agent, "https://redirector.gvt1.com/", proxy=True).returncode == 56
    assert stage.curl(*agent, "http://example.org/").stdout == b"page"
    report = stage.stop()
    assert (report.refused, report.unasked, report.housekeeping) == ([], [], 4)
    assert [str(served.flow) for served in report.served] == ["GET http://example.org/"]


def test_the_same_calls_of_another_program_diverge(play: Callable[..., Stage]) -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://update.googleapis.com/recorded")
    stage = play(tape)
    stage.curl("http://accounts.google.com/unrecorded")
    report = stage.stop()
    assert [refused.asked for refused in report.refused] == ["GET http://accounts.google.com/unrecorded"]
    assert [str(flow) for flow in report.unasked] == ["GET http://update.googleapis.com/recorded"]
    assert report.housekeeping == 0
