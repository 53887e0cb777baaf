"""A table of native rows: Parquet. Loses nothing of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.trace.errors import Unsupported
from replay.dataset.format import Format
from replay.dataset.row import Row
from replay.export.losses import Losses


def _convert(rows: Sequence[Row], losses: Losses) -> bytes:
    try:
        from replay.dataset.table import parquet
    except ModuleNotFoundError as error:
        raise Unsupported("Parquet is written with pyarrow: pip install 'reenact[parquet]'") from error
    return parquet(rows)


FORMAT = Format(
    name="parquet",
    title="Parquet table of native rows",
    loader="`datasets`, `mlcroissant`, any reader of Parquet",
    kind="table",
    suffix=".parquet",
    version=1,
    convert=_convert,
)
