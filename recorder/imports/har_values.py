"""JSON values of unknown making, taken for what they most likely mean. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def told(value: object) -> str:
    """Text; numbers as they are written, anything else as nothing. Lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(value: object) -> float | None:
    """A finite number, also one that was written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value) if not isinstance(value, str) or len(value) <= 40 else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def mapped(value: object) -> dict[str, Any]:
    """An object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """A list; an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The first value under this lower-case name, or nothing."""
    found = next((value for key, value in headers if key.lower() == name), b"")
    return found.decode("utf-8", "replace")
