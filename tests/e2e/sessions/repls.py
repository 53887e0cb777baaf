"""Programs that ask: interpreters, database shells, calculators, passwords."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session

ASK = {
    "login.py": (
        "import getpass\n"
        "user = input('User: ')\n"
        "word = getpass.getpass()\n"
        "open('login.txt', 'w').write(user + (' with a password' if word else ' without') + '\\n')\n"
        "print('welcome', user)\n"
    )
}


@session(shells=SHELLS, after={"fact.txt": "120\n"})
def python_repl(e: Expert) -> None:
    """A function over several lines in Python's REPL, a traceback, an import, the end by ctrl-d."""
    e.line("python3 -q")
    e.ready(">>> ")
    e.line("def fact(n):")
    e.ready("... ")
    e.line("    return 1 if n < 2 else n * fact(n - 1)")
    e.ready("... ")
    e.press("enter")
    e.ready(">>> ")
    e.line("fact(5)")
    e.ready(">>> ")
    e.line("1 / 0")
    e.ready(">>> ")
    e.line("print(fact(5), file=open('fact.txt', 'w'))")
    e.ready(">>> ")
    e.press("ctrl-d")
    e.prompt()
    e.run("cat fact.txt")


@session()
def python_repl_history(e: Expert) -> None:
    """Arrow keys, ctrl-c, tab completion and help in the REPL."""
    e.line("python3 -q")
    e.ready(">>> ")
    e.line("colours = ['red', 'green']")
    e.ready(">>> ")
    e.line("import rlcompleter, readline; readline.parse_and_bind('tab: complete')")
    e.ready(">>> ")
    e.type("colours.app")
    e.press("tab")
    e.see(r"colours\.append\(")
    e.line("'blue')")
    e.ready(">>> ")
    e.press("up", "up", "up")
    e.see(r">>> colours = \['red', 'green'\]\s*\Z")
    e.press("down")
    e.see(r">>> import .*\s*\Z")
    e.rested()
    e.press("ctrl-c")
    e.ready(">>> ")
    e.line("import time; time.sleep(100)")
    e.expect(r"sleep\(100\)")
    e.rested()
    e.press("ctrl-c")
    e.ready(">>> ")
    e.line("colours")
    e.ready(">>> ")
    e.line("exit()")
    e.prompt()


@session(
    tools=("sqlite3",),
    files={"schema.sql": "create table t(id integer primary key, name text, price real);\n"},
)
def sqlite_shell(e: Expert) -> None:
    """Makes a table, fills it, asks it, errs, changes the output mode, quits."""
    e.line("sqlite3 shop.db")
    e.ready("sqlite> ")
    e.line(".read schema.sql")
    e.ready("sqlite> ")
    e.line("insert into t(name, price) values ('pen', 1.5), ('ink', 7), ('pad', 3.25);")
    e.ready("sqlite> ")
    e.line("select name,")
    e.ready("   ...> ")
    e.line("price from t")
    e.ready("   ...> ")
    e.line("order by price desc;")
    e.ready("sqlite> ")
    e.line("select nothing from nowhere;")
    e.ready("sqlite> ")
    e.line(".mode box")
    e.ready("sqlite> ")
    e.line("select count(*), avg(price) from t;")
    e.ready("sqlite> ")
    e.line(".quit")
    e.prompt()
    e.run("sqlite3 shop.db 'select sum(price) from t'")


@session(tools=("node",))
def node_repl(e: Expert) -> None:
    """node's REPL: an expression, a function over lines, an error, leaving by .exit."""
    e.line("node")
    e.ready("> ", 20)
    e.line("const xs = [3, 1, 2]")
    e.ready("> ")
    e.line("xs.sort().map(x => x * 2)")
    e.ready("> ")
    e.line("function twice(x) {")
    e.ready("... ")
    e.line("return 2 * x }")
    e.ready("> ")
    e.line("twice(21)")
    e.ready("> ")
    e.line("nothing.at.all")
    e.ready("> ")
    e.line(".exit")
    e.prompt()


@session(tools=("bc",))
def bc_calculator(e: Expert) -> None:
    """Calculates in bc, divides by zero, quits."""
    e.line("bc -q")
    e.until(lambda: e.foreground() == "bc", "bc to run")
    e.line("2^64")
    e.expect("^18446744073709551616$")
    e.line("scale=20; 4*a(1)")
    e.line("1/0")
    e.expect("[Dd]ivide by zero")
    e.line("define f(x) { return x*x; }")
    e.line("f(12)")
    e.expect("^144$")
    e.line("quit")
    e.prompt()
    e.run("echo '10/4' | bc -l")


@session(tools=("perl",))
def perl_debugger(e: Expert) -> None:
    """Evaluates in perl's debugger."""
    e.line("perl -de0")
    e.see(r"DB<1> *\Z")
    e.line("print 6 * 7")
    e.see(r"DB<2> *\Z")
    e.line("x [1, {a => 2}]")
    e.see(r"DB<3> *\Z")
    e.line("q")
    e.prompt()


@session(shells=("bash", "zsh"), after={"token.txt": "given\n"})
def hidden_read(e: Expert) -> None:
    """A secret asked for by read -s, which must not be stored; nothing that it leaves behind may depend on it."""
    e.line("printf 'Token: '; read -s token; echo; echo ${token:+given} > token.txt")
    e.expect(r"Token: \Z")
    e.line("hunter22")
    e.prompt()
    e.run("cat token.txt")


@session(files=ASK, after={"login.txt": "ann with a password\n"})
def getpass_prompt(e: Expert) -> None:
    """A program asks for a user and a password, without echo."""
    e.line("python3 login.py")
    e.expect(r"User: \Z")
    e.line("ann")
    e.expect(r"Password: \Z")
    e.line("open sesame!")
    e.prompt()
    e.run("cat login.txt")


@session(
    exit=130,
    files={
        "wizard.py": (
            "answers = {}\n"
            "for q in ('name', 'colour', 'number'):\n"
            "    while not (a := input(f'{q}> ')):\n"
            "        print('please answer')\n"
            "    answers[q] = a\n"
            "n = int(answers['number'])\n"
            "print(answers, n * 2)\n"
        )
    },
)
def question_loop(e: Expert) -> None:
    """A script that asks until answered; at last gets what it can't use."""
    e.line("python3 wizard.py")
    e.expect(r"name> \Z")
    e.press("enter")
    e.expect(r"please answer\nname> \Z")
    e.line("Ada")
    e.expect(r"colour> \Z")
    e.line("green")
    e.expect(r"number> \Z")
    e.line("seven")
    assert "ValueError" in e.prompt()
    e.line("python3 wizard.py")
    e.expect(r"name> \Z")
    e.rested()
    e.press("ctrl-c")
    e.prompt()


@session(
    files={
        "keys.py": (
            "import sys, termios, tty\n"
            "old = termios.tcgetattr(0)\n"
            "tty.setcbreak(0)\n"
            "print('press keys, q ends', flush=True)\n"
            "seen = ''\n"
            "try:\n"
            "    while (k := sys.stdin.read(1)) != 'q':\n"
            "        seen += k\n"
            "        print(repr(k), flush=True)\n"
            "finally:\n"
            "    termios.tcsetattr(0, termios.TCSADRAIN, old)\n"
            "open('seen.txt', 'w').write(repr(seen) + '\\n')\n"
        )
    },
    after={"seen.txt": "'ab\\x1b[A '\n"},
)
def single_keys(e: Expert) -> None:
    """A program that takes key by key, without echo, without enter."""
    e.line("python3 keys.py")
    e.expect("^press keys")
    e.type("a")
    e.expect("'a'")
    e.type("b")
    e.expect("'b'")
    e.press("up")
    e.expect(r"'\\x1b'\n'\['\n'A'")
    e.press("space")
    e.expect("' '")
    e.type("q")
    e.prompt()


@session(
    files={
        "menu.py": (
            "import curses\n"
            "\n"
            "def main(w):\n"
            "    curses.curs_set(0)\n"
            "    items, at = ['apple', 'pear', 'plum'], 0\n"
            "    while True:\n"
            "        w.erase()\n"
            "        w.addstr(0, 0, 'Choose', curses.A_BOLD)\n"
            "        for n, item in enumerate(items):\n"
            "            w.addstr(n + 2, 2, item, curses.A_REVERSE if n == at else 0)\n"
            "        w.addstr(6, 0, f'at {at}')\n"
            "        w.refresh()\n"
            "        key = w.getch()\n"
            "        if key in (curses.KEY_DOWN, ord('j')):\n"
            "            at = min(at + 1, 2)\n"
            "        elif key in (curses.KEY_UP, ord('k')):\n"
            "            at = max(at - 1, 0)\n"
            "        elif key in (10, 13):\n"
            "            return items[at]\n"
            "\n"
            "chosen = curses.wrapper(main)\n"
            "print('chosen:', chosen)\n"
            "open('chosen.txt', 'w').write(chosen + '\\n')\n"
        )
    },
    after={"chosen.txt": "plum\n"},
)
def curses_menu(e: Expert) -> None:
    """Chooses from a full-screen menu by arrow keys."""
    e.line("python3 menu.py")
    e.see("at 0")
    e.press("down")
    e.see("at 1")
    e.type("k")
    e.see("at 0")
    e.press("down")
    e.see("at 1")
    e.press("down")
    e.see("at 2")
    e.press("enter")
    e.expect("chosen: plum")
    e.prompt()


@session(files={"names.txt": "x\ny\n"}, after={"x": None, "names.txt": "x\ny\n"})
def questions_before_deleting(e: Expert) -> None:
    """rm -i, cp -i and mv -i ask; yes and no are answered."""
    e.run("touch x y")
    e.line("rm -i x y")
    e.expect(r"remove .*'x'\? \Z")
    e.line("y")
    e.expect(r"remove .*'y'\? \Z")
    e.line("n")
    e.prompt()
    e.line("cp -i y names.txt")
    e.expect(r"overwrite 'names\.txt'\? \Z")
    e.line("n")
    e.prompt()
    e.run("ls")


@session(after={"out.txt": re.compile(r"\A\[1, 4, 9\]\n\Z")})
def python_repl_paste(e: Expert) -> None:
    """Pastes a function into the REPL, with the lines that a person would type after it."""
    e.line("python3 -q")
    e.ready(">>> ")
    for line, answer in (("def sq(xs):", "... "), ("    return [x * x for x in xs]", "... "), ("", ">>> ")):
        e.paste(line)
        e.press("enter")
        e.ready(answer)
    e.line("import sys; print(sq([1, 2, 3]), file=open('out.txt', 'w'))")
    e.ready(">>> ")
    e.line("raise SystemExit(3)")
    e.prompt()
    e.run("echo $?")
