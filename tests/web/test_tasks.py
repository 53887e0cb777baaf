"""Tasks of the catalogue: recorded by real input through the command line, then replayed twice, origins down.

Every run does one of each kind of application; with REENACT_ALL_TASKS set it does them all, which takes half an hour.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from web_catalogue import TASKS
from web_stage import BUNDLES, CHROMIUM, record, replay
from web_task import Task

EVERY_TIME = frozenset(
    ("admin-edit", "kanban", "code-fix", "wizard", "files", "dashboard", "frames", "chat", "todo-keyboard")
)  # fmt: skip
HOLDS = ("exact", "equivalent")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.skipif(not BUNDLES.is_dir(), reason=f"run `npm ci && npm run build` in {BUNDLES.parent}"),
]


def _parameters() -> list[Any]:
    return [
        pytest.param(
            task, id=task.name, marks=pytest.mark.xfail(reason=task.doubt, strict=False) if task.doubt else ()
        )
        for task in TASKS
        if task.name in EVERY_TIME or os.environ.get("REENACT_ALL_TASKS")
    ]


def test_there_are_at_least_thirty() -> None:
    sure = {task.name for task in TASKS if not task.doubt}
    assert len(sure) >= 30
    assert sure >= EVERY_TIME


@pytest.mark.parametrize("task", _parameters())
def test_records_and_replays(task: Task, tmp_path: Path) -> None:
    trace = record(task, tmp_path)
    answer = replay(trace, "--runs", "2")
    bad = [(step["text"], step["miss"]) for step in answer["steps"] if step["verdict"] not in HOLDS]
    assert bad == []
    assert answer["exit_code"] == 0
    assert len(set(answer["runs"])) == 1, "the replays differ from each other"
    assert answer["integrity"]["recording"] == "complete"
    assert answer["network"]["refused"] == 0
