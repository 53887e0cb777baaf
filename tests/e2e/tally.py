"""What the sessions of one run leave for its summary."""

from __future__ import annotations

TRIED_TWICE: dict[str, str] = {}
"""Sessions that failed at first, with how."""
