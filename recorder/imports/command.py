"""`import`: another tool's recording, of a network or of a browser's steps, as a trace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from recorder import vaults
from recorder.imports import files
from recorder.imports.exchange import ImportRejected
from recorder.imports.sealing import Imported, Progress, Request, seal, seal_steps
from recorder.trace.errors import UsageError
from recorder.trace.printable import printable

_OPTIONS = (
    click.argument("file", type=click.Path(path_type=Path)),
    click.option(
        "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The trace to write."
    ),
    click.option(
        "--secret", "secrets", multiple=True, metavar="NAME",
        help="The value of this environment variable is a secret wherever it occurs (repeatable).",
    ),
    click.option(
        "--no-redact", is_flag=True,
        help="Keep everything as it is in FILE, secrets too: for traces that stay with you.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace the trace if it exists."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output."),
)  # fmt: skip


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(
    "import",
    epilog="Examples:\n\n\b\n  reenact import har page.har -o page.reenact\n"
    "  reenact import flows session.mitm -o session.reenact\n"
    "  reenact import devtools checkout.json -o checkout.reenact",
)
def import_() -> None:
    """Make a trace of another tool's recording, of a network or of what was done in a browser.

    A network has no steps: `reenact serve` answers from it, `reenact export har` writes it again. Steps of a browser
    have no network: `reenact steps` lists them, `reenact export playwright` writes them as a script.
    Secrets are replaced by placeholders as in a recording of ours, unless --no-redact is given.
    """


@import_.command(
    epilog="Examples:\n\n\b\n  reenact import har page.har -o page.reenact\n"
    "  reenact import har playwright.zip -o page.reenact --json"
)
@_options
def har(file: Path, as_json: bool, **options: Any) -> None:
    """Import a HAR (of a browser, Playwright, Charles, Fiddler, k6 …), or Playwright's archive of one with files."""
    from recorder.imports.har import HarReader

    with files.opened(file) as opened, files.har(file, opened) as found:
        request = _request("har", file, opened, options)
        reader = HarReader(found.data, str(file), found.attachments)
        _told(seal(request, reader.exchanges(), reader.findings, _progress(len(reader))), as_json)


@import_.command(epilog="Example:\n\n\b\n  reenact import flows session.mitm -o session.reenact")
@_options
def flows(file: Path, as_json: bool, **options: Any) -> None:
    """Import a flow dump of mitmproxy, of any version that the installed one reads (`pip install 'reenact[proxy]'`)."""
    from recorder.imports.flows import FlowsReader

    with files.opened(file) as opened:
        request = _request("flows", file, opened, options)
        reader = FlowsReader(opened, str(file))
        _told(seal(request, reader.exchanges(), reader.findings, _progress(None)), as_json)


@import_.command(epilog="Example:\n\n\b\n  reenact import devtools checkout.json -o checkout.reenact")
@_options
def devtools(file: Path, as_json: bool, **options: Any) -> None:
    """Import a recording of Chrome DevTools' Recorder (JSON).

    It has no times, shows no page and asks no network: the trace says so.
    """
    from recorder.imports.devtools import MOST_FILE, DevtoolsReader

    with files.opened(file) as opened:
        request = _request("devtools", file, opened, options)
        data = opened.read(MOST_FILE + 1)
        if len(data) > MOST_FILE:
            raise ImportRejected(f"{file}: more than {MOST_FILE} bytes")
        reader = DevtoolsReader(data, str(file))
        _told(seal_steps(request, reader.events(), reader.findings, reader.title), as_json)


def _request(kind: str, file: Path, opened: BinaryIO, options: dict[str, Any]) -> Request:
    out, overwrite = options["out"].absolute(), options["overwrite"]
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists; choose another name or give --overwrite")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent} does not exist; make it first")
    if options["no_redact"] and options["secrets"]:
        raise UsageError("--secret and --no-redact exclude each other")
    told = vaults.told_secrets(options["secrets"], os.environ, _say)
    return Request(
        file=file,
        sha256=files.sha256(opened),
        format=kind,
        out=out,
        overwrite=overwrite,
        redact=not options["no_redact"],
        secrets=tuple(told.values()),
    )


def _told(done: Imported, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(done)))
        return
    what = f"{done.steps} steps" if done.steps else f"{done.requests} requests"
    click.echo(f"{what} in {printable(done.trace)}")
    found = (
        ("mended", done.mended),
        ("left out, which the trace tells", done.left_out),
        ("passed over", done.passed_over),
    )
    for label, counts in found:
        for what, count in counts.items():
            _say(f"{label}: {count} × {printable(what)}")
    if done.bodies_not_kept:
        _say(f"{done.bodies_not_kept} bodies are not in the trace; what asks for them gets an error")


def _progress(total: int | None) -> Progress:
    """A line that says how far it is, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _: None

    def progress(count: int) -> None:
        if count == total:
            click.echo("\r\x1b[K", nl=False, err=True)
        elif count % 100 == 0:
            click.echo(f"\r\x1b[Kimporting: {count}{f' of {total}' if total else ''}", nl=False, err=True)

    return progress


def _say(text: str) -> None:
    click.echo(f"reenact: {text}", err=True)
