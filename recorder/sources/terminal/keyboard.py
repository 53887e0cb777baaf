"""The expert's input on its way to the program: with what state it was typed, what of it may be stored."""

from __future__ import annotations

import errno
import marshal
import os
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from fcntl import ioctl
from io import BytesIO
from time import clock_gettime_ns
from typing import NamedTuple

from recorder.sources.terminal.guard import Guard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.replies import ReplyParser, asks
from recorder.sources.terminal.ring import now
from recorder.sources.terminal.tty import Foreground, line_flags, write_all
from recorder.trace.events import Input

REPLY_WAIT_NS = 30_000_000
"""How long a record (never the key itself) waits for the rest of what may be a terminal's reply."""
_TAIL = 400
_ASKING = 8192
_TERMIOS, _GROUP = bytes(64), bytes(4)
_SECRET = (True, False)
_TCGETS, _TIOCGPGRP, _BOOTTIME = termios.TCGETS, termios.TIOCGPGRP, time.CLOCK_BOOTTIME


class Moment(NamedTuple):
    """Keys, and what the terminal was just before the program got them. `modes` and `group` are as the kernel
    gave them; `tail` is the end of the output before."""

    data: bytes
    t: int
    modes: bytes
    group: bytes
    offset: int
    prompts: int
    commands: int
    at_prompt: bool
    tail: bytes


class Keyboard:
    """Forwards keys and publishes input events.

    A key waits for the look at the terminal's state and for being staged for a successor (unless it may be part of a
    secret); the relay asks for its record (`publish`) when its echo was shown. What is stored is decided before
    anything is published.
    """

    def __init__(
        self, producer: Producer, master: int, shell_pid: int, on_enter: Callable[[int], None] | None = None
    ) -> None:
        self._producer = producer
        self._state = producer.state
        self._master = master
        self._on_enter = on_enter
        self._foreground = Foreground(shell_pid)
        self._guard = Guard()
        self._replies = ReplyParser()
        self.lock = threading.RLock()
        """Guards all that is recorded, here and of the output: see `Stream`."""
        self.forwarded: deque[tuple[bytes, int, bytes, bytes, int, int, int, bool, bytes]] = deque()
        """Keys that were forwarded and not published yet: the fields of `Moment`."""
        self._tail = b""
        self._group = _GROUP
        self._last: Moment | None = None
        self._staged = 0

    def forward(self, data: bytes) -> None:
        """Type `data`, waiting as long as the program takes to read it; a terminal that nobody has open takes
        anything. Calls `on_enter` before, where it ends a line at a shell prompt."""
        state, master = self._state, self._master
        t = clock_gettime_ns(_BOOTTIME)
        try:
            modes = ioctl(master, _TCGETS, _TERMIOS)
            group = ioctl(master, _TIOCGPGRP, _GROUP)
        except OSError:
            modes, group = _TERMIOS, _GROUP
        if group != self._group:
            # A name is read when its keys are published, also from a group that they end; a new one right now.
            self._group = group
            with self.lock:
                self._foreground.name(int.from_bytes(group, sys.byteorder))
        at_prompt = state.at_prompt
        offset, prompts, commands, tail = state.offset, state.prompts, state.commands, self._tail
        if at_prompt and self._on_enter is not None and (b"\r" in data or b"\n" in data):
            self._on_enter(t)
        moment = (data, t, modes, group, offset, prompts, commands, at_prompt)
        with self.lock:
            # All is done before the write: an echo comes back at once, and would have to wait for what is left.
            if not (self._guard.holding or line_flags(modes) == _SECRET):
                self._stage(moment)
            self.forwarded.append((*moment, tail))
        try:
            count = os.write(master, data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            count = len(data)
        if count < len(data):
            write_all(master, data[count:])

    def _stage(self, keys: tuple[bytes | int, ...]) -> None:
        """Lay keys down for a successor, behind those that are not published either."""
        if not self.forwarded:
            self._staged = 0
        self._staged = self._producer.stage_keys(marshal.dumps(keys), self._staged)

    def resume(self) -> None:
        """Take over what a predecessor forwarded and did not publish."""
        state = self._state
        self._tail = self._producer.last_output(_TAIL)
        staged = BytesIO(self._producer.staged_keys())
        while staged.tell() < len(staged.getvalue()):
            keys = marshal.load(staged)
            since = state.offset - keys[4]
            tail = self._producer.last_output(_TAIL + since)
            self.forwarded.append((*keys, tail[: len(tail) - since]))
        self.publish()

    def shown(self, data: bytes) -> None:
        """Output was published: it may answer keys that are held back, ask the terminal, or ask for a secret."""
        if len(data) >= _TAIL:
            self._tail = data[-_TAIL:]
        else:
            self._tail = (self._tail + data)[-_TAIL:]
        if len(data) < _ASKING and b"\x1b" in data:
            query, position = asks(data)
            if query:
                self._replies.expect(position=position)
        if self._guard.holding:
            self._publish(self._guard.shown(data))

    @property
    def waits(self) -> bool:
        """Whether anything is kept back that `tick` may decide."""
        return bool(self._replies.pending or self._guard.deadline)

    def tick(self) -> None:
        """Decide what waited long enough."""
        last = self._last
        if last is not None and now() - last.t > REPLY_WAIT_NS:
            self._publish(self._pending())
        deadline = self._guard.deadline
        if deadline and now() >= deadline:
            self._publish(self._guard.settle())

    def close(self) -> None:
        """Decide everything: no more will be typed."""
        self.publish()
        self._publish(self._pending())
        self._publish(self._guard.settle())

    def publish(self) -> None:
        """Publish what may be stored of the keys forwarded so far."""
        while self.forwarded:
            # Taken out when it is done: none left means that all stand in the ring.
            self._publish_keys(Moment._make(self.forwarded[0]))
            self.forwarded.popleft()

    def _publish_keys(self, moment: Moment) -> None:
        icanon, echo = line_flags(moment.modes)
        if icanon and not echo:
            # A secret: not even the reply parser sees it.
            self._publish(self._pending())
            self._publish(self._guard.typed(self._event(moment.data, False, moment), b""))
            return
        self._last = moment
        for piece, reply in self._replies.feed(moment.data):
            self._publish(self._guard.typed(self._event(piece, reply, moment), moment.tail))

    def _pending(self) -> list[Input]:
        last = self._last
        if last is None or not self._replies.pending:
            return []
        events = [self._event(piece, reply, last) for piece, reply in self._replies.flush()]
        return [one for event in events for one in self._guard.typed(event, last.tail)]

    def _event(self, data: bytes, reply: bool, moment: Moment) -> Input:
        icanon, echo = line_flags(moment.modes)
        return Input(
            t=moment.t,
            source=self._producer.source,
            data=data,
            offset=moment.offset,
            prompts=moment.prompts,
            commands=moment.commands,
            at_prompt=moment.at_prompt,
            icanon=icanon,
            echo=echo,
            foreground=self._foreground.name(int.from_bytes(moment.group, sys.byteorder)),
            hidden=False,
            reply=reply,
        )

    def _publish(self, events: list[Input]) -> None:
        for event in events:
            self._producer.event(event)
