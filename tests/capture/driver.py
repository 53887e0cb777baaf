"""Records one terminal without a session around it: `driver.py FOLDER NONCE SHELL|- [--ring N] -- ARGV…`.

Prints nothing; leaves `result.json` in FOLDER.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from recorder.sources.terminal import Redaction, TerminalRequest, record_terminal, terminal_size
from recorder.sources.terminal.ring import CAPACITY, now
from recorder.trace.events import TerminalStarted


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--nonce", default="0" * 32)
    parser.add_argument("--shell", default=None)
    parser.add_argument("--ring", type=int, default=CAPACITY)
    parser.add_argument("--result", default=None)
    parser.add_argument("--notify", type=int, default=None)
    parser.add_argument("--vault", type=Path, default=None)
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    cols, rows = terminal_size()
    started = TerminalStarted(
        t=now(),
        source="terminal/1",
        argv=options.argv,
        shell=options.shell,
        cwd=os.getcwd(),
        env={},
        cols=cols,
        rows=rows,
        nonce=options.nonce,
        files=[],
    )
    result = record_terminal(
        TerminalRequest(
            argv=options.argv,
            env=dict(os.environ),
            cwd=os.getcwd(),
            folder=options.folder,
            nonce=options.nonce,
            shell=options.shell,
            started=started,
            notify_fds=() if options.notify is None else (options.notify,),
            ring_bytes=options.ring,
            redaction=None if options.vault is None else Redaction(options.vault),
        )
    )
    with open(options.result or os.path.join(options.folder, "result.json"), "wb") as file:
        file.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
