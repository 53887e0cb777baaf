"""Looking into text: grep, awk, sort, less, diff, jq."""

from __future__ import annotations

import random

from expert import Expert
from scenario import SHELLS, session


def access_log(lines: int) -> str:
    """A web server's log, always the same."""
    chance = random.Random(7)
    paths, codes = (
        ["/", "/login", "/api/items", "/api/orders", "/static/app.js"],
        [200] * 12 + [304, 404, 500],
    )
    return "".join(
        f"10.0.{chance.randrange(3)}.{chance.randrange(1, 9)} - - [06/May/2024:07:{n // 60 % 60:02}:{n % 60:02} +0000] "
        f'"GET {chance.choice(paths)} HTTP/1.1" {chance.choice(codes)} {chance.randrange(100, 9000)}\n'
        for n in range(lines)
    )


LOG = {"access.log": access_log(400)}
CODE = {
    "src/a.py": "import os\n# TODO: tidy\ndef a():\n    return os.getcwd()\n",
    "src/b.py": "# todo later\nx = 1\n",
    "src/sub/c.txt": "TODO in text\n",
}


@session(shells=SHELLS, files=LOG)
def log_statistics(e: Expert) -> None:
    """Counts status codes and addresses of a log by awk, sort and uniq."""
    e.run("wc -l access.log")
    e.run("awk '{ print $9 }' access.log | sort | uniq -c | sort -rn")
    e.run("grep ' 500 ' access.log | cut -d' ' -f1 | sort | uniq -c | sort -rn | head -3")
    e.run("awk '$9 == 500 { bytes += $10 } END { print bytes }' access.log")
    e.run("grep -c /login access.log")


@session(files=LOG, tools=("less",), shells=SHELLS)
def log_in_less(e: Expert) -> None:
    """Reads a log in less: search, next match, to the end, back to the top, line numbers."""
    e.line("less access.log")
    e.see(r"access\.log")
    e.type("/ 500 ")
    e.press("enter")
    e.see(r" 500 ")
    e.type("n")
    e.type("G")
    e.see(r"\(END\)")
    e.type("g")
    e.see("07:00:00")
    e.type("-N")
    e.press("enter")
    e.see(r"^ +1 10\.")
    e.type("50g")
    e.see(r"^ +50 10\.")
    e.type("q")
    e.prompt()


@session(deterministic=False, files=LOG, tools=("less",))
def less_follows_a_growing_log(e: Expert) -> None:
    """less +F on a file that another program lets grow, which no replay can do at the same moment."""
    e.run("tail -5 access.log > live.log")
    e.line("less +F live.log")
    e.see("Waiting for data")
    with (e.cwd / "live.log").open("a") as log:
        log.write("one more line\n")
    e.see("one more line")
    e.press("ctrl-c")
    e.gone("Waiting for data")
    e.type("q")
    e.prompt()


@session(exit=1, files=CODE, shells=SHELLS)
def searching_code(e: Expert) -> None:
    """Finds words in a tree of files, in colour, with context, and what has none."""
    e.run("grep -rn TODO src | sort")
    e.run("grep -ri --color=always todo src | sort")
    e.run("grep -n -A1 -B1 def src/a.py")
    e.run("grep -L TODO src/*.py")
    e.run("find src -name '*.py' -exec grep -l import {} +")
    e.run("grep nothing -r src")


@session(
    files={"a.txt": ("1\n2\n3\n4\n"), "b.txt": ("1\nzwei\n3\n4\n5\n")},
    tools=("patch",),
    after={"a.txt": ("1\nzwei\n3\n4\n5\n")},
)
def diff_and_patch(e: Expert) -> None:
    """Makes a patch, looks at it, applies it, tries it again, takes it back and forth."""
    e.run("diff a.txt b.txt")
    e.run("diff -u --label a.txt --label b.txt a.txt b.txt > change.patch; cat change.patch")
    e.run("patch --dry-run a.txt < change.patch")
    e.run("patch a.txt < change.patch && cmp a.txt b.txt && echo same")
    e.run("patch -R a.txt < change.patch; head -2 a.txt")
    e.run("patch a.txt < change.patch")
    e.run("diff -y -W 40 a.txt b.txt; comm -12 a.txt b.txt")


@session(
    files={"people.csv": ("name,town,age\nann,oslo,31\nbob,rome,42\ncid,oslo,23\n")},
    after={"oslo.csv": "ann,31\ncid,23\n"},
)
def table_by_hand(e: Expert) -> None:
    """Works on a CSV by cut, sort, join, paste, column and awk."""
    e.run('awk -F, \'$2 == "oslo" { print $1 "," $3 }\' people.csv > oslo.csv')
    e.run("tail -n +2 people.csv | sort -t, -k3 -n")
    e.run("cut -d, -f2 people.csv | tail -n +2 | sort | uniq -c")
    e.run("column -s, -t people.csv")
    e.run("paste -sd+ <(tail -n +2 people.csv | cut -d, -f3) | bc 2>/dev/null || true")
    e.run("tr a-z A-Z < oslo.csv | rev | nl")


@session(
    files={"d.json": '{"items": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}], "total": 2}\n'},
    tools=("jq",),
    after={"ids.txt": "1\n2\n"},
    exit=5,
)
def json_by_jq(e: Expert) -> None:
    """Takes a JSON file apart with jq, also wrongly."""
    e.run("jq . d.json")
    e.run("jq -C -c '.items[]' d.json")
    e.run("jq '.items[].id' d.json > ids.txt")
    e.run("jq '.items | map(.tags | length) | add' d.json")
    e.run("python3 -m json.tool --compact d.json")
    e.run("jq '.items + 1' d.json")


@session(files=LOG, after={"slow.txt": "10\n"})
def sampling_a_log(e: Expert) -> None:
    """head, tail, sed ranges, split and checksums."""
    e.run("sed -n '100,102p' access.log")
    e.run("head -50 access.log | tail -1 | tee line50.txt | wc -c")
    e.run("sort -t' ' -k10 -rn access.log | head -10 | wc -l > slow.txt")
    e.run("split -l 150 access.log part. && wc -l part.*")
    e.run("sha256sum access.log part.aa; md5sum -c <(md5sum access.log)")
    e.run("cat part.* | cmp - access.log && rm part.*")


@session(files={"words.txt": "pear\napple\nfig\napple\n"}, tools=("man",))
def reading_help(e: Expert) -> None:
    """--help through a pager, and a shell builtin's help."""
    e.line("sort --help | less")
    e.see("Usage: sort")
    e.type("/--unique")
    e.press("enter")
    e.see("-u, --unique")
    e.type("q")
    e.prompt()
    e.run("sort -u words.txt")
    e.run("help -s cd; type -t cd")


@session(files=LOG, tools=("less",), cols=60, rows=15)
def less_wraps_and_shifts(e: Expert) -> None:
    """Long lines in a narrow less: chopped, shifted, filtered."""
    e.line("less -S access.log")
    e.see(r"access\.log")
    e.press("right")
    e.see(r"^\S*HTTP|GET")
    e.press("left")
    e.type("&login")
    e.press("enter")
    e.gone("/static")
    e.type("q")
    e.prompt()
