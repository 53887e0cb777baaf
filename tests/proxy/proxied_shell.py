"""A real bash on a real terminal whose marks become notices, as the terminal source's relay makes them."""

from __future__ import annotations

import os
import pty
import re
import select
import time

THINKING = 0.05
MARK = re.compile(rb"\x1b\]7;(\w)\x07")


class Shell:
    """`run` types a command and returns when the next prompt is there. Commands are counted from 1."""

    def __init__(self, env: dict[str, str], notify: int) -> None:
        self._notify = notify
        self.commands = 0
        self._prompts = 0
        self._tail = b""
        pid, self._fd = pty.fork()
        if pid == 0:
            marks = {"PS0": "\\e]7;C\\a", "PS1": "\\[\\e]7;P\\a\\]$ "}
            os.execvpe(
                "bash",
                ["bash", "--norc", "--noprofile", "--noediting", "-i"],
                {**env, **marks, "TERM": "dumb"},
            )
        self.pid = pid
        os.write(notify, b"S %d\n" % pid)
        self._until_prompt(1)

    def run(self, command: str) -> int:
        """Types as a person does: not within the blink of the prompt."""
        wanted = self._prompts + 1
        select.select([], [], [], THINKING)
        os.write(self._notify, b"E %d\n" % time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        os.write(self._fd, command.encode() + b"\n")
        self._until_prompt(wanted)
        return self.commands

    def close(self) -> None:
        os.close(self._fd)
        os.waitpid(self.pid, 0)

    def _until_prompt(self, wanted: int) -> None:
        end = time.monotonic() + 60
        while self._prompts < wanted:
            assert select.select([self._fd], [], [], end - time.monotonic())[0], self._tail
            self._tail += os.read(self._fd, 65536)
            now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            while found := MARK.search(self._tail):
                self._tail = self._tail[found.end() :]
                if found[1] == b"C":
                    self.commands += 1
                    os.write(self._notify, b"C %d %d\n" % (self.commands, now))
                else:
                    self._prompts += 1
                    os.write(self._notify, b"P %d %d\n" % (self._prompts, now))
