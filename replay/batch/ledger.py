"""What became of every input, in a database beside the spools: a hundred thousand traces cost no memory."""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from replay.batch.chunk import Done
from replay.export.losses import Loss

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE inputs (
    path TEXT NOT NULL, sha256 TEXT NOT NULL, trace_id TEXT NOT NULL, redactions INTEGER NOT NULL,
    code TEXT NOT NULL, rejected TEXT NOT NULL, split TEXT NOT NULL,
    task TEXT NOT NULL, shard TEXT NOT NULL DEFAULT '',
    spool INTEGER, offset INTEGER NOT NULL, length INTEGER NOT NULL, size INTEGER NOT NULL, records INTEGER NOT NULL
);
CREATE TABLE spools (path TEXT NOT NULL);
"""
_SAME = """
UPDATE inputs SET code = 'same', rejected = 'the same trace as ' || (
    SELECT path FROM inputs AS kept WHERE kept.trace_id = inputs.trace_id AND kept.code = '' ORDER BY {order} LIMIT 1
)
WHERE code = '' AND rowid NOT IN (
    SELECT rowid FROM (
        SELECT rowid, row_number() OVER (PARTITION BY trace_id ORDER BY {order}) AS place FROM inputs WHERE code = ''
    ) WHERE place = 1
)
""".replace("{order}", "redactions DESC, sha256, path")


class Piece(NamedTuple):
    """A trace's frame in a spool: so many bytes of so many records when it is unpacked."""

    row: int
    spool: str
    offset: int
    length: int
    size: int
    records: int
    path: str
    trace_id: str
    task: str


class Outcome(NamedTuple):
    """One line of inputs.jsonl."""

    path: str
    sha256: str
    trace_id: str
    split: str
    shard: str
    code: str
    rejected: str


class Ledger:
    """A context manager; the database is made anew, from what the chunks say. Raises OSError where the disk takes no
    more."""

    def __init__(self, place: Path) -> None:
        place.unlink(missing_ok=True)
        self._db = sqlite3.connect(place)

    def __enter__(self) -> Self:
        try:
            self._db.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            self.__exit__(None, error, None)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._db.close()
        if isinstance(error, sqlite3.OperationalError):
            raise OSError(errno.EIO, f"its ledger: {error}") from error

    def take(self, done: Done, root: str) -> None:
        """What a chunk came to. Paths are told from `root` on."""
        spool = self._db.execute("INSERT INTO spools VALUES (?)", (done.spool,)).lastrowid
        self._db.executemany(
            "INSERT INTO inputs (path, sha256, trace_id, redactions, code, rejected, split, task, spool, offset,"
            " length, size, records) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                (
                    fact.path.removeprefix(root), fact.sha256, fact.trace_id, fact.redactions, fact.code, fact.rejected,
                    fact.split, fact.group, spool, fact.offset, fact.length, fact.size, fact.records,
                )
                for fact in done.facts
            ),
        )  # fmt: skip

    def drop_the_same(self) -> None:
        """Of one trace that came several times the one from which most was redacted stays."""
        self._db.execute(_SAME)

    def drop(self, row: int, code: str, why: str) -> None:
        self._db.execute("UPDATE inputs SET code = ?, rejected = ? WHERE rowid = ?", (code, why, row))

    def splits(self) -> list[str]:
        """Those that have a trace."""
        return [
            name
            for (name,) in self._db.execute("SELECT DISTINCT split FROM inputs WHERE code = '' ORDER BY 1")
        ]

    def kept(self, split: str, *, by_task: bool = False) -> Iterator[Piece]:
        """What is kept of a split, by trace id (as it was recorded); or one task's after another's."""
        order = "task, trace_id, sha256" if by_task else "trace_id, sha256"
        rows = self._db.execute(
            "SELECT inputs.rowid, spools.path, offset, length, size, records, inputs.path, trace_id, task FROM inputs"
            " JOIN spools ON spools.rowid = spool WHERE code = '' AND split = ? ORDER BY " + order,
            (split,),
        )
        return (Piece(*row) for row in rows)

    def placed(self, rows: Iterable[int], shard: str) -> None:
        """These inputs stand in `shard`."""
        self._db.executemany("UPDATE inputs SET shard = ? WHERE rowid = ?", ((shard, row) for row in rows))

    def outcomes(self) -> Iterator[Outcome]:
        """Every input, by path."""
        rows = self._db.execute(
            "SELECT path, sha256, trace_id, CASE code WHEN '' THEN split ELSE '' END, shard, code, rejected"
            " FROM inputs ORDER BY path, sha256"
        )
        return (Outcome(*row) for row in rows)

    def counts(self) -> dict[str, int]:
        """How many inputs by what became of them: `kept`, or the code of the reason."""
        rows = self._db.execute("SELECT code, count(*) FROM inputs GROUP BY code ORDER BY code")
        return {code or "kept": count for code, count in rows}


class LossCount:
    """Losses of all traces that were converted, summed."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._traces: Counter[str] = Counter()

    def take(self, losses: Iterable[Loss]) -> None:
        for loss in losses:
            self._counts[loss.what] += loss.count
            self._traces[loss.what] += 1

    def told(self) -> list[dict[str, object]]:
        """The most frequent first."""
        order = sorted(self._counts, key=lambda what: (-self._traces[what], what))
        return [{"what": what, "count": self._counts[what], "traces": self._traces[what]} for what in order]
