"""Fast exits: programs that print and end at once, recorded one after another: `python -m bench.exits [--times 10000]`.

Counts those whose journal lacks a byte of what was printed, and says how long one takes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from recorder.sources.terminal import TerminalRequest, record_terminal
from recorder.trace.events import TerminalStarted
from recorder.trace.frames import Kind
from recorder.trace.journal import read_journal

PROGRAM = ["sh", "-c", "seq 1 300; printf 'THE END'"]
EXPECTED = b"".join(b"%d\r\n" % i for i in range(1, 301)) + b"THE END"


def record(folder: Path, null: int) -> bytes:
    """Records the program once; returns what its journal holds."""
    nonce = "0" * 32
    started = TerminalStarted(
        t=time.clock_gettime_ns(time.CLOCK_BOOTTIME), source="terminal/1", argv=PROGRAM, shell=None, cwd="/",
        env={}, cols=80, rows=24, nonce=nonce, files=[],
    )  # fmt: skip
    record_terminal(
        TerminalRequest(
            argv=PROGRAM, env=dict(os.environ), cwd="/", folder=str(folder), nonce=nonce, shell=None,
            started=started, stdin=null, stdout=null, ring_bytes=1 << 16,
        )
    )  # fmt: skip
    journal = folder / "terminal-1.journal"
    shown = b"".join(frame.payload for frame in read_journal(journal) if frame.kind == Kind.OUTPUT)
    journal.unlink()
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10_000)
    times = parser.parse_args().times
    lost = 0
    taken = []
    null = os.open(os.devnull, os.O_RDWR)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(times):
            begin = time.monotonic()
            lost += record(Path(folder), null) != EXPECTED
            taken.append(time.monotonic() - begin)
    print(f"{times} fast exits: {lost} lost a tail; median {sorted(taken)[times // 2] * 1000:.0f} ms each")


if __name__ == "__main__":
    main()
