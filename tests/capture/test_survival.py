"""The shell outlives the recorder's parts, and nothing that was shown is missing from the journal."""

from __future__ import annotations

import os
import random
import re
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.trace.events import Gap, Input, Recovered, Resized, TerminalEnded, TerminalStarted

LINES = (
    'for ((i=0;i<{n};i++)); do echo "LINE $i"; ((i%20)) || sleep 0.005; done; echo ALL DONE; '
    "while read -t 1 x; (($? > 128)); do echo ALL DONE; done"
)
"""The last words are said until somebody answers: a relay that was killed may have taken some of them with it."""


def numbers(data: bytes) -> set[int]:
    return {int(n) for n in re.findall(rb"LINE (\d+)\r", data)}


def check_nothing_shown_is_missing(shown: bytes, recorded: bytes, lines: int, kills: int) -> None:
    assert b"ALL DONE" in recorded, "the shell did not reach its end"
    # A line shown in part and then again, where a relay was killed within it, may look like another number.
    assert {n for n in numbers(shown) if n < lines} <= numbers(recorded)
    # What a relay had read from the terminal when it died, one read at most, was never shown to anyone.
    missing = set(range(lines)) - numbers(recorded)
    assert sum(len(f"LINE {n}\r\n") for n in missing) <= 6000 * kills


@pytest.mark.parametrize("part", ["reenact-relay", "reenact-writer"])
def test_a_killed_part_is_replaced_and_nothing_shown_is_lost(record: Callable, part: str) -> None:
    outer = record(["bash", "-c", LINES.format(n=2000)])
    outer.expect(b"LINE 100\r")
    for _ in range(3):
        outer.kill(part)
    outer.expect(b"ALL DONE")
    outer.type(b"\r")
    result = outer.wait()
    trace = outer.record()
    check_nothing_shown_is_missing(outer.shown, trace.output, 2000, 3)
    assert result.exit == 0
    assert (result.relay_restarts, result.writer_restarts) == ((3, 0) if part == "reenact-relay" else (0, 3))
    assert [e.part for e in trace.of(Recovered)] == [part.removeprefix("reenact-")] * 3
    assert not result.gaps


@pytest.mark.slow
@pytest.mark.parametrize("part", ["reenact-relay", "reenact-writer", "both"])
def test_many_kills_at_random_moments(record: Callable, part: str) -> None:
    rng = random.Random(7)
    for _ in range(5):
        outer = record(["bash", "-c", LINES.format(n=4000)])
        outer.expect(b"LINE 10\r")
        kills = 0
        while b"ALL DONE" not in outer.shown and kills < 8:
            outer.kill(rng.choice(["reenact-relay", "reenact-writer"]) if part == "both" else part)
            kills += 1
            limit = time.monotonic() + rng.uniform(0, 0.1)
            outer.until(lambda limit=limit: time.monotonic() > limit)
        outer.expect(b"ALL DONE")
        outer.type(b"\r")
        result = outer.wait()
        check_nothing_shown_is_missing(outer.shown, outer.record().output, 4000, kills)
        assert result.exit == 0
        assert kills == result.relay_restarts + result.writer_restarts


def test_a_relay_killed_between_two_keys_loses_neither_keys_nor_terminal_modes(record: Callable) -> None:
    outer = record(["bash", "--norc"])
    outer.expect(b"$ ")
    outer.type(b"echo one")
    outer.expect(b"echo one")
    outer.kill("reenact-relay")
    outer.type(b" two\r")
    outer.until(lambda: outer.shown.count(b"one two\r\n") == 2)
    outer.type(b"exit 3\r")
    assert outer.wait().exit == 3
    assert outer.record().typed() == b"echo one two\rexit 3\r"


@pytest.mark.slow
def test_a_stopped_writer_does_not_block_the_shell(record: Callable) -> None:
    outer = record(["bash", "-c", "echo READY; read x; seq 1 400000; echo ALL DONE; read x"], ring=1 << 18)
    outer.expect(b"READY")
    writer = outer.until(lambda: outer.child("reenact-writer"))
    os.kill(writer, signal.SIGSTOP)
    start = time.monotonic()
    outer.type(b"\r")
    outer.expect(b"ALL DONE")
    assert time.monotonic() - start < 5
    assert b"recording fails" in outer.shown
    outer.until(lambda: outer.child("reenact-writer") not in (None, writer), "a stopped writer is replaced")
    outer.type(b"\r")
    result = outer.wait()
    trace = outer.record()
    assert result.gaps
    assert trace.of(Gap)
    lost = sum(gap.bytes for gap in trace.of(Gap))
    assert lost > 0
    assert len(trace.output) + lost == len(outer.shown) - len(
        re.search(rb"\r\n\[reenact\][^\n]*\n", outer.shown)[0]
    )


def test_a_closed_outer_terminal_lets_the_command_finish_and_then_hangs_up(
    record: Callable, tmp_path: Path
) -> None:
    outer = record(["bash", "--norc"])
    outer.expect(b"$ ")
    outer.type(b"sleep 0.5; echo finished > " + os.fsencode(tmp_path) + b"/mark; echo unseen\r")
    outer.expect(b"unseen\r\n")
    outer.close()
    result = outer.wait()
    assert (tmp_path / "mark").read_text() == "finished\n"
    assert result.outer_terminal_lost
    assert any("outer terminal" in gap.reason for gap in result.gaps)
    trace = outer.record()
    assert b"unseen\r\n" in trace.output.rpartition(b"sleep 0.5")[2]
    assert any("outer terminal" in gap.reason for gap in trace.of(Gap))
    assert trace.of(TerminalEnded)[0].exit == result.exit


def test_sigterm_hangs_the_shell_up_and_returns(record: Callable) -> None:
    outer = record(
        ["bash", "-c", "trap 'echo HUNG UP; exit 5' HUP; echo READY; while :; do sleep 0.05; done"]
    )
    outer.expect(b"READY")
    os.kill(outer.pid, signal.SIGTERM)
    result = outer.wait()
    assert result.exit == 5
    assert b"HUNG UP" in outer.record().output


def test_a_killed_keeper_leaves_a_whole_journal(record: Callable) -> None:
    outer = record(["bash", "-c", "echo READY; sleep 0.4; echo MORE; sleep 0.2"])
    outer.expect(b"READY")
    writer = outer.until(lambda: outer.child("reenact-writer"))
    os.kill(outer.pid, signal.SIGKILL)
    os.waitpid(outer.pid, 0)
    outer.status = -9
    ended = os.pidfd_open(writer)
    assert select.select([ended], [], [], 10)[0], "the writer goes on for ever"
    os.close(ended)
    trace = outer.record()
    assert b"MORE" in trace.output
    assert trace.of(TerminalEnded)[0].exit is None
    assert any("main process" in gap.reason for gap in trace.of(Gap))


def test_first_and_last_event_and_resize(record: Callable) -> None:
    outer = record(["bash", "-c", "trap 'stty size; exit' WINCH; echo READY; while :; do sleep 0.02; done"])
    outer.expect(b"READY")
    outer.resize(101, 33)
    outer.expect(b"33 101")
    outer.wait()
    trace = outer.record()
    assert isinstance(trace.events[0], TerminalStarted)
    assert isinstance(trace.events[-1], TerminalEnded)
    assert [(e.cols, e.rows) for e in trace.of(Resized)][-1] == (101, 33)
    assert trace.events[-1].offset == len(trace.output)


def test_suspend_interrupt_and_flow_control_reach_the_program(record: Callable) -> None:
    outer = record(["bash", "--norc"])
    outer.expect(b"$ ")
    outer.type(b"sleep 60\r")
    outer.until(lambda: outer.shown.count(b"sleep 60") and foreground_is(outer, "sleep"))
    outer.type(b"\x1a")
    outer.expect(b"Stopped")
    at = len(outer.shown)
    outer.type(b"fg\r")
    outer.expect(b"sleep 60", at)
    outer.until(lambda: foreground_is(outer, "sleep"))
    at = len(outer.shown)
    outer.type(b"\x03")
    outer.expect(b"^C", at)
    outer.expect(b"$ ", at)
    outer.type(b"exit 0\r")
    assert outer.wait().exit == 0
    suspended = [e for e in outer.record().of(Input) if e.data in (b"\x1a", b"\x03")]
    assert [(e.foreground, e.icanon, e.echo) for e in suspended] == [("sleep", True, True)] * 2


def foreground_is(outer, name: str) -> bool:  # type: ignore[no-untyped-def]
    shell = next((p for p in outer.children() if outer.name(p) == "bash"), None)
    if shell is None:
        return False
    group = int(Path(f"/proc/{shell}/stat").read_text().rpartition(")")[2].split()[5])
    return outer.name(group) == name


@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_fast_exits_lose_no_tail(record: Callable, times: int, tmp_path: Path) -> None:
    """In one process, without an outer terminal, so that hundreds take seconds."""
    from recorder.sources.terminal import TerminalRequest, record_terminal
    from recorder.sources.terminal.ring import now

    null = os.open(os.devnull, os.O_RDWR)
    journal = tmp_path / "terminal-1.journal"
    expected = b"".join(b"%d\r\n" % i for i in range(1, 301)) + b"THE END"
    try:
        for _ in range(times):
            started = TerminalStarted(
                t=now(), source="terminal/1", argv=[], shell=None, cwd="/", env={}, cols=80, rows=24,
                nonce="0" * 32, files=[],
            )  # fmt: skip
            request = TerminalRequest(
                argv=["sh", "-c", "seq 1 300; printf 'THE END'"], env=dict(os.environ), cwd="/", folder=tmp_path,
                nonce="0" * 32, started=started, stdin=null, stdout=null, ring_bytes=1 << 16,
            )  # fmt: skip
            assert record_terminal(request).exit == 0
            from_journal = read(journal)
            assert from_journal == expected
            journal.unlink()
    finally:
        os.close(null)


def read(path: Path) -> bytes:
    from recorder.trace.frames import Kind
    from recorder.trace.journal import read_journal

    return b"".join(frame.payload for frame in read_journal(path) if frame.kind == Kind.OUTPUT)
