"""Verdicts beside traces, without a replay."""

from __future__ import annotations

from pathlib import Path

from replay import verdicts
from replay.report.result import Integrity, replay_result, step_result
from replay.verify.compare import compare
from replay.verify.verdict import Observation, Output


def judge(trace: Path, shown: str = "a") -> None:
    """Keeps the verdict of a replay that showed this where `a` was recorded."""
    step = compare(
        Observation(exit=0, output=Output.of(b"a")), Observation(exit=0, output=Output.of(shown.encode()))
    )
    result = replay_result(
        "0190-id", [step_result(1, "command", "ls", step)], digest="ab", clock="page", sandbox="bubblewrap",
        integrity=Integrity(ok=True, signature="valid", recording="complete"),
    )  # fmt: skip
    verdicts.keep(trace, verdicts.sha256_of(trace), result, "0.1.0")
