"""The small session that the tests of replays are about, and what they know of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from expert import Expert
from scenario import PATH, Session, Stage

TASK = "find the typo \x1b]52;c;ZXZpbA==\x07 and mend it"
"""The task holds what would write to a terminal's clipboard."""

TYPO = "the quick brown fox\njumps ovre the lazy dog\n"
HAS_VIM = shutil.which("vim", path=PATH) is not None


def _play(e: Expert) -> None:
    e.run("echo begin")
    e.run("cat notes.txt")
    e.run('echo "flavour $FLAVOUR"')
    e.line("read -rp 'who? ' name; echo hello $name")
    e.ready("who? ")
    e.line("ada")
    e.prompt()
    e.run("sh -c 'exit 3'")
    e.run("sed -i s/ovre/over/ notes.txt")
    if HAS_VIM:
        e.line("vim -u NONE -i NONE -n fruit.txt")
        e.see("plum")
        e.type("x")
        e.see("^lum")
        e.line(":wq")
        e.prompt()
    e.run("cd sub")
    e.run("reenact note 'letters were swapped'")
    e.run("reenact check -- grep -q over ../notes.txt")
    e.run("printf '\\033]52;c;ZXZpbA==\\007%s\\n' end")


SESSION = Session(
    name="typo",
    summary="A small session that has something of everything that a replay compares.",
    play=_play,
    files={"notes.txt": TYPO, "fruit.txt": "plum\n", "sub/empty": ""},
    env={"FLAVOUR": "vanilla"},
)


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Recording(NamedTuple):
    trace: Path
    stage: Stage


Reenact = Callable[..., Done]
