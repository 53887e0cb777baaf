"""A private folder in memory: what is written there reaches no disk, yet outlives the processes of a session."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from recorder.trace.removal import remove_tree

SIDE_LOGS = {"shell-1": "shell", "notes": "notes"}
"""Logs beside the terminal, by name, and what writes them."""
_SCRATCH = ("shell-1.tmp",)
_TMPFS = 0x01021994
_RAMFS = 0x858458F6


def memory_folder(env: Mapping[str, str]) -> Path | None:
    """A new folder (0700) on a file system in memory; None where this machine has none that we may write to."""
    for base in (env.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):
        if base.startswith("/") and _in_memory(base):
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="reenact-", dir=base))
    return None


def link_side_logs(folder: Path, memory: Path) -> None:
    """Has what the shell writes into the session's `folder` written into `memory`. Raises OSError."""
    for name in (*(f"{log}.log" for log in SIDE_LOGS), *_SCRATCH):
        (folder / name).symlink_to(memory / name)


def drop_memory(memory: Path | None) -> None:
    """Removes it."""
    if memory is not None:
        with suppress(OSError):
            remove_tree(memory)


def _in_memory(path: str) -> bool:
    """By statfs(2), whose first word is the file system's number."""
    answer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None).statfs(os.fsencode(path), answer) != 0:
        return False
    return int.from_bytes(answer.raw[: ctypes.sizeof(ctypes.c_long)], "little") in (_TMPFS, _RAMFS)
