"""One request with what answered it, before it becomes events; what every format is read into. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from recorder.trace.errors import ReenactError

MOST_EXCHANGES = 100_000
MOST_MESSAGES = 100_000
"""Exchanges and WebSocket messages of one import: each may need blobs of its own, and a trace has room for so many."""
MOST_HEAD = 1 << 20
"""Bytes of a URL and headers together."""
MOST_MOMENT = 4_102_444_800 * 10**9
"""Nanoseconds since 1970 up to which a time is believed: the year 2100."""

Headers = list[tuple[bytes, bytes]]


class ImportRejected(ReenactError):
    """The file is none of its format, or beyond a limit; no trace was made."""

    exit_code = 3


@dataclass(slots=True, kw_only=True)
class Content:
    """A body as it was sent, codings kept. `data` is null where the file does not hold it; `skipped` then says why,
    and `size` is what it says of the length."""

    data: bytes | None = b""
    size: int = 0
    skipped: str | None = None
    partial: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    """A WebSocket message at `at` (ns since 1970). `data` is null where the file does not hold it."""

    at: int
    sent: bool
    text: bool
    data: bytes | None


@dataclass(slots=True, kw_only=True)
class Closing:
    sent: bool
    code: int | None
    reason: str


@dataclass(slots=True, kw_only=True)
class Answer:
    """`status` is null where none came; `error` then says why. `server` is the address that answered."""

    status: int | None
    reason: str = ""
    version: str = ""
    headers: Headers = field(default_factory=list)
    trailers: Headers = field(default_factory=list)
    content: Content = field(default_factory=Content)
    error: str | None = None
    server: str | None = None
    interim: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Exchange:
    """`start` is in ns since 1970, null where the file does not say; `first_byte` and `total` count from it.

    `connection` is any name that exchanges on one connection share; null: none is known.
    """

    start: int | None
    first_byte: int | None
    total: int
    connection: str | None
    method: str
    url: str
    version: str
    headers: Headers
    content: Content
    answer: Answer
    trailers: Headers = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    closing: Closing | None = None


@dataclass(slots=True)
class Findings:
    """What a reader tells beside the exchanges, counted by reason: what it `mended`, what it `left_out` though it was
    on the network, what it `passed_over` for it was not. `made_by` is the tool that wrote the file."""

    made_by: str = ""
    mended: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
