"""Commands run in this process, and on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios

import pytest
from small_session import Done

from recorder import cli


class Inside:
    """Runs commands in this process: what a command says is the same, and it starts at once."""

    def __init__(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capfd = capfd
        self._monkeypatch = monkeypatch

    def __call__(self, *words: object) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["reenact", *map(str, words)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, said.out, said.err)


def on_terminal(words: list[str], env: dict[str, str]) -> tuple[int, bytes]:
    """Runs a command on a terminal of 100 columns; its exit code and all that the terminal got."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
            os.execve(words[0], words, env)
        finally:
            os._exit(127)
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:
        pass
    finally:
        os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
