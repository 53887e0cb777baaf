"""The recorder alone, without session, workspace or seal: `python -m bench.record FOLDER [--redact] -- ARGV…`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recorder.sources.terminal import Redaction, TerminalRequest, record_terminal, terminal_size
from recorder.sources.terminal.ring import now
from recorder.trace.events import TerminalStarted


def main() -> int:
    at = sys.argv.index("--")
    folder, argv = sys.argv[1], sys.argv[at + 1 :]
    redaction = None
    if "--redact" in sys.argv[:at]:
        from recorder.redact import VaultFile  # here: it is a part of what is measured

        redaction = Redaction(Path(folder) / "vault")
        VaultFile.create(redaction.vault).close()
    cols, rows = terminal_size()
    started = TerminalStarted(
        t=now(), source="terminal/1", argv=argv, shell=None, cwd=os.getcwd(), env={},
        cols=cols, rows=rows, nonce="0" * 32, files=[],
    )  # fmt: skip
    result = record_terminal(
        TerminalRequest(
            argv=argv,
            env=dict(os.environ),
            cwd=os.getcwd(),
            folder=folder,
            nonce="0" * 32,
            started=started,
            redaction=redaction,
        )
    )
    return 1 if result.gaps or result.exit is None else max(result.exit, 0)


if __name__ == "__main__":
    sys.exit(main())
