"""Rules for what clocks decide: dates, times of day, durations, rates. Pure.

With a `Clock`, a date is masked only where it can have come from the clock while the session ran; a date that
merely stands in a file stays, and a difference in it shows. With the time that a step took, a duration is
masked only where it fits into that time.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from replay.verify.masking import Apply, alias, masked


class Clock(NamedTuple):
    """Wall-clock times, in seconds since 1970, that programs can have seen: any within one of `windows`.

    `zone` is the offset of local time in seconds; unknown, any offset of whole quarter hours will do.
    """

    windows: tuple[tuple[float, float], ...]
    zone: int | None = None

    def shows(self, seconds: float, *, utc: bool = False, slack: float = 2.0, day: bool = False) -> bool:
        """Whether `seconds`, a local (or UTC) reading, can have been shown. With `day` only the time of day counts."""
        zones = (0,) if utc else (0, self.zone) if self.zone is not None else tuple(range(-43200, 50401, 900))
        for begin, end in self.windows:
            for zone in zones:
                past = seconds - zone - begin + slack
                if day:
                    past %= 86400
                if 0 <= past <= end - begin + 2 * slack:
                    return True
        return False


_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_FRACTION = r"(?:[.,]\d{1,9})?"
_CLOCK = rf"\d{{1,2}}:\d\d:\d\d{_FRACTION}"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b|(?: [A-Z]{3,4})(?= \d{4}\b))"
_HALF = r"(?: [AaPp]\.?[Mm]\b\.?)"

_STAMPS = (
    # 2024-06-01T12:00:00.123456+00:00, 2024-06-01 12:00, 2024/06/01 12:00:00
    (
        r"(?<![\w.-])\d{4}(?:-\d\d-|/\d\d/|\.\d\d\.)\d\d(?:[T_]| {1,2})\d{1,2}:\d\d"
        rf"(?::\d\d{_FRACTION})?{_HALF}?{_ZONE}?(?![\w:])"
    ),
    # 2024-06-01T12_00_00_123Z: in the names of npm's logs
    r"(?<![\w.])\d{4}-\d\d-\d\dT\d\d_\d\d_\d\d_\d{3}Z(?!\w)",
    # 20240601T120000Z
    r"(?<!\w)\d{8}[T-]\d{6}Z?(?!\w)",
    # Sat Jun  1 12:00:00 UTC 2024, Sat, 01 Jun 2024 12:00:00 +0000, Sat 01 Jun 2024 12:00:00 PM UTC
    (
        rf"\b{_DAY},? +(?:{_MONTH} +\d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? +\d{{4}})?,? +"
        rf"{_CLOCK}{_HALF}?{_ZONE}?(?: \d{{4}}\b)?{_ZONE}?"
    ),
    # Jun  1 12:00:00, Jun  1 2024 12:00:00; 01/Jun/2024:12:00:00 +0000; Jun  1 12:00
    rf"\b{_MONTH} +\d{{1,2}},?(?: \d{{4}},?)? +{_CLOCK}{_HALF}?{_ZONE}?(?: \d{{4}}\b)?(?![\w:])",
    rf"\b\d{{1,2}}[/ -]{_MONTH}[/ -]\d{{2,4}}[: ]{_CLOCK}{_ZONE}?(?![\w:])",
    rf"\b{_MONTH} [ \d]\d \d\d:\d\d(?![\w:])",
    # 12:00:00, 12:00:00.123, 12:00:00 PM
    rf"(?<![\w:.,/-]){_CLOCK}{_HALF}?(?![\w:]|\.\d)",
)

_DATES = (
    r"(?<![\w.-])(?:19|20)\d\d(?:-\d\d-\d\d|/\d\d/\d\d)(?![\w-])",
    rf"\b(?:{_DAY},? +)?(?:\d{{1,2}} {_MONTH}|{_MONTH} +\d{{1,2}},?) +\d{{4}}\b",
)

_NUMERIC = re.compile(r"(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)(?!\d)")
_NAMED = re.compile(rf"({_MONTH})")
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?( ?[AaPp]\.?[Mm])?")
_COMPACT = re.compile(r"(\d{8}|\d{4}-\d\d-\d\d)[T-](\d\d)_?(\d\d)_?(\d\d)")


def _reading(text: str, year: int) -> tuple[float, bool, float] | None:
    """(seconds, date known, precision) of a date; None where it is none. `year` stands in for a missing one."""
    if compact := _COMPACT.match(text):
        text = f"{compact[1]} {compact[2]}:{compact[3]}:{compact[4]}"
    time = _TIME.search(text)
    hour, minute, second = (int(time[1]), int(time[2]), int(time[3] or 0)) if time else (0, 0, 0)
    if time and time[4]:
        hour = hour % 12 + (12 if "p" in time[4].lower() else 0)
    precision = 1.0 if time and time[3] else 60.0 if time else 86400.0
    rest = text.replace(time[0], " ", 1) if time else text
    if numeric := _NUMERIC.match(text):
        date = (int(numeric[1]), int(numeric[2]), int(numeric[3]))
    elif named := _NAMED.search(text):
        numbers = [n for n in re.findall(r"(?<![+\-\d])\d{1,4}(?!\d)", rest) if n]
        month = _NAMES.index(named[1][:3].lower()) + 1
        day = next((int(n) for n in numbers if len(n) <= 2), 0)
        date = (next((int(n) for n in numbers if len(n) == 4), year), month, day)
    else:
        return float(hour * 3600 + minute * 60 + second), False, precision
    if not (1 <= date[1] <= 12 and 1 <= date[2] <= 31 and hour < 24 and minute < 60 and 1 <= date[0] <= 9999):
        return None
    return float(timegm((*date, hour, minute, second))), True, precision


def _from_clock(clock: Clock, match: re.Match[bytes]) -> bool:
    text = match[0].decode("ascii", "replace")
    offset = re.search(r"([+-])(\d\d):?(\d\d)$", text)
    utc = offset is not None or re.search(r"(?:Z|UTC|GMT)(?: \d{4})?$", text) is not None
    for begin, _ in clock.windows:
        year = 1970 + int(begin // 31556952)
        reading = _reading(text, year)
        if reading is None:
            return False
        seconds, dated, precision = reading
        if offset and dated:
            away = int(offset[2]) * 3600 + int(offset[3]) * 60
            seconds -= away if offset[1] == "+" else -away
        if clock.shows(seconds, utc=utc, slack=precision + 2, day=not dated):
            return True
    return False


def shown_by(clock: Clock | None) -> Callable[[re.Match[bytes]], bool] | None:
    """Whether a date or time of day can have come from this clock; null where there is none to ask."""
    return partial(_from_clock, clock) if clock else None


def timestamps(clock: Clock | None = None) -> Apply:
    """Dates with a time of day, and times of day."""
    return masked("time", _STAMPS, shown_by(clock))


def dates(clock: Clock | None = None) -> Apply:
    """Dates without a time of day."""
    return masked("date", _DATES, shown_by(clock))


def epochs(clock: Clock | None = None) -> Apply:
    """Seconds (or ms, µs, ns) since 1970."""

    def plausible(match: re.Match[bytes]) -> bool:
        digits = match[0].split(b".")[0]
        return clock is None or clock.shows(int(digits) / 10 ** (len(digits) - 10), utc=True)

    pattern = r"(?<![\w.-])(?:1[5-9]|2[01])\d{8}(?:\d{3}|\d{6}|\d{9}|\.\d{1,9})?(?![\w.-])"
    return masked("time", [pattern], plausible)


_LISTED = re.compile(
    (
        r"^((?: *\S+ +)?(?P<type>[-dlcbps])[-rwxsStT]{9}[.+@]? +\d+ +\S+ +\S+ +(?:\d+, *)?\S+ +)"
        rf"(?P<time>{_MONTH} [ \d]\d  ?(?:\d\d:\d\d|\d{{4}})|\d{{4}}-\d\d-\d\d(?: \d\d:\d\d)?(?![:\d]))(?= )"
    ).encode(),
    re.MULTILINE,
)


def listings(clock: Clock | None = None) -> Apply:
    """Modification times in `ls -l`: of folders always, of files where the clock can have set them."""

    def replace(match: re.Match[bytes]) -> bytes:
        text = re.search(b".*", match["time"])
        assert text is not None
        if clock is None or match["type"] == b"d" or _from_clock(clock, text):
            return match[1] + alias("time")
        return match[0]

    return lambda data: _LISTED.sub(replace, data)


_NUMBER = r"\d+(?:[.,]\d+)?"
_SHORT = r"(?:ns|us|µs|μs|ms|msecs?|milliseconds?|microseconds?|nanoseconds?)"
_DURATIONS = (
    # 0m0.003s, 1h2m3s, 3m 2s
    r"(?<![\w.])(?:\d+h ?)?\d+m ?\d+(?:[.,]\d+)?s\b",
    # 0.03s, 1.5 seconds, 12ms, 340 µs; whole seconds only where something took, or was done in, that long
    r"(?<![\w.,])\d+[.,]\d+ ?(?:s|secs?|seconds?|minutes?)\b(?! (?:user|system)\b)",
    rf"(?<![\w.,]){_NUMBER} ?{_SHORT}(?![\w])",
    (
        r"(?:(?<=\bin )|(?<=\btook )|(?<=\bafter )|(?<=\belapsed )|(?<=\bduration )|(?<= time: ))"
        r"\d+ ?(?:s|secs?|seconds?)\b"
    ),
    r"(?:(?<=duration_ms )|(?<=\btime=))\d+(?:\.\d+)?\b(?: ?ms\b)?",
    r"(?:(?<=^real )|(?<=^user )|(?<=^sys ))\d+\.\d+(?=\r?$)",
)
_ACCOUNTS = (
    # time of zsh and of GNU: 0.00s user 0.00s system 0% cpu 1.002 total
    r"(?<![\w.])\d+(?:\.\d+)?s user +\d+(?:\.\d+)?s system +\d+% cpu +(?:\d+:)*\d+(?:\.\d+)? total",
    (
        r"(?<![\w.])\d+\.\d+user \d+\.\d+system (?:\d+:)+\d+(?:\.\d+)?elapsed \d+%CPU"
        r" \(\d+avgtext\+\d+avgdata \d+maxresident\)k"
    ),
    r"(?<![\w.])\d+inputs\+\d+outputs \(\d+major\+\d+minor\)pagefaults \d+swaps",
    # fish: Executed in  1.00 secs      fish           external, usr time  900.00 micros  300 micros  600 micros
    (
        r"(?:(?<=^Executed in)|(?<=^   usr time)|(?<=^   sys time)) +\d+(?:\.\d+)?"
        r" (?:secs|millis|micros|nanos|mins|hours)"
        r"(?: +\d+(?:\.\d+)? (?:secs|millis|micros|nanos))*(?: +fish +external)?"
    ),
    r"\b\d+ (?:seconds?|minutes?) ago\b",
    # ping: rtt min/avg/max/mdev = 0.045/0.045/0.045/0.000 ms
    r"(?<![\w.])\d+\.\d+(?:/\d+\.\d+){2,3} ms\b",
)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:[.,]\d+)?) ?(h|minutes?|milli|micro|nano|ms|us|µs|μs|ns|m|s)?")
_LONG = re.compile(r"(in ⟨duration⟩) \((?:\d+:\d\d:\d\d|⟨time⟩)\)".encode())
_FILL = re.compile(rb"([=_-])\1+(?=$|[ \r\x1b])")
_PADDED = re.compile("(?<! ) {2,}(?=⟨(?:duration|rate)⟩)".encode())
_MARK = alias("duration")


def _seconds(text: str) -> float:
    total = 0.0
    for number, unit in _PART.findall(text):
        value = float(number.replace(",", "."))
        first = {"milli": "ms", "micro": "us", "nano": "ns", "µs": "us", "μs": "us"}.get(unit, unit)
        total += value * _UNITS.get(first, _UNITS["m"] if first.startswith("minute") else 1.0)
    return total


def durations(elapsed: float | None = None) -> Apply:
    """Measured times with their unit, and the widths that follow from theirs: pytest fills its line with `=`.

    With `elapsed` (seconds), only such as fit into it. Processor times may exceed it and are always masked.
    """
    accounts = masked("duration", _ACCOUNTS)

    def plausible(match: re.Match[bytes]) -> bool:
        if elapsed is None or match.string[max(0, match.start() - 5) : match.start()].strip() in (
            b"user",
            b"sys",
        ):
            return True
        return _seconds(match[0].decode("utf-8", "replace")) <= elapsed * 1.5 + 0.1

    single = masked("duration", _DURATIONS, plausible)

    def apply(data: bytes) -> bytes:
        data = _LONG.sub(rb"\1", single(accounts(data)))
        if _MARK not in data:
            return data
        lines = data.split(b"\n")
        for i, line in enumerate(lines):
            if _MARK in line and len(line) < 4096:
                lines[i] = _FILL.sub(rb"\1\1\1", _PADDED.sub(b" ", line))
        return b"\n".join(lines)

    return apply


_WHAT = r"(?:it|iB|iters?|ops?|req|reqs|requests|rows|lines|files|tests?)"
_per_second = masked(
    "rate",
    (
        rf"(?<![\w.])(?:{_NUMBER}|\?) ?(?:[kKMGT]i?)?(?:B|b|bytes|bit|bits)/s(?:ec)?\b",
        rf"(?<![\w.])(?:{_NUMBER}|\?) ?{_WHAT}/s(?:ec)?\b",
        rf"(?<![\w.]){_NUMBER} ?s/it\b",
        r"(?<=  )--\.-KB/s(?=    in )",  # wget, of what came too fast to tell
    ),
)
_RECEIVED = re.compile(
    rb"(Receiving objects: 100% \(\d+/\d+\)), [\d.]+ (?:bytes|[KMG]iB) \| [\d.]+ (?:bytes|[KMG]iB)/s(?=, done\.)"
)


def rates(data: bytes) -> bytes:
    """Amounts per second, and git's of a clone, which it says only where that took half a second."""
    return _per_second(_RECEIVED.sub(rb"\1", data))


certificates = masked(
    "time",
    (
        rf"(?<=^\*  start date: ){_MONTH} [ \d]\d {_CLOCK} \d{{4}} GMT",
        rf"(?<=^\*  expire date: ){_MONTH} [ \d]\d {_CLOCK} \d{{4}} GMT",
    ),
)
"""Since and until when a certificate is valid, as `curl -v` tells: the recorder's proxy made it, and the replay."""

_SIZE = r" +\d+(?:\.\d+)?[kMGTP]?"
_LEFT = r" +(?:\d+:\d\d:\d\d|\d+d \d\dh|--:--:--)"
_ROW = r"(?:^|(?<=\r))"
_METERS = tuple(
    re.compile(pattern.encode(), re.MULTILINE)
    for pattern in (
        rf"{_ROW}([ \d]{{3}}{_SIZE} +\d+{_SIZE} +\d+{_SIZE}){_SIZE}{_SIZE}{_LEFT * 3}{_SIZE}",
        rf"{_ROW}([ \d-]{{3}} [ \d-]{{3}}{_SIZE}{_SIZE} +\d+ +\d+){_LEFT * 3}{_SIZE}",  # of several at once
    )
)


def meters(data: bytes) -> bytes:
    """Speeds and times in curl's progress meter. What it counts, and of how much, stays."""
    for row in _METERS:
        data = row.sub(rb"\1 " + alias("rate"), data)
    return data
