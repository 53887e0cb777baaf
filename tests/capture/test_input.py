"""Bytes pass exactly, both ways; the terminal's own replies are told from keys; input that is no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from recorder.sources.terminal import TerminalResult
from recorder.trace.codec import decode_event
from recorder.trace.events import Input
from recorder.trace.frames import Kind
from recorder.trace.journal import read_journal

DRIVER = Path(__file__).with_name("driver.py")
ALL_BYTES = bytes(range(256)) * 3
ASKER = """
import os, sys, tty, termios
old = termios.tcgetattr(0); tty.setraw(0)
os.write(1, {query!r})
os.write(1, b"READY")
got = b""
while not got.endswith(b"q"):
    got += os.read(0, 100)
termios.tcsetattr(0, termios.TCSANOW, old)
print("\\r\\ngot", got)
"""


def test_invalid_and_split_utf8_is_kept_exactly(record: Callable, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(ALL_BYTES)
    text = "é€😀" * 50
    split = "for i in 1 2 3; do printf '\\360\\237'; sleep 0.02; printf '\\230\\200'; done"
    program = f"stty raw; cat {tmp_path}/bytes; {split}; printf '{text}'"
    outer = record(["bash", "-c", program])
    outer.wait()
    assert outer.record().output == ALL_BYTES + "😀😀😀".encode() + text.encode()
    assert outer.shown == outer.record().output


def test_every_byte_reaches_the_program_and_the_record(record: Callable) -> None:
    code = (
        "import os,tty; tty.setraw(0); os.write(1, b'READY'); got=b''\n"
        "while len(got)<768: got+=os.read(0,1000)\nos.write(1, got.hex().encode())"
    )
    outer = record([sys.executable, "-c", code])
    outer.expect(b"READY")
    outer.type(ALL_BYTES)
    outer.expect(ALL_BYTES.hex().encode())
    outer.wait()
    assert b"".join(e.data for e in outer.record().of(Input)) == ALL_BYTES


@pytest.mark.slow
def test_a_paste_longer_than_the_terminal_takes(record: Callable) -> None:
    """The program reads late: keys wait, output goes on, and an interrupt typed after it is not lost."""
    size = 300_000
    code = (
        "import os,sys,tty,time; tty.setraw(0); os.write(1, b'READY'); time.sleep(0.5); os.write(1, b'BUSY'); n=0\n"
        f"while n<{size}: n+=len(os.read(0,65536))\nos.write(1, b'GOT %d' % n)"
    )
    outer = record([sys.executable, "-c", code])
    outer.expect(b"READY")
    paste = bytes(97 + i % 23 for i in range(size))
    os.set_blocking(outer.fd, False)
    sent = 0

    def send() -> bool:
        nonlocal sent
        try:
            sent += os.write(outer.fd, paste[sent : sent + 4096])
        except BlockingIOError:
            pass
        return b"GOT %d" % size in outer.shown

    outer.until(send, "the whole paste")
    outer.wait()
    assert outer.record().typed() == paste


@pytest.mark.parametrize("cut", [0, pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_reply_cut_anywhere_is_one_reply(record: Callable, cut: int) -> None:
    reply = b"\x1b[?62;22c"
    outer = record([sys.executable, "-c", ASKER.format(query=b"\x1b[c")])
    outer.expect(b"READY")
    for part in (reply[:cut], reply[cut:]):
        if part:
            outer.type(part)
    outer.type(b"q")
    outer.expect(b"got")
    outer.wait()
    events = outer.record().of(Input)
    assert b"".join(e.data for e in events if e.reply) == reply
    assert b"".join(e.data for e in events if not e.reply) == b"q"


def test_input_that_is_no_terminal_is_typed_and_ended(tmp_path: Path) -> None:
    result, events, output = piped(tmp_path, ["bash", "--norc"], b"echo one\necho two; exit 7\n")
    assert result.exit == 7
    assert b"".join(e.data for e in events) == b"echo one\necho two; exit 7\n"
    assert b"\none\r\n" in output.replace(b"\x1b[?2004l\r", b"")
    assert not result.outer_terminal_lost


def test_the_end_of_the_input_ends_the_program(tmp_path: Path) -> None:
    result, events, output = piped(tmp_path, ["cat"], b"hello\n")
    assert result.exit == 0
    assert events[-1].data == b"\x04"
    assert output == b"hello\r\nhello\r\n"


def piped(tmp_path: Path, argv: list[str], data: bytes) -> tuple[TerminalResult, list[Input], bytes]:
    env = dict(os.environ, PYTHONPATH=str(DRIVER.parents[2]), COLUMNS="90", LINES="33", TERM="dumb")
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), "--", *argv],
        input=data,
        env=env,
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr.decode()
    events = []
    output = b""
    for frame in read_journal(tmp_path / "terminal-1.journal"):
        if frame.kind == Kind.OUTPUT:
            output += frame.payload
        else:
            events.append(decode_event(frame.payload, "journal"))
    assert done.stdout == output
    assert events[0].cols == 90  # type: ignore[union-attr]
    result = msgspec.json.decode((tmp_path / "result.json").read_bytes(), type=TerminalResult)
    return result, [e for e in events if isinstance(e, Input)], output
