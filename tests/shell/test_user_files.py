"""The user's own set-up, which the integration must neither break nor be broken by."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow  # each is short, together they take ten seconds

MARK = b"7770"


# -- bash -------------------------------------------------------------------------------------------------

STARSHIP = """
alias ll='ls -d'
greet() { echo "hi $1"; }
my_prompt() { local s=$?; PS1="[$s] $(printf x)> "; }
PROMPT_COMMAND="my_prompt"
"""


def test_bash_sources_the_users_rc_and_prompts_set_anew_each_time(start: Any) -> None:
    shell = start("bash", {".bashrc": STARSHIP})
    assert b"[0] x> " in shell.shown
    assert b"[1] x> " in shell.run("false")
    assert shell.output("ll /") == "/\n"
    assert shell.output("greet you") == "hi you\n"
    assert shell.output('echo "$PROMPT_COMMAND"') == "my_prompt\n"
    assert shell.fresh()[0] == ("false", 1)
    assert MARK not in shell.shown


@pytest.mark.parametrize(
    "rc",
    [
        "PROMPT_COMMAND=(one two)",
        "PROMPT_COMMAND='one; two'",
        "PROMPT_COMMAND='one; two;'",
        "PROMPT_COMMAND=$'one\\ntwo'",
        "HISTCONTROL=ignoreboth; PROMPT_COMMAND=(one two)",
        "HISTIGNORE=x; export PROMPT_COMMAND='one; two'",
    ],
)
def test_bash_prompt_commands_go_on_with_the_right_status(start: Any, rc: str) -> None:
    shell = start(
        "bash",
        {".bashrc": f"one() {{ A=\"$?\"; (exit $A); }}; two() {{ B=$((B+1)); }}\n{rc}\nPS1='$A:$B> '\n"},
    )
    assert b"0:1> " in shell.shown
    assert b"7:2> " in shell.run("(exit 7)")
    shell.run("PROMPT_COMMAND+=(two)")
    assert b"0:6> " in shell.run("true") + shell.run("true")
    assert shell.commands()[-1] == ("true", 0)


def test_bash_prompts_survive_being_reset_and_edited(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='one> '; HISTCONTROL=ignorespace\n"})
    for line, prompt in (
        ("PS1='two> '", b"two> "),
        ('OLD=$PS1; PS1="(venv) $PS1"', b"(venv) two> "),
        ("PS1=$OLD", b"two> "),
        ("unset PROMPT_COMMAND", b"two> "),
        ("PROMPT_COMMAND=()", b"two> "),
        ("PS0=; PROMPT_COMMAND=", b"two> "),
        ("PS1='$(false)$?> '", b"1> "),
        ("PS1='three> '", b"three> "),
        ("shopt -u promptvars", b"three> "),
    ):
        shown = shell.run(line)
        assert shown.endswith(prompt), line
        assert shell.commands()[-1] == (line, 0)
    shell.run("false")
    assert shell.commands()[-1] == ("false", 1)
    assert MARK not in shell.shown


def test_bash_options_show_nothing_of_ours(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '; HISTCONTROL=ignoreboth; PROMPT_COMMAND=:\n"})
    shell.run("set -x")
    assert shell.output("echo a") == "+ echo a\na\n++ :\n"
    shell.run("set +x")
    shell.run("set -u")
    assert shell.output("echo a") == "a\n"
    shell.run("set -eo pipefail")
    assert shell.output("true | cat; echo b") == "b\n"
    shell.run("set +eu")
    shell.run("IFS=0123456789")
    assert shell.output("echo c") == "c\n"
    shell.run("unset IFS; set -C; set -f; shopt -s nullglob failglob extglob")
    assert shell.output("echo d") == "d\n"
    shell.run("set -o posix")
    assert shell.output("echo e") == "e\n"
    assert [text for text, _ in shell.commands()][-1] == "echo e"
    assert b"__reenact" not in shell.shown
    assert shell.ended("set -e; false\r") == 1


def test_bash_files_that_leave_strict_options_behind(start: Any) -> None:
    rc = "PS1='$ '; HISTCONTROL=ignoreboth; trap 'E=$((${E-0}+1))' ERR; set -euo pipefail\n"
    shell = start("bash", {".bashrc": rc})
    assert shell.output("echo ${E-0}") == "0\n"
    shell.run("# c")
    assert shell.commands() == [("echo ${E-0}", 0), ("# c", 0)]


def test_bash_values_that_prompts_must_not_change(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '; HISTCONTROL=ignoreboth; PROMPT_COMMAND=:\n"})
    shell.run("false | true | (exit 5)")
    assert shell.output('echo "${PIPESTATUS[*]}" $?') == "1 0 5 5\n"
    shell.run(": last word")
    assert shell.output("echo $_") == "word\n"
    shell.run("sleep 0 & P=$!; wait; [[ $! == $P ]]")
    assert shell.output("[[ $! == $P ]] && echo same") == "same\n"
    assert shell.output("echo ${BASH_REMATCH[0]-none} ${#MAPFILE[@]} ${REPLY-none}") == "none 0 none\n"


def test_bash_aliases_and_functions_named_as_what_we_use(start: Any) -> None:
    hostile = "".join(
        f"{name}() {{ echo BAD; }}\n" for name in ("printf", "history", "read", "mapfile", "set")
    )
    hostile += (
        "alias local='echo BAD' printf='echo BAD' builtin='echo BAD' history='echo BAD' set='echo BAD'\n"
    )
    shell = start("bash", {".bashrc": hostile + "PS1='$ '; HISTCONTROL=ignoreboth\n"})
    assert shell.output("echo ok") == "ok\n"
    shell.run("# c")
    assert shell.commands() == [("echo ok", 0), ("# c", 0)]
    assert b"BAD" not in shell.shown


def test_bash_debug_and_err_traps_are_the_users(start: Any) -> None:
    shell = start(
        "bash", {".bashrc": "PS1='$ '; trap 'D=$((D+1)); L=$BASH_COMMAND' DEBUG; trap 'E=$((E+1))' ERR\n"}
    )
    shell.run("false")
    assert shell.output("echo $E") == "1\n"
    assert shell.output("trap -p ERR DEBUG").count("trap --") == 2
    shell.run("(exit 4)")
    assert shell.commands()[-1] == ("(exit 4)", 4)


def test_bash_exported_prompts_do_not_mark_nested_shells(start: Any) -> None:
    shell = start("bash", {".bashrc": "PS1='$ '; PS0='zero '\n"})
    shell.run("export PS1 PS0 PROMPT_COMMAND; set -a")
    shell.shows("zero ", "bash --norc --noprofile -u\r")
    shell.shows("inner\r\n", "echo inner\r")
    assert shell.commands()[-1] == ("bash --norc --noprofile -u", None)
    shell.prompt("exit 5\r")
    assert shell.commands()[-1] == ("bash --norc --noprofile -u", 5)
    assert b"unbound" not in shell.shown


@pytest.mark.parametrize("argv", ["bash -l", "bash --login -i"])
def test_bash_login_shells(start: Any, argv: str) -> None:
    files = {
        ".bash_profile": "PS1='login> '; W=profile\n",
        ".bashrc": "W=rc\n",
        ".bash_logout": "echo bye-bye\n",
    }
    shell = start(argv, files, env={"ENV": "/nonexistent/env"})
    assert shell.output("echo $W $ENV; shopt -q login_shell && echo yes") == "profile /nonexistent/env\nyes\n"
    assert shell.output("shopt -qo posix || echo no; echo ${POSIXLY_CORRECT-unset} ${HISTFILE##*/}") == (
        "no\nunset .bash_history\n"
    )
    assert shell.ended("logout\r") == 0
    assert b"bye-bye" in shell.shown


def test_bash_norc_and_rcfile(start: Any) -> None:
    files = {".bashrc": "W=rc\n", "other": "W=other\n"}
    shell = start("bash --norc", files)
    assert shell.output("echo ${W-none} ${ENV-unset}; shopt -qo posix || echo no") == "none unset\nno\n"
    shell = start(["bash", "--rcfile", "other"], files)
    assert shell.output("echo $W") == "other\n"


def test_path_is_ours_first_though_the_users_files_set_it(start: Any) -> None:
    for name, file in (("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/config.fish")):
        line = "set -gx PATH /usr/bin /bin" if name == "fish" else "PATH=/usr/bin:/bin"
        shell = start(name, {file: line + "\n"})
        assert shell.output("command -v reenact") == f"{shell.folder}/shell/bin/reenact\n"


# -- every shell ------------------------------------------------------------------------------------------

RC = {
    "bash": {".bashrc": "PS1='$ '\n"},
    "zsh": {".zshrc": "PS1='$ '\n"},
    "fish": {".config/fish/config.fish": "set -g fish_greeting\nfunction fish_prompt; echo '$ '; end\n"},
}
every = pytest.mark.parametrize("name", ["bash", "zsh", "fish"])


@every
def test_no_file_is_left_open_and_no_variable_of_ours_exported(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.run("true")
    found = shell.output("sh -c 'ls -1 /proc/self/fd; env'")
    assert found.split("\n")[:4] == ["0", "1", "2", "3"]  # 3 is the folder that ls reads
    assert "__reenact" not in found
    assert "0123456789abcdef" not in found
    assert f"REENACT_SESSION={shell.folder}\n" in found


@every
def test_redrawn_prompts_are_one(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.shows(b"\x1b[H", "\x0c")
    shell.in_front(name)
    shell.resize(60, 20)
    shell.shows("abc", "abc")
    shell.type("\x15")
    shell.run("true")
    shown = [e for e in shell.events() if type(e).__name__ == "PromptShown"]
    assert [e.n for e in shown] == [1, 2]
    assert shell.commands() == [("true", 0)]


@every
def test_recorded_output_shown_again_forges_nothing(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.run("true")
    (shell.folder / "raw").write_bytes(bytes(shell.raw))
    shell.run('cat "$REENACT_SESSION/raw"')
    assert shell.commands() == [("true", 0), ('cat "$REENACT_SESSION/raw"', 0)]


@every
def test_exec_and_exit(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    assert shell.ended("exit 3\r") == 3
    assert shell.commands() == [("exit 3", 3 if name == "fish" else None)]
    shell = start(name, RC[name])
    shell.shows("hello\r\n", "exec sh -c 'echo hello; exit 4'\r")
    assert shell.ended() == 4
    assert shell.commands() == [("exec sh -c 'echo hello; exit 4'", None)]


@every
def test_killed(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.run("true")
    pid = "$fish_pid" if name == "fish" else "$$"
    assert shell.ended(f"kill -9 {pid}\r") == -9
    assert shell.commands() == [("true", 0), (f"kill -9 {pid}", None)]


@every
def test_typing_ahead(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.prompt("sleep 0.2\recho one\recho two\r", count=3)
    assert shell.commands() == [("sleep 0.2", 0), ("echo one", 0), ("echo two", 0)]


@every
def test_bytes_of_every_kind_in_a_command(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    text = "echo 'tab\\t «é» 日本 🎉 ;;\\\\' \"q\"" + "x" * 3000
    shell.run(text)
    assert shell.commands() == [(text, 0)]


@every
def test_the_folder_of_each_command(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    odd = shell.folder / "a b;\x07"
    odd.mkdir()
    shell.run('cd "$REENACT_SESSION"; cd a*')
    shell.run("cd /")
    started = [e for e in shell.events() if type(e).__name__ == "CommandStarted"]
    ended = [e for e in shell.events() if type(e).__name__ == "CommandEnded"]
    assert started[1].cwd == ended[0].cwd == str(odd)
    assert ended[1].cwd == "/"


@every
def test_a_log_that_cannot_be_written_leaves_the_shell_alone(start: Any, name: str) -> None:
    shell = start(name, RC[name])
    shell.run("true")
    (shell.folder / "shell-1.log").unlink()
    (shell.folder / "shell-1.log").mkdir()
    shell.run("echo a")
    shell.run("false")
    (shell.folder / "shell-1.log").rmdir()
    assert [status for _, status in shell.commands()] == [0, 0, 1]
    assert b"shell-1.log" not in shell.shown


# -- zsh, fish --------------------------------------------------------------------------------------------


def test_zsh_themes_that_set_the_prompt_in_precmd(start: Any) -> None:
    theme = """
setopt prompt_subst
theme_precmd() { PROMPT="%F{red}[$?]%f "'$(echo sub)> ' }
precmd_functions+=(theme_precmd)
RPROMPT='%~ right'
late() { precmd_functions+=(theme_precmd) }
"""
    shell = start("zsh", {".zshrc": theme})
    for line in ("true", "late", "true", "true"):
        shell.run(line)
        assert shell.commands()[-1] == (line, 0)
    assert b"sub> " in shell.shown
    assert shell.output("print -rl -- $precmd_functions").split()[-1] == "__reenact_precmd"


def test_zsh_files_in_order_and_zdotdir_given_back(start: Any, tmp_path: Any) -> None:
    files = {
        f".z{name}": f"W+={name}:${{ZDOTDIR-unset}}' '\n" for name in ("shenv", "profile", "shrc", "login")
    }
    shell = start("zsh -l", files)
    assert shell.output("print -r -- $W").strip() == "shenv:unset profile:unset shrc:unset login:unset"
    moved = {".zshenv": f"ZDOTDIR={tmp_path}/home/z; W=env\n", "z/.zshrc": "W+=-moved\n"}
    shell = start("zsh", moved)
    assert shell.output("print -r -- $W ${ZDOTDIR##*/}") == "env-moved z\n"
    shell = start("zsh", {"own/.zshrc": "W=own\n"}, env={"ZDOTDIR": str(tmp_path / "home/own")})
    assert shell.output("print -r -- $W ${ZDOTDIR##*/}") == "own own\n"


def test_zsh_without_rc_files(start: Any) -> None:
    shell = start("zsh -f", {".zshrc": "W=rc\n", ".zshenv": "W=env\n"})
    assert shell.output("print -r -- ${W-none}; setopt | grep -c norcs") == "none\n1\n"


def test_zsh_options_show_nothing_of_ours(start: Any) -> None:
    shell = start(
        "zsh", {".zshrc": "PS1='$ '; PS4='+'\nalias local='echo BAD' print='echo BAD' typeset='echo BAD'\n"}
    )
    shell.run("set -x")
    shell.run("true")
    shell.run("# no such")
    shell.run("set +x")
    for option in (
        "nounset",
        "ksh_arrays",
        "sh_word_split",
        "err_return",
        "warn_create_global",
        "no_clobber",
        "verbose",
    ):
        shell.run(f"setopt {option}")
        shell.run("true")
        shell.run("echo )")
        shell.run(f"unsetopt {option}")
    assert [text for text, _ in shell.commands()][-3:] == ["true", "echo )", "unsetopt verbose"]
    shell.run("unsetopt promptpercent")
    shell.run("true")
    assert shell.commands()[-1] == ("true", 0)
    assert b"__reenact" not in shell.shown
    assert b"BAD" not in shell.shown
    assert MARK not in shell.shown


def test_zsh_traps_are_the_users(start: Any) -> None:
    shell = start("zsh", {".zshrc": "PS1='$ '\nTRAPZERR() { (( E++ )) }\n"})
    shell.run("trap '(( D++ ))' DEBUG")
    shell.run("false")
    shell.run("D=0; E=0")
    shell.run("false")
    assert shell.output("echo $E").strip() == "1"
    shell.run("(exit 4)")
    assert shell.commands()[-1] == ("(exit 4)", 4)


def test_fish_prompt_keeps_its_look_and_status(start: Any) -> None:
    config = 'set -g fish_greeting\nfunction fish_prompt; echo first; echo "[$status] second> "; end\n'
    shell = start("fish", {".config/fish/config.fish": config})
    assert b"[0] second> " in shell.shown
    shell.run("false")
    assert b"[1] second> " not in shell.shown  # `echo first` came between, as in fish alone
    shell.run("function fish_prompt; printf 'S%s> ' $status; end")
    assert b"S9> " in shell.run("sh -c 'exit 9'")
    assert shell.commands()[-1] == ("sh -c 'exit 9'", 9)
