"""Each session is recorded and replayed once, by whichever process asks first; all its tests look at that."""

from __future__ import annotations

import fcntl
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

if importlib.util.find_spec("mitmproxy") is None:
    pytest.skip("mitmproxy is not installed (extra `proxy`)", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))

from recorded_clients import Plan, Run, record_and_replay


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan], Run]:
    """What became of a planned session."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith(
        "popen-"
    ):  # one of several processes, each of which has a folder in the shared one
        folder = folder.parent

    def run(plan: Plan) -> Run:
        result = folder / f"clients-{plan.name}.json"
        with (folder / f"clients-{plan.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                result.write_bytes(msgspec.json.encode(record_and_replay(plan)))
        return msgspec.json.decode(result.read_bytes(), type=Run)

    return run
