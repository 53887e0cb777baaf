"""Where `reenact` begins: Ctrl-C ends it quietly also while its modules load, and while Python ends."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` itself first loads much in which Ctrl-C is a traceback
import os


def main() -> None:
    """Runs the command line (see `recorder.cli.main`), which is loaded here: nothing is open yet, and what modules make
    of an exception while they load is theirs."""
    heeded = _signal.getsignal(_signal.SIGINT)
    ours = heeded is _signal.default_int_handler  # else whoever started this ignores it
    if ours:
        _signal.signal(_signal.SIGINT, _leave)
    from recorder.cli import main as run

    try:
        _signal.signal(_signal.SIGINT, heeded)
        run()
    finally:
        if ours:
            _signal.signal(_signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    os._exit(130)
