"""Real sandboxes for tests, on real terminals."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replay.sandbox import Sandbox, SandboxSpec, start
from replay.sandbox.support import Support, probe

STARTED = 1717243200 * 10**9  # 2024-06-01T12:00:00Z


@pytest.fixture(scope="session")
def support() -> Support:
    found = probe()
    if not found.ok:
        pytest.skip(
            "no sandbox on this machine: " + "; ".join(f"{what}: {mend}" for what, mend in found.reasons)
        )
    return found


class Terminal:
    """The outside of a terminal: types, and reads until something shows."""

    def __init__(self, master: int) -> None:
        self.master = master
        self.shown = ""
        self._from = 0

    def until(self, pattern: str, seconds: float = 20.0) -> str:
        """What was shown since the last call, up to the match, which must come."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.shown[self._from :])
            if found:
                self._from += found.end()
                return found.string[: found.end()]
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                pytest.fail(f"{pattern!r} never showed; shown: {self.shown[self._from :]!r}")

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def run(self, line: str, seconds: float = 20.0) -> str:
        """Types a command line; its output, whole, by marks that only its execution prints."""
        self.type(f"echo o''n; {line}; echo do''ne\r")
        self.until(r"[\r\n]on\r\n", seconds)
        return self.until(r"(?:\A|[\r\n])done\r\n", seconds).removesuffix("done\r\n").replace("\r\n", "\n")

    def drain(self) -> str:
        """All that is shown until the terminal hangs up."""
        while self._read(20.0):
            pass
        return self.shown[self._from :]


class Box:
    def __init__(self, sandbox: Sandbox, terminal: Terminal, workspace: Path, session: Path) -> None:
        self.sandbox = sandbox
        self.terminal = terminal
        self.workspace = workspace
        self.session = session


@pytest.fixture
def terminal_on() -> Callable[[int], Terminal]:
    """The outside of the terminal with this master."""
    return Terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "session").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def make_spec(folder: Path) -> Callable[..., SandboxSpec]:
    def make(**changes: Any) -> SandboxSpec:
        values: dict[str, Any] = {
            "argv": ["bash", "--norc", "--noprofile", "-i"],
            "env": {
                "PATH": "/usr/bin:/bin",
                "HOME": "/home/user",
                "TERM": "xterm",
                "PS1": "$ ",
                "LANG": "C.UTF-8",
            },
            "workspace": folder / "workspace",
            "root": "/home/user/project",
            "cwd": "/home/user/project",
            "session_folder_host": folder / "session",
            "session_folder": "/session",
            "home": "/home/user",
            "uid": 1000,
            "gid": 1000,
            "user": "user",
            "hostname": "recorded",
            "start_ns": STARTED,
        }
        return SandboxSpec(**(values | changes))

    return make


@pytest.fixture
def open_box(
    support: Support, make_spec: Callable[..., SandboxSpec], folder: Path
) -> Iterator[Callable[..., Box]]:
    """Starts sandboxes on terminals of their own; ends them after the test."""
    boxes: list[Box] = []

    def open_one(**changes: Any) -> Box:
        spec = make_spec(**changes)
        sandbox = start(spec)
        box = Box(sandbox, Terminal(sandbox.master), folder / "workspace", folder / "session")
        boxes.append(box)
        return box

    yield open_one
    for box in boxes:
        box.sandbox.kill()
        os.close(box.sandbox.master)


def alive(pid: int) -> bool:
    """Whether a process runs still (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def await_end() -> Callable[..., None]:
    def wait(pids: list[int], seconds: float = 10.0) -> None:
        """Fails unless all these processes end."""
        end = time.monotonic() + seconds
        for pid in pids:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                ended, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
            finally:
                os.close(fd)
            if not ended and alive(pid):
                os.kill(pid, signal.SIGKILL)
                pytest.fail(f"process {pid} outlived its sandbox")

    return wait
