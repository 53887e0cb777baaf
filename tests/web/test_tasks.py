"""Every task of the catalogue: recorded by real input through the command line, then replayed twice, origins down."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_catalogue import TASKS
from web_stage import BUNDLES, CHROMIUM, record, replay
from web_task import Task

HOLDS = ("exact", "equivalent")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.skipif(not BUNDLES.is_dir(), reason=f"run `npm ci && npm run build` in {BUNDLES.parent}"),
]


def test_there_are_at_least_thirty() -> None:
    assert len(TASKS) >= 30


@pytest.mark.parametrize("task", [pytest.param(task, id=task.name) for task in TASKS])
def test_records_and_replays(task: Task, tmp_path: Path) -> None:
    trace = record(task, tmp_path)
    answer = replay(trace, "--runs", "2")
    bad = [(step["text"], step["miss"]) for step in answer["steps"] if step["verdict"] not in HOLDS]
    assert bad == []
    assert answer["exit_code"] == 0
    assert len(set(answer["runs"])) == 1
    assert answer["integrity"]["recording"] == "complete"
