"""`ls` and `stats`: the traces of a folder, found and counted by what they say of themselves."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import click

from recorder.trace.errors import UsageError
from recorder.trace.folders import trace_folder
from recorder.trace.printable import printable
from replay.catalog.entry import Entry
from replay.catalog.filter import Filter
from replay.catalog.index import Index, Progress
from replay.catalog.summary import Summary, summary
from replay.commands.opening import JSON, as_json
from replay.commands.trusting import TRUST, trusted

_ON_A_TERMINAL = 200
_MOST_COUNTED = 10
_SLOW = 500
"""So many traces are read long enough for a person to wonder."""
_VERDICTS = ("exact", "equivalent", "diverged", "unsupported", "not reached", "verified", "none")
_STATES = ("complete", "recovered", "incomplete", "rejected")


def _day(context: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    """A day, or a moment of one, in this machine's time; of `--until` the end of the day."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if option.name == "until" and len(value) == len("2026-01-31"):
            moment += timedelta(days=1)
        moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{value!r} is no date; one is 2026-01-31, or 2026-01-31T18:00", context, option
        ) from None
    return moment


_OPTIONS = (
    click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False),
    click.option("--task", metavar="TEXT", help="Those whose task has this text in it."),
    click.option("--annotator", metavar="NAME", help="Those that NAME recorded."),
    click.option("--verdict", type=click.Choice(_VERDICTS), help="Those that a replay found so. `verified`: exact or equivalent each time; `none`: not replayed."),
    click.option("--tag", metavar="LABEL", help="Those with such a mark (`reenact mark LABEL`)."),
    click.option("--state", type=click.Choice(_STATES), help="Those that are so complete."),
    click.option("--since", callback=_day, metavar="DATE", help="Those that began on DATE or later."),
    click.option("--until", callback=_day, metavar="DATE", help="Those that began on DATE or before."),
    TRUST,
    click.option("--recursive", "-r", is_flag=True, help="Folders in FOLDER, too, but hidden ones."),
)  # fmt: skip


def _choosing[F: Callable[..., object]](command: F) -> F:
    """Adds what `ls` and `stats` share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(
    epilog="Examples:\n\n\b\n  reenact ls\n  reenact ls ~/traces --json\n  reenact ls ~/traces --verdict diverged --since 2026-01-31\n"
    "  reenact ls ~/traces -r --task invoice --tag 'cause found' --limit 20"
)
@_choosing
@click.option(
    "--limit", type=click.IntRange(0), metavar="N",
    help=f"The newest N; 0: all. [default: all; {_ON_A_TERMINAL} on a terminal]",
)  # fmt: skip
@JSON
def ls(
    folder: Path | None,
    limit: int | None,
    json_wanted: bool,
    recursive: bool,
    trust: tuple[str, ...],
    **chosen: object,
) -> None:
    """List the traces of FOLDER (default: the trace folder), newest first.

    What they say of themselves is kept in an index in FOLDER (.catalog.sqlite, made again when it is missing): only new
    and changed ones are opened. Verdicts are those of `reenact replay`, of exactly these files, signed by you or
    a key that --trust names.

    Sessions that were not sealed are listed too: seal them with `reenact recover`.
    """
    place = folder or trace_folder()
    asked, keys = Filter(**chosen), trusted(trust)  # type: ignore[arg-type]
    if limit is None and not json_wanted and sys.stdout.isatty():
        limit = _ON_A_TERMINAL
    with _refreshed(place, recursive=recursive) as index:
        rows = list(index.entries(asked, keys, recursive=recursive, limit=limit or None))
        more = index.count(asked, keys, recursive=recursive) - len(rows)
    left = sorted(str(path.parent) for path in place.glob(".sessions/*/session.json"))
    if json_wanted:
        as_json({"folder": str(place), "traces": [_told(place, row) for row in rows], "unsealed": left})
        return
    lines = [_line(row) for row in rows]
    if asked.everything:
        lines += [
            f"{session}: not sealed (running, or its recorder died: reenact recover {session})"
            for session in map(printable, left)
        ]
    if lines:
        click.echo("\n".join(lines))
    else:
        such = "no traces" if asked.everything else "no such traces"
        click.echo(f"{such} in {printable(str(place))}", err=True)
    if more:
        click.echo(f"and {more} more; --limit 0 lists all", err=True)


@click.command(
    epilog="Examples:\n\n\b\n  reenact stats\n  reenact stats ~/traces --recursive --json\n  reenact stats ~/traces --annotator expert-7 --since 2026-01-01"
)
@_choosing
@JSON
def stats(
    folder: Path | None, json_wanted: bool, recursive: bool, trust: tuple[str, ...], **chosen: object
) -> None:
    """Count the traces of FOLDER (default: the trace folder) by verdict, state, task, annotator, tag and policy flag.

    Chosen and indexed as in `reenact ls`. Of the policy flags only those are told that stand in a trace's manifest.
    """
    place = folder or trace_folder()
    with _refreshed(place, recursive=recursive) as index:
        asked = Filter(**chosen)  # type: ignore[arg-type]
        found = summary(index.entries(asked, trusted(trust), recursive=recursive))
    if json_wanted:
        as_json({"folder": str(place), **{name: getattr(found, name) for name in found.__struct_fields__}})
        return
    click.echo("\n".join(_counted(found)))


def length(seconds: float) -> str:
    """As 4:05 or 1:04:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _refreshed(place: Path, *, recursive: bool) -> Index:
    """Of a folder that is not there yet (the trace folder before the first recording) it is empty."""
    index = Index(place)
    if place.is_dir():
        try:
            read = index.refresh(recursive=recursive, jobs=min(8, os.cpu_count() or 1), progress=_progress())
        except OSError as error:
            raise UsageError(f"{place}: {error.strerror or error}") from error
        if not index.kept and read >= _SLOW:
            click.echo(
                f"reenact: {printable(str(place))} takes no index: its {read} traces are opened each time",
                err=True,
            )
    return index


def _told(place: Path, row: Entry) -> dict[str, object]:
    told: dict[str, object] = {"path": str(place / row.name), "bytes": row.size}
    if row.rejected:
        return told | {"rejected": row.rejected, "started_unix_ns": 0}
    return told | {
        "trace_id": row.trace_id,
        "started_unix_ns": row.started_unix_ns,
        "duration_ns": row.duration_ns,
        "commands": row.commands,
        "pages": row.pages,
        "state": row.state,
        "reward": row.reward,
        "task": row.task,
        "annotator": row.annotator,
        "project": row.project,
        "licence": row.licence,
        "actor": row.actor,
        "tags": row.tags,
        "flags": row.flags,
        "verdict": row.verdict,
        "steady": row.steady if row.verdict else None,
    }


def _line(row: Entry) -> str:
    name = printable(row.name.removesuffix(".reenact"))
    if row.rejected:
        return f"{name:32}  rejected: {printable(row.rejected)}"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started_unix_ns / 1e9))
    did = f"{row.commands:>4} commands" if row.commands or not row.pages else f"{row.pages:>4} pages   "
    verdict = f"{row.verdict}{'' if row.steady else ', not steady'}" if row.verdict else ""
    return (
        f"{name:32}  {when}  {length(row.duration_ns / 1e9):>8}  {did}  {row.state:10}  {verdict:11}"
        f"  {printable(row.task or '')}"
    )


def _counted(found: Summary) -> Iterable[str]:
    yield f"traces      {found.traces}, {found.bytes / 1e6:.1f} MB, {found.hours:.1f} hours"
    yield f"did         {found.commands} commands, {found.pages} pages"
    mean = "" if found.mean_reward is None else f", mean reward {found.mean_reward:.3g}"
    yield f"outcomes    {found.checked} checked{mean}"
    yield f"verified    {found.verified}"
    for what, counts in (
        ("verdicts", found.verdicts),
        ("states", found.states),
        ("rejected", found.rejected),
        ("actors", found.actors),
        ("annotators", found.annotators),
        ("tasks", found.tasks),
        ("tags", found.tags),
        ("flags", found.flags),
    ):
        yield from _most(what, counts)


def _most(what: str, counts: Mapping[str, int]) -> Iterable[str]:
    """The most frequent, one a line."""
    label = what
    for name, count in list(counts.items())[:_MOST_COUNTED]:
        yield f"{label:10} {count:6}  {printable(name) if name else '(nobody said)'}"
        label = ""
    if len(counts) > _MOST_COUNTED:
        yield f"{'':10} {'':6}  and {len(counts) - _MOST_COUNTED} more {what}; --json lists them"


def _progress() -> Progress | None:
    """A line with the rate and the time that is left, on a terminal only and where it takes a while."""
    if not sys.stderr.isatty():
        return None
    began = time.monotonic()

    def progress(done: int, total: int) -> None:
        if total < _SLOW:
            return
        rate = done / max(1e-6, time.monotonic() - began)
        left = f"{done} of {total} traces read, {rate:.0f} a second, {length((total - done) / rate)} left"
        click.echo(f"\r\x1b[K{left if done < total else ''}", nl=False, err=True)

    return progress
