"""The samples that come with the project: good ones hold, damaged ones are rejected for what is wrong with them."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"
GOOD = sorted(SAMPLES.glob("*.reenact"))


def reenact(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("reenact", path=str(Path(sys.executable).parent))
    assert command, "the command is not installed beside this Python"
    return subprocess.run(
        [command, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


def codes() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("damage", SAMPLES / "damage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.CODES)


def test_there_are_three_each_with_its_page() -> None:
    assert len(GOOD) >= 3
    assert all(trace.with_suffix(".md").is_file() for trace in GOOD)


@pytest.mark.parametrize("trace", GOOD, ids=lambda path: path.stem)
def test_good_samples_are_whole(trace: Path) -> None:
    done = reenact("inspect", trace, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["ok"], said["signature"], said["state"]) == (0, True, "valid", "complete")


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("trace", GOOD, ids=lambda path: path.stem)
def test_good_samples_replay(trace: Path) -> None:
    """On the system that they were recorded on; another release's tools may print otherwise."""
    recorded_on = json.loads(reenact("show", trace, "--json").stdout)["manifest"]["environment"]["os"]
    release = Path("/etc/os-release").read_text()
    if f'PRETTY_NAME="{recorded_on}"' not in release:
        pytest.skip(f"recorded on {recorded_on}")
    done = reenact("replay", trace, "--runs", "2", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "code"), codes().items())
def test_damaged_samples_are_rejected(name: str, code: str) -> None:
    trace = SAMPLES / "damaged" / f"{name}.reenact"
    for command in ("inspect", "replay", "steps"):
        done = reenact(command, trace)
        assert done.returncode == 3 or (command == "steps" and "frames" in name), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    done = reenact("inspect", trace)
    assert f"[{code}]" in done.stdout + done.stderr
