"""Secrets that their shape gives away: a vendored rule set, and the few shapes that we describe ourselves."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import NamedTuple


class Shape(NamedTuple):
    """A rule: it is tried where one of `keywords` occurs; group `value` of a match is the secret.

    What stands there is not tried unless it has `shortest` bytes without blanks and quotes.
    """

    name: str
    keywords: tuple[bytes, ...]
    patterns: tuple[bytes, ...]
    shortest: int = 16

    def compiled(self) -> tuple[re.Pattern[bytes], ...]:
        """Its patterns, compiled at first use: most are never needed."""
        return tuple(_compiled(pattern) for pattern in self.patterns)


@functools.cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)


_OWN = (
    Shape(
        "JSON Web Token",
        (b"eyJ",),
        (rb"(?<![A-Za-z0-9_-])(?P<value>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{10,})",),
    ),
    Shape(
        "Secret key prefix",
        (b"sk-", b"sk_"),
        (
            rb"(?<![A-Za-z0-9_-])(?P<value>sk[-_](?:[a-z]{2,8}[-_]){0,2}(?=[A-Za-z0-9]{24})(?=[^\s]*[0-9])[A-Za-z0-9]{24,160})",
        ),
    ),
    Shape("Discord token", (b"mfa.",), (rb"(?<![\w.-])(?P<value>mfa\.[A-Za-z0-9_-]{80,95})",)),
    Shape(
        "AWS session token",
        (b"IQoJb3JpZ2lu", b"FwoGZXIvYXdz"),
        (rb"(?P<value>(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9/+=]{100,4000})",),
    ),
)


_FORBIDS_ITSELF = re.compile(r"((\[[^\]]+\])\{\d+,\d*\})\)\(\?!\2\)")
"""A run that its own characters must not follow: trying shorter ones is in vain."""


def parse(text: str) -> tuple[Shape, ...]:
    """The rules in a rule file's text. Raises ValueError or KeyError where it is not one."""
    return tuple(
        Shape(
            rule["name"],
            tuple(keyword.encode() for keyword in rule["keywords"]),
            tuple(_FORBIDS_ITSELF.sub(r"\1+)(?!\2)", p).encode() for p in rule["patterns"]),
            rule["shortest"],
        )
        for rule in tomllib.loads(text)["rule"]
    )


@functools.cache
def shapes() -> tuple[Shape, ...]:
    """All rules, in a fixed order."""
    folder = resources.files(__package__ or "recorder.redact") / "rules"
    return parse((folder / "shapes.toml").read_text("utf-8")) + _OWN


@functools.cache
def _prefixes() -> re.Pattern[bytes]:
    """Beginnings that name the vendor and tell nothing of the secret, the longest first."""
    found = {
        keyword
        for shape in shapes()
        for keyword in shape.keywords
        if len(keyword) >= 3 and b"/" not in keyword and not keyword.startswith(b".")
    }
    return re.compile(b"|".join(re.escape(p) for p in sorted(found, key=lambda p: (-len(p), p))))


def prefix_length(value: bytes) -> int:
    """How many bytes at the start of `value` are a vendor's prefix; never all of it."""
    match = _prefixes().match(value)
    return match.end() if match is not None and match.end() + 8 <= len(value) else 0
