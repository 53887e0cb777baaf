"""What redaction costs: `python -m bench.redact [--megabytes 20] [--json]`; and what it finds in clean output:
`python -m bench.redact --clean [FOLDER]`.

Megabytes a second of one process through a stream redactor (as terminal output passes it, in 4 KiB and 64 KiB reads)
and through `body` (as the proxy's bodies do), with no, 10 and 1,000 known secrets. Clean text is this project's own
sources and documentation, a compiler-like log, coloured output, and JSON as registries send it.

Clean output is that of the sample traces, of the end-to-end sessions played on bare shells (all of them, some
minutes), and of every asciicast in FOLDER. Nothing in it is a secret, so every find is false.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha512
from pathlib import Path

from recorder.redact import Redactor, Vault
from recorder.trace.reader import open_trace

ROOT = Path(__file__).resolve().parents[1]
KEY = bytes(range(32))
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"


def repeated(text: bytes, size: int) -> bytes:
    return (text * (size // len(text) + 1))[:size]


def sources() -> bytes:
    return b"".join(
        p.read_bytes()
        for folder in ("recorder", "replay", "docs")
        for p in sorted((ROOT / folder).rglob("*.[pm][yd]"))
    )


def build_log() -> bytes:
    r = random.Random(1)
    return "".join(
        f"[{n:5}/9000] cc -O2 -Wall -Iinclude -c src/module_{r.randint(1, 999)}/file_{n}.c -o build/file_{n}.o\r\n"
        f"src/file_{n}.c:{r.randint(1, 900)}:{r.randint(1, 80)}: warning: unused variable 'x{n}' [-Wunused]\r\n"
        for n in range(4000)
    ).encode()


def coloured() -> bytes:
    return "".join(
        f"\x1b[32m✓\x1b[0m \x1b[1mtests/test_{n}.py\x1b[0m \x1b[90m({n % 97} ms)\x1b[0m \x1b[33m{n} checks\x1b[0m\r\n"
        for n in range(5000)
    ).encode()


def registry_json() -> bytes:
    versions = {
        f"1.{n}.0": {
            "name": "left-pad", "version": f"1.{n}.0", "license": "MIT", "dependencies": {"js-tokens": "^4.0.0"},
            "dist": {"integrity": "sha512-" + sha512(bytes([n & 255])).hexdigest()[:86] + "==", "fileCount": n,
                     "tarball": f"https://registry.example.org/left-pad/-/left-pad-1.{n}.0.tgz"},
        }
        for n in range(2000)
    }  # fmt: skip
    return json.dumps({"name": "left-pad", "versions": versions}).encode()


def streamed(door: Redactor, data: bytes, size: int) -> bytes:
    stream = door.stream()
    return b"".join([*(stream.feed(data[i : i + size]) for i in range(0, len(data), size)), stream.flush()])


def rate(work: Callable[[], bytes], size: int, rounds: int = 3) -> float:
    """Of the best round: others use the machine too."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return size / best / 1e6


def clean_outputs(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """Names and raw outputs of terminal sessions in which nothing is a secret."""
    for path in sorted((ROOT / "samples").glob("*.reenact")):
        with open_trace(path) as trace:
            yield path.name, trace.terminal_output(1, 0, 1 << 40)
    for path in sorted(folder.rglob("*.cast")) if folder else []:
        lines = [line for line in path.read_bytes().split(b"\n") if line.startswith(b"[")]
        shown = (event[2] for line in lines if (event := json.loads(line))[1] == "o")
        yield path.name, "".join(shown).encode("utf-8", "surrogatepass")
    sys.path[:0] = [str(ROOT / "samples"), str(ROOT / "tests" / "e2e")]
    from catalogue import SESSIONS
    from expert import Lost
    from scenario import perform, set_stage, stub_recorder

    for session in SESSIONS:
        with tempfile.TemporaryDirectory(prefix="clean-", ignore_cleanup_errors=True) as place:
            if not session.missing():
                stage = set_stage(session, Path(place) / "s")
                with suppress(Lost):
                    yield session.name, perform(session, stage, extra_env=stub_recorder(stage)).raw


def show_false_hits(folder: Path | None) -> None:
    hits = size = count = 0
    for name, data in clean_outputs(folder):
        door = Redactor(Vault(KEY))
        streamed(door, data, 4096)
        found = sum(finding.times for finding in door.findings)
        hits, size, count = hits + found, size + len(data), count + 1
        if found:
            print(f"{name}: {found} in {len(data)} bytes: {[finding.rule for finding in door.findings]}")
    print(f"{count} outputs, {size / 1e6:.2f} MB, {hits} false hits: {hits / size * 1e6:.2f} a MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clean", nargs="?", type=Path, const=Path(), metavar="FOLDER")
    options = parser.parse_args()
    if options.clean is not None:
        show_false_hits(options.clean if options.clean != Path() else None)
        return
    size = options.megabytes * 1_000_000
    r = random.Random(2)
    texts = {"build log": build_log(), "coloured": coloured(), "sources": sources(), "JSON": registry_json()}
    results: dict[str, dict[str, float]] = {}
    for name, text in texts.items():
        data = repeated(text, size)
        row = results[name] = {}
        for known in (0, 10, 1000):
            door = Redactor(Vault(KEY), ["".join(r.choices(ALPHABET, k=24)).encode() for _ in range(known)])
            door.text("warm")
            row[f"stream 4 KiB, {known} known"] = rate(lambda: streamed(door, data, 4096), size)  # noqa: B023
            row[f"stream 64 KiB, {known} known"] = rate(lambda: streamed(door, data, 65536), size)  # noqa: B023
            row[f"body, {known} known"] = rate(lambda: door.body(data, "text/plain"), size)  # noqa: B023
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        return
    for name, row in results.items():
        for what, value in row.items():
            print(f"{name:10} {what:26} {value:7.1f} MB/s")


if __name__ == "__main__":
    main()
