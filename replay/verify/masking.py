"""How a rule masks: all alike, or by numbered aliases that keep what is equal equal. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Apply = Callable[[bytes], bytes]

ALIAS = re.compile("⟨[a-z-]+[0-9]*⟩".encode())
"""Any alias. Text that already holds one could pose as a masked value; see `compare`."""


def alias(kind: str, number: int | None = None) -> bytes:
    return f"⟨{kind}{number or ''}⟩".encode()


_ESCAPE = re.compile(rb"\x1b\[[0-9:;?]*[@-~]")


def shadow(data: bytes) -> bytes:
    """What patterns are matched against, byte for byte as long: colours are no part of words, aliases are words.

    So a value is found whatever its colour, and masking one does not lay open a boundary beside it.
    """
    if b"\x1b" in data:
        data = _ESCAPE.sub(lambda match: b"\0" * len(match[0]), data)
    return ALIAS.sub(lambda match: b"_" * len(match[0]), data)


def masked(
    kind: str, patterns: Iterable[str], plausible: Callable[[re.Match[bytes]], bool] | None = None
) -> Apply:
    """Masks all that one of the patterns matches, where `plausible` agrees."""
    joined = re.compile("|".join(f"(?:{p})" for p in patterns).encode(), re.MULTILINE)
    mask = alias(kind)

    def apply(data: bytes) -> bytes:
        out: list[bytes] = []
        at = 0
        for match in joined.finditer(shadow(data)):
            if plausible is None or plausible(match):
                out += (data[at : match.start()], mask)
                at = match.end()
        return b"".join((*out, data[at:])) if out else data

    return apply


class Numbers:
    """Aliases of one kind within one output, numbered as they appear, after those that `data` already holds."""

    def __init__(self, kind: str, data: bytes) -> None:
        taken = re.findall(f"⟨{kind}([0-9]{{1,9}})⟩".encode(), data)
        self._kind = kind
        self._next = max((int(n) for n in taken), default=0) + 1
        self._known: dict[bytes, bytes] = {}

    def __call__(self, value: bytes) -> bytes:
        if value not in self._known:
            self._known[value] = alias(self._kind, self._next)
            self._next += 1
        return self._known[value]


def numbered(
    kind: str, patterns: Iterable[str], key: Callable[[bytes], bytes] = lambda value: value
) -> Apply:
    """Masks group 1 of whichever pattern matches; values with equal `key` share an alias."""
    compiled = [re.compile(pattern.encode(), re.MULTILINE) for pattern in patterns]

    def apply(data: bytes) -> bytes:
        plain = shadow(data)
        spans = sorted({m.span(1) for pattern in compiled for m in pattern.finditer(plain)})
        if not spans:
            return data
        numbers = Numbers(kind, data)
        out: list[bytes] = []
        at = 0
        for begin, end in spans:
            if at <= begin < end:
                out += (data[at:begin], numbers(key(data[begin:end])))
                at = end
        out.append(data[at:])
        return b"".join(out)

    return apply
