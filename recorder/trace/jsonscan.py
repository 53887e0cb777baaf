"""A strict look at JSON bytes before any decoder sees them, and where each value stands in them.

A decoder builds objects as it reads: depth, width and digits must be bounded first, and what decoders let pass
(duplicate keys, invalid UTF-8 or lone surrogates in fields they skip) must be caught. The JSON of a trace is
compact: no white space outside strings, so that a text has no byte without meaning. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from recorder.trace import limits
from recorder.trace.errors import Code, TraceRejected

_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER = rb"-?+(?:0|[1-9][0-9]{0,19}+)(?![0-9])(?:\.[0-9]{1,20}+)?+(?:[eE][+-]?+[0-9]{1,3}+)?+(?![0-9.eE+-])"
_SCALAR = rb"(?:" + _STRING + rb"|" + _NUMBER + rb"|true|false|null)"
_FLAT = re.compile(rb"\{" + _STRING + rb":" + _SCALAR + rb"(?:," + _STRING + rb":" + _SCALAR + rb")*+\}")
_PAIR = re.compile(rb"[{,](" + _STRING + rb"):(" + _SCALAR + rb")")
_KEY = re.compile(rb"[{,](" + _STRING + rb"):" + _SCALAR)
_TOKEN = re.compile(rb"(" + _STRING + rb":)|(" + _SCALAR + rb")|([\[{])|([\]}])|(,)")
_VALUE = re.compile(_SCALAR)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_DIGITS = re.compile(rb"-?[0-9][0-9.eE+-]*")
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (1 + min(limits.MAX_INTEGER_DIGITS, limits.MAX_FRACTION_DIGITS)))
_MOST_OPEN = 1024
"""Brackets of a text that is decoded before it is looked at more closely."""
_any = msgspec.json.Decoder()
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode

Pointer = tuple[str | int, ...]


class Span(NamedTuple):
    """A value of a JSON text: where it hangs (keys and indices from the root) and its bytes `start` to `end`."""

    pointer: Pointer
    start: int
    end: int


def check(text: bytes, place: str, *, max_bytes: int = limits.MAX_LINE) -> None:
    """Passes one strict, compact, bounded JSON object; raises `TraceRejected` at `place` for anything else."""
    _encoding(text, place, max_bytes)
    if _canonical(text):
        return
    if _FLAT.fullmatch(text) and not _SURROGATE.search(text):
        keys = _KEY.findall(text)
        if len(keys) * 2 > limits.MAX_VALUES:
            raise TraceRejected(Code.TOO_LARGE, place, f"more than {limits.MAX_VALUES} keys and values")
        if len(set(keys)) == len(keys) and not (b"\\" in text and any(b"\\" in key for key in keys)):
            return
    for _ in _walk(text, place):
        pass


def spans(text: bytes, place: str) -> Iterator[Span]:
    """The values of a JSON object that `check` has passed, children before parents. The root is not among them."""
    if _FLAT.fullmatch(text):
        for pair in _PAIR.finditer(text):
            start, end = pair.span(2)
            yield Span((_key(pair[1]),), start, end)
        return
    yield from _walk(text, place)


def find(text: bytes, names: Sequence[str], place: str) -> dict[str, Span]:
    """Those of the root's values that hang on plain `names` (no quotes, escapes or slashes in them)."""
    if text.count(b"{") == 1 and b"[" not in text and b"\\u" not in text:
        # Flat for sure, and no key is spelt with escapes. A quote inside a string is escaped, so `,"name":` stands
        # nowhere but before a value.
        found = {}
        for name in names:
            key = b'"%s":' % name.encode()
            at = text.find(b"," + key)
            at = 0 if at < 0 and text.startswith(key, 1) else at
            value = _VALUE.match(text, at + 1 + len(key)) if at >= 0 else None
            if value is not None:
                found[name] = Span((name,), *value.span())
        return found
    if (members := _top(text)) is not None:
        return {name: members[name] for name in names if name in members}
    top = (span for span in spans(text, place) if len(span.pointer) == 1)
    return {str(span.pointer[0]): span for span in top if span.pointer[0] in names}


def _canonical(text: bytes) -> bool:
    """Whether it is for sure what a strict encoder writes, which a decoder tells ten times as fast as `_walk`: what it
    decodes to is written as the very same bytes, so there is no key twice, no white space, no number or string spelt
    otherwise. That it is small and shallow is counted first, too much rather than too little: quotes are not heeded.
    """
    opened = text.count(b"{") + text.count(b"[")
    if opened > _MOST_OPEN or opened + text.count(b",") + text.count(b":") >= limits.MAX_VALUES:
        return False
    if text[:1] != b"{" or _LONG_NUMBER.search(text):
        return False
    try:
        value = _any.decode(text)
        return bool(_encode(value) == text) and (opened <= limits.MAX_DEPTH or _shallow(value))
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
        return False


def _shallow(value: object) -> bool:
    level = [value]
    for _ in range(limits.MAX_DEPTH):
        inner: list[object] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return True
    return False


def _top(text: bytes) -> dict[str, Span] | None:
    """The root's values, where its keys are spelt as an encoder spells them."""
    try:
        members = _members.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    found: dict[str, Span] = {}
    at = 1
    for name, raw in members.items():
        key = _encode(name) + b":"
        if not text.startswith(key, at):
            return None
        at += len(key)
        length = len(memoryview(raw))
        found[name] = Span((name,), at, at + length)
        at += length + 1
    return found if at == len(text) else None


def _encoding(text: bytes, place: str, max_bytes: int) -> None:
    if len(text) > max_bytes:
        raise TraceRejected(Code.TOO_LARGE, place, f"{len(text)} bytes; the most is {max_bytes}")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise TraceRejected(Code.ENCODING, place, f"invalid UTF-8 at byte {error.start}") from None


def _key(token: bytes) -> str:
    return token[1:-1].decode() if b"\\" not in token else str(json.loads(token))


def _string(token: bytes, place: str) -> None:
    if _SURROGATE.search(token):
        try:
            json.loads(token).encode()
        except UnicodeEncodeError:
            raise TraceRejected(Code.ENCODING, place, "a lone surrogate in a string") from None


def _walk(text: bytes, place: str) -> Iterator[Span]:
    """The whole grammar, token by token, without recursion."""
    if text[:1] != b"{":
        raise TraceRejected(Code.SYNTAX, place, "not a JSON object")
    stack: list[tuple[int, set[str] | None]] = []  # start of each open container; its keys, None for an array
    path: list[str | int] = []
    match = _TOKEN.scanner(text).match  # type: ignore[attr-defined]
    values = at = 0
    want_value, may_close = True, False  # else a comma or a closing bracket
    while at < len(text):
        token = match()
        if token is None:
            raise _no_token(text, at, place)
        group, start, at = token.lastindex, at, token.end()
        if group in (1, 2, 3):
            values += 1
            if values > limits.MAX_VALUES:
                raise TraceRejected(Code.TOO_LARGE, place, f"more than {limits.MAX_VALUES} keys and values")
        if group == 1:  # a key
            keys = stack[-1][1] if stack else None
            if not want_value or keys is None or path[-1] != "":
                raise TraceRejected(Code.SYNTAX, place, f"a key out of place at byte {start}")
            raw = token[1][:-1]
            _string(raw, place)
            key = _key(raw)
            if key in keys:
                raise TraceRejected(Code.DUPLICATE, place, f"key {key[:80]!r} twice in one object")
            keys.add(key)
            path[-1] = "." + key
            may_close = False
        elif group in (2, 3):
            if (
                not want_value
                or (stack and stack[-1][1] is not None and path[-1] == "")
                or (not stack and start)
            ):
                raise TraceRejected(Code.SYNTAX, place, f"a value out of place at byte {start}")
            if group == 2:
                _string(token[2], place)
                yield Span(_pointer(path), start, at)
                want_value = may_close = False
                continue
            if len(stack) >= limits.MAX_DEPTH:
                raise TraceRejected(Code.TOO_DEEP, place, f"more than {limits.MAX_DEPTH} levels")
            is_object = token[3] == b"{"
            stack.append((start, set() if is_object else None))
            path.append("" if is_object else 0)
            want_value = may_close = True
        elif group == 4:
            if (
                not stack
                or (want_value and not may_close)
                or (token[4] == b"}") != (stack[-1][1] is not None)
            ):
                raise TraceRejected(Code.SYNTAX, place, f"a bracket out of place at byte {start}")
            opened, _ = stack.pop()
            path.pop()
            want_value = may_close = False
            if stack:
                yield Span(_pointer(path), opened, at)
            elif at != len(text):
                raise TraceRejected(Code.SYNTAX, place, f"bytes after the object, at byte {at}")
        else:
            if want_value or not stack:
                raise TraceRejected(Code.SYNTAX, place, f"a comma out of place at byte {start}")
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else ""
            want_value = True
    if stack:
        raise TraceRejected(Code.TRUNCATED, place, "the JSON text ends early")


def _pointer(path: list[str | int]) -> Pointer:
    return tuple(p[1:] if isinstance(p, str) else p for p in path)


def _no_token(text: bytes, at: int, place: str) -> TraceRejected:
    number = _DIGITS.match(text, at)
    if number and len(number[0]) > limits.MAX_INTEGER_DIGITS:
        return TraceRejected(Code.TOO_LARGE, place, f"a number of {len(number[0])} characters at byte {at}")
    return TraceRejected(Code.SYNTAX, place, f"not strict compact JSON at byte {at}")
