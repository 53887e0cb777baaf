"""Makes the samples: plays each session under `reenact record` and seals it to `samples/NAME.reenact`.

`python samples/make.py [NAME…]`. A sample is kept only if the session did what it promises. The workspaces stand in
a fixed folder under /tmp, so that a trace names nothing of the machine it was made on.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from expert import Lost  # noqa: E402
from scenario import PATH, Session, perform, sessions_of, set_stage, shell_exit, shortfalls  # noqa: E402

STAGES = Path("/tmp/reenact-samples")
SAMPLES = {
    "python-bug": ("python_bug", "Two tests of the ledger fail. Find out why and mend it."),
    "git-bisect": (
        "git_bisect",
        "Since the last release slugs lose their digits. Which commit did it? Mend it.",
    ),
    "log-investigation": (
        "log_investigation",
        "The shop was down during the night. Find the cause in the log.",
    ),
}


def reenact() -> str:
    """$REENACT, the command of this Python's environment, or else the one on PATH. Exits where there is none.

    Its path stands in what it records: for a sample let it be one that any machine may have."""
    found = (
        os.environ.get("REENACT")
        or shutil.which("reenact", path=str(Path(sys.executable).parent))
        or shutil.which("reenact")
    )
    if found is None:
        sys.exit("reenact is not installed for this Python: pip install . first")
    return found


def session_of(module: str) -> Session:
    """The one session that a module in `src/` defines."""
    (found,) = sessions_of(importlib.import_module(f"src.{module}"))
    return found


def make(name: str, pace: float) -> None:
    """Records one sample; raises `Lost` or AssertionError where the session does not do what it should."""
    module, task = SAMPLES[name]
    session = session_of(module)
    if missing := session.missing():
        sys.exit(f"{name} needs programs that are not installed: {', '.join(missing)}")
    root = STAGES / name
    shutil.rmtree(root, ignore_errors=True)
    stage = set_stage(session, root)
    trace = root / f"{name}.reenact"
    command = [reenact(), "record", "--task", task, "--out", str(trace), "--"]
    done = perform(
        session, stage, command, extra_env={"REENACT_TRACES": str(root / "traces")}, patience=30, pace=pace
    )
    assert trace.is_file(), f"{name}: no trace was sealed\n{done.screen}"
    problems = shortfalls(session, stage, shell_exit(trace))
    assert not problems, f"{name}: {problems}"
    os.replace(shutil.copy(trace, HERE / f".{name}.new"), HERE / f"{name}.reenact")
    shutil.rmtree(root)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which samples; all by default")
    parser.add_argument("--pace", type=float, default=0.04, help="seconds between keys")
    parser.add_argument("--no-replay", action="store_true", help="do not replay what was made")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SAMPLES):
        parser.error(f"no sample is called {', '.join(sorted(unknown))}; there are {', '.join(SAMPLES)}")
    for name in options.names or SAMPLES:
        try:
            make(name, options.pace)
        except (Lost, AssertionError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"samples/{name}.reenact made")
        if not options.no_replay:
            done = subprocess.run(
                [reenact(), "replay", str(HERE / f"{name}.reenact")],
                check=False,
                env={"PATH": PATH, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"},
            )
            if done.returncode:
                print(f"{name}: its replay ends with {done.returncode}", file=sys.stderr)
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
