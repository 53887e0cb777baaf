"""A session recorded with its network: the sealed trace has it, each request under its command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from proxied_origin import Origin
from proxied_recording import PLAIN, dividable

from recorder.trace.events import (
    CommandStarted,
    Connected,
    FlowAnswered,
    FlowRequested,
    Gap,
    NetworkStarted,
    TerminalStarted,
)
from recorder.trace.reader import open_trace

pytestmark = pytest.mark.slow


def record(tmp_path: Path, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    env = {**PLAIN, "REENACT_TRACES": str(tmp_path / "traces"), "SHELL": "/bin/bash", "HOME": str(tmp_path)}
    env.pop("REENACT_SESSION", None)
    program = [
        sys.executable,
        "-m",
        "recorder.cli",
        "record",
        "--no-workspace",
        "--out",
        str(tmp_path / "a.reenact"),
    ]
    return subprocess.run(
        [*program, *options], input=typed, env=env, capture_output=True, text=True, timeout=100, check=False,
        cwd=tmp_path,
    )  # fmt: skip


def test_a_recorded_network_is_in_the_trace(tmp_path: Path, origin: Origin) -> None:
    # All is typed at once: only what starts a clock tick away from a prompt can be told from its neighbours.
    done = record(
        tmp_path,
        f"curl -sS {origin.url('/hello?step=1')}\n"
        f"sleep 0.2\nsleep 0.1; (sleep 0.3; curl -sS {origin.url('/hello?step=3')}) & sleep 0.1\nsleep 1\n",
        "--proxy",
    )
    assert done.returncode == 0, done.stderr
    with open_trace(tmp_path / "a.reenact") as trace:
        events = list(trace.events)
        [terminal] = [event for event in events if isinstance(event, TerminalStarted)]
        [started] = [event for event in events if isinstance(event, NetworkStarted)]
        requests = [event for event in events if isinstance(event, FlowRequested)]
        answers = [event for event in events if isinstance(event, FlowAnswered)]
        assert terminal.env["http_proxy"] == f"http://{started.address}"
        assert terminal.env["SSL_CERT_FILE"].endswith(started.trust)
        assert [(r.url[-1], r.cause.command) for r in requests] == [("1", 1), ("3", 3)]
        assert [trace.blob(answer.response.blob or "") for answer in answers] == [b"hello"] * 2
        assert [event.n for event in events if isinstance(event, Connected)] == [1, 2]
        assert trace.verify().ok
    assert not list((tmp_path / "traces" / ".sessions").iterdir())


def test_what_goes_past_the_proxy_is_told(tmp_path: Path, origin: Origin) -> None:
    # It stands for two seconds, however long the program takes until it is made.
    connect = f'socket.create_connection(("127.0.0.1", {origin.port}))'
    past = f"python3 -c 'import socket, select; select.select([{connect}], [], [], 2)'"
    inside = "python3 -m http.server --bind 127.0.0.1 0 > port & until grep -q port port; do sleep 0.1; done"
    ask = "curl -sS --noproxy '*' http://127.0.0.1:$(grep -o 'port [0-9]*' port | cut -c6-)/port"
    done = record(tmp_path, f"sleep 0.5\n({past})\n{inside}\n{ask}\nkill %1\n", "--proxy")
    assert done.returncode == 0, done.stderr
    with open_trace(tmp_path / "a.reenact") as trace:
        found = [event for event in trace.events if isinstance(event, Connected)]
    [told] = found
    assert (told.handling, told.target, told.cause.process) == (
        "bypassed",
        f"127.0.0.1:{origin.port}",
        "python3",
    )


def test_without_being_asked_nothing_is_recorded(tmp_path: Path, origin: Origin) -> None:
    assert record(tmp_path, f"curl -sS {origin.url()}\n").returncode == 0
    with open_trace(tmp_path / "a.reenact") as trace:
        assert not [event for event in trace.events if event.source == "proxy"]


def test_a_session_outlives_its_proxy(tmp_path: Path, origin: Origin) -> None:
    """All of the proxy's processes are killed at once from within; the keeper brings them back."""
    kill = "for p in $(pgrep -P $PPID -f sources.proxy.process); do kill -9 $(pgrep -P $p) $p; done"
    done = record(
        tmp_path,
        f"curl -sS '{origin.url('/hello?step=1')}'; {kill}\n"
        f"curl -sS --retry 9 --retry-all-errors --retry-delay 0 '{origin.url('/hello?step=2')}'\n",
        "--proxy",
    )
    assert "signal 9" in done.stderr
    with open_trace(tmp_path / "a.reenact") as trace:
        events = list(trace.events)
        steps = {event.text for event in events if isinstance(event, CommandStarted)}
        requests = [event for event in events if isinstance(event, FlowRequested)]
        [gap] = [event for event in events if isinstance(event, Gap)]
    assert len(steps) == 2
    assert (requests[-1].url[-1], requests[-1].cause.command) == ("2", 2)
    assert gap.source == "proxy"


def test_a_session_recorded_in_a_session_is_one_command_of_it(tmp_path: Path, origin: Origin) -> None:
    inner = tmp_path / "inner.reenact"
    asks = f"curl -sS {origin.url('/hello?step=2')}\\n"
    program = f"REENACT_NESTED=1 {sys.executable} -m recorder.cli record --proxy --no-workspace --out {inner}"
    done = record(tmp_path, f"true\nprintf '{asks}true\\n{asks}' | {program}\n", "--proxy")
    assert done.returncode == 0, done.stderr
    causes = []
    for path in (tmp_path / "a.reenact", inner):
        with open_trace(path) as trace:
            requests = [event for event in trace.events if isinstance(event, FlowRequested)]
            causes.append([request.cause.command for request in requests])
            if dividable():
                assert {request.cause.how for request in requests} == {"cgroup"}
    assert causes == [[2, 2], [1, 3]]
