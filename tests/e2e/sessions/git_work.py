"""Work with git: looking, committing, branches, conflicts, rewriting, bisecting."""

from __future__ import annotations

import re
from pathlib import Path

from expert import Expert
from habits import ex, full_screen, insert, save_and_quit
from history import FIXED, IDENTITY, History
from scenario import SHELLS, session

CONFIG = "debug = no\nport = 80\nname = demo\n"


def small(work: Path) -> None:
    """Three commits on main."""
    history = History(work)
    history.commit("Begin", {"app.conf": CONFIG, "README": "demo\n"})
    history.commit("Say what it is", {"README": "demo\n\nA demo.\n"})
    history.commit("Listen on 8080", {"app.conf": CONFIG.replace("80", "8080")})


def long(work: Path) -> None:
    """Forty commits, too many for a screen."""
    history = History(work)
    for n in range(1, 41):
        history.commit(f"Change number {n}", {"count.txt": f"{n}\n"})


def branched(work: Path) -> None:
    """main and topic change the same line."""
    small(work)
    history = History.__new__(History)
    history.work, history._commits = work, 3
    history.git("switch", "-q", "-c", "topic")
    history.commit("Rename to trial", {"app.conf": CONFIG.replace("80", "8080").replace("demo", "trial")})
    history.git("switch", "-q", "main")
    history.commit("Rename to sample", {"app.conf": CONFIG.replace("80", "8080").replace("demo", "sample")})


def messy(work: Path) -> None:
    """Four commits that want tidying."""
    history = History(work)
    for n, message in enumerate(["Add a", "Add b", "fixup a", "Add c"], 1):
        name = {"Add a": "a", "Add b": "b", "fixup a": "a", "Add c": "c"}[message]
        history.commit(message, {f"{name}.txt": f"{name} {n}\n"})


def two_hunks(work: Path) -> None:
    """A committed file with two separate changes in the working tree."""
    lines = [f"line {n}\n" for n in range(1, 31)]
    History(work).commit("Thirty lines", {"t.txt": "".join(lines)})
    lines[2], lines[26] = "line three\n", "line twenty-seven\n"
    (work / "t.txt").write_text("".join(lines))


def broken_in_the_middle(work: Path) -> None:
    """Sixteen commits; from the eleventh on `check.sh` fails."""
    history = History(work)
    history.commit(
        "Add the check", {"check.sh": "#!/bin/sh\n[ $(cat value.txt) -lt 100 ]\n", "value.txt": "1\n"}
    )
    for n in range(2, 17):
        history.commit(f"Set value, step {n}", {"value.txt": f"{n if n < 11 else 100 + n}\n"})


@session(shells=SHELLS, tools=("git",), prepare=small)
def git_looking(e: Expert) -> None:
    """Status, log, diff and show without a pager."""
    e.run("git status")
    e.run("git --no-pager log --oneline")
    e.run("git --no-pager diff HEAD~1")
    e.run("git --no-pager show --stat HEAD~1")
    e.run("git branch -a; git rev-parse --short HEAD")


@session(tools=("git", "less"), prepare=long)
def git_log_in_the_pager(e: Expert) -> None:
    """Reads the log in less: pages down, searches, to the end, leaves."""
    e.line("git log --oneline")
    e.see("Change number 40")
    e.see(r"^:$|^:\s*\Z")
    e.press("space")
    e.see("Change number 12")
    e.line("/number 3$")
    e.see(r"number 3$")
    e.type("G")
    e.see(r"\(END\)")
    e.type("q")
    e.prompt()


@session(
    tools=("git",),
    prepare=small,
    env=FIXED,
    after={".git/HEAD": "ref: refs/heads/main\n", "app.conf": CONFIG.replace("80", "9090")},
)
def git_commit_by_message(e: Expert) -> None:
    """Changes a file, looks at the difference, commits with -m, amends."""
    e.run("sed -i s/8080/9090/ app.conf")
    e.run("git --no-pager diff")
    e.run("git add app.conf")
    e.run("git status --short")
    e.run("git commit -m 'Listen on 9090'")
    e.run("git commit --amend -m 'Listen on port 9090'")
    e.run("git --no-pager log -1")


@session(
    tools=("git", "vim"),
    prepare=small,
    env={**FIXED, "EDITOR": "vim"},
    after={".git/COMMIT_EDITMSG": re.compile(r"\ADocument the port\n\nPeople ask\.")},
)
def git_commit_in_vim(e: Expert) -> None:
    """Writes the commit message in vim."""
    e.run("echo 'Port: see app.conf.' >> README")
    full_screen(e, "git commit -a", r"# Changes to be committed:")
    insert(e, "i", "Document the port\n\nPeople ask.")
    save_and_quit(e)
    e.run("git --no-pager log -1 --format=%B")


@session(tools=("git",), prepare=small, env=IDENTITY, after={"new.txt": "new\n"})
def git_commit_at_the_clock(e: Expert) -> None:
    """Commits with the time of the moment, which names the commit."""
    e.run("echo new > new.txt; git add new.txt")
    e.run("git commit -qm 'Add new.txt'")
    e.run("git --no-pager log -1 --format='%H %cd'")


@session(
    tools=("git", "vim"),
    prepare=branched,
    env={**FIXED, "GIT_EDITOR": "true"},
    after={"app.conf": "debug = no\nport = 8080\nname = sample trial\n"},
)
def git_merge_conflict(e: Expert) -> None:
    """A merge that conflicts, settled in vim, committed."""
    e.run("git merge topic")
    e.run("git status --short")
    e.run("git --no-pager diff")
    full_screen(e, "vim app.conf", "<<<<<<< HEAD")
    ex(e, "g/^[<=>]\\{7}/d", "3 fewer lines")
    e.type("/sample")
    e.press("enter")
    e.see(r"name = sample")
    e.type("J")
    ex(e, "s/sample name = trial/sample trial/")
    e.see("name = sample trial")
    save_and_quit(e)
    e.run("git add app.conf")
    e.run("git commit --no-edit")
    e.run("git --no-pager log --oneline --graph | cat")


@session(
    tools=("git",),
    prepare=branched,
    env=FIXED,
    after={"app.conf": CONFIG.replace("80", "8080").replace("demo", "sample")},
)
def git_merge_given_up(e: Expert) -> None:
    """A merge that conflicts and is aborted; then a checkout of one side."""
    e.run("git merge topic")
    e.run("cat app.conf")
    e.run("git merge --abort")
    e.run("git status")


@session(
    tools=("git", "vim"),
    prepare=messy,
    env={**FIXED, "GIT_SEQUENCE_EDITOR": "vim", "EDITOR": "vim"},
    after={"a.txt": "a 3\n", "b.txt": "b 2\n"},
)
def git_rebase_interactively(e: Expert) -> None:
    """Moves a fixup to where it belongs in vim's rebase list."""
    full_screen(e, "git rebase -i --root", "# Rebase")
    e.type("3GddkP")
    e.see(r"Add a\n.*fixup a\n.*Add b")
    e.type("2G0")
    insert(e, "cw", "fixup")
    e.see(r"^fixup \w+ fixup a")
    save_and_quit(e)
    e.run("git --no-pager log --oneline")


@session(tools=("git",), prepare=messy, env={**FIXED, "GIT_EDITOR": "true"})
def git_rebase_by_sed(e: Expert) -> None:
    """Drops a commit by a rebase whose list sed edits."""
    e.run("GIT_SEQUENCE_EDITOR=\"sed -i '/Add c/s/^pick/drop/'\" git rebase -i --root")
    e.run("git --no-pager log --format=%s")
    e.run("ls *.txt")
    e.run("git reset -q --hard ORIG_HEAD; ls *.txt")


@session(tools=("git",), prepare=broken_in_the_middle, env=IDENTITY)
def git_bisect_by_run(e: Expert) -> None:
    """Finds the commit that broke the check by bisect run."""
    e.run("sh check.sh; echo now $?")
    e.run("git bisect start HEAD HEAD~15")
    assert "first bad commit" in e.run("git bisect run sh check.sh", 20)
    e.run("git bisect reset")


@session(tools=("git",), prepare=broken_in_the_middle, env=IDENTITY)
def git_bisect_by_hand(e: Expert) -> None:
    """Finds it by hand, answering good or bad from the value."""
    e.run("git bisect start")
    e.run("git bisect bad")
    e.run("git bisect good HEAD~15")
    for _ in range(6):
        value = int(re.findall(r"^(\d+)$", e.run("cat value.txt"), re.MULTILINE)[-1])
        if "is the first bad commit" in e.run(f"git bisect {'good' if value < 100 else 'bad'}"):
            break
    else:
        raise AssertionError("bisect found nothing")
    e.run("git --no-pager bisect log | tail -2")
    e.run("git bisect reset")


@session(
    tools=("git",),
    prepare=two_hunks,
    env=FIXED,
    after={".git/refs/heads/main": re.compile(r"^[0-9a-f]{40}$")},
)
def git_add_by_hunks(e: Expert) -> None:
    """Stages one of two changes by git add -p, commits it, leaves the other."""
    e.line("git add -p")
    e.expect(r"Stage this hunk \[.*\]\? \Z")
    e.line("?")
    e.expect(r"stage this hunk")
    e.expect(r"Stage this hunk \[.*\]\? \Z")
    e.line("y")
    e.expect(r"Stage this hunk \[.*\]\? \Z")
    e.line("n")
    e.prompt()
    e.run("git --no-pager diff --cached")
    e.run("git commit -qm 'Line three'")
    assert "twenty-seven" in e.run("git --no-pager diff")


@session(tools=("git",), prepare=two_hunks, env=FIXED, after={"t.txt": re.compile("line three")})
def git_stash(e: Expert) -> None:
    """Puts changes away, looks, brings them back."""
    e.run("git stash")
    e.run("git stash list")
    e.run("grep -c three t.txt")
    e.run("git stash pop")
    e.run("git status --short")


@session(
    shells=("bash", "zsh"),
    tools=("git",),
    prepare=small,
    env=FIXED,
    after={".git/refs/heads/feature": re.compile("^[0-9a-f]{40}$"), "feature.txt": "feature\n"},
)
def git_branches(e: Expert) -> None:
    """A feature branch, a fast-forward merge, a tag, a deleted branch, a detached look back."""
    e.run("git switch -c feature")
    e.run("echo feature > feature.txt && git add . && git commit -qm 'Add the feature'")
    e.run("git switch main")
    e.run("git merge feature")
    e.run("git tag -a v1 -m one && git describe")
    e.run("git checkout -q HEAD~2 && git status | head -1")
    e.run("git switch -q main; git branch --list")


@session(
    tools=("git",),
    prepare=small,
    env=FIXED,
    after={"app.conf": CONFIG.replace("80", "8080"), "README": "demo\n"},
    exit=1,
)
def git_undoing(e: Expert) -> None:
    """Restores, reverts, cleans, reads the reflog and blames."""
    e.run("echo broken > app.conf; touch junk")
    e.run("git restore app.conf")
    e.run("git clean -n; git clean -fq")
    e.run("git revert --no-edit HEAD~1")
    e.run("git --no-pager reflog | head -3")
    e.run("git --no-pager blame -s app.conf")
    e.run("git checkout no-such-branch")


@session(
    tools=("git",),
    prepare=small,
    rc="PS1='\\w ($(git branch --show-current 2>/dev/null)) e2e$ '\n",
    env=FIXED,
)
def git_branch_in_the_prompt(e: Expert) -> None:
    """A prompt that runs git and shows folder and branch."""
    e.run("git switch -q -c other")
    e.run("mkdir sub; cd sub")
    e.run("git switch -q main; git log --oneline | cat")


@session(tools=("git",), prepare=small, env=FIXED)
def git_clone_and_pull(e: Expert) -> None:
    """Clones from one folder to another, commits in the one, pulls in the other, all on disk."""
    e.run("git clone -q . ../work/copy")
    e.run("cd copy && git config user.email r@example.org && git config user.name R")
    e.run("echo more >> README; git commit -qam More; git push -q origin HEAD:refs/heads/more")
    e.run("cd ..; git --no-pager log --oneline --all")
    e.run("git show more:README | tail -1; rm -rf copy")
