"""Clients that ignore the proxy, or do not trust it: recorded as if nobody looked on, and no replay deceives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded_clients import HOLDS, PROGRAMS, Case, Plan, Run, check_recorded
from served_origins import Origin, serving

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"


@contextmanager
def web(private: Path) -> Iterator[Origin]:
    with serving("web", private, private) as origin:
        yield origin


IGNORING = [
    Case("aiohttp", "python3 ask_aiohttp.py {url} direct", "^200 {'name': 'ada'}"),
    Case("aiohttp-tls", "python3 ask_aiohttp.py {url} direct", "^200 {'name': 'ada'}", tls=True),
    Case("node-fetch", "env -u NODE_USE_ENV_PROXY {node} fetch.mjs {url}", "^50000 bytes 404"),
    Case("node-fetch-tls", "env -u NODE_USE_ENV_PROXY {node} fetch.mjs {url}", "^50000 bytes 404", tls=True),
    Case("curl", "curl --noproxy '*' -sS {url}/get", '"url": "http://'),
    Case("curl-tls", "curl --noproxy '*' -sS {url}/get", '"url": "https://', tls=True),
]
PINNED = Case("pinned", f"curl -sS --cacert {SYSTEM} {{url}}/get", "certificate problem", exit=60, tls=True)
AGAIN = Case("again", f"curl -sS --cacert {SYSTEM} {{url}}/get?x", "certificate problem", exit=60, tls=True)
PLAN = Plan("unheeding", web, [*IGNORING, PINNED, AGAIN], files=PROGRAMS, programs=("curl", "python3"))
UNTRUSTED = [
    Case("curl", "curl -sS {url}/get", "certificate problem", exit=60, tls=True),
    Case("curl-insecure", "curl -ksS {url}/get", '"url": "https://', version="2", tls=True),
    Case("wget", "wget -O page {url}/get", "is not trusted", exit=5, tls=True),
    Case("wget-insecure", "wget --no-check-certificate -qO- {url}/get", '"url": "https://', tls=True),
    Case("urllib", "python3 ask_urllib.py {url} 2>&1 | tail -1", "CERTIFICATE_VERIFY_FAILED", tls=True),
]
UNTRUSTED_PLAN = Plan(
    "untrusted", web, UNTRUSTED, files=PROGRAMS, programs=("curl", "wget", "python3"), trusting=False
)


@pytest.mark.parametrize("case", IGNORING, ids=[case.id for case in IGNORING])
def test_who_ignores_the_proxy_gets_nothing_on_replay(case: Case, replayed: Callable[[Plan], Run]) -> None:
    outcome = replayed(PLAN).outcomes[case.id]
    check_recorded(case, outcome)
    assert outcome.versions == []
    assert set(outcome.connections) <= {"bypassed"}  # as far as that can be seen
    assert outcome.step["verdict"] == "diverged"
    told = [outcome.step["miss"], *outcome.step["further"]]
    assert any(one["hint"].startswith("needs the network") for one in told), told


def test_who_refuses_our_certificate_refuses_it_again(replayed: Callable[[Plan], Run]) -> None:
    outcome = replayed(PLAN).outcomes[PINNED.id]
    check_recorded(PINNED, outcome)
    assert (outcome.versions, outcome.connections) == ([], ["failed"])
    assert outcome.step["verdict"] in HOLDS, outcome.step


def test_what_was_handed_on_unseen_is_named(replayed: Callable[[Plan], Run]) -> None:
    outcome = replayed(PLAN).outcomes[AGAIN.id]
    check_recorded(AGAIN, outcome)
    assert outcome.connections == ["passed"]
    assert outcome.step["verdict"] == "diverged"
    [told] = [m for m in (outcome.step["miss"], *outcome.step["further"]) if m["facet"] == "network"]
    assert told["expected"] == "its bytes were handed on unseen when it was recorded"


@pytest.mark.parametrize("case", UNTRUSTED, ids=[case.id for case in UNTRUSTED])
def test_origins_that_nobody_trusts_stay_so(case: Case, replayed: Callable[[Plan], Run]) -> None:
    outcome = replayed(UNTRUSTED_PLAN).outcomes[case.id]
    check_recorded(case, outcome)
    assert outcome.step["verdict"] in HOLDS, outcome.step


@pytest.mark.parametrize("plan", [PLAN, UNTRUSTED_PLAN], ids=["unheeding", "untrusted"])
def test_nothing_leaves_the_sandbox(plan: Plan, replayed: Callable[[Plan], Run]) -> None:
    run = replayed(plan)
    assert (run.sent, run.accepted) == (0, 0)
