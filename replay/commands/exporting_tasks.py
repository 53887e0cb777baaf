"""`export harbor`: traces as tasks of Harbor, each proved before it is written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click

from recorder.trace.errors import TraceRejected, Unsupported, UsageError
from recorder.trace.events import SecretReplaced
from recorder.trace.printable import printable
from recorder.trace.reader import Trace, open_trace
from replay.commands.opening import JSON, as_json, inputs
from replay.commands.writing import told_losses

_MOST_BLOB = 64 << 20
_MOST_SCANNED = 4 << 20
_MOST_NAMED = 5


class _Rejected(Exception):
    """A trace that becomes no task; the message says why, for people."""


class _Made(NamedTuple):
    path: str
    name: str
    oracle: float | None
    """What the solution earned, `noop` what doing nothing did; None where nothing was proved."""
    noop: float | None
    losses: list[Any]


@click.command(
    epilog="Examples:\n\n\b\n  reenact export harbor fix.reenact -o tasks\n  reenact export harbor traces/ -o tasks --json | jq .rejected\n"
    "  harbor run -p tasks -a oracle            (with Docker; every reward is 1)\n\n"
    "Exit codes: 0 every trace became a task, 1 some were rejected, 2 usage, 4 no sandbox here, 130 interrupted.",
)
@click.argument("traces", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TRACES...")
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where each task gets a folder of its own.",
)
@click.option("--unproved", is_flag=True, help="Write tasks without running them.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="What a run of a task may take.",
)
@click.option("--allow-secrets", is_flag=True, help="Keep traces in which something looks like a secret.")
@click.option("--overwrite", is_flag=True, help="Replace tasks that are there.")
@JSON
@click.pass_context
def harbor(
    context: click.Context,
    traces: tuple[Path, ...],
    out: Path,
    unproved: bool,
    timeout: float,
    allow_secrets: bool,
    overwrite: bool,
    json_wanted: bool,
) -> None:
    """Export traces as tasks of Harbor: instruction, environment, reference solution, tests.

    TRACES are files, or folders of them. The environment is the recorded working folder as it was at the start, the
    solution does the recorded steps, the tests are the outcome check (`reenact check`). Each task is run twice in the
    sandbox before it is written: its solution must earn the reward, and doing nothing must not.
    """
    paths = inputs(traces)
    if not unproved:
        _need_sandbox()
    made: list[_Made] = []
    rejected: list[tuple[str, str]] = []
    for number, path in enumerate(paths, 1):
        _progress(f"{number} of {len(paths)}: {path.name}")
        try:
            one = _export(path, out, unproved, timeout, allow_secrets, overwrite)
        except _Rejected as error:
            rejected.append((str(path), str(error)))
            _progress("")
            click.echo(f"reenact: {printable(path.name)} is no task: {printable(str(error))}", err=True)
            continue
        made.append(one)
        _progress("")
        if not json_wanted:
            told = "not proved" if one.oracle is None else f"oracle {one.oracle:g}, no-op {one.noop:g}"
            click.echo(f"{printable(str(out / one.name))}: {told}")
            told_losses("a task", one.losses)
    if json_wanted:
        told_rejects = [{"path": path, "reason": reason} for path, reason in rejected]
        tasks = [one._asdict() for one in made]
        as_json({"folder": str(out), "tasks": tasks, "rejected": told_rejects})
    context.exit(1 if rejected else 0)


def _export(
    path: Path, out: Path, unproved: bool, timeout: float, allow_secrets: bool, overwrite: bool
) -> _Made:
    """One trace as a task in a folder of `out`. Raises _Rejected where it becomes none."""
    from replay import verdicts
    from replay.batch.reading import read
    from replay.dataset.format import Unfit
    from replay.dataset.harbor import task
    from replay.dataset.material import Material
    from replay.dataset.observation import LONGEST
    from replay.export.losses import Losses
    from replay.proof import prove

    try:
        own = verdicts.own_public_key()
        found = read(path, verdicts.sha256_of(path), (own,) if own else (), LONGEST)
        with open_trace(path) as trace:
            material = Material(
                manifest=trace.manifest,
                events=list(trace.events),
                blob=lambda digest: _blob(trace, digest),
            )
            losses = Losses()
            made = task(found.row, material, losses)
    except (TraceRejected, Unfit) as error:
        raise _Rejected(str(error)) from error
    except OSError as error:
        raise _Rejected(error.strerror or str(error)) from error
    if not allow_secrets:
        placeholders = [event.placeholder for event in material.events if isinstance(event, SecretReplaced)]
        leaks = [f"{leak.rule} in {leak.place}" for leak in found.leaks]
        leaks += secrets(made.files, placeholders)
        if leaks:
            named = "; ".join(list(dict.fromkeys(leaks))[:_MOST_NAMED])
            raise _Rejected(f"{len(leaks)} that look like secrets (--allow-secrets keeps them): {named}")
    if (out / made.name).exists() and not overwrite:
        raise _Rejected(f"{out / made.name} is there already (--overwrite replaces it)")
    oracle = noop = proof = None
    if not unproved:
        try:
            result = prove(made, timeout)
        except Unsupported as error:
            raise _Rejected(str(error)) from error
        if result.problem:
            raise _Rejected(result.problem)
        oracle, noop = result.oracle.reward, result.noop.reward
        proof = {"proved": True, "oracle": oracle, "noop": noop, "reenact": version("reenact")}
    _write(out, made.name, {**made.files, "task.toml": made.toml(proof)}, overwrite)
    return _Made(str(path), made.name, oracle, noop, losses.told())


def _need_sandbox() -> None:
    from replay.sandbox.support import probe

    support = probe()
    if not support.ok:
        why = "; ".join(f"{what}: {mend}" for what, mend in support.reasons)
        raise Unsupported(
            f"tasks are proved in a sandbox, and there is none ({why}); --unproved makes them without"
        )


def _blob(trace: Trace, digest: str) -> bytes | None:
    if not trace.has_blob(digest) or trace.blob_size(digest) > _MOST_BLOB:
        return None
    return trace.blob(digest)


def secrets(files: dict[str, bytes], placeholders: Sequence[bytes]) -> Iterator[str]:
    """What looks like a secret in a task's texts, its working folder's among them."""
    from replay.batch.leaks import secrets_in

    for name, content in _texts(files):
        text = content[:_MOST_SCANNED].decode("utf-8", "replace")
        yield from (f"{rule} in {name}" for rule in secrets_in(text, placeholders))


def _texts(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    from replay.dataset.harbor import WORKSPACE, contents_of

    for name, content in files.items():
        if name == WORKSPACE:
            yield from contents_of(content)
        elif b"\0" not in content[:8192]:
            yield name, content


def _write(out: Path, name: str, files: dict[str, bytes], overwrite: bool) -> None:
    """The task's folder, there whole or not at all. Raises UsageError where it may not be made."""
    beside = out / f".{name}.{os.getpid()}.partial"
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.mkdir(mode=0o700)
        for relative, content in files.items():
            place = beside / relative
            for parent in reversed(place.relative_to(beside).parents[:-1]):
                (beside / parent).mkdir(mode=0o700, exist_ok=True)
            mode = 0o700 if relative.endswith(".sh") else 0o600
            with open(
                os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb"
            ) as file:
                file.write(content)
        if overwrite and (out / name).exists():
            shutil.rmtree(out / name)
        beside.rename(out / name)
    except OSError as error:
        raise UsageError(f"{out / name} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)
