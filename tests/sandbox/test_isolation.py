"""Recordings in the sandbox, by the real command on a real terminal: what they leave behind, which is nothing."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recorder.trace.removal import remove_tree

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

DEEP = 5000
DIG = f"import os; [(os.mkdir('d'), os.chdir('d')) for _ in range({DEEP})]; print('du' + 'g')"


class Recording:
    """`reenact record --isolated` on a terminal. `tmp` is where its sandboxes have their folders."""

    def __init__(self, base: Path, terminal_on: Callable[[int], Any]) -> None:
        self.tmp, self.traces, self.work = base / "tmp", base / "traces", base / "work"
        for folder in (self.tmp, self.traces, self.work):
            folder.mkdir()
        for folder in (base, self.tmp):
            folder.chmod(0o711)  # root's sandboxes run as somebody else
        (self.work / "file").write_text("content\n")
        self.trace = base / "out.reenact"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(base),
            "TERM": "xterm",
            "TMPDIR": str(self.tmp),
            "REENACT_TRACES": str(self.traces),
        }
        command = [*self.command, "record", "--isolated", "--out", str(self.trace)]
        self.pid, master = pty.fork()
        if self.pid == 0:
            os.chdir(self.work)
            os.execve(sys.executable, [*command, "--", "bash", "--norc", "--noprofile"], self.env)
        self.terminal = terminal_on(master)
        self.ended = False

    command = (sys.executable, "-c", "from recorder.cli import main; main()")

    def end(self) -> None:
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.terminal.master)
            self.ended = True

    def status(self) -> int:
        self.terminal.drain()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.terminal.master)
        self.ended = True
        return status

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments], env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in (0, 5), done.stdout + done.stderr  # 5: incomplete, and says so
        return done.stdout

    def sessions(self) -> list[Path]:
        return list((self.traces / ".sessions").iterdir())

    def clean(self) -> None:
        """Returns once no sandbox's folder is left, which must come."""
        end = time.monotonic() + 20
        while left := list(self.tmp.iterdir()):
            assert time.monotonic() < end, left
            select.select([], [], [], 0.02)


@pytest.fixture
def recording(support: object, terminal_on: Callable[[int], Any]) -> Iterator[Recording]:
    base = Path(tempfile.mkdtemp(prefix="isolated-", dir="/var/tmp"))
    recording = Recording(base, terminal_on)
    yield recording
    recording.end()
    remove_tree(base)


def test_folders_too_deep_for_any_path_are_removed(recording: Recording) -> None:
    """Those of the workspace, and those among the session's own files, where the session can write too."""
    recording.terminal.until(r"[$#] $")
    for place in (".", "$REENACT_SESSION"):
        recording.terminal.type(f'(cd {place} && python3 -c "{DIG}")\r')
        recording.terminal.until(r"dug\r\n")
        recording.terminal.until(r"[$#] $")
    recording.terminal.type("exit\r")
    assert recording.status() == 0
    assert recording.trace.is_file()
    assert recording.sessions() == []
    recording.clean()


def test_a_killed_recorder_leaves_only_what_a_recovery_needs(recording: Recording) -> None:
    recording.terminal.until(r"[$#] $")
    recording.terminal.type(f'cat file; python3 -c "{DIG}"\r')
    recording.terminal.until(r"dug\r\n")
    recording.terminal.until(r"[$#] $")
    assert list(recording.tmp.iterdir())
    recording.end()
    recording.clean()
    (session,) = recording.sessions()
    assert not (session / "isolated/workspace").exists()
    recording.run("recover", str(session), "--out", str(recording.trace))
    assert recording.sessions() == []
    (step,) = json.loads(recording.run("steps", str(recording.trace), "--json"))
    assert step["text"].startswith("cat file;")
    assert "d/d" in step["changes"]
    assert "file" not in step["changes"], "the copy's removal is told as the session's work"
    assert (recording.work / "file").read_text() == "content\n"
