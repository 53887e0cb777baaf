"""Which traces of a catalog are wanted, as a condition of SQL. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec import Struct


class Filter(Struct, frozen=True, kw_only=True):
    """Which traces are wanted; None: whatever it is. `task` is a part of the instruction, in any case of letters.
    `verdict` is one of the verdicts, `verified` (exact or equivalent, each time) or `none`. `state` may be `rejected`,
    and those alone are found by nothing else. `since` and before `until`: when it began."""

    task: str | None = None
    annotator: str | None = None
    verdict: str | None = None
    tag: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether every trace is wanted."""
        return self == Filter()


def condition(asked: Filter, trusted: Collection[str], *, recursive: bool) -> tuple[str, list[object]]:
    """Of SQL, and the values in it."""
    parts: list[str] = [] if recursive else ["instr(name, x'2f') = 0"]
    values: list[object] = []

    def also(part: str, *given: object) -> None:
        parts.append(part)
        values.extend(given)

    if asked.state == "rejected":
        also("rejected != ''")
    elif not asked.everything:
        also("rejected = ''")
        if asked.state is not None:
            also("state = ?", asked.state)
    if asked.task is not None:
        also("part_of(?, task)", asked.task.casefold())
    if asked.annotator is not None:
        also("annotator = ?", asked.annotator)
    if asked.tag is not None:
        also("among(?, tags)", asked.tag)
    if asked.since is not None:
        also("started_unix_ns >= ?", _nanoseconds(asked.since))
    if asked.until is not None:
        also("started_unix_ns < ?", _nanoseconds(asked.until))
    counts = counting(trusted)
    match asked.verdict:
        case None:
            pass
        case "none":
            also(f"NOT ({counts})", *trusted)
        case "verified":
            also(f"{counts} AND verdict IN ('exact', 'equivalent') AND steady", *trusted)
        case verdict:
            also(f"{counts} AND verdict = ?", *trusted, verdict)
    return " AND ".join(parts) or "true", values


def counting(trusted: Collection[str]) -> str:
    """Whether a verdict counts, in SQL; its values are the keys."""
    return f"(verdict != '' AND key IN ({', '.join('?' * len(trusted))}))"


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def part_of(part: str, text: str | None) -> bool:
    """A function of the SQL: `part` is casefolded."""
    return text is not None and part in text.casefold()


def among(tag: str, tags: str) -> bool:
    """Another: `tags` is a JSON list."""
    return tag in msgspec.json.decode(tags)
