"""Where traces and running sessions live."""

from __future__ import annotations

import os
import time
from pathlib import Path

SESSIONS = ".sessions"


def trace_folder() -> Path:
    """$REENACT_TRACES, else reenact/traces in the user's data folder. Not created here."""
    if chosen := os.environ.get("REENACT_TRACES"):
        return Path(chosen).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data).absolute() / "reenact" / "traces"


def new_session_folder(traces: Path, name: str) -> Path:
    """A private (0700) folder for a session that begins. Raises OSError where it can't be made."""
    traces.mkdir(mode=0o700, parents=True, exist_ok=True)
    sessions = traces / SESSIONS
    sessions.mkdir(mode=0o700, exist_ok=True)
    folder = sessions / name
    folder.mkdir(mode=0o700)
    return folder


def default_name(when: float) -> str:
    """A trace's name where none was given, from the time (seconds since the epoch): 2026-03-01-142530."""
    return time.strftime("%Y-%m-%d-%H%M%S", time.localtime(when))


def vault_path(trace_id: str) -> Path:
    """Which secrets of a trace its placeholders stand for; private, and never in the trace."""
    return trace_folder() / ".vaults" / trace_id


def signing_key_path() -> Path:
    """The recording user's ed25519 key; made at the first seal."""
    return trace_folder() / ".keys" / "signing.pem"
