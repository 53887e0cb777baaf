"""Web tasks, recorded and replayed: `python -m bench.web [--runs 5] [--sees 0.2] [--keep FOLDER] [NAME…]`.

Each task of tests/web is done by real input in a browser that `reenact browse` records, its origin is stopped, and
`reenact replay --runs N` does it again so often. Per task: steps, raw events, seconds recorded, seconds per replay,
whether all replays agree to the digest, the verdict. Then what the replays take: as a share of the recorded time, and
per event beyond what a replay of the first step alone takes. `--sees` is how long the person looks before each deed;
`--keep` leaves the traces and what was judged in a folder.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from recorder.trace.pages import BrowserEnded, BrowserStarted, PageEvent
from recorder.trace.reader import open_trace

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "web"))

from playwright.sync_api import Error
from web_catalogue import TASKS
from web_stage import record, replay
from web_task import Task

HOLDS = ("exact", "equivalent")


class Row(NamedTuple):
    """`start` is what a replay of the first step alone takes, seconds as all times."""

    events: int
    recorded: float
    replayed: float
    start: float


def measure(task: Task, folder: Path, runs: int, sees: float) -> tuple[Row, bool]:
    trace = record(task, folder, sees=sees)
    events, seconds = _recorded(trace)
    first = replay(trace, "--until", "1")["duration_ms"] / 1e3
    answer = replay(trace, "--runs", str(runs))
    (folder / "answer.json").write_text(json.dumps(answer, indent=1))
    replayed = answer["duration_ms"] / 1e3 / runs
    counts, digests = answer["counts"], answer["runs"] or [answer["digest"]]
    same = len(set(digests)) == 1
    good = answer["exit_code"] == 0
    said = f"{counts['exact']} exact, {counts['equivalent']} equivalent, {counts['diverged']} diverged"
    print(
        f"{task.name:16} {len(answer['steps']):5} {events:6} "
        f"{seconds:8.1f} {replayed:8.1f}  {'yes' if same else 'NO ':3}  {'holds' if good else 'FAILS'}: {said}",
        flush=True,
    )
    return Row(events, seconds, replayed, first), good and same


def _recorded(path: Path) -> tuple[int, float]:
    """How many raw events the trace has, and the seconds from the browser's start to its end."""
    count = 0
    times = []
    with open_trace(path) as trace:
        for event in trace.events:
            count += isinstance(event, PageEvent)
            if isinstance(event, BrowserStarted | BrowserEnded):
                times.append(event.t)
    return count, (max(times) - min(times)) / 1e9


def summary(rows: list[Row]) -> None:
    recorded, replayed = (sum(getattr(row, name) for row in rows) for name in ("recorded", "replayed"))
    events = sum(row.events for row in rows)
    beyond = sum(max(row.replayed - row.start, 0) for row in rows)
    print(
        f"\n{len(rows)} tasks: {events} raw events in {recorded:.0f} s, replayed in {replayed:.0f} s each time"
    )
    print(f"recorded time over replayed time: {recorded / replayed:.1f}")
    print(f"per event, pages' own work included: {beyond / events * 1e3:.1f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=["*"], help="tasks by name or pattern")
    parser.add_argument("--runs", type=int, default=5, help="replays of each")
    parser.add_argument(
        "--sees", type=float, default=0.2, help="seconds that a person looks before each deed"
    )
    parser.add_argument("--keep", type=Path, help="folder for the trace and the judgement of each task")
    options = parser.parse_args()
    chosen = [task for task in TASKS if any(fnmatch.fnmatchcase(task.name, name) for name in options.names)]
    print(f"{'task':16} steps events recorded replayed  same  verdict")
    rows, fallen = [], 0
    for task in chosen:
        with tempfile.TemporaryDirectory(prefix="web-", ignore_cleanup_errors=True) as folder:
            place = Path(folder) if options.keep is None else options.keep / task.name
            place.mkdir(parents=True, exist_ok=True)
            try:
                row, good = measure(task, place, options.runs, options.sees)
            except (AssertionError, Error) as error:
                print(f"{task.name:16} FAILS: {str(error).splitlines()[0]}", flush=True)
                fallen += 1
                continue
        rows.append(row)
        fallen += not good
    if rows:
        summary(rows)
    print(f"{len(chosen) - fallen} of {len(chosen)} hold")
    return int(fallen > 0)


if __name__ == "__main__":
    sys.exit(main())
