"""A session recorded with its network, from the command line to the formats of others."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import har_types
import pytest
from interop_trace import Done

pytest.importorskip("mitmproxy", reason="mitmproxy is not installed (extra `proxy`)")

from proxied_origin import Origin
from proxied_recording import PLAIN
from test_serving import serving

pytestmark = pytest.mark.slow


def test_requests_stand_under_the_commands_that_made_them(
    reenact: Callable[..., Done], tmp_path: Path, traces: Path
) -> None:
    origin, trace, out = Origin(), tmp_path / "a.reenact", tmp_path / "a.har"
    # All is typed at once: only what starts a clock tick away from a prompt can be told from its neighbours.
    first = f"sleep 0.1; curl -sS {origin.url('/gzip')} --compressed"
    second = f"sleep 0.1; curl -sS -d 'a=1&b=2' {origin.url('/hello')} {origin.url('/trailers')}"
    env = {**PLAIN, "SHELL": "/bin/bash", "HOME": str(tmp_path), "REENACT_TRACES": str(traces)}
    env.pop("REENACT_SESSION", None)
    program = [
        sys.executable,
        "-m",
        "recorder.cli",
        "record",
        "--no-workspace",
        "--proxy",
        "--out",
        str(trace),
    ]
    typed = f"{first}\nsleep 0.2\n{second}\n"
    done = subprocess.run(
        program,
        input=typed,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=os.getcwd(),
    )
    origin.close()
    assert done.returncode == 0, done.stderr
    assert reenact("export", "har", trace, "-o", out).code == 0
    log = har_types.check(out.read_bytes())
    titles = {page.id: page.title for page in log.pages}
    told = [(entry.request.url.rpartition("/")[2], titles[entry.pageref]) for entry in log.entries]
    assert told == [("gzip", first), ("hello", second), ("trailers", second)]
    page, posted, late = json.loads(out.read_bytes())["log"]["entries"]
    assert base64.b64decode(page["response"]["content"]["text"]) == b"squeezed " * 100  # it had no type
    assert page["serverIPAddress"] == "127.0.0.1"
    assert posted["request"]["postData"]["params"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
    ]
    assert late["response"]["_trailers"] == [{"name": "X-Sum", "value": "42"}]
    with serving(trace) as server:
        assert server.curl("--compressed", origin.url("/gzip")) == (200, b"squeezed " * 100)
        assert server.curl("-d", "a=1&b=2", origin.url("/hello")) == (200, b"a=1&b=2")
