"""The index of a folder's traces: one row each, brought up to date by what the folder says of its files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import batched
from pathlib import Path
from typing import Self

import msgspec

from recorder.trace.events import SCHEMA_VERSION
from replay.catalog import folder as folders
from replay.catalog import store
from replay.catalog.entry import Entry, Judged, Looked, Told, Wanted
from replay.catalog.filter import Filter, among, condition, counting, part_of

_VERSION = (1 << 16) + SCHEMA_VERSION
"""Of the table, and of the traces that are understood: later ones are rejected until they are."""
KEPT_FROM = 16
"""Fewer traces are read as fast as an index of them, and their folder has no file of ours."""
_PORTION = 32
_MANY = 500
_SAVED = 10_000
"""So many more traces are never indexed without being kept."""
_TOLD, _JUDGED = Told._fields, Judged._fields
_TABLE = f"""
CREATE TABLE traces (
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, stamp TEXT NOT NULL, verdict_stamp TEXT, sha256 BLOB,
    {", ".join(_TOLD)}, {", ".join(_JUDGED)}
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_COLUMNS = ("name", "size", "stamp", "verdict_stamp", "sha256", *_TOLD, *_JUDGED)
_PUT = f"INSERT OR REPLACE INTO traces VALUES ({', '.join('?' * len(_COLUMNS))})"
_PUT_VERDICT = (
    "UPDATE traces SET size = ?, stamp = ?, verdict_stamp = ?, sha256 = ?, verdict = ?, steady = ?, key = ?"
    " WHERE name = ?"
)

Progress = Callable[[int, int], object]
"""Is told how many of how many traces were read."""


class Index:
    """A context manager. What it holds is in memory; `refresh` keeps it in the folder where that takes a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = _database(store.load(folder))
        self._db.execute(
            "PRAGMA secure_delete = ON"
        )  # what a trace said goes from the file when the trace does
        self._db.create_function("part_of", 2, part_of, deterministic=True)
        self._db.create_function("among", 2, among, deterministic=True)
        self.kept = True
        """Whether the folder has all that is known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def refresh(self, *, recursive: bool, jobs: int, progress: Progress | None = None) -> int:
        """Reads what is new or was changed, forgets what is gone. Returns how many traces were read.

        Raises OSError where the folder cannot be read. Interrupted, it keeps what it has read.
        """
        root = os.fsencode(self._folder)
        found = folders.seen(root, recursive=recursive)
        known = {
            name: (stamp, verdict, sha256)
            for name, stamp, verdict, sha256 in self._db.execute(
                "SELECT name, stamp, verdict_stamp, sha256 FROM traces"
            )
        }
        gone = [name for name in known.keys() - found.keys() if recursive or b"/" not in name]
        self._db.executemany("DELETE FROM traces WHERE name = ?", ((name,) for name in gone))
        wanted: list[Wanted] = []
        for name, seen in found.items():
            stamp, verdict, sha256 = known.get(name, ("", None, None))
            same = seen.stamp != "" and seen.stamp == stamp
            if not same or seen.verdict != verdict or seen.verdict == "":
                wanted.append(Wanted(name, root + b"/" + name, seen, not same, sha256 if same else None))
        worth = len(found) >= KEPT_FROM
        try:
            self._take(wanted, jobs if len(wanted) >= _MANY else 1, progress, worth=worth)
        finally:
            if worth and (gone or wanted):
                self._keep()
        return len(wanted)

    def entries(
        self, asked: Filter, trusted: Collection[str], *, recursive: bool, limit: int | None = None
    ) -> Iterator[Entry]:
        """The traces that are asked for, the newest first; verdicts count that one of the `trusted` keys signed."""
        where, values = condition(asked, trusted, recursive=recursive)
        counts = f"CASE WHEN {counting(trusted)} THEN verdict END"
        columns = ", ".join(("name", "size", *_TOLD, counts, "steady"))
        rows = self._db.execute(
            f"SELECT {columns} FROM traces WHERE {where} ORDER BY started_unix_ns DESC, name LIMIT ?",
            (*trusted, *values, -1 if limit is None else limit),
        )
        for name, *told, tags, flags, verdict, steady in rows:
            labels = [] if tags == "[]" else msgspec.json.decode(tags)
            found = (labels, flags.split(), verdict, bool(verdict and steady))
            yield Entry._make((os.fsdecode(name), *told, *found))

    def count(self, asked: Filter, trusted: Collection[str], *, recursive: bool) -> int:
        """How many those are."""
        where, values = condition(asked, trusted, recursive=recursive)
        (count,) = self._db.execute(f"SELECT count(*) FROM traces WHERE {where}", values).fetchone()
        return int(count)

    def _take(self, wanted: list[Wanted], jobs: int, progress: Progress | None, *, worth: bool) -> None:
        done = since = 0
        portions = [list(portion) for portion in batched(wanted, _PORTION)]
        for looked in _each(portions, jobs):
            self._put(looked)
            done += len(looked)
            since += len(looked)
            if since >= _SAVED and worth:
                since = 0
                self._keep()
            if progress:
                progress(done, len(wanted))

    def _put(self, looked: Iterable[Looked]) -> None:
        for one in looked:
            seen = (one.seen.size, one.seen.stamp, one.seen.verdict, one.sha256)
            if one.told is None:
                self._db.execute(_PUT_VERDICT, (*seen, *one.judged, one.name))
            else:
                self._db.execute(_PUT, (one.name, *seen, *one.told, *one.judged))

    def _keep(self) -> None:
        self.kept = store.keep(self._folder, self._db.serialize())


def _database(data: bytes | None) -> sqlite3.Connection:
    """What was kept, if this version made it; else an empty one."""
    if data is not None:
        db = sqlite3.connect(":memory:", isolation_level=None)
        try:
            db.deserialize(data)
            if db.execute("PRAGMA user_version").fetchone() == (_VERSION,):
                return db
        except sqlite3.DatabaseError:
            pass
        db.close()
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_TABLE)
    return db


def _each(portions: list[list[Wanted]], jobs: int) -> Iterator[list[Looked]]:
    from replay.catalog.reading import look  # loads much, and mostly nothing is new

    if jobs == 1:
        return map(look, portions)
    from replay.batch.pool import each

    return each(look, portions, jobs)
