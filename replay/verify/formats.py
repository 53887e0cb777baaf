"""What a command line says of its own output: the format of `curl -w` tells where times and speeds will stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from replay.verify.masking import Apply, alias

_OPTION = re.compile(
    r"""(?<!\S)(?:-[a-zA-Z#]{0,20}w|--write-out)[ =]?(?:'([^']{1,2000})'|"([^"]{1,2000})"|([^\s'"]{1,2000}))"""
)
_MOST = 8
_VARIABLE = re.compile(r"%\{(\w{1,40})\}")
_COUNTED = re.compile(r"http_code|http_version|response_code|size_\w+|num_\w+|exitcode|\w+_port")
_ESCAPES = {r"\n": "\n", r"\r": "", r"\t": "\t", "%%": "%"}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPES)))


class _Line(NamedTuple):
    """A line of the format. `kinds` are what its groups hold."""

    pattern: re.Pattern[bytes]
    kinds: tuple[str, ...]


def write_out(command: str) -> Apply:
    """Masks what `curl -w` measured (`%{time_…}`, `%{speed_…}`) where the whole line is as its format says."""
    lines = list(islice(_lines(command), _MOST)) if "curl" in command else []

    def apply(data: bytes) -> bytes:
        for line in lines:
            data = line.pattern.sub(lambda match, kinds=line.kinds: _masked(match, kinds), data)  # type: ignore[misc]
        return data

    return apply


def _lines(command: str) -> Iterator[_Line]:
    for option in _OPTION.finditer(command):
        text = _ESCAPE.sub(lambda match: _ESCAPES[match[0]], option[1] or option[2] or option[3])
        for number, line in enumerate(text.split("\n")):
            made = _line(line, r"^" if number else r"(?<![\d.])")
            if made is not None:
                yield made


def _line(line: str, start: str) -> _Line | None:
    """Null where the line has nothing measured in it, or something of which nobody knows where it ends."""
    kinds: list[str] = []
    pattern = [start]
    at = 0
    for variable in _VARIABLE.finditer(line):
        pattern.append(re.escape(line[at : variable.start()]))
        at = variable.end()
        name = variable[1]
        if name.startswith("time_"):
            kinds.append("duration")
            pattern.append(r"(\d++\.\d{3,9}+)")
        elif name.startswith("speed_"):
            kinds.append("rate")
            pattern.append(r"(\d++(?:\.\d{3})?+)")
        elif _COUNTED.fullmatch(name):
            pattern.append(r"[\d.]++")
        else:
            return None
    pattern += [re.escape(line[at:]), r"(?=\r?$)"]
    return _Line(re.compile("".join(pattern).encode(), re.MULTILINE), tuple(kinds)) if kinds else None


def _masked(match: re.Match[bytes], kinds: tuple[str, ...]) -> bytes:
    out, at = b"", match.start()
    for number, kind in enumerate(kinds, 1):
        begin, end = match.span(number)
        out += match.string[at:begin] + alias(kind)
        at = end
    return out + match.string[at : match.end()]


_LOG = re.compile(
    rb"^\[\d{1,10}:\d{1,10}:\d{4}/\d{6}\.\d{6}:(?:INFO|WARNING|ERROR|VERBOSE\d):"
    rb"[\w./-]{1,200}\.(?:cc|mm)(?::\d{1,6}|\(\d{1,6}\))\] [^\r\n]*(?:\r?\n|\Z)",
    re.MULTILINE,
)


def chromium_log(data: bytes) -> bytes:
    """Takes out the lines in which Chromium tells what it lacks on a machine; what pages and fatal errors say stays."""
    return _LOG.sub(b"", data)
