"""`export`: a trace in another format."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, cast

import click

from recorder.trace.asciicast import CastEvent, CastHeader, encode
from recorder.trace.errors import UsageError
from recorder.trace.reader import Trace
from replay.commands.opening import TRACE, cast_of, opened


@click.group(epilog="Example:\n\n\b\n  reenact export asciicast fix.reenact -o fix.cast")
def export() -> None:
    """Write a trace in another format."""


@export.command(
    epilog="Examples:\n\n\b\n  reenact export asciicast fix.reenact -o fix.cast\n"
    "  reenact export asciicast fix.reenact | asciinema play -"
)
@TRACE
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. [default: standard output]",
)
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
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def asciicast(
    trace: Path, out: Path | None, number: str, terminal: int, no_input: bool, overwrite: bool
) -> None:
    """Export a terminal of TRACE as an asciicast, which asciinema and asciinema-player open."""
    with ExitStack() as stack:
        opened_trace = stack.enter_context(opened(trace))
        if out is None:
            write = sys.stdout.buffer.write
        else:
            try:
                file = stack.enter_context(out.open("wb" if overwrite else "xb"))
            except FileExistsError:
                raise UsageError(f"{out} exists; choose another name or give --overwrite") from None
            except OSError as error:
                raise UsageError(f"{out}: {error.strerror}") from error
            stack.push(lambda kind, *_: _discard(out) if kind else None)  # half a cast is none
            write = file.write
        header, events = _cast(opened_trace, terminal, no_input)
        for line in encode(header, events, version=cast(Literal[2, 3], int(number))):
            write(line)


def _discard(out: Path) -> None:
    if out.is_file():
        out.unlink()


def _cast(trace: Trace, terminal: int, no_input: bool) -> tuple[CastHeader, Iterator[CastEvent]]:
    header, events = cast_of(trace, terminal)
    return header, (event for event in events if not (no_input and event.code == "i"))
