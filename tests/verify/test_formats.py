"""Times that a command's own format asks for."""

from __future__ import annotations

import pytest

from replay.verify.compare import compare
from replay.verify.verdict import Context, Observation, Output, Verdict

TIMES = "curl -so /dev/null -w '%{http_code} %{time_total}\\n' http://a.example/"


def judged(command: str, recorded: bytes, observed: bytes) -> tuple[Verdict, tuple[str, ...]]:
    sides = (Observation(output=Output.of(data)) for data in (recorded, observed))
    verdict = compare(*sides, Context(command=command))
    return verdict.verdict, verdict.causes


@pytest.mark.parametrize(
    ("command", "recorded", "observed"),
    [
        (TIMES, b"200 0.012670\r\n", b"200 0.000043\r\n"),
        ("curl -w '%{time_total}' http://a.example/", b"page0.012670", b"page0.000043"),
        (
            'curl -sS --write-out "dns %{time_namelookup}\\ntotal: %{time_total}s\\n" http://a.example/ | tee x',
            b"page\r\ndns 0.000012\r\ntotal: 1.012670s\r\n",
            b"page\r\ndns 0.000001\r\ntotal: 0.000043s\r\n",
        ),
        ("curl -w %{speed_download},%{size_download} http://a", b"17600,223\r\n", b"5186046,223\r\n"),
    ],
)
def test_what_curl_was_asked_to_measure_is_masked(command: str, recorded: bytes, observed: bytes) -> None:
    verdict, causes = judged(command, recorded, observed)
    assert verdict is Verdict.EQUIVALENT
    assert "write-out" in causes


@pytest.mark.parametrize(
    ("command", "recorded", "observed"),
    [
        (TIMES, b"200 0.012670\r\n", b"404 0.012670\r\n"),
        (TIMES, b"200 0.012670\r\n", b"200 soon\r\n"),
        (TIMES, b"pi 3.141592\r\n200 0.012670\r\n", b"pi 3.151592\r\n200 0.012670\r\n"),
        ("curl -so x http://a.example/", b"0.012670\r\n", b"0.000043\r\n"),
        ("curl -w '%{url_effective} %{time_total}' http://a", b"http://a 0.012670", b"http://a 0.000043"),
        ("echo curl -w '%{size_download}'", b"1\r\n", b"2\r\n"),
        ("wget -w '%{time_total}' http://a", b"0.012670", b"0.000043"),
    ],
)
def test_nothing_else_is(command: str, recorded: bytes, observed: bytes) -> None:
    assert judged(command, recorded, observed)[0] is Verdict.DIVERGED
