"""Where `reenact` begins: Ctrl-C ends it quietly also while its modules load."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Runs the command line (see `recorder.cli.main`), which is loaded here: nothing is open yet, and what modules make
    of an exception while they load is theirs."""
    heeded = signal.getsignal(signal.SIGINT)
    if heeded is signal.default_int_handler:  # else whoever started this ignores it
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from recorder.cli import main as run

    signal.signal(signal.SIGINT, heeded)
    run()
