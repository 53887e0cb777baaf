"""Clients of WebSockets and of streams of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded_clients import PROGRAMS, Case, Plan, Run, check_contained, check_replayed
from served_origins import Origin, serving

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
LAST = r'^data: \{"n": 4\}'


@contextmanager
def messages(private: Path) -> Iterator[Origin]:
    with serving("messages", private, private) as origin:
        yield origin


def _both(name: str, command: str, shows: str) -> list[Case]:
    return [Case(name, command, shows), Case(f"{name}-tls", command, shows, tls=True)]


CASES = [
    *_both("aiohttp-websocket", "python3 talk_aiohttp.py {url}", "^closed 1000"),
    *_both("node-websocket", "{node} talk.mjs {url}", "^closed 1000 done"),
    *_both("httpx-events", "python3 events_httpx.py {url}", LAST),
    *_both("node-events", "{node} events.mjs {url}", LAST),
    Case("curl-events", "curl -sN {url}/events", LAST),
    Case("curl-left", "curl -sN {url}/events | head -3", '^data: \\{"n": 0\\}'),
    Case("curl-events-h2", "curl -sN {url}/events", LAST, version="2", tls=True),
]
PLAN = Plan("messages", messages, CASES, files=PROGRAMS, programs=("curl", "python3"))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_it_replays(case: Case, replayed: Callable[[Plan], Run]) -> None:
    check_replayed(case, replayed(PLAN).outcomes[case.id])


def test_nothing_leaves_the_sandbox(replayed: Callable[[Plan], Run]) -> None:
    check_contained(replayed(PLAN))
