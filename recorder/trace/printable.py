"""Recorded text made fit to print: what a terminal would obey, or a reader could not see, becomes visible.

Everything that prints recorded text (commands, paths, notes, titles) passes it through `printable`. Pure.
"""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Of the format characters these two are part of ordinary words and emoji, and reorder nothing."""


def printable(text: str, *, keep: str = "") -> str:
    """`text` with control, format, bidirectional and line-separating characters and lone surrogates shown.

    C0 controls become their pictures (ESC as `␛`), DEL `␡`, all others `‹U+202E›`. Characters in `keep` (such
    as "\\n\\t" in a block of text) stay. Printable text comes back as it is, so applying it twice is harmless.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _shown(char) for char in text)


def _shown(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if char not in _JOINERS and unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return f"‹U+{code:04X}›"
    return char
