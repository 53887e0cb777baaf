"""Rows written as files, for loaders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from replay.dataset.formats import format_of
from replay.dataset.row import Row
from replay.export.losses import Losses

Load = Callable[[str, Sequence[Path]], Any]
"""Hands files to a function of loaders.py; gives what it found."""


def lines(name: str, rows: Sequence[Row], place: Path) -> Path:
    """Writes rows in a format of lines."""
    convert = format_of(name).convert
    made = [record for row in rows for record in convert(row, Losses())]
    place.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in made))
    return place
