"""Which paths' content counts."""

from __future__ import annotations

import pytest

from recorder.trace.volatile import GIT_RULES, RULES, followed, volatile


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (b"src/main.py", None),
        (b".git", None),
        (b".gitignore", None),
        (b".git/HEAD", None),
        (b".git/refs/heads/main", None),
        (b".git/refs/heads/main.lock", "git-lock"),
        (b".git/refs/stash", None),
        (b".git/packed-refs", None),
        (b".git/ORIG_HEAD", None),
        (b".git/MERGE_HEAD", None),
        (b".git/BISECT_LOG", None),
        (b".git/rebase-merge/git-rebase-todo", None),
        (b".git/rebase-apply", None),
        (b".git/config", None),
        (b".git/info", None),
        (b".git/info/exclude", None),
        (b".git/info/refs", "git-internal"),
        (b".git/hooks/pre-commit", None),
        (b".git/index", "git-index"),
        (b".git/index.lock", "git-lock"),
        (b".git/HEAD.lock", "git-lock"),
        (b".git/objects", "git-objects"),
        (b".git/objects/ab/cdef", "git-objects"),
        (b".git/logs/HEAD", "git-logs"),
        (b".git/FETCH_HEAD", "git-fetch-head"),
        (b".git/COMMIT_EDITMSG", "git-edit-message"),
        (b".git/gc.pid", "git-gc"),
        (b".git/whatever", "git-internal"),
        (b"deep/clone/.git/index", "git-index"),
        (b"deep/clone/.git/HEAD", None),
        (b".git/modules/lib/HEAD", None),
        (b".git/modules/a/b/refs/heads/main", None),
        (b".git/modules/lib/index", "git-internal"),
        (b".git/modules/lib/objects/ab/cd", "git-internal"),
        (b".git/worktrees/w/HEAD", None),
        (b"x.git/objects/ab", None),
        (b"logs/HEAD", None),
        (b"pkg/__pycache__", "python-bytecode"),
        (b"pkg/__pycache__/m.cpython-312.pyc", "python-bytecode"),
        (b"m.pyc", "python-bytecode"),
        (b"m.pyc.txt", None),
        (b".pytest_cache/v/cache/lastfailed", "pytest-cache"),
        (b".mypy_cache/3.12/x.json", "mypy-cache"),
        (b".ruff_cache", "ruff-cache"),
        (b".coverage", "coverage-data"),
        (b".coveragerc", None),
        (b"d/.x.py.swp", "vim-swap"),
        (b"swp", None),
        (b"app.db-shm", "sqlite-shared-memory"),
        (b".bash_history", "program-history"),
        (b"my_bash_history", None),
        (b"new\nline/__pycache__/x", "python-bytecode"),
    ],
)
def test_rules(path: bytes, rule: str | None) -> None:
    assert volatile(path) == rule
    assert followed(path) == (rule is None or not rule.startswith("git-"))


def test_every_rule_has_a_name_of_its_own_and_a_reason() -> None:
    rules = GIT_RULES + RULES
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(rule.why for rule in rules)
    assert all(rule.name.startswith("git-") == (rule in GIT_RULES) for rule in rules)
