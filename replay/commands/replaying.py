"""`replay`: does traces again and says whether they hold."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import click
from msgspec import Struct

from recorder.trace.errors import ReenactError, Unsupported, UsageError
from recorder.trace.printable import printable
from replay import verdicts
from replay.batch.reading import read
from replay.commands.drifting import play_live
from replay.commands.opening import below, find
from replay.dataset.observation import LONGEST
from replay.players.terminal.outcome import Bounds
from replay.replayer import Progress, replay_trace
from replay.report.result import ReplayResult, encode
from replay.report.terminal import clip, render, wants_colour
from replay.session import Options
from replay.window.ending import Ending, ending
from replay.window.window import Window, has_display

_LONGEST_ERROR = 800
_INTERRUPTS = (signal.SIGINT,)


class _Answer(Struct, kw_only=True):
    """What became of one trace: a result, or why there is none."""

    path: str
    result: ReplayResult | None = None
    error: str = ""
    code: int = 0
    unkept: str = ""
    """Why the verdict does not stand beside the trace."""

    @property
    def exit_code(self) -> int:
        return self.result.exit_code if self.result else self.code


@click.command(
    epilog="Examples:\n\n\b\n  reenact replay fix.reenact\n  reenact replay fix.reenact --runs 5\n"
    "  reenact replay fix.reenact --until 7\n  reenact replay traces/ --new --jobs 2\n"
    "  reenact replay order.reenact --headed\n  reenact replay order.reenact --live --base http://127.0.0.1:8000\n\n"
    "Exit codes: 0 every step exact or equivalent, 1 diverged, 2 usage, 3 trace rejected, 4 this machine can't "
    "replay it, 130 interrupted."
)
@click.argument("traces", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TRACE...")
@click.option(
    "--runs",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Replay so often; all must agree.",
)
@click.option("--until", type=click.IntRange(1), metavar="STEP", help="Stop after this step.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="So many traces at once."
)
@click.option(
    "--tools",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Let the payload read this folder (repeatable).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for one replay.",
)
@click.option(
    "--paced", is_flag=True, help="Let answers of the recorded network take the time that they took."
)
@click.option(
    "--live",
    is_flag=True,
    help="Drift mode: play the gestures of one trace on its site as it is today. Verifies nothing.",
)
@click.option(
    "--base", metavar="URL", help="With --live: where the site is now, if not where it was recorded."
)
@click.option(
    "--headed",
    is_flag=True,
    help="Show the browser in a window; in a terminal it stays until you close it. With --live: the browser itself.",
)
@click.option(
    "--screenshots",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Put a picture of the browser after each of its steps there.",
)
@click.option(
    "--video",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a film of the browser there (WebM, in the recorded time; of several runs the last).",
)
@click.option(
    "--json",
    "json_wanted",
    is_flag=True,
    help="Print JSON on standard output: an object for one trace, else a list.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the JSON there as well.",
)
@click.option("--new", is_flag=True, help="Only traces that have no verdict of yours yet.")
@click.option("--no-verdict", is_flag=True, help="Do not keep the verdict beside the trace (NAME.verdict).")
@click.option("--verbose", "-v", is_flag=True, help="Say for every step how each side of it was judged.")
@click.pass_context
def replay(
    context: click.Context,
    traces: tuple[Path, ...],
    runs: int,
    until: int | None,
    jobs: int,
    tools: tuple[Path, ...],
    timeout: float,
    paced: bool,
    live: bool,
    base: str | None,
    headed: bool,
    screenshots: Path | None,
    video: Path | None,
    json_wanted: bool,
    report: Path | None,
    new: bool,
    no_verdict: bool,
    verbose: bool,
) -> None:
    """Do each TRACE again in a sandbox, offline, and say step by step whether it holds. A folder: all traces in it.

    What was typed is typed again, each key when the terminal is in the state it was recorded in. Exit codes,
    output, files, working folder and the outcome's reward are compared: byte by byte first, then through named
    rules (docs/normalisers.md). A mismatch shows the nearest miss. What was done in a browser is done again in
    Chromium, with the recorded input; of each step the element, the pages, dialogs, tabs and downloads are compared.

    What a whole replay found is kept beside the trace, in NAME.verdict, bound to the file's digest and signed by your
    own key: `reenact export --verified` asks for it.
    """
    traces = tuple(one for path in traces for one in (below(path) if path.is_dir() else [path]))
    if live:
        context.exit(play_live(traces, base, headed=headed, json_wanted=json_wanted, report=report))
    if base is not None:
        raise UsageError("--base goes with --live: a replay in the sandbox is offline")
    if video is not None and len(traces) > 1:
        raise UsageError("--video makes a film of one trace")
    window = _window(traces, runs) if headed else None
    if window is not None:
        context.call_on_close(window.close)
    options = Options(
        until=until,
        bounds=Bounds(total=timeout),
        tools=tuple(path.absolute() for path in tools),
        paced=paced,
        screenshots=_folder(screenshots),
        video=video,
        window=window,
    )
    paths = [find(path) for path in traces]
    if new:
        paths = _without_verdict(paths)
    chosen = wants_colour(os.environ, sys.stdout.isatty())
    answers = []
    for answer in _answers(paths, options, runs, jobs, kept=not no_verdict and until is None):
        answers.append(answer)
        if answer.unkept:
            click.echo(f"reenact: {clip(printable(answer.unkept), _LONGEST_ERROR)}", err=True)
        if json_wanted:
            continue
        if len(paths) > 1:
            click.echo(f"== {printable(answer.path)}")
        if answer.result is None:
            click.echo(f"reenact: {clip(printable(answer.error), _LONGEST_ERROR)}", err=True)
        else:
            width = shutil.get_terminal_size((100, 24)).columns
            click.echo(render(answer.result, colour=chosen, width=width, verbose=verbose), nl=False)
    if json_wanted or report:
        _write(answers, json_wanted, report)
    if window is not None:
        _shown(window, answers[0])
    context.exit(_exit_code(answers))


def _without_verdict(paths: list[Path]) -> list[Path]:
    """Those that were not replayed yet, as they are now, by this user."""
    own = verdicts.own_public_key()
    left = [path for path in paths if not _has_verdict(path, own)]
    if len(left) < len(paths):
        click.echo(f"{len(paths) - len(left)} of {len(paths)} traces have a verdict of yours", err=True)
    return left


def _has_verdict(path: Path, own: str | None) -> bool:
    try:
        return own is not None and verdicts.find(path, verdicts.sha256_of(path), {own}).stored is not None
    except OSError:
        return False


def _window(traces: tuple[Path, ...], runs: int) -> Window:
    if len(traces) > 1:
        raise UsageError("--headed shows the replay of one trace")
    if not has_display():
        raise Unsupported(
            "--headed needs a display, and neither DISPLAY nor WAYLAND_DISPLAY names one; --video FILE films the replay"
        )
    return Window(traces[0].name, runs)


def _shown(window: Window, answer: _Answer) -> None:
    """Tells the end in the window. Somebody at a terminal may look at it as long as he likes."""
    if answer.result is None:
        window.end(Ending(verdict="unsupported", line=answer.error))
    else:
        window.end(ending(answer.result))
    if sys.stdout.isatty() and window.is_open:
        click.echo("the window stays until you close it, or press Ctrl-C here", err=True)
        with suppress(KeyboardInterrupt):
            window.wait()
    if window.fault:
        click.echo(
            f"reenact: {clip(printable(window.fault), _LONGEST_ERROR)}; --video FILE films the replay",
            err=True,
        )


def _folder(path: Path | None) -> Path | None:
    if path is None:
        return None
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return path.absolute()


def _answers(paths: list[Path], options: Options, runs: int, jobs: int, *, kept: bool) -> Iterator[_Answer]:
    if jobs == 1 or len(paths) == 1:
        for path in paths:
            yield _answer(path, options, runs, kept, _progress(path))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin) as pool:
        # ^C that comes while they start waits until they have: else each would tell where it was.
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
        try:
            answers = pool.map(partial(_answer, options=options, runs=runs, kept=kept), paths)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        yield from answers


def _begin() -> None:
    """In a process of the pool, before anything else."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
    except KeyboardInterrupt:
        os._exit(130)


def _answer(path: Path, options: Options, runs: int, kept: bool, progress: Progress | None = None) -> _Answer:
    try:
        before = verdicts.sha256_of(path) if kept else ""
        result = replay_trace(path, options, runs=runs, progress=progress)
        return _Answer(path=str(path), result=result, unkept=_keep(path, before, result) if kept else "")
    except ReenactError as error:
        return _Answer(path=str(path), error=f"{path}: {error}", code=error.exit_code)
    except OSError as error:
        return _Answer(path=str(path), error=f"{path}: {error.strerror or error}", code=UsageError.exit_code)
    finally:
        if progress is not None and sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)


def _keep(path: Path, sha256: str, result: ReplayResult) -> str:
    """Puts the verdict beside its trace. Gives why it could not."""
    try:
        if verdicts.sha256_of(path) != sha256:
            return f"{path} was changed while it was replayed: no verdict is kept of it"
        verdicts.keep(path, sha256, result, version("reenact"))
        read(path, sha256, (), LONGEST)  # its row waits for datasets
    except OSError as error:
        return f"the verdict of {path} is not kept: {error.strerror or error}; --no-verdict asks for none"
    except UsageError as error:
        return f"the verdict of {path} is not kept: {error}"
    return ""


def _progress(path: Path) -> Progress | None:
    """A line that says where the replay is, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def progress(number: int, command: int) -> None:
        click.echo(
            f"\r\x1b[Kreplaying {path.name}, run {number}: after command {command}", nl=False, err=True
        )

    return progress


def _write(answers: list[_Answer], to_stdout: bool, report: Path | None) -> None:
    rendered = [
        encode(answer.result).decode() if answer.result else _error_json(answer) for answer in answers
    ]
    text = rendered[0] if len(rendered) == 1 else "[" + ",\n".join(rendered) + "]"
    if to_stdout:
        click.echo(text)
    if report:
        try:
            report.write_text(text + "\n")
        except OSError as error:
            raise UsageError(f"{report}: {error.strerror}") from error


def _error_json(answer: _Answer) -> str:
    import json

    return json.dumps({"path": answer.path, "error": answer.error, "exit_code": answer.code})


def _exit_code(answers: list[_Answer]) -> int:
    """One trace's own; of several the gravest: rejected, diverged, unsupported, usage."""
    codes = {answer.exit_code for answer in answers}
    return next((code for code in (3, 1, 4, 2) if code in codes), 0)
