"""Chromium in a recorded session: the page gives the same when every origin is gone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from online import PATH, network, record, replay, short_of
from pages_server import HERE, HOST, PLAYWRIGHT, TODOS, Sites

from recorder.trace.events import FlowAnswered, FlowRequested
from recorder.trace.reader import open_trace

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
RICH = """\
online: true
count: [1,2,3]
nonce: true
sent: "posted"
redirected: true
missing: 404
cors: "GET"
preflight: "PUT"
refused: "TypeError"
worker: "works"
events: ["tick 1","tick 2","tick 3"]
socket: ["welcome","HELLO THERE"]
service: "pages true"
font: true""".splitlines()
DRIVE = {"drive.py": (HERE / "drive.py").read_text()}


def test_a_page_dumped_and_drawn(sites: Sites, chromium: str, tmp_path: Path) -> None:
    plain, secure = sites.plain.url("/plain.html"), sites.secure.url("/plain.html")
    trace = record(
        tmp_path / "s",
        lambda e: [
            # What its own launcher says of /dev/shm is no line of the log.
            e.run(f"{chromium} --headless --dump-dom {plain} 2>&1 | grep -v '^/usr/bin'"),
            e.run(f"{chromium} --headless --dump-dom {secure} 2>/dev/null"),
            e.run(f"{chromium} --headless --screenshot=page.png {secure} 2>/dev/null; ls page.png"),
            e.run(
                f"{chromium} --headless --print-to-pdf=/tmp/page.pdf {plain} 2>/dev/null; head -c 5 /tmp/page.pdf"
            ),
        ],
        env=sites.env,
    )
    sites.close()
    answer = replay(trace, ports=sites.ports)
    assert short_of(answer) == ""
    # Whether a picture that must not be kept is fetched twice, once for each use of it, is up to the browser.
    found = network(answer)
    assert set(found) <= {"exact", "repeated", "not asked for again"}
    assert found["exact"] >= 24
    with open_trace(trace) as opened:
        events = list(opened.events)
    asked = [
        e for e in events if isinstance(e, FlowRequested) and e.url.startswith((plain[:16], secure[:16]))
    ]
    assert {(e.url.split(":")[0], e.version) for e in asked} == {("http", "1.1"), ("https", "2")}
    assert {e.cause.command for e in asked} == {1, 2, 3, 4}


@pytest.mark.skipif(shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is None, reason="no nft here")
def test_an_isolated_session_needs_no_proxy(sites: Sites, chromium: str, tmp_path: Path) -> None:
    """There the browser asks for names itself, and connects to whatever it likes."""
    plain, secure = (site.url("/plain.html", HOST) for site in (sites.plain, sites.secure))
    trace = record(
        tmp_path / "s",
        lambda e: [
            e.run(f"{chromium} --headless --dump-dom {plain} 2>/dev/null | tee plain"),
            e.run(f"{chromium} --headless --screenshot=page.png {secure} 2>/dev/null; ls page.png"),
        ],
        env=sites.env,
        options=["--isolated"],
    )
    sites.close()
    answer = replay(trace, ports=sites.ports)
    assert short_of(answer) == ""
    assert network(answer)["exact"] >= 12
    with open_trace(trace) as opened:
        asked = [event for event in opened.events if isinstance(event, FlowRequested)]
    assert {(e.version, e.cause.command) for e in asked if HOST in e.url} == {("1.1", 1), ("2", 2)}


def test_a_profile_is_kept_from_step_to_step(sites: Sites, chromium: str, tmp_path: Path) -> None:
    """Its cache makes conditions of requests; a window's own folder is the session's."""
    url = sites.secure.url("/plain.html")
    line = f"{chromium} --headless --user-data-dir=$REENACT_SESSION/profile --dump-dom {url} 2>/dev/null"
    trace = record(tmp_path / "s", lambda e: [e.run(line), e.run(line)], env=sites.env)
    sites.close()
    with open_trace(trace) as opened:
        events = list(opened.events)
    second = {e.flow for e in events if isinstance(e, FlowRequested) and e.cause.command == 2}
    said = [e.status for e in events if isinstance(e, FlowAnswered) and e.flow in second]
    assert said.count(304) >= 5
    answer = replay(trace, ports=sites.ports)
    assert short_of(answer) == ""
    assert set(network(answer)) <= {"exact", "repeated", "not asked for again"}


def test_a_page_with_all_that_a_page_asks_for(sites: Sites, chromium: str, tmp_path: Path) -> None:
    """Two origins, HTTP/2 on one of them: modules, codings, fonts, CORS, a service worker, sockets, events."""
    plain, secure = sites.plain, sites.secure
    query = f"?other={secure.url('', '127.0.0.1')}&events={plain.url('')}"
    other = f"?other={plain.url('', '127.0.0.1')}&events={secure.url('')}"
    trace = record(
        tmp_path / "s",
        lambda e: [
            e.run(f"python3 drive.py '{chromium}' '{plain.url('/rich.html')}{query}' | tee plain"),
            e.run(f"python3 drive.py '{chromium}' '{secure.url('/rich.html')}{other}' | tee secure"),
        ],
        files=DRIVE,
        env=sites.env,
        patience=60,
    )
    sites.close()
    for name in ("plain", "secure"):
        said = (tmp_path / "s/work" / name).read_text()
        assert said.splitlines()[2:16] == RICH, said
    answer = replay(trace, ports=sites.ports)
    assert short_of(answer) == ""
    found = network(answer)
    assert set(found) <= {"exact", "substituted", "repeated", "not asked for again"}
    assert found["substituted"] == 2


@pytest.mark.skipif(not TODOS.is_dir(), reason=f"run `npm ci` in {HERE}")
def test_a_todo_list(sites: Sites, chromium: str, tmp_path: Path) -> None:
    url = sites.secure.url("/todo.html")
    ready = "until:document.documentElement.dataset.state === 'ready'"

    def shown(count: int) -> str:
        return f"'until:document.querySelectorAll(\"#todo-list li\").length === {count}'"

    def kept(*todos: tuple[str, bool]) -> str:
        text = json.dumps([{"title": t, "completed": c} for t, c in todos], separators=(",", ":"))
        return f"'until:document.documentElement.dataset.state === {json.dumps('kept ' + text)}'"

    one, two = ("buy milk", False), ("write a test", False)
    steps = [
        f'"{ready}" click:#new-todo "type:buy milk" {kept(one)} "type:write a test" {kept(one, two)}',
        f'"{ready}" "click:#todo-list .toggle" {kept((one[0], True), two)} "click:#filters li:last-child a" {shown(1)}',
        f'"{ready}" reload: "{ready}" click:#clear-completed {kept(two)} {shown(1)}',
    ]
    trace = record(
        tmp_path / "s",
        lambda e: [e.run(f"python3 drive.py '{chromium}' {url} {words}") for words in steps],
        files=DRIVE,
        env=sites.env,
        patience=60,
    )
    sites.close()
    answer = replay(trace, ports=sites.ports)
    assert short_of(answer) == ""
    assert network(answer) == {"exact": 24, "substituted": 4}
    with open_trace(trace) as opened:
        said = [event.status for event in opened.events if isinstance(event, FlowAnswered)]
    assert said.count(304) >= 5  # after the reload


@pytest.mark.skipif(not PLAYWRIGHT.is_dir(), reason=f"run `npm ci` in {HERE}")
@pytest.mark.skipif(shutil.which("node", path=PATH) is None, reason="no Node here")
def test_a_playwright_script_passes_the_flags_on(sites: Sites, chromium: str, tmp_path: Path) -> None:
    """It starts the browser by its path, so what stands on PATH does not help it."""
    if os.getuid() == 0 and not all(place.stat().st_mode & 1 for place in PLAYWRIGHT.parents):
        pytest.skip(f"a sandbox that root starts cannot read {PLAYWRIGHT}")
    program = shutil.which(chromium.split()[0], path=PATH)
    trace = record(
        tmp_path / "s",
        lambda e: [
            e.run(f"node play.cjs {PLAYWRIGHT} {program} {sites.secure.url('/todo.html')} | tee said")
        ],
        files={"play.cjs": (HERE / "play.cjs").read_text()},
        env=sites.env,
        patience=60,
    )
    sites.close()
    assert "write a test" in (tmp_path / "s/work/said").read_text()
    answer = replay(trace, f"--tools={PLAYWRIGHT}", ports=sites.ports)
    assert short_of(answer) == ""
    assert set(network(answer)) <= {"exact", "substituted", "not asked for again"}
