"""git against `git http-backend`: it clones, fetches, pulls and pushes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded_clients import Case, Plan, Run, check_contained, check_replayed
from served_origins import Origin, serving

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
WORK = "for ((i = 0; i < 400000; i++)); do :; done; "
"""Takes a second or more, but on a replay no time: what is committed next has another name there."""
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Expert"), ("EMAIL", "expert@example.org"))
}


@contextmanager
def repositories(private: Path) -> Iterator[Origin]:
    """Two bare repositories of one history, since both ways of asking change theirs."""
    work = private / "work"
    env = {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*words: str) -> None:
        subprocess.run(["git", *words], check=True, env=env, capture_output=True)

    git("init", "-b", "main", str(work))
    for number in range(6):
        (work / f"file{number}.txt").write_text(f"line of file {number}\n" * 200 * number)
        git("-C", str(work), "add", ".")
        git("-C", str(work), "commit", "-m", f"commit {number}")
    served = private / "served"
    for name in ("tool.git", "tls.git"):
        git("clone", "--bare", str(work), str(served / name))
    with serving("repositories", served, private) as origin:
        yield origin


def _all(repository: str, *, tls: bool) -> list[Case]:
    """What is done to one repository, in this order. By TLS git speaks HTTP/2."""
    version, end = ("2", "-tls") if tls else ("1.1", "")
    folder = repository.removesuffix(".git")
    made = [
        ("clone", f"git clone {{url}}/{repository}", "Receiving objects: 100%", 3),
        ("shallow", f"git clone --depth 1 {{url}}/{repository} {folder}-short", "Receiving objects: 100%", 3),
        ("unshallow", f"git -C {folder}-short fetch --unshallow", "objects: 100%", 3),
        ("ls-remote", f"git ls-remote {{url}}/{repository}", "refs/heads/main", 2),
        (
            "commit",
            f"echo more >> {folder}/file1.txt; {'' if tls else WORK}git -C {folder} commit -am more",
            "1 file",
            0,
        ),
        ("push", f"git -C {folder} push", "main -> main", 2),
        ("pull", f"git -C {folder}-short pull", "file1.txt [|] 1", 3),
    ]
    return [
        Case(name + end, command, shows, version=version, tls=tls, flows=flows)
        for name, command, shows, flows in made
    ]


CASES = [*_all("tool.git", tls=False), *_all("tls.git", tls=True)]
PLAN = Plan(
    "git",
    repositories,
    CASES,
    files={".gitignore": "tool*\ntls*\n"},
    env=WHO,
    programs=("git",),
)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_it_replays(case: Case, replayed: Callable[[Plan], Run]) -> None:
    check_replayed(case, replayed(PLAN).outcomes[case.id])


def test_nothing_leaves_the_sandbox(replayed: Callable[[Plan], Run]) -> None:
    check_contained(replayed(PLAN))
