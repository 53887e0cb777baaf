"""System calls that Python lacks: mounts of one thread's own, and its personality."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 0x1000, 0x4000, 0x40000, 2, 4
_ADDR_NO_RANDOMIZE = 0x0040000
_libc = ctypes.CDLL(None, use_errno=True)


def fixed_addresses() -> None:
    """Switches address-space randomisation off for what the calling thread starts from now on."""
    _libc.personality(ctypes.c_ulong(_ADDR_NO_RANDOMIZE))


def private_mounts() -> bool:
    """Gives the calling thread a mount namespace of its own. False where we may not."""
    try:
        os.unshare(os.CLONE_NEWNS)
    except OSError:
        return False
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE, None)
    return True


def bind_mount(source: Path, target: Path) -> None:
    """Shows `source` at `target`, where a folder's parents may be shut to the payload. Raises OSError."""
    _mount(os.fspath(source), os.fspath(target), None, _MS_BIND | _MS_REC, None)


def memory_mount(target: Path, *, size: int, files: int) -> None:
    """An empty file system in memory with room for so many bytes and files. Raises OSError."""
    options = f"size={size},nr_inodes={files},mode=1777"
    _mount("tmpfs", os.fspath(target), "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    words = [None if w is None else os.fsencode(w) for w in (source, target, kind, options)]
    if _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
