"""What became of every input, in a database beside the spools: a hundred thousand traces cost no memory."""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from replay.batch.chunk import Done, Fact
from replay.dataset.pairing import Candidate
from replay.export.losses import Loss

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE inputs (
    path TEXT NOT NULL, sha256 TEXT NOT NULL, trace_id TEXT NOT NULL, redactions INTEGER NOT NULL,
    code TEXT NOT NULL, rejected TEXT NOT NULL, split TEXT NOT NULL,
    licence TEXT NOT NULL, flags TEXT NOT NULL, shard TEXT NOT NULL DEFAULT '',
    spool INTEGER, offset INTEGER NOT NULL, length INTEGER NOT NULL, size INTEGER NOT NULL, records INTEGER NOT NULL,
    sketch BLOB NOT NULL, task TEXT NOT NULL, verified INTEGER NOT NULL, reward REAL
);
CREATE TABLE spools (path TEXT NOT NULL);
CREATE TABLE bands (
    band INTEGER NOT NULL, value BLOB NOT NULL, input INTEGER NOT NULL, PRIMARY KEY (band, value, input)
) WITHOUT ROWID;
CREATE TABLE pairs (
    better INTEGER NOT NULL, worse INTEGER NOT NULL, spool INTEGER NOT NULL, offset INTEGER NOT NULL,
    length INTEGER NOT NULL, size INTEGER NOT NULL, records INTEGER NOT NULL
);
CREATE TABLE hits (path TEXT NOT NULL, trace_id TEXT NOT NULL, text TEXT NOT NULL, words INTEGER NOT NULL,
    runs INTEGER NOT NULL, place TEXT NOT NULL);
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

    @property
    def frame(self) -> tuple[str, int, int, int]:
        """(spool, offset, length, size)."""
        return self.spool, self.offset, self.length, self.size


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
        spool = self.add_spool(done.spool)
        self._db.executemany(
            "INSERT INTO inputs (path, sha256, trace_id, redactions, code, rejected, split, licence, flags,"
            " spool, offset, length, size, records, sketch, task, verified, reward)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                (
                    fact.path.removeprefix(root), fact.sha256, fact.trace_id, fact.redactions, fact.code, fact.rejected,
                    fact.split, fact.licence, fact.flags,
                    spool, fact.offset, fact.length, fact.size, fact.records, fact.sketch,
                    *_pairing(fact),
                )
                for fact in done.facts
            ),
        )  # fmt: skip

        for fact in done.facts:
            self._db.executemany(
                "INSERT INTO hits VALUES (?,?,?,?,?,?)",
                (
                    (fact.path.removeprefix(root), fact.trace_id, hit.text, hit.words, hit.runs, hit.place)
                    for hit in fact.hits
                ),
            )

    def sketches(self) -> Iterator[tuple[int, str, bytes]]:
        """Of what is kept (input, path, sketch), by trace id."""
        return iter(
            self._db.execute(
                "SELECT rowid, path, sketch FROM inputs WHERE code = '' AND sketch != x'' ORDER BY trace_id, sha256"
            )
        )

    def in_bands(self, bands: Sequence[tuple[int, bytes]]) -> list[tuple[int, str]]:
        """(input, path) of those that share one of these bands, in the order in which they came."""
        found: dict[int, str] = {}
        for band, value in bands:
            rows = self._db.execute(
                "SELECT input, path FROM bands JOIN inputs ON inputs.rowid = input WHERE band = ? AND value = ?",
                (band, value),
            )
            found.update(dict(rows))
        return sorted(found.items())

    def add_bands(self, row: int, bands: Sequence[tuple[int, bytes]]) -> None:
        self._db.executemany(
            "INSERT INTO bands VALUES (?, ?, ?)", ((band, value, row) for band, value in bands)
        )

    def hits(self) -> Iterator[dict[str, object]]:
        """What traces have of benchmarks, by path, the longest first."""
        rows = self._db.execute("SELECT * FROM hits ORDER BY path, words DESC, text, place")
        return (
            dict(zip(("path", "trace_id", "text", "words", "runs", "place"), row, strict=True))
            for row in rows
        )

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

    def kept(self, split: str) -> Iterator[Piece]:
        """What is kept of a split, by trace id: as it was recorded."""
        rows = self._db.execute(
            "SELECT inputs.rowid, spools.path, offset, length, size, records, inputs.path, trace_id FROM inputs"
            " JOIN spools ON spools.rowid = spool WHERE code = '' AND split = ? ORDER BY trace_id, sha256",
            (split,),
        )
        return (Piece(*row) for row in rows)

    def candidates(self, split: str) -> Iterator[Candidate]:
        """What pairs are made of."""
        rows = self._db.execute(
            "SELECT trace_id, task, verified, reward FROM inputs WHERE code = '' AND split = ?", (split,)
        )
        return (
            Candidate(trace_id, task, bool(verified), reward) for trace_id, task, verified, reward in rows
        )

    def add_spool(self, path: str) -> int:
        """Its number."""
        number = self._db.execute("INSERT INTO spools VALUES (?)", (path,)).lastrowid
        assert number is not None
        return number

    def pair(self, better: int, worse: int, *frame: int) -> None:
        """Two inputs, and where their records stand: spool, offset, length, size, records."""
        self._db.execute("INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?)", (better, worse, *frame))

    def paired(self, split: str) -> Iterator[Piece]:
        """The pairs of a split, by the better trace's id."""
        rows = self._db.execute(
            "SELECT better, spools.path, pairs.offset, pairs.length, pairs.size, pairs.records, inputs.path, trace_id"
            " FROM pairs JOIN inputs ON inputs.rowid = better JOIN spools ON spools.rowid = pairs.spool"
            " WHERE code = '' AND split = ? ORDER BY trace_id",
            (split,),
        )
        return (Piece(*row) for row in rows)

    def place_the_worse(self) -> None:
        """Of each pair both stand in the same shard."""
        self._db.execute(
            "UPDATE inputs SET shard = (SELECT other.shard FROM pairs JOIN inputs AS other ON other.rowid = better"
            " WHERE worse = inputs.rowid) WHERE rowid IN (SELECT worse FROM pairs)"
        )

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

    def licences(self) -> list[str]:
        """Of the sources of what is kept, each once."""
        rows = self._db.execute(
            "SELECT DISTINCT licence FROM inputs WHERE code = '' AND licence != '' ORDER BY 1"
        )
        return [licence for (licence,) in rows]

    def flags(self) -> dict[str, int]:
        """How many of the traces that are kept bear each policy flag, the most frequent first."""
        found: Counter[str] = Counter()
        for flags, count in self._db.execute(
            "SELECT flags, count(*) FROM inputs WHERE code = '' GROUP BY flags"
        ):
            found.update(dict.fromkeys(flags.split(), count))
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def counts(self) -> dict[str, int]:
        """How many inputs by what became of them: `kept`, or the code of the reason."""
        rows = self._db.execute("SELECT code, count(*) FROM inputs GROUP BY code ORDER BY code")
        return {code or "kept": count for code, count in rows}


def _pairing(fact: Fact) -> tuple[str, bool, float | None]:
    known = fact.candidate
    return ("", False, None) if known is None else (known.task, known.verified, known.reward)


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
