"""asciicast: the recording format that asciinema and its player open. Versions 2 and 3 out, 1 to 3 in. Pure.

Specification: https://docs.asciinema.org/manual/asciicast/v3/. The format is text: bytes outside UTF-8 become
U+FFFD, so a cast is derived from the raw frames and never the truth.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec

from recorder.trace.errors import Code, TraceRejected, UsageError

MAX_LINE: Final = 1 << 20
"""Bytes of one line of a cast, and of a header."""
MAX_DOCUMENT: Final = 8 << 20
"""Bytes of a whole version 1 cast, which is one JSON document."""
MAX_CELLS: Final = 65535
_CHUNK: Final = 1 << 16
_MAX_SECONDS: Final = 1e9

_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})", re.ASCII)


class CastHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a cast says about itself. `theme` and `tags` are kept as they stand in the file."""

    cols: int
    rows: int
    timestamp: int | None = None
    duration: float | None = None
    idle_time_limit: float | None = None
    command: str | None = None
    title: str | None = None
    env: dict[str, str] = {}
    term_type: str | None = None
    term_version: str | None = None
    theme: dict[str, Any] | None = None
    tags: list[str] = []


class CastEvent(NamedTuple):
    """`t` is nanoseconds since the start. Codes: o output, i input, r resize (`COLSxROWS`), m marker (its label),
    x exit (its status); other codes are kept. `data` is raw bytes when encoding, UTF-8 after decoding."""

    t: int
    code: str
    data: bytes

    def size(self) -> tuple[int, int] | None:
        """The (cols, rows) of a resize; None for another event, or where it gives no possible size."""
        found = _SIZE.fullmatch(self.data.decode("utf-8", "replace")) if self.code == "r" else None
        size = (int(found[1]), int(found[2])) if found else (0, 0)
        return size if all(1 <= n <= MAX_CELLS for n in size) else None


def encode(header: CastHeader, events: Iterable[CastEvent], *, version: Literal[2, 3]) -> Iterator[bytes]:
    """The lines of a cast, each with its newline; as lazy as `events`, in constant memory.

    Output and input are decoded across event borders, each stream for itself. Version 2 times are rounded to
    microseconds. Version 3 intervals are rounded to milliseconds so that their sum never drifts. Version 2
    has no exit event: x is left out. Raises UsageError where events go back in time or a version is unknown.
    """
    if version not in (2, 3):
        raise UsageError(f"asciicast version {version!r} cannot be written; choose 2 or 3")
    yield _line(_header_2(header) if version == 2 else _header_3(header))
    decoders = {code: codecs.getincrementaldecoder("utf-8")("replace") for code in "oi"}
    past = 0
    written = 0  # microseconds in version 2, milliseconds in version 3
    for t, code, text in _texts(events, decoders):
        if t < past:
            raise UsageError(f"events of a cast go back in time: {t} ns after {past} ns; sort them first")
        past = t
        if version == 2:
            if code != "x":
                yield _line([msgspec.Raw(_decimal((t + 500) // 1000, 6)), code, text])
        else:
            now = (t + 500_000) // 1_000_000
            yield _line([msgspec.Raw(_decimal(now - written, 3)), code, text])
            written = now


def _texts(events: Iterable[CastEvent], decoders: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    t = 0
    for t, code, data in events:
        decoder = decoders.get(code)
        if decoder is None:
            yield t, code, data.decode("utf-8", "replace")
            continue
        for at in range(0, len(data), _CHUNK):
            text = decoder.decode(data[at : at + _CHUNK])
            if text:
                yield t, code, text
    for code, decoder in decoders.items():
        text = decoder.decode(b"", final=True)
        if text:
            yield t, code, text


def _decimal(value: int, places: int) -> bytes:
    return b"%d.%0*d" % (value // 10**places, places, value % 10**places)


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _header_2(header: CastHeader) -> dict[str, Any]:
    fields: dict[str, Any] = {"version": 2, "width": header.cols, "height": header.rows}
    for name in ("timestamp", "duration", "idle_time_limit", "command", "title", "env", "theme"):
        if (value := getattr(header, name)) not in (None, {}):
            fields[name] = value
    return fields


def _header_3(header: CastHeader) -> dict[str, Any]:
    term: dict[str, Any] = {"cols": header.cols, "rows": header.rows}
    for name, value in (
        ("type", header.term_type),
        ("version", header.term_version),
        ("theme", header.theme),
    ):
        if value is not None:
            term[name] = value
    fields: dict[str, Any] = {"version": 3, "term": term}
    for name in ("timestamp", "idle_time_limit", "command", "title", "env", "tags"):
        if (value := getattr(header, name)) not in (None, {}, []):
            fields[name] = value
    return fields


# -- reading ----------------------------------------------------------------------------------------


class _Term(msgspec.Struct):
    cols: int
    rows: int
    type: str | None = None
    version: str | None = None
    theme: dict[str, Any] | None = None


class _Header(msgspec.Struct):
    """Every version's header at once; which fields must be there depends on the version."""

    version: int
    width: int | None = None
    height: int | None = None
    term: _Term | None = None
    timestamp: float | None = None
    duration: float | None = None
    idle_time_limit: float | None = None
    command: str | None = None
    title: str | None = None
    env: dict[str, str | None] | None = None
    theme: dict[str, Any] | None = None
    tags: list[str] | None = None
    stdout: list[tuple[float, str]] | None = None


_HEADER = msgspec.json.Decoder(_Header)
_EVENT = msgspec.json.Decoder(tuple[float, str, str])
_LOOSE_EVENT = msgspec.json.Decoder(tuple[float, str | int, str])


def decode(lines: Iterable[bytes]) -> tuple[CastHeader, Iterator[CastEvent]]:
    """The header and, lazily, the events of a cast of version 1, 2 or 3.

    `lines` are the file's lines; from a stranger's file take them with `readline(MAX_LINE + 1)`. Unknown codes
    and header fields are let pass, blank lines skipped, in version 3 also lines that begin with `#`. Raises
    TraceRejected, here or from the iterator, for anything else that breaks the format: times that go back,
    wrong types, a version 3 resize to an impossible size, lines over `MAX_LINE`.
    """
    source = _checked(lines)
    number, first = next(source, (1, b""))
    if not first.strip():
        raise TraceRejected(Code.TRUNCATED, "line 1", "a cast begins with its header")
    try:
        # A version 1 cast is one document over many lines; of the others the first line is one by itself.
        msgspec.json.decode(first, type=msgspec.Raw)
    except msgspec.DecodeError:
        first = _document(first, source)
    except RecursionError:
        raise TraceRejected(Code.TOO_DEEP, "line 1", "the header is nested too deep") from None
    raw = _decoded(_HEADER, first, number)
    header = _header(raw)
    if raw.version == 1:
        return header, _events_1(raw.stdout or [])
    return header, _events(source, raw.version)


def _checked(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise TraceRejected(Code.TOO_LARGE, f"line {number}", f"longer than {MAX_LINE} bytes")
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TraceRejected(Code.ENCODING, f"line {number}", f"not UTF-8 at byte {error.start}") from None
        yield number, line


def _document(first: bytes, rest: Iterator[tuple[int, bytes]]) -> bytes:
    if not first.lstrip().startswith(b"{"):
        raise TraceRejected(Code.NOT_A_TRACE, "line 1", "not an asciicast: no JSON header")
    whole = bytearray(first)
    for number, line in rest:
        whole += line
        if len(whole) > MAX_DOCUMENT:
            raise TraceRejected(Code.TOO_LARGE, f"line {number}", f"a document over {MAX_DOCUMENT} bytes")
    return bytes(whole)


def _decoded(decoder: Any, line: bytes, number: int) -> Any:
    place = f"line {number}"
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        raise TraceRejected(Code.SCHEMA, place, str(error)) from None
    except RecursionError:
        raise TraceRejected(Code.TOO_DEEP, place, "nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise TraceRejected(Code.SYNTAX, place, str(error)) from None


def _header(raw: _Header) -> CastHeader:
    if raw.version not in (1, 2, 3):
        raise TraceRejected(Code.VERSION, "line 1", f"asciicast version {raw.version}; known are 1, 2 and 3")
    term = raw.term
    if raw.version == 3:
        if term is None:
            raise TraceRejected(Code.MISSING, "line 1", "a version 3 header has `term`")
        cols, rows = term.cols, term.rows
    else:  # casts without a size exist; players take the usual one
        cols, rows = raw.width or 80, raw.height or 24
    if not (1 <= cols <= MAX_CELLS and 1 <= rows <= MAX_CELLS):
        raise TraceRejected(Code.SCHEMA, "line 1", f"impossible size {cols}x{rows}")
    for seconds in (raw.timestamp, raw.duration, raw.idle_time_limit):
        if seconds is not None and not 0 <= seconds < 1e12:
            raise TraceRejected(Code.SCHEMA, "line 1", "a time is out of range")
    return CastHeader(
        cols=cols,
        rows=rows,
        timestamp=None if raw.timestamp is None else int(raw.timestamp),
        duration=raw.duration,
        idle_time_limit=raw.idle_time_limit,
        command=raw.command,
        title=raw.title,
        env={name: value for name, value in (raw.env or {}).items() if value is not None},
        term_type=term.type if term else None,
        term_version=term.version if term else None,
        theme=(term.theme if term else None) or raw.theme,
        tags=raw.tags or [],
    )


def _events_1(frames: list[tuple[float, str]]) -> Iterator[CastEvent]:
    clock = _Clock(relative=True)
    for index, (delay, text) in enumerate(frames):
        yield CastEvent(clock.at(delay, f"stdout[{index}]"), "o", text.encode())


def _events(source: Iterator[tuple[int, bytes]], version: int) -> Iterator[CastEvent]:
    clock = _Clock(relative=version == 3)
    # Version 2 recordings with a number for a code exist, and players skip such events: they are kept.
    decoder: Any = _EVENT if version == 3 else _LOOSE_EVENT
    for number, line in source:
        if not line.strip() or (version == 3 and line.startswith(b"#")):
            continue
        seconds, code, text = _decoded(decoder, line, number)
        place = f"line {number}"
        event = CastEvent(clock.at(seconds, place), str(code), text.encode())
        if version == 3 and event.code == "r" and event.size() is None:
            raise TraceRejected(Code.SCHEMA, place, "a resize gives COLSxROWS, both from 1 to 65535")
        yield event


class _Clock:
    def __init__(self, *, relative: bool) -> None:
        self._relative = relative
        self._now = 0

    def at(self, seconds: float, place: str) -> int:
        if not -_MAX_SECONDS <= seconds <= _MAX_SECONDS:
            raise TraceRejected(Code.SCHEMA, place, "a time is out of range")
        t = round(seconds * 1e9)
        if self._relative:
            t += self._now
        if t < self._now:
            raise TraceRejected(Code.ORDER, place, "time goes back")
        self._now = t
        return t
