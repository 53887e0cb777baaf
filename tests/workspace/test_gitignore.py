"""The ignore rules against git itself."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.sources.workspace.outer import capture, working_root
from recorder.trace.gitignore import MAX_PATTERNS, PatternFile, parse
from recorder.trace.gitindex import tracked
from recorder.trace.ignore import IgnoreRules
from recorder.trace.tree import TreeScanner

Git = Callable[..., bytes]

TOKENS = [
    *(
        "a",
        "b",
        "ab",
        "foo",
        "/",
        "*",
        "**",
        "?",
        "[ab]",
        "[!a]",
        "[^a]",
        "[a-c]",
        "\\",
        "[[:alpha:]]",
        "x.o",
    ),
    *(".o", "!", "**/", "/**", " ", "\t", "[]a]", "[a", "]", "-", "#", "[a-]", "[\\]]", "[[:nope:]]", "\r"),
]
NAMES = ["a", "b", "ab", "foo", "x.o", "c", "-", "foo.o", "abc", "a]", "]b", "a b", "#"]


def seeds(quick: int, all_of_them: int) -> list[object]:
    """Numbers for random tests: the first few in the quick suite, the rest in the whole one."""
    slow = [pytest.param(n, marks=pytest.mark.slow) for n in range(quick, all_of_them)]
    return [*range(quick), *slow]


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def grow(root: Path, chance: random.Random, count: int) -> list[tuple[bytes, bool]]:
    """A random tree: (path, is it a folder)."""
    for _ in range(count):
        path = root / "/".join(chance.choice(NAMES) for _ in range(chance.randint(1, 4)))
        if not any(above.is_file() for above in [path, *path.parents]) and not path.exists():
            write(path)
    return [
        (os.fsencode(path.relative_to(root)), path.is_dir())
        for path in root.rglob("*")
        if ".git" not in path.relative_to(root).parts
    ]


@pytest.mark.parametrize("seed", seeds(1, 6))
def test_random_patterns_say_what_git_says(git: Git, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = tmp_path / "w"
    tree = grow(root, chance, 90)
    folders = {path for path, is_folder in tree if is_folder}
    asked = b"\0".join(path for path, _ in tree)
    for _ in range(60):
        lines = ["".join(chance.choices(TOKENS, k=chance.randint(1, 5))) for _ in range(chance.randint(1, 3))]
        text = "\n".join(lines) + "\n"
        (root / ".gitignore").write_text(text, newline="")
        said = git("check-ignore", "--no-index", "-z", "--stdin", stdin=asked, check=False)
        expected = set(said.split(b"\0")) - {b""}
        patterns = PatternFile(text.encode())
        ours = set()
        for path, _ in tree:
            parts = path.split(b"/")
            for length in range(1, len(parts) + 1):
                entry = b"/".join(parts[:length])
                if patterns.says(entry, entry in folders):
                    ours.add(path)
                    break
        assert ours == expected, text


def kept_by_git(git: Git, cwd: Path) -> set[bytes]:
    """Files that git does not leave out, relative to `cwd`."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=cwd)
    return {path for path in listed.split(b"\0") if path and (cwd / os.fsdecode(path)).is_file()}


def kept_by_us(rules: IgnoreRules, root: Path) -> set[bytes]:
    tree = TreeScanner(root, rules=rules).scan()
    return {
        path for path, state in tree.entries.items() if state.type == "file" and not path.startswith(b".git/")
    }


@pytest.mark.parametrize("seed", seeds(1, 6))
def test_nested_rules_and_tracked_files_leave_out_what_git_leaves_out(
    git: Git, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(100 + seed)
    root = tmp_path / "w"
    tree = grow(root, chance, 80)
    files = [os.fsdecode(path) for path, is_folder in tree if not is_folder]
    folders = [root, *(root / os.fsdecode(path) for path, is_folder in tree if is_folder)]
    (tmp_path / "home/.config/git").mkdir(parents=True)
    for _ in range(12):
        git("rm", "-rq", "--cached", "--ignore-unmatch", ".")
        for folder in folders:
            (folder / ".gitignore").unlink(missing_ok=True)
        tokens = [token for token in TOKENS if token not in ("**", "*")]
        for folder in chance.sample(folders, min(4, len(folders))):
            lines = ["".join(chance.choices(tokens, k=chance.randint(1, 3))) for _ in range(3)]
            (folder / ".gitignore").write_text("\n".join(lines) + "\n!.gitignore\n", newline="")
        (root / ".git/info/exclude").write_text(chance.choice(NAMES) + "\n")
        (tmp_path / "home/.config/git/ignore").write_text(chance.choice(NAMES) + "/\n!foo\n")
        git("add", "-f", "--", *chance.sample(files, 5))
        recorded = IgnoreRules(capture(root))
        assert kept_by_us(recorded, root) == kept_by_git(git, root)
        # What a replay gets: the same, through the captured rules, in a home without them.
        (tmp_path / "home/.config/git/ignore").unlink()
        assert kept_by_us(IgnoreRules.load(recorded.dump()), root) == kept_by_us(recorded, root)
        below = next((folder for folder in folders[1:] if folder.is_dir()), None)
        if below is not None and git("check-ignore", "--no-index", str(below), check=False) == b"":
            inner = IgnoreRules(capture(below))
            assert kept_by_us(inner, below) == kept_by_git(git, below)
            assert kept_by_us(IgnoreRules.load(inner.dump()), below) == kept_by_git(git, below)


def test_a_real_project(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root / ".gitignore", "node_modules/\n*.log\n!keep.log\nbuild\n/dist/*\n!/dist/here\n")
    for name in [
        "src/a.py",
        "node_modules/x/i.js",
        "x.log",
        "keep.log",
        "src/build/o",
        "dist/a",
        "dist/here",
        "sub/dist/a",
    ]:
        write(root / name)
    write(root / "vendor/.gitignore", "*\n")
    write(root / "vendor/lib.c")
    rules = IgnoreRules(capture(root))
    tree = TreeScanner(root, rules=rules).scan()
    assert tree.ignored == [b"dist/a", b"node_modules/", b"src/build/", b"vendor/lib.c", b"x.log"]
    assert b"vendor/.gitignore" in tree.entries, "it ignores itself, but a replay needs the rule"
    everything = TreeScanner(root, rules=IgnoreRules(capture(root, include_ignored=True))).scan()
    assert b"node_modules/x/i.js" in everything.entries
    assert everything.ignored == []


def test_repositories_inside_have_rules_of_their_own(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root / ".gitignore", "*.tmp\n")
    inner = root / "inner"
    inner.mkdir()
    git("init", "-q", cwd=inner)
    write(inner / ".gitignore", "*.o\n")
    for folder in (root, inner):
        write(folder / "x.tmp")
        write(folder / "x.o")
    git("add", "-f", "x.o", cwd=inner)
    write(inner / "y.o")
    assert kept_by_us(IgnoreRules(capture(root)), root) == {
        *(b".gitignore", b"x.o", b"inner/.gitignore", b"inner/x.tmp", b"inner/x.o"),
        *(name for name in kept_by_us(IgnoreRules(capture(root)), root) if b"/.git/" in name),
    }


def test_a_linked_working_tree_and_a_submodule(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root / "a.o")
    write(root / ".gitignore", "*.x\n")
    git("add", "-f", ".")
    git("commit", "-qm", "one")
    (root / ".git/info/exclude").write_text("*.o\n")
    linked = tmp_path / "linked"
    git("worktree", "add", "-q", str(linked))
    for name in ("b.o", "c.x", "d"):
        write(linked / name)
    ours = kept_by_us(IgnoreRules(capture(linked)), linked) - {b".git"}
    assert ours == {b".gitignore", b"a.o", b"d"}

    whole = tmp_path / "whole"
    whole.mkdir()
    git("init", "-q", cwd=whole)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(root), "lib", cwd=whole)
    write(whole / "lib/n.x")
    write(whole / "lib/n.y")
    (whole / ".git/modules/lib/info/exclude").write_text("n.y\n")
    write(whole / ".gitignore", "lib/d\n")
    write(whole / "lib/d")
    ours = kept_by_us(IgnoreRules(capture(whole)), whole)
    assert {path for path in ours if path.startswith(b"lib/")} == {
        b"lib/.git",
        b"lib/.gitignore",
        b"lib/a.o",
        b"lib/d",
    }


def test_outside_git_only_caches_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "w"
    for name in ["node_modules/x", ".venv/bin/python", ".cache/pip/x", "a/.cache/y", ".gitignore", "x.log"]:
        write(root / name)
    (root / ".gitignore").write_text("*.log\n")
    tree = TreeScanner(root, rules=IgnoreRules(capture(root))).scan()
    assert tree.ignored == [b".cache/", b"a/.cache/"]
    assert b"x.log" in tree.entries


def test_a_folder_that_its_repository_ignores_has_no_rules(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root / ".gitignore", "scratch/\n*.log\n")
    write(root / "scratch/work/x.log")
    assert kept_by_us(IgnoreRules(capture(root / "scratch/work")), root / "scratch/work") == {b"x.log"}


def test_the_recorders_own_folders_are_never_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "w"
    write(root / "traces/.keys/signing.pem")
    write(root / "a")
    rules = IgnoreRules(
        capture(root, excluded=[root / "traces", tmp_path / "elsewhere"], include_ignored=True)
    )
    assert kept_by_us(rules, root) == {b"a"}
    assert kept_by_us(IgnoreRules.load(rules.dump()), root) == {b"a"}


def test_working_root(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "w"
    (root / "a/b").mkdir(parents=True)
    assert working_root(root / "a/b") == root
    assert working_root(tmp_path / "home") == tmp_path / "home"
    monkeypatch.setenv("HOME", str(root))
    assert working_root(root / "a/b") == root / "a/b"
    assert working_root(root) == root


def test_patterns_and_their_number_are_bounded() -> None:
    assert len(parse(b"a\n" * (MAX_PATTERNS + 10))) == MAX_PATTERNS
    assert parse(b"x" * 5000 + b"\n#c\n\n!\n/\n[a\n") == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (b"**/" + b"a/**/" * 40 + b"x", b"a/" * 63 + b"y"),
        (b"*a" * 60 + b"b", b"a" * 250),
        (b"/" + b"*a" * 60 + b"b", b"a" * 250),
        (b"*a*a*a/" * 30 + b"b", b"aaaaaaa/" * 30 + b"c"),
        (b"a**/" * 50 + b"b", b"a/" * 60 + b"c"),
        (b"[a-z]*" * 100 + b"!", b"q" * 250),
    ],
)
def test_no_pattern_costs_exponential_time(pattern: bytes, path: bytes) -> None:
    started = time.process_time()
    PatternFile(pattern + b"\n").says(path, False)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("version", "object_format"), [(2, "sha1"), (3, "sha1"), (4, "sha1"), (2, "sha256")])
def test_a_real_index_gives_its_names(git: Git, tmp_path: Path, version: int, object_format: str) -> None:
    root = tmp_path / "r"
    root.mkdir()
    git("init", "-q", f"--object-format={object_format}", cwd=root)
    names = [b"a", b"dir/b c", b"dir/\xc3\xa4", b"x" * 200, b"dir/sub/" + b"y" * 90, b"n\nl", b"\xff"]
    for name in names:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    git("add", ".", cwd=root)
    if version == 3:
        write(root / "later")
        git("add", "-N", "later", cwd=root)  # an extended flag makes it version 3
        names.append(b"later")
    else:
        git("update-index", f"--index-version={version}", cwd=root)
    data = (root / ".git/index").read_bytes()
    assert data[7] == version
    size = 32 if object_format == "sha256" else 20
    assert tracked(data, hash_size=size) == set(names)
    for cut in range(0, len(data), 7):
        assert tracked(data[:cut], hash_size=size) <= set(names)
    chance = random.Random(version)
    for _ in range(200):
        tracked(data[:12] + chance.randbytes(200), hash_size=size)
