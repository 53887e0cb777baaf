"""Editors: vim in its many ways, nano, ed, and edits without an editor."""

from __future__ import annotations

from expert import Expert
from habits import ex, full_screen, insert, normal, save_and_quit
from scenario import SHELLS, session

POEM = {"poem.txt": "roses are red\nviolets are blue\nsugar is swet\nand so are you\n"}
NUMBERS = {"n.txt": "".join(f"line {n}\n" for n in range(1, 61))}


@session(
    shells=SHELLS,
    tools=("vim",),
    files=POEM,
    after={"poem.txt": POEM["poem.txt"].replace("swet", "sweet")},
)
def vim_fixes_a_word(e: Expert) -> None:
    """Finds a misspelt word in vim, corrects it, saves."""
    full_screen(e, "vim poem.txt", "sugar is swet")
    e.type("/swet")
    e.press("enter")
    e.at(row=2, col=9)
    insert(e, "lli", "e")
    e.see("sugar is sweet")
    save_and_quit(e)
    e.run("grep -n sweet poem.txt")


@session(tools=("vim",), after={"new.py": "def f(x):\n    return x + 1\n\nprint(f(1))\n"})
def vim_writes_a_new_file(e: Expert) -> None:
    """Writes a small program in vim from nothing, with auto-indent, and runs it."""
    full_screen(e, "vim new.py", r'"new\.py" \[New\]')
    insert(e, "i", "def f(x):\nreturn x + 1")
    e.type("o")
    e.see("-- INSERT --")
    e.press("enter")
    e.type("print(f(1))")
    normal(e)
    save_and_quit(e)
    assert "2" in e.run("python3 new.py")


@session(
    tools=("vim",),
    files=POEM,
    after={"poem.txt": "violets are blue\nROSES ARE RED\nsugar is swet\nand so are you\n"},
)
def vim_visual_mode(e: Expert) -> None:
    """Selects a line, upper-cases it, deletes and pastes it below, undoes and redoes."""
    full_screen(e, "vim poem.txt", "roses are red")
    e.type("V")
    e.see("-- VISUAL LINE --")
    e.type("U")
    e.see("ROSES ARE RED")
    e.type("ddp")
    e.see(r"\Aviolets are blue\nROSES")
    e.type("u")
    e.see(r"\Aviolets are blue\nsugar|\AROSES")
    e.press("ctrl-r")
    e.see(r"\Aviolets are blue\nROSES")
    save_and_quit(e)


@session(tools=("vim",), files=NUMBERS, after={"n.txt": "".join(f"item {n};\n" for n in range(1, 61))})
def vim_macro(e: Expert) -> None:
    """Records a macro and runs it sixty times."""
    full_screen(e, "vim n.txt", "line 1$")
    e.type("qq")
    e.see("recording @q")
    insert(e, "cw", "item")
    insert(e, "A", ";")
    e.type("j0q")
    e.gone("recording")
    e.type("60@q")
    e.see(r"^item 60;")
    save_and_quit(e)


@session(tools=("vim",), files=NUMBERS, after={"n.txt": "".join(f"row {n}\n" for n in range(1, 61) if n % 2)})
def vim_search_and_replace(e: Expert) -> None:
    """Deletes every second line and replaces a word throughout by ex commands."""
    full_screen(e, "vim n.txt", "line 1$")
    ex(e, "g/[02468]$/d", "30 fewer lines")
    ex(e, "%s/line/row/", "30 substitutions")
    save_and_quit(e)
    e.run("wc -l n.txt")


@session(tools=("vim",), files=POEM | NUMBERS, after={"poem.txt": "line 1\n" + POEM["poem.txt"]}, rows=30)
def vim_split_windows(e: Expert) -> None:
    """Opens a second file in a split, yanks a line there, puts it into the first."""
    full_screen(e, "vim poem.txt", "roses are red")
    ex(e, "split n.txt", r"^line 3$")
    e.type("yy")
    e.press("ctrl-w", "j")
    e.until(lambda: e.glass.cursor()[0] > 12, "the cursor to reach the lower window")
    e.type("ggP")
    e.see(r"line 1\nroses")
    ex(e, "wqa")
    e.prompt()


@session(
    tools=("vimdiff",),
    files={"old.txt": "a\nb\nc\n", "new.txt": "a\nB\nc\nd\n"},
    after={"old.txt": "a\nB\nc\nd\n"},
)
def vimdiff_takes_over(e: Expert) -> None:
    """Compares two files in vimdiff and takes the other side's changes."""
    full_screen(e, "vimdiff old.txt new.txt", r"old\.txt")
    e.see(r"new\.txt")
    e.type("]c")
    e.type("do")
    e.see(r"^\s*B\s+│\s*B|B +.*B")
    ex(e, "1,$+1diffget")
    e.see(r"d +.*d")
    ex(e, "wqa")
    e.prompt()
    e.run("cmp old.txt new.txt && echo same")


@session(tools=("vim",), files=NUMBERS, after={"n.txt": NUMBERS["n.txt"]})
def vim_given_up(e: Expert) -> None:
    """Looks about, makes a mess, is refused by :q, leaves by :q! without a change."""
    full_screen(e, "vim n.txt", "line 1$")
    e.type("G")
    e.see("^line 60")
    e.press("ctrl-b")
    e.type("ggdG")
    e.see("--No lines in buffer--")
    ex(e, "q", "E37")
    ex(e, "q!")
    e.prompt()
    e.run("wc -l n.txt")


@session(tools=("vim",), files=NUMBERS, after={"n.txt": NUMBERS["n.txt"].replace("line 3\n", "line drei\n")})
def vim_block_and_marks(e: Expert) -> None:
    """Jumps by marks and counts, edits by a change motion, repeats by a dot and undoes that."""
    full_screen(e, "vim +3 n.txt", "line 3$")
    e.type("ma")
    e.type("50G")
    e.see("^line 50$")
    e.type("`a")
    e.at(row=2)
    e.type("w")
    insert(e, "cw", "drei")
    e.type("j0w.")
    e.see(r"line drei\nline drei")
    e.type("u")
    e.see(r"line drei\nline 4")
    save_and_quit(e)


@session(tools=("vim",), files=POEM, after={"out.txt": "4\n"})
def vim_runs_a_command(e: Expert) -> None:
    """Filters the buffer through sort and runs a shell command from vim."""
    full_screen(e, "vim poem.txt", "roses are red")
    ex(e, "%!sort", r"\Aand so are you")
    ex(e, "!wc -l < poem.txt > out.txt", "Press ENTER")
    e.press("enter")
    e.gone("Press ENTER")
    ex(e, "q!")
    e.prompt()


@session(
    tools=("vim",), rc="export VIMINIT='set number hlsearch nocompatible'\n", files=POEM, cols=60, rows=15
)
def vim_resized(e: Expert) -> None:
    """Resizes the terminal while vim is open."""
    full_screen(e, "vim poem.txt", "1 roses are red")
    e.resize(100, 30)
    e.until(lambda: e.glass.text().count("\n") > 20, "vim to fill the larger screen")
    e.type("G")
    e.resize(50, 12)
    e.see(r"4 and so are you")
    ex(e, "q")
    e.prompt()
    e.run("echo $COLUMNS $LINES")


@session(
    shells=SHELLS,
    tools=("nano",),
    files=POEM,
    after={"poem.txt": "all roses are red\nviolets are blue\nsugar is sweet\nand so are you\n"},
)
def nano_fixes_a_word(e: Expert) -> None:
    """Corrects a file in nano: moves, types, searches, saves, leaves."""
    full_screen(e, "nano poem.txt", "roses are red")
    e.type("all ")
    e.see("all roses")
    e.press("ctrl-w")
    e.see("Search")
    e.line("swet")
    e.at(row=3)
    e.press("right", "right", "right")
    e.type("e")
    e.see("sweet")
    e.press("ctrl-o")
    e.see("File Name to Write")
    e.press("enter")
    e.see("Wrote 4 lines")
    e.press("ctrl-x")
    e.prompt()


@session(tools=("nano",), after={"list.txt": "milk\nbread\n"})
def nano_new_file(e: Expert) -> None:
    """Writes a new file in nano, cuts and pastes a line, answers the question at leaving."""
    full_screen(e, "nano", "GNU nano")
    e.type("bread")
    e.press("enter")
    e.type("milk")
    e.press("ctrl-k")
    e.press("up", "ctrl-u")
    e.see(r"milk\nbread")
    e.press("ctrl-x")
    e.see("Save modified buffer")
    e.type("y")
    e.see("File Name to Write")
    e.line("list.txt")
    e.prompt()
    e.run("cat list.txt")


@session(
    tools=("ed",),
    exit=1,
    files=POEM,
    after={"poem.txt": POEM["poem.txt"].replace("swet", "sweet") + "the end\n"},
)
def ed_the_standard_editor(e: Expert) -> None:
    """Corrects and appends in ed, which says only ? when it does not understand."""
    e.line("ed poem.txt")
    e.expect("^60$")
    e.line("/swet/s//sweet/p")
    e.expect("^sugar is sweet$")
    e.line("nonsense")
    e.expect(r"^\?$")
    e.line("$a")
    e.line("the end")
    e.line(".")
    e.line("w")
    e.expect("^69$")
    e.line("q")
    e.prompt()


@session(
    shells=SHELLS,
    files=POEM,
    after={
        "poem.txt": "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you\n",
        "poem.txt.bak": POEM["poem.txt"],
    },
)
def sed_in_place(e: Expert) -> None:
    """Edits a file by sed -i, with a backup."""
    e.run("sed -i.bak 's/swet/sweet/; s/^./\\U&/' poem.txt")
    e.run("diff poem.txt.bak poem.txt")
    e.run("sed -n '2,3p' poem.txt")
    e.run("awk '{ print NR \": \" $0 }' poem.txt")


@session(tools=("vim",), files={"u.txt": "naïve café 日本\n"}, after={"u.txt": "naïve café 日本語 ✓\n"})
def vim_wide_characters(e: Expert) -> None:
    """Edits a line of accents and CJK in vim."""
    full_screen(e, "vim u.txt", "naïve café")
    insert(e, "A", "語 ✓")
    e.see("日本語 ✓")
    save_and_quit(e)
    e.run("cat u.txt")


@session(tools=("vim",), files=POEM, after={"poem.txt": "one\ntwo\n"})
def vim_paste(e: Expert) -> None:
    """Pastes two lines into vim's insert mode, which asks for bracketed paste."""
    full_screen(e, "vim poem.txt", "roses are red")
    ex(e, "%d", "No lines in buffer")
    e.type("i")
    e.see("-- INSERT --")
    e.paste("one\ntwo")
    e.see(r"\Aone\ntwo")
    normal(e)
    save_and_quit(e)
