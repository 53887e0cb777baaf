"""Where a recorded terminal runs again: a sandbox with its workspace, its shell's files and its network."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from recorder.trace.blobs import BlobStore
from recorder.trace.changes import decode_tree
from recorder.trace.errors import Unsupported, UsageError
from recorder.trace.events import TerminalStarted, WorkspaceSnapshot, unescape_path
from recorder.trace.reader import Trace
from replay.network import Network, place
from replay.sandbox import FISH_COMPLETIONS, ClockMode, Sandbox, SandboxSpec, start
from replay.sandbox.host import check_tools
from replay.sandbox.ports import NAMESERVER
from replay.sandbox.workspace import WorkspaceCopy

_MOST_TREE = 256 << 20
_NO_HOME = "/nonexistent"
_LONGEST_PATH = 4096
_DEEPEST_FILE = 32


def set_stage(
    trace: Trace,
    terminal: TerminalStarted,
    snapshot: WorkspaceSnapshot | None,
    folder: Path,
    blobs: BlobStore,
    tools: tuple[Path, ...],
    stack: ExitStack,
    network: Network | None,
) -> tuple[Sandbox, WorkspaceCopy]:
    """The sandbox, with the recorded program on a terminal of its own, and its workspace; `stack` ends both.

    Raises Unsupported where the trace asks for what no sandbox here can be.
    """
    manifest = trace.manifest
    session_folder = _session_folder(terminal)
    session_host = folder / "session"
    home_host = folder / "home"
    _place(session_host, home_host, terminal, session_folder, trace)
    if network is not None:
        place(network.files(terminal, session_folder), session_host)
    entries = decode_tree(trace.blob(snapshot.tree, _MOST_TREE)) if snapshot else {}
    copy = WorkspaceCopy(folder / "workspace", entries, trace.copy_blob, blobs, snapshot)
    stack.callback(copy.close)
    environment = manifest.environment
    spec = SandboxSpec(
        argv=terminal.argv,
        env=network.environment(terminal.env) if network else terminal.env,
        workspace=copy.root,
        root=_path(snapshot.root if snapshot else terminal.cwd, "root"),
        cwd=_path(terminal.cwd, "cwd"),
        session_folder_host=session_host,
        session_folder=session_folder,
        home=_home(terminal),
        home_host=home_host,
        uid=environment.uid,
        gid=environment.gid,
        user=environment.user,
        hostname=environment.hostname,
        umask=environment.umask,
        start_ns=manifest.started_unix_ns,
        extra_readonly=list(tools),
        clock=ClockMode.FROZEN,
        cols=terminal.cols,
        rows=terminal.rows,
        nameserver=NAMESERVER if network else "",
        trust=network.trust if network else b"",
    )
    check_tools(tools, Path.home())
    try:
        sandbox = stack.enter_context(
            start(spec, None, lambda pid: network.prepare(pid, stack) if network else None)
        )
    except UsageError as error:  # whoever asks for this replay is not to blame for what the trace holds
        raise Unsupported(f"the trace asks for what no sandbox can be: {error}") from error
    stack.callback(os.close, sandbox.master)
    return sandbox, copy


def _path(text: str, what: str) -> str:
    try:
        path = os.fsdecode(unescape_path(text))
    except ValueError:
        raise Unsupported(f"the trace's {what} is not a path: {_shown(text)}") from None
    return _plain(path, what)


def _plain(path: str, what: str) -> str:
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise Unsupported(f"the trace's {what} is not an absolute path: {_shown(path)}")
    if len(os.fsencode(path)) >= _LONGEST_PATH:
        raise Unsupported(f"the trace's {what} is too long for this system: {_shown(path)}")
    return os.path.normpath("/" + path.lstrip("/"))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")


def _session_folder(terminal: TerminalStarted) -> str:
    return _plain(terminal.env.get("REENACT_SESSION", ""), "session folder")


def _home(terminal: TerminalStarted) -> str:
    """Where the private home folder stands. HOME itself stays as recorded, which may be no folder's path."""
    try:
        home = _plain(terminal.env.get("HOME", ""), "home folder")
    except Unsupported:
        return _NO_HOME
    return _NO_HOME if home == "/" else home


def _place(host: Path, home_host: Path, terminal: TerminalStarted, session_folder: str, trace: Trace) -> None:
    """The recorded shell integration and settings, at the same places below the session and the home folder."""
    home = _home(terminal)
    for folder in (host, home_host):
        folder.mkdir(mode=0o755)
    (home_host / FISH_COMPLETIONS).mkdir(parents=True)
    for file in terminal.files:
        path = _path(file.path, "shell file")
        for below, base in ((session_folder, host), (home, home_host)):
            if below and path.startswith(below.rstrip("/") + "/"):
                relative = os.path.relpath(path, below)
                target = base / relative
                break
        else:
            raise Unsupported(
                f"shell file {_shown(path)} lies outside the session folder and the home folder"
            )
        if relative.count("/") > _DEEPEST_FILE:
            raise Unsupported(f"shell file {_shown(path)} lies too deep")
        try:
            _write(target, file.mode | 0o400, trace.blob(file.blob))
        except OSError as error:
            raise Unsupported(f"shell file {_shown(path)} cannot be placed: {error.strerror}") from error


def _write(target: Path, mode: int, content: bytes) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(fd, "wb") as out:
        out.write(content)
        os.fchmod(out.fileno(), mode)
