"""Limits hold against payloads that want it all, and nothing outlives its sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replay.sandbox import Limits, SandboxSpec
from replay.sandbox.support import Support

pytestmark = pytest.mark.sandbox

HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3"
MIB = 1 << 20


@pytest.fixture
def greedy(open_box: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    if not os.access(PYTHON, os.X_OK):
        pytest.skip(f"the payloads need {PYTHON}")
    shutil.copy(HERE / "payloads" / "greed.py", folder / "workspace" / "greed.py")
    (folder / "workspace" / "this-is-the-sandbox").touch()

    def run(kind: str, **limits: Any) -> Any:
        argv = [PYTHON, "/greedy/greed.py", kind]
        return open_box(argv=argv, root="/greedy", cwd="/greedy", limits=Limits(**limits))

    return run


def result(box: Any) -> dict[str, Any]:
    line = box.terminal.until(r"result (\{.*\})\r\n", 60.0)
    return dict(json.loads(line.split("result ", 1)[1]))


def test_fork_bomb(greedy: Callable[..., Any]) -> None:
    box = greedy("fork_bomb", processes=60)
    got = result(box)
    assert got["stopped"] == "EAGAIN"
    assert got["processes"] <= 60


def test_memory_of_many_processes(greedy: Callable[..., Any], support: Support) -> None:
    if "memory" not in support.cgroups:
        pytest.skip("no memory cgroup may be made here")
    box = greedy("memory", memory=128 * MIB)
    while box.sandbox.wait(0.02) is None and box.terminal._read(0.01):
        assert (box.sandbox.usage().memory or 0) <= 129 * MIB
    assert box.terminal.shown.count("block") <= 6


@pytest.mark.parametrize(
    ("kind", "limit"), [("tmp", {"temporary": 16 * MIB}), ("shm", {"shared_memory": 8 * MIB})]
)
def test_memory_file_systems_are_sized(greedy: Callable[..., Any], kind: str, limit: dict[str, int]) -> None:
    got = result(greedy(kind, **limit))
    assert got["stopped"] == "ENOSPC"
    assert got["bytes"] <= max(limit.values())


def test_one_file_is_bounded(greedy: Callable[..., Any]) -> None:
    got = result(greedy("one_file", file_size=8 * MIB))
    assert got == {"bytes": 8 * MIB, "stopped": "EFBIG"}


def test_files_in_tmp_are_bounded(greedy: Callable[..., Any], support: Support) -> None:
    if not support.quotas_in_memory:
        pytest.skip("only root can bound the number of files in memory")
    got = result(greedy("tmp_files"))
    assert got["stopped"] == "ENOSPC"
    assert got["files"] <= 20_000


@pytest.mark.parametrize(
    ("kind", "limit", "word"),
    [
        ("disk", {"disk": 100 * MIB}, "bytes"),
        ("many_files", {"files": 800}, "files"),
        ("deep", {"disk": 100 * MIB}, "bytes"),
    ],
)
def test_disk_is_bounded(greedy: Callable[..., Any], kind: str, limit: dict[str, int], word: str) -> None:
    box = greedy(kind, **limit)
    status = box.sandbox.wait(60.0)
    taken = box.sandbox.usage() if kind != "deep" else None
    assert status is not None
    assert word in (box.sandbox.breach or "")
    assert taken is None or taken.disk < 1024 * MIB
    assert taken is None or taken.files < 100_000
    shutil.rmtree(box.workspace, ignore_errors=True)


def test_endless_output_stops_when_killed(greedy: Callable[..., Any], await_end: Callable[..., None]) -> None:
    box = greedy("output")
    box.terminal.until("y{1000}")
    pids = box.sandbox.processes()
    box.sandbox.kill()
    await_end(pids)


def test_daemon_ends_with_its_shell(greedy: Callable[..., Any], await_end: Callable[..., None]) -> None:
    box = greedy("daemon")
    box.terminal.until("it is up")
    pids = box.sandbox.processes()
    assert len(pids) >= 2
    box.terminal.type("\r")
    assert box.sandbox.wait(10.0) == 0
    await_end(pids)


def test_deaf_processes_die(greedy: Callable[..., Any], await_end: Callable[..., None]) -> None:
    box = greedy("deaf")
    box.terminal.until("(?s)deaf.*deaf.*deaf.*deaf")
    pids = box.sandbox.processes()
    assert len(pids) >= 4
    begin = time.monotonic()
    box.sandbox.kill()
    assert time.monotonic() - begin < 5.0
    await_end(pids, 1.0)


REPLAYER = """
import json, sys, time
from pathlib import Path
from replay.sandbox import SandboxSpec, start
import msgspec
spec = msgspec.json.decode(sys.stdin.readline(), type=SandboxSpec, dec_hook=lambda t, v: Path(v))
box = start(spec)
import os
while b"deaf" not in os.read(box.master, 4096): pass
own = [int(p) for p in Path(f"/proc/{os.getpid()}/task").iterdir() for p in (p / "children").read_text().split()]
print(json.dumps([box.pid, *box.processes(), *own]), flush=True)
time.sleep(60)
"""


def test_nothing_outlives_a_killed_replayer(
    greedy: Callable[..., Any], make_spec: Callable[..., SandboxSpec], await_end: Callable[..., None]
) -> None:
    import msgspec

    spec = make_spec(argv=[PYTHON, "/greedy/greed.py", "deaf"], root="/greedy", cwd="/greedy")
    scratch = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(scratch, 0o711)
    replayer = subprocess.Popen(
        [sys.executable, "-c", REPLAYER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=HERE.parents[1],
        env={**os.environ, "TMPDIR": scratch},
    )
    try:
        assert replayer.stdin is not None
        assert replayer.stdout is not None
        replayer.stdin.write(msgspec.json.encode(spec, enc_hook=str) + b"\n")
        replayer.stdin.flush()
        pids = json.loads(replayer.stdout.readline())
        assert os.listdir(scratch) != []
        assert len(pids) >= 5
        replayer.send_signal(signal.SIGKILL)
        replayer.wait()
        await_end(pids)  # the janitor is among them: when it has ended, it has cleared up
        assert os.listdir(scratch) == []
    finally:
        replayer.kill()
        for pipe in (replayer.stdin, replayer.stdout):
            assert pipe is not None
            pipe.close()
        replayer.wait()
        shutil.rmtree(scratch, ignore_errors=True)
