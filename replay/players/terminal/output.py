"""What a replayed program shows: its raw output kept, its marks counted, its questions to the terminal answered."""

from __future__ import annotations

import errno
import os
import re
import select
import tempfile
import time
from typing import IO

from recorder.trace.answers import Answers
from recorder.trace.events import Input
from recorder.trace.marks import Mark, MarkScanner, Progress
from recorder.trace.screen import Screen
from replay.plan import Plan
from replay.players.terminal.waiting import TerminalWatch

_QUERY = re.compile(rb"\x1b\[[>=?!]?[\d;]*(?:\$p|[cnqtu])|\x1b\][\d;]*;\?|\x1bP[+$]q|\x1b\[\?u|\x1bZ|\x05")
"""What a terminal answers. Only output that holds one is worth an emulator's time."""

_TAIL = 32768
_MOUTHFUL = 1 << 18
"""Bytes that are taken at once. Of a program that shows without end the rest waits, and it may get its key."""
_REPLY_WAIT = 200_000_000


class TerminalOutput:
    """The master side of the PTY, as the expert's terminal was.

    `started` and all moments are nanoseconds of the monotonic clock; offsets and sizes bytes of raw output.
    """

    def __init__(self, plan: Plan, master: int, watch: TerminalWatch, most: int) -> None:
        self._plan = plan
        self._master = master
        self._watch = watch
        self._most = most
        self._scanner = MarkScanner(plan.terminal.nonce.encode())
        self._replies = bytearray()
        self._screen = Screen(
            plan.terminal.cols,
            plan.terminal.rows,
            answer=self._replies.extend,
            answers=Answers.recorded(reply.data for reply in plan.replies),
        )
        self._replied = 0
        self._asked = 0
        self._tail = bytearray()
        self.started = time.monotonic_ns()
        self.last = self.started
        """When something was shown last."""
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
        self.size = 0
        self.marks: list[tuple[int, Mark]] = []
        self.inputs: list[Input] = []
        """All that was written to the program, answers to its questions included."""
        self.frames: list[tuple[int, int]] = []
        self.shell = Progress()
        self.command_offset = 0
        self.ready_offset = 0
        self.entered = True
        """A line was submitted (or the shell has just started): the prompt in sight is not the next one."""
        self.ended = False
        self.remarks: list[str] = []
        os.set_blocking(master, False)

    @property
    def commands(self) -> int:
        return self.shell.commands

    @property
    def ready(self) -> bool:
        """At a prompt that nothing was submitted at yet."""
        return self.shell.at_prompt and not self.entered

    @property
    def since_command(self) -> int:
        """Bytes shown since the last command began."""
        return self.size - self.command_offset

    @property
    def since_ready(self) -> int:
        """Bytes shown since the last prompt was drawn."""
        return self.size - self.ready_offset

    def input(self, data: bytes, *, foreground: str = "", hidden: bool = False, reply: bool = False) -> Input:
        """What is typed now, with the state that it meets, told as a recording would."""
        line_mode, echo = self._watch.modes()
        return Input(
            t=time.monotonic_ns() - self.started,
            source=self._plan.terminal.source,
            data=data,
            offset=self.size,
            prompts=self.shell.prompts,
            commands=self.commands,
            at_prompt=self.ready,
            icanon=line_mode,
            echo=echo,
            foreground=foreground,
            hidden=hidden,
            reply=reply,
        )

    def resize(self, cols: int, rows: int) -> None:
        """The screen has another size from here on."""
        self._feed_screen()
        self._screen.resize(cols, rows)

    def lines(self) -> tuple[str, ...]:
        """What is on the screen now."""
        self._feed_screen()
        return self._screen.lines()

    def write(self, data: bytes) -> None:
        """Types `data`, taking output meanwhile. Returns early when the program ends."""
        view = memoryview(data)
        while view and not self.ended:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                self.pump(0.001)
            except OSError:
                return

    def _reply(self) -> None:
        """Answers a program's query, once the terminal is in the modes in which the recorded answer found it."""
        if not self._replies:
            return
        expected = (
            self._plan.replies[min(self._replied, len(self._plan.replies) - 1)]
            if self._plan.replies
            else None
        )
        late = time.monotonic_ns() - self._asked > _REPLY_WAIT
        if expected is None or late or self._watch.modes() == (expected.icanon, expected.echo):
            replies = bytes(self._replies)
            self._replies.clear()
            self._replied += 1
            self.inputs.append(self.input(replies, reply=True))
            self.write(replies)

    def pump(self, timeout: float) -> None:
        """Takes what the terminal shows, waiting at most `timeout` seconds for the first byte."""
        self._reply()
        ready, _, _ = select.select([self._master], [], [], timeout)
        full = self.size + _MOUTHFUL
        while ready and not self.ended and self.size < full:
            try:
                data = os.read(self._master, 65536)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                self.ended = True
                return
            self._take(data)
            if self.size > self._most:
                self.remarks.append(f"output over {self._most} bytes; stopped")
                self.ended = True
            ready, _, _ = select.select([self._master], [], [], 0)

    def _take(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.last = now
        t = now - self.started
        self.frames.append((t, self.size))
        self.file.write(data)
        self.size += len(data)
        shown, marks = self._scanner.feed(data)
        for mark in marks:
            self.marks.append((t, mark))
            if self.shell.see(mark):
                if mark.type == "C":
                    self.command_offset = mark.end
                elif mark.type == "R":
                    self.entered = False
                    self.ready_offset = mark.end
        overlap = bytes(self._tail[-32:])
        self._tail += shown
        if len(self._tail) > _TAIL:
            del self._tail[:-_TAIL]
        if _QUERY.search(overlap + shown):
            self._feed_screen()
            self._asked = now

    def _feed_screen(self) -> None:
        self._screen.feed(bytes(self._tail))
        self._tail.clear()
