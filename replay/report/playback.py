"""Playback: showing what was recorded, executing nothing.

`play` is the pure course of it, over a clock, a writer and keys that are passed in; `play_on_terminal` is the
thin edge that gives it the real ones. All output goes through `escapes.EscapeFilter`.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from recorder.trace.asciicast import CastEvent
from replay.report.escapes import EscapeFilter

_FASTEST: Final = 1024.0
_SLOWEST: Final = 1 / 64
_DUMP_CHUNK: Final = 1 << 16


class Ending(StrEnum):
    FINISHED = "finished"
    QUIT = "quit"
    INTERRUPTED = "interrupted"


def play(
    events: Iterable[CastEvent],
    *,
    write: Callable[[bytes], object],
    keys: Callable[[float | None], bytes],
    clock: Callable[[], float],
    speed: float = 1.0,
    idle_limit: float | None = None,
) -> Ending:
    """Writes the output events of `events` (by time) at the pace at which they were recorded.

    `keys(seconds)` waits that long for keys (None: for ever) and returns those pressed, b"" when there was
    none; `clock` gives seconds. `speed` multiplies the pace, `idle_limit` is the longest pause in recorded
    seconds. Keys: space pauses and goes on, `.` shows the next output while paused, `+` and `-` double and
    halve the speed, `q` quits, Ctrl-C (typed or raised) interrupts. However it ends, also by an exception, the
    terminal's usual state is written last. Raises only what its arguments raise, never KeyboardInterrupt.
    """
    filter_ = EscapeFilter()
    pace = _Pace(keys, clock, speed)
    past = 0
    try:
        for event in events:
            pause = max(0, event.t - past) / 1e9
            past = max(past, event.t)
            if idle_limit is not None:
                pause = min(pause, idle_limit)
            ending = pace.wait(pause, output=event.code == "o")
            if ending is not None:
                return ending
            if event.code == "o":
                write(filter_.feed(event.data))
        return Ending.FINISHED
    except KeyboardInterrupt:
        return Ending.INTERRUPTED
    finally:
        write(filter_.restore())


class _Pace:
    """Waits between events, and what keys do to waiting.

    It follows one position in recorded seconds (pauses already shortened), which moves with the clock times
    the speed, or stands still.
    """

    def __init__(
        self, keys: Callable[[float | None], bytes], clock: Callable[[], float], speed: float
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._speed = min(max(speed, _SLOWEST), _FASTEST)
        self._paused = False
        self._step = False
        self._target = 0.0
        self._set(0.0)

    def wait(self, pause: float, *, output: bool) -> Ending | None:
        """Returns when `pause` more recorded seconds have gone by, or how the playback ends."""
        self._target += pause
        polled = False  # keys are looked at before every event, however fast these come
        while not self._step:
            left = self._target - self._position()
            if left <= 0 and polled and not self._paused:
                break
            ending = self._press(self._keys(None if self._paused else max(0.0, left) / self._speed))
            polled = True
            if ending is not None:
                return ending
        late = self._position() - self._target
        if self._step or late > self._speed:  # a terminal that was stopped for long is not hurried after
            self._set(self._target)
        self._step = self._step and not output
        return None

    def _position(self) -> float:
        return self._at if self._paused else self._at + (self._clock() - self._since) * self._speed

    def _set(self, position: float) -> None:
        self._at = position
        self._since = self._clock()

    def _press(self, pressed: bytes) -> Ending | None:
        for key in pressed.decode("latin-1"):
            if key == "\x03":
                return Ending.INTERRUPTED
            if key in "qQ":
                return Ending.QUIT
            self._set(self._position())
            if key == " ":
                self._paused = not self._paused
            elif key == ".":
                self._step = self._paused
            elif key in "+=":
                self._speed = min(self._speed * 2, _FASTEST)
            elif key in "-_":
                self._speed = max(self._speed / 2, _SLOWEST)
        return None


def dump(events: Iterable[CastEvent], write: Callable[[bytes], object]) -> None:
    """Writes all output at once, filtered; what playback does where standard output is no terminal."""
    filter_ = EscapeFilter()
    for event in events:
        if event.code == "o":
            for at in range(0, len(event.data), _DUMP_CHUNK):
                write(filter_.feed(event.data[at : at + _DUMP_CHUNK]))
    write(filter_.restore())


def play_on_terminal(
    events: Iterable[CastEvent], *, speed: float = 1.0, idle_limit: float | None = None
) -> Ending:
    """Plays on standard output; keys come from standard input where it is a terminal, without echo.

    Where standard output is no terminal, everything is written without waiting. The terminal's settings are
    restored however it ends.
    """
    out = sys.stdout.fileno()
    sys.stdout.flush()

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(out, view) :]

    if not os.isatty(out):
        dump(events, write)
        return Ending.FINISHED
    with _as_recorded(out), _keys() as keys:
        return play(events, write=write, keys=keys, clock=time.monotonic, speed=speed, idle_limit=idle_limit)


@contextmanager
def _as_recorded(fd: int) -> Iterator[None]:
    """Output is shown as it was when it came out of the recorded terminal: its newlines are not processed twice."""
    before = termios.tcgetattr(fd)
    raw = termios.tcgetattr(fd)
    raw[1] &= ~termios.OPOST
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, raw)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def _keys() -> Iterator[Callable[[float | None], bytes]]:
    """Keys from standard input, unechoed; only waiting where it is no terminal."""
    fd = sys.stdin.fileno() if sys.stdin is not None and not sys.stdin.closed else -1
    if fd < 0 or not os.isatty(fd):

        def only_wait(seconds: float | None) -> bytes:
            time.sleep(max(0.0, seconds or 0.0))
            return b""

        yield only_wait
        return

    def pressed(seconds: float | None) -> bytes:
        ready, _, _ = select.select([fd], [], [], None if seconds is None else max(0.0, seconds))
        if not ready:
            return b""
        data = os.read(fd, 1024)
        if not data:  # the terminal is gone: nobody watches
            raise KeyboardInterrupt
        return data

    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd, termios.TCSANOW)
        yield pressed
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
