"""Paths whose content says nothing about what a command did: it holds times, process ids or packing accidents.

Two strengths. A path under a `git-…` rule stands in the snapshot (replay needs a whole repository) but takes
no part in changes at all. A path under any other rule does take part, as present or absent only: its content
is not compared. The verifier asks `volatile`, the scanner also `followed`. Pure.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """A named rule. `pattern` is searched in the path with a slash on both sides; `why` is for people."""

    name: str
    pattern: re.Pattern[bytes]
    why: str


def _rule(name: str, pattern: bytes, why: str) -> Rule:
    return Rule(name, re.compile(pattern, re.DOTALL), why)


GIT_RULES = (
    _rule("git-lock", rb"\.lock/\Z", "stands only while git works"),
    _rule("git-index", rb"\A/(index|index\.[^/]+|sharedindex\.[^/]+)/", "holds times and inode numbers"),
    _rule("git-objects", rb"\A/objects/", "loose or packed as it happens; refs name what counts"),
    _rule("git-logs", rb"\A/logs/", "holds times"),
    _rule("git-fetch-head", rb"\A/FETCH_HEAD/", "rewritten by every fetch"),
    _rule("git-edit-message", rb"\A/[A-Z]+_EDITMSG/", "the text last offered to an editor"),
    _rule("git-gc", rb"\A/gc\.(pid|log)/", "holds a process id and a host name"),
)
"""Inside a git folder, on the path below it; tried in this order, before `GIT_STABLE`."""

GIT_STABLE = re.compile(
    rb"\A/(HEAD|packed-refs|shallow|description|config|config\.worktree"
    rb"|(ORIG|MERGE|CHERRY_PICK|REVERT|REBASE|AUTO_MERGE)_HEAD|MERGE_(MODE|MSG|RR)|SQUASH_MSG|BISECT_[A-Z_]+"
    rb"|info(/(exclude|attributes|sparse-checkout|grafts))?"
    rb"|(refs|hooks|rebase-merge|rebase-apply|sequencer)(/.*)?)/\Z",
    re.DOTALL,
)
"""Inside a git folder: what a command's effect consists of. Anything else there is under `git-internal`."""

RULES = (
    _rule("python-bytecode", rb"/__pycache__/|\.py[co]/\Z", "holds its source's modification time"),
    _rule("pytest-cache", rb"/\.pytest_cache/", "order and durations of the last run"),
    _rule("mypy-cache", rb"/\.mypy_cache/", "holds modification times"),
    _rule("ruff-cache", rb"/\.ruff_cache/", "holds modification times"),
    _rule("hypothesis", rb"/\.hypothesis/", "random examples"),
    _rule("coverage-data", rb"/\.coverage(\.[^/]+)?/\Z", "holds times, process ids and host names"),
    _rule(
        "vim-swap", rb"/\.[^/]*\.sw[a-p]/\Z", "holds a process id and a host name; stands only while vim runs"
    ),
    _rule("sqlite-shared-memory", rb"-shm/\Z", "lock state of the processes that use the database"),
    _rule("nfs-silly-rename", rb"/\.nfs[0-9a-f]+/\Z", "a deleted file that some process holds open"),
    _rule("desktop-folder-view", rb"/\.DS_Store/\Z", "how a file manager last showed the folder"),
    _rule(
        "program-history",
        rb"/\.(bash_history|zsh_history|python_history|node_repl_history|sqlite_history|psql_history|lesshst"
        rb"|viminfo|viminf[a-z]\.tmp|gdb_history)/\Z",
        "what was typed before, with times",
    ),
)

_GIT = re.compile(rb"\A(?:.*/)?\.git(?=/)", re.DOTALL)
_QUICK = re.compile(
    rb"\.git/|__pycache__|\.py[co]\Z|_cache/|_cache\Z|\.hypothesis|\.coverage|\.sw[a-p]\Z|-shm\Z|\.nfs|\.DS_S"
    rb"|_history\Z|\.lesshst|\.viminf",
    re.DOTALL,
)


def volatile(path: bytes) -> str | None:
    """Name of the rule that says this path's content is not to be compared; None where it counts.

    `path` is relative to the workspace root, without slashes at its ends.
    """
    if not _QUICK.search(path):
        return None
    if b"/" in path and (git := _GIT.match(path)):
        return _git_rule(path[git.end() :] + b"/")
    whole = b"/" + path + b"/"
    return next((rule.name for rule in RULES if rule.pattern.search(whole)), None)


def followed(path: bytes) -> bool:
    """Whether the path takes part in changes; what does not stands in the snapshot only."""
    if b".git/" not in path:
        return True
    rule = volatile(path)
    return rule is None or not rule.startswith("git-")


def _git_rule(below: bytes) -> str | None:
    """The rule for a path below a git folder, given with a slash on both sides."""
    if below.startswith((b"/modules/", b"/worktrees/")):
        # A submodule's or linked worktree's own git folder; its name may itself hold slashes.
        return _nested_rule(below)
    for rule in GIT_RULES:
        if rule.pattern.search(below):
            return rule.name
    return None if GIT_STABLE.match(below) else "git-internal"


def _nested_rule(below: bytes) -> str | None:
    at = below.find(b"/", 1)
    while 0 <= at < len(below) - 1:
        rest = below[at:]
        if GIT_STABLE.match(rest) and not rest.endswith(b".lock/"):
            return None
        at = below.find(b"/", at + 1)
    return "git-internal"
