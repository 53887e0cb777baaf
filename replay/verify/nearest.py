"""The nearest miss: what was expected, what came, and where they part. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from replay.verify.verdict import BLOCK, Facet, NearestMiss, Output

_BEFORE = 2
_WINDOW = 30
_EXCERPT = 12
_LINE = 160
_SCREEN = 8
_SMALL = 512 << 10

_HINTS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (
        re.compile(
            rb"[Cc]ould not resolve|[Nn]etwork is unreachable|[Nn]ame or service not known"
            rb"|Temporary failure in name resolution|ENOTFOUND|EAI_AGAIN|getaddrinfo|ENETUNREACH"
            rb"|[Cc]onnection refused|[Ff]ailed to connect|No route to host|NameResolutionError"
            rb"|ECONNREFUSED|ClientConnectorError|Cannot connect to host|ConnectException"
        ),
        "needs the network, of which a replay has only what was recorded",
    ),
    (re.compile(rb"[Cc]ommand not found|: not found|[Uu]nknown command"), "a program is missing here"),
    (re.compile(rb"No module named|ModuleNotFoundError|Cannot find module"), "a library is missing here"),
    (re.compile(rb"[Rr]ead-only file system"), "writes outside the workspace are not possible in a replay"),
    (re.compile(rb"No space left on device|[Dd]isk quota exceeded"), "the sandbox's disk limit was reached"),
    (
        re.compile(rb"Cannot allocate memory|MemoryError|out of memory"),
        "the sandbox's memory limit was reached",
    ),
    (re.compile(rb"Permission denied|Operation not permitted"), "the sandbox forbade something"),
    (
        re.compile(rb"No such file or directory"),
        "a file that stood there when it was recorded is missing here",
    ),
)
_EXITS = {
    126: "cannot be executed",
    127: "command not found",
    130: "interrupted",
    137: "killed",
    143: "terminated",
}


def text(data: bytes) -> str:
    """Bytes for a person, still unfiltered; those outside UTF-8 as \\xNN."""
    return data.decode("utf-8", "backslashreplace").rstrip("\r")


def hint(recorded: bytes, observed: bytes) -> str:
    """A likely reason, where the replay's output names one that the recording's does not."""
    for pattern, reason in _HINTS:
        if pattern.search(observed) and not pattern.search(recorded):
            return reason
    return ""


def output_miss(
    recorded: Output,
    observed: Output,
    shown: Callable[[bytes], bytes],
    canonical: tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]],
    facet: Facet = Facet.OUTPUT,
) -> NearestMiss:
    """Where two outputs part. `shown` resolves redraws; `canonical` (recorded, observed) masks, keeping lines."""
    if not (recorded.whole and observed.whole):
        return _long_miss(recorded, observed)
    a, b = recorded.head, observed.head
    before = 0
    if len(a) + len(b) <= _SMALL:
        a, b = shown(a), shown(b)
    else:
        # Long ones: from a little before the first byte that differs, and no further than needs be.
        start = a.rfind(b"\n", 0, max(0, a.rfind(b"\n", 0, common(a, b)))) + 1
        before = a.count(b"\n", 0, start)
        a, b = a[start : start + _SMALL], b[start : start + _SMALL]
    old, new = _Lines(a, canonical[0]), _Lines(b, canonical[1])
    pairs = zip_longest(old.compared, new.compared)
    at = next((i for i, (x, y) in enumerate(pairs) if x != y), None)
    offset = common(recorded.head, observed.head)
    if at is None:
        at = min(len(old.compared), len(new.compared)) - 1
    expected, got = old.line(at), new.line(at)
    column = common(expected.encode(), got.encode())
    return NearestMiss(
        facet=facet,
        expected=_clip(expected, column) if at < len(old.shown) else "",
        observed=_clip(got, column) if at < len(new.shown) else "",
        at=f"line {before + at + 1}, column {column + 1}",
        line=before + at + 1,
        column=column + 1,
        offset=offset,
        excerpt=_excerpt(old, new, at, column),
        hint=hint(recorded.head, observed.head) or _ends(old, new, at),
    )


class _Lines:
    def __init__(self, data: bytes, canonical: Callable[[bytes], bytes]) -> None:
        self.shown = data.split(b"\n")
        self.compared = canonical(data).split(b"\n")
        if len(self.shown) != len(self.compared):
            self.shown = self.compared

    def line(self, at: int) -> str:
        return text(self.shown[at]) if 0 <= at < len(self.shown) else ""

    def rest(self, at: int) -> bytes:
        return b"\n".join(self.compared[at:]).strip()


def _ends(old: _Lines, new: _Lines, at: int) -> str:
    if not new.rest(at) and old.rest(at):
        return "the replay's output ends here"
    if not old.rest(at) and new.rest(at):
        return "the recording's output ends here"
    return ""


def common(a: bytes, b: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _excerpt(old: _Lines, new: _Lines, at: int, column: int) -> tuple[str, ...]:
    begin = max(0, at - _BEFORE)
    a, b = old.compared[begin : at + _WINDOW], new.compared[begin : at + _WINDOW]
    out: list[str] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            lines = [(" ", old.line(begin + i)) for i in range(a0, a1)]
            # After the first difference, a little of what agrees again is enough.
            out += [mark + _clip(line, column) for mark, line in (lines if not out else lines[:_BEFORE])]
            if len(out) > _BEFORE:
                break
        else:
            share = _EXCERPT // 2
            out += ["-" + _clip(old.line(begin + i), column) for i in range(a0, min(a1, a0 + share))]
            out += ["+" + _clip(new.line(begin + i), column) for i in range(b0, min(b1, b0 + share))]
        if len(out) >= _EXCERPT:
            break
    return tuple(out[: _EXCERPT + _BEFORE])


def _clip(line: str, column: int) -> str:
    """At most `_LINE` characters of a line, those around `column`."""
    if len(line) <= _LINE:
        return line
    begin = max(0, min(column - _LINE // 2, len(line) - _LINE))
    end = begin + _LINE
    return ("…" if begin else "") + line[begin:end] + ("…" if end < len(line) else "")


def _long_miss(recorded: Output, observed: Output) -> NearestMiss:
    """For outputs too long to keep: the first MiB by whose end they had parted."""
    offset = common(recorded.head, observed.head)
    kept = min(len(recorded.head), len(observed.head))
    agreed = 0
    for a, b in zip(recorded.prefixes, observed.prefixes, strict=False):
        if a != b:
            break
        agreed += BLOCK
    if offset == kept and max(agreed, kept) > offset:
        offset = max(agreed, kept)
    where = f"byte {offset}" if offset < kept else f"a byte between {offset} and {offset + BLOCK}"
    return NearestMiss(
        facet=Facet.OUTPUT,
        expected=f"{recorded.total} bytes" if offset >= kept else text(recorded.head[offset : offset + 80]),
        observed=f"{observed.total} bytes" if offset >= kept else text(observed.head[offset : offset + 80]),
        at=where,
        offset=offset,
        hint="outputs over 4 MiB are compared by hash, without normalisers",
    )


def exit_miss(recorded: int, observed: int | None, said: bytes = b"") -> NearestMiss:
    """`said` is what the replay showed, for its hint."""
    expected, got = _code(recorded), _code(observed)
    return NearestMiss(
        facet=Facet.EXIT,
        expected=expected,
        observed=got,
        at=f"exit code {expected}, got {got}",
        hint=hint(b"", said),
    )


def _code(code: int | None) -> str:
    if code is None:
        return "none (it did not end)"
    if code < 0:
        return f"{code} (killed by signal {-code})"
    return f"{code} ({_EXITS[code]})" if code in _EXITS else str(code)


def value_miss(facet: Facet, recorded: object, observed: object) -> NearestMiss:
    """For facets that are one short value: command text, working folder, reward."""
    a, b = str(recorded), "nothing" if observed is None else str(observed)
    column = common(a.encode(), b.encode())
    return NearestMiss(
        facet=facet,
        expected=_clip(a, column),
        observed=_clip(b, column),
        at=f"column {column + 1}",
        column=column + 1,
    )


def screen_miss(recorded: Sequence[str], observed: Sequence[str] | None) -> NearestMiss:
    """The first row in which two screens differ."""
    rows = list(zip_longest(recorded, observed or (), fillvalue=""))
    at = next((i for i, (a, b) in enumerate(rows) if a != b), 0)
    a, b = rows[at] if rows else ("", "")
    column = common(a.encode(), b.encode())
    excerpt: list[str] = []
    for i in range(max(0, at - _BEFORE), min(len(rows), at + _BEFORE + 1)):
        old, new = rows[i]
        excerpt += [" " + old] if old == new else ["-" + old, "+" + new]
    return NearestMiss(
        facet=Facet.SCREEN,
        expected=a,
        observed=b,
        at=f"row {at + 1}, column {column + 1}",
        line=at + 1,
        column=column + 1,
        excerpt=tuple(excerpt),
        hint="" if observed else "the replay showed no such screen",
    )


def wait_miss(awaited: str, saw: str, screen: Sequence[str]) -> NearestMiss:
    """For a step that did not come: the name of the wait, what was there instead, the last lines shown."""
    rows = list(screen)
    while rows and not rows[-1].strip():
        rows.pop()
    said = "\n".join(rows[-_SCREEN:]).encode()
    return NearestMiss(
        facet=Facet.WAIT,
        expected=awaited,
        observed=saw,
        at=f"waiting for {awaited}",
        excerpt=tuple("+" + row for row in rows[-_SCREEN:]),
        hint=hint(b"", said),
    )
