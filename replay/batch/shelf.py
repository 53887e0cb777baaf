"""Rows that were made before, kept in the trace folder: another format or another condition reads no trace again.

A row stands under the SHA-256 of its trace's file, and holds for exactly these bytes, for this very code and for one
length of texts. Whoever replays a trace puts its row there, so that a dataset of verified traces is made of them.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from recorder.trace.folders import trace_folder
from replay.batch.leaks import Leak
from replay.dataset.row import Row
from replay.export.losses import Loss
from replay.whole import whole

_MOST = 1 << 30
_PACKAGES = (
    "recorder/trace",
    "recorder/redact",
    "replay/dataset",
    "replay/batch",
    "replay/verify",
    "replay/export",
)
"""What decides what a row is."""


class Kept(Struct, frozen=True, kw_only=True):
    """A row without a verdict, what of the trace it does not hold, and what looks like a secret in it."""

    row: Row
    losses: tuple[Loss, ...]
    leaks: tuple[Leak, ...]


_pack = zstandard.ZstdCompressor(level=1, write_checksum=True).compress
_decode = msgspec.json.Decoder(Kept).decode


def take(sha256: str, longest: int) -> Kept | None:
    """What is kept of the trace whose file has this SHA-256; None where there is nothing, or nothing whole."""
    try:
        data = _place(sha256, longest).read_bytes()
        return _decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=_MOST))
    except (OSError, zstandard.ZstdError, msgspec.MsgspecError):
        return None


def keep(sha256: str, longest: int, kept: Kept) -> None:
    """Keeps a row, whole or not at all, mode 0600. A folder that takes no file is no fault: the row is made again."""
    place = _place(sha256, longest)
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole(place) as file:
            file.write(_pack(msgspec.json.encode(kept)))
        for former in place.parent.glob(f"{sha256[2:]}-{longest}-*"):
            if former != place:
                former.unlink(missing_ok=True)


def _place(sha256: str, longest: int) -> Path:
    return trace_folder() / ".rows" / sha256[:2] / f"{sha256[2:]}-{longest}-{_code()}"


@functools.cache
def _code() -> str:
    """What tells this very code: its files' names, sizes and times."""
    root = Path(__file__).parents[2]
    told = hashlib.sha256()
    for name, status in _files(root):
        told.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return told.hexdigest()[:12]


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for package in _PACKAGES:
        for place in sorted((root / package).rglob("*")):
            if place.suffix in (".py", ".toml"):
                yield str(place.relative_to(root)), place.stat()
