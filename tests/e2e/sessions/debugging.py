"""Debugging programs: Python, C, node, perl, shell; with tests, debuggers and prints."""

from __future__ import annotations

import re

from expert import Expert
from habits import ex, full_screen, insert, save_and_quit
from scenario import SHELLS, session

MEAN = {
    "stats.py": (
        "def mean(values):\n"
        "    total = 0\n"
        "    for value in values:\n"
        "        total += value\n"
        "    return total / (len(values) - 1)\n"
    ),
    "test_stats.py": "from stats import mean\n\n\ndef test_mean():\n    assert mean([2, 4, 6]) == 4\n\n\n"
    "def test_one():\n    assert mean([5]) == 5\n",
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}
MEAN_FIXED = MEAN["stats.py"].replace("(len(values) - 1)", "len(values)")
LIST_C = {
    "list.c": """#include <stdio.h>

static int sum(const int *values, int count)
{
    int total = 0;
    for (int i = 0; i <= count; i++)
        total += values[i];
    return total;
}

int main(void)
{
    int values[4] = {1, 2, 3, 1000};
    printf("%d\\n", sum(values, 3));
    return sum(values, 3) == 6 ? 0 : 1;
}
""",
    "Makefile": (
        "CFLAGS = -g -O0 -Wall\n"
        "\n"
        "list: list.c\n"
        "\t$(CC) $(CFLAGS) -o $@ $<\n"
        "\n"
        "check: list\n"
        "\t./list\n"
        "\n"
        "clean:\n"
        "\trm -f list\n"
    ),
}
LIST_C_FIXED = LIST_C["list.c"].replace("<= count", "< count")


@session(files=MEAN, tools=("vim", "git"), after={"stats.py": MEAN_FIXED})
def python_bug_fixed_in_vim(e: Expert) -> None:
    """A failing pytest run, the fault found and fixed in vim, a passing run."""
    assert "2 failed" in e.run("python3 -m pytest -q")
    full_screen(e, "vim stats.py", "def mean")
    ex(e, "5")
    e.type("/len")
    e.press("enter")
    e.at(row=4, col=20)
    e.type("hxf)f)xhh")
    ex(e, "s/ - 1)*//", None)
    e.see(r"return total / len\(values\)")
    save_and_quit(e)
    assert "2 passed" in e.run("python3 -m pytest -q")


@session(shells=SHELLS, files=MEAN, after={"stats.py": MEAN_FIXED})
def python_bug_fixed_by_sed(e: Expert) -> None:
    """The same bug, one test picked, fixed by sed."""
    e.run("python3 -m pytest -q -k one --no-header")
    e.run("sed -i 's/(len(values) - 1)/len(values)/' stats.py")
    assert "2 passed" in e.run("python3 -m pytest -q")


@session(files=MEAN, tools=("nano",), after={"stats.py": MEAN_FIXED}, env={"PYTHONDONTWRITEBYTECODE": "1"})
def python_bug_fixed_in_nano(e: Expert) -> None:
    """The same bug, seen by running Python, fixed in nano."""
    e.run("python3 -c 'from stats import mean; print(mean([2, 4, 6]))'")
    full_screen(e, "nano +5 stats.py", "def mean")
    e.press("end", *["backspace"] * len("(len(values) - 1)"))
    e.type("len(values)")
    e.see(r"return total / len\(values\)$")
    e.press("ctrl-o", "enter")
    e.see("Wrote 5 lines")
    e.press("ctrl-x")
    e.prompt()
    e.run("python3 -c 'from stats import mean; print(mean([2, 4, 6]))'")


@session(files=MEAN)
def stepping_in_pdb(e: Expert) -> None:
    """Steps through a function in pdb: a breakpoint, locals, an expression, on to the end."""
    e.line("python3 -B -c 'import pdb, stats; pdb.run(\"stats.mean([2, 4, 6])\")'")
    e.ready("(Pdb) ")
    for command in (
        "s",
        "s",
        "b stats.py:5",
        "c",
        "p total, values",
        "p len(values) - 1",
        "w",
        "l",
        "total = 8",
        "r",
        "q",
    ):
        e.line(command)
        if command == "q":
            e.prompt()
        else:
            e.ready("(Pdb) ")


@session(
    files={
        "shop.py": (
            "import sys\n"
            "\n"
            "\n"
            "def price(items):\n"
            '    return sum(item["price"] * item["count"] for item in items)\n'
            "\n"
            "\n"
            "def main():\n"
            '    items = [{"price": 3, "count": 2}, {"price": 5}]\n'
            "    print(price(items))\n"
            "\n"
            "\n"
            'if __name__ == "__main__":\n'
            "    main()\n"
        )
    },
    after={"shop.py": re.compile(r'item\.get\("count", 1\)')},
)
def traceback_and_fix(e: Expert) -> None:
    """A KeyError's traceback, a look at the line, a fix by Python itself."""
    assert "KeyError: 'count'" in e.run("python3 shop.py")
    e.run("sed -n 5p shop.py")
    e.paste(
        "python3 - <<'EOF'\nfrom pathlib import Path\np = Path('shop.py')\n"
        "p.write_text(p.read_text().replace('item[\"count\"]', 'item.get(\"count\", 1)'))\nEOF"
    )
    e.see(r"EOF\s*\Z")
    e.press("enter")
    e.prompt()
    assert "11" in e.run("python3 shop.py")


@session(
    files={
        "calc.py": (
            "def add(a, b):\n"
            '    """\n'
            "    >>> add(1, 2)\n"
            "    3\n"
            '    >>> add("a", "b")\n'
            "    'ab'\n"
            "    >>> add(1, 1)\n"
            "    3\n"
            '    """\n'
            "    return a + b\n"
        ),
        "test_calc.py": (
            "import unittest\n"
            "from calc import add\n"
            "\n"
            "\n"
            "class TestAdd(unittest.TestCase):\n"
            "    def test_ints(self):\n"
            "        self.assertEqual(add(1, 2), 3)\n"
            "\n"
            "    def test_wrong(self):\n"
            "        self.assertEqual(add(2, 2), 5)\n"
            "\n"
            "    @unittest.skip('later')\n"
            "    def test_later(self):\n"
            "        pass\n"
        ),
    },
    env={"PYTHONDONTWRITEBYTECODE": "1"},
    after={"test_calc.py": re.compile(r"add\(2, 2\), 4")},
)
def unittest_and_doctest(e: Expert) -> None:
    """A failing doctest and a failing unittest, both corrected."""
    e.run("python3 -m doctest calc.py")
    e.run("sed -i '8s/3/2/' calc.py; python3 -m doctest -v calc.py | tail -3")
    e.run("python3 -m unittest -v")
    e.run("sed -i 's/2, 2), 5/2, 2), 4/' test_calc.py")
    assert "OK" in e.run("python3 -m unittest")


@session(files=LIST_C, tools=("gcc", "make"), after={"list.c": LIST_C_FIXED, "list": None})
def c_program_with_make(e: Expert) -> None:
    """A C program built by make, wrong, corrected by sed, rebuilt, cleaned."""
    e.run("make check")
    e.run("sed -i 's/<= count/< count/' list.c")
    assert "Error" not in e.run("make check")
    e.run("make")
    e.run("make clean")


@session(files=LIST_C, tools=("gcc", "gdb"), env={"DEBUGINFOD_URLS": ""})
def c_program_in_gdb(e: Expert) -> None:
    """A C program in gdb: break, run, backtrace, print, finish, quit."""
    e.run("gcc -g -O0 -o list list.c")
    e.line("gdb -q ./list")
    e.ready("(gdb) ", 20)
    e.line("break sum")
    e.ready("(gdb) ")
    e.line("run")
    e.ready("(gdb) ", 20)
    for command in (
        "bt",
        "print count",
        "print values[0]@4",
        "next",
        "next",
        "info locals",
        "delete 1",
        "finish",
    ):
        e.line(command)
        e.ready("(gdb) ")
    e.line("quit")
    e.expect(r"Quit anyway\? \(y or n\)")
    e.line("y")
    e.prompt()


@session(
    files={
        "crash.c": (
            "#include <stdio.h>\n"
            "#include <string.h>\n"
            "int main(int argc, char **argv)\n"
            "{\n"
            "    char *p = argc > 1 ? argv[1] : 0;\n"
            '    printf("%zu\\n", strlen(p));\n'
            "    return 0;\n"
            "}\n"
        )
    },
    tools=("gcc",),
    after={"crash.c": re.compile(r'argv\[1\] : ""')},
)
def segmentation_fault(e: Expert) -> None:
    """Compiler warnings, a crash by signal, the fix."""
    e.run("ulimit -c 0; gcc -Wall -Wextra -O0 -o crash crash.c")
    e.run("./crash hello")
    e.run("./crash; echo status $?")
    e.run("sed -i 's/: 0;/: \"\";/' crash.c && gcc -o crash crash.c && ./crash")


@session(
    files={"bad.c": "int main(void)\n{\n    int x = y;\n    retrun x\n}\n"},
    tools=("gcc", "vim"),
    after={"bad.c": "int main(void)\n{\n    int x = 0;\n    return x;\n}\n"},
)
def compiler_errors(e: Expert) -> None:
    """Compiler errors in colour, mended one by one in vim."""
    e.run("gcc -fdiagnostics-color=always bad.c")
    full_screen(e, "vim bad.c +3", "retrun")
    ex(e, "3s/y;/0;/")
    ex(e, "4s/retrun x/return x;/")
    e.see("return x;")
    save_and_quit(e)
    e.run("gcc -o good bad.c && ./good; echo $?")


@session(
    files={
        "sum.js": (
            "const values = process.argv.slice(2);\n"
            "let total = 0;\n"
            "for (const v of values) total += v;\n"
            "console.log(total);\n"
        )
    },
    tools=("node",),
    after={"sum.js": re.compile(r"Number\(v\)")},
)
def node_script(e: Expert) -> None:
    """A node script that adds strings, an exception with its stack, the fix."""
    e.run("node sum.js 1 2 3")
    e.run("node -e 'null.x'")
    e.run("sed -i 's/+= v/+= Number(v)/' sum.js")
    assert "6" in e.run("node sum.js 1 2 3")


@session(
    files={
        "words.pl": (
            "#!/usr/bin/perl\n"
            "use strict; use warnings;\n"
            "my %n;\n"
            "while (<>) { $n{$_}++ for split }\n"
            'print "$_ $n{$_}\\n" for sort keys %n;\n'
        ),
        "t.txt": "b a b\nc a b\n",
    },
    tools=("perl",),
    after={"n.txt": "a 2\nb 3\nc 1\n"},
)
def perl_script(e: Expert) -> None:
    """A perl script, its syntax check, one-liners, and a die."""
    e.run("perl -c words.pl")
    e.run("./words.pl t.txt > n.txt; cat n.txt")
    e.run("perl -lane 'print scalar @F' t.txt")
    e.run("perl -e 'die \"no\\n\"'; echo $?")


@session(
    files={
        "backup.sh": (
            "#!/bin/bash\n"
            "for f in $(ls data); do\n"
            "    cp data/$f backup/\n"
            "done\n"
            'echo "saved $(ls backup | wc -l) files"\n'
        ),
        "data/one.txt": "1",
        "data/two words.txt": "2",
    },
    tools=("vim",),
    after={"backup/two words.txt": "2"},
)
def shell_script_with_a_bug(e: Expert) -> None:
    """A script that breaks on spaces, traced with bash -x, fixed in vim."""
    e.run("mkdir backup; ./backup.sh")
    e.run("bash -x backup.sh 2>&1 | head -4")
    full_screen(e, "vim backup.sh", "for f in")
    ex(e, "2s/.*/for f in data\\/*; do/")
    ex(e, '3s/.*/    cp "$f" backup\\//')
    save_and_quit(e)
    assert "saved 2 files" in e.run("./backup.sh")


@session(files=MEAN, after={"stats.py": re.compile("print")}, tools=("vim",), exit=1)
def print_debugging(e: Expert) -> None:
    """Adds a print in vim, runs the tests with -s and -x, compiled files left lying about."""
    full_screen(e, "vim stats.py", "def mean")
    e.type("4G")
    insert(e, "o", "")
    insert(e, "i", "    print('so far', value, total)")
    save_and_quit(e)
    e.run("python3 -m pytest -x -s -q -p no:cacheprovider")


@session(
    files={
        "slow.py": (
            "import logging, sys\n"
            "logging.basicConfig(level=logging.DEBUG, format='%(levelname)s %(name)s %(message)s')\n"
            "log = logging.getLogger('app')\n"
            "log.debug('begin')\n"
            "try:\n"
            "    int('x')\n"
            "except ValueError:\n"
            "    log.exception('bad number')\n"
            "sys.exit(4)\n"
        )
    },
    exit=4,
)
def logging_to_stderr(e: Expert) -> None:
    """A program that logs an exception and ends with a status."""
    e.run("python3 slow.py 2> err.log; grep -c . err.log")
    e.run("python3 slow.py")
    e.line("exit 4")
    e.leave()


@session(
    files=MEAN
    | {
        "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef three():\n    return [1, 2, 3]\n",
        "test_more.py": (
            "from stats import mean\n"
            "\n"
            "\n"
            "def test_three(three):\n"
            "    print('debug', three)\n"
            "    assert mean(three) == 2, 'the middle'\n"
        ),
    }
)
def pytest_in_colour(e: Expert) -> None:
    """Verbose, coloured pytest with captured output and a summary."""
    e.run("python3 -m pytest -v -rA --color=yes --tb=short")
    e.run("python3 -m pytest --co -q")
