"""Finds secrets that nobody told of: one pass for keywords, then a rule at each place where its keyword stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

from recorder.redact import armor, names, places
from recorder.redact.finds import Find
from recorder.redact.plausible import blank, strong
from recorder.redact.shapes import Shape, shapes

_RUN = re.compile(rb"[^\s\"'`<>]{0,8192}")
_BLANK = re.compile(rb"\s")
_TAIL = re.compile(rb"\S{1,64}\Z")
_LOOK_BACK = 256
_MOST_TRIES = 2000
_BYTES_A_TRY = 80
_QUICK = ("authorization", "bearer")
"""What is tried of places where there is time for shapes only: their keywords are rare."""

Handler = Callable[[int, int], Iterator[Find]]


class Detection(NamedTuple):
    """What was found, in order; `open` is where what follows may still change the outcome (the end, if nowhere).

    `keys` are the parts of the text that are bodies of private keys.
    """

    finds: list[Find]
    open: int
    keys: list[armor.Armor]
    tries: int = 0
    """How many places were judged: what a text costs."""


class _Trigger(NamedTuple):
    """What to try at a keyword. `exact`: as it must be written, where case matters."""

    shape: Shape | None
    exact: bytes
    handler: str
    whole_line: bool


@functools.cache
def _triggers(shaped_only: bool, code: bool = False) -> tuple[BytesAhoCorasick, list[list[_Trigger]]]:
    found: dict[bytes, list[_Trigger]] = {}
    for shape in shapes():
        for keyword in shape.keywords:
            found.setdefault(keyword.lower(), []).append(_Trigger(shape, keyword, "", False))
    handlers: list[tuple[tuple[bytes, ...], str, bool]] = [
        (names.KEYWORDS, "field", False),
        (places.PARAMETERS, "parameter", False),
        ((b"://",), "url", False),
        ((b"authorization",), "authorization", True),
        ((b"cookie",), "cookie", True),
        ((b"bearer",), "bearer", True),
        ((b"curl ", b"wget ", b"sshpass", b"mysql", b"mariadb", b"http "), "option", True),
    ]
    for keywords, handler, whole_line in handlers:
        if code or (shaped_only and handler not in _QUICK):
            continue
        for keyword in keywords:
            found.setdefault(keyword, []).append(_Trigger(None, b"", handler, whole_line))
    found.setdefault(b"-----begin ", [])
    patterns = list(found)
    return BytesAhoCorasick(patterns, implementation=Implementation.DFA), [found[p] for p in patterns]


def detect(text: bytes, *, in_key: bool = False, shaped_only: bool = False, code: bool = False) -> Detection:
    """All finds in `text`; with `in_key` it begins within a private key's body. Pure and bounded: linear in size.

    With `shaped_only` names of fields, URLs and the like are not looked at: a few times faster on most text. In `code`
    no place is looked at: what stands behind a name in it is code, too.
    """
    automaton, triggers = _triggers(shaped_only, code)
    finds: list[Find] = []
    keys: list[armor.Armor] = []
    if in_key:
        keys.append(armor.body(text, 0, fresh=False))
    open_from = _tail(text)
    last_line = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    done: dict[str, int] = {}
    tries = 0
    run = (0, 0)
    tail = last_blank = -1
    handlers: dict[str, Handler] = {}
    for index, start, end in automaton.find_matches_as_indexes(text.lower(), overlapping=True):
        at_end = end > last_line
        group = triggers[index]
        if not group:
            match = armor.BEGIN.match(text, start)
            if match is not None and not (keys and start < keys[-1].end):
                keys.append(armor.body(text, match.end(), fresh=True))
            elif match is None and at_end and end + 80 > len(text):
                open_from = min(open_from, start)
            continue
        if not _cheap(group):
            tries += len(group)
        for trigger in group:
            if trigger.shape is not None:
                if text[start:end] == trigger.exact and done.get(trigger.shape.name, -1) < end:
                    if not (run[0] <= start and end <= run[1]):
                        run = _run(text, start, end)
                    done[trigger.shape.name] = run[1]
                    if run[1] - run[0] >= trigger.shape.shortest:
                        finds.extend(_shaped(text, trigger.shape, *run))
                    if run[1] == len(text):
                        open_from = min(open_from, run[0])
            else:
                handlers = handlers or _handlers(text)
                finds.extend(handlers[trigger.handler](start, end))
                if at_end and open_from > end:
                    if tail < 0:
                        tail = _last(names.ALIVE_TAIL, text, last_line)
                        last_blank = _last(_BLANK, text, last_line)
                    open_from = min(open_from, _undecided(text, end, trigger, tail, last_blank))
    for key in keys:
        finds.extend(key.finds)
        if key.open:
            open_from = min(open_from, max(last_line, key.start))
    finds.sort(key=lambda find: (find.start, -find.end))
    return Detection(_outermost(finds), open_from, keys, tries)


def too_dense(tries: int, size: int) -> bool:
    """Whether text of so many bytes has so many places to judge as only what is made to be costly has.

    Of real text of 16 KB and more none has a quarter of it.
    """
    return tries > _MOST_TRIES + size // _BYTES_A_TRY


def places_to_judge(text: bytes) -> int:
    """What `detect` would count, at a fraction of its cost."""
    automaton, triggers = _triggers(False)
    found = automaton.find_matches_as_indexes(text.lower(), overlapping=True)
    return sum(
        len(triggers[index]) for index, _, _ in found if triggers[index] and not _cheap(triggers[index])
    )


def _cheap(group: list[_Trigger]) -> bool:
    return group[0].handler == "url"


def _handlers(text: bytes) -> dict[str, Handler]:
    """What looks at the places of one text; made where it has any."""
    spots = places.Places(text)
    return {
        "field": names.Fields(text).at,
        "parameter": spots.parameter,
        "url": lambda start, end: places.url(text, start, end),
        "authorization": spots.authorization,
        "cookie": spots.cookie,
        "bearer": lambda start, end: places.bearer(text, start),
        "option": spots.option,
    }


def _outermost(finds: list[Find]) -> list[Find]:
    """Without the values of fields that begin within another's: hostile text would have one begin at every word."""
    out: list[Find] = []
    end = -1
    for find in finds:
        if find.rule == "field":
            if find.start < end:
                continue
            end = find.end
        out.append(find)
    return out


def _run(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The characters around a keyword that may belong to one secret."""
    right = _RUN.match(text, end)
    left = _RUN.match(text[max(0, start - _LOOK_BACK) : start][::-1])
    assert right is not None  # the pattern matches anything
    assert left is not None
    return start - left.end(), right.end()


def _shaped(text: bytes, shape: Shape, start: int, end: int) -> Iterator[Find]:
    for pattern in shape.compiled():
        for match in pattern.finditer(text, max(0, start - 1), end):  # some look at what stands before
            if strong(match["value"]) and not blank(match["value"]):
                yield Find(shape.name, *match.span("value"))


def _tail(text: bytes) -> int:
    """Where the last word begins: it may become anything."""
    match = _TAIL.search(text, max(0, len(text) - 64))
    return match.start() if match is not None else len(text)


def _last(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    """Behind the last byte that `pattern` matches, from `start` on."""
    match = pattern.search(text[start:][::-1])
    return len(text) - match.start() if match is not None else start


def _undecided(text: bytes, end: int, trigger: _Trigger, tail: int, last_blank: int) -> int:
    """From where on what follows decides about the keyword that ends at `end`, in the last line."""
    if trigger.whole_line:
        return end
    if trigger.handler == "field":
        value = names.alive(text, end, tail)
        return len(text) if value is None else value
    return len(text) if end < last_blank else end
