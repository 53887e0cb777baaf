"""All sessions: one module per theme in `sessions/`, and those that the samples are made of."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from scenario import Session, sessions_of

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "samples" / "src"


def _collect() -> list[Session]:
    found: list[Session] = []
    for folder, package in ((HERE / "sessions", "sessions"), (SAMPLES, "src")):
        for module in sorted(info.name for info in pkgutil.iter_modules([str(folder)])):
            found += sessions_of(importlib.import_module(f"{package}.{module}"))
    names = [session.name for session in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"two sessions have one name: {twice}"
    return found


SESSIONS = _collect()

# Played in the quick suite too; the rest is slow.
QUICK = {
    "a-note-and-a-mark-bash",
    "here-document-bash",
    "hidden-read-zsh",
    "interrupted-line-bash",
    "python-repl-zsh",
    "simple-commands-fish",
    "vim-fixes-a-word-bash",
}
assert {session.name for session in SESSIONS} >= QUICK
