"""Which sessions of a task make pairs, and why the others make none."""

from __future__ import annotations

from itertools import permutations

import made_rows

from replay.dataset.pairing import Candidate, Pair, candidate, pairs


def of(name: str, reward: float | None, verified: bool = True, task: str = "t") -> Candidate:
    return Candidate(name, task, verified, reward)


def test_the_best_goes_with_the_worst_each_once() -> None:
    found = pairs([of("a", 1.0), of("b", 0.75), of("c", 0.5, verified=False), of("d", 0.0)])
    assert found.pairs == (Pair("a", "d"), Pair("b", "c"))
    assert found.alone == {}


def test_the_order_in_which_they_come_is_all_one() -> None:
    group = [of("a", 1.0), of("b", 1.0), of("c", 0.0), of("d", 0.0, verified=False), of("e", 0.5, task="u")]
    told = {str((pairs(order).pairs, sorted(pairs(order).alone.items()))) for order in permutations(group)}
    assert len(told) == 1


def test_why_there_is_no_pair() -> None:
    def why(*group: Candidate) -> set[str]:
        found = pairs(group)
        assert found.pairs == ()
        assert set(found.alone) == {each.trace_id for each in group}
        return set(found.alone.values())

    assert why(of("a", 1.0)) == {"no other session of its task"}
    assert why(of("a", 1.0), of("b", 0.0, task="u")) == {"no other session of its task"}
    assert why(of("a", 1.0), of("b", 1.0)) == {"all sessions of its task have the same reward"}
    (none_verified,) = why(of("a", 1.0, verified=False), of("b", 0.0, verified=False))
    assert "none is known to be better" in none_verified
    (worse_verified,) = why(of("a", 1.0, verified=False), of("b", 0.0))
    assert "not verified" in worse_verified
    assert why(of("a", 1.0, task=""), of("b", 0.0, task="")) == {"nobody said what the task was"}
    assert "no other session of its task" in why(of("a", 1.0), of("b", None))


def test_a_row_is_known_by_task_verdict_and_reward() -> None:
    row = made_rows.row(repo="https://github.com/acme/shop", commit="c" * 40)
    known = candidate(row)
    assert (known.trace_id, known.verified, known.reward) == (row.trace_id, True, 1.0)
    assert known.task == candidate(made_rows.row(n=2, repo=row.provenance.repo, commit="c" * 40)).task
    assert known.task != candidate(made_rows.row(repo=row.provenance.repo, commit="d" * 40)).task
    assert candidate(made_rows.row(instruction="")).task == ""
    assert not candidate(made_rows.row(verification=None)).verified
