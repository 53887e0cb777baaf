"""Output on its way from the program to the expert's screen and into the ring."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from time import clock_gettime_ns
from typing import NamedTuple

from recorder.sources.terminal import tty
from recorder.sources.terminal.keyboard import Keyboard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.ring import MAX_STAGED, SHOWN, Ring, State, now
from recorder.trace.marks import Mark, MarkScanner, Progress

READ = 1 << 16
GATHER_FROM = 4000
MAX_ECHO = 4096
_BOOTTIME = time.CLOCK_BOOTTIME


class Scanned(NamedTuple):
    """Output as it came, as it is shown, the marks that were in it, and its end that may be half a mark."""

    data: bytes
    shown: bytes
    marks: list[Mark]
    held: bytes


class Stream:
    """Shows and publishes output.

    A single piece (an echo, a prompt) is staged for a successor, shown, and published when `settle` is called: no
    work of ours stands between it and the expert. What follows within the same moment is a stream, which is
    published and then shown. Either way it is in shared memory before anyone sees it.

    `take` is for one thread; everything else under `lock`, which `settle` takes by itself.
    """

    def __init__(
        self,
        ring: Ring,
        producer: Producer,
        keyboard: Keyboard,
        master: int,
        stdout: int,
        nonce: bytes,
        *,
        lose: Callable[[str], None],
        notify: Callable[[bytes], None],
    ) -> None:
        self.lock = keyboard.lock
        self.visible = True
        self.staged: Scanned | bytes | None = None
        """What was shown and not published yet; set to None when it was."""
        self._staged_at = 0
        self.streaming = False
        self.taken = 0
        """How often `take` was called."""
        self.closed = False
        self._ring, self._words = ring, ring.words
        self._producer, self._keyboard = producer, keyboard
        self._master, self._stdout = master, stdout
        self._lose, self._notify = lose, notify
        self._nonce = nonce
        self._scanner = MarkScanner(nonce, producer.state.offset)
        self._progress = _resumed(producer.state)
        # A record must fit in the ring several times over, also in a small one.
        self.read_size = min(READ, ring.capacity // 8)
        self._most = min(MAX_STAGED - READ, ring.capacity // 8)
        self._more = select.poll()
        self._more.register(master, select.POLLIN)

    def take(self, data: bytes) -> None:
        """Show and publish what the program wrote."""
        state, keyboard = self._producer.state, self._keyboard
        self.taken += 1
        if self.staged is not None:
            self.settle()
            self.streaming = True
        if not self.streaming and self.visible and len(data) <= MAX_ECHO:
            offset = state.offset
            self._ring.stage(data, offset)
            self._staged_at = clock_gettime_ns(_BOOTTIME)
            if b"\x1b" in data or state.held:
                scanned = self.staged = self._scan(data)
                self.show(scanned.shown)
                self._words[SHOWN] = offset + len(data) - len(scanned.held)
                return
            # The way of every echo: what happens before the write is what an echo waits for.
            self.staged = data
            try:
                count = os.write(self._stdout, data)
            except OSError:
                count = 0
            if count < len(data):
                self.show(data[count:])
            self._words[SHOWN] = offset + len(data)
            return
        if len(data) >= GATHER_FROM:
            data = self._gather(data, state.offset)
        with self.lock:
            if self.closed:
                return
            keyboard.publish()
            scanned = self._scan(data)
            self._record(scanned)
        self.show(scanned.shown)
        self._words[SHOWN] = state.offset - len(scanned.held)

    def settle(self) -> None:
        """Publish what was forwarded and shown and not recorded yet, in the order in which it happened."""
        with self.lock:
            self._keyboard.publish()
            staged = self.staged
            if staged is not None:
                scanned = Scanned(staged, staged, _NONE, b"") if isinstance(staged, bytes) else staged
                self._record(scanned, self._staged_at)
                self.staged = None

    def take_over(self) -> None:
        """Go on where a predecessor was killed: show what it published and may not have shown (rather twice than
        not at all), find a mark that its death cut in half, publish what it staged."""
        state, shown = self._producer.state, self._words[SHOWN]
        unseen = self._producer.last_output(max(0, state.offset - shown))
        self._scanner = MarkScanner(self._nonce, state.offset - len(unseen))
        self.show(self._scanner.feed(unseen)[0])
        self._keyboard.resume()
        staged = self._ring.staged(state.offset)
        if staged:
            scanned = self._scan(staged)
            self._record(scanned)
            if shown < state.offset - len(scanned.held):
                self.show(scanned.shown)
        self._words[SHOWN] = state.offset - len(state.held)

    def close(self) -> None:
        """Publish and show the rest; what `take` gets later is nobody's any more."""
        with self.lock:
            self.settle()
            self.closed = True
            self._keyboard.close()
            self.show(self._scanner.flush())

    def show(self, data: bytes) -> None:
        """Write to the expert's terminal, as long as there is one."""
        if not data or not self.visible:
            return
        try:
            count = os.write(self._stdout, data)
            if count < len(data):
                tty.write_all(self._stdout, data[count:])
        except BlockingIOError:
            tty.write_all(self._stdout, data)
        except OSError as error:
            self._lose(error.strerror or "closed")

    def _gather(self, data: bytes, offset: int) -> bytes:
        """What can be had at once: the kernel gives 4 KB a read, and each showing costs more than a read. What is
        out of the kernel's hands is staged."""
        parts = [data]
        self._ring.stage(data, offset)
        length = len(data)
        while length <= self._most and len(parts[-1]) >= GATHER_FROM and self._more.poll(0):
            try:
                data = os.read(self._master, self.read_size)
            except OSError:
                break  # the end; the next read meets it again
            parts.append(data)
            self._ring.stage(data, offset, length)
            length += len(data)
        return b"".join(parts)

    def _scan(self, data: bytes) -> Scanned:
        held = self._producer.state.held
        if not held and b"\x1b" not in data:
            return Scanned(data, data, _NONE, b"")
        shown, marks = self._scanner.feed(data)
        kept = len(held) + len(data) - len(shown) - sum(mark.end - mark.start for mark in marks)
        return Scanned(data, shown, marks, (held + data)[-kept:] if kept > 0 else b"")

    def _record(self, scanned: Scanned, t: int | None = None) -> None:
        """Publish output, shown at `t` (now), and what its marks say, in one commit."""
        notices: list[bytes] = []
        for mark in scanned.marks:
            self._see(mark, notices)
        self._producer.state.held = scanned.held
        self._producer.output(scanned.data, t)
        self._keyboard.shown(scanned.shown)
        for notice in notices:
            self._notify(notice)

    def _see(self, mark: Mark, notices: list[bytes]) -> None:
        state, progress = self._producer.state, self._progress
        if not progress.see(mark):
            return
        state.prompts, state.commands = progress.prompts, progress.commands
        state.at_prompt = progress.at_prompt
        if mark.type == "P":
            state.prompt, state.ready = int(mark.fields[0]), False
        elif mark.type == "R":
            state.ready = True
            notices.append(b"P %d %d\n" % (progress.prompts, now()))
        else:
            notices.append(b"C %d %d\n" % (progress.commands, now()))


def _resumed(state: State) -> Progress:
    """Where the shell stood when the last relay died, so that a redrawn prompt does not count again."""
    if not state.prompt:
        return Progress(state.prompts, state.commands)
    progress = Progress(state.prompts - 1, state.commands)
    number = b"%d" % state.prompt
    progress.see(Mark("P", 0, 0, (number, b"0", b"%d" % state.commands)))
    if state.ready:
        progress.see(Mark("R", 0, 0, (number,)))
    progress.at_prompt = state.at_prompt
    return progress


_NONE: list[Mark] = []
