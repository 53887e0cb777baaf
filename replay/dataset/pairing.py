"""Which of two sessions of one task did better: pairs for learning from preferences. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from replay.dataset.flags import holds_again
from replay.dataset.row import Row


class Candidate(NamedTuple):
    """What pairing knows of a row, small enough to hold one for every trace. `task` tells instruction, repository and
    commit (empty: nobody said what the task was); `verified`: a replay held. `reward` is None where no outcome was
    checked."""

    trace_id: str
    task: str
    verified: bool
    reward: float | None


class Pair(NamedTuple):
    """Two traces of one task, by their ids."""

    better: str
    worse: str


class Pairs(NamedTuple):
    """The pairs, and by trace id why each of the others is in none."""

    pairs: tuple[Pair, ...]
    alone: dict[str, str]


def candidate(row: Row) -> Candidate:
    """What `pairs` needs to know of a row."""
    known = row.evaluation
    task = ""
    if row.instruction.strip():
        said = (row.instruction, row.provenance.repo, row.provenance.commit)
        task = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
    verified = known.verification is not None and holds_again(known.verification)
    return Candidate(row.trace_id, task, verified, known.reward)


def pairs(candidates: Iterable[Candidate]) -> Pairs:
    """Pairs of sessions with the same instruction, repository and commit. The better is verified and has the higher
    reward; a session is in one pair at most: the best with the worst, the next best with the next worst. The same
    whatever order they come in."""
    found: list[Pair] = []
    alone: dict[str, str] = {}
    tasks: dict[str, list[tuple[float, Candidate]]] = defaultdict(list)
    for each in candidates:
        if not each.task:
            alone[each.trace_id] = "nobody said what the task was"
        elif each.reward is None:
            alone[each.trace_id] = "no outcome was checked: it is neither better nor worse than another"
        else:
            tasks[each.task].append((each.reward, each))
    for _, group in sorted(tasks.items()):
        made, others = _of_one_task(group)
        found += made
        alone |= others
    return Pairs(tuple(found), alone)


def _of_one_task(group: list[tuple[float, Candidate]]) -> tuple[list[Pair], dict[str, str]]:
    found: list[Pair] = []
    better = sorted(
        ((reward, each) for reward, each in group if each.verified),
        key=lambda one: (-one[0], one[1].trace_id),
    )
    worse = sorted(group, key=lambda one: (one[0], one[1].trace_id))
    paired: set[str] = set()
    for reward, each in better:
        if each.trace_id in paired:
            continue
        other = next((one for one in worse if one[1].trace_id not in paired and one[1] is not each), None)
        if other is None or other[0] >= reward:
            break
        found.append(Pair(each.trace_id, other[1].trace_id))
        paired |= {each.trace_id, other[1].trace_id}
    alone = {each.trace_id: _why(group) for _, each in group if each.trace_id not in paired}
    return found, alone


def _why(group: list[tuple[float, Candidate]]) -> str:
    if len(group) == 1:
        return "no other session of its task"
    if not any(each.verified for _, each in group):
        return "no session of its task is verified: none is known to be better"
    if len({reward for reward, _ in group}) == 1:
        return "all sessions of its task have the same reward"
    return "every session of its task that is better or worse is in another pair, or is not verified"
