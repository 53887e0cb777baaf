"""Runs a batch: inputs in chunks, chunks into spools, spools into shards, and a manifest last.

What is written is a function of the traces, their verdicts and the options: the number of jobs, kills and reruns change
no byte of it. Until the manifest stands the folder `.work` keeps what was done; then it is gone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from recorder.trace.errors import UsageError
from replay.batch.chunk import Chunk, work
from replay.batch.duplicates import drop_near
from replay.batch.guards import prepared
from replay.batch.ledger import Ledger, LossCount, Outcome, Piece
from replay.batch.options import EXPORTER_VERSION, Options
from replay.batch.pairs import make_pairs
from replay.batch.pool import each
from replay.batch.shards import COMPRESSIONS, Shard, Written, portions, write_files, write_shard
from replay.dataset.card import DataFile, Dataset, card
from replay.dataset.croissant import croissant
from replay.dataset.format import Format
from replay.dataset.formats import format_of
from replay.export.losses import Loss
from replay.whole import whole

MANIFEST = "manifest.json"
INPUTS = "inputs.jsonl"
HITS = "contamination.jsonl"
WORK = ".work"
CHUNK = 100
"""Traces a task: enough that handing it out costs nothing, few enough that a kill loses little."""

Progress = Callable[[int, int], None]
"""(traces done, traces in all), while it goes on."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a dataset says of itself, written last. `inputs` is the SHA-256 of inputs.jsonl, which has a line for every
    input with its digest and where it went or why it did not; `counts` sums these up. `losses` are what the format
    could not hold, over all traces that were converted."""

    dataset: str
    format: str
    format_version: int
    exporter_version: int
    reenact: str
    options: Options
    records: dict[str, int]
    traces: dict[str, int]
    counts: dict[str, int]
    files: list[Written]
    inputs: str
    losses: list[dict[str, Any]]


class Result(NamedTuple):
    """What a batch came to. `again`: it had been done, and nothing was written."""

    manifest: Manifest
    again: bool


def run(
    paths: Sequence[Path],
    folder: Path,
    options: Options,
    jobs: int,
    progress: Progress | None = None,
    benchmarks: Sequence[Path] = (),
) -> Result:
    """Makes the dataset of these traces in `folder`, or goes on where a run before was cut short. `benchmarks` are the
    files that the options name.

    Raises UsageError where the folder holds something else, OSError where the disk takes no more.
    """
    root = _root(paths)
    _begin(folder, options)
    work_folder = folder / WORK
    form = format_of(options.format)
    losses = LossCount()
    guard = str(_guard(work_folder, benchmarks)) if benchmarks else ""
    with Ledger(work_folder / "ledger.sqlite") as ledger:
        done = 0
        chunks = (
            Chunk(
                paths=tuple(str(path) for path in part),
                options=options,
                folder=str(work_folder),
                benchmarks=guard,
            )
            for part in batched(sorted(paths), CHUNK)
        )
        for one in each(work, chunks, jobs):
            ledger.take(one, root)
            for fact in one.facts:
                losses.take(fact.losses)
            done += len(one.facts)
            if progress is not None:
                progress(done, len(paths))
        ledger.drop_the_same()
        if options.near:
            drop_near(ledger, root, options)
        files, records, traces = _written(ledger, folder, form, options, jobs, losses)
        inputs = _lines(folder, INPUTS, (_told(outcome) for outcome in ledger.outcomes()))
        if benchmarks:
            _lines(folder, HITS, ledger.hits())
        files += _told_of(
            folder,
            form,
            Dataset(
                name=f"reenact-{form.name}",
                records=records,
                traces=traces,
                files=tuple(_data_file(file) for file in files),
                licences=tuple(ledger.licences()),
                flags=ledger.flags(),
                options=_asked(options),
                losses=tuple(Loss(str(one["what"]), int(str(one["count"])), []) for one in losses.told()),
            ),
        )
        manifest = Manifest(
            dataset="reenact",
            format=options.format,
            format_version=options.format_version,
            exporter_version=EXPORTER_VERSION,
            reenact=options.reenact,
            options=options,
            records=records,
            traces=traces,
            counts=ledger.counts(),
            files=files,
            inputs=inputs,
            losses=losses.told(),
        )
    place = folder / MANIFEST
    told = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    same = place.exists() and place.read_bytes() == told
    if not same:
        _put(place, told)
    shutil.rmtree(work_folder)
    return Result(manifest, same)


def _begin(folder: Path, options: Options) -> None:
    """A folder of its own for the dataset. One that another command filled is left alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = {entry.name for entry in os.scandir(folder)}
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    key = folder / WORK / "options"
    if MANIFEST in known:
        try:
            before = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest).options.key
        except (OSError, msgspec.MsgspecError):
            before = ""
    elif key.is_file():
        before = key.read_text()
    elif known == {WORK}:  # killed before it said what was asked for
        before = options.key
    elif WORK in known:
        before = ""
    elif known:
        raise UsageError(f"{folder} is not empty, and no dataset of ours: name another folder")
    else:
        before = options.key
    if before != options.key:
        raise UsageError(
            f"{folder} holds a dataset made with other options: name another folder, or delete it"
        )
    (folder / WORK).mkdir(mode=0o700, exist_ok=True)
    _put(key, options.key.encode())


def _written(
    ledger: Ledger, folder: Path, form: Format, options: Options, jobs: int, losses: LossCount
) -> tuple[list[Written], dict[str, int], dict[str, int]]:
    files: list[Written] = []
    records: dict[str, int] = {}
    traces: dict[str, int] = {}
    for split in ledger.splits():
        pieces = ledger.kept
        if form.kind == "pairs":
            losses.take(make_pairs(ledger, split, folder / WORK / f"{split}.pairs", form))
            pieces = ledger.paired
        count = 0
        for part in portions(pieces(split), options.shard_bytes):
            count += 1
            records[split] = records.get(split, 0) + sum(piece.records for piece in part)
            traces[split] = traces.get(split, 0) + len(part) * (2 if form.kind == "pairs" else 1)
        if form.kind == "files":
            files += _own_files(ledger, folder, split)
        else:
            shards = _shards(ledger, pieces, split, folder, form, options, count)
            for made in each(write_shard, shards, min(jobs, max(1, count))):
                files.append(made.file)
                losses.take(made.losses)
    ledger.place_the_worse()
    return files, records, traces


def _shards(
    ledger: Ledger,
    pieces: Callable[[str], Iterator[Piece]],
    split: str,
    folder: Path,
    form: Format,
    options: Options,
    count: int,
) -> Iterator[Shard]:
    ending = form.suffix + COMPRESSIONS[options.compression]
    table = form.name if form.kind == "table" else ""
    for number, part in enumerate(portions(pieces(split), options.shard_bytes)):
        name = f"{split}-{number:05}-of-{count:05}{ending}"
        ledger.placed((piece.row for piece in part), name)
        frames = tuple(piece.frame for piece in part)
        yield Shard(
            folder=str(folder), name=name, compression=options.compression, frames=frames, table=table
        )


def _own_files(ledger: Ledger, folder: Path, split: str) -> list[Written]:
    written: list[Written] = []
    for piece in ledger.kept(split):
        name = f"{split}/{_name(piece)}"
        ledger.placed([piece.row], name)
        written += write_files(folder, name, piece.frame)
    return written


def _name(piece: Piece) -> str:
    """The folder of a trace's own files: what it is called, and what tells it from others that are called so."""
    stem = Path(piece.path).name.removesuffix(".reenact")
    plain = "".join(char if (char.isalnum() and char.isascii()) or char in "-_" else "-" for char in stem)
    return f"{plain[:64].strip('-') or 'trace'}-{piece.trace_id[-12:]}"


def _told_of(folder: Path, form: Format, dataset: Dataset) -> list[Written]:
    """README.md and croissant.json, which hubs read."""
    texts = {
        "README.md": card(form, dataset),
        "croissant.json": json.dumps(croissant(form, dataset), indent=2, ensure_ascii=False) + "\n",
    }
    written = []
    for name, text in texts.items():
        data = text.encode()
        _put(folder / name, data)
        written.append(Written(name=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))
    return written


def _data_file(file: Written) -> DataFile:
    split = file.name.partition("/")[0].partition("-")[0]
    return DataFile(name=file.name, split=split, sha256=file.sha256, bytes=file.bytes)


def _asked(options: Options) -> dict[str, Any]:
    """What was asked for, without what is as it is unless somebody asks."""
    usual = msgspec.to_builtins(Options(format="", format_version=0, reenact=""))
    return {name: value for name, value in msgspec.to_builtins(options).items() if value != usual[name]}


def _guard(work_folder: Path, benchmarks: Sequence[Path]) -> Path:
    place = work_folder / "benchmarks.npz"
    _put(place, prepared(benchmarks))
    return place


def _told(outcome: Outcome) -> dict[str, object]:
    return {name: value for name, value in outcome._asdict().items() if value}


def _lines(folder: Path, name: str, values: Iterable[dict[str, object]]) -> str:
    """Writes a file of JSON Lines. Gives its SHA-256."""
    told = hashlib.sha256()
    with whole(folder / name, alone=True) as file:
        for value in values:
            line = msgspec.json.encode(value) + b"\n"
            told.update(line)
            file.write(line)
    return told.hexdigest()


def _put(place: Path, data: bytes) -> None:
    with whole(place, alone=True, durable=True) as file:
        file.write(data)


def _root(paths: Iterable[Path]) -> str:
    """What all paths have before them: it is nobody's business."""
    folders = {str(path.parent) for path in paths}
    common = os.path.commonpath(folders) if folders else ""
    return common.rstrip("/") + "/"
