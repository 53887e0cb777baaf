"""A shell on a real PTY with the integration in it, driven by keystrokes; waits are on marks and output."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from recorder.sources.terminal.launch import Launch, launch
from recorder.trace.events import CommandEnded, CommandStarted, PromptShown
from recorder.trace.marks import Mark, MarkScanner, Progress, shell_events

NONCE = "0123456789abcdef" * 2
PATIENCE = 20.0


class Shell:
    """One shell from start to end. `shown` is what a person sees, `raw` what the shell wrote."""

    def __init__(
        self, argv: list[str] | None, home: Path, folder: Path, env: dict[str, str], restore: bytes | None
    ):
        base = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
        }
        self.folder = folder
        self.launch: Launch = launch(
            argv,
            env={**base, **env},
            folder=folder,
            nonce=NONCE,
            real_reenact="/nonexistent/reenact",
            restore=restore,
        )
        for name, (mode, content) in self.launch.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        self.raw = bytearray()
        self.shown = bytearray()
        self.marks: list[tuple[int, Mark]] = []
        self.progress = Progress()
        self.status: int | None = None
        self._scanner = MarkScanner(NONCE.encode())
        self._checked = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.closerange(3, 1024)
                os.chdir(home)
                os.execvpe(self.launch.argv[0], self.launch.argv, self.launch.env)
            finally:
                os._exit(127)
        self.resize(120, 40)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def pump(self, seconds: float) -> bool:
        """Take what comes within `seconds`; False once the terminal is closed."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            return False
        self.raw += data
        shown, marks = self._scanner.feed(data)
        self.shown += shown
        for mark in marks:
            self.marks.append((time.monotonic_ns(), mark))
            self.progress.see(mark)
        return True

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"still waiting for {what}; shown so far: {bytes(self.shown[-1500:])!r}"
            alive = self.pump(min(left, 0.05))
            assert alive or condition(), (
                f"the shell ended while waiting for {what}: {bytes(self.shown[-1500:])!r}"
            )

    def type(self, keys: bytes | str) -> None:
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def shows(self, text: bytes | str, keys: bytes | str = b"") -> None:
        """Type `keys`, wait until `text` is shown after that."""
        start = len(self.shown)
        wanted = text.encode() if isinstance(text, str) else text
        if keys:
            self.type(keys)
        self.until(lambda: wanted in self.shown[start:], f"{wanted!r}")

    def prompt(self, keys: bytes | str = b"", count: int = 1) -> bytes:
        """Type `keys`, wait for `count` new prompts ready for typing; what was shown since."""
        start, wanted = len(self.shown), self.progress.prompts + count
        if keys:
            self.type(keys)
        self.until(lambda: self.progress.prompts >= wanted and self.progress.at_prompt, f"prompt {wanted}")
        return bytes(self.shown[start:])

    def run(self, line: str) -> bytes:
        """Enter a line, wait for the next prompt; what was shown since, carriage returns taken out."""
        return self.prompt(line.encode() + b"\r").replace(b"\r", b"")

    def output(self, line: str) -> str:
        """Enter a line; what it printed, the echo and what the shell itself adds left out."""
        seen = len(self.commands())
        self.run(line)
        events = [e for e in self.events() if not isinstance(e, PromptShown) and e.n > seen]
        text = bytes(self.raw[events[0].offset : events[1].offset]).decode()
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b\(B|\x1b[=>]", "", text)
        # zsh and fish mark output without a line feed, and overwrite the mark where there was one
        text = re.sub(r"[#%⏎] {20,}\r(⏎ ?)? ?\r", "", text)
        return text.replace("\r", "")

    def in_front(self, name: str) -> None:
        """Wait until a program of this name is in the foreground and sleeps: seen twice, no switch between.

        Ctrl-C at a prompt needs it too: readline loses the signal between its check and its select.
        """
        last = ""

        def there() -> bool:
            nonlocal last
            try:
                group = os.tcgetpgrp(self.fd)
                status = Path(f"/proc/{group}/status").read_text()
            except OSError:
                return False
            before, last = last, status
            return f"Name:\t{name}\n" in status and "State:\tS" in status and status == before

        self.until(there, f"{name} in the foreground")

    def ended(self, keys: bytes | str = b"") -> int:
        """Type `keys`, wait for the shell's end; its exit status."""
        if keys:
            self.type(keys)
        end = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.pump(0.02)
            assert time.monotonic() < end, f"the shell does not end: {bytes(self.shown[-1500:])!r}"
        # Background programs may keep the terminal open; what the shell wrote is there by now.
        while select.select([self.fd], [], [], 0)[0] and self.pump(0):
            pass
        self.status = os.waitstatus_to_exitcode(ended[1])
        return self.status

    @property
    def log(self) -> bytes:
        path = self.folder / "shell-1.log"
        return path.read_bytes() if path.exists() else b""

    def events(self) -> list[PromptShown | CommandStarted | CommandEnded]:
        return shell_events(
            self.marks, self.log, nonce=NONCE.encode(), source="terminal/1", cwd="/", end=len(self.raw)
        )

    def commands(self) -> list[tuple[str, int | None]]:
        """Every command with its exit status, None while it runs."""
        texts: dict[int, tuple[str, int | None]] = {}
        for event in self.events():
            if isinstance(event, CommandStarted):
                texts[event.n] = (event.text, None)
            elif isinstance(event, CommandEnded):
                texts[event.n] = (texts[event.n][0], event.exit)
        return list(texts.values())

    def fresh(self) -> list[tuple[str, int | None]]:
        """Commands since the last call."""
        every = self.commands()
        start, self._checked = self._checked, len(every)
        return every[start:]

    def close(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -9
        os.close(self.fd)


Start = Callable[..., Shell]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start(argv, files={path in HOME: text}, env={}, restore=None, ready=True) -> Shell at its first prompt."""
    shells: list[Shell] = []

    def begin(
        argv: Sequence[str] | str | None,
        files: dict[str, str] | None = None,
        env: dict[str, str] | None = None,
        restore: bytes | None = None,
        ready: bool = True,
    ) -> Shell:
        words = argv.split() if isinstance(argv, str) else argv
        if words and shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        home = tmp_path / "home"
        # Without this folder fish would read every manual page in the background.
        (home / ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        folder = tmp_path / f"session {len(shells)}"
        folder.mkdir(mode=0o700)
        shell = Shell(None if words is None else list(words), home, folder, env or {}, restore)
        shells.append(shell)
        if ready:
            shell.until(lambda: shell.progress.at_prompt, "the first prompt")
        return shell

    yield begin
    for shell in shells:
        shell.close()
