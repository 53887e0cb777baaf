"""A session on the network: recorded through a real terminal and proxy, replayed when its origins are gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "samples"))

from expert import Expert  # noqa: E402
from scenario import PATH, Session, perform, set_stage  # noqa: E402

from replay.sandbox.support import probe  # noqa: E402

EMPTY_NETWORK = ROOT / "tests/clients/empty_network.py"
HOLDS = ("exact", "equivalent")


def command() -> str:
    """The `reenact` of this environment; skips the test where a session cannot be recorded or replayed."""
    pytest.importorskip("mitmproxy")
    found = shutil.which("reenact", path=str(Path(sys.executable).parent)) or shutil.which("reenact")
    if found is None:
        pytest.skip("the command reenact is not installed here")
    if not probe().ok:
        pytest.skip("no sandbox here")
    return found


def record(
    root: Path,
    play: Callable[[Expert], None],
    *,
    files: Mapping[str, str | bytes] = {},
    env: Mapping[str, str] = {},
    patience: float = 20.0,
    cols: int = 80,
    options: Sequence[str] = (),
) -> Path:
    """Plays a session under `reenact record --proxy` below `root`, which is not there yet. Returns the trace."""
    session = Session(name="online", summary="", play=play, files=files, env=env, cols=cols)
    stage = set_stage(session, root)
    trace = root / "online.reenact"
    done = perform(
        session,
        stage,
        [command(), "record", "--proxy", *options, "--out", str(trace), "--"],
        extra_env={"REENACT_TRACES": str(root / "traces")},
        patience=patience,
    )
    assert trace.is_file(), f"no trace was sealed; the last screen:\n{done.screen}"
    assert done.exit == 0, f"recording ended with {done.exit}; the last screen:\n{done.screen}"
    return trace


def replay(trace: Path, *options: str, ports: Sequence[int]) -> dict[str, Any]:
    """What `reenact replay --json` says of the trace, where there is no network and somebody listens at `ports`.
    Asserts that nobody came, and that nothing was sent."""
    line = [command(), "replay", str(trace), "--json", *options]
    done = subprocess.run(
        [sys.executable, str(EMPTY_NETWORK), ",".join(map(str, ports)), *line],
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
        env={"PATH": f"{Path(sys.executable).parent}:{PATH}", "HOME": os.environ["HOME"], "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    assert came["exit"] in (0, 1), f"replay ended with {came['exit']}\n{came['said']}\n{came['complained']}"
    assert (came["sent"], came["accepted"]) == (0, 0)
    answer: dict[str, Any] = json.loads(came["said"])
    return answer


def network(answer: Mapping[str, Any]) -> dict[str, int]:
    """How many requests of the replay were answered in each way; ways that were not needed are left out."""
    return {way: number for way, number in answer["network"].items() if number}


def short_of(answer: Mapping[str, Any], allowed: Sequence[str] = HOLDS) -> str:
    """The steps whose verdict is none of `allowed`, to be read; empty where there are none."""
    return json.dumps([step for step in answer["steps"] if step["verdict"] not in allowed], indent=1)[
        1:-1
    ].strip()
