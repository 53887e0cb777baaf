"""The expert's own settings of interactive programs, kept so that a replay's programs behave alike.

A fixed list of small files, none of which is meant to hold a secret; one that seems to hold one is left out.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

NAMES = (
    ".inputrc", ".vimrc", ".vim/vimrc", ".exrc", ".nanorc", ".config/nano/nanorc", ".config/nvim/init.vim",
    ".config/nvim/init.lua", ".emacs", ".gitconfig", ".config/git/config", ".config/git/ignore", ".gitignore",
    ".lesskey", ".dir_colors", ".dircolors", ".gdbinit", ".config/gdb/gdbinit", ".sqliterc", ".pdbrc", ".toprc",
    ".config/procps/toprc", ".htoprc", ".config/htop/htoprc", ".hushlogin", ".tmux.conf", ".screenrc", ".ackrc",
    ".ripgreprc", ".config/bat/config", ".editorconfig", ".pystartup", ".curlrc", ".npmrc", ".yarnrc",
    ".config/pip/pip.conf", ".pip/pip.conf",
)  # fmt: skip
"""Paths below the home folder."""

SHELL_NAMES = (
    ".bashrc", ".bash_aliases", ".bash_profile", ".bash_login", ".profile",
    ".zshenv", ".zprofile", ".zshrc", ".zlogin", ".config/fish/config.fish",
)  # fmt: skip
"""A shell's own files, for nested shells and isolated sessions; see `seal` for the recorded shell's own state."""

MOST_BYTES = 65536

_MENTIONED = re.compile(
    rb"""(?ix)
    ://[^/\s:@]+:[^/\s@]+@ | ://[\w-]{16,}@
    | (?:password|passwd|secret|token|api[_-]?key|extraheader)\s*[=:]\s*\S
    """
)
"""Stricter than redaction's rules: a whole file is left out, so a false alarm costs little."""


class Dotfiles(NamedTuple):
    """`kept` maps absolute paths to content; `left_out` names files that seemed to hold a secret."""

    kept: dict[Path, bytes]
    left_out: list[Path]


def read_dotfiles(home: Path) -> Dotfiles:
    """The settings files below `home` that are regular, small and free of what looks like a secret."""
    kept: dict[Path, bytes] = {}
    left_out: list[Path] = []
    for name in (*NAMES, *SHELL_NAMES):
        path = home / name
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                continue
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            continue
        if _MENTIONED.search(content) or _holds_secret(content):
            left_out.append(path)
        else:
            kept[path] = content
    return Dotfiles(kept, left_out)


def _holds_secret(content: bytes) -> bool:
    from recorder.redact import holds_secret  # here: its rules take a while, and many have no such files

    return holds_secret(content)
