"""Opening a trace that a person named, with errors that a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from recorder.trace.asciicast import CastEvent, CastHeader, decode
from recorder.trace.errors import TraceRejected, UsageError
from recorder.trace.folders import trace_folder
from recorder.trace.reader import Trace, open_trace
from recorder.trace.ziplayout import cast_name

_NOT_PLAIN = re.compile(r"[^ -~]+")


def find(path: Path) -> Path:
    """The trace that a person means by `path`: itself, with `.reenact`, or of that name in the trace folder."""
    named = path.with_name(path.name + ".reenact")
    candidates = (path, named, trace_folder() / path, trace_folder() / named)
    return next((candidate for candidate in candidates if candidate.exists()), path)


def below(folder: Path) -> list[Path]:
    """The traces of a folder and of those in it, by name. Raises UsageError where there are none."""
    inside = sorted(path for path in folder.rglob("*.reenact") if ".sessions" not in path.parts)
    if not inside:
        raise UsageError(f"{folder} is a directory that holds no traces")
    return inside


def inputs(traces: Sequence[Path]) -> list[Path]:
    """The files that are meant, each once. Raises UsageError where there are none."""
    found: dict[Path, None] = {}
    for given in traces:
        if given.is_dir():
            found.update(dict.fromkeys(path.absolute() for path in below(given)))
        else:
            path = find(given).absolute()
            if not path.exists():
                raise UsageError(f"{given}: there is no such file or folder")
            found[path] = None
    return sorted(found)


@contextmanager
def opened(path: Path) -> Iterator[Trace]:
    """The trace at `path` (see `find`). Raises UsageError where there is none, TraceRejected where it is none."""
    try:
        trace = open_trace(find(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    with trace:
        yield trace


def cast_of(trace: Trace, number: int) -> tuple[CastHeader, Iterator[CastEvent]]:
    """The header and, lazily, the events of a terminal's asciicast. Raises TraceRejected, which names the member."""
    try:
        header, events = decode(_lines(trace, number))
    except TraceRejected as error:
        raise _in_cast(error, number) from error
    return header, _named(events, number)


def _named(events: Iterator[CastEvent], number: int) -> Iterator[CastEvent]:
    try:
        yield from events
    except TraceRejected as error:
        raise _in_cast(error, number) from error


def _in_cast(error: TraceRejected, number: int) -> TraceRejected:
    name = cast_name(number)
    place = error.place if error.place.startswith(name) else f"{name} {error.place}"
    return TraceRejected(error.code, place, error.reason)


def _lines(trace: Trace, number: int) -> Iterator[bytes]:
    rest = b""
    for data in trace.cast(number):
        *lines, rest = (rest + data).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def as_json(value: Any) -> None:
    """Prints a value as JSON, on one line; what a terminal would obey, or nobody could see, is escaped."""
    text = json.dumps(msgspec.to_builtins(value, enc_hook=str), ensure_ascii=False)
    click.echo(_NOT_PLAIN.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in found[0])


TRACE = click.argument("trace", type=click.Path(path_type=Path))
JSON = click.option("--json", "json_wanted", is_flag=True, help="Print JSON on standard output.")
