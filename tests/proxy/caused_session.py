"""A shell recorded with its network, without trace or workspace, and who types into it.

As a program: `caused_session.py FOLDER FD [--tree] SHELL…` records. Notices go to the descriptor FD, too; with --tree
commands get no control groups.
"""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from recorder.sources.proxy import start_proxy
from recorder.sources.terminal import TerminalRequest, record_terminal, terminal_size
from recorder.sources.terminal.launch import launch
from recorder.trace.codec import decode_event
from recorder.trace.events import FlowRequested, TerminalStarted
from recorder.trace.journal import read_journal

NONCE = "0123456789abcdef" * 2
_PATIENCE = 90.0
_BATCH = 5
"""Lines that are typed ahead at once."""
_STEP = re.compile(r"[?&]step=(\d+)")


class Score(NamedTuple):
    """How the flows' causes were known; `wrong` says what was told in place of the truth, and how often."""

    how: Counter[str]
    wrong: Counter[str]
    waited: list[float]
    """From each Enter to the prompt after, in seconds."""

    @property
    def flows(self) -> int:
        return self.how.total()

    @property
    def right(self) -> int:
        return self.flows - self.wrong.total()

    @property
    def guessed(self) -> int:
        """How many were told wrong, rather than left unknown."""
        return sum(count for what, count in self.wrong.items() if not what.endswith(" unknown"))


class Session:
    """A shell being recorded. `shell` is its path; commands are counted from 1."""

    def __init__(self, folder: Path, shell: str, *, groups: bool, env: dict[str, str]) -> None:
        self.folder = folder
        self.commands = 0
        folder.mkdir(mode=0o700)
        home = folder / "home"
        home.mkdir()
        for name in (".bashrc", ".zshrc"):
            (home / name).write_text("PS1='$ '\n")
        self._prompts = 0
        self._rest = b""
        self._heard, notify = os.pipe()
        os.set_inheritable(notify, True)
        program = [sys.executable, __file__, str(folder), str(notify)]
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            settings = {
                **env,
                "HOME": str(home),
                "TERM": "dumb",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            }
            settings.pop("REENACT_SESSION", None)
            os.execve(program[0], [*program, *([] if groups else ["--tree"]), shell], settings)
        os.close(notify)
        self.shown = b""
        self._waited: list[float] = []
        self._until(1)

    def type(self, lines: Iterable[str], *, pace: float | None) -> None:
        """Types commands, each `pace` seconds after a prompt; None: some at once, ahead of their prompts."""
        waiting: list[str] = []
        for line in lines:
            self.commands += 1
            waiting.append(line.replace("@", str(self.commands)))
            if pace is not None or len(waiting) == _BATCH:
                self._enter(waiting, pace or 0.0)
        if waiting:
            self._enter(waiting, 0.0)

    def close(self) -> Score:
        """Ends the shell; what its requests were tied to."""
        os.write(self._fd, b"exit\r")
        try:
            while self._read(_PATIENCE):
                pass
        except OSError:
            pass  # the terminal's end
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._fd)
        os.close(self._heard)
        assert status == 0, self.shown[-2000:].decode(errors="replace")
        how, wrong = Counter[str](), Counter[str]()
        for frame in read_journal(self.folder / "proxy.journal"):
            event = decode_event(frame.payload, "proxy.journal")
            if not isinstance(event, FlowRequested) or not (step := _STEP.search(event.url)):
                continue  # a browser's own calls
            cause = event.cause
            how[cause.how] += 1
            if cause.command != int(step[1]):
                told = "unknown" if cause.command is None else f"{cause.command} ({cause.how})"
                wrong[f"{step[1]} {event.url.split('?')[0].rpartition('/')[2]} {cause.process}: {told}"] += 1
        return Score(how, wrong, self._waited)

    def _enter(self, waiting: list[str], pace: float) -> None:
        end = time.monotonic() + pace
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        began = time.monotonic()
        os.write(self._fd, "".join(f"{line}\r" for line in waiting).encode())
        self._until(self._prompts + len(waiting))
        self._waited.append(time.monotonic() - began)
        waiting.clear()

    def _until(self, prompts: int) -> None:
        end = time.monotonic() + _PATIENCE
        while self._prompts < prompts:
            assert self._read(end - time.monotonic()), self.shown[-2000:].decode(errors="replace")

    def _read(self, seconds: float) -> bool:
        """Takes what comes; False where nothing does in that time."""
        ready = select.select([self._fd, self._heard], [], [], max(seconds, 0))[0]
        if self._heard in ready:
            *lines, self._rest = (self._rest + os.read(self._heard, 65536)).split(b"\n")
            self._prompts = max(
                [self._prompts, *(int(line.split()[1]) for line in lines if line[:1] == b"P")]
            )
        if self._fd in ready:
            self.shown = (self.shown + os.read(self._fd, 65536))[-65536:]
        return bool(ready)


def main() -> int:
    folder, notify, *argv = sys.argv[1:]
    tree = argv[0] == "--tree"
    argv = argv[tree:]
    env = dict(os.environ)
    prepared = launch(argv, env=env, folder=Path(folder), nonce=NONCE, real_reenact="reenact")
    for name, (mode, content) in prepared.files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    proxy = start_proxy(folder=Path(folder), env=env, groups=not tree)
    # What is typed meets a session at rest.
    proxy.engine()
    cols, rows = terminal_size()
    started = TerminalStarted(
        t=0, source="terminal/1", argv=prepared.argv, shell=prepared.shell, cwd=os.getcwd(), env={},
        cols=cols, rows=rows, nonce=NONCE, files=[],
    )  # fmt: skip
    record_terminal(
        TerminalRequest(
            argv=prepared.argv, env={**prepared.env, **proxy.environment()}, cwd=os.getcwd(), folder=folder,
            nonce=NONCE, shell=prepared.shell, started=started, notify_fds=[proxy.notify_fd, int(notify)],
        )
    )  # fmt: skip
    return 0 if proxy.finish() else 1


if __name__ == "__main__":
    sys.exit(main())
