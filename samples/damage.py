"""Makes the damaged samples, `samples/damaged/WHAT.reenact`: each from a good one, each broken in one way.

`python samples/damage.py`. `CODES` says with which code a reader rejects each.
"""

from __future__ import annotations

import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from recorder.trace.container import TraceWriter
from recorder.trace.manifest import Draft
from recorder.trace.reader import open_trace

HERE = Path(__file__).resolve().parent
GOOD = HERE / "python-bug.reenact"
FOLDER = HERE / "damaged"


def member(data: bytes, name: str) -> tuple[int, int]:
    """Where a member's bytes stand in the file: (begin, end)."""
    with zipfile.ZipFile(GOOD) as archive:
        info = archive.getinfo(name)
    names, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    begin = info.header_offset + 30 + names + extra
    return begin, begin + info.compress_size


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def in_middle_of(name: str) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        begin, end = member(data, name)
        return flipped(data, (begin + end) // 2)

    return damage


def lost_tail(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def no_trace(data: bytes) -> bytes:
    return b"This is a text file that somebody named wrongly.\n"


def trailing(data: bytes) -> bytes:
    return data + b"more"


def newer(data: bytes) -> bytes:
    """An empty trace of a schema version from the future."""
    with open_trace(GOOD) as trace, tempfile.TemporaryDirectory() as folder:
        fields = {name: getattr(trace.manifest, name) for name in Draft.__struct_fields__}
        out = Path(folder) / "newer.reenact"
        with TraceWriter(out, Draft(**fields | {"schema_version": 99})) as writer:
            with writer.events():
                pass
            writer.finish(0)
        return out.read_bytes()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "lost-tail": lost_tail,
    "text-file": no_trace,
    "trailing-bytes": trailing,
    "flipped-bit-in-frames": in_middle_of("terminal/1.frames.zst"),
    "flipped-bit-in-events": in_middle_of("events.jsonl"),
    "version-from-the-future": newer,
}
CODES = {
    "lost-tail": "truncated",
    "text-file": "not-a-trace",
    "trailing-bytes": "syntax",
    "flipped-bit-in-frames": "syntax",
    "flipped-bit-in-events": "schema",
    "version-from-the-future": "version",
}


def main() -> None:
    data = GOOD.read_bytes()
    FOLDER.mkdir(exist_ok=True)
    for name, damage in DAMAGE.items():
        (FOLDER / f"{name}.reenact").write_bytes(damage(data))
        print(f"{name}.reenact")


if __name__ == "__main__":
    main()
