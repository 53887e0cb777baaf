"""Puts the expert and the sessions on the import path, and lets one choose how sessions are played."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

for folder in (HERE, ROOT / "samples"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stage",
        choices=("plain", "recorded", "both"),
        default="recorded",
        help="end-to-end sessions: play them on plain shells, under the recorder, or both",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Plain shells tell a fault of a session from a fault of the recorder; they prove nothing about the latter."""
    stage = config.getoption("--stage", default="recorded")
    unwanted = {"plain": "recorded", "recorded": "plain"}.get(stage)
    if unwanted is None:
        return
    dropped = [item for item in items if item.get_closest_marker("e2e_stage_" + unwanted)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def pytest_configure(config: pytest.Config) -> None:
    for stage in ("plain", "recorded"):
        config.addinivalue_line("markers", f"e2e_stage_{stage}: an end-to-end session played on that stage")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the sessions that failed at first, with how."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, reason in getattr(report, "user_properties", ()):
                if name == "tried twice" and report.when == "call":
                    why = str(reason).strip().splitlines()
                    terminalreporter.write_line(
                        f"tried twice: {report.nodeid}: {why[0][:120] if why else ''}"
                    )
