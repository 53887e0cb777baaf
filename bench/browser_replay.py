"""How fast a recorded browser is done again: `python bench/browser_replay.py TRACE… [--runs N]`.

Without a trace it makes one: a list of things to do, kept by somebody who thinks before each key. For each it prints
how long the recording was, how long its replay (without starting the sandbox and Chromium, which is told apart), how
many times as fast that is, and what an action costs beyond the processor time that Chromium itself takes; last,
whether all runs came to the same pages, and how many waits were in vain.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

sys.path[:] = [str(Path(__file__).resolve().parent.parent), *sys.path[1:]]  # bench/replay.py is no package

from recorder.trace.blobs import BlobStore  # noqa: E402
from recorder.trace.events import Unknown  # noqa: E402
from recorder.trace.pages import PageState  # noqa: E402
from recorder.trace.reader import open_trace  # noqa: E402
from replay.browser import browser_of, open_browser  # noqa: E402
from replay.network import network_of  # noqa: E402
from replay.sandbox.machine import Sandbox  # noqa: E402
from replay.sandbox.scratch import Scratch  # noqa: E402

_TICKS = 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'trace':20} {'actions':>7} {'recorded':>9} {'start':>7} {'replay':>7} {'faster':>7} "
        f"{'ms/action':>9} {'beyond':>7} {'same':>5} {'missed':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for path in options.traces or [_made(Path(folder))]:
            runs = [_run(path) for _ in range(options.runs)]
            actions, recorded = runs[0]["actions"], runs[0]["recorded"]
            start, played, cpu = (median(run[key] for run in runs) for key in ("start", "played", "cpu"))
            same = len({run["states"] for run in runs}) == 1
            print(
                f"{path.stem[:20]:20} {actions:7} {recorded:7.1f} s {start:5.1f} s {played:5.2f} s "
                f"{recorded / played:6.1f}x {1000 * played / actions:9.1f} "
                f"{1000 * max(0.0, played - cpu) / actions:7.1f} {'yes' if same else 'no':>5} {runs[0]['missed']:6}",
                flush=True,
            )


def _run(path: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        trace = stack.enter_context(open_trace(path))
        events = [event for event in trace.events if not isinstance(event, Unknown)]
        started = browser_of(events)
        if started is None:
            sys.exit(f"{path}: no browser was recorded")
        scratch = Scratch()
        stack.callback(scratch.close)
        folder = scratch.folder("replay")
        network = network_of(trace, events, browser=True)
        begin = time.monotonic()
        player, sandbox = open_browser(trace, events, folder, stack, network, BlobStore(folder / "blobs"))
        ready, before = time.monotonic(), _cpu(sandbox)
        player.play(player.ends)
        done, after = time.monotonic(), _cpu(sandbox)
        played = player.finish()
        last: dict[int, PageState] = {}
        for event in played.events:
            if isinstance(event, PageState):
                last[event.doc] = event
        return {
            "actions": player.actions,
            "recorded": (player.ends - started.t) / 1e9,
            "start": ready - begin,
            "played": done - ready,
            "cpu": after - before,
            "states": tuple(sorted((state.url, state.dom, state.title) for state in last.values())),
            "missed": len(played.missed),
        }


def _cpu(sandbox: Sandbox) -> float:
    """Processor seconds of all processes inside so far."""
    total = 0
    for pid in sandbox.processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _made(folder: Path) -> Path:
    """A list of things to do, kept by somebody who thinks for two seconds before each key."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/web"))
    from web_catalogue import TASKS
    from web_stage import record

    task = next(task for task in TASKS if task.name == "todo-keyboard")
    return Path(record(task, folder, sees=2.0))


if __name__ == "__main__":
    main()
