"""The recorded state of a shell: enough for the same one in a replay's empty home, and no secret."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.trace.marks import shell_state

STATE = {
    "bash": (
        {".bashrc": "alias ll='ls -d'\nf() { echo \"f $1\"; }\nPS1='mine> '; shopt -s globstar; set -o noclobber\n"
         "export LS_COLORS=di=1 SECRET=hunter2; PROMPT_COMMAND='N=$((N+1))'\nHIDDEN=hunter2\n"},
        ("ll /; f x; shopt -q globstar && echo star; echo $LS_COLORS ${SECRET-none} ${HIDDEN-none} $((N > 0)); "
        "shopt -qo noclobber && echo no"),
        "/\nf x\nstar\ndi=1 none none 1\nno\n",
    ),
    "zsh": (
        {".zshrc": "alias ll='ls -d'\nf() { echo \"f $1\" }\nPS1='mine> '; setopt extendedglob\n"
         "export LS_COLORS=di=1 SECRET=hunter2\nHIDDEN=hunter2\nbindkey -s '^X1' 'echo bound'\n"},
        "ll /; f x; setopt | grep extended; echo $LS_COLORS ${SECRET-none} ${HIDDEN-none}; setopt | grep -c norcs",
        "/\nf x\nextendedglob\ndi=1 none none\n0\n",
    ),
    "fish": (
        {".config/fish/config.fish": "alias ll 'ls -d'\nset -g fish_greeting\nset -gx LS_COLORS di=1\n"
         "set -gx SECRET hunter2\nset -g HIDDEN hunter2\nfunction fish_prompt; echo 'mine> '; end\n"
         "abbr -a gs git status\n",
         ".config/fish/functions/f.fish": 'function f; echo "f $argv[1]"; end\n'},
        "ll /; f x; echo $LS_COLORS (set -q SECRET; or echo none) (set -q HIDDEN; or echo none); abbr --list",
        "//\nf x\ndi=1 none none\ngs\n",  # fish's own ls classifies
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_recorded_state_makes_the_same_shell_in_an_empty_home(
    start: Any, name: str, tmp_path: Any
) -> None:
    files, line, wanted = STATE[name]
    shell = start(name, files)
    state = shell_state(shell.log, b"0123456789abcdef" * 2)
    assert state is not None
    assert b"hunter2" not in state
    assert b"__reenact" not in state
    (tmp_path / "home").rename(tmp_path / "gone")
    shell = start(name, restore=state)
    assert b"mine> " in shell.shown
    assert shell.output(line) == wanted
    again = shell_state(shell.log, b"0123456789abcdef" * 2)
    assert again is not None
    assert abs(len(again) - len(state)) < 500
