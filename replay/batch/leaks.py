"""Secrets that a row still holds: what today's rules find, though the recorder's may have been older. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from recorder.redact.detector import detect
from recorder.redact.views import seen
from replay.dataset.row import Row
from replay.dataset.texts import row_texts


class Leak(Struct, frozen=True):
    """What looks like a secret: by which rule, and where in the row. Never the value."""

    rule: str
    place: str


def leaks(row: Row, placeholders: Sequence[bytes]) -> list[Leak]:
    """What looks like a secret and is no placeholder, in every text of a row."""
    return [Leak(rule, place) for place, text in row_texts(row) for rule in secrets_in(text, placeholders)]


def secrets_in(text: str, placeholders: Sequence[bytes]) -> Iterator[str]:
    """The rule of each thing in `text` that looks like a secret and is no placeholder."""
    data = text.encode("utf-8", "replace")
    view = seen(data).text
    if b"-----BEGIN" in view and b"PRIVATE KEY" in view and not any(one in view for one in placeholders):
        yield "private-key"
    for find in detect(view).finds:
        secret = view[find.start : find.end]
        if not any(one in secret or secret in one for one in placeholders):
            yield find.rule
