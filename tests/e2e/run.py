"""Plays sessions by hand: `python tests/e2e/run.py NAME… [--prefix 'reenact record --out t.reenact --']`.

A name may be a pattern such as `vim*`; without one the sessions are listed. Exit status 1 if any fell short.
"""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "samples")]

from catalogue import SESSIONS  # noqa: E402
from expert import Lost  # noqa: E402
from scenario import Session, perform, set_stage, shortfalls, stub_recorder  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="sessions by name or pattern")
    parser.add_argument("--prefix", default="", help="what to put before the shell's command line")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between keys")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds that any wait may take")
    parser.add_argument("--show", action="store_true", help="show the last screen of each session")
    parser.add_argument("--keep", type=Path, help="folder to play in, kept afterwards")
    parser.add_argument("--raw", type=Path, help="write the raw output there")
    options = parser.parse_args()
    if not options.names:
        for session in SESSIONS:
            print(f"{session.name:38} {session.summary.splitlines()[0]}")
        return 0
    chosen = [s for s in SESSIONS if any(fnmatch.fnmatchcase(s.name, name) for name in options.names)]
    if not chosen:
        print("no session is called that; without a name they are listed", file=sys.stderr)
        return 2
    fallen = [session for session in chosen if not _play(session, options)]
    return int(bool(fallen))


def _play(session: Session, options: argparse.Namespace) -> bool:
    if missing := session.missing():
        print(f"SKIP {session.name}: not installed: {', '.join(missing)}")
        return True
    with tempfile.TemporaryDirectory(prefix="e2e-", ignore_cleanup_errors=True) as temporary:
        root = options.keep / session.name if options.keep else Path(temporary) / "stage"
        stage = set_stage(session, root)
        prefix = [part.replace("NAME", session.name) for part in shlex.split(options.prefix)]
        started = time.monotonic()
        try:
            extra = {} if prefix else stub_recorder(stage)
            done = perform(
                session, stage, prefix, extra_env=extra, pace=options.pace, patience=options.patience
            )
            # A recorder's own exit status says how the recording went, not how the shell ended.
            problems = shortfalls(session, stage, session.exit if prefix else done.exit)
        except (Lost, AssertionError) as error:
            print(f"FAIL {session.name}: {error}")
            return False
        if options.raw:
            options.raw.write_bytes(done.raw)
        if options.show:
            print(done.screen)
        print(f"{'FAIL' if problems else 'ok  '} {session.name} {time.monotonic() - started:.2f} s")
        for problem in problems:
            print(f"     {problem}")
        return not problems


if __name__ == "__main__":
    sys.exit(main())
