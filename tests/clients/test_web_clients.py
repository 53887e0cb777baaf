"""Clients of a web server, over plain HTTP, TLS and HTTP/2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded_clients import PROGRAMS, Case, Plan, Run, check_contained, check_replayed
from served_origins import Origin, serving

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


@contextmanager
def web(private: Path) -> Iterator[Origin]:
    site = private / "site"
    (site / "deep").mkdir(parents=True)
    (site / "index.html").write_text('<a href="page.html">page</a> <img src="deep/dot.svg">\n')
    (site / "page.html").write_text('<a href="index.html">back</a>\n' * 100)
    (site / "deep" / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>\n')
    with serving("web", site, private) as origin:
        yield origin


def _both(name: str, command: str, shows: str, flows: int) -> list[Case]:
    return [
        Case(name, command, shows, flows=flows),
        Case(f"{name}-tls", command, shows, flows=flows, tls=True),
    ]


CASES = [
    Case("curl", "curl -sS {url}/get {url}/gzip --compressed", '"gzipped": true', flows=2),
    Case("curl-tls", "curl --http1.1 -sS {url}/get {url}/status/404", '"url": "https://', tls=True, flows=2),
    Case("curl-h2", "curl -sS {url}/anything -d a=1 -w '%{http_version}'", "^2", version="2", tls=True),
    Case("curl-upload", "seq 30000 > n; curl -sS -T n {url}/put -o /dev/null -w '%{http_code}'", "^200"),
    Case("curl-range", "curl -sS -r 10-20 {url}/range/100 -i; curl -sSI {url}/get", " 206", flows=2),
    Case("curl-meter", "curl -O {url}/bytes/60000?seed=1 -L {url}/redirect/2", "100 60000  100 60000", flows=4),
    Case("curl-old", "curl --http1.0 -sS {url}/get", '"url": "http://', version="1.0"),
    Case("curl-stream", "seq 5000 | curl -sS -T - {url}/put -o a -w '%{http_code}'", "^200", version="2", tls=True),
    Case("curl-many", "curl -Z -o p1 -o p2 {url}/bytes/900?seed=1 {url}/bytes/900?seed=2", "100 --", flows=2),
    Case("curl-resume", "head -c 99 p1 > r; curl -s -C - -o r {url}/range/900; wc -c r", "^900 r"),
    Case("curl-times", "curl -so a -w '%{time_total} %{speed_download} %{size_download}\\n' {url}/get", " 223$"),
    Case("curl-verbose", "curl -v {url}/get", "SSL certificate verify ok", version="2", tls=True),
    Case("wget-mirror", "wget -nv -r -nH {url}/site/index.html", "Downloaded: 4 files", flows=4),
    *_both("wget", "wget -O page.json {url}/get", "saved", 1),
    *_both("requests", "python3 ask_requests.py {url}", "^70000 bytes", 8),
    *_both("httpx", "python3 ask_httpx.py {url}", "^HTTP/1.1 {'name': 'ada'}", 8),
    Case("httpx-h2", "python3 ask_httpx.py {url} http2", "^HTTP/2 {'name'", "2", tls=True, flows=8),
    *_both("aiohttp", "python3 ask_aiohttp.py {url}", "^200 {'name': 'ada'}", 6),
    *_both("urllib", "python3 ask_urllib.py {url}", "^418 135", 6),
    *_both("node-fetch", "{node} fetch.mjs {url}", "^50000 bytes 404", 8),
    Case("node-http2", "{node} http2.mjs {url}", "^h2 /anything/a", "2", tls=True, flows=3),
]  # fmt: skip
PLAN = Plan("web", web, CASES, files=PROGRAMS, programs=("curl", "wget", "python3"))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_it_replays(case: Case, replayed: Callable[[Plan], Run]) -> None:
    check_replayed(case, replayed(PLAN).outcomes[case.id])


def test_nothing_leaves_the_sandbox(replayed: Callable[[Plan], Run]) -> None:
    check_contained(replayed(PLAN))
