"""Rules for how pages tell of times: by their distance from now, and without seconds. Pure."""

from __future__ import annotations

from replay.verify.masking import masked
from replay.verify.normalisers import Rule, Strength
from replay.verify.times import Clock, shown_by

_UNIT = r"(?:second|sec|minute|min)s?"
_AGO = (
    rf"\b(?:(?:about |less than )?(?:\d+|an?|a few) {_UNIT} ago|just now|moments? ago|in (?:\d+|an?|a few) {_UNIT})\b",
)
_MINUTES = (r"(?<![\w:.,/-])\d{1,2}:\d\d(?: [AaPp]\.?[Mm]\b\.?)?(?![\w:]|\.\d)",)


def page_rules(clock: Clock | None = None) -> tuple[Rule, ...]:
    """Rules for the texts of pages, to be applied before those for any text. `clock` narrows as in `text_rules`."""
    return (
        Rule("relative-times", Strength.STRONG, masked("ago", _AGO)),
        Rule("minutes", Strength.WEAK, masked("time", _MINUTES, shown_by(clock))),
    )
