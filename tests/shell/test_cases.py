"""Forty things that people type, each told with its text and exit status, in bash, zsh and fish.

One session a shell. The tables differ where the shells do; a comment says how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

Do = Callable[[Any], object]


class Case(NamedTuple):
    label: str
    do: Do
    want: list[tuple[str, int]]


def line(label: str, text: str, status: int) -> Case:
    return Case(label, lambda shell: shell.run(text), [(text, status)])


def lines(label: str, typed: list[str], text: str, status: int) -> Case:
    return Case(label, lambda shell: shell.prompt("".join(part + "\r" for part in typed)), [(text, status)])


def abandoned(shell: Any) -> None:
    shell.shows("abc", "echo abc")
    shell.in_front(shell.launch.shell)
    shell.prompt(b"\x03")


def abandoned_in_fish(shell: Any) -> None:
    shell.shows("abc", "echo abc")
    shell.in_front("fish")
    shell.shows("\x1b[K", b"\x03")  # fish empties the line and stays at the same prompt


def interrupted(shell: Any) -> None:
    shell.type("sleep 5\r")
    shell.in_front("sleep")
    shell.prompt(b"\x03")


def stopped(shell: Any) -> None:
    shell.type("sleep 5\r")
    shell.in_front("sleep")
    shell.prompt(b"\x1a")


def nested(command: str) -> Do:
    def do(shell: Any) -> None:
        shell.shows("bash-", command + "\r")
        shell.shows("inner\r\n", "echo inner\r")
        shell.prompt("exit 5\r")

    return do


def wrong_in_fish(shell: Any) -> None:
    shell.prompt("echo )\r")
    shell.shows("\x1b[K", b"\x15")


def recalled_in_fish(shell: Any) -> None:
    shell.shows("false", b"echo\x1b[A")
    shell.run("")


UTF8 = 'echo "é;ñ"; false'
SPOOF = (
    r"printf '\e]633;D;0\a\e]133;D;0\a\e]7770;X;P;99;0;0\a"
    r"\e]7770;ffffffffffffffffffffffffffffffff;C;99;0\a\e]7770;;P;99;0\a'; false"
)

BASH = [
    line("true", "true", 0),
    line("false", "false", 1),
    line("the same again", "false", 1),
    line("leading space", " echo spaced", 0),
    line("alias definition", "alias ll='ls -d'", 0),
    line("alias use", "ll /", 0),
    line("pipeline", "false | grep x | cat", 0),
    line("list", "true; false; (exit 3)", 3),
    line("subshell only", "(exit 4)", 4),
    # bash joins the lines of a compound command in its history
    lines("for over lines", ["for i in 1 2; do", "echo $i", "done"], "for i in 1 2; do echo $i; done", 0),
    lines("here-document", ["cat <<E", "x", "E"], "cat <<E\nx\nE", 0),
    lines("line feed in quotes", ["echo 'a", "b'"], "echo 'a\nb'", 0),
    Case("Ctrl-C at the prompt", abandoned, []),
    Case("Ctrl-C while running", interrupted, [("sleep 5", 130)]),
    Case("empty line", lambda shell: shell.run(""), []),
    line("comment", "# hi there", 0),
    line("syntax error", "echo )", 2),
    line("not found", "nosuchcmd1", 127),
    line("cd", "cd /tmp && cd /usr", 0),
    line("background", "sleep 0.05 &", 0),
    line("assignment", "X=5", 0),
    line("function definition", "f() { return 7; }", 0),
    line("function", "f", 7),
    line("conditional", "[[ -f /nope ]]", 1),
    line("arithmetic", "((0))", 1),
    line("UTF-8 and semicolons", UTF8, 1),
    Case("history expansion", lambda shell: shell.run("!echo"), [(UTF8, 1)]),
    line("forged marks", SPOOF, 1),
    line("no line feed", "printf abc; (exit 9)", 9),
    Case("nested shell", nested("bash --norc --noprofile"), [("bash --norc --noprofile", 5)]),
    line("killed", "sh -c 'kill -9 $$'", 137),
    Case("Ctrl-Z", stopped, [("sleep 5", 148)]),
    line("kill %", "kill %1; wait 2>/dev/null; true", 0),
    line("DEBUG trap", "trap ':' DEBUG", 0),
    line("subshell under it", "(exit 6)", 6),
    line("command under it", "ls -d /", 0),
    line("DEBUG trap cleared", "trap - DEBUG", 0),
    line("after it", "ls -d /etc", 0),
    line("PROMPT_COMMAND=", "PROMPT_COMMAND=", 0),
    line("after that", "ls -d /usr", 0),
]

ZSH_OTHER = {
    "for over lines": lines(
        "for over lines", ["for i in 1 2; do", "echo $i", "done"], "for i in 1 2; do\necho $i\ndone", 0
    ),
    # without interactivecomments, # is a command like any other
    "comment": line("comment", "# hi there", 127),
    # zsh leaves $? alone; it counts as 1, as in `zsh -c`
    "syntax error": line("syntax error", "echo )", 1),
    # what PROMPT_COMMAND is to bash, these are to zsh
    "PROMPT_COMMAND=": line("hooks emptied", "precmd_functions=() preexec_functions=()", 0),
}
ZSH = [ZSH_OTHER.get(case.label, case) for case in BASH]

FISH_OTHER = {
    # no subshells: a program with that status
    "list": line("list", "true; false; sh -c 'exit 3'", 3),
    "subshell only": line("block only", "begin; sh -c 'exit 4'; end", 4),
    "for over lines": lines(
        "for over lines", ["for i in 1 2", "echo $i", "end"], "for i in 1 2\necho $i\nend", 0
    ),
    # no here-documents
    "here-document": lines("pipe over lines", ["echo x |", "cat"], "echo x |\ncat", 0),
    "Ctrl-C at the prompt": Case("Ctrl-C at the prompt", abandoned_in_fish, []),
    # fish keeps a line that can't be parsed in its editor; it counts with 127, as in a script
    "syntax error": Case("syntax error", wrong_in_fish, [("echo )", 127)]),
    "assignment": line("assignment", "set X 5", 0),
    "function definition": line("function definition", "function f; return 7; end", 0),
    "conditional": line("conditional", "test -f /nope", 1),
    "arithmetic": line("negation", "not true", 1),
    # no ! expansion: recalled with the arrow key
    "history expansion": Case("history search", recalled_in_fish, [(UTF8, 1)]),
    "no line feed": line("no line feed", "printf abc; sh -c 'exit 9'", 9),
    "kill %": line("kill %", "kill %1; wait 2>/dev/null; true", 0),
    # what a DEBUG trap is to bash, an event handler is to fish
    "DEBUG trap": line("event handler", "function seen --on-event fish_preexec; true; end", 0),
    "subshell under it": line("program under it", "sh -c 'exit 6'", 6),
    "DEBUG trap cleared": line("event handler erased", "functions -e seen", 0),
    "PROMPT_COMMAND=": line("prompt redefined", "function fish_prompt; echo '> '; end", 0),
}
FISH = [FISH_OTHER.get(case.label, case) for case in BASH]

FILES = {
    "bash": {".bashrc": "PS1='$ '; HISTCONTROL=ignoreboth; HISTFILE=/dev/null; shopt -s histappend\n"},
    "zsh": {".zshrc": "PS1='$ '\nsetopt hist_ignore_space hist_ignore_dups\n"},
    "fish": {".config/fish/config.fish": "set -g fish_greeting\nfunction fish_prompt; printf '$ '; end\n"},
}


@pytest.mark.parametrize(("name", "table"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)])
def test_forty_cases(start: Any, name: str, table: list[Case], capsys: pytest.CaptureFixture[str]) -> None:
    assert len({case.label for case in table}) == 40
    shell = start(name, FILES[name])
    wrong = []
    for case in table:
        case.do(shell)
        # fish tells a line that never ran at the next prompt
        found = shell.fresh()
        if found != case.want:
            wrong.append((case.label, case.want, found))
    with capsys.disabled():
        print(f"\n{name}: {len(table) - len(wrong)}/{len(table)} cases")
    assert not wrong
