"""Removing a folder that a stranger filled: however deep it is, whatever its modes, and never through a link."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from recorder.trace.openat import FOLDER


def remove_tree(path: str | bytes | Path, *, dir_fd: int | None = None) -> None:
    """Removes the folder and all it holds. Raises OSError where something stays, as when somebody still puts things in.

    Nothing here is as deep as the tree, neither the stack nor the open descriptors: folders found further down are
    first moved up to its top.
    """
    top = _open(path, dir_fd)
    try:
        fresh = b".removing-" + secrets.token_hex(8).encode()
        number = 0
        todo = _clear(top)
        while todo:
            name = todo.pop()
            folder = _open(name, top)
            try:
                for below in _clear(folder):
                    os.close(_open(below, folder))  # whoever moves a folder must be allowed to write in it
                    number += 1
                    todo.append(fresh + b"-%d" % number)
                    os.rename(below, todo[-1], src_dir_fd=folder, dst_dir_fd=top)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path, dir_fd=dir_fd)


def _clear(folder: int) -> list[bytes]:
    """Removes from the open folder all that is no folder; returns the names of those."""
    with os.scandir(folder) as found:
        entries = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in entries if is_folder]


def _open(path: str | bytes | Path, dir_fd: int | None) -> int:
    """The folder, open, with the right to read it and to remove from it."""
    try:
        fd = os.open(path, FOLDER, dir_fd=dir_fd)
    except PermissionError:
        handle = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
        try:
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)
            return os.open(".", FOLDER, dir_fd=handle)
        finally:
            os.close(handle)
    if os.fstat(fd).st_mode & stat.S_IRWXU != stat.S_IRWXU:
        try:
            os.fchmod(fd, stat.S_IRWXU)
        except OSError:
            pass  # another's: what cannot be removed for that will say so
    return fd
