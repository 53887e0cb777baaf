"""What decides whether a trace is in a dataset, and in which part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_traces import Command, made_trace

from recorder.trace.errors import UsageError
from replay import verdicts
from replay.batch.options import SPLITS
from replay.batch.reading import Read, read
from replay.batch.selection import FIELDS, Where, facts_of
from replay.batch.split import group_of, split_of


def row_of(path: Path, longest: int = 10_000) -> Read:
    return read(path, verdicts.sha256_of(path), (), longest)


FACTS: dict[str, Any] = {
    "reward": 1.0,
    "verdict": None,
    "flags": {"unverified"},
    "seconds": 12.5,
    "instruction": "Fix it",
    "annotator": None,
    "tools": {"shell"},
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("reward == 1", True),
        ("reward == 1 and seconds < 12.5", False),
        ("not (reward < 1) and 10 < seconds <= 12.5", True),
        ('"unverified" in flags', True),
        ('"incomplete" not in flags or seconds > 99', True),
        ("verdict in ('exact', 'equivalent')", False),
        ("verdict is None and annotator == None", True),
        ("verdict < 3", False),  # nothing compares with None
        ("'Fix' in instruction", True),
        ("reward > -1", True),
        ("tools == ['shell']", False),
        ("True", True),
    ],
)
def test_where(condition: str, holds: bool) -> None:
    assert Where(condition).holds(FACTS) is holds


@pytest.mark.parametrize(
    "condition",
    [
        "", "reward ==", "rewards == 1", "__import__('os')", "reward.real", "reward == 1; 2", "lambda: 1",
        "[x for x in flags]", "flags[0]", "reward + 1 == 2", "f'{reward}'", "reward if reward else 1", "(reward := 2)",
        "b'a' in flags", "1 << 99",
        "(" * 300 + ")" * 300, "9" * 5000, "a" * 20_000,
    ],
)  # fmt: skip
def test_what_is_no_condition(condition: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        Where(condition)


@given(st.text(max_size=60))
def test_no_text_is_run_or_breaks_it(text: str) -> None:
    try:
        where = Where(text)
    except UsageError:
        return
    assert where.holds(dict.fromkeys(FIELDS)) in (True, False)


def test_facts_have_the_fields(tmp_path: Path) -> None:
    row = row_of(made_trace(tmp_path / "a.reenact", annotator="a7", source_licence="MIT")).row
    facts = facts_of(row)
    assert facts.keys() == FIELDS.keys()
    told = (facts["reward"], facts["annotator"], facts["licence"], facts["recorded"], facts["tools"])
    assert told == (1.0, "a7", "MIT", "2023-11-14", {"shell"})


def test_a_task_is_in_one_part(tmp_path: Path) -> None:
    """However it is spaced, and whoever did it; a trace without a task stands for itself."""
    same = [
        row_of(made_trace(tmp_path / f"{n}.reenact", n, instruction=text, repo=repo)).row
        for n, (text, repo) in enumerate(
            [("Fix  the\nBug", "https://x.example/r.git"), ("fix the bug ", "https://X.example/r/")]
        )
    ]
    assert len({group_of(row) for row in same}) == 1
    alone = [row_of(made_trace(tmp_path / f"{n}.reenact", n, instruction=None)).row for n in (8, 9)]
    assert len({group_of(row) for row in alone}) == 2


@given(st.text(), st.integers(0, 9))
def test_a_part_depends_on_nothing_else(group: str, seed: int) -> None:
    assert split_of(group, (0.8, 0.1, 0.1), seed) == split_of(group, (0.8, 0.1, 0.1), seed)
    assert split_of(group, (1.0, 0.0, 0.0), seed) == "train"
    assert split_of(group, (0.0, 0.0, 1.0), seed) == "test"


def test_parts_have_their_shares() -> None:
    drawn = [split_of(f"task {n}", (0.8, 0.05, 0.15), 3) for n in range(20_000)]
    shares = [drawn.count(name) / len(drawn) for name in SPLITS]
    assert shares == pytest.approx([0.8, 0.05, 0.15], abs=0.01)


TOKEN = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (Command("cat .env", f"GITHUB_TOKEN={TOKEN}\n"), "call_1 answer"),
        (Command(f"curl -H 'Authorization: token {TOKEN}' https://x.example"), "call_1 arguments"),
        (Command("ls", note=f"The token is {TOKEN}."), "assistant message"),
    ],
)
def test_a_secret_is_found_and_never_told(tmp_path: Path, command: Command, place: str) -> None:
    found = row_of(made_trace(tmp_path / "a.reenact", commands=[command]))
    assert place in {leak.place for leak in found.leaks}
    assert TOKEN not in repr(found.leaks)


def test_a_placeholder_is_no_secret(tmp_path: Path) -> None:
    command = Command("cat .env", f"GITHUB_TOKEN={TOKEN}\n")
    found = row_of(made_trace(tmp_path / "a.reenact", commands=[command], placeholders=[TOKEN]))
    assert found.leaks == ()
