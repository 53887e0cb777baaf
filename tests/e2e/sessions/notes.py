"""Speaking to the recorder from inside a session."""

from __future__ import annotations

import re

from expert import Expert
from scenario import SHELLS, session
from sessions.debugging import MEAN, MEAN_FIXED


@session(shells=SHELLS, needs_recorder=True, files={"a.txt": "1\n"}, after={"a.txt": "2\n"})
def a_note_and_a_mark(e: Expert) -> None:
    """Says why, marks a place, goes on."""
    e.run("reenact note 'The file holds 1 and should hold 2'")
    e.run("sed -i s/1/2/ a.txt")
    e.run("reenact mark fixed")
    e.run("cat a.txt")


@session(shells=SHELLS, needs_recorder=True, files=MEAN, after={"stats.py": MEAN_FIXED})
def a_check_that_passes(e: Expert) -> None:
    """Checks before the fix, which fails, and after it, which passes."""
    e.run("reenact check -- python3 -m pytest -q")
    e.run("reenact note 'The divisor is off by one: the mean of one value divides by nought'")
    e.run("sed -i 's/(len(values) - 1)/len(values)/' stats.py")
    e.run("reenact check -- python3 -m pytest -q")


@session(needs_recorder=True, exit=1)
def a_check_that_fails(e: Expert) -> None:
    """The outcome is a failure, and the session says so."""
    e.run("echo half done > work.txt")
    e.run("reenact check -- grep -q finished work.txt")


@session(needs_recorder=True, after={"n.txt": re.compile("7")})
def notes_with_odd_text(e: Expert) -> None:
    """Notes with quotes, newlines, emoji and shell characters; a mark without a label."""
    e.run('reenact note "it\'s \\"quoted\\" & <odd> \\$HOME"')
    e.run("reenact note $'two\\nlines 🎉'")
    e.run("reenact mark")
    e.run("reenact check -- sh -c 'echo 7 > n.txt; exit 3'; echo status $?")
    e.run("reenact check -- true")


@session(needs_recorder=True, files={"sub/x": ""})
def notes_from_elsewhere(e: Expert) -> None:
    """Notes from a nested shell, a script and another folder."""
    e.run("cd sub; bash")
    e.run("reenact note 'from a nested shell'")
    e.line("exit")
    e.prompt()
    e.run("printf 'reenact note \"from a script\"\\n' > n.sh; sh n.sh")
