"""What a terminal echoes of typed keys, and outputs without it. Pure.

Which keys a terminal echoes, and where, is a race where a program takes them by itself: with the program's start, or
between keys where it turns its line mode on and off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from recorder.trace.events import Input

MOST_ECHO = 4096
_MOST_TRIED = 4096
"""Places at which two outputs part, for each way of explaining the places before."""


class Typed(NamedTuple):
    """What the keys typed into a step's program say, as `Context` has it."""

    echoes: tuple[bytes, ...]
    unsure: bytes
    interrupted: bool
    keystrokes: bool


def typed(inputs: Iterable[Input]) -> Typed:
    """`inputs` of one step, in order."""
    every = list(inputs)
    keys = [event for event in every if not event.reply]
    shown = [event for event in keys if not event.hidden]
    echoes: list[bytes] = []
    for event in every:
        if event.echo and not event.hidden:
            if echoes and not echoes[-1].endswith(b"\n") and not event.reply:
                echoes[-1] += _echo(event.data)  # a line is echoed as one
            else:
                echoes.append(_echo(event.data))
    turns = any(a.foreground == b.foreground and a.echo != b.echo for a, b in pairwise(shown))
    unsure = shown if turns else [event for event in shown if event.echo]
    return Typed(
        echoes=tuple(piece for piece in echoes if piece),
        unsure=b"".join(_echo(event.data) for event in unsure),
        interrupted=any(key in event.data for event in keys for key in b"\x03\x1a\x1c"),
        keystrokes=any(not event.icanon for event in keys),
    )


def _echo(data: bytes) -> bytes:
    """What a terminal with ECHO and ECHOCTL shows for typed bytes. Erasing is left out: it is told otherwise."""
    out = bytearray()
    for byte in data:
        if byte in b"\r\n":
            out += b"\r\n"
        elif byte == 0x09 or (byte >= 0x20 and byte != 0x7F):
            out.append(byte)
        elif byte != 0x04 and byte != 0x7F:
            out += bytes((0x5E, byte + 0x40))
    return bytes(out)


def without(data: bytes, pieces: Sequence[bytes]) -> bytes:
    """`data` without the echo of typed keys, in order. Of keys that were echoed in part before the step began the
    rest goes; keys that a program took before the terminal could echo them left no echo at all."""
    whole = b"".join(pieces)
    if whole in data:
        return data.replace(whole, b"", 1)
    out, at = [], 0
    for piece in pieces:
        found = data.find(piece, at)
        if found < 0:
            return _without_rest(data, whole)
        out.append(data[at:found])
        at = found + len(piece)
    return b"".join([*out, data[at:]])


def _without_rest(data: bytes, echo: bytes) -> bytes:
    for start in range(min(len(echo), MOST_ECHO)):
        rest = echo[start:]
        if len(rest.strip()) < 2:
            break
        found = data.find(rest)
        if found >= 0:
            return data[:found] + data[found + len(rest) :]
    return data


def interleaved(a: bytes, b: bytes, keys: bytes) -> bool:
    """Whether what only one of them has is an ordered part of the keys."""
    if abs(len(a) - len(b)) > len(keys):
        return False
    todo, seen = [(0, 0, 0, 0)], set[tuple[int, int, int, int]]()
    while todo and len(seen) < _MOST_TRIED:
        i, j, used_a, used_b = todo.pop()
        while i < len(a) and j < len(b) and a[i] == b[j]:
            i, j = i + 1, j + 1
        if i == len(a) and j == len(b):
            return True
        if (i, j, used_a, used_b) in seen:
            continue
        seen.add((i, j, used_a, used_b))
        if j < len(b) and (found := keys.find(b[j], used_b)) >= 0:
            todo.append((i, j + 1, used_a, found + 1))
        if i < len(a) and (found := keys.find(a[i], used_a)) >= 0:
            todo.append((i + 1, j, found + 1, used_b))
    return False
