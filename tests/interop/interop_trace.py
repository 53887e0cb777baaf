"""Traces for the tests of other formats, and the command line in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from tape import Tape

from recorder.cli import cli
from recorder.trace.blobs import BlobStore
from recorder.trace.container import TraceWriter
from recorder.trace.errors import ReenactError
from recorder.trace.events import AnyEvent
from recorder.trace.manifest import (
    Actor,
    Environment,
    Provenance,
    Recorder,
    Task,
    new_draft,
    new_trace_id,
)

STARTED = 1_700_000_000_000_000_000


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: object) -> Done:
    """As `recorder.cli.main` does, without ending this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main([str(word) for word in words], prog_name="reenact", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except ReenactError as error:
            print(f"reenact: {error}", file=err)
            code = error.exit_code
    out.seek(0)
    return Done(code if isinstance(code, int) else 0, out.read(), err.getvalue())


def seal(tape: Tape, out: Path, blobs: Path) -> None:
    """What is on the tape."""
    store = BlobStore(blobs)
    for content in tape.blobs.values():
        if content:
            store.put(content)
    seal_events(tape.events, out, blobs)


def seal_events(events: Sequence[AnyEvent], out: Path, blobs: Path) -> None:
    """Events with an empty terminal, which commands among them ran on."""
    store = BlobStore(blobs)
    draft = new_draft(
        trace_id=new_trace_id(STARTED, bytes(range(10))), started_unix_ns=STARTED, isolated=False,
        task=Task(instruction=None, url=None, repo=None, commit=None),
        actor=Actor(kind="human", model=None, model_version=None),
        provenance=Provenance(
            annotator=None, project=None, consent=None, source_licence=None,
            recorder=Recorder(version="0", settings={}), rubric_version=None, assistant_model=None, parent=None,
        ),
        environment=Environment(
            os="x", kernel="x", shell=None, terminal=None, locale=None, timezone=None, hostname="x", uid=0, gid=0,
            user="x", umask=0, tools={},
        ),
    )  # fmt: skip
    with TraceWriter(out, draft) as writer:
        writer.blobs(store)
        with writer.terminal(1):
            pass
        with writer.events() as add:
            for event in events:
                add(event)
        writer.finish(events[-1].t)


def corpus(kind: str) -> Path:
    """Other projects' files of one kind; skips where they are not there."""
    place = os.environ.get("REENACT_CORPORA")
    folder = Path(place) if place else Path(__file__).resolve().parents[2].parent / "shared" / "corpora"
    if not (folder / kind).is_dir():
        pytest.skip(f"no corpus of {kind} at {folder}; set REENACT_CORPORA to its folder")
    return folder
