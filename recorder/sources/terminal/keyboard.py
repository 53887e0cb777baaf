"""The expert's input on its way to the program: with what state it was typed, what of it may be stored."""

from __future__ import annotations

import threading
from collections.abc import Callable

from recorder.sources.terminal.guard import Guard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.replies import ReplyParser, asks
from recorder.sources.terminal.ring import now
from recorder.sources.terminal.tty import Foreground, line_modes
from recorder.trace.events import Input

REPLY_WAIT_MS = 30
"""How long a record (never the key itself) waits for the rest of what may be a terminal's reply."""
_TAIL = 400
_ASKING = 8192


class Keyboard:
    """Publishes input events. `typed` is for the thread that reads keys, `shown` for the one that shows output,
    `tick` for either or another."""

    def __init__(self, producer: Producer, master: int, shell_pid: int) -> None:
        self._producer = producer
        self._master = master
        self._foreground = Foreground(master, shell_pid)
        self._guard = Guard()
        self._replies = ReplyParser()
        self._lock = threading.Lock()
        self._tail = b""
        self._last: Callable[[bytes, bool], Input] | None = None

    def typed(self, data: bytes) -> bool:
        """Publish `data` as it is about to be typed. Returns whether it ends a line at a shell prompt."""
        with self._lock:
            state = self._producer.state
            at_prompt = state.at_prompt
            icanon, echo = line_modes(self._master)
            event = self._sample(icanon, echo)
            if icanon and not echo:
                # A secret: not even the reply parser sees it.
                self._publish(self._pending())
                self._publish(self._guard.typed(event(data, False), b""))
                return False
            self._last = event
            for piece, reply in self._replies.feed(data):
                self._publish(self._guard.typed(event(piece, reply), self._tail))
        return at_prompt and (b"\r" in data or b"\n" in data)

    def before_shown(self, data: bytes) -> None:
        """Note output before the expert's terminal gets it and answers."""
        if len(data) >= _TAIL:
            self._tail = data[-_TAIL:]
        else:
            self._tail = (self._tail + data)[-_TAIL:]
        if len(data) < _ASKING and b"\x1b" in data:
            query, position = asks(data)
            if query:
                with self._lock:
                    self._replies.expect(position=position)

    def shown(self, data: bytes) -> None:
        """Output was shown; what is held back may be decided by it."""
        if self._guard.holding:
            with self._lock:
                self._publish(self._guard.shown(data))

    @property
    def timeout_ms(self) -> int | None:
        """When `tick` is due; None: not until more is typed."""
        if self._replies.pending:
            return REPLY_WAIT_MS
        deadline = self._guard.deadline
        return max((deadline - now()) // 1_000_000 + 1, 1) if deadline else None

    def tick(self) -> None:
        """Decide what waited long enough."""
        with self._lock:
            self._publish(self._pending())
            deadline = self._guard.deadline
            if deadline and now() >= deadline:
                self._publish(self._guard.settle())

    def close(self) -> None:
        """Decide everything: no more will be typed."""
        with self._lock:
            self._publish(self._pending())
            self._publish(self._guard.settle())

    def _pending(self) -> list[Input]:
        if self._last is None or not self._replies.pending:
            return []
        event = self._last
        return [
            one for piece in self._replies.flush() for one in self._guard.typed(event(*piece), self._tail)
        ]

    def _sample(self, icanon: bool, echo: bool) -> Callable[[bytes, bool], Input]:
        state, source = self._producer.state, self._producer.source
        t, offset, prompts, commands = now(), state.offset, state.prompts, state.commands
        at_prompt, foreground = state.at_prompt, self._foreground.name()

        def event(data: bytes, reply: bool) -> Input:
            return Input(
                t=t,
                source=source,
                data=data,
                offset=offset,
                prompts=prompts,
                commands=commands,
                at_prompt=at_prompt,
                icanon=icanon,
                echo=echo,
                foreground=foreground,
                hidden=False,
                reply=reply,
            )

        return event

    def _publish(self, events: list[Input]) -> None:
        for event in events:
            self._producer.event(event)
