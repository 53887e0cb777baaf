"""What is asked of a session, and the file that tells a seal, also after a crash, what the journals do not."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from recorder import environment
from recorder.trace import folders
from recorder.trace.manifest import Actor, Draft, Environment, Provenance, Recorder, Task, new_draft

if TYPE_CHECKING:
    from recorder.begin import Begun

SESSION_FILE = "session.json"
ISOLATED_LOGS = ("isolated", "session")
"""Where an isolated session writes its logs, below the session's folder in memory or on disk."""


class BrowserRequest(Struct, kw_only=True):
    """The browser to open. `profile` names one that is kept for other sessions; null: a new one. With `port` other
    programs of this machine may drive it. `seed` is that of its pages' randomness. `paired`: none is opened, the
    expert's own comes, if `by_code` over a WebSocket; `sites` are the hosts that it is recorded on (none: all)."""

    url: str | None = None
    headless: bool = False
    profile: str | None = None
    port: int | None = None
    seed: int | None = None
    downloads: Path | None = None
    paired: bool = False
    by_code: bool = False
    sites: list[str] = []


class Request(Struct, kw_only=True):
    """What to record. `argv` null means the user's own shell; `workspace` null the repository or folder of `cwd`."""

    argv: list[str] | None
    cwd: Path
    out: Path | None = None
    task: str | None = None
    workspace: Path | None = None
    keep_workspace: bool = True
    include_ignored: bool = False
    keep_dotfiles: bool = True
    env_names: list[str] = []
    isolated: bool = False
    proxy: bool = False
    browser: BrowserRequest | None = None
    secret_names: list[str] = []
    redact: bool = True
    tools: list[Path] = []
    annotator: str | None = None
    project: str | None = None
    consent: str | None = None
    licence: str | None = None
    overwrite: bool = False


class SessionFile(Struct, kw_only=True):
    """session.json: what a seal needs besides the journals.

    `redacted`: the vault of this trace id holds what was replaced. `memory` is the folder in memory into which the
    shell writes, of which the session folder has what reached the disk.
    """

    draft: Draft
    boottime_ns: int
    out: str
    redacted: bool = False
    memory: str | None = None

    @property
    def vault(self) -> Path | None:
        return folders.vault_path(self.draft.trace_id) if self.redacted else None

    @property
    def live_logs(self) -> Path | None:
        """Where the shell wrote, if not into the session folder."""
        if self.memory is None:
            return None
        return Path(self.memory, *ISOLATED_LOGS) if self.draft.isolated else Path(self.memory)


def write_session(begun: Begun, *, shell: str | None, terminal: str | None) -> None:
    """Writes it into the session's folder, on disk when this returns. Raises OSError."""
    request, guard = begun.request, begun.guard
    uname = os.uname()
    settings = {
        "workspace": str(request.keep_workspace).lower(),
        "include_ignored": str(request.include_ignored).lower(),
        "isolated": str(request.isolated).lower(),
        "proxy": str(request.proxy).lower(),
        "browser": str(request.browser is not None).lower(),
        "redact": str(request.redact).lower(),
        "dotfiles": str(request.keep_dotfiles).lower(),
        "env": ",".join(request.env_names),
        "tools": guard.text(":".join(map(str, request.tools))),
    }
    draft = new_draft(
        trace_id=begun.trace_id,
        started_unix_ns=begun.started_unix,
        isolated=request.isolated,
        task=Task(instruction=guard.optional(request.task), url=None, repo=None, commit=None),
        actor=Actor(kind="human", model=None, model_version=None),
        provenance=Provenance(
            annotator=guard.optional(request.annotator),
            project=guard.optional(request.project),
            consent=guard.optional(request.consent),
            source_licence=guard.optional(request.licence),
            recorder=Recorder(version=version("reenact"), settings=settings),
            rubric_version=None,
            assistant_model=None,
            parent=None,
        ),
        environment=Environment(
            os=environment.operating_system(),
            kernel=uname.release,
            shell=shell,
            terminal=terminal,
            locale=environment.locale_name(),
            timezone=environment.time_zone(),
            hostname=environment.host_name(),
            uid=os.getuid(),
            gid=os.getgid(),
            user=environment.user_name(),
            umask=environment.umask(),
            tools={},
        ),
    )
    session = SessionFile(
        draft=draft,
        boottime_ns=begun.boottime,
        out=str(begun.out),
        redacted=guard.vault is not None,
        memory=None if begun.memory is None else str(begun.memory),
    )
    data = msgspec.json.encode(session)
    fd = os.open(begun.folder / SESSION_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
