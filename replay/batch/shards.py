"""Shards: what is kept, in its order, as the files of the dataset."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

import msgspec
import zstandard
from msgspec import Struct

from recorder.trace.errors import UsageError
from replay.batch.ledger import Piece
from replay.dataset.formats import format_of
from replay.dataset.row import Row
from replay.export.losses import Loss, Losses
from replay.whole import whole

COMPRESSIONS = {"": "", "gzip": ".gz", "zstd": ".zst"}
"""By name the ending that a compressed file gets."""
_MOST_FRAME = 1 << 31


class Shard(Struct, frozen=True, kw_only=True):
    """A file to write: `name` below `folder`, of these frames (spool, offset, length, size); by `table` (the name of a
    format of that kind) where it is one."""

    folder: str
    name: str
    compression: str
    table: str = ""
    frames: tuple[tuple[str, int, int, int], ...]


class Written(Struct, frozen=True, kw_only=True):
    """A file of the dataset: its place in the folder, its bytes, and the SHA-256 of them."""

    name: str
    sha256: str
    bytes: int


class Made(Struct, frozen=True, kw_only=True):
    """A shard as it was written, and what a table lost when it was made."""

    file: Written
    losses: tuple[Loss, ...] = ()


def portions(pieces: Iterable[Piece], most: int) -> Iterator[list[Piece]]:
    """What stands in one shard: pieces in a row of at most `most` bytes together, or one that is larger."""
    shard: list[Piece] = []
    size = 0
    for piece in pieces:
        if shard and size + piece.size > most:
            yield shard
            shard, size = [], 0
        shard.append(piece)
        size += piece.size
    if shard:
        yield shard


def write_shard(shard: Shard) -> Made:
    """Writes a shard; it is there whole or not at all. Raises OSError where the disk takes no more."""
    place = Path(shard.folder) / shard.name
    losses = Losses()
    with whole(place, alone=True) as file:
        if shard.table:
            rows = [msgspec.json.decode(content, type=Row) for content in contents(shard.frames)]
            file.write(format_of(shard.table).convert(rows, losses))
        else:
            with _packed(file, shard.compression, sum(size for *_, size in shard.frames)) as out:
                for content in contents(shard.frames):
                    out.write(content)
        size = file.tell()
    written = Written(name=shard.name, sha256=_sha256(place), bytes=size)
    return Made(file=written, losses=tuple(losses.told()))


def write_files(folder: Path, name: str, frame: tuple[str, int, int, int]) -> list[Written]:
    """Writes a trace's own files below `folder`/`name`. Raises UsageError for a name that leads elsewhere, OSError
    where the disk takes no more."""
    written = []
    for content in contents([frame]):
        for relative, data in msgspec.msgpack.decode(content, type=list[tuple[str, bytes]]):
            parts = PurePosixPath(relative).parts
            if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
                raise UsageError(f"{name}: a file named {relative!r} would stand outside its folder")
            place = folder.joinpath(name, *parts)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole(place, alone=True) as file:
                file.write(data)
            known = hashlib.sha256(data).hexdigest()
            written.append(Written(name=str(place.relative_to(folder)), sha256=known, bytes=len(data)))
    return written


def contents(frames: Iterable[tuple[str, int, int, int]]) -> Iterator[bytes]:
    """What stands in frames, one by one."""
    unpacker = zstandard.ZstdDecompressor()
    open_file: IO[bytes] | None = None
    name = ""
    try:
        for spool, offset, length, size in frames:
            if open_file is None or spool != name:
                if open_file is not None:
                    open_file.close()
                open_file, name = open(spool, "rb"), spool  # noqa: SIM115
            open_file.seek(offset)
            content = unpacker.decompress(open_file.read(length), max_output_size=min(size, _MOST_FRAME))
            if len(content) != size:
                raise OSError(5, f"{spool} is damaged: delete it and run the same command again")
            yield content
    finally:
        if open_file is not None:
            open_file.close()


@contextmanager
def _packed(file: IO[bytes], compression: str, size: int) -> Iterator[IO[bytes]]:
    """Compressed so that the same content gives the same bytes: no name, no time. `size` bytes will come."""
    if compression == "gzip":
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as out:
            yield cast(IO[bytes], out)
    elif compression == "zstd":
        with zstandard.ZstdCompressor(level=3).stream_writer(file, size=size, closefd=False) as packed:
            yield cast(IO[bytes], packed)
    else:
        yield file


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
