"""A chunk: some traces read, judged and converted by one worker into a spool, which a second run finds again.

A spool is a row of zstd frames, one for each trace that is kept; its index, written last, says where each stands and
what became of the others. Both bear a name made of all that they depend on (the traces' bytes, their verdicts, the
options): what is there under that name is right, whoever made it and whenever.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from msgspec import Struct

from recorder.trace.errors import TraceRejected
from replay import verdicts
from replay.batch.guards import Guards, Hit
from replay.batch.options import Options
from replay.batch.reading import read
from replay.batch.selection import Where, facts_of
from replay.batch.split import group_of, split_of
from replay.dataset.flags import flagged, holds_again
from replay.dataset.format import Format, Unfit
from replay.dataset.formats import format_of
from replay.dataset.pairing import Candidate, candidate
from replay.dataset.row import Row
from replay.export.losses import Loss, Losses
from replay.whole import whole

_MOST_NAMED = 5


class Fact(Struct, frozen=True, kw_only=True):
    """What became of one input. `rejected` says why it is left out; of one that is kept, `offset` and `length` say
    where its frame stands in the spool, `size` how many bytes are in it, as `records` records. `flags` are its policy
    flags in a row. `redactions`: how many values were taken out after sealing. `candidate` is what pairs are made by,
    `sketch` what near-duplicates are told by, `hits` what it has of benchmarks.
    """

    path: str
    sha256: str
    trace_id: str = ""
    redactions: int = 0
    rejected: str = ""
    code: str = ""
    split: str = ""
    licence: str = ""
    flags: str = ""
    candidate: Candidate | None = None
    offset: int = 0
    length: int = 0
    size: int = 0
    records: int = 0
    losses: tuple[Loss, ...] = ()
    sketch: bytes = b""
    hits: tuple[Hit, ...] = ()


class Chunk(Struct, frozen=True, kw_only=True):
    """Work for one worker. `benchmarks` is the file of the benchmarks' runs of words."""

    paths: tuple[str, ...]
    options: Options
    folder: str
    benchmarks: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """What came of a chunk; `again`: it had been done before."""

    spool: str
    facts: tuple[Fact, ...]
    again: bool


class _Index(Struct, frozen=True, kw_only=True):
    facts: tuple[Fact, ...]
    size: int


def work(chunk: Chunk) -> Done:
    """Does a chunk, or finds that it was done. Whatever is wrong with a trace is told of it, and stops nothing else.
    Raises OSError where the spool cannot be written."""
    hashed = [_hashed(path) for path in chunk.paths]
    name = _name(chunk.paths, hashed, chunk.options)
    folder = Path(chunk.folder)
    spool, index = folder / f"{name}.spool", folder / f"{name}.index"
    if (known := _known(spool, index)) is not None:
        facts = tuple(
            msgspec.structs.replace(fact, path=path) for fact, path in zip(known, chunk.paths, strict=True)
        )
        return Done(spool=str(spool), facts=facts, again=True)
    facts = _spooled(spool, chunk, hashed)
    with whole(index) as file:
        file.write(msgspec.json.encode(_Index(facts=facts, size=spool.stat().st_size)))
    return Done(spool=str(spool), facts=facts, again=False)


def _spooled(spool: Path, chunk: Chunk, hashed: list[tuple[str, str]]) -> tuple[Fact, ...]:
    form, where = format_of(chunk.options.format), _where(chunk.options)
    guards = Guards.of(chunk.options, chunk.benchmarks)
    packer = zstandard.ZstdCompressor(level=1, write_content_size=True)
    facts: list[Fact] = []
    with whole(spool) as file:
        for path, (sha256, fault) in zip(chunk.paths, hashed, strict=True):
            if fault:
                facts.append(Fact(path=path, sha256="", rejected=fault, code="unreadable"))
                continue
            fact, content = _converted(path, sha256, chunk.options, form, where, guards)
            if content is not None:
                frame = packer.compress(content)
                fact = msgspec.structs.replace(fact, offset=file.tell(), length=len(frame), size=len(content))
                file.write(frame)
            facts.append(fact)
    return tuple(facts)


def converted(path: str, options: Options) -> tuple[Fact, bytes | None]:
    """What becomes of one trace, and its records where it is kept, without a spool."""
    sha256, fault = _hashed(path)
    if fault:
        return Fact(path=path, sha256="", rejected=fault, code="unreadable"), None
    guards = Guards.of(options, "")
    return _converted(path, sha256, options, format_of(options.format), _where(options), guards)


def _where(options: Options) -> Where | None:
    return Where(options.where) if options.where else None


def _converted(
    path: str, sha256: str, options: Options, form: Format, where: Where | None, guards: Guards
) -> tuple[Fact, bytes | None]:
    """What becomes of a trace, and its records where it is kept."""

    def out(code: str, why: str, **known: Any) -> tuple[Fact, None]:
        return Fact(path=path, sha256=sha256, rejected=why, code=code, **known), None

    try:
        found = read(Path(path), sha256, options.trusted, options.longest)
    except TraceRejected as error:
        return out("rejected", str(error))
    except OSError as error:
        return out("unreadable", error.strerror or str(error))
    row = found.row
    redacted = (flag.count for flag in row.policy_flags if flag.flag == "redacted-after-sealing")
    known: dict[str, Any] = {"trace_id": row.trace_id, "redactions": sum(redacted)}
    verification = row.evaluation.verification
    if options.verified and (verification is None or not holds_again(verification)):
        if verification is None:
            return out("unverified", found.unverified, **known)
        return out("unverified", f"{verification.verdict} in its replay", **known)
    if where is not None and not where.holds(facts_of(row)):
        return out("where", "--where does not hold", **known)
    if options.secrets and found.leaks:
        told = "; ".join(dict.fromkeys(f"{leak.rule} in {leak.place}" for leak in found.leaks[:_MOST_NAMED]))
        return out("secret", f"{len(found.leaks)} that look like secrets: {told}", **known)
    if hits := guards.hits(row):
        worst = max(hits, key=lambda hit: hit.words)
        what = f"{worst.words} words of {worst.text} in {worst.place}"
        more = f", and {len(hits) - 1} more" if len(hits) > 1 else ""
        return out("contaminated", what + more, hits=hits, **known)
    losses = Losses()
    try:
        content, records = _encoded(form, row, losses)
    except Unfit as error:
        return out("unfit", str(error), **known)
    own = candidate(row)
    fact = Fact(
        path=path,
        sha256=sha256,
        split=split_of(group_of(row), options.shares, options.seed),
        licence=row.provenance.source_licence or "",
        flags=" ".join(sorted(flagged(row.policy_flags))),
        candidate=own,
        records=records,
        sketch=guards.sketch(row),
        losses=(*found.losses, *losses.told()),
        **known,
    )
    return fact, content


def _encoded(form: Format, row: Row, losses: Losses) -> tuple[bytes, int]:
    """A row's records as they are spooled: lines, or the files as MessagePack. Pairs and tables are made of many rows,
    so the row itself waits for the others."""
    if form.kind in ("pairs", "table"):
        return msgspec.json.encode(row) + b"\n", 1
    made = list(form.convert(row, losses))
    if form.kind == "lines":
        return b"".join(msgspec.json.encode(record) + b"\n" for record in made), len(made)
    return msgspec.msgpack.encode(made), 1


def _hashed(path: str) -> tuple[str, str]:
    """(SHA-256, "") of a file, or ("", why it cannot be read)."""
    try:
        return verdicts.sha256_of(Path(path)), ""
    except OSError as error:
        return "", error.strerror or str(error)


def _name(paths: tuple[str, ...], hashed: list[tuple[str, str]], options: Options) -> str:
    told = hashlib.sha256(options.key.encode())
    for path, (sha256, fault) in zip(paths, hashed, strict=True):
        told.update(f"{sha256 or fault}\n{_hashed(str(verdicts.place_of(Path(path))))[0]}\n".encode())
    return told.hexdigest()[:32]


def _known(spool: Path, index: Path) -> tuple[Fact, ...] | None:
    try:
        said = msgspec.json.decode(index.read_bytes(), type=_Index)
        return said.facts if spool.stat().st_size == said.size else None
    except (OSError, msgspec.MsgspecError):
        return None
