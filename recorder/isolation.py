"""A session in a sandbox: what one must be able to do, the copy of the workspace in it, and what comes out of it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recorder import environment
from recorder.sources.terminal.launch import Launch
from recorder.sources.workspace import start_workspace
from recorder.trace.blobs import BlobStore
from recorder.trace.changes import decode_tree
from recorder.trace.codec import decode_event
from recorder.trace.events import FileState, WorkspaceSnapshot
from recorder.trace.journal import read_journal
from recorder.trace.removal import remove_tree

if TYPE_CHECKING:
    from recorder.sources.proxy import Proxy


class Isolated(Protocol):
    """A sandbox that a session can run in. `workspace` is the copy on which the work happens; if we are killed, it goes
    when all who have `holds` open have ended."""

    workspace: Path | None
    logs: Path
    holds: int

    def spawn(self, cols: int, rows: int) -> tuple[int, int, int]: ...
    def set_clock(self, unix_ns: int) -> None: ...
    def close(self) -> None: ...


Isolate = Callable[..., Isolated]


def isolated(
    isolate: Isolate,
    launch: Launch,
    *,
    env: dict[str, str],
    cwd: Path,
    root: Path | None,
    include_ignored: bool,
    folder: Path,
    memory: Path | None,
    home_files: Mapping[Path, bytes],
    tools: list[Path],
    started_unix: int,
    vault: Path | None,
    proxy: Proxy | None = None,
) -> Isolated:
    """The sandbox for `launch`, with a copy of the workspace `root` in it. `folder` is the session's; what is written
    into it inside stands in `memory`, if there is one. What programs do in its network goes to `proxy`; without one
    there is no network."""
    staging = folder / "staging"
    staging.mkdir(mode=0o700)
    tree: dict[bytes, FileState] = {}
    blobs = BlobStore(staging / "blobs")
    if root is not None:
        source = start_workspace(
            root=root, folder=staging, include_ignored=include_ignored, watching=False, vault=vault
        )
        source.finish()
        snapshot = next(
            event
            for frame in read_journal(staging / "workspace.journal")
            if isinstance(event := decode_event(frame.payload, "workspace.journal"), WorkspaceSnapshot)
        )
        tree = decode_tree(blobs.get(snapshot.tree))
    try:
        return isolate(
            argv=launch.argv,
            env=env,
            cwd=str(cwd),
            root=str(root) if root else None,
            tree=tree,
            blobs=blobs,
            session_folder=folder,
            logs_in=memory or folder,
            files={**launch.files, **(proxy.files() if proxy else {})},
            home_files=home_files,
            user=environment.user_name(),
            hostname=environment.host_name(),
            umask=environment.umask(),
            tools=tools,
            start_ns=started_unix,
            trust=proxy.authority if proxy else b"",
            capture=proxy.take if proxy else None,
        )
    finally:
        with suppress(OSError):
            remove_tree(staging)


def take_logs(logs: Path, folder: Path) -> None:
    """The side channels of an isolated session, out of the folder in which its programs could write."""
    for name in ("shell-1.log", "notes.log"):
        with suppress(OSError):
            fd = os.open(logs / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(fd, "rb") as file, (folder / name).open("wb") as copy:
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    shutil.copyfileobj(file, copy)
