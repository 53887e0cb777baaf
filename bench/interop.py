"""What other formats cost: a HAR of 100 MB in and out, a body of 1 GB out. CPU, and the most memory of its own.

python -m bench.interop
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIZE = 100 << 20
MEASURED = """
import re, sys, threading, time
from recorder.cli import cli
peak, over = [0], threading.Event()
def watch():
    while not over.wait(0.005):
        peak[0] = max(peak[0], int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]))
threading.Thread(target=watch, daemon=True).start()
cli.main(sys.argv[1:], prog_name="reenact", standalone_mode=False)
over.set()
print(f"{time.process_time():.1f} s, {peak[0] >> 10} MB", file=sys.stderr)
"""


def entries() -> Iterator[dict[str, Any]]:
    """Three answers in JSON, coded, to one image, as many as make `SIZE` bytes."""
    chance = random.Random(1)
    number = size = 0
    while size < SIZE:
        number += 1
        items = [{"id": chance.randrange(10**9), "name": f"item {k}", "tags": ["a", "b"]} for k in range(400)]
        kind, text = "application/json", json.dumps(items)
        coding = [{"name": "content-encoding", "value": "gzip"}]
        extra: dict[str, str] = {}
        if number % 4 == 0:
            kind, text, coding = "image/png", base64.b64encode(chance.randbytes(60_000)).decode(), []
            extra = {"encoding": "base64"}
        size += len(text)
        url = f"https://h{number % 20}.example/p/{number}?q={number}"
        headers = [{"name": "accept", "value": "*/*"}, {"name": "cookie", "value": f"sid=abcdef{number}"}]
        yield {
            "startedDateTime": "2024-01-01T00:00:00Z", "time": 12, "timings": {"send": 1, "wait": 10, "receive": 1},
            "request": {"method": "GET", "url": url, "httpVersion": "h2", "headers": headers},
            "response": {
                "status": 200, "statusText": "", "httpVersion": "h2",
                "headers": [{"name": "content-type", "value": kind}, *coding],
                "content": {"size": len(text), "mimeType": kind, "text": text, **extra},
            },
        }  # fmt: skip


def large(trace: Path, blobs: Path) -> None:
    """A trace with an answer of nearly 1 GB that cannot be packed."""
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / name) for name in ("network", "interop")]
    from interop_trace import seal_events

    from recorder.trace.blobs import BlobStore
    from recorder.trace.events import Body, Cause, FlowAnswered, FlowRequested

    spool = BlobStore(blobs).spool()
    for _ in range(1000):
        spool.write(os.urandom(1 << 20))
    body = Body(size=spool.size, blob=spool.keep())
    asked = FlowRequested(
        t=1, source="proxy", flow=1, connection=1, method="GET", url="http://a.example/", version="1.1", headers=[],
        cause=Cause(command=None, how="unknown", process=""),
    )  # fmt: skip
    answered = FlowAnswered(
        t=2, source="proxy", flow=1, status=200, reason="OK", version="1.1", headers=[], trailers=[],
        request=Body(size=0), response=body, first_byte=1, pace=[], error=None,
    )  # fmt: skip
    seal_events([asked, answered], trace, blobs)


def measure(label: str, *words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, words)], check=True, capture_output=True, text=True
    )
    print(f"{label:32} {done.stderr.splitlines()[-1]}", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["REENACT_TRACES"] = folder
        with (root / "in.har").open("w") as file:
            file.write('{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":[')
            for count, entry in enumerate(entries()):
                file.write(("," if count else "") + json.dumps(entry))
            file.write("]}}")
        measure("import, secrets replaced", "import", "har", root / "in.har", "-o", root / "a.reenact")
        measure("import, as it is", "import", "har", root / "in.har", "-o", root / "b.reenact", "--no-redact")
        measure("export", "export", "har", root / "b.reenact", "-o", root / "out.har")
        large(root / "large.reenact", root / "blobs")
        measure(
            "export, 1 GB attached", "export", "har", root / "large.reenact", "-o", root / "o.zip", "--attach"
        )


if __name__ == "__main__":
    main()
