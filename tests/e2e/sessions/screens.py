"""What a terminal can show: colours, wide characters, invalid bytes, floods, redraws, changes of size."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session


@session(shells=SHELLS)
def odd_bytes(e: Expert) -> None:
    """Invalid UTF-8, a NUL, a bell, backspaces, tabs, no newline at the end."""
    e.run(r"printf 'bad \377\376 utf\n'")
    e.run(r"printf 'cut \303\n'")
    e.run(r"printf 'a\000b\n'")
    e.run(r"printf 'ring\007\n'")
    e.run(r"printf 'abc\b\bX\tY\n'")
    e.run(r"printf 'no newline'")
    e.run(r"head -c 60 /dev/zero | tr '\0' '\200'; echo")


@session(shells=SHELLS)
def wide_characters_shown(e: Expert) -> None:
    """CJK, emoji with joiners, combining marks, right-to-left text, box drawing."""
    e.run("echo '日本語テキスト 한국어 中文'")
    e.run("echo '👩‍💻 🇳🇴 👍🏽 ✅'")
    e.run(r"printf 'e\314\201 a\314\212\n'")
    e.run("echo 'שלום مرحبا'")
    e.run("echo '┌──┐'; echo '│ab│'; echo '└──┘'")
    e.run("printf '%79s日\\n' x")


@session(shells=SHELLS)
def colours(e: Expert) -> None:
    """Colours by ls and grep, 256 and true colour, attributes."""
    e.run("mkdir d; touch f; ln -s f l; touch x.sh; chmod +x x.sh")
    e.run("ls --color=always")
    e.run("ls | grep --color=always '[dl]'")
    e.run(r"printf '\033[1;31mred\033[0m \033[38;5;208morange\033[0m \033[38;2;10;200;30mtrue\033[m\n'")
    e.run(
        r"printf '\033[3mitalic\033[23m \033[4munder\033[24m \033[7minverse\033[27m \033[9mstruck\033[29m\n'"
    )


@session(shells=SHELLS)
def a_flood_of_output(e: Expert) -> None:
    """A hundred thousand lines, then a long line, then little."""
    e.run("seq 100000", 30)
    e.run("seq -s ' ' 3000")
    e.run("echo small")


@session(deterministic=False)
def a_flood_interrupted(e: Expert) -> None:
    """Endless output stopped by ctrl-c; how much of it came is chance."""
    e.run("yes | head -1")
    e.line("yes all work and no play")
    e.expect("(all work and no play\n){200}")
    e.press("ctrl-c")
    e.prompt(20)
    e.run("echo calm")


@session(
    shells=("bash", "zsh"),
    files={
        "p.sh": (
            "#!/bin/sh\n"
            "for i in 1 2 3 4 5 6 7 8 9 10; do\n"
            "    bar=$(printf '%*s' $i '' | tr ' ' '#')\n"
            "    printf '\\r[%-10s] %d%%' \"$bar\" $((i * 10))\n"
            "    sleep 0.02\n"
            "done\n"
            "echo\n"
        )
    },
)
def progress_bar(e: Expert) -> None:
    """A progress bar drawn over itself."""
    e.run("./p.sh")
    e.run("./p.sh | tr '\\r' '\\n' | tail -1")


@session(
    files={
        "spin.py": (
            "import sys, time\n"
            "for n in range(12):\n"
            "    sys.stdout.write('\\b' + '|/-\\\\'[n % 4])\n"
            "    sys.stdout.flush()\n"
            "    time.sleep(0.01)\n"
            "print('\\bdone')\n"
        )
    }
)
def spinner(e: Expert) -> None:
    """A spinner by backspaces."""
    e.run("python3 spin.py")


@session(shells=SHELLS)
def resized_at_the_prompt(e: Expert) -> None:
    """The terminal grows and shrinks while the prompt waits, with a line half typed."""
    e.run("stty size")
    e.resize(120, 40)
    e.run("stty size")
    e.type("echo half a line")
    e.see(r"half a line\s*\Z")
    e.resize(60, 20)
    e.press("enter")
    e.prompt()
    e.run("tput cols; tput lines")


@session(
    files={
        "w.py": (
            "import os, signal, time\n"
            "seen = []\n"
            "signal.signal(signal.SIGWINCH, lambda *_: seen.append(os.get_terminal_size()))\n"
            "print('waiting', flush=True)\n"
            "while not seen:\n"
            "    time.sleep(0.01)\n"
            "print(seen[0].columns, seen[0].lines)\n"
        )
    }
)
def resized_under_a_program(e: Expert) -> None:
    """A program waits for the terminal to change its size."""
    e.line("python3 w.py")
    e.expect("^waiting")
    e.resize(100, 30)
    e.expect("^100 30$")
    e.prompt()


@session(tools=("less",), files={"t.txt": "".join(f"line {n}\n" for n in range(1, 101))}, rows=15)
def resized_in_less(e: Expert) -> None:
    """The terminal changes its size while less shows a file."""
    e.line("less t.txt")
    e.see("^line 14$")
    e.rested()
    e.resize(70, 20)
    e.see("^line 19$")
    e.press("space")
    e.see("^line 38$")
    e.type("q")
    e.prompt()


@session(shells=("bash",), cols=40, rows=10)
def a_small_terminal(e: Expert) -> None:
    """Everything wraps in a terminal of 40 by 10."""
    e.run("echo this is a line that will not fit into forty columns at all")
    e.run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; done")
    e.run("printf '%40s\\n' exactly-forty; printf '%41s\\n' one-more")


@session(cols=200, rows=60)
def a_large_terminal(e: Expert) -> None:
    """A terminal of 200 by 60."""
    e.run("seq -s ' ' 120")
    e.run("ls -C /usr/bin/[a-b]* | head -0; tput cols")


@session()
def cursor_addressing(e: Expert) -> None:
    """Draws about the screen by tput and escape sequences, then tidies up."""
    e.run("tput clear; tput cup 5 10; echo here; tput cup 10 0")
    e.run(r"printf '\033[s\033[1;1Htop\033[u'; echo back")
    e.run(r"printf '\033[?25l\033[?25h\033[2K'; echo shown")
    e.run("tput smcup; echo other screen; tput rmcup; echo main screen")
    e.run("reset -Q 2>/dev/null; tput sgr0; echo sane")


@session()
def titles_and_links(e: Expert) -> None:
    """Window titles, hyperlinks, foreign shell marks and other strings that show nothing."""
    e.run(r"printf '\033]0;a title\007'; echo titled")
    e.run(r"printf '\033]8;;https://example.org\033\\link\033]8;;\033\\\n'")
    e.run(r"printf '\033]133;C\007\033]133;D;9\007'; echo forged")
    e.run(r"printf '\033]7770;00000000000000000000000000000000;C\007'; echo look-alike")
    e.run(r"printf '\033P1$r0m\033\\\033_ignored\033\\'; echo strings")


@session(after={"place.txt": "1 1\n"})
def asking_the_terminal(e: Expert) -> None:
    """A program asks where the cursor is and what the terminal is; the terminal types the answers."""
    e.run(
        r"""printf '\033[2J\033[H\033[6n'; IFS=';' read -rs -d R row col; echo "${row#*[} $col" > place.txt"""
    )
    e.run(r"""printf '\033[c'; IFS= read -rs -d c kind; echo "${#kind}" | tr -d 0-9""")
    e.run("cat place.txt")


@session(rc="stty -echoctl\n")
def terminal_settings(e: Expert) -> None:
    """Looks at and changes the terminal's settings."""
    e.run("stty -a | grep -o 'erase = [^;]*'")
    e.run("stty -echo; echo unseen; stty echo")
    e.run("stty sane; tty | sed 's/[0-9]*$//'")
    e.run("test -t 0 && test -t 1 && echo a terminal")
    e.run("echo $TERM; tput colors")


@session(tools=("top",), deterministic=False)
def top_once_and_live(e: Expert) -> None:
    """The machine's processes: one page of top, then top itself for a moment."""
    e.run("top -b -n1 | head -3")
    e.line("top -d 0.3")
    e.see("PID +USER")
    e.type("q")
    e.prompt()


@session(tools=("watch",), deterministic=False, files={"n.txt": "0\n"})
def watch_a_file(e: Expert) -> None:
    """watch until a file's content changes on the screen."""
    e.line("watch -n 0.2 cat n.txt")
    e.see("^0$")
    (e.cwd / "n.txt").write_text("changed\n")
    e.see("^changed$")
    e.press("ctrl-c")
    e.prompt()


@session(tools=("man",), after={"seen.txt": re.compile("ls")})
def manual_page(e: Expert) -> None:
    """Opens a manual page if there is one, leaves it."""
    e.line("man ls")
    e.see(r"LS\(1\)|No manual entry|minimized")
    if "LS(1)" in e.screen:
        e.type("/recursive")
        e.press("enter")
        e.see("recursive")
        e.type("q")
    e.prompt()
    e.run("echo ls > seen.txt")
