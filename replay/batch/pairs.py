"""Pairs of a batch: which two traces make one, and their records in a spool of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import zstandard

from replay.batch.ledger import Ledger
from replay.batch.shards import contents
from replay.dataset.format import Format, Unfit
from replay.dataset.pairing import pairs
from replay.dataset.row import Row
from replay.export.losses import Loss, Losses


def make_pairs(ledger: Ledger, split: str, spool: Path, form: Format) -> tuple[Loss, ...]:
    """Pairs what is kept of a split, and spools the records; the others are told why they are in none. Gives what the
    format could not hold. Raises OSError where the disk takes no more."""
    made = pairs(ledger.candidates(split))
    by_trace = {piece.trace_id: (piece.row, piece.frame) for piece in ledger.kept(split)}
    for trace_id, why in made.alone.items():
        ledger.drop(by_trace[trace_id][0], "alone", why)
    losses = Losses()
    packer = zstandard.ZstdCompressor(level=1)
    number = ledger.add_spool(str(spool))
    with open(os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        for pair in made.pairs:
            better, worse = by_trace[pair.better], by_trace[pair.worse]
            try:
                records = list(form.convert(*_rows(better[1], worse[1]), losses))
            except Unfit as error:
                for row, _ in (better, worse):
                    ledger.drop(row, "unfit", str(error))
                continue
            content = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
            frame = packer.compress(content)
            ledger.pair(better[0], worse[0], number, file.tell(), len(frame), len(content), len(records))
            file.write(frame)
    return tuple(losses.told())


def _rows(*frames: tuple[str, int, int, int]) -> Iterator[Row]:
    return (msgspec.json.decode(content, type=Row) for content in contents(frames))
