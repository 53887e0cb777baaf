"""What a replay costs: `python bench/replay.py [--commands 200] [--starts 15] [--asleep 4] [--json]`.

Four figures. How long a sandbox takes from the call to its program's first output (goal: 300 ms). What a replay adds
to each step of a session of many short commands, typed here through a real terminal (goal: 20 ms). That think time
is skipped: a session that claims ten minutes, whose commands work for some seconds, replays in about those seconds. And
that sleeps are: one that sleeps in twenty rounds, recorded in real time. Needs what `reenact doctor` asks for.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "samples"), str(ROOT / "tests" / "replay")]

from expert import Expert  # noqa: E402
from resealing import Mutant  # noqa: E402
from scenario import Session, perform, set_stage  # noqa: E402

from replay.sandbox import SandboxSpec, start  # noqa: E402

THINK = 600 * 10**9
WORK = "n=0; while [ $n -lt 400000 ]; do n=$((n+1)); done; echo $n"
SLEEP = "for n in $(seq 20); do sleep {each}; echo round $n; done"
LINES = (
    "echo step {n}",
    "printf '%s\\n' {n} >> notes.txt",
    "wc -l < notes.txt",
    "cd sub; cd ..",
    "grep -c 1 notes.txt",
    "true",
    "ls",
    "x={n}; echo $((x * 2))",
    "test -e nothing",
    "sed -n 1p notes.txt",
)
"""Short commands as people type them: half are the shell's own, half start a program, some change a file."""


def sandbox_starts(count: int, folder: Path) -> list[float]:
    """Seconds from the call to the first byte that the program shows, each time."""
    taken = []
    for number in range(count):
        session = folder / f"session-{number}"
        session.mkdir(mode=0o700)
        spec = SandboxSpec(
            argv=["/bin/echo", "ready"], env={"PATH": "/usr/bin:/bin"}, workspace=None, root="/work", cwd="/work",
            session_folder_host=session, session_folder="/session", home="/home/user", uid=1000, gid=1000,
            user="user", hostname="recorded",
        )  # fmt: skip
        begin = time.perf_counter()
        with start(spec) as sandbox:
            select.select([sandbox.master], [], [], 10)
            assert os.read(sandbox.master, 5) == b"ready"
            taken.append(time.perf_counter() - begin)
            os.close(sandbox.master)
    return taken


def record(name: str, lines: list[str], folder: Path, patience: float = 120) -> Path:
    """A session of these lines, typed as fast as the terminal takes them."""

    def play(expert: Expert) -> None:
        for line in lines:
            expert.run(line, patience=patience)

    session = Session(name=name, summary="", play=play, files={"notes.txt": "1\n", "sub/empty": ""})
    stage = set_stage(session, folder / name)
    trace = folder / f"{name}.reenact"
    words = [reenact(), "record", "--out", str(trace), "--"]
    perform(session, stage, words, extra_env={"REENACT_TRACES": str(folder / "traces")}, patience=60)
    return trace


def reenact() -> str:
    found = shutil.which("reenact", path=str(Path(sys.executable).parent)) or shutil.which("reenact")
    if found is None:
        sys.exit("reenact is not installed for this Python: pip install . first")
    return found


def replayed(trace: Path) -> dict[str, Any]:
    """What `replay --json` says, and the wall time of the whole command, start of Python included."""
    begin = time.perf_counter()
    done = subprocess.run([reenact(), "replay", str(trace), "--json"], capture_output=True, check=False)
    took = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"the replay ended with {done.returncode}: {done.stdout.decode()}{done.stderr.decode()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"wall": took}


def with_think_time(trace: Path, out: Path, scratch: Path) -> Mutant:
    """The same session as one whose expert thought before each line, ten minutes in all."""
    mutant = Mutant(trace, scratch)
    mutant.think(THINK // len(mutant.steps))
    mutant.seal(out)
    return mutant


def own_time(mutant: Mutant) -> float:
    """Seconds that the recorded commands took."""
    return sum(step.t_end - step.t_start for step in mutant.steps) / 1e9


def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    starts = sandbox_starts(options.starts, folder)
    lines = [LINES[n % len(LINES)].format(n=n) for n in range(options.commands)]
    short = record("short", lines, folder)
    mutant = Mutant(short, folder / "scratch-short")
    answer = replayed(short)
    own = own_time(mutant)
    results = {
        "sandbox_start_ms": round(statistics.median(starts) * 1000, 1),
        "sandbox_start_worst_ms": round(max(starts) * 1000, 1),
        "steps": len(answer["steps"]),
        "replay_s": round(answer["duration_ms"] / 1000, 2),
        "recorded_commands_s": round(own, 2),
        "ms_per_step": round((answer["duration_ms"] / 1000 - own) / len(answer["steps"]) * 1000, 1),
    }
    trace = record("thoughtful", [WORK, "echo thinking", WORK, "date +%F"], folder)
    ten_minutes = folder / "ten-minutes.reenact"
    mutant = with_think_time(trace, ten_minutes, folder / "scratch-thoughtful")
    answer = replayed(ten_minutes)
    line = SLEEP.format(each=options.asleep / 20)
    asleep = replayed(record("asleep", [line], folder, options.asleep + 120))
    return results | {
        "think_session_claims_s": round(mutant.duration / 1e9, 1),
        "think_session_commands_s": round(own_time(mutant), 2),
        "think_session_replay_s": round(answer["duration_ms"] / 1000, 2),
        "think_session_replay_with_python_s": round(answer["wall"], 2),
        "sleeping_session_sleeps_s": options.asleep,
        "sleeping_session_replay_s": round(asleep["duration_ms"] / 1000, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commands", type=int, default=200, help="commands of the session of short ones")
    parser.add_argument("--starts", type=int, default=15, help="sandboxes to start")
    parser.add_argument("--asleep", type=float, default=4.0, help="seconds that the sleeping session sleeps")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replay-bench-", ignore_cleanup_errors=True) as folder:
        results = measure(options, Path(folder))
    if options.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name:36} {value:>8}")
    return 0 if results["sandbox_start_ms"] <= 300 and results["ms_per_step"] <= 20 else 1


if __name__ == "__main__":
    sys.exit(main())
