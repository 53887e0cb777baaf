"""What shells can say: loops, functions, here-documents, arrays, pipelines, folders, variables, nested shells."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session


@session(shells=("bash", "zsh"), after={"greeting.txt": "Dear Robin,\n  2 + 3 = 5\n"})
def here_document(e: Expert) -> None:
    """Writes a file by a here-document typed line by line."""
    e.run("name=Robin")
    e.line("cat > greeting.txt <<EOF")
    e.see(r"^(heredoc)?>\s*\Z")
    e.line("Dear $name,")
    e.line("  2 + 3 = $((2 + 3))")
    e.line("EOF")
    e.prompt()
    e.run("cat greeting.txt")


@session(after={"squares.txt": "1 1\n2 4\n3 9\n"})
def loop_over_lines(e: Expert) -> None:
    """A for loop typed over several lines."""
    e.line("for n in 1 2 3")
    e.ready("> ")
    e.line("do")
    e.ready("> ")
    e.line("  echo $n $((n * n))")
    e.ready("> ")
    e.line("done > squares.txt")
    e.prompt()
    e.run('while read -r a b; do echo "$b is $a squared"; done < squares.txt')


@session(shells=("fish",), after={"squares.txt": "1 1\n2 4\n3 9\n"})
def loop_over_lines_fish(e: Expert) -> None:
    """A for loop typed over several lines in fish."""
    e.line("for n in 1 2 3")
    e.line("echo $n (math $n x $n)")
    e.line("end > squares.txt")
    e.prompt()
    e.run("cat squares.txt")


@session(shells=("zsh",), after={"squares.txt": "1 1\n2 4\n3 9\n"})
def loop_over_lines_zsh(e: Expert) -> None:
    """A for loop typed over several lines in zsh, whose continuation prompt names what is open."""
    e.line("for n in {1..3}")
    e.see(r"^for>\s*\Z")
    e.line("do echo $n $((n * n))")
    e.see(r"\)\)\n.*for>\s*\Z")
    e.line("done > squares.txt")
    e.prompt()
    e.run('print -l ${(f)"$(<squares.txt)"}')


@session(shells=("bash", "zsh"), after={"area.txt": "12\n"}, exit=127)
def functions_and_aliases(e: Expert) -> None:
    """Defines a function and an alias, uses both, then removes them."""
    e.run("area() { echo $(($1 * $2)); }")
    e.run("area 3 4 > area.txt")
    e.run("alias ll='ls -1'")
    e.run("ll")
    e.run("unalias ll; unset -f area")
    assert "not found" in e.run("area 1 2")


@session(shells=("fish",), after={"area.txt": "12\n"})
def functions_fish(e: Expert) -> None:
    """Defines a function in fish over several lines and uses it."""
    e.line("function area")
    e.line("math $argv[1] x $argv[2]")
    e.line("end")
    e.prompt()
    e.run("area 3 4 > area.txt")
    e.run("set -l parts (string split , a,b,c); count $parts; echo $parts[2..]")
    e.run("if test -e area.txt; echo there; else; echo missing; end")


@session(after={"codes.txt": "0\n1\n0 1 0\n1\n3\n127\n130\n"})
def exit_codes(e: Expert) -> None:
    """Pipelines whose middle fails, pipefail, subshells, commands that do not exist."""
    e.run("false | true; echo $? > codes.txt")
    e.run("true | false; echo $? >> codes.txt")
    e.run("true | false | true; echo ${PIPESTATUS[*]} >> codes.txt")
    e.run("set -o pipefail")
    e.run("false | true; echo $? >> codes.txt")
    e.run("(exit 3); echo $? >> codes.txt")
    e.run("no-such-program 2>/dev/null; echo $? >> codes.txt")
    e.run("bash -c 'kill -INT $$'; echo never")
    e.run("echo $? >> codes.txt")
    e.run("cat codes.txt")


@session(shells=SHELLS)
def failing_commands(e: Expert) -> None:
    """Commands that end with all kinds of exit status, each on a line of its own."""
    e.run("true")
    e.run("false")
    e.run("sh -c 'exit 42'")
    e.run("grep nothing /dev/null")
    e.run("ls /does/not/exist")
    e.run("nosuchprogram")
    e.run("sh -c 'kill -TERM $$'")
    e.run("sh -c 'kill -SEGV $$' ")
    e.run("echo end")


@session(shells=("bash", "zsh"), after={"deep/er/here.txt": "found\n", "top.txt": "back\n"})
def folders(e: Expert) -> None:
    """Makes folders, walks about with cd, cd -, pushd and popd."""
    e.run("mkdir -p deep/er other")
    e.run("cd deep/er")
    e.run("echo found > here.txt; pwd | sed 's,.*/work,work,'")
    e.run("cd - > /dev/null")
    e.run("pushd other > /dev/null")
    e.run('basename "$PWD"')
    e.run("popd > /dev/null")
    e.run("cd no-such-folder")
    e.run("echo back > top.txt")


@session(shells=("fish",), after={"deep/er/here.txt": "found\n", "top.txt": "back\n"})
def folders_fish(e: Expert) -> None:
    """Walks about in fish, also by a bare folder name and by prevd."""
    e.run("mkdir -p deep/er other")
    e.run("cd deep/er")
    e.run("echo found > here.txt")
    e.run("cd ../..")
    e.run("other/")
    e.run("prevd")
    e.run("echo back > top.txt")


@session(shells=SHELLS, after={"away/x.txt": "x\n"})
def ending_in_another_folder(e: Expert) -> None:
    """Leaves the shell in a folder other than the one it began in."""
    e.run("mkdir away")
    e.run("cd away")
    e.run("echo x > x.txt")
    e.run("ls ..")


@session(after={"env.txt": "blue:seven\n"})
def variables(e: Expert) -> None:
    """Shell and environment variables, default values, string operations."""
    e.run("colour=blue")
    e.run("export COUNT=seven")
    e.run("bash -c 'echo ${colour-unset}:$COUNT'")
    e.run("echo $colour:$COUNT > env.txt")
    e.run("path=/a/b/file.tar.gz; echo ${path##*/} ${path%.gz} ${path/b/c} ${#path}")
    e.run("echo ${nothing:-fallback} ${colour^^}")
    e.run('unset colour; echo "[$colour]"')
    e.run("readonly fixed=1; fixed=2")
    e.run("LC_ALL=C env | grep -c '^COUNT=seven$'")


@session(after={"sorted.txt": "apple\nbanana\ncherry\n"})
def arrays(e: Expert) -> None:
    """Arrays and associative arrays."""
    e.run("fruit=(cherry apple banana)")
    e.run("echo ${#fruit[@]} ${fruit[1]} ${fruit[@]:1}")
    e.run("printf '%s\\n' \"${fruit[@]}\" | sort > sorted.txt")
    e.run("declare -A age=([ann]=31 [bob]=42); echo ${age[bob]}")
    e.run("mapfile -t lines < sorted.txt; echo ${lines[2]}")
    e.run('for i in "${!fruit[@]}"; do echo $i=${fruit[i]}; done')


@session(
    shells=SHELLS,
    files={
        "a1.txt": "1",
        "a2.txt": "2",
        "b1.log": "3",
        "sub/a3.txt": "4",
        ".hidden": "5",
        "with space.txt": "6",
    },
)
def globbing(e: Expert) -> None:
    """Patterns over file names, hidden ones and names with a space among them."""
    e.run("echo *.txt")
    e.run("ls -1 a?.txt")
    e.run("echo */a*.txt")
    e.run("ls -A")
    e.run("cat 'with space.txt' with\\ space.txt")
    e.run("echo {x,y}{1,2}")


@session(
    exit=1, after={"out.txt": "to stdout\n", "err.txt": "to stderr\n", "both.txt": "to stdout\nto stderr\n"}
)
def redirections(e: Expert) -> None:
    """Every which way of redirecting, with process substitution and here-strings."""
    e.run("talk() { echo to stdout; echo to stderr >&2; }")
    e.run("talk > out.txt 2> err.txt")
    e.run("talk &> both.txt")
    e.run("talk 2>&1 >/dev/null | tr a-z A-Z")
    e.run("diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n')")
    e.run("tr o 0 <<< 'foo boo'")
    e.run("exec 3> three.txt; echo three >&3; exec 3>&-; cat three.txt")
    e.run("cat < missing.txt")


@session(shells=("bash", "zsh"), after={"who.txt": "Ada of London\n"})
def asked_by_read(e: Expert) -> None:
    """Answers what `read` asks."""
    e.line("printf 'Name? '; read name; printf 'Town? '; read town; echo $name of $town > who.txt")
    e.expect(r"Name\? \Z")
    e.line("Ada")
    e.expect(r"Town\? \Z")
    e.line("London")
    e.prompt()
    e.run("cat who.txt")


@session(after={"menu.txt": "pear\n"})
def select_menu(e: Expert) -> None:
    """Chooses from a select menu, after one wrong answer."""
    e.line('select f in apple pear plum; do [ -n "$f" ] && { echo $f > menu.txt; break; }; echo again; done')
    e.expect(r"#\? ")
    e.line("9")
    e.expect(r"again\n#\? ")
    e.line("2")
    e.prompt()
    e.run("cat menu.txt")


@session(
    files={
        "setup.sh": "#!/bin/bash\nset -euo pipefail\nread -rp 'Project name: ' name\n"
        "read -rp 'Really? [y/N] ' -n 1 sure; echo\n[[ $sure == y ]] || exit 2\n"
        'mkdir "$name"\necho "# $name" > "$name/README"\necho "made $name"\n'
    },
    after={"demo/README": "# demo\n"},
)
def interactive_script(e: Expert) -> None:
    """Runs a script that asks; first declines, then accepts."""
    e.line("./setup.sh")
    e.expect(r"Project name: \Z")
    e.line("demo")
    e.expect(r"\[y/N\] \Z")
    e.type("n")
    e.prompt()
    e.run("echo $?")
    e.line("./setup.sh")
    e.expect(r"Project name: \Z")
    e.type("demp")
    e.press("backspace")
    e.line("o")
    e.expect(r"\[y/N\] \Z")
    e.type("y")
    e.prompt()
    e.run("cat demo/README")


@session(after={"inner.txt": "inner 2\n"})
def nested_shells(e: Expert) -> None:
    """A shell in a shell in a shell, each with an exit status."""
    e.run("echo outer")
    e.run("bash")
    e.run("echo inner $SHLVL | sed 's/[0-9]*$/2/' > inner.txt")
    e.run("bash --norc --noprofile -c 'exit 9'")
    e.run("echo $?")
    e.line("exit 5")
    assert "exit" in e.prompt()
    e.run("echo back with $?")


@session()
def shells_of_other_kinds(e: Expert) -> None:
    """From bash into dash, and out again."""
    e.line("PS1='dash> ' sh")
    e.ready("dash> ")
    e.line("echo from $0")
    e.ready("dash> ")
    e.line("false || echo failed")
    e.ready("dash> ")
    e.press("ctrl-d")
    e.prompt()
    e.run("echo in bash again")


@session(tools=("zsh",), after={"z.txt": "zsh\n"})
def zsh_inside_bash(e: Expert) -> None:
    """Starts zsh from bash, works there, comes back."""
    e.run("zsh")
    e.run("print -r -- zsh > z.txt")
    e.run("echo ${(U):-loud}")
    e.line("exit")
    e.prompt()
    e.run("cat z.txt")


@session(
    files={
        "lib.sh": 'greet() { echo "hello $1"; }\nGREETED=yes\n',
        "main.sh": '#!/bin/bash\nsource ./lib.sh\ngreet "${1:?who}"\n',
    }
)
def sourcing_and_tracing(e: Expert) -> None:
    """Sources a library, runs a script with bash -x, sees an unset parameter fail."""
    e.run("source lib.sh")
    e.run("greet world; echo $GREETED")
    e.run("./main.sh")
    e.run("bash -x main.sh there")
    e.run("set -x; greet traced; set +x")
    e.run("type greet")


@session(
    rc="trap '[ -n \"$BASH_COMMAND\" ] && LAST=$BASH_COMMAND' DEBUG\n", after={"last.txt": re.compile("echo")}
)
def own_debug_trap(e: Expert) -> None:
    """A shell whose owner has a DEBUG trap."""
    e.run("echo one")
    e.run("echo $LAST | grep -o echo > last.txt")
    e.run("trap 'echo leaving' EXIT")
    e.line("exit")
    e.expect("leaving")
    e.leave()


@session(
    rc="PS1='\\[\\e[1;32m\\]\\u\\[\\e[0m\\] $? $(ls | wc -l)\\ne2e$ '\nPROMPT_COMMAND='COUNT=$((COUNT + 1))'\n",
    after={"n.txt": "3\n"},
)
def two_line_prompt(e: Expert) -> None:
    """A coloured prompt of two lines with a command substitution, and a PROMPT_COMMAND."""
    e.run("touch a b")
    e.run("false")
    e.run("echo $COUNT > n.txt")


@session(
    shells=("zsh",),
    rc="RPROMPT='[right]'\nsetopt prompt_subst\nprecmd() { true }\npreexec() { true }\n",
    right_prompt="[right]",
    after={"r.txt": "r\n"},
)
def right_prompt(e: Expert) -> None:
    """zsh with a right-hand prompt and hooks of the owner's."""
    e.run("echo r > r.txt")
    e.run("false")
    e.type("echo some text")
    e.press("ctrl-a", "ctrl-k")
    e.run("cat r.txt")


@session(
    rc="set -o ignoreeof\nHISTCONTROL=ignoreboth\nshopt -s histappend cmdhist\n", after={"x.txt": "1\n1\n"}
)
def history_settings(e: Expert) -> None:
    """Repeated and space-led commands under HISTCONTROL=ignoreboth; ctrl-d is refused."""
    e.run("echo 1 >> x.txt")
    e.run("echo 1 >> x.txt")
    e.run(" echo secret > /dev/null")
    e.press("ctrl-d")
    e.expect("Use")
    e.prompt()
    e.run("history | wc -l")


@session(after={"calc.txt": "42\n"}, exit=1)
def arithmetic_and_printf(e: Expert) -> None:
    """Arithmetic, printf, brace expansion, string tests, case."""
    e.run("echo $((6 * 7)) > calc.txt")
    e.run("printf '%05d|%-6s|%x|%.2f\\n' 42 ab 255 3.14159")
    e.run("echo {a..e} {1..10..3}")
    e.run("[[ abc == a* && 5 -gt 3 ]] && echo both")
    e.run("case hello in h*) echo starts with h ;; *) echo else ;; esac")
    e.run("x=5; ((x++)); echo $x; let x*=2; echo $x")
    e.run("echo $((1 / 0))")


@session(shells=("bash", "zsh"), files={"in.txt": "3\n1\n2\n"}, after={"max.txt": "3\n"})
def substitutions(e: Expert) -> None:
    """Command substitution, nested, with a failing part."""
    e.run("echo max is $(sort -n in.txt | tail -1)")
    e.run("max=$(sort -n in.txt | tail -1) && echo $max > max.txt")
    e.run("x=$(false); echo status $?")
    e.run("echo $(echo $(echo deep))")
    e.run("wc -l $(ls *.txt)")
