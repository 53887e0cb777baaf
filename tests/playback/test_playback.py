"""The course of a playback: its pace, its keys, and that the terminal is left as it was."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from recorder.trace.asciicast import CastEvent
from replay.report.playback import Ending, dump, play

SECOND = 1_000_000_000


class Viewer:
    """A clock that only waiting moves, and keys pressed at set times."""

    def __init__(self, *presses: tuple[float, bytes]) -> None:
        self.now = 100.0
        self.presses = [(100.0 + at, key) for at, key in presses]
        self.written: list[tuple[float, bytes]] = []

    def keys(self, seconds: float | None) -> bytes:
        if self.presses and (seconds is None or self.presses[0][0] <= self.now + seconds):
            at, key = self.presses.pop(0)
            self.now = max(self.now, at)
            return key
        assert seconds is not None, "waiting for ever for a key that never comes"
        self.now += seconds
        return b""

    def write(self, data: bytes) -> None:
        if data:
            self.written.append((round(self.now - 100, 6), data))

    def play(self, events: list[CastEvent], **options: float) -> Ending:
        return play(events, write=self.write, keys=self.keys, clock=lambda: self.now, **options)


def outputs(*times: float) -> list[CastEvent]:
    return [CastEvent(round(t * SECOND), "o", b"%d" % n) for n, t in enumerate(times)]


def times(viewer: Viewer) -> list[float]:
    return [at for at, _ in viewer.written]


def test_recorded_pace() -> None:
    viewer = Viewer()
    assert viewer.play(outputs(0, 1, 3.5)) is Ending.FINISHED
    assert viewer.written == [(0, b"0"), (1, b"1"), (3.5, b"2")]


def test_speed_and_idle_limit() -> None:
    viewer = Viewer()
    viewer.play(outputs(0, 1, 101, 102), speed=2, idle_limit=3)
    assert times(viewer) == [0, 0.5, 2, 2.5]


def test_other_events_take_time_but_show_nothing() -> None:
    viewer = Viewer()
    events = [
        CastEvent(SECOND, "i", b"ls\r"),
        CastEvent(2 * SECOND, "o", b"out"),
        CastEvent(3 * SECOND, "r", b"10x10"),
    ]
    viewer.play(events)
    assert viewer.written == [(2, b"out")]
    assert viewer.now == 103


def test_pause_and_go_on() -> None:
    viewer = Viewer((0.4, b" "), (10.4, b" "))
    viewer.play(outputs(0, 1, 2))
    assert times(viewer) == [0, 11, 12]


def test_steps_while_paused() -> None:
    viewer = Viewer((0.5, b" "), (3, b"."), (5, b"."), (6, b" "))
    viewer.play(outputs(0, 1, 2, 4))
    assert times(viewer) == [0, 3, 5, 8]


def test_step_skips_what_shows_nothing() -> None:
    viewer = Viewer((0.5, b" "), (3, b"."), (6, b" "))
    viewer.play(
        [
            *outputs(0),
            CastEvent(SECOND, "i", b"x"),
            CastEvent(2 * SECOND, "o", b"y"),
            CastEvent(3 * SECOND, "o", b"z"),
        ]
    )
    assert times(viewer) == [0, 3, 7]


def test_step_means_nothing_while_playing() -> None:
    viewer = Viewer((0.5, b"."))
    viewer.play(outputs(0, 1))
    assert times(viewer) == [0, 1]


def test_faster_and_slower_take_effect_at_once() -> None:
    viewer = Viewer((0.5, b"+"), (2, b"-"))
    viewer.play(outputs(0, 2, 6))
    assert times(viewer) == [0, 1.25, 1.25 + 0.75 + 2.5]
    paused = Viewer((0.5, b" "), (1, b"+"), (2, b" "))
    paused.play(outputs(0, 2.5))
    assert times(paused) == [0, 3]


@pytest.mark.parametrize(("key", "ending"), [(b"q", Ending.QUIT), (b"\x03", Ending.INTERRUPTED)])
def test_leaving_restores(key: bytes, ending: Ending) -> None:
    viewer = Viewer((0.5, key))
    assert viewer.play([CastEvent(0, "o", b"\x1b[?1049h\x1b[?25l\x1b[31m"), *outputs(1)]) is ending
    (_, shown), (at, restored) = viewer.written
    assert (shown, at) == (b"\x1b[?1049h\x1b[?25l\x1b[31m", 0.5)
    for needed in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[0m"):
        assert needed in restored


def test_keys_are_seen_even_without_pauses() -> None:
    viewer = Viewer((0, b"q"))
    assert viewer.play(outputs(*[0] * 50)) is Ending.QUIT


def test_an_interrupt_or_an_error_restores_too() -> None:
    def events(error: type[BaseException]) -> Iterator[CastEvent]:
        yield CastEvent(0, "o", b"\x1b[31m")
        raise error

    viewer = Viewer()
    assert (
        play(events(KeyboardInterrupt), write=viewer.write, keys=viewer.keys, clock=lambda: 0)
        is Ending.INTERRUPTED
    )
    with pytest.raises(OSError):
        play(events(OSError), write=viewer.write, keys=viewer.keys, clock=lambda: 0)
    assert [b"\x1b[0m" in data for _, data in viewer.written] == [False, True, False, True]


def test_dump_shows_all_at_once_and_filtered() -> None:
    written: list[bytes] = []
    dump(
        [
            CastEvent(0, "o", b"a\x1b]0;t\x07\xe3\x82"),
            CastEvent(9 * SECOND, "o", b"\xb3"),
            CastEvent(1, "i", b"x"),
        ],
        written.append,
    )
    assert b"".join(written) == "aコ".encode()


# -- at a real terminal ----------------------------------------------------------------------------

PROGRAM = """
from recorder.trace.asciicast import CastEvent
from replay.report.playback import play_on_terminal
S = 1_000_000_000
print(play_on_terminal([CastEvent(0, "o", b"one\\n\\x1b[?25l\\x1b]0;t\\x07"), CastEvent(600 * S, "o", b"two")]))
"""


def read_until(master: int, wanted: bytes) -> bytes:
    got = b""
    deadline = time.monotonic() + 15
    while wanted not in got:
        ready, _, _ = select.select([master], [], [], deadline - time.monotonic())
        assert ready, f"{wanted!r} never came; got {got!r}"
        got += os.read(master, 4096)
    return got


@pytest.mark.parametrize("leave", ["key", "signal"])
def test_at_a_terminal(leave: str) -> None:
    if shutil.which("setsid") is None:
        pytest.skip("setsid is not installed")
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    argv = ["setsid", "--ctty", sys.executable, "-c", PROGRAM]
    child = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave)
    try:
        shown = read_until(master, b"\x1b[?25l")
        assert shown == b"one\n\x1b[?25l"  # the newline unprocessed, the title gone
        os.write(master, b"q" if leave == "key" else b"\x03")
        rest = read_until(master, b"quit" if leave == "key" else b"interrupted")
        assert b"\x1b[?25h" in rest
        assert b"q\x1b" not in rest
        assert child.wait(15) == 0
        assert termios.tcgetattr(slave) == before
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait()
        os.close(master)
        os.close(slave)


def test_into_a_pipe() -> None:
    argv = [sys.executable, "-c", PROGRAM]
    shown = subprocess.run(argv, capture_output=True, timeout=30, stdin=subprocess.DEVNULL, check=True).stdout
    assert shown.startswith(b"one\n\x1b[?25ltwo\x1b[0m")
    assert shown.endswith(b"finished\n")
