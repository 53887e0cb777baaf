"""What was read becomes events and blobs, redacted as a recording of our own is, and these one sealed trace."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

from msgspec import Struct

from recorder import vaults
from recorder.imports.exchange import (
    MOST_EXCHANGES,
    Content,
    Exchange,
    Findings,
    Headers,
    ImportRejected,
)
from recorder.network.bodies import BodySink
from recorder.network.redactor import Redactor, Untouched
from recorder.trace import folders
from recorder.trace.blobs import BlobStore
from recorder.trace.container import TraceWriter
from recorder.trace.errors import RecordingFailed, UsageError
from recorder.trace.event import Event
from recorder.trace.events import (
    AnyEvent,
    Body,
    Cause,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    Gap,
    escape_path,
)
from recorder.trace.keys import create_key, load_key
from recorder.trace.manifest import (
    Actor,
    Draft,
    Environment,
    Provenance,
    Recorder,
    Task,
    new_draft,
    new_trace_id,
)
from recorder.trace.steps import steps

SOURCE = "import"
_UNKNOWN = Cause(command=None, how="unknown", process="")
_PORTION = 1 << 18
Progress = Callable[[int], object]
"""Called with the number of exchanges so far."""


class Imported(Struct, frozen=True, kw_only=True):
    """What became of an import. The counts are by reason, see `exchange.Findings`."""

    trace: str
    format: str
    made_by: str
    requests: int = 0
    bodies_not_kept: int = 0
    steps: int = 0
    mended: dict[str, int]
    left_out: dict[str, int]
    passed_over: dict[str, int]


@dataclass(frozen=True, slots=True)
class Request:
    """`sha256` is of the file that is imported. Without `redact` everything is kept as it is; `secrets` are values that
    are known to be some."""

    file: Path
    sha256: str
    format: str
    out: Path
    overwrite: bool
    redact: bool
    secrets: tuple[bytes, ...]


def seal(request: Request, exchanges: Iterable[Exchange], findings: Findings, progress: Progress) -> Imported:
    """Takes all `exchanges` and puts the trace in its place, signed with the recording user's key.

    Raises what `exchanges` raises, ImportRejected where they are too many, RecordingFailed where it can't be written.
    """
    trace_id = new_trace_id(time.time_ns(), os.urandom(10))
    with _vault(trace_id, request) as vault, _store(request.out.parent) as store:
        tape = _Tape(store, _redactor(vault))
        for count, exchange in enumerate(exchanges, 1):
            if count > MOST_EXCHANGES:
                raise ImportRejected(f"{request.file}: more than {MOST_EXCHANGES} requests; split it")
            tape.add(exchange)
            progress(count)
        if not tape.requests:
            raise ImportRejected(f"{request.file}: no request in it can be kept ({_why(findings)})")
        events, start = tape.finish(findings)
        draft = _draft(trace_id, start, request, findings)
        _write(request, draft, events, store, vault)
    return _imported(request, findings, requests=tape.requests, bodies_not_kept=tape.missing)


def _why(findings: Findings) -> str:
    found = (findings.left_out + findings.passed_over).items()
    return ", ".join(f"{n} × {what}" for what, n in found) or "it is empty"


def _imported(request: Request, findings: Findings, **counts: int) -> Imported:
    return Imported(
        trace=str(request.out),
        format=request.format,
        made_by=findings.made_by,
        mended=dict(findings.mended),
        left_out=dict(findings.left_out),
        passed_over=dict(findings.passed_over),
        **counts,
    )


def seal_steps(request: Request, events: Iterable[Event], findings: Findings, title: str) -> Imported:
    """As `seal`, of a browser's events in their order, from a file without times: its session begins now. The steps are
    counted in the result as `recorder.trace.steps` counts them."""
    from recorder.sources.browser import redaction  # here: its rules take a while to load

    started = time.time_ns()
    trace_id = new_trace_id(started, os.urandom(10))
    with _vault(trace_id, request) as vault, _store(request.out.parent) as store:
        texts = redaction.RedactedPages(vault) if vault is not None else redaction.Untouched()
        kept = cast(list[AnyEvent], [texts.event(event) for event in events])
        count = len(steps(kept))
        if not count:
            raise ImportRejected(f"{request.file}: no step in it can be kept ({_why(findings)})")
        draft = _draft(trace_id, started, request, findings, title)
        _write(request, draft, kept, store, vault)
    return _imported(request, findings, steps=count)


def _write(
    request: Request, draft: Draft, events: list[AnyEvent], store: BlobStore, vault: Path | None
) -> None:
    if vault is not None:
        events, draft = _looked_over(vault, store, events, draft)
    key_path = folders.signing_key_path()
    key = load_key(key_path) if key_path.exists() else create_key(key_path)
    try:
        with TraceWriter(request.out, draft, replace=request.overwrite) as writer:
            writer.blobs(store)
            with writer.events() as add:
                for event in events:
                    add(event)
            writer.finish(events[-1].t, key)
    except ValueError as error:
        raise RecordingFailed(f"{request.out}: {error}") from error


class _Tape:
    """Times are ns since 1970 until `finish`, which knows the earliest."""

    def __init__(self, store: BlobStore, redactor: Redactor) -> None:
        self._store = store
        self._redactor = redactor
        self._events: list[tuple[int, AnyEvent]] = []
        self._connections: dict[str, int] = {}
        self._count = 0
        self._last = 0
        self.requests = self.missing = 0

    def add(self, exchange: Exchange) -> None:
        self.requests += 1
        flow, answer = self.requests, exchange.answer
        start = self._last = exchange.start if exchange.start is not None else self._last
        first = exchange.first_byte
        upgraded = bool(exchange.messages) or exchange.closing is not None
        # The answer to an upgrade is its head; the messages follow.
        end = start + (first if upgraded and first is not None else exchange.total)
        last = max([end, *(message.at for message in exchange.messages)])
        self._put(
            start,
            FlowRequested(
                t=0, source=SOURCE, flow=flow, connection=self._connection(exchange.connection),
                method=exchange.method, url=self._redactor.url(exchange.url), version=exchange.version or "1.1",
                headers=self._headers(exchange.headers), cause=_UNKNOWN,
            ),
        )  # fmt: skip
        self._put(
            end,
            FlowAnswered(
                t=0, source=SOURCE, flow=flow, status=answer.status, reason=self._redactor.text(answer.reason),
                version=answer.version or ("" if answer.status is None else exchange.version or "1.1"),
                headers=self._headers(answer.headers), trailers=self._headers(answer.trailers),
                request=self._body(exchange.content, exchange.headers),
                response=self._body(answer.content, answer.headers),
                first_byte=first if answer.status is not None else None, pace=[],
                error=None if answer.error is None else self._redactor.text(answer.error), server=answer.server,
                request_trailers=self._headers(exchange.trailers), interim=answer.interim,
            ),
        )  # fmt: skip
        for message in exchange.messages:
            kind = b"text/plain" if message.text else b"application/octet-stream"
            content = Content(
                data=message.data, skipped=None if message.data is not None else "not in the file"
            )
            body = self._body(content, [(b"content-type", kind)])
            at = max(end, message.at)
            self._put(
                at,
                FlowMessage(t=0, source=SOURCE, flow=flow, sent=message.sent, text=message.text, body=body),
            )
        if exchange.closing is not None:
            closing = exchange.closing
            reason = self._redactor.text(closing.reason)
            closed = FlowClosed(
                t=0, source=SOURCE, flow=flow, sent=closing.sent, code=closing.code, reason=reason
            )
            self._put(max(last, start + exchange.total), closed)

    def finish(self, findings: Findings) -> tuple[list[AnyEvent], int]:
        """The events in order of time, counted from the earliest, and when that was."""
        from msgspec.structs import replace

        self._events.sort(key=lambda item: item[0])
        start, last = self._events[0][0], self._events[-1][0]
        events: list[AnyEvent] = [replace(event, t=at - start) for at, event in self._events]
        for what, count in findings.left_out.items():
            t = last - start
            events.append(Gap(t=t, source=SOURCE, until=t, bytes=None, reason=f"left out: {count} × {what}"))
        return events, start

    def _put(self, at: int, event: AnyEvent) -> None:
        self._events.append((at, event))

    def _connection(self, name: str | None) -> int:
        if name is not None and name in self._connections:
            return self._connections[name]
        self._count += 1
        if name is not None:
            self._connections[name] = self._count
        return self._count

    def _headers(self, headers: Headers) -> list[tuple[str, str]]:
        return self._redactor.headers([(escape_path(name), escape_path(value)) for name, value in headers])

    def _body(self, content: Content, headers: Headers) -> Body:
        if content.data is None:
            self.missing += 1
            return Body(size=content.size, skipped=content.skipped, partial=content.partial)
        sink = BodySink(self._store, self._redactor.body_filter(*(_first(headers, n) for n in _TYPES)))
        for at in range(0, len(content.data), _PORTION):
            sink.write(content.data[at : at + _PORTION])
        if not content.partial:
            sink.end()
        body = sink.seal()()
        self.missing += body.skipped is not None
        return body


_TYPES = (b"content-type", b"content-encoding")


def _first(headers: Headers, name: bytes) -> str:
    return next((value for key, value in headers if key.lower() == name), b"").decode("latin-1")


@contextmanager
def _vault(trace_id: str, request: Request) -> Iterator[Path | None]:
    """Where what is found to be a secret is written; none where all is kept as it is."""
    if not request.redact:
        yield None
        return
    vault = vaults.new_vault(trace_id, list(request.secrets))
    try:
        yield vault
    except BaseException:
        vault.unlink(missing_ok=True)
        raise
    vaults.drop_empty(vault)


def _redactor(vault: Path | None) -> Redactor:
    """What everything of a network goes through."""
    if vault is None:
        return Untouched()
    from recorder.network.redaction import NetworkRedactor  # here: its rules take a while to load

    return NetworkRedactor(vault)


def _looked_over(
    vault: Path, store: BlobStore, events: list[AnyEvent], draft: Draft
) -> tuple[list[AnyEvent], Draft]:
    """What was found late is replaced where it came earlier; then which placeholders there are."""
    from recorder.lastlook import LastLook

    look = LastLook(vault)
    if not look.needed:
        return events, draft
    events = look.events(events, look.blobs(store, events))
    return [*events, *look.placeholders(events[-1].t)], look.draft(draft)


@contextmanager
def _store(beside: Path) -> Iterator[BlobStore]:
    """Blobs on their way, in a private folder beside the trace: it is surely large enough for them."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=".reenact-import-", dir=beside)
    except OSError as error:
        raise UsageError(f"{beside}: {error.strerror}; give a folder that can be written to") from error
    with folder as path:
        yield BlobStore(Path(path) / "blobs")


def _draft(trace_id: str, start: int, request: Request, findings: Findings, task: str | None = None) -> Draft:
    """Of the machine that it was recorded on nothing is known, and so nothing is said."""
    settings = {
        "import": request.format,
        "file": request.file.name[:255],
        "sha256": request.sha256,
        "made_by": findings.made_by,
        "redact": str(request.redact).lower(),
    }
    for label, counts in (("mended", findings.mended), ("passed_over", findings.passed_over)):
        settings[label] = "; ".join(f"{n} × {what}" for what, n in counts.items())[:4000]
    return new_draft(
        trace_id=trace_id,
        started_unix_ns=start,
        isolated=False,
        task=Task(instruction=task, url=None, repo=None, commit=None),
        actor=Actor(kind="human", model=None, model_version=None),
        provenance=Provenance(
            annotator=None, project=None, consent=None, source_licence=None,
            recorder=Recorder(version=version("reenact"), settings=settings),
            rubric_version=None, assistant_model=None, parent=None,
        ),
        environment=Environment(
            os="unknown", kernel="unknown", shell=None, terminal=None, locale=None, timezone=None,
            hostname="unknown", uid=0, gid=0, user="unknown", umask=0o022, tools={},
        ),
    )  # fmt: skip
