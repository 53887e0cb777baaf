"""All tasks: one module per kind of application in `web_tasks/`."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from web_task import Task, tasks_of

HERE = Path(__file__).resolve().parent


def _collect() -> list[Task]:
    found: list[Task] = []
    for module in sorted(info.name for info in pkgutil.iter_modules([str(HERE / "web_tasks")])):
        found += tasks_of(importlib.import_module(f"web_tasks.{module}"))
    names = [task.name for task in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"two tasks have one name: {twice}"
    return found


TASKS = _collect()
