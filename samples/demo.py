"""The demonstration: records a real debugging session of a bundled bug, seals it, replays it, shows the verdict.

`python samples/demo.py [--out first.reenact]` asks nothing. An expert is played: a shell runs on a real terminal under
`reenact record`, and keys are typed into it while one watches. The service that the session talks to is gone when it
is replayed. Exit status: that of `reenact replay`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from expert import Lost  # noqa: E402
from make import reenact, session_of  # noqa: E402
from scenario import perform, set_stage, shell_exit, shortfalls  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, help="where to put the trace (default: a folder that is removed again)"
    )
    parser.add_argument("--pace", type=float, default=0.02, help="seconds between keys")
    parser.add_argument("--quiet", action="store_true", help="do not show the session while it is recorded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reenact-demo-", ignore_cleanup_errors=True) as temporary:
        trace = (options.out or Path(temporary) / "first.reenact").resolve()
        _title("An engineer debugs a bill, recorded by reenact")
        try:
            _record(Path(temporary) / "stage", trace, options)
        except (Lost, AssertionError) as error:
            print(f"\nthe recording failed: {error}", file=sys.stderr)
            return 1
        _title("The trace's steps")
        sys.stdout.flush()
        subprocess.run([reenact(), "steps", str(trace)], check=False)
        _title("The bank's service is gone; the same work done again in a sandbox, without a network")
        sys.stdout.flush()
        return subprocess.run([reenact(), "replay", str(trace)], check=False).returncode


def _record(root: Path, trace: Path, options: argparse.Namespace) -> None:
    session = session_of("first_trace")
    if missing := session.missing():
        sys.exit(f"the demonstration needs programs that are not installed: {', '.join(missing)}")
    stage = set_stage(session, root)
    command = [
        reenact(),
        "record",
        "--task",
        "The bill comes to nothing",
        *session.options,
        "--out",
        str(trace),
        "--",
    ]
    done = perform(
        session,
        stage,
        command,
        extra_env={"REENACT_TRACES": str(root / "traces")},
        patience=30,
        pace=options.pace,
        watch=None if options.quiet else _show,
    )
    assert trace.is_file(), f"no trace was sealed\n{done.screen}"
    problems = shortfalls(session, stage, shell_exit(trace))
    assert not problems, "; ".join(problems)


def _show(data: bytes) -> None:
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), data)


def _title(text: str) -> None:
    print(f"\n== {text} ==\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
