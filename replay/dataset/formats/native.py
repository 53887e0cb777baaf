"""The native row as it is: JSON Lines, docs/schema/row-v1.json. Loses nothing of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from replay.dataset.format import Format
from replay.dataset.row import ROW_VERSION, Row
from replay.export.losses import Losses


def _convert(row: Row, losses: Losses) -> Iterator[Row]:
    yield row


FORMAT = Format(
    name="native",
    title="Reenact's native rows",
    loader="any JSON Lines reader; JSON Schema in docs/schema/row-v1.json",
    kind="lines",
    suffix=".jsonl",
    version=ROW_VERSION,
    convert=_convert,
)
