"""`replay --live`: a trace's gestures on its site as it is today, told one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from recorder.trace.errors import UsageError
from replay.commands.opening import opened
from replay.report.drift import lines, summary


def play_live(
    traces: Sequence[Path], base: str | None, *, headed: bool, json_wanted: bool, report: Path | None
) -> int:
    """Plays one trace and prints what became of each gesture; the exit code."""
    from replay.drift import drift  # it needs Playwright, which is an extra

    if len(traces) != 1:
        raise UsageError("--live plays one trace at a time")
    with opened(traces[0]) as trace:
        if not json_wanted:
            click.echo(
                "drift mode: the live site, no recorded network; elements are found again, nothing is verified"
            )
        result = drift(
            trace, base=base, headed=headed,
            told=lambda step: None if json_wanted else click.echo("\n".join(lines(step))),
        )  # fmt: skip
    text = msgspec.json.encode(result).decode()
    if json_wanted:
        click.echo(text)
    else:
        click.echo(summary(result))
    if report:
        try:
            report.write_text(text + "\n")
        except OSError as error:
            raise UsageError(f"{report}: {error.strerror}") from error
    return result.exit_code
