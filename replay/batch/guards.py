"""What a batch is asked to look for in rows besides secrets: benchmark texts, and near-duplicates.

Both take numpy (extra `reenact[dataset]`), which is imported only where they are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from recorder.trace.errors import Unsupported, UsageError
from replay.batch.options import Options
from replay.dataset.row import Row
from replay.dataset.texts import row_texts, strings

if TYPE_CHECKING:
    from replay.batch.contamination import Benchmarks
    from replay.batch.words import Words

_MOST_TEXT = 1 << 30
_TEXTS = (".txt", ".md", ".json", ".jsonl")


class Hit(Struct, frozen=True):
    """Where a trace has what a benchmark has: the text's name, how many words in a row at most, how many runs of
    thirteen words, and the place in the row."""

    text: str
    words: int
    runs: int
    place: str


class Guards:
    """What to look for, made ready once for many rows."""

    def __init__(self, words: Words | None, benchmarks: Benchmarks | None, *, near: bool) -> None:
        self._words = words
        self._benchmarks = benchmarks
        self._near = near

    @classmethod
    def of(cls, options: Options, benchmarks: str) -> Guards:
        """For these options; `benchmarks` is the file of `prepared` bytes. Raises Unsupported without numpy."""
        if not options.near and not benchmarks:
            return cls(None, None, near=False)
        require()
        from replay.batch.contamination import Benchmarks
        from replay.batch.words import Words

        known = Benchmarks.load(Path(benchmarks).read_bytes()) if benchmarks else None
        return cls(Words(), known, near=bool(options.near))

    def hits(self, row: Row) -> tuple[Hit, ...]:
        """What a row has of benchmarks."""
        if self._benchmarks is None or self._words is None:
            return ()
        return tuple(self._benchmarks.hits(self._words, row_texts(row)))

    def sketch(self, row: Row) -> bytes:
        """What near-duplicates of a row are told by; nothing where nobody asks."""
        if not self._near or self._words is None:
            return b""
        from replay.batch.similarity import shingles, sketch

        return sketch(shingles(self._words, row))


def require() -> None:
    """Raises Unsupported where numpy is missing."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        raise Unsupported(
            "near-duplicates and benchmark texts are looked for with numpy: pip install 'reenact[dataset]'"
        ) from None


def benchmark_files(given: Sequence[Path]) -> list[Path]:
    """The texts that are meant: files, and what folders hold of .txt, .md, .json and .jsonl. Raises UsageError where
    there are none."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.suffix in _TEXTS and one.is_file())
        else:
            found.append(path)
    if given and not found:
        raise UsageError(f"{given[0]} holds no texts: {', '.join(_TEXTS)} are read")
    return found


def digests(files: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    """(name, SHA-256) of each. Raises UsageError where one cannot be read."""
    told = []
    for path in files:
        try:
            with path.open("rb") as file:
                told.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
    return tuple(told)


def prepared(files: Sequence[Path]) -> bytes:
    """The runs of words of all texts, as `Guards.of` reads them. Of .jsonl each line is a text of its own. Raises
    UsageError where a file cannot be read or holds no run of thirteen words."""
    require()
    from replay.batch.contamination import RUN, Benchmarks

    made = Benchmarks.of(text for path in files for text in _texts(path))
    if not len(made):
        raise UsageError(f"no benchmark text has {RUN} words: nothing can be looked for")
    return made.dump()


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    try:
        if path.stat().st_size > _MOST_TEXT:
            raise UsageError(f"{path} has more than {_MOST_TEXT} bytes: split it")
        data = path.read_text("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if path.suffix not in (".json", ".jsonl"):
        yield path.name, data
        return
    texts = data.splitlines() if path.suffix == ".jsonl" else [data]
    for number, text in enumerate(texts, 1):
        name = f"{path.name} line {number}" if path.suffix == ".jsonl" else path.name
        try:
            value = json.loads(text) if text.strip() else None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}: no JSON: {error}") from error
        yield from ((name, one) for one in strings(value))
