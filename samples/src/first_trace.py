"""The README's demonstration: a bill in euros that comes to nothing, found by a test and mended by sed.

A bank's service is up while it is recorded, and gone when it is replayed. Needs awk, curl and sed only.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from expert import Expert
from origin import Answer, Asked, origin
from scenario import folder_files, session

FILES = folder_files(Path(__file__).parent / "workspaces" / "first-trace")
RATES = b'{"chf": 0.88, "eur": 0.92, "gbp": 0.79}\n'


def _rates(asked: Asked) -> Answer:
    if asked.path != "/rates/usd":
        return Answer(b"no such currency\n", 404)
    return Answer(RATES, headers={"Content-Type": "application/json"})


@session(
    files=FILES,
    tools=("curl",),
    origin=partial(origin, "BANK", lambda: _rates),
    options=("--proxy", "--env", "BANK"),
    uses_network=True,
    needs_recorder=True,
    after={"bill.sh": FILES["bill.sh"].replace(rb"[0-9]*", rb"[0-9.]*")},
)
def sample_first_trace(e: Expert) -> None:
    """A test of a bill fails; the rate that the bank tells loses its fraction; sed mends it; the test passes."""
    e.run("ls")
    assert "FAILED" in e.run("./test.sh")
    e.run("sh -x ./bill.sh lunch.txt 2>&1 | grep rate")
    assert "0.92" in e.run("curl -s $BANK/rates/usd")
    e.run("reenact note 'the pattern stops at the point: 0.92 becomes 0'")
    e.run("sed 's/0-9\\]/0-9.]/' bill.sh > fixed.sh && cat fixed.sh > bill.sh && rm fixed.sh")
    e.run("grep sed bill.sh")
    e.run("reenact check -- ./test.sh")
