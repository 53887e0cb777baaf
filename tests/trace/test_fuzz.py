"""Broken traces by the thousand. The long run: python tests/trace/trace_fuzz.py --count 200000"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import trace_fuzz
from trace_fuzz import fuzz, unpack


def test_a_few_hundred_mutations_raise_nothing_but_rejections(sample: Path) -> None:
    found = fuzz(sample.read_bytes(), unpack(sample), 250, seed=7)
    ways = Counter[str]()
    for (way, _), times in found.items():
        ways[way] += times
    assert len(ways) == 7  # every way of breaking was tried
    assert (
        sum(times for (_, result), times in found.items() if result == "invalid") > 30
    )  # hashes were passed


@pytest.mark.slow
def test_thousands_of_mutations_write_nothing_and_stay_small() -> None:
    done = subprocess.run(
        [sys.executable, trace_fuzz.__file__, "--count", "4000", "--seed", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split("peak memory ")[1].split()[0]) < 256


def test_a_broken_checker_is_caught(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fuzzer itself: where verification says yes to everything, it must fail."""
    monkeypatch.setattr(trace_fuzz, "look", lambda data: "valid")
    with pytest.raises(AssertionError, match="the checker is broken"):
        fuzz(sample.read_bytes(), unpack(sample), 200, seed=1)
