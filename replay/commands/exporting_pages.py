"""`export`: what was done in a browser, in the formats of other tools."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click

from recorder.trace.errors import UsageError
from recorder.trace.gestures import Gesture
from recorder.trace.printable import printable
from recorder.trace.reader import Trace
from recorder.trace.requests import answered_requests
from recorder.trace.steps import Step, steps
from replay.commands.opening import JSON, TRACE, as_json, opened
from replay.commands.writing import OUT, OVERWRITE, told_losses, written, zip_of
from replay.export.actions import Action, actions
from replay.export.losses import Loss
from replay.export.pages import Pages

_MOST_ARIA = 8 << 20


@click.command(
    epilog="Examples:\n\n\b\n  reenact export playwright shop.reenact -o test_shop.py\n"
    "  CHROMIUM=/usr/bin/chromium pytest test_shop.py\n"
    "  ORIGIN=http://127.0.0.1:8000 python test_shop.py     (against another server)"
)
@TRACE
@OUT
@click.option("--no-assertions", is_flag=True, help="Only act; assert nothing of what the pages showed.")
@OVERWRITE
@JSON
def playwright(
    trace: Path, out: Path | None, no_assertions: bool, overwrite: bool, json_wanted: bool
) -> None:
    """Export what was done in the browser of TRACE as a script of Playwright for Python, to run and to keep.

    Files that pages were given are written beside it. What was withheld when it was recorded (passwords) is read from
    environment variables that the script names.
    """
    from replay.export.playwright_script import script

    _need_file(out, json_wanted)
    folder = f"{out.stem}_files" if out is not None else "files"
    with opened(trace) as opened_trace:
        found, pages = _actions(opened_trace)
        title = opened_trace.manifest.task.instruction or f"Recorded as {opened_trace.manifest.trace_id}."
        made = script(
            found,
            pages,
            _aria_of(opened_trace),
            title=title,
            folder=folder,
            asserted=not no_assertions,
        )
        if out is not None and made.files:
            _write_files(opened_trace, made.files, out.with_name(folder), overwrite)
        elif made.files:
            raise UsageError("pages were given files, which stand beside the script: give --out FILE")
        with written(out, overwrite) as file:
            file.write(made.text.encode())
    _told(out, len(found), made.losses, json_wanted, "a Playwright script", sorted(made.files))


@click.command(
    "devtools-recording",
    epilog="Examples:\n\n\b\n  reenact export devtools-recording shop.reenact -o shop.json\n  npx @puppeteer/replay shop.json",
)
@TRACE
@OUT
@OVERWRITE
@JSON
def devtools_recording(trace: Path, out: Path | None, overwrite: bool, json_wanted: bool) -> None:
    """Export what was done in the browser of TRACE as a recording of Chrome DevTools' Recorder, which
    @puppeteer/replay runs too."""
    from replay.export.devtools_recording import recording

    _need_file(out, json_wanted)
    with opened(trace) as opened_trace:
        found, pages = _actions(opened_trace)
        title = opened_trace.manifest.task.instruction or opened_trace.manifest.trace_id
        made = recording(found, pages.started, title, _aria_of(opened_trace))
        with written(out, overwrite) as file:
            file.write(json.dumps(made.flow, indent=2).encode() + b"\n")
    _told(out, len(found), made.losses, json_wanted, "a DevTools recording")


@click.command(
    "playwright-trace",
    epilog="Examples:\n\n\b\n  reenact export playwright-trace shop.reenact -o shop.zip\n  playwright show-trace shop.zip",
)
@TRACE
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP to write."
)
@OVERWRITE
@JSON
def playwright_trace(trace: Path, out: Path, overwrite: bool, json_wanted: bool) -> None:
    """Export TRACE as a trace of Playwright, which its trace viewer opens (`playwright show-trace`).

    What was done in the browser, commands between, accessibility trees, screenshots and the network.
    """
    from replay.export.exchanges import RecordedNetwork
    from replay.export.har import HarExport, Origin
    from replay.export.playwright_script import script
    from replay.export.playwright_trace import NETWORK_NAME, RESOURCES, TRACE_NAME, PlaywrightTrace

    with opened(trace) as opened_trace, written(out, overwrite) as file, zip_of(file) as archive:
        found, pages = _actions(opened_trace)
        told = steps(opened_trace.events)
        manifest = opened_trace.manifest
        title = manifest.task.instruction or manifest.trace_id
        origin = Origin(manifest.trace_id, manifest.started_unix_ns, version("reenact"))
        read_aria = _aria_of(opened_trace)
        text = script(found, pages, read_aria, title=title, folder="files")
        made = PlaywrightTrace(
            found,
            told,
            pages,
            origin,
            title=title,
            script=(text.text, text.lines),
            read_aria=read_aria,
            blob=opened_trace.stream_blob,
            attach=archive.attach,
        )
        network = RecordedNetwork.of(opened_trace.events)
        har = HarExport(
            network,
            told,
            origin,
            opened_trace,
            lambda name, content: archive.attach(RESOURCES + name, content),
        )
        archive.gather(TRACE_NAME, made.events())
        archive.gather(NETWORK_NAME, made.network(har.entries(), answered_requests(opened_trace.events)))
    _told(out, len(found), [*made.losses, *har.losses], json_wanted, "a Playwright trace")


def _actions(trace: Trace) -> tuple[list[Action], Pages]:
    told = [(step.n, step.text, gesture) for step, gesture in _gestures(steps(trace.events))]
    if not told:
        raise UsageError("the trace has no browser's steps; `reenact steps` lists what it has")
    pages = Pages.of(trace.events)
    return actions(told, pages, _aria_of(trace)), pages


def _gestures(found: list[Step]) -> list[tuple[Step, Gesture]]:
    return [(step, step.gesture) for step in found if step.gesture is not None]


def _aria_of(trace: Trace) -> Callable[[str], str]:
    def read(digest: str) -> str:
        if not trace.has_blob(digest):
            return ""
        return trace.blob(digest, _MOST_ARIA).decode("utf-8", "replace")

    return read


def _need_file(out: Path | None, json_wanted: bool) -> None:
    if out is None and json_wanted:
        raise UsageError("--json needs a file to write: give --out FILE")


def _write_files(trace: Trace, files: dict[str, str], folder: Path, overwrite: bool) -> None:
    """Blobs as private files below `folder`. Raises UsageError where it may not be made."""
    if folder.exists() and not overwrite:
        raise UsageError(f"{folder} exists; choose another name or give --overwrite")
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_TRUNC if overwrite else os.O_EXCL)
    try:
        for name, digest in files.items():
            place = folder / name
            for parent in (folder, place.parent):
                parent.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(place, flags, 0o600), "wb") as file:
                file.writelines(trace.stream_blob(digest))
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error


def _told(
    out: Path | None,
    count: int,
    losses: list[Loss],
    json_wanted: bool,
    form: str,
    files: list[str] | None = None,
) -> None:
    if json_wanted:
        as_json({"path": str(out), "actions": count, "files": files or [], "losses": losses})
        return
    if out is not None:
        click.echo(f"{count} actions in {printable(str(out))}")
    told_losses(form, losses)
