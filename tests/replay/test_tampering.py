"""A replay can fail: a trace that lies about one thing, with every hash valid, diverges there and nowhere before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from resealing import Mutant
from small_session import HAS_VIM, TYPO, Reenact

from recorder.trace.events import (
    Change,
    Checked,
    CommandEnded,
    CommandStarted,
    Input,
    Marked,
    Noted,
    TerminalEnded,
    WorkspaceChanged,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("sandbox")]

VERIFIED = ("exact", "equivalent")


class Lie(NamedTuple):
    """What is changed, and what a replay must say to it.

    `step` begins the command of the first step that diverges, in `facet`, with `expected` and `observed` in the
    nearest miss (and `where`, its path or place). With `alone` every other step still holds.
    """

    change: Callable[[Mutant], object]
    step: str
    facet: str
    expected: str
    observed: str
    alone: bool = True
    where: str = ""


def _output_byte(m: Mutant) -> None:
    begin, data = m.shown(m.step("echo begin"))
    m.shown_byte(begin + data.index(b"begin\r\n"), ord("B"))


def _echo_byte(m: Mutant) -> None:
    """In the line as it stood at the prompt, not in what the command printed."""
    begin, _ = m.shown(m.step("cd sub"))
    everything = b"".join(data for _, data in m.output)
    m.shown_byte(everything.rindex(b"cd sub", 0, begin) + 5, ord("p"))


def _exit_code(m: Mutant) -> None:
    m.replace(m.first(CommandEnded, n=m.step("sh -c").command), exit=4)


def _line_key(m: Mutant) -> None:
    """What the trace holds of the line's text stays; only the key differs."""
    m.other_key(m.step("echo begin").typed, b"g", b"k")


def _program_key(m: Mutant) -> None:
    m.other_key(m.step("read").inputs, b"a", b"i")


def _vim_key(m: Mutant) -> None:
    m.other_key(m.step("vim").inputs, b"x", b"~")


def _reward(m: Mutant) -> None:
    m.replace(m.first(Checked), exit=1, reward=0.0)


def _file_content(m: Mutant) -> None:
    changed = m.first(WorkspaceChanged, last=m.step("sed").command)
    (change,) = changed.changes
    assert change.after is not None
    after = m.with_content(change.after, b"the quick brown fox\njumps under the lazy dog\n")
    m.replace(changed, changes=[msgspec.structs.replace(change, after=after)])


def _file_mode(m: Mutant) -> None:
    changed = m.first(WorkspaceChanged, last=m.step("sed").command)
    (change,) = changed.changes
    assert change.after is not None
    after = msgspec.structs.replace(change.after, mode=0o755)
    m.replace(changed, changes=[msgspec.structs.replace(change, after=after)])


def _file_extra(m: Mutant) -> None:
    changed = m.first(WorkspaceChanged, last=m.step("sed").command)
    (change,) = changed.changes
    extra = Change(path="made-up.txt", before=None, after=change.after)
    m.replace(changed, changes=[extra, *changed.changes])


def _file_missing(m: Mutant) -> None:
    changed = m.first(WorkspaceChanged, last=m.step("sed").command)
    m.replace(changed, changes=[])


def _cwd(m: Mutant) -> None:
    ended = m.first(CommandEnded, n=m.step("cd sub").command)
    m.replace(ended, cwd=ended.cwd + "way")


def _start_folder(m: Mutant) -> None:
    m.replace(m.terminal, cwd=m.terminal.cwd + "/sub")


def _command_text(m: Mutant) -> None:
    m.replace(m.first(CommandStarted, n=m.step("echo begin").command), text="echo started")


def _check_exit(m: Mutant) -> None:
    m.replace(m.first(Checked), exit=5)


def _check_line(m: Mutant) -> None:
    m.replace(m.first(Checked), line="pytest -q")


def _check_hidden(m: Mutant) -> None:
    m.events.remove(m.first(Checked))


def _check_made_up(m: Mutant) -> None:
    check = m.first(Checked)
    made_up = msgspec.structs.replace(check, command=m.step("sed").command)
    m.events.insert(m.events.index(check), made_up)


def _began(m: Mutant) -> None:
    started = m.first(CommandStarted, n=m.step("cat notes").command)
    m.replace(started, cwd=started.cwd + "/sub")


def _last_exit(m: Mutant) -> None:
    m.replace(m.first(TerminalEnded), exit=7)


def _note_text(m: Mutant) -> None:
    m.replace(m.first(Noted), text="letters were missing")


def _note_hidden(m: Mutant) -> None:
    m.events.remove(m.first(Noted))


def _mark_made_up(m: Mutant) -> None:
    started = m.first(CommandStarted, n=m.step("sed").command)
    m.events.insert(m.events.index(started) + 1, Marked(t=started.t, source="notes", label="here"))


QUICK = {
    "workspace file": Lie(
        lambda m: m.snapshot_file("notes.txt", TYPO.replace("fox", "fix").encode()),
        "cat notes.txt", "output", "the quick brown fox", "the quick brown fix", alone=False,
    ),
    "output byte": Lie(_output_byte, "echo begin", "output", "Begin", "begin"),
    "exit code": Lie(_exit_code, "sh -c", "exit code", "4", "3"),
    "recorded file": Lie(_file_content, "sed", "files", "under", "over", where="notes.txt"),
}  # fmt: skip

SLOW = {
    "byte of a line's echo": Lie(_echo_byte, "cd sub", "screen", "cd sup", "cd sub"),
    "key of a line": Lie(_line_key, "echo begin", "command text", "echo begin", "echo bekin"),
    "key of a read": Lie(_program_key, "read", "output", "ada", "ida"),
    "environment": Lie(
        lambda m: m.variables(FLAVOUR="lemon"), "echo \"flavour", "output", "flavour vanilla", "flavour lemon",
    ),
    "reward": Lie(_reward, "reenact check", "reward", "0.0", "1.0"),
    "exit of the check": Lie(_check_exit, "reenact check", "reward", "exit 5", "exit 0"),
    "command of the check": Lie(_check_line, "reenact check", "reward", "pytest -q", "grep -q over"),
    "check left out": Lie(_check_hidden, "reenact check", "reward", "no outcome check", "exit 0"),
    "check made up": Lie(_check_made_up, "sed", "reward", "1.0", "nothing"),
    "text of a note": Lie(_note_text, "reenact note", "notes", "were missing", "were swapped"),
    "note left out": Lie(_note_hidden, "reenact note", "notes", "neither note nor mark", "note letters were swapped"),
    "mark made up": Lie(_mark_made_up, "sed", "notes", "mark here", "neither note nor mark"),
    "exit of the shell": Lie(_last_exit, "exit", "exit code", "7", "0"),
    "folder that a command began in": Lie(_began, "cat notes", "working folder", "/work/sub", "/work"),
    "file mode": Lie(_file_mode, "sed", "files", "755", "644", where="notes.txt"),
    "file that was not made": Lie(_file_extra, "sed", "files", "file", "nothing", where="made-up.txt"),
    "file change left out": Lie(_file_missing, "sed", "files", "ovre", "over", where="notes.txt"),
    "working folder": Lie(_cwd, "cd sub", "working folder", "/subway", "/sub"),
    "start folder": Lie(_start_folder, "echo begin", "working folder", "/work", "/work/sub", alone=False),
    "command text": Lie(_command_text, "echo begin", "command text", "echo started", "echo begin"),
}  # fmt: skip
if HAS_VIM:
    SLOW["key in vim"] = Lie(
        _vim_key, "vim", "files", "lum", "Plum", alone=False, where="fruit.txt"
    )  # fmt: skip


def _table() -> list[Any]:
    quick = [pytest.param(lie, id=name) for name, lie in QUICK.items()]
    return quick + [pytest.param(lie, id=name, marks=pytest.mark.slow) for name, lie in SLOW.items()]


@pytest.mark.slow
def test_a_reseal_without_a_change_verifies(mutant: Mutant, reenact: Reenact, tmp_path: Path) -> None:
    done = reenact("replay", mutant.seal(tmp_path / "same.reenact"), "--json")
    assert done.code == 0, done.out
    assert done.json["verdict"] in VERIFIED
    assert {step["verdict"] for step in done.json["steps"]} <= set(VERIFIED)
    assert done.json["reward"] == {"recorded": 1.0, "replayed": 1.0, "verdict": "exact"}
    assert done.json["integrity"]["signature"] == "valid"


@pytest.mark.parametrize("lie", _table())
def test_a_lie_diverges_at_its_step(lie: Lie, mutant: Mutant, reenact: Reenact, tmp_path: Path) -> None:
    at = mutant.step(lie.step).n
    lie.change(mutant)
    done = reenact("replay", mutant.seal(tmp_path / "lie.reenact"), "--json")
    answer = done.json
    verdicts = {step["n"]: step["verdict"] for step in answer["steps"]}
    assert answer["integrity"]["ok"]  # the lie is well-formed: nothing but the replay finds it
    assert (done.code, answer["verdict"]) == (1, "diverged"), verdicts
    assert min(n for n, verdict in verdicts.items() if verdict not in VERIFIED) == at, verdicts
    assert verdicts[at] == "diverged"
    if lie.alone:
        assert [n for n, verdict in verdicts.items() if verdict not in VERIFIED] == [at]
    step = answer["steps"][at - 1]
    misses = [step["miss"], *step["further"]]
    (miss,) = [miss for miss in misses if miss["facet"] == lie.facet]
    if lie.alone:
        assert misses[0] is miss
    assert lie.expected in miss["expected"], miss
    assert lie.observed in miss["observed"], miss
    assert lie.where in (miss["path"] or miss["at"]), miss


@pytest.mark.slow
def test_a_reward_of_no_step_is_not_earned(mutant: Mutant, reenact: Reenact, tmp_path: Path) -> None:
    """A check before everything else, of a command that never was; the real one is left out, and its command."""
    check = mutant.first(Checked)
    last = mutant.step("reenact check").command
    mutant.events = [
        e
        for e in mutant.events
        if e is not check
        and not isinstance(e, TerminalEnded)
        and not (isinstance(e, (CommandStarted, CommandEnded)) and e.n >= (last or 0))
        and not (isinstance(e, Input) and e.commands + 1 >= (last or 0))
    ]
    mutant.events.insert(0, msgspec.structs.replace(check, command=99, t=0))
    done = reenact("replay", mutant.seal(tmp_path / "lie.reenact"), "--json")
    assert {step["verdict"] for step in done.json["steps"]} <= set(VERIFIED), done.out
    assert done.json["reward"] == {"recorded": 1.0, "replayed": None, "verdict": "not reached"}
    assert done.code == 1
