"""What the catalog knows of a trace. Types only."""

from __future__ import annotations

from typing import NamedTuple


class Told(NamedTuple):
    """What a trace's file says; of one that is no good trace only why not (`rejected`, else empty). `tags` are the
    labels of its marks, each once, a JSON list; `flags` those policy flags that a manifest tells, a space between."""

    rejected: str
    trace_id: str = ""
    started_unix_ns: int = 0
    duration_ns: int = 0
    commands: int = 0
    pages: int = 0
    state: str = ""
    reward: float | None = None
    task: str | None = None
    annotator: str | None = None
    project: str | None = None
    licence: str | None = None
    actor: str = ""
    tags: str = "[]"
    flags: str = ""


class Judged(NamedTuple):
    """The verdict beside a trace, of exactly its file (else empty), and the key that signed it: it counts for whoever
    trusts that key."""

    verdict: str = ""
    steady: bool = False
    key: str = ""


class Seen(NamedTuple):
    """A trace's file and its verdict's as the folder has them. A stamp that is empty may not be relied on: the file was
    changed so lately that another change might not show. No verdict: None."""

    size: int
    stamp: str
    verdict: str | None


class Wanted(NamedTuple):
    """A trace to look at: `told` False where what it says is known, `sha256` of its file where that is."""

    name: bytes
    path: bytes
    seen: Seen
    told: bool
    sha256: bytes | None


class Looked(NamedTuple):
    """What came of it; `told` None where nobody asked."""

    name: bytes
    seen: Seen
    told: Told | None
    sha256: bytes | None
    judged: Judged


class Entry(NamedTuple):
    """A trace of the catalog: its path from the folder, and what `Told` has. `verdict` only where it counts."""

    name: str
    size: int
    rejected: str
    trace_id: str
    started_unix_ns: int
    duration_ns: int
    commands: int
    pages: int
    state: str
    reward: float | None
    task: str | None
    annotator: str | None
    project: str | None
    licence: str | None
    actor: str
    tags: list[str]
    flags: list[str]
    verdict: str | None
    steady: bool
