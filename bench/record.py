"""The recorder alone, without session, workspace or seal: `python -m bench.record FOLDER -- ARGV…`."""

from __future__ import annotations

import os
import sys

from recorder.sources.terminal import TerminalRequest, record_terminal, terminal_size
from recorder.sources.terminal.ring import now
from recorder.trace.events import TerminalStarted


def main() -> int:
    folder, argv = sys.argv[1], sys.argv[3:]
    cols, rows = terminal_size()
    started = TerminalStarted(
        t=now(), source="terminal/1", argv=argv, shell=None, cwd=os.getcwd(), env={},
        cols=cols, rows=rows, nonce="0" * 32, files=[],
    )  # fmt: skip
    result = record_terminal(
        TerminalRequest(
            argv=argv, env=dict(os.environ), cwd=os.getcwd(), folder=folder, nonce="0" * 32, started=started
        )
    )
    return 1 if result.gaps or result.exit is None else max(result.exit, 0)


if __name__ == "__main__":
    sys.exit(main())
