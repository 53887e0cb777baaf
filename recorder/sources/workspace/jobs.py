"""Whether a terminal's session still runs something in the background."""

from __future__ import annotations

import os
import time
from pathlib import Path

LOOK_S = 0.2
"""How often to look while a job lives."""
_SINCE_S = 2 * LOOK_S
_PROC = Path("/proc")


class Jobs:
    """The processes of the shell's session, but for the shell and what ran before its first command.

    A shell's own helpers (a prompt's status daemon) start with it and would otherwise hide every edit.
    Stopped and dead processes write nothing and do not count. Without /proc nothing is ever alive.
    A job may write and end before anyone looks: one that lived at the last look counts for a moment longer.
    """

    def __init__(self) -> None:
        self._lived = float("-inf")
        self.next_look: float | None = None
        """When (time.monotonic) to ask again whether one lives; None: when there is a reason."""
        self._session: int | None = None
        self._helpers: set[int] = set()

    def shell(self, pid: int) -> None:
        """The shell's process is known."""
        self._session = _session_of(pid)[0] if _PROC.is_dir() else None

    def begin(self) -> None:
        """No command has run yet: what is there now are helpers."""
        self._helpers = set(self._members())

    def alive(self) -> bool:
        """Whether a job lives, or did when this was asked less than a moment ago."""
        now = time.monotonic()
        if any(pid not in self._helpers for pid in self._members()):
            self._lived = now
        lived = now - self._lived < _SINCE_S
        self.next_look = now + LOOK_S if lived else None
        return lived

    def prompt(self) -> None:
        """A prompt waits, a job may have been left behind. Costs nothing yet: a command may follow at once."""
        self.next_look = time.monotonic() + LOOK_S

    def _members(self) -> list[int]:
        session = self._session
        if session is None:
            return []
        try:
            pids = [int(name) for name in os.listdir(_PROC) if name.isdigit()]
        except OSError:
            return []
        members = []
        for pid in pids:
            if pid != session:
                owner, state = _session_of(pid)
                if owner == session and state not in "TtZX":
                    members.append(pid)
        return members


def _session_of(pid: int) -> tuple[int | None, str]:
    """The session id of a process and its state letter."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None, "X"
    # The command name may hold spaces and brackets; it ends at the last one.
    fields = text[text.rfind(b")") + 2 :].split()
    return (int(fields[3]), fields[0].decode("ascii", "replace")) if len(fields) > 3 else (None, "X")
