"""A session: starts the sources, survives their death, seals the trace. `recover` is the second half alone."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from recorder import environment, vaults
from recorder.begin import Begun, Say, begin
from recorder.desk import BrowserDesk
from recorder.dotfiles import read_dotfiles
from recorder.finish import Finished, finish
from recorder.isolation import Isolate, Isolated, isolated, take_logs
from recorder.memory import SIDE_LOGS, link_side_logs
from recorder.sessionfile import ISOLATED_LOGS, SESSION_FILE, Request, SessionFile, write_session
from recorder.sources.terminal import (
    Redaction,
    SideLogPaths,
    TerminalRequest,
    record_terminal,
    terminal_size,
)
from recorder.sources.terminal.launch import Launch, launch
from recorder.sources.workspace import Workspace, start_workspace, working_root
from recorder.trace.blobs import BlobStore
from recorder.trace.errors import RecordingFailed, UsageError
from recorder.trace.events import ShellFile, TerminalStarted, escape_path

if TYPE_CHECKING:
    from recorder.sources.proxy import Proxy

_PATIENCE_NS = 40_000_000
"""With a proxy a record of the terminal is so old before it is written: a program may print what it was just
answered."""


def record(request: Request, *, say: Say, isolate: Isolate | None = None) -> Finished:
    """Records until the shell exits and seals the trace. Blocks; uses this process's terminal.

    `say` gets lines for the expert. `isolate` starts the sandbox of an isolated recording. Raises UsageError or
    RecordingFailed before the shell starts, never after: then the result tells what was lost.
    """
    with begin(request, say, in_memory=True) as begun:
        return _record(begun, isolate)


def recover(folder: Path, *, out: Path | None, overwrite: bool, say: Say) -> Finished:
    """Seals what a dead recorder left in `folder`. Raises UsageError where that is no session folder."""
    try:
        session = msgspec.json.decode((folder / SESSION_FILE).read_bytes(), type=SessionFile)
    except OSError as error:
        raise UsageError(f"{folder} is not a session folder: {SESSION_FILE}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{folder / SESSION_FILE} is damaged: {error}") from error
    if not session.redacted:
        take_logs(folder.joinpath(*ISOLATED_LOGS), folder)
    _clear_groups(folder)
    target = out.absolute() if out else Path(session.out)
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists; give another path with --out, or --overwrite")
    return finish(folder, session, target, None, say, recovered=True)


def _record(begun: Begun, isolate: Isolate | None) -> Finished:
    request, say, stack, folder, memory = begun.request, begun.say, begun.stack, begun.folder, begun.memory
    env, guard, told = begun.env, begun.guard, begun.told
    nonce = secrets.token_hex(16)
    prepared = launch(
        request.argv,
        env=env,
        folder=folder,
        nonce=nonce,
        real_reenact=_own_command(),
        browsers=isolate is None,
    )
    if request.redact and memory is None:
        say("no folder in memory here: command lines stand in the session folder as typed until it is sealed")
    elif memory is not None and isolate is None:
        link_side_logs(folder, memory)
    proxy: Proxy | None = None
    if request.proxy:
        proxy = begun.start_proxy()
        prepared = _through(proxy, prepared, env)
    desk: BrowserDesk | None = None
    if isolate is None:
        desk = BrowserDesk(begun, proxy)
        stack.callback(desk.finish)
    files = _place_files(folder, prepared)
    dotfiles = _dotfiles(env, say, guard) if request.keep_dotfiles else {}
    files += _keep(folder, dotfiles)
    ours = [name for name, value in prepared.env.items() if env.get(name) != value]
    names = [*request.env_names, *told, *ours]
    true_env = {
        name: value
        for name, value in environment.allowed_environment(prepared.env, names).items()
        if name in told or name not in request.secret_names
    }
    kept = guard.variables(true_env)
    write_session(begun, shell=prepared.shell, terminal=prepared.env.get("TERM"))
    root = None
    if request.keep_workspace:
        root = Path(os.path.realpath(request.workspace or working_root(request.cwd)))
    sandbox: Isolated | None = None
    if isolate is not None:
        sandbox = isolated(
            isolate, prepared, env=true_env, cwd=request.cwd, root=root, include_ignored=request.include_ignored,
            folder=folder, memory=memory, home_files=dotfiles, tools=request.tools, started_unix=begun.started_unix,
            vault=guard.vault, proxy=proxy,
        )  # fmt: skip
        stack.callback(sandbox.close)
    source: Workspace | None = None
    if root is not None:
        source = start_workspace(
            root=sandbox.workspace if sandbox and sandbox.workspace else root,
            shown_root=root,
            folder=folder,
            include_ignored=request.include_ignored,
            progress=_progress(say, root),
            holds=sandbox.holds if sandbox else None,
            vault=guard.vault,
        )
    if request.browser is not None:
        if desk is None:
            raise UsageError("--browser and --isolated exclude each other")
        desk.open(request.browser)
    cols, rows = terminal_size()
    started = TerminalStarted(
        t=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        source="terminal/1",
        argv=guard.words(prepared.argv),
        shell=prepared.shell,
        cwd=guard.text(escape_path(os.fsencode(request.cwd))),
        env=kept,
        cols=cols,
        rows=rows,
        nonce=nonce,
        files=files,
    )
    say(f"recording to {begun.out}; exit the shell to end")
    clock: Callable[[int], None] | None = None
    if sandbox is not None:
        set_clock = sandbox.set_clock
        clock = lambda t: set_clock(begun.started_unix + t - begun.boottime)  # noqa: E731
    result = record_terminal(
        TerminalRequest(
            argv=prepared.argv,
            env=prepared.env,
            cwd=str(request.cwd),
            folder=str(folder),
            nonce=nonce,
            shell=prepared.shell,
            started=started,
            spawn=sandbox.spawn if sandbox else None,
            notify_fds=[part.notify_fd for part in (source, proxy) if part is not None],
            watched=[part for part in (proxy, desk) if part is not None],
            on_prompt_enter=clock,
            redaction=_terminal_redaction(
                guard.vault, folder, sandbox.logs if sandbox else memory or folder, patient=proxy is not None
            ),
        )
    )
    if sandbox is not None and guard.vault is None:
        take_logs(sandbox.logs, folder)
    for message in source.messages if source else ():
        say(message)
    if source is not None and not source.finish():
        say("the workspace source died; the trace lists the gap")
    if desk is not None and not desk.finish():
        say("the browser's record did not end well; the trace lists the gap")
    if proxy is not None and not proxy.finish():
        say("the proxy did not end well; the trace lists the gap")
    if sandbox is not None:
        sandbox.close()
    session = msgspec.json.decode((folder / SESSION_FILE).read_bytes(), type=SessionFile)
    return finish(folder, session, begun.out, result.exit, say, recovered=False)


def _terminal_redaction(vault: Path | None, folder: Path, live: Path, *, patient: bool) -> Redaction | None:
    """`live` is where the shell writes its logs."""
    if vault is None:
        return None
    logs = tuple(
        SideLogPaths(str(live / f"{name}.log"), str(folder / f"{name}.kept"), kind)
        for name, kind in SIDE_LOGS.items()
    )
    return Redaction(vault, logs, _PATIENCE_NS if patient else 0)


def _through(proxy: Proxy, prepared: Launch, env: Mapping[str, str]) -> Launch:
    """The launch with all that makes the session's programs use the proxy."""
    from recorder.sources.proxy import wrappers

    browsers = {f"shell/bin/{name}": (0o700, program) for name, program in wrappers(env).items()}
    return prepared._replace(
        env={**prepared.env, **proxy.environment()}, files={**prepared.files, **browsers}
    )


def _clear_groups(folder: Path) -> None:
    from recorder.sources.proxy.session_group import clear  # as above

    clear(folder)


def _place_files(folder: Path, prepared: Launch) -> list[ShellFile]:
    """Writes the shell integration into the session folder and keeps it for the trace."""
    blobs = BlobStore(folder / "blobs")
    placed = []
    try:
        for name, (mode, content) in prepared.files.items():
            path = folder / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with open(fd, "wb") as file:
                file.write(content)
            placed.append(ShellFile(path=escape_path(os.fsencode(path)), mode=mode, blob=blobs.put(content)))
    except OSError as error:
        raise RecordingFailed(f"{error.filename}: {error.strerror}; the session cannot start") from error
    return placed


def _dotfiles(env: Mapping[str, str], say: Say, guard: vaults.Guard) -> dict[Path, bytes]:
    """The expert's settings of interactive programs."""
    if not env.get("HOME", "").startswith("/"):
        return {}
    found = read_dotfiles(Path(env["HOME"]))
    for path in found.left_out:
        say(f"{path} seems to hold a secret; it is left out, and a replay has no such settings")
    return {path: guard.content(content) for path, content in found.kept.items()}


def _keep(folder: Path, dotfiles: Mapping[Path, bytes]) -> list[ShellFile]:
    blobs = BlobStore(folder / "blobs")
    return [
        ShellFile(path=escape_path(os.fsencode(path)), mode=0o600, blob=blobs.put(content))
        for path, content in dotfiles.items()
    ]


def _own_command() -> str:
    """The `reenact` that runs now, for the shim inside the session to hand other subcommands to."""
    own = Path(sys.argv[0])
    if own.name == "reenact" and (found := shutil.which(own)):
        return str(Path(found).absolute())
    return shutil.which("reenact") or "reenact"


def _progress(say: Say, root: Path) -> Callable[[int, int], None]:
    last = time.monotonic()

    def progress(files: int, size: int) -> None:
        nonlocal last
        with suppress(OSError):
            if time.monotonic() - last > 1:
                last = time.monotonic()
                say(f"keeping {root}: {files} files, {size >> 20} MB so far")

    return progress
