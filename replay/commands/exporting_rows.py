"""`export`: traces as rows that training stacks load, one to standard output or many as a dataset."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from recorder.trace.errors import TraceRejected, UsageError
from recorder.trace.printable import printable
from replay.batch.batch import Manifest, Progress, Result, run
from replay.batch.chunk import Fact, converted
from replay.batch.guards import benchmark_files, digests, require
from replay.batch.options import Options
from replay.batch.selection import FIELDS, Where
from replay.batch.shards import COMPRESSIONS
from replay.commands.opening import JSON, as_json, inputs
from replay.commands.trusting import TRUST, trusted
from replay.commands.writing import told_losses
from replay.dataset.formats import format_of, names
from replay.dataset.observation import LONGEST

_MOST_TOLD = 20
_SHARD = {"lines": "256M", "files": "256M", "pairs": "256M", "table": "32M"}
"""By kind of format the bytes of a shard; a table is made in memory."""
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def _size(context: click.Context, option: click.Parameter, value: str) -> int:
    """Bytes, as 500k, 256M or 2G."""
    text = value.lower().removesuffix("b").removesuffix("i")
    unit = _UNITS.get(text[-1:], 1)
    try:
        return max(1, int(float(text[:-1] if unit > 1 else text) * unit))
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no size; one is 256M", context, option) from None


def _shares(context: click.Context, option: click.Parameter, value: str) -> tuple[float, float, float]:
    """Shares of train, validation and test, as 90/5/5; two are train and test, one is train."""
    try:
        parts = [float(part) for part in value.split("/")]
    except ValueError:
        parts = []
    train, validation, test = {1: (1, 0, 0), 2: (*parts[:1], 0, *parts[1:]), 3: tuple(parts)}.get(
        len(parts), (-1, 0, 0)
    )
    whole = train + validation + test
    if min(train, validation, test) < 0 or not 0 < whole < float("inf"):
        raise click.BadParameter(
            f"{value!r} are no shares; 90/5/5 are train, validation and test", context, option
        )
    return train / whole, validation / whole, test / whole


def rows_command(name: str) -> click.Command:
    """`reenact export NAME`."""
    form = format_of(name)

    @click.command(
        name,
        help=f"Export traces as {form.title}.\n\nLoaded by {form.loader}. TRACES are files, or folders of them. With --out"
        " a folder is made that holds shards, inputs.jsonl (what became of every trace) and manifest.json; the same"
        " command goes on where it was cut short. Without it the rows go to standard output.",
        short_help=form.title,
        epilog=f"Examples:\n\n\b\n  reenact export {name} fix.reenact\n  reenact export {name} traces/ -o dataset --verified"
        f" --split 90/5/5 --jobs 2\n  reenact export {name} traces/ -o dataset --where 'reward == 1 and seconds < 600'\n\n"
        f"--where knows {', '.join(FIELDS)}.\n\n"
        "Exit codes: 0 every trace was exported, 1 some were left out, 2 usage, 130 interrupted.",
    )
    @click.argument("traces", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TRACES...")
    @click.option(
        "--out",
        "-o",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="The dataset's folder. [default: rows on standard output]",
    )
    @click.option("--verified", is_flag=True, help="Only traces that a replay of yours found to hold.")
    @TRUST
    @click.option("--where", default="", metavar="CONDITION", help="Only traces of which this holds.")
    @click.option(
        "--split",
        callback=_shares,
        default="1",
        metavar="A/B/C",
        help="Shares of train, validation and test, by a hash of the task: 90/5/5. [default: all in train]",
    )
    @click.option("--seed", type=int, default=0, show_default=True, help="Of the split.")
    @click.option(
        "--shard-size",
        callback=_size,
        default=_SHARD[form.kind],
        show_default=True,
        metavar="BYTES",
        help="Before compression.",
    )
    @click.option(
        "--compress",
        type=click.Choice([one for one in COMPRESSIONS if one]),
        help="Compress the shards.",
    )
    @click.option(
        "--longest",
        type=click.IntRange(100),
        default=LONGEST,
        show_default=True,
        metavar="CHARACTERS",
        help="Of a longer observation the middle is left out.",
    )
    @click.option(
        "--near-duplicates",
        type=click.FloatRange(0.1, 1.0),
        metavar="SHARE",
        help="Of traces that are so much alike (0.8) keep the first.",
    )
    @click.option(
        "--benchmarks",
        multiple=True,
        type=click.Path(path_type=Path, exists=True),
        metavar="TEXTS",
        help="Leave out traces that hold thirteen words in a row of these files (.txt, .md, .json, .jsonl; folders of them).",
    )
    @click.option("--allow-secrets", is_flag=True, help="Keep traces in which something looks like a secret.")
    @click.option(
        "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="So many workers at once."
    )
    @JSON
    @click.pass_context
    def command(
        context: click.Context,
        traces: tuple[Path, ...],
        out: Path | None,
        verified: bool,
        trust: tuple[str, ...],
        where: str,
        split: tuple[float, float, float],
        seed: int,
        shard_size: int,
        compress: str | None,
        longest: int,
        near_duplicates: float | None,
        benchmarks: tuple[Path, ...],
        allow_secrets: bool,
        jobs: int,
        json_wanted: bool,
    ) -> None:
        Where(where or "True")
        if compress and form.kind not in ("lines", "pairs"):
            raise UsageError(f"--compress is for lines; {name} makes files of its own")
        texts = benchmark_files(benchmarks)
        if texts or near_duplicates:
            require()
        options = Options(
            format=name,
            format_version=form.version,
            reenact=version("reenact"),
            verified=verified,
            trusted=trusted(trust),
            where=where,
            shares=split,
            seed=seed,
            shard_bytes=shard_size,
            compression=compress or "",
            longest=longest,
            secrets=not allow_secrets,
            near=near_duplicates or 0.0,
            benchmarks=digests(texts),
        )
        paths = inputs(traces)
        if out is None:
            if texts or near_duplicates:
                raise UsageError("--benchmarks and --near-duplicates are for a dataset: give --out FOLDER")
            context.exit(_to_output(paths, options, json_wanted))
        try:
            result = run(paths, out, options, jobs, _progress(), texts)
        except KeyboardInterrupt:
            click.echo("what is done is kept: the same command goes on from there", err=True)
            raise
        except OSError as error:
            again = "run the same command again when there is room: what is done is kept"
            raise UsageError(f"{out} cannot be written: {error.strerror or error}; {again}") from error
        _told(result, out, json_wanted)
        context.exit(0 if set(result.manifest.counts) <= {"kept", "same", "near", "where"} else 1)

    return command


def _to_output(paths: Sequence[Path], options: Options, json_wanted: bool) -> int:
    form = format_of(options.format)
    if form.kind != "lines":
        raise UsageError(f"{options.format} makes files: give --out FOLDER")
    if json_wanted:
        raise UsageError("--json tells of a dataset: give --out FOLDER")
    code = 0
    for path in paths:
        fact, content = converted(str(path), options)
        if content is not None:
            sys.stdout.buffer.write(content)
            told_losses(f"{printable(path.name)}: {form.title}", fact.losses)
        else:
            code = _left_out(fact, alone=len(paths) == 1)
    sys.stdout.buffer.flush()
    return code


def _left_out(fact: Fact, *, alone: bool) -> int:
    if alone and fact.code == "rejected":
        click.echo(f"reenact: {printable(fact.path)}: {printable(fact.rejected)}", err=True)
        return TraceRejected.exit_code
    click.echo(f"reenact: {printable(fact.path)} is left out: {printable(fact.rejected)}", err=True)
    return UsageError.exit_code if fact.code == "unreadable" else 1


def _progress() -> Progress | None:
    """A line with the rate and the time that is left, on a terminal only."""
    if not sys.stderr.isatty():
        return None
    began = time.monotonic()

    def progress(done: int, total: int) -> None:
        seconds = max(1e-6, time.monotonic() - began)
        rate = done / seconds
        left = (total - done) / rate if rate else 0.0
        end = "\n" if done == total else ""
        click.echo(
            f"\r\x1b[K{done} of {total} traces, {rate:.0f} a second, {_clock(left)} left{end}",
            nl=False,
            err=True,
        )

    return progress


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _told(result: Result, out: Path, json_wanted: bool) -> None:
    manifest = result.manifest
    if json_wanted:
        as_json({"folder": str(out), "again": result.again, "manifest": manifest})
        return
    for split, records in manifest.records.items():
        click.echo(f"{split}: {records} records of {manifest.traces[split]} traces")
    click.echo(
        f"in {printable(str(out))}, {sum(file.bytes for file in manifest.files)} bytes in {len(manifest.files)} files"
    )
    if result.again:
        click.echo("the same was there already: nothing was changed")
    _told_rejects(manifest, out)
    if manifest.losses:
        click.echo(f"what {printable(manifest.format)} has no words for:", err=True)
        for loss in manifest.losses[:_MOST_TOLD]:
            click.echo(
                f"  {loss['count']:7} × {printable(str(loss['what']))}, in {loss['traces']} traces", err=True
            )


def _told_rejects(manifest: Manifest, out: Path) -> None:
    left = {code: count for code, count in manifest.counts.items() if code != "kept"}
    if left:
        what = ", ".join(f"{count} {_CODES.get(code, code)}" for code, count in left.items())
        click.echo(f"left out: {what}; {printable(str(out / 'inputs.jsonl'))} says which and why", err=True)
    if "unverified" in left:
        click.echo("`reenact replay` keeps a verdict beside each trace that it does again", err=True)
    if "kept" not in manifest.counts:
        click.echo("no trace is left: the dataset is empty", err=True)


_CODES = {
    "same": "the same as others",
    "alone": "in no pair",
    "near": "nearly the same as others",
    "contaminated": "with words of benchmarks",
    "where": "by --where",
    "unverified": "not verified",
    "secret": "with what looks like a secret",
    "unfit": "that the format cannot tell",
    "rejected": "that are no whole traces",
    "unreadable": "that could not be read",
}

COMMANDS = names()
