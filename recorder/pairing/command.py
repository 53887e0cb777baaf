"""`pair`: record the expert's own browser."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from recorder.sessionfile import BrowserRequest, Request
from recorder.trace.errors import UsageError


@click.command(
    epilog="Examples:\n\n\b\n  reenact pair --task 'order the book' --out order.reenact\n"
    "  reenact pair --site shop.example --site '*.pay.example'\n  reenact pair --socket\n  reenact pair --remove\n\n"
    "It ends by “Stop recording” in the browser, or by Ctrl-C here."
)
@click.option("--task", metavar="TEXT", help="What the session is to achieve, in a sentence.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The trace to write. [default: the trace folder]"
)
@click.option(
    "--site",
    "sites",
    multiple=True,
    metavar="HOST",
    help="Record on this site only (repeatable): HOST, *.HOST or HOST:PORT. [default: what the browser's popup says]",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A browser that was started with --user-data-dir=FOLDER (repeatable).",
)
@click.option(
    "--socket",
    "by_code",
    is_flag=True,
    help="For a browser that may start no program (Flatpak, Snap, a managed one): its extension connects to a port of"
    " this machine, by a code that is shown here and given to its popup.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="The value of this environment variable is a secret wherever it occurs (repeatable).",
)
@click.option(
    "--no-redact", is_flag=True, help="Keep everything as it is, secrets too: for traces that stay with you."
)
@click.option("--annotator", metavar="ID", help="Who records, as your data set names them.")
@click.option("--project", metavar="NAME", help="The project that the recording is for.")
@click.option("--consent", metavar="TEXT", help="What the annotator agreed to.")
@click.option("--licence", metavar="SPDX", help="Licence of what is recorded.")
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output at the end."
)
@click.option(
    "--remove", is_flag=True, help="Undo what pairing set up for this user's browsers; record nothing."
)
def pair(
    as_json: bool,
    remove: bool,
    by_code: bool,
    sites: tuple[str, ...],
    profiles: tuple[Path, ...],
    **options: Any,
) -> int:
    """Record your own browser, one that has Reenact's extension: what you do there becomes one trace.

    Sets up what the browser needs to find the recorder, for this user. Nothing is recorded while no session runs.
    """  # fmt: skip
    from recorder.pairing import session, setup

    if by_code and profiles:
        raise UsageError(
            "--profile and --socket exclude each other: by a code nothing is set up in a browser's folder"
        )

    if remove:
        for path in setup.remove(os.environ, profiles):
            _say(f"removed {path}")
        _say("remove the extension itself in the browser, at chrome://extensions")
        return 0
    request = Request(
        argv=None, cwd=Path.cwd(), keep_workspace=False, keep_dotfiles=False,
        browser=BrowserRequest(paired=True, by_code=by_code, sites=list(sites)), redact=not options.pop("no_redact"),
        secret_names=list(options.pop("secrets")), **options,
    )  # fmt: skip
    done = session.pair(request, list(profiles), say=_say)
    if as_json:
        click.echo(json.dumps(done.as_dict()))
    return done.exit_code


def _say(text: str) -> None:
    click.echo(f"reenact: {text}", err=True)
