"""Where the recording has a placeholder, a replay may show what the secret was: it came by another way. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

SHORTEST = 8
BITS = 24.0
MOST = 4096
"""So many placeholders are looked for; a trace that names more has the longest of them looked for."""
_KINDS = bytes(
    ord("0") if 0x30 <= c <= 0x39
    else ord("A") if 0x41 <= c <= 0x5A
    else ord("a") if 0x61 <= c <= 0x7A
    else min(128, c)
    for c in range(256)
)  # fmt: skip


def credible(placeholder: bytes) -> bool:
    """Whether it may stand for a secret: a word of some length, varied, of two kinds of characters.

    So that no trace can name a plain word of its output a placeholder, and have any other word pass for it.
    """
    size = len(placeholder)
    counts = Counter(placeholder)
    bits = -sum(n * math.log2(n / size) for n in counts.values()) if size else 0.0
    kinds = {kind for kind in placeholder.translate(_KINDS) if kind in b"0Aa\x80"}
    word = not re.search(rb"[\s\x00-\x1f\x7f]", placeholder)
    return size >= SHORTEST and bits >= BITS and len(kinds) >= 2 and word


def placed(recorded: bytes, observed: bytes, placeholders: Sequence[bytes]) -> bytes:
    """`observed` with the recording's placeholders wherever a value of the same length and the same kinds of
    characters stands at the same place of the same line; nothing else is changed."""
    chosen = sorted(filter(credible, set(placeholders)), key=lambda p: (-len(p), p))[:MOST]
    old, new = recorded.split(b"\n"), observed.split(b"\n")
    if not chosen or len(old) != len(new):
        return observed
    pattern = re.compile(b"|".join(map(re.escape, chosen)))
    return b"\n".join(_line(a, b, pattern) for a, b in zip(old, new, strict=True))


def _line(recorded: bytes, observed: bytes, pattern: re.Pattern[bytes]) -> bytes:
    if recorded == observed or len(recorded) != len(observed):
        return observed
    out = bytearray(observed)
    for match in pattern.finditer(recorded):
        value = observed[match.start() : match.end()]
        if value.translate(_KINDS) == match[0].translate(_KINDS):
            out[match.start() : match.end()] = match[0]
    return bytes(out)
