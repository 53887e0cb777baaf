"""A recorded session as a script that does the work again without a person: a task's reference solution. Pure.

Commands run in their order, as they were typed. What was typed into (an editor, a pager) is not: the files that it
changed get the content that they had afterwards, and so do those of editors outside the terminal.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator

from recorder.trace.events import Change, unescape_path
from recorder.trace.steps import Step, is_note
from recorder.trace.volatile import volatile
from replay.dataset.format import Unfit
from replay.dataset.material import Material, check_link
from replay.export.losses import Losses

_LEAVES = re.compile(r"\s*(?:exit|logout)(?:\s+\d+)?\s*;?\s*")
_CHECK = re.compile(r"\s*(?:\S*/)?reenact\s+check\s[^;&|\n]*")
_PLAIN = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9._+-]*(?:/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")

_HEAD = """\
#!/bin/bash
# What the expert did in trace {trace}, step by step.
here=$(cd -- "$(dirname -- "${{BASH_SOURCE[0]}}")" && pwd)
shopt -s expand_aliases
reenact() {{ :; }}  # notes, marks and checks are no part of the work
export -f reenact
"""


class Solution:
    """`script` is solve.sh, `files` what stands beside it."""

    def __init__(self, material: Material, losses: Losses) -> None:
        self.files: dict[str, bytes] = {}
        self._material = material
        self._losses = losses
        self._cwd = ""
        lines = [_HEAD.format(trace=material.manifest.trace_id)]
        lines += self._lines()
        if len(lines) == 1:
            raise Unfit("nothing in it changes anything: it has no command and no edit")
        self.script = "".join(lines).encode("utf-8", "surrogateescape")

    def _lines(self) -> Iterator[str]:
        todo = [step for step in self._material.steps if not _says_only(step)]
        typed_into = {step.command for step in todo if step.command is not None and _typed_into(step)}
        waiting: dict[int, tuple[Change, ...]] = {}
        for step in todo:
            if step.kind == "gesture":
                raise Unfit("it was done in a browser, too: Harbor's tasks are of a terminal")
            if step.kind == "program":
                raise Unfit("its shell told no commands apart: there is nothing to run again")
            changes = step.changes
            if step.kind == "edit":
                yield f"\n# {step.n}: edited outside the terminal\n"
                yield from self._contents(step.n, changes)
                continue
            if _typed_into(step):
                yield f"\n# {step.n}: {_comment(step.text)} (typed into: what it left)\n"
                self._losses.add("keystrokes in a program: its files are given instead", step.n)
            else:
                yield f"\n# {step.n}\n" + self._run(step)
            # Changes of commands that followed too fast stand at the first; what was typed into may be any of them.
            first, last = step.changes_from or step.command or 0, step.changes_through or step.command or 0
            if typed_into & set(range(first, min(last, first + 1000) + 1)):
                waiting[last] = waiting.get(last, ()) + changes
            yield from self._contents(step.n, waiting.pop(step.command or 0, ()))
            if step.cwd_after is not None and not _typed_into(step):
                self._cwd = step.cwd_after
        for last, changes in waiting.items():
            yield from self._contents(last, changes)

    def _run(self, step: Step) -> str:
        move = ""
        if step.cwd_before is not None and step.cwd_before != self._cwd:
            move = f"cd -- {_quoted(step.cwd_before)}\n"
        return move + heredoc(step.text, f"STEP_{step.n}")

    def _contents(self, n: int, changes: tuple[Change, ...]) -> Iterator[str]:
        """Lines that make paths what they became."""
        root = self._material.root
        for change in sorted(changes, key=lambda each: each.path):
            path, after = unescape_path(change.path), change.after
            if b".git" in path.split(b"/"):
                self._losses.add("what was typed into changed git's own files", n)
                continue
            if volatile(path):
                continue
            name = posixpath.join(root, path.decode("utf-8", "surrogateescape"))
            place = _quoted(name)
            if after is None:
                yield f"rm -rf -- {place}\n"
                continue
            if change.before is not None and change.before.type != after.type:
                yield f"rm -rf -- {place}\n"
            if after.type == "folder":
                yield f"mkdir -p -- {place}\n"
                continue
            yield f"mkdir -p -- {_quoted(posixpath.dirname(name))}\n"
            if after.type == "link":
                check_link(path, after)
                target = unescape_path(after.target or "").decode("utf-8", "surrogateescape")
                yield f"ln -sfn -- {_quoted(target)} {place}\n"
            elif after.type == "file":
                known = f"{n}/{path.decode()}" if _PLAIN.fullmatch(path) else f"{n}.odd/{len(self.files)}"
                self.files[f"files/{known}"] = self._material.content(path, after)
                yield f'cat -- "$here"/{_quoted("files/" + known)} > {place}\n'
                yield f"chmod {after.mode & 0o777:o} -- {place}\n"
            else:
                raise Unfit(f"{change.path} became neither file, folder nor link")


def heredoc(text: str, end: str) -> str:
    """Lines by which bash runs `text` in the script's own shell, whatever stands in it: what it cannot parse ends
    nothing, and what reads its standard input finds it empty."""
    while end in text:
        end += "_"
    return f". /dev/stdin <<'{end}'\n{text}\n{end}\n"


def _says_only(step: Step) -> bool:
    """Whether it is no part of the work: a note, a mark, the check, or leaving the shell."""
    if step.kind != "command":
        return False
    checks = step.check is not None and _CHECK.fullmatch(step.text) is not None
    return checks or is_note(step.text) or _LEAVES.fullmatch(step.text) is not None


def _typed_into(step: Step) -> bool:
    return step.kind == "command" and (step.exit is None or any(not given.reply for given in step.inputs))


def _quoted(path: str) -> str:
    return shlex.quote(path)


def _comment(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)[:200]
