"""What the network of an isolated session costs at its start: `python -m bench.isolated [--rounds 9]`.

Seconds from the command to the first byte that its program shows, in turns: without a network, and with one. Goal:
at most 250 ms more. Needs what `reenact doctor` asks for, and nftables.
"""

from __future__ import annotations

import argparse
import os
import pty
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KINDS = {"isolated": ["--isolated"], "isolated, with its network": ["--isolated", "--proxy"]}
_READY = "printf 'rea%s' dy; read x"


def start(options: list[str], folder: Path) -> float:
    """Records one session; the seconds until its program shows something."""
    env = {**os.environ, "REENACT_TRACES": str(folder / "traces"), "HOME": str(folder)}
    line = [
        sys.executable,
        "-m",
        "recorder.cli",
        "record",
        "--no-workspace",
        "--out",
        str(folder / "a.reenact"),
    ]
    begun = time.perf_counter()
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*line, *options, "--", "sh", "-c", _READY], env)
    shown = b""
    while b"ready" not in shown:
        shown += os.read(master, 65536)  # raises OSError where the session did not come about
    taken = time.perf_counter() - begun
    os.write(master, b"\n")
    with suppress(OSError):
        while os.read(master, 65536):
            pass
    os.close(master)
    os.waitpid(pid, 0)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind, options in KINDS.items():
            folder = Path(tempfile.mkdtemp(prefix="reenact-bench-", dir="/var/tmp"))
            taken[kind].append(start(options, folder))
            shutil.rmtree(folder)
    for kind, times in taken.items():
        print(f"{kind}: median {statistics.median(times) * 1e3:.0f} ms, best {min(times) * 1e3:.0f} ms")
    without, with_network = taken.values()
    more = [b - a for a, b in zip(without, with_network, strict=True)]
    print(f"more, in pairs: median {statistics.median(more) * 1e3:.0f} ms, best {min(more) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
