"""What recording costs, side by side in one run: `python -m bench.overhead [--megabytes 200] [--lines 5000000]`.

No recorder, `script -f`, asciinema and ours run the same program on a fresh PTY, in turns. Wall and CPU seconds
are the least of the rounds (others use the machine too), echo latency is of one key at a time through a program
that answers it. Ratios are against `script`. Without a C compiler the probe runs in Python and is slower itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ECHOER = ["sh", "-c", "stty raw -echo; printf READY; exec cat"]


def recorders(folder: Path, wanted: list[str]) -> dict[str, Any]:
    """Name to a function from argv to the recording argv, for those that are installed."""
    ours = folder / "ours"
    ours.mkdir(exist_ok=True)

    found = {
        "none": lambda argv: argv,
        "script": lambda argv: ["script", "-q", "-f", "-c", shlex.join(argv), str(folder / "script.log")],
        "asciinema": lambda argv: [
            "asciinema",
            "rec",
            "-q",
            "--overwrite",
            "-c",
            shlex.join(argv),
            str(folder / "a.cast"),
        ],
        "reenact": lambda argv: [sys.executable, "-m", "bench.record", str(ours), "--redact", "--", *argv],
        "as it is": lambda argv: [sys.executable, "-m", "bench.record", str(ours), "--", *argv],
    }
    return {
        n: f
        for n, f in found.items()
        if n in wanted and (n in ("none", "reenact", "as it is") or shutil.which(n))
    }


def build_probe(folder: Path) -> list[str]:
    compiler = shutil.which("cc")
    if compiler is None:
        return [sys.executable, "-m", "bench.probe"]
    probe = folder / "probe"
    subprocess.run([compiler, "-O2", "-o", str(probe), str(ROOT / "bench" / "probe.c"), "-lutil"], check=True)
    return [str(probe)]


class PeakMemory(threading.Thread):
    """Highest resident size, in MB, of each process below `pid` but the recorded program."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak: dict[str, float] = {}
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.1):
            pids = [self.pid]
            for pid in pids:
                try:
                    pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
                    status = dict(
                        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                    )
                    name, mb = status["Name"].strip(), int(status["VmHWM"].split()[0]) / 1024
                except (OSError, KeyError, ValueError):
                    continue
                if name not in ("probe", "cat", "seq", "sh"):
                    self.peak[name] = max(self.peak.get(name, 0.0), round(mb, 1))


def run(command: list[str]) -> dict[str, Any]:
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    memory = PeakMemory(process.pid)
    memory.start()
    text, _ = process.communicate()
    memory.done.set()
    result: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return result | {"rss": memory.peak}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, Any]]:
    probe = build_probe(folder)
    text = folder / "text"
    line = b"The quick brown fox jumps over the lazy dog; 0123456789 and so on to the margin.\n"
    text.write_bytes(line * (options.megabytes * 1_000_000 // len(line)))
    loads = {
        f"cat {options.megabytes} MB": ["cat", str(text)],
        f"seq {options.lines}": ["seq", "1", str(options.lines)],
    }
    wrap = recorders(folder, options.only.split(","))
    results: dict[str, dict[str, Any]] = {}
    for name, argv in loads.items():
        rows: dict[str, list[dict[str, Any]]] = {recorder: [] for recorder in wrap}
        for _ in range(options.rounds):
            for recorder, command in wrap.items():
                rows[recorder].append(run([*probe, "drain", *command(argv)]))
                clean(folder)
        results[name] = {
            recorder: {
                "wall": min(r["wall"] for r in runs),
                "cpu": min(r["cpu"] for r in runs),
                "bytes": runs[0]["bytes"],
                "rss": runs[-1]["rss"],
            }
            for recorder, runs in rows.items()
        }
    if options.keys:
        name = f"echo of {options.keys} keys"
        results[name] = {}
        for recorder, command in wrap.items():
            results[name][recorder] = run([*probe, "echo", str(options.keys), *command(ECHOER)])
            clean(folder)
    return results


def clean(folder: Path) -> None:
    """The next run starts with nothing of the last one, neither files nor write-back."""
    for path in [*(folder / "ours").iterdir(), folder / "script.log", folder / "a.cast"]:
        path.unlink(missing_ok=True)
    os.sync()
    time.sleep(0.2)


def show(results: dict[str, dict[str, Any]]) -> None:
    for name, row in results.items():
        echo = name.startswith("echo")
        columns = ("p10", "p50", "p99") if echo else ("wall", "cpu")
        base = row.get("script")
        print(f"\n{name}")
        for recorder, result in row.items():
            cells = []
            for column in columns:
                value = result.get(column)
                ratio = (
                    f" ({value / base[column]:4.2f}x)"
                    if base and value is not None and base.get(column)
                    else ""
                )
                cells.append(
                    f"{column} {value if value is not None else result.get('error')}{' µs' if echo else ' s'}{ratio}"
                )
            memory = ", ".join(f"{n} {mb}" for n, mb in result["rss"].items())
            print(f"  {recorder:10} {'  '.join(cells)}" + (f"   peak RSS MB: {memory}" if memory else ""))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=200, help="size of the text that cat shows")
    parser.add_argument("--lines", type=int, default=5_000_000, help="lines that seq prints")
    parser.add_argument("--keys", type=int, default=1000, help="keys whose echo is timed; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="none,script,asciinema,reenact,as it is")
    parser.add_argument("--folder", default=None, help="where logs go; default a temporary folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        results = measure(options, Path(folder))
    if options.json:
        print(json.dumps(results))
    else:
        show(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
