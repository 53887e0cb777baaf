"""Finding traces in a folder of many: `python -m bench.catalog [--traces N]`.

`reenact ls`, each a process of its own: the first, which makes the index; then with the index; then with a hundredth of
the traces changed. Beside them, in the same run, a process that opens every trace and prints the same lines' facts. The
traces are copies of one, just written: so all of it is in the page cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "batch"))

from made_traces import made_trace  # noqa: E402

REENACT = str(Path(sys.executable).with_name("reenact"))
_OPENING = """
import sys
from pathlib import Path
from recorder.trace.reader import open_trace
rows = []
for path in sorted(Path(sys.argv[1]).glob("*.reenact")):
    size = path.stat().st_size
    with open_trace(path) as trace:
        said = trace.manifest
        rows.append((said.started_unix_ns, path.name, size, said.completeness.state, said.task.instruction))
rows.sort(reverse=True)
print("\\n".join(map(str, rows)))
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, default=10_000)
    parser.add_argument("--trace", type=Path, help="copy this one [default: a small one that is made]")
    count = (asked := parser.parse_args()).traces
    with tempfile.TemporaryDirectory() as name:
        os.environ["REENACT_TRACES"] = str(Path(name, "home"))
        folder = Path(name, "traces")
        folder.mkdir()
        one = Path(name, "one.reenact")
        if asked.trace:
            shutil.copyfile(asked.trace, one)
        else:
            made_trace(one)
        for n in range(count):
            shutil.copyfile(one, folder / f"{n:06}.reenact")
        print(f"{count} traces of {one.stat().st_size} bytes")
        opening = _timed("opening every trace", [sys.executable, "-c", _OPENING, str(folder)])
        first = _timed("the first ls", [REENACT, "ls", str(folder)])
        again = min(_timed("ls", [REENACT, "ls", str(folder)]) for _ in range(3))
        few = _timed("ls --limit 20", [REENACT, "ls", str(folder), "--limit", "20"])
        _timed("ls --task --json", [REENACT, "ls", str(folder), "--task", "mend", "--json"])
        _timed("stats", [REENACT, "stats", str(folder)])
        for n in range(0, count, 100):
            shutil.copyfile(one, folder / f"{n:06}.reenact")
        _timed("ls, 1 % changed", [REENACT, "ls", str(folder)])
        size = (folder / ".catalog.sqlite").stat().st_size
        print(f"the index: {size / 1e6:.1f} MB, {size / count:.0f} bytes a trace")
        print(f"the first ls takes {first / opening:.2f} × as long as opening every trace, later ones")
        print(f"{opening / again:.0f} × less, {opening / few:.0f} × less for the newest 20")
    return 0


def _timed(what: str, words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - began
    print(f"{what:22} {took:8.2f} s", flush=True)
    return took


if __name__ == "__main__":
    sys.exit(main())
