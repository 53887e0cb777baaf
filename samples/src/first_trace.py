"""The README's demonstration: a bill that loses cents, found by a test and mended by sed. Needs awk and sed only."""

from __future__ import annotations

from pathlib import Path

from expert import Expert
from scenario import folder_files, session

FILES = folder_files(Path(__file__).parent / "workspaces" / "first-trace")


@session(
    files=FILES,
    needs_recorder=True,
    after={"bill.sh": FILES["bill.sh"].replace(b"int($2 * $3)", b"$2 * $3")},
)
def sample_first_trace(e: Expert) -> None:
    """A test of a bill fails; the cents are cut off line by line; sed mends it; the test passes."""
    e.run("ls")
    assert "FAILED" in e.run("./test.sh")
    e.run("cat lunch.txt")
    e.run("grep -n total bill.sh")
    e.run("reenact note 'int() cuts the cents off each line'")
    e.run("sed 's/int(\\($2 \\* $3\\))/\\1/' bill.sh > fixed.sh && cat fixed.sh > bill.sh && rm fixed.sh")
    e.run("cat bill.sh")
    e.run("reenact check -- ./test.sh")
