"""Values that differ from run to run though nothing differs: found by their shape, or by their name. Pure.

Two values that read the same once their volatile parts are masked may stand for each other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

_SHAPES = (
    ("uuid", r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"),
    ("date", r"\d{4}-\d\d-\d\d[T _+]\d\d:?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"),
    ("date", r"\d{8}T\d{6}Z?"),
    ("date", r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
    ("time", r"1\d{9}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?"),  # seconds to nanoseconds, from 2001 to 2033
    ("fraction", r"0\.\d{8,}"),
    ("hex", r"(?:[0-9a-f]{16,}|[0-9A-F]{16,})"),
    ("random", r"[A-Za-z0-9_-]{20,}={0,2}|[A-Za-z0-9+/]{24,}={0,2}"),
)
_TOKEN = re.compile("(?<![A-Za-z0-9])(?:" + "|".join(f"({s})" for _, s in _SHAPES) + ")(?![A-Za-z0-9])")
_MOST = 256 << 10
"""Characters of a value that is looked into; a longer one stands for itself."""
_LONGEST_NAME = 64
_ENTROPY = 3.6
"""Bits a character, from which on a run of letters and digits is taken for random."""

_CHANCE = (  # noqa: SIM905 - a list to read
    "_ _t _ts _cb cb cachebuster cache_buster cachebust nocache no_cache rand random rnd nonce cnonce oauth_nonce "
    "oauth_timestamp oauth_signature state code_challenge code_verifier timestamp ts callback jsonp jsoncallback "
    "_callback csrf csrf_token csrftoken csrfmiddlewaretoken _csrf authenticity_token _token xsrf requestid "
    "request_id correlationid correlation_id traceid trace_id spanid span_id sessionid session_id x-amz-date "
    "x-amz-signature x-amz-security-token x-amz-credential signature sig expires idempotency_key idempotencykey"
).split()
"""Names under which a value is chance, if it looks no more like a word than `_word` says."""
_CREDENTIAL = re.compile(
    r"(?:.*[^a-z])?(?:"
    r"(?:(?:new|old|current|confirm|user|my|db|api|client|auth)[_-]?)?"
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|credentials?|(?:api|access|private|auth)[_-]?key)\d?"
    r"|(?:api|access|refresh|id|auth|bearer|csrf|private)[_-]?token)"
)
"""Names of fields that say who asks, not what for. In the recording stands a placeholder for the value."""
_CONTENT = re.compile(r"sha\d*|hash|digest|integrity|checksum|md5|commit|oid|revision|etag", re.IGNORECASE)
"""Names under which long hex is the content's own name: another one is another thing."""
_JOINT = re.compile(r"[-_+/=]")
_CONTENT_LENGTHS = (40, 56, 64, 96, 128)


class Token(NamedTuple):
    kind: str
    text: str


@lru_cache(maxsize=8192)
def masked(name: str, value: str) -> tuple[str, tuple[Token, ...]]:
    """The value with its volatile parts masked, and these parts in order. `name` is the parameter's or field's,
    "/" for a segment of a path, "" for a text that is nothing in particular."""
    if not value or len(value) > _MOST:
        return value, ()
    plain = name.rsplit(".", 1)[-1].split("[", 1)[0].lower()
    if _CREDENTIAL.fullmatch(name[-_LONGEST_NAME:].lower().rstrip("]")):
        return "<credential>", (Token("credential", value),)
    if plain in _CHANCE and not _word(value):
        return "<chance>", (Token("chance", value),)
    found: list[Token] = []

    def mask(match: re.Match[str]) -> str:
        kind, text = _SHAPES[(match.lastindex or 1) - 1][0], match.group()
        if kind == "hex" and len(text) in _CONTENT_LENGTHS and (name == "/" or _CONTENT.search(plain)):
            return text
        if kind == "random" and (name == "/" or not _random(text)):
            return text
        found.append(Token(kind, text))
        return f"<{kind}>"

    return _TOKEN.sub(mask, value), tuple(found)


def _word(value: str) -> bool:
    """Reads as a choice of somebody's, not as chance: short letters only, or a small number."""
    if value.replace(".", "", 1).isdigit():
        return len(value) < 4
    return len(value) < 6 or (value.isalpha() and (len(value) < 8 or value.islower() or value.isupper()))


def _random(text: str) -> bool:
    """Digits among letters, not as words and numbers joined, and no character much more often than others."""
    mixed = [word for word in _JOINT.split(text) if not (word.isalpha() or word.isdigit())]
    if 2 * sum(map(len, mixed)) < len(text):
        return False
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) > _ENTROPY
