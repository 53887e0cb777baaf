"""Ctrl-C before a command has begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STARTS = "from recorder.start import main; main()"
SLOW = "import sys, time; print('loading', flush=True); time.sleep(600)"


@pytest.mark.parametrize(
    ("module", "words"),
    [("click", "--help"), ("click", "browse --headless"), ("msgspec", "ls"), ("msgspec", "export har x")],
)
def test_ctrl_c_while_modules_load_ends_quietly(module: str, words: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text(SLOW)
    with subprocess.Popen(
        [sys.executable, "-c", STARTS, *words.split()],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")
