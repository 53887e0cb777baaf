"""The place in which sessions are replayed shows what would leave it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_clients import probe

PROGRAM = str(Path(__file__).with_name("empty_network.py"))


def test_what_is_sent_is_counted() -> None:
    if not probe().ok:
        pytest.skip("no namespaces here")
    code = "import socket; socket.create_connection(('127.0.0.1', 40404)).send(b'x' * 1000)"
    done = subprocess.run(
        [sys.executable, PROGRAM, "40404", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["exit"] == 0, answer["complained"]
    assert answer["accepted"] == 1
    assert answer["sent"] > 1000
