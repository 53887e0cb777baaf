"""Datasets beside a straightforward exporter of the same rows: `python -m bench.dataset [--traces N] [--jobs N]`.

Both read the same sealed traces and write the same rows as JSON Lines, ours by `reenact export native`, the other with
zipfile, json and a pool whose workers hand rows back to be written. The other checks no integrity, looks for no secrets
and cannot be resumed. Then ours again, killed half-way and run to its end; and the memory of its workers, for a tenth
of the traces and for all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "batch"))

from made_traces import Command, made_trace  # noqa: E402

from recorder.trace.events import AnyEvent  # noqa: E402
from recorder.trace.reader import open_trace  # noqa: E402
from replay import verdicts  # noqa: E402
from replay.dataset.trajectory import Recording, trajectory  # noqa: E402

REENACT = Path(sys.executable).with_name("reenact")
STEPS = 40


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["REENACT_TRACES"] = str(folder / "home")
        paths = list(_traces(folder / "traces", asked.traces))
        size = sum(path.stat().st_size for path in paths)
        print(f"{len(paths)} traces of {STEPS} commands, {size / len(paths) / 1000:.0f} kB each")
        theirs = _timed(
            "json and a pool", partial(_theirs, paths, folder / "theirs.jsonl", asked.jobs), len(paths)
        )
        ours = _timed(
            "reenact export", partial(_ours, folder / "traces", folder / "ours", asked.jobs), len(paths)
        )
        again = _timed(
            "rows made before", partial(_ours, folder / "traces", folder / "again", asked.jobs), len(paths)
        )
        same = _rows(folder / "theirs.jsonl") == _rows(*sorted((folder / "ours").glob("train-*")))
        same &= _bytes(folder / "ours") == _bytes(folder / "again")
        print(
            f"{theirs / ours:.2f} × its rate, {theirs / again:.2f} × where a replay or an export had made the rows"
        )
        print(f"the same rows: {'yes' if same else 'NO'}")
        _killed(folder, asked.jobs, ours)
        few = folder / "few"
        few.mkdir()
        for path in paths[: max(1, len(paths) // 10)]:
            (few / path.name).hardlink_to(path)
        for source in (few, folder / "traces"):
            shutil.rmtree(folder / "home" / ".rows")
            peak = _peak(source, folder / f"memory-{source.name}", asked.jobs)
            print(f"{len(list(source.iterdir()))} traces: at most {peak / 1024:.0f} MiB a worker")
    return 0 if same else 1


def _traces(folder: Path, count: int) -> Iterator[Path]:
    folder.mkdir()
    for n in range(count):
        lines = [f"tests/test_{n}_{k}.py::test_{j} PASSED  {n * j}" for k in range(2) for j in range(20)]
        commands = [
            Command(
                f"pytest -q tests/test_{k}.py",
                "\n".join(lines) + "\n",
                k % 2,
                "Why it fails." if k % 8 == 0 else "",
            )
            for k in range(STEPS)
        ]
        started = 1_700_000_000 + n
        yield made_trace(
            folder / f"{n:06}.reenact", n, instruction=f"Task {n}", commands=commands, started=started
        )


def _timed(what: str, work: object, count: int) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    print(f"{what:20} {took:7.2f} s, {count / took:6.0f} traces a second")
    return took


def _ours(traces: Path, out: Path, jobs: int) -> None:
    words = [str(REENACT), "export", "native", str(traces), "-o", str(out), "--jobs", str(jobs)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _theirs(paths: list[Path], out: Path, jobs: int) -> None:
    with Pool(jobs) as pool, out.open("w") as file:
        for row in pool.imap(_row, paths, chunksize=16):
            file.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")


def _row(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        values = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    events = [msgspec.convert(value, AnyEvent) for value in values]
    with open_trace(path) as trace:
        row, _ = trajectory(
            Recording(
                manifest=trace.manifest,
                events=events,
                output=lambda number, begin, end: iter([trace.terminal_output(number, begin, end)]),
                blob=lambda digest: trace.blob(digest) if trace.has_blob(digest) else None,
                sha256=verdicts.sha256_of(path),
                public_key=trace.manifest.seal.public_key if trace.manifest.seal else None,
            )
        )
        return msgspec.to_builtins(row)


def _rows(*paths: Path) -> list[object]:
    rows = (json.loads(line) for path in paths for line in path.open())
    return sorted(rows, key=lambda row: str(row["trace_id"]))


def _killed(folder: Path, jobs: int, whole: float) -> None:
    shutil.rmtree(folder / "home" / ".rows")
    words = [
        str(REENACT),
        "export",
        "native",
        str(folder / "traces"),
        "-o",
        str(folder / "killed"),
        "--jobs",
        str(jobs),
    ]
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )  # fmt: skip
    try:
        process.wait(whole / 2)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    began = time.perf_counter()
    _ours(folder / "traces", folder / "killed", jobs)
    took = time.perf_counter() - began
    same = _bytes(folder / "killed") == _bytes(folder / "ours")
    print(f"killed half-way, then to its end in {took:.2f} s; the same bytes: {'yes' if same else 'NO'}")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _peak(traces: Path, out: Path, jobs: int) -> int:
    """The most memory of one worker, in KiB, as the kernel counted it."""
    words = [str(REENACT), "export", "native", str(traces), "-o", str(out), "--jobs", str(jobs)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for pid in _descendants(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), _high_water(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    ended.set()
    watcher.join()
    return max(peaks.values(), default=0)


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue
    return found[1:]


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    sys.exit(main())
