"""Typing at the prompt: editing keys, history, completion, paste, type-ahead, interrupted lines."""

from __future__ import annotations

from expert import Expert
from habits import drop_line
from scenario import SHELLS, session

NOTES = {"notes.txt": "alpha\nbeta\ngamma\n", "nightly-report.txt": "all good\n"}


@session(shells=SHELLS, files=NOTES, after={"out.txt": "3 notes.txt\n"})
def simple_commands(e: Expert) -> None:
    """A few plain commands with output, one of which fails."""
    assert "beta" in e.run("cat notes.txt")
    e.run("wc -l notes.txt > out.txt")
    assert "No such file" in e.run("ls missing")
    e.run("true")


@session(files=NOTES, after={"fixed.txt": "hello brave new world\n"})
def emacs_keys(e: Expert) -> None:
    """Moves and kills in a half-typed line before accepting it."""
    e.type("ecko hello world > fixd.txt")
    e.press("ctrl-a", "right", "right", "delete")
    e.type("h")
    e.press("ctrl-e", "left", "left", "left", "left", "left")
    e.type("e")
    e.press("alt-b", "alt-b")
    e.type("new ")
    e.press("alt-b")
    e.type("brave ")
    e.press("enter")
    e.prompt()
    e.type("some nonsense")
    e.press("ctrl-u")
    e.type("cat fixed.txt trailing")
    e.press("ctrl-w", "backspace", "enter")
    assert "hello brave new world" in e.prompt()


@session(shells=SHELLS, after={"order.txt": "two one\n"})
def kill_and_yank(e: Expert) -> None:
    """Cuts a word with ctrl-w, brings it back with ctrl-y somewhere else."""
    e.type("echo one two > order.txt")
    e.press("ctrl-a", "ctrl-right", "ctrl-right")
    e.press("ctrl-a", "ctrl-k", "ctrl-y", "ctrl-u")
    e.type("echo one ")
    e.press("ctrl-w")
    e.type("two ")
    e.press("ctrl-y", "backspace")
    e.type(" > order.txt")
    e.press("enter")
    e.prompt()


@session(shells=SHELLS, after={"log.txt": "first\nsecond\nfirst\nsecond.\n"})
def history_by_arrows(e: Expert) -> None:
    """Runs earlier commands again by the arrow keys, one of them changed."""
    e.run("echo first >> log.txt")
    e.run("echo second >> log.txt")
    e.press("up", "up")
    e.see(r"\$ echo first >> log.txt\s*\Z")
    e.press("enter")
    e.prompt()
    e.press("up", "up")
    e.see(r"\$ echo second >> log.txt\s*\Z")
    e.press("ctrl-e", *["left"] * len(" >> log.txt"))
    e.type(".")
    e.press("enter")
    e.prompt()


@session(after={"count.txt": "1\n2\n1\n"})
def reverse_search(e: Expert) -> None:
    """Finds an earlier command with ctrl-R and runs it; leaves a second search with ctrl-g."""
    e.run("echo 1 >> count.txt  # the first")
    e.run("echo 2 >> count.txt  # the second")
    e.press("ctrl-r")
    e.see(r"reverse-i-search")
    e.type("first")
    e.see(r"`first': echo 1")
    e.press("enter")
    e.prompt()
    e.press("ctrl-r")
    e.see(r"reverse-i-search\)`'")
    e.type("second")
    e.see(r"`second': echo 2")
    e.press("ctrl-g")
    e.gone(r"reverse-i-search\)`second")
    e.run("wc -l < count.txt")


@session(shells=("zsh",), after={"count.txt": "1\n2\n1\n"})
def reverse_search_zsh(e: Expert) -> None:
    """Finds an earlier command with ctrl-R in zsh."""
    e.run("echo 1 >> count.txt; : primero")
    e.run("echo 2 >> count.txt; : segundo")
    e.press("ctrl-r")
    e.see(r"bck-i-search")
    e.type("prime")
    e.see(r"bck-i-search: prime_")
    e.press("enter")
    e.prompt()


@session(shells=SHELLS, files=NOTES, after={"copy.txt": "all good\n"})
def tab_completion(e: Expert) -> None:
    """Completes a file name by tab; an ambiguous one first lists the choices."""
    e.type("cat nig")
    e.press("tab")
    e.see(r"cat nightly-report\.txt")
    e.type("> copy.txt")
    e.press("enter")
    e.prompt()
    e.run("cat copy.txt")


@session(files=NOTES)
def tab_lists_choices(e: Expert) -> None:
    """An ambiguous name rings, then lists what it could be; the second letter decides."""
    e.type("wc -c n")
    e.press("tab", "tab")
    e.see(r"nightly-report\.txt\s+notes\.txt")
    e.type("o")
    e.press("tab")
    e.see(r"wc -c notes\.txt")
    e.press("enter")
    assert "17 notes.txt" in e.prompt()


@session(shells=("bash", "zsh"), after={"a.txt": "kept\n", "b.txt": None})
def interrupted_line(e: Expert) -> None:
    """Types half a command, thinks better of it, and drops it with ctrl-c."""
    e.run("echo kept > a.txt")
    e.type("rm -f a.txt; touch b.t")
    e.see(r"touch b\.t\s*\Z")
    e.rested()
    e.press("ctrl-c")
    e.prompt()
    e.run("cat a.txt")


@session(shells=("fish",), deterministic=False, after={"a.txt": "kept\n", "b.txt": None})
def interrupted_line_fish(e: Expert) -> None:
    """The same in fish 3, which often notices a ctrl-c only at the next one: how many it takes is chance."""
    e.run("echo kept > a.txt")
    e.type("rm -f a.txt; touch b.t")
    e.see(r"touch b\.t\s*\Z")
    drop_line(e)
    e.run("cat a.txt")


def _types_ahead(e: Expert) -> None:
    """Types the next commands while one is still running."""
    e.line("sleep 0.4; echo one > done.txt")
    e.line("echo two >> done.txt")
    e.prompt(times=2)
    e.run("cat done.txt")


@session(shells=("bash", "zsh"), after={"done.txt": "one\ntwo\n"})
def type_ahead(e: Expert) -> None:
    _types_ahead(e)


# fish takes what was typed ahead in its own mode, where the terminal echoes none or a part of it: by chance.
@session(shells=("fish",), deterministic=False, after={"done.txt": "one\ntwo\n"})
def type_ahead_in_fish(e: Expert) -> None:
    _types_ahead(e)


@session(shells=SHELLS, after={"p1.txt": "first\n", "p2.txt": "second\n", "p3.txt": "third\n"})
def bracketed_paste(e: Expert) -> None:
    """Pastes three lines at once; they run on enter only."""
    e.paste("echo first > p1.txt\necho second > p2.txt\necho third > p3.txt")
    e.see(r"echo third > p3\.txt")
    e.press("enter")
    e.prompt()
    e.run("cat p1.txt p2.txt p3.txt")


@session(after={"sum.txt": "6\n"})
def paste_of_a_loop(e: Expert) -> None:
    """Pastes a loop over several lines."""
    e.paste("total=0\nfor n in 1 2 3; do\n  total=$((total + n))\ndone\necho $total > sum.txt")
    e.see(r"echo \$total > sum\.txt")
    e.press("enter")
    e.prompt()


@session(
    shells=("bash",),
    rc="bind 'set enable-bracketed-paste off'\n",
    after={"x.txt": "x\n", "y.txt": "y\n"},
)
def paste_without_brackets(e: Expert) -> None:
    """Pastes two lines into a shell that knows no bracketed paste: each runs as it comes."""
    e.send(b"echo x > x.txt\recho y > y.txt\r")
    e.prompt(times=2)
    e.run("cat x.txt y.txt")


@session(shells=SHELLS, after={"long.txt": "x" * 150 + "\n"})
def line_longer_than_the_screen(e: Expert) -> None:
    """A command that wraps over several rows, then edited at its beginning."""
    e.type("ccho " + "x" * 150 + " > long.txt")
    e.press("ctrl-a", "delete")
    e.type("e")
    e.press("ctrl-e", "enter")
    e.prompt()
    e.run("wc -c long.txt")


@session(shells=SHELLS)
def leaving_with_ctrl_d(e: Expert) -> None:
    """Ends the shell with ctrl-d on an empty line."""
    e.run("echo bye")
    e.press("ctrl-d")
    e.leave()


@session(shells=SHELLS, exit=7)
def leaving_with_a_status(e: Expert) -> None:
    """Ends the shell with an exit status of its own."""
    e.run("false")
    e.line("exit 7")
    e.leave()


@session(shells=SHELLS)
def empty_lines_and_comments(e: Expert) -> None:
    """Presses enter on nothing, types spaces, comments, and a line that begins with a space."""
    for _ in range(3):
        e.press("enter")
        e.prompt()
    e.run("   ")
    e.run("# only a thought")
    e.run("echo after a comment  # trailing")
    e.run(" echo led by a space")


@session(shells=SHELLS, after={"w.txt": "déjà 日本 🎉\n"})
def wide_characters_typed(e: Expert) -> None:
    """Types accents, CJK and an emoji, takes some back, and writes them to a file."""
    e.type("echo déjà 日本語")
    e.press("backspace")
    e.type(" 🎉 > w.txt")
    e.press("enter")
    e.prompt()
    assert "日本" in e.run("cat w.txt")


@session(shells=("bash", "zsh"), rc="", after={"v.txt": "one three\n"})
def vi_keys(e: Expert) -> None:
    """Edits a line with vi keys."""
    e.run("set -o vi")
    e.type("echo one two three > v.txt")
    e.press("esc")
    e.type("0ww")
    e.type("dw")
    e.press("enter")
    e.prompt()


@session(after={"h.txt": "alpha beta\nalpha gamma\n"})
def history_expansion(e: Expert) -> None:
    """Uses !!, !$ and ^old^new."""
    e.run("echo alpha beta >> h.txt")
    e.run("^beta^gamma")
    e.run("cat !$")
    e.run("true alpha")
    e.run("!! once more")
    e.run("history | tail -3")


@session(after={"m.txt": "quoted\nover lines\n"})
def quote_left_open(e: Expert) -> None:
    """A quote left open goes on over the next line; a trailing backslash too."""
    e.line("echo 'quoted")
    e.ready("> ")
    e.line("over lines' \\")
    e.ready("> ")
    e.run("> m.txt")


@session(shells=("bash", "zsh"))
def syntax_errors(e: Expert) -> None:
    """Lines that the shell refuses."""
    e.run("echo fine; )")
    e.run("nosuchcommand --please")
    e.run("echo still here")


@session(shells=("fish",))
def syntax_errors_fish(e: Expert) -> None:
    """fish says what is wrong and leaves the line there to be mended."""
    e.line("echo fine )")
    e.expect(r"Unexpected '\)'")
    e.see(r"\$ echo fine \)\s*\Z")
    e.press("backspace", "backspace", "enter")
    e.prompt()
    e.run("nosuchcommand --please")
    e.run("echo still here")


@session(shells=("bash", "zsh"), files=NOTES)
def clear_screen(e: Expert) -> None:
    """ctrl-L with a half-typed line, and clear."""
    e.run("cat notes.txt")
    e.type("cat notes")
    e.press("ctrl-l")
    e.see(r"\Ae2e\$ cat notes\s*\Z")
    e.type(".txt")
    e.press("enter")
    e.prompt()
    e.run("clear")
    e.run("echo on a fresh screen")


@session(shells=("bash",), after={"edited.txt": "from the editor\n"}, tools=("vim",), env={"EDITOR": "vim"})
def command_edited_in_vim(e: Expert) -> None:
    """Opens the half-typed command in the editor with ctrl-x ctrl-e."""
    e.type("echo from > edited.txt")
    e.press("ctrl-x", "ctrl-e")
    e.until(lambda: e.glass.mode(1049), "vim to take the screen")
    e.see(r"echo from > edited\.txt")
    e.type("0wwithe editor ")
    e.see("-- INSERT --")
    e.press("esc")
    e.gone("-- INSERT --")
    e.line(":s/from the/from the/e")
    e.line(":wq")
    e.prompt()
