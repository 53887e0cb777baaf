"""A git bisect over twelve commits: which change made slugs lose their digits?"""

from __future__ import annotations

from pathlib import Path

from expert import Expert
from history import FIXED, History
from scenario import session

CHECK = """#!/bin/sh
# Does a heading with a number keep it?
[ "$(python3 -B slug.py 'Top 10 Tips')" = top-10-tips ]
"""

PLAIN = """import sys


def slug(title):
    return title.lower().replace(" ", "-")


print(slug(sys.argv[1]))
"""

STRIPPED = PLAIN.replace("title.lower()", "title.strip().lower()")

BY_WORDS = """import sys


def slug(title):
    words = title.lower().split()
    return "-".join(words)


print(slug(sys.argv[1]))
"""

CLEANED = """import re
import sys


def slug(title):
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words)


print(slug(sys.argv[1]))
"""

LETTERS = CLEANED.replace("[a-z0-9]+", r"[^\W\d_]+")

LIMITED = LETTERS.replace('return "-".join(words)', 'return "-".join(words[:8])')

COMMITS: list[tuple[str, dict[str, str]]] = [
    ("Turn titles into slugs", {"slug.py": PLAIN, "check.sh": CHECK}),
    ("Say what it does", {"README": "slug.py TITLE prints a slug.\n"}),
    ("Ignore blanks around titles", {"slug.py": STRIPPED}),
    ("Work word by word", {"slug.py": BY_WORDS}),
    ("Name the licence", {"LICENSE": "Do as you like.\n"}),
    ("Drop punctuation", {"slug.py": CLEANED}),
    ("Give an example", {"README": "slug.py TITLE prints a slug.\n\n    slug.py 'Hello, world'\n"}),
    ("Allow letters of all languages", {"slug.py": LETTERS}),
    ("List authors", {"AUTHORS": "Robin Expert\n"}),
    ("At most eight words", {"slug.py": LIMITED}),
    ("Mention the limit", {"README": "slug.py TITLE prints a slug of at most eight words.\n"}),
    ("Release 1.1", {"VERSION": "1.1\n"}),
]

MENDED = LIMITED.replace(r"[^\W\d_]+", r"[^\W_]+")


def prepare(work: Path) -> None:
    history = History(work)
    for number, (message, files) in enumerate(COMMITS):
        history.commit(message, files)
        (work / "check.sh").chmod(0o755)
        if number == 0:
            history.git("tag", "v1.0")


@session(
    prepare=prepare,
    tools=("git",),
    env=FIXED,
    needs_recorder=True,
    after={"slug.py": MENDED},
)
def sample_git_bisect(e: Expert) -> None:
    """A release loses the digits of titles; bisect names the commit; its pattern is mended."""
    e.run("git --no-pager log --oneline")
    e.run("python3 -B slug.py 'Top 10 Tips'")
    e.run("./check.sh; echo $?")
    e.run("git bisect start HEAD v1.0")
    assert "is the first bad commit" in e.run("git bisect run ./check.sh", 20)
    e.run("git --no-pager show --format=%s bisect/bad -- slug.py")
    e.run("reenact note 'The class that takes letters of all languages leaves digits out.'")
    e.run("git bisect reset")
    e.run(r"sed -i 's/\\W\\d_/\\W_/' slug.py")
    e.run("git --no-pager diff")
    e.run("python3 -B slug.py 'Żółw 2 i 3'")
    e.run("reenact check -- ./check.sh")
    e.run("git commit -qam 'Keep digits in slugs'; git --no-pager log -1 --format=%s")
