"""What following a large folder costs: `python -m bench.workspace [--files 50000] [--changed 10] [--commands 60]`.

The source runs as in a session: its own process, a real snapshot, notices for each command, real file changes.
Printed are medians and 95th percentiles per command of its CPU time and, measured inside this process with the
same parts, of the wall time from the prompt to the finished list of changes; and what the start costs. Other
work on the machine shows in wall times, hardly in CPU times.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from recorder.sources.workspace import Workspace, start_workspace
from recorder.sources.workspace.outer import capture
from recorder.trace.blobs import BlobStore
from recorder.trace.events import WorkspaceChanged
from recorder.trace.ignore import IgnoreRules
from recorder.trace.journal import JournalWriter, read_journal
from recorder.trace.watch import FollowedTree


def build(root: Path, files: int) -> list[Path]:
    """A tree like a large project's: twenty files a folder, 1.5 KB a file."""
    made = []
    for i in range(files):
        folder = root / f"area{i // 2000}" / f"package{i // 20}"
        if i % 20 == 0:
            folder.mkdir(parents=True)
        path = folder / f"file{i % 20}.py"
        path.write_text(f"number {i}\n" * 120)
        made.append(path)
    return made


def change(paths: list[Path], command: int, count: int, who: str) -> None:
    step = max(1, len(paths) // count)
    for path in paths[command % step :: step][:count]:
        path.write_text(f"changed by {who} {command}\n" * 120)


def diff_times(root: Path, paths: list[Path], folder: Path, commands: int, changed: int) -> dict[str, object]:
    """Wall and CPU milliseconds from the prompt to the journaled list of changes."""
    tree = FollowedTree(root, rules=IgnoreRules(capture(root)), blobs=BlobStore(folder / "blobs"))
    started = time.perf_counter()
    tree.scan(everything=True)
    scan_seconds = time.perf_counter() - started
    wall, cpu = [], []
    with JournalWriter(folder / "workspace.journal") as journal:
        for command in range(1, commands + 1):
            change(paths, command, changed, "diff")
            wall_0, cpu_0 = time.perf_counter(), time.process_time()
            changes = tree.changes()
            now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            journal.append_event(
                WorkspaceChanged(t=now, source="workspace", first=command, last=command, changes=changes)
            )
            wall.append((time.perf_counter() - wall_0) * 1e3)
            cpu.append((time.process_time() - cpu_0) * 1e3)
            assert len(changes) == changed, (len(changes), tree.watch.blind)
    started = time.perf_counter()
    tree.scanner.rescan([b""])
    full = time.perf_counter() - started
    tree.close()
    return {
        "diff_wall_ms": spread(wall),
        "diff_cpu_ms": spread(cpu),
        "scan_and_keep_s": round(scan_seconds, 2),
        "full_look_ms": round(full * 1e3, 1),
    }


def source_times(
    root: Path, paths: list[Path], folder: Path, commands: int, changed: int
) -> dict[str, object]:
    """CPU of the source's process per command (everything that it does), and its memory."""
    started = time.perf_counter()
    source = start_workspace(root=root, folder=folder)
    start_seconds = time.perf_counter() - started
    cpu = []
    os.write(source.notify_fd, b"P 1\n")
    for command in range(1, commands + 1):
        before = cpu_seconds(source)
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(source.notify_fd, b"E %d\nC %d\n" % (now, command))
        change(paths, command, changed, "source")
        os.write(source.notify_fd, b"P %d\n" % (command + 1))
        time.sleep(0.15)  # the pace of a person, quick
        cpu.append((cpu_seconds(source) - before) * 1e3)
    status = Path(f"/proc/{source.pid}/status").read_text()
    memory = {
        line.split()[0]: int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("Vm")
    }
    assert source.finish()
    told = [json.loads(frame.payload) for frame in read_journal(folder / "workspace.journal")]
    ranges = [event["last"] - event["first"] for event in told if event["kind"] == "workspace.changed"]
    return {
        "source_cpu_ms_per_command": spread(cpu),
        "start_s": round(start_seconds, 2),
        "memory_mb": memory["VmRSS:"],
        "memory_peak_mb": memory["VmHWM:"],
        "told_apart": f"{ranges.count(0)} of {commands}",
    }


def cpu_seconds(source: Workspace) -> float:
    """CPU the process has used, to the microsecond where the kernel says so."""
    return int(Path(f"/proc/{source.pid}/schedstat").read_text().split()[0]) / 1e9


def spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(values), 2),
        "p95": round(statistics.quantiles(values, n=20)[-1], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--commands", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="workspace-bench-"))
    try:
        root = base / "work"
        paths = build(root, options.files)
        for name in ("a", "b"):
            (base / name).mkdir()
        results = diff_times(root, paths, base / "a", options.commands, options.changed)
        results |= source_times(root, paths, base / "b", options.commands, options.changed)
    finally:
        shutil.rmtree(base)
    if options.json:
        print(json.dumps(results))
    else:
        print(f"{options.files:,} files, {options.changed} changed by each of {options.commands} commands")
        for name, value in results.items():
            print(f"  {name:28} {value}")
    goal = results["diff_wall_ms"]
    assert isinstance(goal, dict)
    return 0 if goal["p50"] <= 10 else 1


if __name__ == "__main__":
    sys.exit(main())
