"""However large or hostile a trace is: its reader lives within 256 MB of address space, its writer too."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trace_fuzz import Parts, pack, reseal, unpack

from recorder.trace import compression, frames, limits, ziplayout

CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
def peak():  # in MB; ru_maxrss would count the process this one was forked from
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))
"""

READ = (
    CHILD
    + """
from recorder.trace.errors import TraceRejected
from recorder.trace.reader import open_trace
def everything():
    try:
        with open_trace(sys.argv[1]) as trace:
            for _ in trace.events: pass
            for number in (t.number for t in trace.manifest.terminals):
                for _ in trace.terminal_frames(number): pass
                for at in range(0, 1 << 26, 1 << 24): trace.terminal_output(number, at, at + (1 << 24))
            for digest in trace.blob_digests():
                for _ in trace.stream_blob(digest): pass
            return ",".join(sorted({p.code for p in trace.verify().problems})) or "ok"
    except TraceRejected as error:
        return error.code
print(everything(), peak())
"""
)


def read(path: Path) -> tuple[str, int]:
    """How reading everything ended, in a child that may not have more than 256 MB, and its peak memory in MB."""
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result, peak = done.stdout.split()
    return result, int(peak)


@pytest.fixture(scope="module")
def parts(sample: Path) -> Parts:
    return unpack(sample)


def line(**fields: Any) -> bytes:
    return json.dumps(
        {"kind": "note", "t": 60, "source": "notes", "text": ""} | fields, separators=(",", ":")
    ).encode()


def with_lines(parts: Parts, *lines: bytes) -> Parts:
    return {**parts, ziplayout.EVENTS: parts[ziplayout.EVENTS] + b"".join(each + b"\n" for each in lines)}


def zeros(count: int) -> bytes:
    """One zstd frame that expands to zeros."""
    out: list[bytes] = []
    compression.compress_stream(lambda size: bytes(size), count, out.append)
    return b"".join(out)


WIDE = b'{"kind":"note","t":60,"source":"notes","text":"","u":[' + b"[],[" * 60_000 + b"]" * 60_000 + b"]}"
FLAT = b'{"kind":"note","t":60,"source":"notes","text":"","u":[' + b"{}," * 200_000 + b"{}]}"
SHORT_STRINGS = (
    b'{"kind":"workspace.snapshot","t":60,"source":"workspace","root":"","tree":"%s",'
    b'"files":0,"bytes":0,"git":null,"ignored":[%s"z"]}'
)

BOMBS: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "a blob of 1 GB of zeros": (lambda p: {**p, f"blobs/{'0' * 64}.zst": zeros(1 << 30)}, "hash"),
    "two blobs of 1 GB of zeros": (
        lambda p: {**p, **dict.fromkeys((f"blobs/{'0' * 64}.zst", f"blobs/{'1' * 64}.zst"), zeros(1 << 30))},
        "ratio",
    ),
    "deep": (lambda p: with_lines(p, WIDE), "too-deep"),
    "wide": (lambda p: with_lines(p, FLAT), "ok"),
    "wider": (lambda p: with_lines(p, FLAT.replace(b"{}", b"{},{}")), "too-large"),
    "a list of short strings": (
        lambda p: with_lines(p, SHORT_STRINGS % (min(p).encode()[6:70], b'"ab",' * 250_000)),
        "ok",
    ),
    "a line of 4 MB, 4 bytes a letter": (
        lambda p: with_lines(p, line(text="😀" + "a" * (limits.MAX_LINE - 200))),
        "ok",
    ),
    "a line of 60 MB": (lambda p: with_lines(p, line(text="a" * 60_000_000)), "too-large"),
    "a line of escapes": (lambda p: with_lines(p, line(text="\n" * (limits.MAX_LINE // 2 - 100))), "ok"),
    "a chunk of 4 MB of small frames": (
        lambda p: {
            **p,
            "terminal/1.frames.zst": compression.compress(
                b"".join(frames.encode(n, 0, 1, b"x") for n in range(limits.MAX_CHUNK // 26))
            ),
        },
        "ok",
    ),
    "a chunk of 900 MB": (lambda p: {**p, "terminal/1.frames.zst": zeros(900 << 20)}, "too-large"),
    "deflated 500 MB of nothing": (lambda p: {**p, "terminal/1.cast": bytes(500_000_000)}, "ok"),
    "salts without end": (
        lambda p: {**p, ziplayout.SALTS: p[ziplayout.SALTS] + b"0" * 100_000_000},
        "too-large",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BOMBS, ids=str)
def test_bombs(parts: Parts, tmp_path: Path, case: str) -> None:
    make, expected = BOMBS[case]
    path = tmp_path / "bomb"
    path.write_bytes(pack(reseal(make(parts))))
    result, peak = read(path)
    print(case, result, peak)
    assert expected in result
    assert peak < 256


def test_a_small_bomb(parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(reseal(with_lines(parts, line(text="😀" * 300_000)))))
    assert read(path)[0] == "ok"


@pytest.mark.slow
def test_as_many_members_as_there_may_be(parts: Parts, tmp_path: Path) -> None:
    blob = compression.compress(b"")
    many = {f"blobs/{n:064x}.zst": blob for n in range(limits.MAX_MEMBERS - 9)}
    path = tmp_path / "many"
    path.write_bytes(pack(reseal({**many, **parts})))
    result, peak = read(path)
    assert result == "hash"  # they are not what their names say
    print("members", peak)
    path.write_bytes(pack({**{f"blobs/{n:064x}.zst": blob for n in range(limits.MAX_MEMBERS)}, **parts}))
    assert read(path)[0] == "too-large"


SEAL = (
    CHILD
    + """
import os
sys.path.insert(0, sys.argv[1])
from trace_sample import draft
from recorder.trace import TraceWriter
from recorder.trace.events import Noted
noise = os.urandom(1 << 16)
with TraceWriter(sys.argv[2], draft()) as writer:
    with writer.terminal(1) as sink:
        for n in range(1 << 14): sink.output(n, noise if n % 16 == 0 else b"%09d and some words\\r\\n" % n * 2000)
    with writer.cast(1) as write:
        for n in range(1 << 14): write(b'[1.0,"o","%s"]\\n' % (b"%09d and some words" % n * 2000))
    with writer.events() as add:
        for n in range(100_000): add(Noted(t=n, source="notes", text="why"))
    writer.finish(1 << 14)
print(peak())
"""
)


@pytest.mark.slow
def test_a_session_of_700_mb_seals_and_verifies_within_256_mb(tmp_path: Path) -> None:
    path = tmp_path / "long"
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", SEAL, here, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result, peak = read(path)
    assert result == "ok"
    print("seal", done.stdout.strip(), "read", peak, "bytes", path.stat().st_size)
    assert peak < 256


def test_the_bombs_are_what_they_claim() -> None:
    packed = zeros(10_000_000)
    assert len(packed) < 5000
    assert compression.header(packed, "x").content == 10_000_000
    assert zlib.crc32(compression.decompress(packed, 10_000_000, "x")) == zlib.crc32(bytes(10_000_000))
