"""`export`: a trace in another format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Literal, cast

import click

from recorder.trace.asciicast import CastEvent, CastHeader, encode
from recorder.trace.errors import UsageError
from recorder.trace.printable import printable
from recorder.trace.reader import Trace
from recorder.trace.steps import steps
from replay.commands import exporting_pages, exporting_tasks
from replay.commands.opening import JSON, TRACE, as_json, cast_of, opened
from replay.commands.writing import OUT, OVERWRITE, counted, told_losses, written, zip_of
from replay.dataset.formats import names


class _Formats(click.Group):
    """The formats that have a command of their own, then those made of rows, imported when one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in names():
            from replay.commands.exporting_rows import rows_command

            return rows_command(cmd_name)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Formats,
    epilog="Examples:\n\n\b\n  reenact export asciicast fix.reenact -o fix.cast\n  reenact export har fix.reenact -o fix.har\n"
    "  reenact export native traces/ -o dataset --verified --jobs 2",
)
def export() -> None:
    """Write a trace in another format, or many as a dataset."""


export.add_command(exporting_pages.playwright)
export.add_command(exporting_pages.playwright_trace)
export.add_command(exporting_pages.devtools_recording)
export.add_command(exporting_tasks.harbor)


@export.command(
    epilog="Examples:\n\n\b\n  reenact export asciicast fix.reenact -o fix.cast\n"
    "  reenact export asciicast fix.reenact | asciinema play -"
)
@TRACE
@OUT
@click.option(
    "--version",
    "number",
    type=click.Choice(["2", "3"]),
    default="2",
    show_default=True,
    help="asciicast version.",
)
@click.option("--terminal", type=click.IntRange(1), default=1, show_default=True, help="Which terminal.")
@click.option("--no-input", is_flag=True, help="Leave out what was typed.")
@OVERWRITE
def asciicast(
    trace: Path, out: Path | None, number: str, terminal: int, no_input: bool, overwrite: bool
) -> None:
    """Export a terminal of TRACE as an asciicast, which asciinema and asciinema-player open."""
    with opened(trace) as opened_trace, written(out, overwrite) as file:
        header, events = _cast(opened_trace, terminal, no_input)
        for line in encode(header, events, version=cast(Literal[2, 3], int(number))):
            file.write(line)


@export.command(
    epilog="Examples:\n\n\b\n  reenact export har fix.reenact -o fix.har\n"
    "  reenact export har fix.reenact -o fix.zip --attach     (for page.route_from_har, any size)\n"
    "  reenact export har fix.reenact -o fix.har --json | jq .losses"
)
@TRACE
@OUT
@click.option(
    "--attach", is_flag=True, help="Write a ZIP with the bodies as files beside the HAR, as Playwright does."
)
@OVERWRITE
@JSON
def har(trace: Path, out: Path | None, attach: bool, overwrite: bool, json_wanted: bool) -> None:
    """Export the network of TRACE as HAR 1.2, which browsers' developer tools and Playwright open.

    Bodies of more than 16 MiB are left out unless --attach is given. What HAR cannot hold is listed at the end
    (docs/interop.md).
    """
    from replay.export.exchanges import RecordedNetwork
    from replay.export.har import HAR_NAME, HarExport, Origin

    if out is None and (attach or json_wanted):
        raise UsageError("--attach and --json need a file to write: give --out FILE")
    with ExitStack() as stack:
        opened_trace = stack.enter_context(opened(trace))
        network = RecordedNetwork.of(opened_trace.events)
        found = steps(opened_trace.events)
        started = opened_trace.manifest.started_unix_ns
        origin = Origin(opened_trace.manifest.trace_id, started, version("reenact"))
        file = stack.enter_context(written(out, overwrite))
        archive = stack.enter_context(zip_of(file)) if attach else None
        made = HarExport(network, found, origin, opened_trace, archive.attach if archive else None)
        portions = counted(made.portions(), len(network.exchanges))
        if archive is not None:
            archive.gather(HAR_NAME, portions)
        else:
            file.writelines(portions)
    losses = made.losses
    if json_wanted:
        as_json({"path": str(out), "entries": len(network.exchanges), "losses": losses})
        return
    if out is not None:
        click.echo(f"{len(network.exchanges)} requests in {printable(str(out))}")
        if not network.exchanges:
            click.echo("the trace recorded no network", err=True)
    told_losses("HAR 1.2", losses)


def _cast(trace: Trace, terminal: int, no_input: bool) -> tuple[CastHeader, Iterator[CastEvent]]:
    header, events = cast_of(trace, terminal)
    return header, (event for event in events if not (no_input and event.code == "i"))
