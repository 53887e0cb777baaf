"""A Python bug found with pytest and fixed in vim: months that overlap by a day."""

from __future__ import annotations

from pathlib import Path

from expert import Expert
from habits import ex, full_screen, save_and_quit
from history import IDENTITY, History
from scenario import folder_files, session

FILES = folder_files(Path(__file__).parent / "workspaces" / "python-bug")
FIXED = FILES["ledger.py"].replace(b"<= entry.day <= end", b"<= entry.day < end")


def prepare(work: Path) -> None:
    History(work).commit("Balances by month")


@session(
    files=FILES,
    prepare=prepare,
    tools=("git", "vim"),
    env=IDENTITY,
    needs_recorder=True,
    after={"ledger.py": FIXED},
)
def sample_python_bug(e: Expert) -> None:
    """Two tests of a ledger fail; a month takes in the first day of the next; the comparison is corrected in vim."""
    e.run("git log --oneline | cat; ls")
    assert "2 failed" in e.run("python3 -m pytest -q")
    e.run("grep -n 'def month_total' -A 5 ledger.py")
    e.run(
        "reenact note 'Both failures are too large by the first entry of the next month: the end must be open.'"
    )
    full_screen(e, "vim ledger.py", "Balances of an account")
    e.type("/<= end")
    e.press("enter")
    e.at(col=70)
    ex(e, "s/<= end/< end/")
    e.see(r"entry\.day < end")
    save_and_quit(e)
    e.run("git --no-pager diff")
    assert "3 passed" in e.run("reenact check -- python3 -m pytest -q")
    e.run("git commit -qam 'A month ends before the next begins' && git status --short")
