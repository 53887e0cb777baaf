"""Which part of a dataset a trace belongs to: by a hash of its task, so that no task is in two of them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from replay.batch.options import SPLITS
from replay.dataset.row import Row

_BLANK = re.compile(r"\s+")


def group_of(row: Row) -> str:
    """What tells the task of a trace: its instruction and repository, however they are spaced and cased; of a trace
    without an instruction itself, or the one that it branched from."""
    where = row.provenance
    if row.instruction:
        words = _BLANK.sub(" ", row.instruction).strip().casefold()
        return f"task\n{words}\n{(where.repo or '').removesuffix('.git').rstrip('/').casefold()}"
    return f"trace\n{where.parent.trace_id if where.parent else row.trace_id}"


def split_of(group: str, shares: Sequence[float], seed: int) -> str:
    """`train`, `validation` or `test`. Which one depends on nothing but `group`, `seed` and the shares: other traces
    may come and go."""
    digest = hashlib.sha256(f"{seed}\n{group}".encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in zip(SPLITS, shares, strict=True):
        if place < share:
            return name
        place -= share
    return SPLITS[0]  # what rounding left
