"""Patterns of one .gitignore file, matched as git matches them. Pure.

Written after git's own dir.c and wildmatch.c rather than on a glob library: the scanner asks about one entry at
a time, top down, and needs "this file says nothing of it", which libraries that match whole paths cannot say.
Each pattern becomes a regular expression over bytes in which every star is atomic, so that a hostile pattern
costs no exponential time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_PATTERNS = 10_000
MAX_PATTERN = 4096
_SPECIAL = frozenset(b"*?[\\")
_CLASSES: dict[bytes, frozenset[int]] = {
    b"alnum": frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    b"alpha": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset([*range(32), 127]),
    b"digit": frozenset(b"0123456789"),
    b"graph": frozenset(range(33, 127)),
    b"lower": frozenset(b"abcdefghijklmnopqrstuvwxyz"),
    b"print": frozenset(range(32, 127)),
    b"punct": frozenset(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    b"space": frozenset(b" \t\n\r"),
    b"upper": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    b"xdigit": frozenset(b"0123456789abcdefABCDEF"),
}


class Pattern(NamedTuple):
    """A line that says something. `expression` is for the entry's name with `by_name`, else for its path."""

    negated: bool
    folders_only: bool
    by_name: bool
    expression: bytes


class PatternFile:
    """The patterns of one file. Of several that match an entry the last one decides, as in git."""

    def __init__(self, data: bytes) -> None:
        self.patterns = parse(data)
        self._tables = {is_folder: _Table(self.patterns, is_folder) for is_folder in (False, True)}

    def says(self, path: bytes, is_folder: bool) -> bool | None:
        """True: leave the entry out; False: keep it; None: these patterns say nothing of it.

        `path` is relative to the folder that the patterns stand in. Only the entry itself is asked about: where
        one of its folders is left out, git asks no further, and so must the caller.
        """
        return self._tables[is_folder].says(path)


class _Table:
    def __init__(self, patterns: list[Pattern], is_folder: bool) -> None:
        fit = [(i, p) for i, p in enumerate(patterns) if is_folder or not p.folders_only]
        self._negated = {i: p.negated for i, p in fit}
        self._by_name = _Alternatives([(i, p.expression) for i, p in fit if p.by_name])
        self._by_path = _Alternatives([(i, p.expression) for i, p in fit if not p.by_name])

    def says(self, path: bytes) -> bool | None:
        last = max(self._by_name.last(path[path.rfind(b"/") + 1 :]), self._by_path.last(path))
        return None if last < 0 else not self._negated[last]


class _Alternatives:
    """Expressions joined so that one search finds the last of them that matches."""

    def __init__(self, numbered: list[tuple[int, bytes]]) -> None:
        self._numbers = [number for number, _ in reversed(numbered)]
        joined = b"|".join(b"(" + expression + b")" for _, expression in reversed(numbered))
        self._match = re.compile(joined, re.DOTALL).fullmatch if numbered else None

    def last(self, text: bytes) -> int:
        """Number of the last expression that matches the whole text, or -1."""
        if self._match is None or (found := self._match(text)) is None:
            return -1
        assert found.lastindex is not None
        return self._numbers[found.lastindex - 1]


def parse(data: bytes) -> list[Pattern]:
    """The patterns in a file, in order. Lines and patterns over the limits are dropped, the rest stand."""
    patterns: list[Pattern] = []
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        text = line.removesuffix(b"\r")
        if not text or text.startswith(b"#") or len(text) > MAX_PATTERN:
            continue
        if (pattern := _pattern(_without_trailing_spaces(text))) is not None:
            patterns.append(pattern)
            if len(patterns) == MAX_PATTERNS:
                break
    return patterns


def _without_trailing_spaces(text: bytes) -> bytes:
    """Trailing spaces do not count, unless a backslash stands before them."""
    end = 0
    at = 0
    while at < len(text):
        if text[at] == 0x5C:
            at += 1
            end = at + 1
        elif text[at] != 0x20:
            end = at + 1
        at += 1
    return text[:end]


def _pattern(text: bytes) -> Pattern | None:
    negated = text.startswith(b"!")
    if negated:
        text = text[1:]
    folders_only = text.endswith(b"/")
    if folders_only:
        text = text[:-1]
    by_name = b"/" not in text
    text = text.removeprefix(b"/")
    if not text:
        return None
    literal = next((i for i, byte in enumerate(text) if byte in _SPECIAL), len(text))
    # As in git, the part before the first special byte is compared apart: a "**" right after it counts as leading.
    rest = _expression(text[literal:], slashes_apart=not by_name)
    if rest is None:
        return None
    return Pattern(negated, folders_only, by_name, re.escape(text[:literal]) + rest)


def _expression(glob: bytes, slashes_apart: bool) -> bytes | None:
    """The glob as a regular expression; None for one that can match nothing."""
    pieces: list[bytes] = [b""]  # what stands between stars: sequences of single-byte matchers
    stars: list[
        str
    ] = []  # what precedes pieces[i + 1]: "one" within a name, "any" across folders, "deep" for **/
    at = 0
    while at < len(glob):
        byte = glob[at]
        if byte == 0x2A:
            end = at
            while end < len(glob) and glob[end] == 0x2A:
                end += 1
            kind = "one" if slashes_apart else "any"
            if slashes_apart and end - at >= 2 and (at == 0 or glob[at - 1] == 0x2F):
                if end == len(glob):
                    kind = "any"
                elif glob[end] == 0x2F:
                    kind = "deep"
                    end += 1
                elif glob[end : end + 2] == b"\\/":
                    kind = "any"
            stars.append(kind)
            pieces.append(b"")
            at = end
        elif byte == 0x3F:
            pieces[-1] += b"[^/]" if slashes_apart else b"."
            at += 1
        elif byte == 0x5B:
            found = _bracket(glob, at)
            if found is None:
                return None
            members, at = found
            pieces[-1] += _class_of(members - {0x2F} if slashes_apart else members)
        else:
            if byte == 0x5C:
                at += 1
                if at == len(glob):
                    return None
            pieces[-1] += re.escape(glob[at : at + 1])
            at += 1
    return _joined(pieces, stars)


def _joined(pieces: list[bytes], stars: list[str]) -> bytes:
    """Every star that another of its reach follows takes the least it can, once and for all: the next can take
    whatever it leaves. So no two stars ever try each other's choices again, and time stays polynomial.

    "one" reaches within a name; "any" and "deep" across folders. A run is what stands between two of the latter.
    """
    runs: list[bytes] = [pieces[0]]
    reaching: list[str] = []
    for i, kind in enumerate(stars):
        piece = pieces[i + 1]
        if kind == "one":
            least = stars[i + 1 : i + 2] == ["one"]
            runs[-1] += b"(?>[^/]*?" + piece + b")" if least else b"[^/]*" + piece
        else:
            reaching.append(kind)
            runs.append(piece)
    out = runs[0]
    for i, kind in enumerate(reaching):
        if i + 1 < len(reaching):
            out += b"(?>" + (b".*?" if kind == "any" else b"(?:.*?/)??") + runs[i + 1] + b")"
        else:
            out += (b".*" if kind == "any" else b"(?:.*/)?") + runs[i + 1]
    return out


def _bracket(glob: bytes, start: int) -> tuple[set[int], int] | None:
    """The byte set of the bracket at `start`, and where it ends; None where it is malformed."""
    at = start + 1
    negated = glob[at : at + 1] in (b"!", b"^")
    if negated:
        at += 1
    members: set[int] = set()
    previous = -1
    first = True
    while True:
        if at >= len(glob):
            return None
        byte = glob[at]
        if byte == 0x5D and not first:
            break
        first = False
        if byte == 0x5C:
            at += 1
            if at >= len(glob):
                return None
            previous = glob[at]
            members.add(previous)
        elif byte == 0x2D and previous >= 0 and at + 1 < len(glob) and glob[at + 1] != 0x5D:
            at += 1
            if glob[at] == 0x5C:
                at += 1
                if at >= len(glob):
                    return None
            members.update(range(previous, glob[at] + 1))
            previous = -1
        elif byte == 0x5B and glob[at + 1 : at + 2] == b":":
            close = glob.find(b"]", at + 2)
            if close < 0:
                return None
            if close - at - 3 >= 0 and glob[close - 1] == 0x3A:
                named = _CLASSES.get(glob[at + 2 : close - 1])
                if named is None:
                    return None
                members |= named
                previous = -1
                at = close
            else:
                members.add(byte)
                previous = byte
        else:
            members.add(byte)
            previous = byte
        at += 1
    return (set(range(256)) - members if negated else members), at + 1


def _class_of(members: set[int]) -> bytes:
    if not members:
        return b"(?!)"
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
