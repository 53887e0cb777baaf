"""`play`: shows what a terminal showed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from replay.commands.opening import TRACE, cast_of, opened
from replay.report.playback import Ending, dump, play_on_terminal


@click.command(
    epilog="Examples:\n\n\b\n  reenact play fix.reenact\n  reenact play fix.reenact --speed 4 --idle-limit 1"
)
@TRACE
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Pace, times the recorded one.",
)
@click.option(
    "--idle-limit", type=click.FloatRange(min=0), metavar="SECONDS", help="Longest pause to sit through."
)
@click.option(
    "--terminal", "number", type=click.IntRange(1), default=1, show_default=True, help="Which terminal."
)
@click.pass_context
def play(context: click.Context, trace: Path, speed: float, idle_limit: float | None, number: int) -> None:
    """Show what the terminal of TRACE showed, at its pace; execute nothing.

    Recorded bytes reach your terminal only through an allow-list: colours, cursor and erasing pass, titles, links,
    clipboard and everything that makes a terminal answer does not.

    Keys: space pauses, `.` steps while paused, + and - change the speed, q quits. Where standard output is
    not a terminal, everything is written at once.
    """
    with opened(trace) as opened_trace:
        _, events = cast_of(opened_trace, number)
        if not sys.stdout.isatty():
            dump(events, sys.stdout.buffer.write)
            return
        if play_on_terminal(events, speed=speed, idle_limit=idle_limit) is Ending.INTERRUPTED:
            context.exit(130)
